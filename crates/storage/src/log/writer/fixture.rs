//! What tests of the writer begin with.

use tempfile::TempDir;

use crate::engine::Sqlite;
use crate::record::{Append, ExpectedRevision, NewEvent, StreamAppend};
use crate::schema::{self, Dialect, Part};

/// A database for a log, and the directory that holds it.
pub(super) async fn sqlite() -> (TempDir, Sqlite) {
    let directory = tempfile::tempdir().expect("a directory");
    let sqlite = Sqlite::open(&directory.path().join("log.db"), true, true).expect("opens");
    schema::migrate(&sqlite, Dialect::Sqlite, &[Part::Log])
        .await
        .expect("migrates");
    (directory, sqlite)
}

/// An append of events of these ids and types.
pub(super) fn append(stream: &str, expected: ExpectedRevision, events: &[(u8, &str)]) -> Append {
    let event = |(id, event_type): &(u8, &str)| NewEvent {
        id: [*id; 16],
        event_type: (*event_type).to_owned(),
        schema: 0,
        content_type: "application/json",
        metadata: Vec::new().into(),
        data: b"{}".as_slice().into(),
        sealed: Vec::new(),
    };
    Append {
        request: None,
        category: 5,
        actor: [0; 16],
        causation: [0; 16],
        streams: vec![StreamAppend {
            stream: stream.into(),
            expected,
            events: events.iter().map(event).collect(),
        }],
    }
}
