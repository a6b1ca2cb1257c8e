//! The event with which a log begins. It is the system's own: clients of the EventStoreDB protocol expect one first.

use waystation_storage::{Append, Direction, ExpectedRevision, Log, NewEvent, StorageError, StreamAppend};
use waystation_trust::Keyring;

use crate::error::AppError;
use crate::ids;
use crate::vault::Vault;

/// Header category of the system's own events.
const CATEGORY_SYSTEM: u8 = 5;
/// Metadata stream of the stream that will hold settings: only administrators may write those.
const STREAM: &str = "$$$settings";
const DATA: &[u8] = br#"{"$acl":{"$w":"$admins","$d":"$admins","$mw":"$admins"}}"#;

/// Names the keyring in the first event's metadata.
const KEYRING: &str = "waystation-keyring";

/// Writes the first event of a log that has none. It says which keyring the log's fields are sealed under.
pub(crate) async fn begin(log: &Log, vault: &Vault) -> Result<(), AppError> {
    if log.head().size > 0 {
        return Ok(());
    }
    let keyring = ids::hex(&keyring_id(&*vault.ring().await?));
    let metadata = serde_json::json!({ KEYRING: keyring }).to_string();
    let first = NewEvent {
        sealed: Vec::new(),
        id: ids::digest(&[STREAM.as_bytes()]),
        event_type: "$metadata".into(),
        schema: 0,
        content_type: "application/json",
        metadata: metadata.into_bytes().into(),
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

/// A name of a keyring that tells nothing about what is in it.
pub(crate) fn keyring_id(ring: &Keyring) -> [u8; 16] {
    ring.digest(&[KEYRING.as_bytes()])
}

/// The keyring the log began with; `None` when it was written before logs said so.
pub(crate) async fn keyring_of(log: &Log) -> Result<Option<[u8; 16]>, AppError> {
    let first = log.page_all(1, Direction::Forwards, 1).await?;
    let said = first.first().and_then(|event| {
        let metadata: serde_json::Value = serde_json::from_slice(event.metadata()).ok()?;
        ids::unhex(metadata[KEYRING].as_str()?)
    });
    Ok(said)
}
