//! Several versions of a document in one row: the first whole, each later one as what it changes of the one before.
//!
//! A document that every event of a step touches (the month of a station, under load) would otherwise be a row an event,
//! almost all of it the same.

use std::collections::HashMap;

use bytes::Bytes;

use super::DocumentVersion;

/// Bytes of the later versions of one row: what is read to find one of them, and little enough to stay in a page.
const LATER_BYTES_MAX: usize = 1_024;
/// Bytes before a change: position after the version before, bytes kept at the start and at the end, new bytes between;
/// each as u32, little-endian.
const HEAD: usize = 16;

/// One row.
pub(super) struct Row {
    pub(super) id: String,
    pub(super) from_position: u64,
    pub(super) body: Bytes,
    pub(super) later: Vec<u8>,
    last: (u64, Bytes),
}

/// Puts versions, oldest first, into as few rows as may be.
pub(super) fn pack(documents: Vec<DocumentVersion>) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::with_capacity(documents.len());
    let mut newest: HashMap<String, usize> = HashMap::with_capacity(documents.len());
    for document in documents {
        if let Some(at) = newest.get_mut(&document.id) {
            if !rows[*at].add(&document) {
                *at = rows.len();
                rows.push(Row::of(document));
            }
        } else {
            newest.insert(document.id.clone(), rows.len());
            rows.push(Row::of(document));
        }
    }
    rows
}

/// How many bytes two documents begin with alike, and then end with.
fn alike(before: &[u8], after: &[u8]) -> (usize, usize) {
    let same = |(a, b): &(&u8, &u8)| a == b;
    let start = before.iter().zip(after).take_while(same).count();
    let rests = before[start..].iter().rev().zip(after[start..].iter().rev());
    (start, rests.take_while(same).count())
}

impl Row {
    fn of(document: DocumentVersion) -> Self {
        Self {
            last: (document.from_position, document.body.clone()),
            id: document.id,
            from_position: document.from_position,
            body: document.body,
            later: Vec::new(),
        }
    }

    /// Adds a later version, if there is room.
    fn add(&mut self, document: &DocumentVersion) -> bool {
        let (position, before) = &self.last;
        let (start, end) = alike(before, &document.body);
        let new = &document.body[start..document.body.len() - end];
        // One that does not follow is for the database to refuse.
        let after = document.from_position.checked_sub(*position).filter(|after| *after > 0);
        let Some(Ok(after)) = after.map(u32::try_from) else {
            return false;
        };
        if self.later.len() + HEAD + new.len() > LATER_BYTES_MAX {
            return false;
        }
        // Rows are far smaller than 4 GiB.
        for number in [after, start as u32, end as u32, new.len() as u32] {
            self.later.extend_from_slice(&number.to_le_bytes());
        }
        self.later.extend_from_slice(new);
        self.last = (document.from_position, document.body.clone());
        true
    }
}

/// What a version reads as whose row does not add up: no document, so that whoever reads it stops, and whoever verifies it
/// names it.
const DAMAGED: &[u8] = b"\0the later versions in this row do not add up";

/// The versions of a row, oldest first. Where it does not add up, the last one is [`DAMAGED`].
pub(super) fn unpack(first: DocumentVersion, later: &[u8]) -> Vec<DocumentVersion> {
    let mut versions = vec![first];
    // No row was written with more; what was made longer must not fill memory, and its first byte is no change.
    let mut rest = if later.len() > LATER_BYTES_MAX {
        &later[..1]
    } else {
        later
    };
    while !rest.is_empty() {
        let last = &versions[versions.len() - 1];
        match change(last, rest) {
            Some((next, after)) => {
                versions.push(next);
                rest = after;
            }
            None => {
                let body = DAMAGED.into();
                versions.push(DocumentVersion { body, ..last.clone() });
                break;
            }
        }
    }
    versions
}

/// Applies the first change; says what comes after it.
fn change<'a>(last: &DocumentVersion, changes: &'a [u8]) -> Option<(DocumentVersion, &'a [u8])> {
    let (head, rest) = changes.split_at_checked(HEAD)?;
    let mut numbers = head.chunks_exact(4).map(|four| {
        let four: [u8; 4] = four.try_into().unwrap_or_default();
        u32::from_le_bytes(four)
    });
    let mut next = || numbers.next().map(|number| number as usize);
    let (after, start, end, length) = (next()?, next()?, next()?, next()?);
    let (new, rest) = rest.split_at_checked(length)?;
    let kept = last.body.len().checked_sub(start.checked_add(end)?)?;
    let body = [&last.body[..start], new, &last.body[start + kept..]].concat();
    let version = DocumentVersion {
        id: last.id.clone(),
        from_position: last.from_position.checked_add(after as u64)?,
        body: body.into(),
    };
    (after > 0).then_some((version, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn versions(bodies: &[(u8, Vec<u8>)]) -> Vec<DocumentVersion> {
        let numbered = (1..).zip(bodies);
        numbered
            .map(|(position, (id, body))| DocumentVersion {
                id: format!("d{id}"),
                from_position: position,
                body: body.clone().into(),
            })
            .collect()
    }

    proptest! {
        #[test]
        fn what_is_packed_is_what_is_unpacked(bodies in prop::collection::vec((0_u8..3, prop::collection::vec(0_u8..4, 0..40)), 0..200)) {
            let before = versions(&bodies);
            let rows = pack(before.clone());
            prop_assert!(rows.iter().all(|row| row.later.len() <= LATER_BYTES_MAX));
            let mut after = Vec::new();
            for row in rows {
                let first = DocumentVersion { id: row.id, from_position: row.from_position, body: row.body };
                after.extend(unpack(first, &row.later));
            }
            after.sort_by_key(|version| version.from_position);
            let flat = |versions: &[DocumentVersion]| -> Vec<_> {
                versions.iter().map(|v| (v.from_position, v.id.clone(), v.body.clone())).collect()
            };
            prop_assert_eq!(flat(&before), flat(&after));
        }

        #[test]
        fn a_damaged_row_reads_to_its_end(later in prop::collection::vec(any::<u8>(), 1..80)) {
            let first = DocumentVersion { id: "d".into(), from_position: 1, body: "0123456789".into() };
            let versions = unpack(first, &later);
            prop_assert!(versions.windows(2).all(|pair| pair[0].from_position <= pair[1].from_position));
        }
    }

    #[test]
    fn a_row_that_does_not_add_up_reads_as_no_document() {
        let [first, second] = [(1, "stage ACTIVE"), (2, "stage ENDED")].map(|(from_position, body)| DocumentVersion {
            id: "d".into(),
            from_position,
            body: body.into(),
        });
        let row = pack(vec![first.clone(), second]).remove(0);
        assert_eq!(unpack(first.clone(), &row.later)[1].body, "stage ENDED");
        assert_eq!(
            unpack(first.clone(), &row.later[..row.later.len() - 1])[1].body,
            DAMAGED
        );
        let endless = row.later.repeat(LATER_BYTES_MAX);
        let versions = unpack(first.clone(), &endless);
        assert_eq!((versions.len(), &versions[1].body[..]), (2, DAMAGED));
        let shorter = DocumentVersion {
            body: "".into(),
            ..first
        };
        assert_eq!(unpack(shorter, &row.later)[1].body, DAMAGED);
    }

    #[test]
    fn versions_that_differ_little_share_a_row() {
        let counted: Vec<(u8, Vec<u8>)> = (0..50)
            .map(|n| (0, format!("{{\"count\":{n},\"rest\":true}}").into_bytes()))
            .collect();
        assert_eq!(pack(versions(&counted)).len(), 1);
    }
}
