//! What goes into the log and what comes out of it.

use std::ops::Range;

use bytes::Bytes;
use waystation_trust::{Hash, Header, parse_body};

use crate::error::StorageError;

/// Which of the two logs of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LogName {
    /// Facts.
    Main,
    /// Who read what.
    Access,
}

impl LogName {
    /// Both logs.
    pub const ALL: [LogName; 2] = [LogName::Main, LogName::Access];

    /// Lower-case name, as in table names and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            LogName::Main => "main",
            LogName::Access => "access",
        }
    }
}

/// What the writer believes of a stream before it appends; a wrong belief refuses the append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpectedRevision {
    /// No belief.
    Any,
    /// The stream has no events.
    NoStream,
    /// The stream has at least one event.
    StreamExists,
    /// The last event of the stream has this revision.
    Exact(u64),
}

/// An event to append.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// Unique id, chosen by the writer.
    pub id: [u8; 16],
    /// Type, 1 to [`TYPE_BYTES_MAX`](crate::TYPE_BYTES_MAX) bytes of UTF-8.
    pub event_type: String,
    /// Version of the type's shape; 0 for none.
    pub schema: u16,
    /// Media type of the data, such as `application/json`.
    pub content_type: &'static str,
    /// Bytes about the event; may be empty.
    pub metadata: Bytes,
    /// The event; may be empty.
    pub data: Bytes,
    /// Fields that only the holder of a person's key can read, at most 256.
    pub sealed: Vec<SealedPart>,
}

/// A sealed field: ciphertext, and whose key opens it.
#[derive(Clone, Debug)]
pub struct SealedPart {
    /// Random id of the person.
    pub subject: [u8; 16],
    /// Version of that person's key.
    pub key_version: u32,
    /// Number of the field within the event type.
    pub field: u16,
    /// The ciphertext with all it needs but the key.
    pub envelope: Bytes,
}

/// Events for one stream.
#[derive(Clone, Debug)]
pub struct StreamAppend {
    /// Stream name, 1 to [`STREAM_BYTES_MAX`](crate::STREAM_BYTES_MAX) bytes of UTF-8.
    pub stream: String,
    /// Belief about the stream.
    pub expected: ExpectedRevision,
    /// What to append; none only checks the belief, and then another stream must get an event.
    pub events: Vec<NewEvent>,
}

/// A client's name for one append, so that repeating it cannot append twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// Unique id chosen by the client.
    pub id: [u8; 16],
    /// Digest of what was asked, to tell a repeat from a clash.
    pub fingerprint: [u8; 16],
}

/// One atomic append to one or several streams.
#[derive(Clone, Debug)]
pub struct Append {
    /// Makes the append idempotent.
    pub request: Option<Request>,
    /// Header category: 1 case, 2 access, 3 key, 4 admin, 5 system, 6 foreign.
    pub category: u8,
    /// Principal.
    pub actor: [u8; 16],
    /// Command that caused it.
    pub causation: [u8; 16],
    /// At least one stream; each at most once.
    pub streams: Vec<StreamAppend>,
}

/// Where an append landed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Position of the first event.
    pub first_position: u64,
    /// Position of the last event.
    pub last_position: u64,
    /// Revision of the last event in the first stream of the append that got one.
    pub revision: u64,
    /// When the log came to hold it, microseconds since 1970 UTC.
    pub recorded_us: i64,
    /// True when this request had been appended before and nothing was written now.
    pub replayed: bool,
    /// Leaf of the last event.
    pub leaf: Hash,
}

/// An event as the log holds it. Cheap to clone: it shares the page it was read with. Small: a page has thousands.
#[derive(Clone, Debug)]
pub struct RecordedEvent {
    /// Place in the log, from 1 without gaps.
    pub position: u64,
    /// Place in its stream, from 0 without gaps.
    pub revision: u64,
    /// Unique id.
    pub event_id: [u8; 16],
    /// When the log came to hold it, microseconds since 1970 UTC; never decreases with position.
    pub recorded_us: i64,
    /// Principal.
    pub actor: [u8; 16],
    /// Command that caused it.
    pub causation: [u8; 16],
    /// Version of the type's shape.
    pub schema: u16,
    /// Header, body and leaf, one after the other; all that follows are places in it.
    stored: Bytes,
    header: Range<u32>,
    stream: Range<u32>,
    event_type: Range<u32>,
    content_type: Range<u32>,
    metadata: Range<u32>,
    data: Range<u32>,
}

impl RecordedEvent {
    /// An event from its header, body and leaf, one after the other, and the lengths of the first two.
    pub(crate) fn read(position: u64, stored: Bytes, [header, body]: [usize; 2]) -> Result<Self, StorageError> {
        let corrupt = |what: &str| StorageError::Corrupt {
            position,
            what: what.to_owned(),
        };
        let parsed = Header::parse(&stored[..header]).map_err(|error| corrupt(&error.to_string()))?;
        if parsed.position != position {
            return Err(corrupt("the header belongs to another position"));
        }
        let parts = parse_body(&stored[header..header + body]).map_err(|_| corrupt("the body does not add up"))?;
        let place = |part: Range<usize>| part.start as u32..part.end as u32;
        let within = |text: &str| {
            let start = text.as_ptr() as usize - stored.as_ptr() as usize;
            place(start..start + text.len())
        };
        let [content_type, metadata, data] = parts.map(|part| place(header + part.start..header + part.end));
        Ok(Self {
            position,
            revision: parsed.revision,
            event_id: parsed.event_id,
            recorded_us: parsed.recorded_us,
            actor: parsed.actor,
            causation: parsed.causation,
            schema: parsed.schema,
            header: place(0..header),
            stream: within(parsed.stream),
            event_type: within(parsed.event_type),
            content_type,
            metadata,
            data,
            stored,
        })
    }

    /// Bytes it holds in memory.
    pub(crate) fn size(&self) -> usize {
        self.stored.len()
    }

    fn part(&self, place: &Range<u32>) -> &[u8] {
        &self.stored[place.start as usize..place.end as usize]
    }

    fn share(&self, place: &Range<u32>) -> Bytes {
        self.stored.slice(place.start as usize..place.end as usize)
    }

    /// Stream name.
    pub fn stream(&self) -> &str {
        std::str::from_utf8(self.part(&self.stream)).expect("checked when it was read")
    }

    /// What the stream's name begins with, up to its first dash: the whole name if it has none.
    pub fn category(&self) -> &[u8] {
        let mut parts = self.part(&self.stream).split(|byte| *byte == b'-');
        parts.next().unwrap_or_default()
    }

    /// Event type.
    pub fn event_type(&self) -> &str {
        std::str::from_utf8(self.part(&self.event_type)).expect("checked when it was read")
    }

    /// Stream name; shares the page.
    pub fn stream_bytes(&self) -> Bytes {
        self.share(&self.stream)
    }

    /// Event type; shares the page.
    pub fn event_type_bytes(&self) -> Bytes {
        self.share(&self.event_type)
    }

    /// Bytes about the event; shares the page.
    pub fn metadata_bytes(&self) -> Bytes {
        self.share(&self.metadata)
    }

    /// The event; shares the page.
    pub fn data_bytes(&self) -> Bytes {
        self.share(&self.data)
    }

    /// Media type of the data.
    pub fn content_type(&self) -> &[u8] {
        self.part(&self.content_type)
    }

    /// Bytes about the event.
    pub fn metadata(&self) -> &[u8] {
        self.part(&self.metadata)
    }

    /// The event.
    pub fn data(&self) -> &[u8] {
        self.part(&self.data)
    }

    /// The canonical header: the leaf's preimage.
    pub fn header(&self) -> &[u8] {
        self.part(&self.header)
    }

    /// The leaf hash as stored; `None` when the stored bytes are not a hash.
    pub fn leaf(&self) -> Option<Hash> {
        // The body ends with the data.
        self.stored[self.data.end as usize..].try_into().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_row_is_an_error_and_not_a_panic() {
        let body = waystation_trust::encode_body("application/json", b"{}", b"[1]").expect("fits");
        let header = Header {
            category: 1,
            position: 7,
            event_id: [3; 16],
            stream: "case-7f",
            revision: 2,
            event_type: "case.talk_recorded.v1",
            schema: 1,
            recorded_us: 5,
            actor: [4; 16],
            causation: [5; 16],
            body_length: body.len() as u32,
            body_digest: [6; 32],
            sealed: Vec::new(),
        };
        let header = header.encode().expect("fits");
        let read = |position, header: &[u8], body: &[u8], leaf: &[u8]| {
            let stored = [header, body, leaf].concat().into();
            RecordedEvent::read(position, stored, [header.len(), body.len()])
        };

        let event = read(7, &header, &body, &[9; 32]).expect("reads");
        assert_eq!((event.stream(), event.category()), ("case-7f", &b"case"[..]));
        assert_eq!(event.event_type(), "case.talk_recorded.v1");
        assert_eq!(
            (event.header(), event.content_type()),
            (&header[..], &b"application/json"[..])
        );
        assert_eq!((event.metadata(), event.data()), (&b"{}"[..], &b"[1]"[..]));
        assert_eq!(event.leaf(), Some([9; 32]));
        for length in [0, 31, 33] {
            let event = read(7, &header, &body, &vec![9; length]).expect("reads");
            assert_eq!(event.leaf(), None, "{length} bytes");
        }

        let longer = |part: &[u8]| [part, &[0]].concat();
        let shorter = |part: &[u8]| part[..part.len() - 1].to_vec();
        for damaged in [
            read(8, &header, &body, &[9; 32]),
            // A column that holds no bytes reads as none.
            read(7, &[], &body, &[9; 32]),
            read(7, &header, &[], &[9; 32]),
            read(7, &[], &[], &[]),
            read(7, &longer(&header), &body, &[9; 32]),
            read(7, &shorter(&header), &body, &[9; 32]),
            read(7, &header, &longer(&body), &[9; 32]),
            read(7, &header, &shorter(&body), &[9; 32]),
        ] {
            assert!(matches!(damaged, Err(StorageError::Corrupt { .. })), "{damaged:?}");
        }
    }
}
