//! What is believed of a stream while it is written to: where it ends and whether it was deleted.

use bytes::Bytes;
use waystation_app::{Direction, Log, StorageError};

use super::acl::Acl;
use super::metadata::{self, Limits};
use super::name;
use super::wire::TOMBSTONE;

/// A stream with its metadata stream.
#[derive(Clone, Debug, Default)]
pub(super) struct Stream {
    /// Last revision in the log; `None` when it was never written.
    pub(super) last: Option<u64>,
    /// Closed for good.
    pub(super) tombstoned: bool,
    /// Last revision of the metadata stream.
    pub(super) metadata_last: Option<u64>,
    /// The newest metadata, as written.
    pub(super) metadata: Bytes,
    /// What it means.
    pub(super) limits: Limits,
    /// Who may what.
    pub(super) acl: Acl,
}

impl Stream {
    /// Reads what the log says now of the stream with this name, which is no metadata stream.
    pub(super) async fn read(log: &Log, base: &str) -> Result<Self, StorageError> {
        let metadata_stream = name::metadata_of(base);
        let newest = |name| log.read_stream(name, u64::MAX, Direction::Backwards, 1);
        let (own, metadata) = futures::future::try_join(newest(base), newest(&metadata_stream)).await?;
        let mut read = Self::default();
        if let Some(event) = own.first() {
            read.last = Some(event.revision);
            read.tombstoned = event.event_type() == TOMBSTONE;
        }
        if let Some(event) = metadata.first() {
            read.metadata_last = Some(event.revision);
            read.describe(event.data_bytes());
        }
        Ok(read)
    }

    /// Takes metadata as the newest.
    pub(super) fn describe(&mut self, metadata: Bytes) {
        let read = metadata::read(&metadata);
        self.limits = Limits::of(&read);
        self.acl = Acl::of(&read);
        self.metadata = metadata;
    }

    /// Deleted, and not written to since.
    pub(super) fn deleted(&self) -> bool {
        self.limits.deleted()
    }

    /// Whether the stream has, or had, an event or metadata.
    pub(super) fn known(&self) -> bool {
        self.last.is_some() || self.metadata_last.is_some()
    }
}
