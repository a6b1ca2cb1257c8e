//! Remembers: the event log and the views, on SQLite or PostgreSQL.
//!
//! This is the only room that knows SQL. It knows no domain: a *stream* is a named sequence of events with *revisions*
//! from 0, the *log* is all streams in one order with *positions* from 1, and neither has gaps. A *view* is a set of
//! versioned documents with look-up keys and a checkpoint. Open a [`Store`], append through its [`Log`], read it back
//! with [`Log::read_all`], [`Log::read_stream`] or a [`Subscription`].

mod engine;
mod error;
mod keys;
mod log;
mod logins;
mod record;
mod schema;
mod sealed_keys;
mod store;
#[cfg(feature = "testing")]
pub mod testing;
mod views;

pub use error::StorageError;
pub use keys::{KeyStore, StoredKey};
pub use log::{
    APPEND_EVENTS_MAX, Direction, EVENT_BYTES_MAX, Finding, KeptCheckpoint, Log, Mark, PAGE_BYTES_MAX, PAGE_EVENTS_MAX,
    Pending, STREAM_BYTES_MAX, StoredEvent, Subscription, TYPE_BYTES_MAX, TreeHead, VerifyReport,
};
pub use logins::{StoredFactor, StoredLogin, StoredSession};
pub use record::{
    Append, Appended, ExpectedRevision, LogName, NewEvent, RecordedEvent, Request, SealedPart, StreamAppend,
};
pub use sealed_keys::SealedKey;
pub use store::{Store, StoreOptions, TimeSource};
pub use views::{
    DocumentVersion, Generation, GenerationState, KeyClose, KeyOpen, KeyRange, ListPage, OPEN_END, ViewBatch, ViewStore,
};
