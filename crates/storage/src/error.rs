//! How the store fails.

use crate::engine::EngineError;
use crate::record::ExpectedRevision;

/// A failure of the store. Messages carry names and numbers of the store's own, never event contents.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The stream is not where the writer believed; nothing was written.
    #[error("stream {stream} is at revision {actual:?}, expected {expected:?}")]
    WrongExpectedRevision {
        /// Stream name.
        stream: String,
        /// The belief.
        expected: ExpectedRevision,
        /// Last revision; `None` for a stream without events.
        actual: Option<u64>,
    },
    /// The request id was used before, for something else; nothing was written.
    #[error("the request id was used before with other content")]
    RequestReused,
    /// The append breaks a bound or is empty; nothing was written.
    #[error("the append is invalid: {0}")]
    Invalid(String),
    /// Too many appends are waiting; nothing was written, try again.
    #[error("too many appends are waiting")]
    QueueFull,
    /// The database cannot do this now; nothing was written.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// The log takes no more appends, because it is not the one that others remember; nothing was written.
    #[error("the log is read-only: {0}")]
    ReadOnly(String),
    /// The outcome of the append is not known; repeating it with the same request id is safe.
    #[error("the outcome is not known yet")]
    Unknown,
    /// Stored data contradicts itself.
    #[error("stored data is damaged at position {position}: {what}")]
    Corrupt {
        /// Where; 0 when it is not about one event.
        position: u64,
        /// What contradicts.
        what: String,
    },
    /// The database was written by a newer release, or is not a Waystation database.
    #[error("the database schema is {found}, this binary knows {known}")]
    Schema {
        /// Newest migration found.
        found: i64,
        /// Newest migration known.
        known: i64,
    },
    /// The database URL names no database we can open.
    #[error("{0}")]
    Url(String),
    /// The database failed.
    #[error("the database failed")]
    Database(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<EngineError> for StorageError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Refused(why) => StorageError::Unavailable(why),
            EngineError::Lost(_) => StorageError::Unavailable("the connection was lost".into()),
            EngineError::Unique { constraint } => StorageError::Corrupt {
                position: 0,
                what: format!("unexpected duplicate in {constraint}"),
            },
            EngineError::Other(source) => StorageError::Database(source),
        }
    }
}
