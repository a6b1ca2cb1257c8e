//! Where the events of a stream are, as long as the database's index of streams does not say.
//!
//! Streams are written to in no order, so whoever keeps an index of them writes a page of it for every event: on SQLite
//! 4 KiB of write-ahead log for half a kilobyte of event, and the same again at the checkpoint. There the index is a table
//! that the writer fills for [`STEP`] events at once, sorted, in the transaction of the batch that completes a step; the
//! events since then are known here. What the table holds follows from the size of the log alone. The process has the
//! database to itself, so nobody looks for them elsewhere.
//!
//! PostgreSQL, where other processes read and write, keeps its index with every event, and nothing is known here.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::engine::{Engine, Value};
use crate::error::StorageError;
use crate::record::LogName;

/// Events from one filling of the table to the next. Part of the stored format: which events the table holds follows from
/// it, so it never changes without a migration.
pub(super) const STEP: u64 = 16_384;

/// The table to look events of a stream up in, by `stream` and `revision`: it has their `position`.
pub(super) fn index_of(engine: &dyn Engine, name: LogName) -> String {
    let table = if engine.fills_places() { "place" } else { "event" };
    format!("{}_{table}", name.as_str())
}

/// Positions up to which the table holds every event, in a log of this size.
pub(super) fn filled(size: u64) -> u64 {
    size - size % STEP
}

/// Events that follow one another both in their stream and in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// Number of the stream.
    pub(super) stream: i64,
    /// Revision of the first.
    pub(super) revision: u64,
    /// Position of the first.
    pub(super) position: u64,
    /// How many; at least one.
    pub(super) events: u64,
}

impl Run {
    /// Revision and position of each.
    pub(super) fn events(self) -> impl DoubleEndedIterator<Item = (u64, u64)> {
        (0..self.events).map(move |offset| (self.revision + offset, self.position + offset))
    }

    /// Revision and position of the last.
    pub(super) fn last(self) -> (u64, u64) {
        (self.revision + self.events - 1, self.position + self.events - 1)
    }

    /// What of it is after a position.
    fn after(self, position: u64) -> Option<Run> {
        let gone = (position + 1).saturating_sub(self.position);
        (gone < self.events).then(|| Run {
            revision: self.revision + gone,
            position: self.position + gone,
            events: self.events - gone,
            ..self
        })
    }
}

/// Rows of the table: streams, revisions, positions.
pub(super) type Filling = [Vec<i64>; 3];

/// The events that the table does not hold yet, by the name of their stream; in each in the order of the log.
#[derive(Default)]
pub(super) struct Places {
    recent: Mutex<HashMap<String, Vec<Run>>>,
}

impl Places {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Vec<Run>>> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets everything and reads what the table of a log of this size does not hold.
    pub(super) async fn load(&self, engine: &dyn Engine, name: LogName, size: u64) -> Result<(), StorageError> {
        if !engine.fills_places() {
            return Ok(());
        }
        let log = name.as_str();
        let sql = format!(
            "SELECT s.name, e.stream, e.revision, e.position FROM {log}_event e \
             JOIN {log}_stream s ON s.stream = e.stream WHERE e.position > $1 ORDER BY e.position"
        );
        let rows = engine.query(&sql, vec![Value::I64(filled(size) as i64)]).await?;
        self.lock().clear();
        self.add((0..rows.len()).map(|row| {
            let run = Run {
                stream: rows.i64(row, 1),
                revision: rows.u64(row, 2),
                position: rows.u64(row, 3),
                events: 1,
            };
            (rows.text(row, 0), run)
        }));
        Ok(())
    }

    /// What is known of a stream. Whoever asks the table as well asks it afterwards: what is not here any more by then is
    /// there.
    pub(super) fn of(&self, stream: &str) -> Vec<Run> {
        self.lock().get(stream).cloned().unwrap_or_default()
    }

    /// Adds what was committed, in the order of the log.
    pub(super) fn add(&self, runs: impl IntoIterator<Item = (String, Run)>) {
        let mut recent = self.lock();
        for (stream, run) in runs {
            recent.entry(stream).or_default().push(run);
        }
    }

    /// The rows that bring the table up to a position: of what is known, and of what a batch adds.
    pub(super) fn filling(&self, added: &[(String, Run)], until: u64) -> Filling {
        let recent = self.lock();
        let known = recent.values().flatten().chain(added.iter().map(|(_, run)| run));
        let events = known.flat_map(|run| {
            run.events()
                .map(|(revision, position)| (run.stream, revision, position))
        });
        let mut rows: Vec<(i64, u64, u64)> = events.filter(|(.., position)| *position <= until).collect();
        // Pages of the table that are next to each other are written one after the other.
        rows.sort_unstable();
        let column = |of: fn(&(i64, u64, u64)) -> i64| rows.iter().map(of).collect();
        [
            column(|(stream, ..)| *stream),
            column(|(_, revision, _)| *revision as i64),
            column(|(.., position)| *position as i64),
        ]
    }

    /// Forgets what the table holds now.
    pub(super) fn forget(&self, until: u64) {
        self.lock().retain(|_, runs| {
            *runs = runs.iter().filter_map(|run| run.after(until)).collect();
            !runs.is_empty()
        });
    }
}
