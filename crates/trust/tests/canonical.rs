//! Two byte strings are never one event (T-11): whatever is accepted is written back exactly as it came.

use proptest::prelude::*;
use waystation_trust::{Header, SealedDigest, encode_body, parse_body};

/// What somebody does to bytes who looks for a second form of them.
#[derive(Clone, Debug)]
enum Change {
    Set(usize, u8),
    Insert(usize, Vec<u8>),
    Remove(usize, usize),
    /// A stretch is put somewhere else, too.
    Copy(usize, usize, usize),
    Truncate(usize),
}

fn change() -> impl Strategy<Value = Change> {
    let at = 0..400_usize;
    prop_oneof![
        4 => (at.clone(), any::<u8>()).prop_map(|(at, byte)| Change::Set(at, byte)),
        2 => (at.clone(), proptest::collection::vec(any::<u8>(), 1..40)).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        2 => (at.clone(), 1..40_usize).prop_map(|(at, count)| Change::Remove(at, count)),
        1 => (at.clone(), 1..70_usize, at.clone()).prop_map(|(from, count, to)| Change::Copy(from, count, to)),
        1 => at.prop_map(Change::Truncate),
    ]
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    let within = |at: usize, bytes: &[u8]| at % (bytes.len() + 1);
    match change {
        Change::Set(at, byte) => {
            let at = within(*at, bytes);
            if let Some(place) = bytes.get_mut(at) {
                *place = *byte;
            }
        }
        Change::Insert(at, more) => {
            let at = within(*at, bytes);
            bytes.splice(at..at, more.iter().copied());
        }
        Change::Remove(at, count) => {
            let at = within(*at, bytes);
            bytes.drain(at..(at + count).min(bytes.len()));
        }
        Change::Copy(from, count, to) => {
            let (from, to) = (within(*from, bytes), within(*to, bytes));
            let stretch = bytes[from..(from + count).min(bytes.len())].to_vec();
            bytes.splice(to..to, stretch);
        }
        Change::Truncate(at) => bytes.truncate(within(*at, bytes)),
    }
}

prop_compose! {
    fn header_bytes()(
        numbers in any::<(u8, u64, u64, u16, i64, u32)>(),
        ids in any::<([u8; 16], [u8; 16], [u8; 16], [u8; 32])>(),
        stream in "\\PC{0,40}",
        event_type in "[a-z._\\PC]{0,40}",
        sealed in proptest::collection::vec(any::<([u8; 16], u32, u16, u32, [u8; 32])>(), 0..4),
    ) -> Vec<u8> {
        let part = |(subject, key_version, field, length, digest)| SealedDigest { subject, key_version, field, length, digest };
        let header = Header {
            category: numbers.0,
            position: numbers.1,
            event_id: ids.0,
            stream: &stream,
            revision: numbers.2,
            event_type: &event_type,
            schema: numbers.3,
            recorded_us: numbers.4,
            actor: ids.1,
            causation: ids.2,
            body_length: numbers.5,
            body_digest: ids.3,
            sealed: sealed.into_iter().map(part).collect(),
        };
        header.encode().expect("fits")
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn an_accepted_header_has_no_other_form(mut bytes in header_bytes(), changes in proptest::collection::vec(change(), 0..6)) {
        prop_assert_eq!(Header::parse(&bytes).expect("was written").encode(), Ok(bytes.clone()));
        for change in &changes {
            apply(&mut bytes, change);
            if let Ok(header) = Header::parse(&bytes) {
                prop_assert_eq!(header.encode(), Ok(bytes.clone()));
            }
        }
    }

    #[test]
    fn nor_has_a_body(
        content_type in "[a-z/]{0,20}",
        metadata in proptest::collection::vec(any::<u8>(), 0..40),
        data in proptest::collection::vec(any::<u8>(), 0..40),
        changes in proptest::collection::vec(change(), 0..6),
    ) {
        let mut body = encode_body(&content_type, &metadata, &data).expect("fits");
        for change in &changes {
            let Ok(parts) = parse_body(&body) else { break };
            let [kind, metadata, data] = parts.map(|part| &body[part]);
            if let Ok(kind) = std::str::from_utf8(kind) {
                prop_assert_eq!(encode_body(kind, metadata, data), Ok(body.clone()));
            }
            apply(&mut body, change);
        }
    }

    #[test]
    fn nothing_that_is_read_as_a_header_panics(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let mut framed = b"WSL1\x01".to_vec();
        framed.extend_from_slice(&bytes);
        for bytes in [&bytes, &framed] {
            if let Ok(header) = Header::parse(bytes) {
                prop_assert_eq!(header.encode(), Ok(bytes.clone()));
            }
        }
    }
}
