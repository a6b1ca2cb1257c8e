//! Catch-up subscriptions: from any position through history into the present, without loss, repeat or reorder.

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::error::StorageError;
use crate::log::{Direction, Log, TreeHead};
use crate::record::RecordedEvent;

/// How long a subscriber relies on wake-ups before it asks the database itself.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// A place in the log that moves forward. It reads the database for history and for the present alike; a wake-up only
/// says that looking again is worth it. In history the next page is read while the last one is worked on.
pub struct Subscription {
    log: Log,
    /// First position not given out yet.
    next: u64,
    head: watch::Receiver<TreeHead>,
    /// Read, but not given out.
    ready: Vec<RecordedEvent>,
    ahead: Option<JoinHandle<Result<Vec<RecordedEvent>, StorageError>>>,
}

impl Log {
    /// Subscribes to everything after a position (0 for all).
    pub fn subscribe(&self, after: u64) -> Subscription {
        Subscription {
            log: self.clone(),
            next: after + 1,
            head: self.watch_head(),
            ready: Vec::new(),
            ahead: None,
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
        let mut events = match (&mut self.ahead, self.ready.is_empty()) {
            (_, false) => std::mem::take(&mut self.ready),
            (Some(ahead), true) => {
                let page = ahead
                    .await
                    .unwrap_or(Err(StorageError::Unavailable("a read was cancelled".into())));
                self.ahead = None;
                page?
            }
            (None, true) => self.log.read_all(self.next, Direction::Forwards, limit).await?,
        };
        if let Some(last) = events.last().map(|last| last.position)
            && self.ahead.is_none()
            && self.log.head().size >= last + limit as u64
        {
            let log = self.log.clone();
            let read = async move { log.read_all(last + 1, Direction::Forwards, limit).await };
            self.ahead = Some(tokio::spawn(read));
        }
        if events.len() > limit {
            self.ready = events.split_off(limit);
        }
        for event in &events {
            if event.position != self.next {
                return Err(StorageError::Corrupt {
                    position: self.next,
                    what: "the event is missing".into(),
                });
            }
            self.next += 1;
        }
        Ok(events)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if let Some(ahead) = &self.ahead {
            ahead.abort();
        }
    }
}
