//! Recomputes everything from stored bytes: rows against their leaves, leaves against tiles, tiles against the root.

use std::collections::HashMap;

use waystation_trust::bundle::{Blob, blob_differs};
use waystation_trust::{Hash, Header, Tile, Tree, leaf_hash};

use super::places::filled;
use super::proof::split_hashes;
use super::stored::decode_envelopes;
use crate::engine::Value;
use crate::error::StorageError;
use crate::log::{Log, TreeHead};

/// Events checked between two reports of progress.
const STEP: u64 = 1_024;
/// Findings kept in a report; more would only repeat that the log is damaged.
pub(super) const FINDINGS_MAX: usize = 100;

/// Something that contradicts the log's own hashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// A row of the event table.
    Row {
        /// Which.
        position: u64,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A stored tile.
    Tile {
        /// Tile level, 0 for leaf hashes.
        level: u32,
        /// Place within the level.
        number: u64,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The stored frontier, root or size.
    Tree {
        /// What is wrong with it.
        what: &'static str,
    },
}

impl std::fmt::Display for Finding {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Finding::Row { position, what } => write!(out, "event {position}: {what}"),
            Finding::Tile { level, number, what } => write!(out, "tile {level}/{number}: {what}"),
            Finding::Tree { what } => write!(out, "tree: {what}"),
        }
    }
}

/// What the log is at a size that somebody has made a claim about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The size.
    pub size: u64,
    /// Root of the tree of so many events.
    pub root: Hash,
    /// When the last of them was recorded, microseconds since 1970 UTC.
    pub recorded_us: i64,
    /// When the next one was, if there is one.
    pub next_recorded_us: Option<i64>,
}

/// The result of verifying a log.
#[derive(Clone, Debug)]
pub struct VerifyReport {
    /// Events read.
    pub events: u64,
    /// Tree head recomputed from the stored headers.
    pub computed: TreeHead,
    /// What the log is at the sizes that were asked for, as far as it reaches.
    pub marks: Vec<Mark>,
    /// What contradicts, in log order; at most a hundred.
    pub findings: Vec<Finding>,
}

struct Check {
    tree: Tree,
    full: Vec<Tile>,
    streams: HashMap<i64, (String, u64)>,
    recorded_us: i64,
    marks: Vec<Mark>,
    findings: Vec<Finding>,
}

impl Check {
    /// Notes what the log is now, if that was asked for, and completes the note before.
    fn mark(&mut self, asked: bool) {
        let (size, recorded_us) = (self.tree.size(), self.recorded_us);
        if let Some(before) = self.marks.last_mut().filter(|before| before.size + 1 == size) {
            before.next_recorded_us = Some(recorded_us);
        }
        if asked {
            self.marks.push(Mark {
                size,
                root: self.tree.root(),
                recorded_us,
                next_recorded_us: None,
            });
        }
    }

    fn found(&mut self, finding: Finding) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(finding);
        }
    }
}

impl Log {
    /// Recomputes every digest, leaf, tile and the root from stored bytes. `progress` gets the events done so far and
    /// the total.
    ///
    /// # Errors
    /// Only when the database cannot be read; what is wrong with its contents is in the report.
    pub async fn verify(&self, progress: impl FnMut(u64, u64)) -> Result<VerifyReport, StorageError> {
        self.verify_at(&[], progress).await
    }

    /// As [`Log::verify`], and says what the log is at some sizes, in rising order.
    ///
    /// # Errors
    /// As [`Log::verify`].
    pub async fn verify_at(
        &self,
        sizes: &[u64],
        mut progress: impl FnMut(u64, u64),
    ) -> Result<VerifyReport, StorageError> {
        let mut sizes = sizes.iter().copied().skip_while(|size| *size == 0).peekable();
        let log = self.inner.name.as_str();
        let mut check = Check {
            tree: Tree::default(),
            full: Vec::new(),
            streams: HashMap::new(),
            recorded_us: i64::MIN,
            marks: Vec::new(),
            findings: Vec::new(),
        };
        let fills_places = self.inner.engine.fills_places();
        let placed = if fills_places {
            format!("(SELECT count(*) FROM {log}_place)")
        } else {
            "NULL".to_owned()
        };
        // One statement, one moment: what is appended meanwhile is another verification's work.
        let sql = format!(
            "SELECT size, frontier, root, (SELECT count(*) FROM {log}_tile), (SELECT max(position) FROM {log}_event), \
             {placed} FROM {log}_tree"
        );
        let end = self.inner.engine.query(&sql, Vec::new()).await?;
        let last = if end.is_empty() {
            self.last_row().await?
        } else {
            end.u64(0, 4)
        };
        // What is reported must last.
        self.until_durable(last).await;
        let (place, places) = if fills_places {
            let join = format!("LEFT JOIN {log}_place p ON p.stream = e.stream AND p.revision = e.revision");
            ("p.position", join)
        } else {
            ("e.position", String::new())
        };
        let sql = format!(
            "SELECT e.position, e.stream, e.revision, e.header, e.leaf, e.salt, e.body, s.name, e.sealed, {place} \
             FROM {log}_event e LEFT JOIN {log}_stream s ON s.stream = e.stream {places} \
             WHERE e.position > $1 AND e.position <= $2 ORDER BY e.position LIMIT $3"
        );
        let mut seen = 0;
        while seen < last {
            let parameters = vec![
                Value::I64(seen as i64),
                Value::I64(last as i64),
                Value::I64(STEP as i64),
            ];
            let rows = self.inner.engine.query(&sql, parameters).await?;
            for row in 0..rows.len() {
                let position = rows.u64(row, 0);
                if position != seen + 1 {
                    check.found(Finding::Row {
                        position: seen + 1,
                        what: "the event is missing",
                    });
                }
                seen = position;
                let misplaced = (position <= filled(last) || !rows.is_null(row, 9)) && rows.u64(row, 9) != position;
                let misplaced = misplaced.then_some("the index of streams does not lead to the event");
                let whats = check_row(&mut check, &rows, row, position).or(misplaced);
                if let Some(what) = whats {
                    check.found(Finding::Row { position, what });
                }
                let mut full = std::mem::take(&mut check.full);
                check.tree.append(leaf_hash(rows.slice(row, 3)), &mut full);
                check.full = full;
                check.mark(sizes.next_if_eq(&check.tree.size()).is_some());
                while sizes.next_if_eq(&check.tree.size()).is_some() {}
            }
            if rows.is_empty() {
                break;
            }
            self.check_tiles(&mut check).await?;
            progress(seen, last);
        }
        check_tree(&mut check, &end);
        let computed = TreeHead {
            size: check.tree.size(),
            root: check.tree.root(),
        };
        Ok(VerifyReport {
            events: computed.size,
            computed,
            marks: check.marks,
            findings: check.findings,
        })
    }

    async fn last_row(&self) -> Result<u64, StorageError> {
        let sql = format!("SELECT max(position) FROM {}_event", self.inner.name.as_str());
        Ok(self.inner.engine.query(&sql, Vec::new()).await?.u64(0, 0))
    }

    async fn check_tiles(&self, check: &mut Check) -> Result<(), StorageError> {
        let sql = format!(
            "SELECT hashes, root FROM {}_tile WHERE level = $1 AND number = $2",
            self.inner.name.as_str()
        );
        for tile in std::mem::take(&mut check.full) {
            let key = vec![Value::I64(i64::from(tile.level)), Value::I64(tile.index as i64)];
            let rows = self.inner.engine.query(&sql, key).await?;
            let what = if rows.is_empty() {
                Some("the tile is missing")
            } else if split_hashes(rows.slice(0, 0)).ok().as_ref() != Some(&tile.hashes) {
                Some("the tile differs from the events below it")
            } else if rows.slice(0, 1) != tile.root {
                Some("the tile's root differs from its hashes")
            } else {
                None
            };
            if let Some(what) = what {
                check.found(Finding::Tile {
                    level: tile.level,
                    number: tile.index,
                    what,
                });
            }
        }
        Ok(())
    }
}

/// Compares the tree as it was stored, with its tiles, to the events.
fn check_tree(check: &mut Check, rows: &crate::engine::Rows) {
    let tree = check.tree.clone();
    if rows.is_empty() {
        check.found(Finding::Tree {
            what: "the tree row is missing",
        });
        return;
    }
    let tiles: u64 = (1..8).map(|level| tree.size() >> (8 * level)).sum();
    for (wrong, what) in [
        (
            rows.u64(0, 0) != tree.size(),
            "the size differs from the number of events",
        ),
        (
            rows.slice(0, 1) != tree.peaks().concat(),
            "the frontier differs from the events",
        ),
        (rows.slice(0, 2) != tree.root(), "the root differs from the events"),
        (
            rows.u64(0, 3) != tiles,
            "there are more or fewer tiles than the events fill",
        ),
        (
            !rows.is_null(0, 5) && rows.u64(0, 5) != filled(rows.u64(0, 0)),
            "the index of streams holds more or fewer events than the size says",
        ),
    ] {
        if wrong {
            check.found(Finding::Tree { what });
        }
    }
}

fn check_row(check: &mut Check, rows: &crate::engine::Rows, row: usize, position: u64) -> Option<&'static str> {
    let header_bytes = rows.slice(row, 3);
    let Ok(header) = Header::parse(header_bytes) else {
        return Some("the header does not parse");
    };
    let (stream, revision, body) = (rows.i64(row, 1), rows.u64(row, 2), rows.slice(row, 6));
    let expected = match check.streams.get(&stream) {
        Some((name, last)) if name == header.stream => last + 1,
        Some(_) => return Some("the stream's number and name disagree"),
        None => 0,
    };
    check.streams.insert(stream, (header.stream.to_owned(), revision));
    let backwards = header.recorded_us < check.recorded_us;
    check.recorded_us = check.recorded_us.max(header.recorded_us);
    if leaf_hash(header_bytes) != *rows.slice(row, 4) {
        Some("the header does not hash to the leaf")
    } else if header.position != position {
        Some("the header belongs to another position")
    } else if header.stream.as_bytes() != rows.slice(row, 7) {
        Some("the header belongs to another stream")
    } else if header.revision != revision || revision != expected {
        Some("the revision does not follow the stream's last")
    } else if backwards {
        Some("the recorded time goes backwards")
    } else {
        let Ok(salt) = <&[u8; 16]>::try_from(rows.slice(row, 5)) else {
            return Some("the salt has the wrong length");
        };
        let sealed = rows.bytes(row, 8);
        let Some(envelopes) = decode_envelopes(&sealed) else {
            return Some("the sealed fields do not add up");
        };
        let blob = Blob {
            salt: *salt,
            body,
            envelopes: envelopes.iter().map(AsRef::as_ref).collect(),
        };
        blob_differs(&header, &blob)
    }
}
