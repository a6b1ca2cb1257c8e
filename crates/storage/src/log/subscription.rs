//! Catch-up subscriptions: from any position through history into the present, without loss, repeat or reorder.

use std::collections::VecDeque;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::error::StorageError;
use crate::log::{Direction, Log, PAGE_EVENTS_MAX, POLL_INTERVAL, TreeHead};
use crate::record::RecordedEvent;

/// Pages of history that are read before they are asked for.
const PAGES_AHEAD: usize = 3;

/// A page on its way.
type Reading = JoinHandle<Result<Vec<RecordedEvent>, StorageError>>;

/// A place in the log that moves forward. It reads pages of the log for history and for the present alike; a wake-up
/// only says that looking again is worth it. In history the next pages are read while the last one is worked on.
pub struct Subscription {
    log: Log,
    /// First position not given out yet.
    next: u64,
    head: watch::Receiver<TreeHead>,
    /// Read, but not given out.
    ready: Vec<RecordedEvent>,
    /// Pages on their way, in order, each with its first position.
    ahead: VecDeque<(u64, Reading)>,
    /// First position that is neither read nor on its way.
    read_to: u64,
}

impl Log {
    /// Subscribes to everything after a position (0 for all).
    pub fn subscribe(&self, after: u64) -> Subscription {
        Subscription {
            log: self.clone(),
            next: after + 1,
            head: self.watch_head(),
            ready: Vec::new(),
            ahead: VecDeque::new(),
            read_to: after + 1,
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
                self.log.poll_head().await?;
            }
        }
    }

    /// The next events that are there already, possibly none.
    ///
    /// # Errors
    /// As [`Log::read_all`].
    pub async fn try_next(&mut self, limit: usize) -> Result<Vec<RecordedEvent>, StorageError> {
        let limit = limit.clamp(1, PAGE_EVENTS_MAX);
        let mut events = match self.ahead.front_mut() {
            _ if !self.ready.is_empty() => std::mem::take(&mut self.ready),
            Some((_, ahead)) => {
                let page = ahead
                    .await
                    .unwrap_or(Err(StorageError::Unavailable("a read was cancelled".into())));
                self.ahead.pop_front();
                // Pages after one that failed would leave a hole; they are read again.
                page.inspect_err(|_| self.forget_ahead())?
            }
            None => {
                let page = self.log.page_all(self.next, Direction::Forwards, limit).await?;
                self.read_to = self.next + page.len() as u64;
                page
            }
        };
        let read = self.next + events.len() as u64;
        if self.ahead.front().map_or(self.read_to, |(from, _)| *from) != read {
            // The page ended early, by its bytes; what was to follow it no longer does.
            self.forget_ahead();
            self.read_to = read;
        }
        // History has no end in sight: whole pages can be read before they are asked for.
        while !events.is_empty()
            && self.ahead.len() < PAGES_AHEAD
            && self.log.head().size >= self.read_to + limit as u64
        {
            let (log, from) = (self.log.clone(), self.read_to);
            let read = async move { log.page_all(from, Direction::Forwards, limit).await };
            self.ahead.push_back((from, tokio::spawn(read)));
            self.read_to += limit as u64;
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

impl Subscription {
    fn forget_ahead(&mut self) {
        for (_, page) in self.ahead.drain(..) {
            page.abort();
        }
        self.read_to = self.next;
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.forget_ahead();
    }
}
