//! Between the protocol's messages and the log's.

use std::sync::LazyLock;

use bytes::Bytes;
use uuid::Uuid;
use waystation_api::event_store::client as v1;
use waystation_api::event_store::client::streams::append_resp::{Success, success};
use waystation_app::{EVENT_BYTES_MAX, NewEvent, RecordedEvent, TYPE_BYTES_MAX};

use super::decide::Done;
use super::failure::Failure;

/// Type of the event that closes a stream for good.
pub(super) const TOMBSTONE: &str = "$streamDeleted";
/// Revision that the protocol gives that event. The log numbers it like any other.
pub(super) const TOMBSTONE_REVISION: u64 = i64::MAX as u64;
/// Type of events of metadata streams.
pub(super) const METADATA: &str = "$metadata";
/// Type of links: their data is `revision@stream`.
pub(super) const LINK: &str = "$>";

pub(super) const JSON: &str = "application/json";
pub(super) const OCTETS: &str = "application/octet-stream";

static TYPE_KEY: Bytes = Bytes::from_static(b"type");
static CONTENT_TYPE_KEY: Bytes = Bytes::from_static(b"content-type");
static CREATED_KEY: Bytes = Bytes::from_static(b"created");
static JSON_VALUE: LazyLock<Bytes> = LazyLock::new(|| Bytes::from_static(JSON.as_bytes()));
static OCTETS_VALUE: LazyLock<Bytes> = LazyLock::new(|| Bytes::from_static(OCTETS.as_bytes()));

/// In which form a client wants event ids.
#[derive(Clone, Copy, Debug)]
pub(super) enum IdForm {
    Structured,
    Text,
}

impl IdForm {
    /// What a request asks for; it must ask.
    pub(super) fn of(option: Option<v1::UuidOption>) -> Result<Self, Failure> {
        match option.and_then(|option| option.content) {
            Some(v1::uuid_option::Content::Structured(_)) => Ok(IdForm::Structured),
            Some(v1::uuid_option::Content::String(_)) => Ok(IdForm::Text),
            None => Err(Failure::Invalid("uuid_option: expected structured or string".into())),
        }
    }

    /// An id in this form.
    pub(super) fn id(self, id: [u8; 16]) -> v1::Uuid {
        use v1::uuid::{Structured, Value};
        let value = match self {
            IdForm::Structured => {
                let whole = u128::from_be_bytes(id);
                Value::Structured(Structured {
                    most_significant_bits: (whole >> 64) as i64,
                    least_significant_bits: whole as i64,
                })
            }
            IdForm::Text => Value::String(Uuid::from_bytes(id).to_string()),
        };
        v1::Uuid { value: Some(value) }
    }
}

/// An id in either form.
pub(super) fn id(id: Option<&v1::Uuid>) -> Result<[u8; 16], Failure> {
    use v1::uuid::Value;
    match id.and_then(|id| id.value.as_ref()) {
        Some(Value::Structured(halves)) => {
            let whole = (u128::from(halves.most_significant_bits as u64) << 64)
                | u128::from(halves.least_significant_bits as u64);
            Ok(whole.to_be_bytes())
        }
        Some(Value::String(text)) => Uuid::try_parse(text)
            .map(Uuid::into_bytes)
            .map_err(|_| Failure::Invalid("id: expected a UUID such as 6f1f0b5e-53a5-4f0a-9d0b-0f3f1f6f7a01".into())),
        None => Err(Failure::Invalid("id: expected a UUID".into())),
    }
}

/// A stream by name.
pub(super) fn identifier(stream: &str) -> v1::StreamIdentifier {
    v1::StreamIdentifier {
        stream_name: Bytes::copy_from_slice(stream.as_bytes()),
    }
}

/// A place in the log.
pub(super) fn place(position: u64) -> v1::AllStreamPosition {
    v1::AllStreamPosition {
        commit_position: position,
        prepare_position: position,
    }
}

/// What became of an append.
pub(super) fn success(done: Done) -> Success {
    Success {
        current_revision_option: Some(match done.revision {
            Some(revision) => success::CurrentRevisionOption::CurrentRevision(revision),
            None => success::CurrentRevisionOption::NoStream(v1::Empty {}),
        }),
        position_option: Some(match done.position {
            Some(position) => success::PositionOption::Position(place(position)),
            None => success::PositionOption::NoPosition(v1::Empty {}),
        }),
    }
}

/// Revision as the protocol has it.
pub(super) fn revision(event: &RecordedEvent) -> u64 {
    if event.event_type() == TOMBSTONE {
        TOMBSTONE_REVISION
    } else {
        event.revision
    }
}

/// An event as clients see it; its bytes are shared with the page it was read with.
pub(super) fn recorded(event: &RecordedEvent, ids: IdForm) -> v1::RecordedEvent {
    let content_type = if event.content_type() == JSON.as_bytes() {
        &*JSON_VALUE
    } else {
        &*OCTETS_VALUE
    };
    let created = event.recorded_us.saturating_mul(10).to_string();
    let property = |key: &Bytes, value: Bytes| v1::Property {
        key: key.clone(),
        value,
    };
    v1::RecordedEvent {
        id: Some(ids.id(event.event_id)),
        stream_identifier: Some(v1::StreamIdentifier {
            stream_name: event.stream_bytes(),
        }),
        stream_revision: revision(event),
        prepare_position: event.position,
        commit_position: event.position,
        metadata: vec![
            property(&TYPE_KEY, event.event_type_bytes()),
            property(&CONTENT_TYPE_KEY, content_type.clone()),
            property(&CREATED_KEY, created.into()),
        ],
        custom_metadata: event.metadata_bytes(),
        data: event.data_bytes(),
    }
}

/// An event to append, checked.
pub(super) fn proposed(message: v1::ProposedMessage) -> Result<NewEvent, Failure> {
    let id = id(message.id.as_ref())?;
    let (Some(event_type), Some(content_type)) = (message.metadata.get("type"), message.metadata.get("content-type"))
    else {
        return Err(Failure::MetadataMissing);
    };
    let json = content_type == JSON;
    new_event(id, event_type, json, message.custom_metadata, message.data)
}

/// An event to append, checked.
pub(super) fn new_event(
    id: [u8; 16],
    event_type: &str,
    json: bool,
    metadata: Bytes,
    data: Bytes,
) -> Result<NewEvent, Failure> {
    if event_type.is_empty() || event_type.len() > TYPE_BYTES_MAX {
        return Err(Failure::Invalid(format!("type: expected 1 to {TYPE_BYTES_MAX} bytes")));
    }
    if event_type == TOMBSTONE {
        return Err(Failure::Invalid(format!(
            "type: {TOMBSTONE} is written by Tombstone alone"
        )));
    }
    let size = data.len() + metadata.len();
    if size > EVENT_BYTES_MAX {
        return Err(Failure::EventTooLarge {
            id: Uuid::from_bytes(id).to_string(),
            size,
            max: EVENT_BYTES_MAX,
        });
    }
    Ok(NewEvent {
        sealed: Vec::new(),
        id,
        event_type: event_type.to_owned(),
        schema: 0,
        content_type: if json { JSON } else { OCTETS },
        metadata,
        data,
    })
}

/// The time now, as the protocol says it.
pub(super) fn timestamp(now_us: i64) -> prost_types::Timestamp {
    prost_types::Timestamp {
        seconds: now_us.div_euclid(1_000_000),
        nanos: (now_us.rem_euclid(1_000_000) * 1_000) as i32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_survive_both_forms() {
        let sample = *Uuid::from_u128(0xfedc_ba98_7654_3210_0123_4567_89ab_cdef).as_bytes();
        for form in [IdForm::Structured, IdForm::Text] {
            assert_eq!(id(Some(&form.id(sample))).expect("reads"), sample);
        }
        assert!(id(None).is_err());
        let nonsense = v1::Uuid {
            value: Some(v1::uuid::Value::String("not-a-uuid".into())),
        };
        assert!(id(Some(&nonsense)).is_err());
    }
}
