//! Reading the log: bounded pages in both directions, each checked for holes.

use std::sync::PoisonError;
use std::time::Instant;

use crate::engine::{Rows, Value};
use crate::error::StorageError;
use crate::log::{Log, POLL_INTERVAL, TreeHead};
use crate::record::RecordedEvent;

/// Most events in one page.
pub const PAGE_EVENTS_MAX: usize = 4_096;

/// Which way to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Oldest first.
    Forwards,
    /// Newest first.
    Backwards,
}

impl Direction {
    /// As SQL says it.
    pub(super) fn order(self) -> &'static str {
        match self {
            Direction::Forwards => "ASC",
            Direction::Backwards => "DESC",
        }
    }
}

/// Bytes after which a page ends, however few events it holds.
pub const PAGE_BYTES_MAX: usize = 8 * 1024 * 1024;

impl Log {
    /// Up to `limit` events, starting at `from` (inclusive): positions from 1, or `u64::MAX` for the newest when reading
    /// backwards. Only durable events, and never across a hole.
    ///
    /// # Errors
    /// [`StorageError::Corrupt`] when a position is missing or an event does not parse; [`StorageError::Unavailable`].
    pub async fn read_all(
        &self,
        from: u64,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, StorageError> {
        self.read_all_within(from, direction, limit, usize::MAX).await
    }

    /// As [`Log::read_all`], but the page also ends after [`PAGE_BYTES_MAX`]: only an empty page means that there is no
    /// more.
    ///
    /// # Errors
    /// As [`Log::read_all`].
    pub async fn page_all(
        &self,
        from: u64,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, StorageError> {
        self.read_all_within(from, direction, limit, PAGE_BYTES_MAX).await
    }

    async fn read_all_within(
        &self,
        from: u64,
        direction: Direction,
        limit: usize,
        bytes_max: usize,
    ) -> Result<Vec<RecordedEvent>, StorageError> {
        let log = self.inner.name.as_str();
        let head = self.head().size;
        let limit = limit.min(PAGE_EVENTS_MAX) as u64;
        let (first, last) = match direction {
            Direction::Forwards => {
                let first = from.max(1);
                (first, first.saturating_add(limit - limit.min(1)).min(head))
            }
            Direction::Backwards => {
                let last = from.min(head);
                ((last + 1).saturating_sub(limit).max(1), last)
            }
        };
        if limit == 0 || first > last {
            return Ok(Vec::new());
        }
        if direction == Direction::Forwards
            && let Some(events) = self.inner.tail.read(first, last, bytes_max)
        {
            return Ok(events);
        }
        let sql = format!(
            "SELECT position, header, body, leaf FROM {log}_event WHERE position BETWEEN $1 AND $2 \
             ORDER BY position {}",
            direction.order()
        );
        let parameters = vec![Value::I64(first as i64), Value::I64(last as i64)];
        let rows = self.inner.engine.query_within(&sql, parameters, bytes_max).await?;
        let events = decode(&rows)?;
        let place = |offset: u64| match direction {
            Direction::Forwards => first + offset,
            Direction::Backwards => last - offset,
        };
        for (offset, event) in events.iter().enumerate() {
            if event.position != place(offset as u64) {
                return Err(missing(place(offset as u64)));
            }
        }
        if (events.len() as u64) < last - first + 1 && !rows.is_cut() {
            return Err(missing(place(events.len() as u64)));
        }
        Ok(events)
    }

    /// What a query found may be committed and not synced yet; whoever is told of it must be able to rely on it.
    pub(super) async fn until_durable(&self, position: u64) {
        if self.inner.writes_ahead && position > self.head().size {
            self.inner.engine.sync().await;
        }
    }

    /// The event at a position, if the log is that long.
    ///
    /// # Errors
    /// As [`Log::read_all`].
    pub async fn event_at(&self, position: u64) -> Result<Option<RecordedEvent>, StorageError> {
        if position == 0 {
            return Ok(None);
        }
        Ok(self.read_all(position, Direction::Forwards, 1).await?.pop())
    }

    /// The last position recorded at or before a time (microseconds since 1970 UTC); 0 when there is none.
    ///
    /// # Errors
    /// As [`Log::read_all`].
    pub async fn position_at(&self, recorded_us: i64) -> Result<u64, StorageError> {
        // Recorded times never decrease with position, so this is a binary search.
        let (mut low, mut high) = (0, self.head().size);
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            let event = self.event_at(middle).await?.ok_or_else(|| missing(middle))?;
            if event.recorded_us <= recorded_us {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        Ok(low)
    }

    /// Asks the database for a newer head, in case another process writes too; not if anybody has asked within
    /// [`POLL_INTERVAL`], so that a thousand idle readers cost one question.
    ///
    /// # Errors
    /// As [`Log::read_all`].
    pub async fn poll_head(&self) -> Result<(), StorageError> {
        {
            let mut polled = self.inner.polled.lock().unwrap_or_else(PoisonError::into_inner);
            // Half of it: whoever waits a whole interval must not find that it was asked just before.
            if polled.elapsed() < POLL_INTERVAL / 2 {
                return Ok(());
            }
            *polled = Instant::now();
        }
        self.refresh_head().await
    }

    /// Asks the database for a newer head, in case another process writes too.
    ///
    /// # Errors
    /// As [`Log::read_all`].
    pub async fn refresh_head(&self) -> Result<(), StorageError> {
        // Nobody else writes there, and the tree's row may run ahead of what is durable.
        if self.inner.writes_ahead {
            return Ok(());
        }
        let sql = format!("SELECT size, root FROM {}_tree", self.inner.name.as_str());
        let rows = self.inner.engine.query(&sql, Vec::new()).await?;
        if !rows.is_empty()
            && let Ok(root) = rows.slice(0, 1).try_into()
        {
            let found = TreeHead {
                size: rows.u64(0, 0),
                root,
            };
            self.inner.head.send_if_modified(|head| {
                let newer = found.size > head.size;
                if newer {
                    *head = found;
                }
                newer
            });
        }
        Ok(())
    }
}

pub(super) fn missing(position: u64) -> StorageError {
    StorageError::Corrupt {
        position,
        what: "the event is missing".into(),
    }
}

/// Events of rows of position, header, body and leaf.
pub(super) fn decode(rows: &Rows) -> Result<Vec<RecordedEvent>, StorageError> {
    // Room for all of them at once: a page of history is a megabyte, and growing to it would copy and clear it twice.
    let mut events = Vec::with_capacity(rows.len());
    for row in 0..rows.len() {
        let lengths = [rows.slice(row, 1).len(), rows.slice(row, 2).len()];
        events.push(RecordedEvent::read(rows.u64(row, 0), rows.joined(row, 1..4), lengths)?);
    }
    Ok(events)
}
