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
use crate::log::read::Direction;
use crate::record::LogName;

/// Events from one filling of the table to the next. Part of the stored format: which events the table holds follows from
/// it, so it never changes without a migration. A table that was damaged is made anew by the statements of migration 10.
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

/// What is known of a stream, all of one moment.
pub(super) struct Known {
    /// Revision of the first event that is known here; those before it are in the table.
    pub(super) first: Option<u64>,
    /// Positions of those that were asked for, in the order they were asked for in.
    pub(super) positions: Vec<u64>,
    /// Up to where the table counts. What is there beyond was committed since; part of it may be known here only.
    pub(super) filled: u64,
}

/// See [`Places::ends`].
#[derive(Clone, Copy)]
pub(super) struct Ends {
    /// Revision of the first event.
    pub(super) first: u64,
    /// Revision and position of the last.
    pub(super) last: (u64, u64),
}

/// The events that the table does not hold yet.
pub(super) struct Places {
    recent: Mutex<Recent>,
}

struct Recent {
    /// Everything up to this position is in the table.
    filled: u64,
    /// The others, by the name of their stream; in each in the order of the log.
    streams: HashMap<String, Vec<Run>>,
}

impl Default for Places {
    /// For a database that keeps an index itself: it holds everything.
    fn default() -> Self {
        let recent = Recent {
            filled: i64::MAX as u64,
            streams: HashMap::new(),
        };
        Self {
            recent: Mutex::new(recent),
        }
    }
}

impl Recent {
    fn add(&mut self, stream: String, run: Run) {
        let runs = self.streams.entry(stream).or_default();
        match runs.last_mut() {
            Some(last)
                if last.revision + last.events == run.revision && last.position + last.events == run.position =>
            {
                last.events += run.events;
            }
            _ => runs.push(run),
        }
    }
}

impl Places {
    fn lock(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets everything and reads what the table of a log of this size does not hold; says how many events that is.
    pub(super) async fn load(&self, engine: &dyn Engine, name: LogName, size: u64) -> Result<u64, StorageError> {
        if !engine.fills_places() {
            return Ok(0);
        }
        let log = name.as_str();
        let filled = filled(size);
        // Bounded, also when the size is a lie.
        let sql = format!(
            "SELECT s.name, e.stream, e.revision, e.position FROM {log}_event e \
             JOIN {log}_stream s ON s.stream = e.stream WHERE e.position > $1 AND e.position <= $2 ORDER BY e.position"
        );
        let bounds = [filled, filled + STEP].map(|position| Value::I64(position as i64));
        let rows = engine.query(&sql, bounds.into()).await?;
        let mut recent = Recent {
            filled,
            streams: HashMap::new(),
        };
        for row in 0..rows.len() {
            let run = Run {
                stream: rows.i64(row, 1),
                revision: rows.u64(row, 2),
                position: rows.u64(row, 3),
                events: 1,
            };
            recent.add(rows.text(row, 0), run);
        }
        *self.lock() = recent;
        Ok(rows.len() as u64)
    }

    /// What is known of a stream's events from a revision on, or back from it, and of no more than `limit`. Whoever asks the
    /// table as well asks it afterwards: what is not here any more by then is there.
    pub(super) fn of(&self, stream: &str, from: u64, direction: Direction, limit: usize) -> Known {
        let recent = self.lock();
        let runs = recent.streams.get(stream).map_or(&[][..], Vec::as_slice);
        let positions = match direction {
            Direction::Forwards => {
                let begins = runs.partition_point(|run| run.last().0 < from);
                let events = runs[begins..].iter().copied().flat_map(Run::events);
                let events = events.skip_while(|(revision, _)| *revision < from);
                events.map(|(_, position)| position).take(limit).collect()
            }
            Direction::Backwards => {
                let ends = runs.partition_point(|run| run.revision <= from);
                let events = runs[..ends].iter().rev().copied().flat_map(|run| run.events().rev());
                let events = events.skip_while(|(revision, _)| *revision > from);
                events.map(|(_, position)| position).take(limit).collect()
            }
        };
        Known {
            first: runs.first().map(|run| run.revision),
            positions,
            filled: recent.filled,
        }
    }

    /// Where what is known of a stream begins and ends, if anything is; and up to where the table counts.
    pub(super) fn ends(&self, stream: &str) -> (Option<Ends>, u64) {
        let recent = self.lock();
        let runs = recent.streams.get(stream);
        let ends = runs.and_then(|runs| {
            Some(Ends {
                first: runs.first()?.revision,
                last: runs.last()?.last(),
            })
        });
        (ends, recent.filled)
    }

    /// Adds what was committed, in the order of the log, which has this size now; its batch has filled the table if it
    /// completed a step.
    pub(super) fn committed(&self, runs: Vec<(String, Run)>, size: u64) {
        let mut recent = self.lock();
        for (stream, run) in runs {
            recent.add(stream, run);
        }
        let until = filled(size);
        if until <= recent.filled {
            return;
        }
        recent.filled = until;
        recent.streams.retain(|_, runs| {
            *runs = runs.iter().filter_map(|run| run.after(until)).collect();
            !runs.is_empty()
        });
    }

    /// If a batch completes a step, so that the log has this size: the rows that bring the table up to it, of what is known
    /// and of what the batch adds.
    pub(super) fn filling(&self, added: &[(String, Run)], size: u64) -> Option<Filling> {
        let until = filled(size);
        let mut runs: Vec<Run> = {
            let recent = self.lock();
            if until <= recent.filled {
                return None;
            }
            recent.streams.values().flatten().copied().collect()
        };
        runs.extend(added.iter().map(|(_, run)| run));
        let events = runs.into_iter().flat_map(|run| {
            run.events()
                .map(move |(revision, position)| (run.stream, revision, position))
        });
        let mut rows: Vec<(i64, u64, u64)> = events.filter(|(.., position)| *position <= until).collect();
        // Pages of the table that are next to each other are written one after the other.
        rows.sort_unstable();
        let column = |of: fn(&(i64, u64, u64)) -> i64| rows.iter().map(of).collect();
        Some([
            column(|(stream, ..)| *stream),
            column(|(_, revision, _)| *revision as i64),
            column(|(.., position)| *position as i64),
        ])
    }
}
