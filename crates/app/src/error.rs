//! How the app fails; transports translate each kind once.

use waystation_domain::Rejection;
use waystation_storage::StorageError;
use waystation_trust::KeyringError;

/// A failure. Messages carry ids, codes and numbers, never personal data.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// A rule said no; nothing was written.
    #[error("{0}")]
    Rejected(#[from] Rejection),
    /// The caller's expected revision is not the current one; nothing was written.
    #[error("the record is at revision {actual:?}, expected {expected}")]
    RevisionMismatch {
        /// What the caller believed.
        expected: u64,
        /// What is; `None` when the record does not exist.
        actual: Option<u64>,
    },
    /// Others changed the record again and again; nothing was written, try again.
    #[error("the record is changing too fast")]
    Contention,
    /// The request id was used before with other content; nothing was written.
    #[error("the request id was used before with other content")]
    RequestReused,
    /// A view has not folded that far yet.
    #[error("the view {view} is at position {position}, wanted {wanted}")]
    ProjectionBehind {
        /// View.
        view: &'static str,
        /// Where it is.
        position: u64,
        /// Where it should be.
        wanted: u64,
    },
    /// A view stopped at an event it could not apply.
    #[error("the view {view} has halted: {why}")]
    ProjectionHalted {
        /// View.
        view: &'static str,
        /// Why; never event contents.
        why: String,
    },
    /// The asked-for moment lies beyond the log's end.
    #[error("the log ends at position {head}, asked for {asked}")]
    AsOfInFuture {
        /// Last position.
        head: u64,
        /// Asked for.
        asked: u64,
    },
    /// The page token belongs to another query, or is no token.
    #[error("the page token does not belong to this query")]
    PageTokenMismatch,
    /// There is no such thing.
    #[error("there is no {kind} of this name")]
    NotFound {
        /// What kind of thing.
        kind: &'static str,
    },
    /// A long task of this kind is under way.
    #[error("{0} is under way already")]
    InProgress(&'static str),
    /// A stored event of ours does not read.
    #[error("the event at position {position} does not read: {what}")]
    Undecodable {
        /// Where.
        position: u64,
        /// What; never its contents.
        what: String,
    },
    /// A key is not to be had.
    #[error("a key is not to be had: {0}")]
    Keyring(#[from] KeyringError),
    /// The keyring or the keys are not those the log speaks of: another --keyring or --keys was meant.
    #[error("these are not the keys the log was sealed with; check --keyring and --keys")]
    ForeignKeys,
    /// The keyring's file is missing, readable for others, or cannot be written.
    #[error("the keyring: {0}")]
    KeyringFile(String),
    /// An account has done so much of this that it must wait; nothing was read.
    #[error("enough of this for now: {budget:?}")]
    BudgetSpent {
        /// Of what.
        budget: crate::budget::Budget,
        /// When it may go on, in microseconds since 1970 UTC.
        until_us: i64,
    },
    /// Somebody tried to log in, and failed, too often.
    #[error("too many attempts failed; wait")]
    TooManyAttempts {
        /// When it may be tried again, in microseconds since 1970 UTC.
        until_us: i64,
    },
    /// A task of ours failed.
    #[error("an internal task failed: {0}")]
    Internal(String),
    /// The store failed.
    #[error(transparent)]
    Storage(StorageError),
}

impl From<StorageError> for AppError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::RequestReused => AppError::RequestReused,
            other => AppError::Storage(other),
        }
    }
}
