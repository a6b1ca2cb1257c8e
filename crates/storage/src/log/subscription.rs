//! Catch-up subscriptions: from any position through history into the present, without loss, repeat or reorder.

use std::time::Duration;

use tokio::sync::watch;

use crate::error::StorageError;
use crate::log::{Direction, Log, TreeHead};
use crate::record::RecordedEvent;

/// How long a subscriber relies on wake-ups before it asks the database itself.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// A place in the log that moves forward. It reads the database for history and for the present alike; a wake-up only
/// says that looking again is worth it.
pub struct Subscription {
    log: Log,
    next: u64,
    head: watch::Receiver<TreeHead>,
}

impl Log {
    /// Subscribes to everything after a position (0 for all).
    pub fn subscribe(&self, after: u64) -> Subscription {
        Subscription {
            log: self.clone(),
            next: after + 1,
            head: self.watch_head(),
        }
    }
}

impl Subscription {
    /// The position of the last event given out.
    pub fn position(&self) -> u64 {
        self.next - 1
    }

    /// The next events, at least one and at most `limit`, waiting for them if need be. Dropping the future loses
    /// nothing.
    ///
    /// # Errors
    /// As [`Log::read_all`]; calling again retries.
    pub async fn next(&mut self, limit: usize) -> Result<Vec<RecordedEvent>, StorageError> {
        loop {
            let events = self.try_next(limit).await?;
            if !events.is_empty() {
                return Ok(events);
            }
            self.head.mark_unchanged();
            if self.log.head().size >= self.next {
                continue;
            }
            if tokio::time::timeout(POLL_INTERVAL, self.head.changed()).await.is_err() {
                self.log.refresh_head().await?;
            }
        }
    }

    /// The next events that are there already, possibly none.
    ///
    /// # Errors
    /// As [`Log::read_all`].
    pub async fn try_next(&mut self, limit: usize) -> Result<Vec<RecordedEvent>, StorageError> {
        let events = self.log.read_all(self.next, Direction::Forwards, limit).await?;
        self.next += events.len() as u64;
        Ok(events)
    }
}
