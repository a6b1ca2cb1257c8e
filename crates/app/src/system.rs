//! The event with which a log begins. It is the system's own: clients of the EventStoreDB protocol expect one first.

use waystation_storage::{Append, ExpectedRevision, Log, NewEvent, StorageError, StreamAppend};

use crate::error::AppError;
use crate::ids;

/// Header category of the system's own events.
const CATEGORY_SYSTEM: u8 = 5;
/// Metadata stream of the stream that will hold settings: only administrators may write those.
const STREAM: &str = "$$$settings";
const DATA: &[u8] = br#"{"$acl":{"$w":"$admins","$d":"$admins","$mw":"$admins"}}"#;

/// Writes the first event of a log that has none.
pub(crate) async fn begin(log: &Log) -> Result<(), AppError> {
    if log.head().size > 0 {
        return Ok(());
    }
    let first = NewEvent {
        sealed: Vec::new(),
        id: ids::digest(&[STREAM.as_bytes()]),
        event_type: "$metadata".into(),
        schema: 0,
        content_type: "application/json",
        metadata: Default::default(),
        data: DATA.into(),
    };
    let append = Append {
        request: None,
        category: CATEGORY_SYSTEM,
        actor: ids::principal("system"),
        causation: [0; 16],
        streams: vec![StreamAppend {
            stream: STREAM.into(),
            expected: ExpectedRevision::NoStream,
            events: vec![first],
        }],
    };
    match log.append(append).await {
        // Another process was first.
        Ok(_) | Err(StorageError::WrongExpectedRevision { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
