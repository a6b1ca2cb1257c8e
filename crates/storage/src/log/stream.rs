//! Reading a stream: what the table of places leads to, and what is too new for it.

use super::places::index_of;
use super::read::{Direction, PAGE_BYTES_MAX, PAGE_EVENTS_MAX, decode, missing};
use crate::engine::{ASKED_MAX, Value, in_list};
use crate::error::StorageError;
use crate::log::Log;
use crate::record::RecordedEvent;

/// A page that is being read.
struct Page {
    events: Vec<RecordedEvent>,
    limit: usize,
    /// Bytes it may still grow by.
    bytes: usize,
    /// It ends early, because of its bytes.
    cut: bool,
}

impl Page {
    fn room(&self) -> usize {
        if self.cut { 0 } else { self.limit - self.events.len() }
    }

    /// Whether it begins where it must, or ends there: revisions begin at 0 and have no gaps.
    fn is_whole(&self, from: u64, direction: Direction) -> bool {
        match direction {
            Direction::Forwards => self.events.first().is_none_or(|first| first.revision == from),
            Direction::Backwards => self.room() == 0 || self.events.last().is_none_or(|last| last.revision == 0),
        }
    }

    fn add(&mut self, events: Vec<RecordedEvent>, cut: bool) {
        self.cut = cut;
        for event in events {
            self.bytes = self.bytes.saturating_sub(event.size());
            self.events.push(event);
            if self.bytes == 0 {
                self.cut = true;
                break;
            }
        }
    }
}

impl Log {
    /// Up to `limit` events of a stream, starting at revision `from` (inclusive); `u64::MAX` for the newest when reading
    /// backwards. Empty when the stream has none there, or does not exist.
    ///
    /// # Errors
    /// As [`Log::read_all`].
    pub async fn read_stream(
        &self,
        stream: &str,
        from: u64,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, StorageError> {
        self.read_stream_within(stream, from, direction, limit, usize::MAX)
            .await
    }

    /// As [`Log::read_stream`], but the page also ends after [`PAGE_BYTES_MAX`]: only an empty page means that there is
    /// no more.
    ///
    /// # Errors
    /// As [`Log::read_all`].
    pub async fn page_stream(
        &self,
        stream: &str,
        from: u64,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, StorageError> {
        self.read_stream_within(stream, from, direction, limit, PAGE_BYTES_MAX)
            .await
    }

    async fn read_stream_within(
        &self,
        stream: &str,
        from: u64,
        direction: Direction,
        limit: usize,
        bytes_max: usize,
    ) -> Result<Vec<RecordedEvent>, StorageError> {
        let mut page = Page {
            events: Vec::new(),
            limit: limit.min(PAGE_EVENTS_MAX),
            bytes: bytes_max,
            cut: false,
        };
        let known = self.inner.places.of(stream, from, direction, page.limit);
        match direction {
            Direction::Forwards => {
                let placed = (from, known.first, known.filled);
                self.add_placed(&mut page, stream, placed, direction).await?;
                self.add_recent(&mut page, &known.positions, direction).await?;
            }
            Direction::Backwards => {
                self.add_recent(&mut page, &known.positions, direction).await?;
                let before = [known.first, from.checked_add(1)].into_iter().flatten().min();
                self.add_placed(&mut page, stream, (0, before, known.filled), direction)
                    .await?;
            }
        }
        let is_whole = page.is_whole(from, direction);
        let events = page.events;
        if let Some(newest) = events.iter().map(|event| event.position).max() {
            self.until_durable(newest).await;
        }
        if let Some(other) = events.iter().find(|event| event.stream() != stream) {
            return Err(StorageError::Corrupt {
                position: other.position,
                what: "the index of streams takes it for an event of another stream".into(),
            });
        }
        let gap = |position| StorageError::Corrupt {
            position,
            what: "a revision of the stream is missing".into(),
        };
        if let Some(pair) = events
            .windows(2)
            .find(|pair| pair[0].revision.abs_diff(pair[1].revision) != 1)
        {
            return Err(gap(pair[1].position));
        }
        match events.first() {
            Some(first) if !is_whole => Err(gap(first.position)),
            _ => Ok(events),
        }
    }

    /// Adds the events of a stream that the database leads to: from a revision on, before another, and up to a position.
    async fn add_placed(
        &self,
        page: &mut Page,
        stream: &str,
        (from, before, filled): (u64, Option<u64>, u64),
        direction: Direction,
    ) -> Result<(), StorageError> {
        if page.room() == 0 || before.is_some_and(|before| before <= from) {
            return Ok(());
        }
        let log = self.inner.name.as_str();
        let engine = self.inner.engine.as_ref();
        let places = index_of(engine, self.inner.name);
        // Where the table of places is the events' own, there is nothing to be joined. SQLite joins as it is told with CROSS.
        let join = if engine.fills_places() {
            format!(" CROSS JOIN {log}_event USING (position)")
        } else {
            String::new()
        };
        let order = direction.order();
        let sql = format!(
            "SELECT position, header, body, leaf FROM {places} p{join} \
             WHERE p.stream = (SELECT stream FROM {log}_stream WHERE name = $1) AND p.revision >= $2 AND p.revision < $3 \
             AND p.position <= $4 ORDER BY p.revision {order} LIMIT $5"
        );
        let bound = |revision: u64| Value::I64(i64::try_from(revision).unwrap_or(i64::MAX));
        let parameters = vec![
            Value::Text(stream.to_owned()),
            bound(from),
            bound(before.unwrap_or(u64::MAX)),
            bound(filled),
            Value::I64(page.room() as i64),
        ];
        let rows = engine.query_within(&sql, parameters, page.bytes).await?;
        page.add(decode(&rows)?, rows.is_cut());
        Ok(())
    }

    /// Adds events by their positions, which come in the order of the page.
    async fn add_recent(&self, page: &mut Page, positions: &[u64], direction: Direction) -> Result<(), StorageError> {
        let room = page.room().min(positions.len());
        for chunk in positions[..room].chunks(ASKED_MAX) {
            if page.room() == 0 {
                break;
            }
            if let Some(events) = self.inner.tail.pick(chunk) {
                page.add(events, false);
                continue;
            }
            let values: Vec<Value> = chunk.iter().map(|position| Value::I64(*position as i64)).collect();
            let (marks, parameters) = in_list(&values);
            let sql = format!(
                "SELECT position, header, body, leaf FROM {}_event WHERE position IN ({marks}) ORDER BY position {}",
                self.inner.name.as_str(),
                direction.order()
            );
            let rows = self.inner.engine.query_within(&sql, parameters, page.bytes).await?;
            let events = decode(&rows)?;
            let expected = if rows.is_cut() { events.len() } else { chunk.len() };
            for (number, position) in chunk.iter().take(expected).enumerate() {
                if events.get(number).is_none_or(|event| event.position != *position) {
                    return Err(missing(*position));
                }
            }
            page.add(events, rows.is_cut());
        }
        Ok(())
    }

    /// The last revision of a stream; `None` when it has no event. What the log holds now, whoever wrote it.
    ///
    /// # Errors
    /// As [`Log::read_all`].
    pub async fn last_revision(&self, stream: &str) -> Result<Option<u64>, StorageError> {
        let (revision, position) = match self.inner.places.ends(stream) {
            (Some(ends), _) => ends.last,
            (None, filled) => {
                let log = self.inner.name.as_str();
                let places = index_of(self.inner.engine.as_ref(), self.inner.name);
                let sql = format!(
                    "SELECT revision, position FROM {places} \
                     WHERE stream = (SELECT stream FROM {log}_stream WHERE name = $1) AND position <= $2 \
                     ORDER BY revision DESC LIMIT 1"
                );
                let parameters = vec![Value::Text(stream.to_owned()), Value::I64(filled as i64)];
                let rows = self.inner.engine.query(&sql, parameters).await?;
                if rows.is_empty() {
                    return Ok(None);
                }
                (rows.u64(0, 0), rows.u64(0, 1))
            }
        };
        self.until_durable(position).await;
        Ok(Some(revision))
    }
}
