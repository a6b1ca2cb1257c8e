//! Planning: what of the waiting appends goes into the next batch, and what its commit will change in memory.

use std::collections::HashMap;

use super::{BATCH_BYTES_MAX, BATCH_EVENTS_MAX, Writer};
use crate::engine::{ASKED_MAX, Rows, Value, in_list};
use crate::error::StorageError;
use crate::log::Submission;
use crate::log::batch::{Batch, Origin};
use crate::log::places::{Run, index_of};
use crate::record::{Appended, ExpectedRevision, Request};

/// The last revision of a stream; `None` for a stream without events, which has number 0.
#[derive(Clone, Copy)]
pub(super) struct StreamHead {
    pub(super) number: i64,
    pub(super) revision: Option<u64>,
}

/// What a plan made of one submission.
pub(super) enum Planned {
    /// It is in the batch, and will be this if the batch commits.
    Taken(Appended),
    /// It can be answered without the batch.
    Answered(Result<Appended, StorageError>),
    /// It must wait for the next batch.
    Deferred,
}

/// A batch and what its commit will change in memory.
pub(super) struct Plan {
    pub(super) batch: Batch,
    pub(super) streams: HashMap<String, StreamHead>,
    pub(super) requests: HashMap<[u8; 16], Request>,
    /// Which events of which streams it adds, as long as the database does not know by itself.
    pub(super) runs: Vec<(String, Run)>,
    pub(super) next_stream: i64,
    /// Why nothing of the batch may be written: it holds a part of an append that could not be taken whole.
    pub(super) spoilt: Option<StorageError>,
}

impl Writer {
    /// Makes sure memory knows every stream that is about to be appended to.
    pub(super) async fn look_up_streams(&mut self, waiting: &[Submission]) -> Result<(), StorageError> {
        let streams = waiting.iter().flat_map(|submission| &submission.append.streams);
        let mut unknown: Vec<&str> = streams
            .map(|part| part.stream.as_str())
            .filter(|name| !self.streams.contains(*name))
            .collect();
        unknown.sort_unstable();
        unknown.dedup();
        let log = self.name.as_str();
        for chunk in unknown.chunks(ASKED_MAX) {
            let names: Vec<Value> = chunk.iter().map(|name| Value::Text((*name).to_owned())).collect();
            let (marks, parameters) = in_list(&names);
            let places = index_of(self.engine.as_ref(), self.name);
            let sql = format!(
                "SELECT name, stream, (SELECT max(revision) FROM {places} p WHERE p.stream = s.stream) \
                 FROM {log}_stream s WHERE name IN ({marks})"
            );
            let rows = self.engine.query(&sql, parameters).await?;
            let heads: Vec<_> = (0..rows.len())
                .map(|row| self.head_of(&rows, row))
                .collect::<Result<_, _>>()?;
            for name in chunk {
                // That there is none is worth knowing too.
                let none = StreamHead {
                    number: 0,
                    revision: None,
                };
                self.streams.put((*name).to_owned(), none);
            }
            for (name, head) in heads {
                self.streams.put(name, head);
            }
        }
        Ok(())
    }

    /// Where a stream ends: by a row of its name, its number and the last revision in the database's index, and by what is
    /// known of its newest events. Asked in any order: nobody but the writer changes either.
    fn head_of(&self, rows: &Rows, row: usize) -> Result<(String, StreamHead), StorageError> {
        let (name, number) = (rows.text(row, 0), rows.i64(row, 1));
        let placed = (!rows.is_null(row, 2)).then(|| rows.u64(row, 2));
        let newest = self.places.ends(&name).0;
        if newest.is_some_and(|newest| newest.first != placed.map_or(0, |placed| placed + 1)) {
            return Err(StorageError::Corrupt {
                position: self.tree.size(),
                what: "the index of streams misses events of a stream".into(),
            });
        }
        let revision = newest.map(|newest| newest.last.0).or(placed);
        Ok((name, StreamHead { number, revision }))
    }

    /// Decides each submission in order against memory plus what the batch holds so far.
    pub(super) async fn plan(&mut self, waiting: &[Submission]) -> (Plan, Vec<Planned>) {
        let recorded_us = self.recorded_us.max((self.time)());
        self.recorded_us = recorded_us;
        let mut plan = Plan {
            batch: Batch::new(self.name, &self.tree, recorded_us),
            streams: HashMap::new(),
            requests: HashMap::new(),
            runs: Vec::new(),
            next_stream: self.next_stream,
            spoilt: None,
        };
        let mut planned = Vec::with_capacity(waiting.len());
        for submission in waiting {
            planned.push(self.plan_one(&mut plan, submission).await);
            if plan.spoilt.is_some() {
                break;
            }
        }
        (plan, planned)
    }

    async fn plan_one(&mut self, plan: &mut Plan, submission: &Submission) -> Planned {
        let append = &submission.append;
        if plan.batch.events() >= BATCH_EVENTS_MAX || plan.batch.bytes() >= BATCH_BYTES_MAX {
            return Planned::Deferred;
        }
        if let Some(request) = append.request {
            if plan.requests.contains_key(&request.id) {
                return Planned::Deferred;
            }
            if self.requests.contains(&request.id) {
                return match self.repeat(Some(request)).await {
                    Ok(found) => Planned::Answered(found.unwrap_or(Err(StorageError::Unknown))),
                    Err(error) => Planned::Answered(Err(error)),
                };
            }
        }
        let mut heads = Vec::with_capacity(append.streams.len());
        for part in &append.streams {
            let head = plan
                .streams
                .get(&part.stream)
                .or_else(|| self.streams.get(&part.stream))
                .copied();
            let actual = head.and_then(|head| head.revision);
            let fits = match part.expected {
                ExpectedRevision::Any => true,
                ExpectedRevision::NoStream => actual.is_none(),
                ExpectedRevision::StreamExists => actual.is_some(),
                ExpectedRevision::Exact(revision) => actual == Some(revision),
            };
            if !fits {
                // A repeat of a committed request finds the stream moved on by itself.
                return Planned::Answered(match self.repeat(append.request).await {
                    Ok(Some(result)) => result,
                    Ok(None) => Err(StorageError::WrongExpectedRevision {
                        stream: part.stream.clone(),
                        expected: part.expected,
                        actual,
                    }),
                    Err(error) => Err(error),
                });
            }
            heads.push(head);
        }
        self.take(plan, submission, &heads)
    }

    /// Puts a submission that fits into the batch.
    fn take(&self, plan: &mut Plan, submission: &Submission, heads: &[Option<StreamHead>]) -> Planned {
        let append = &submission.append;
        let origin = Origin {
            category: append.category,
            actor: append.actor,
            causation: append.causation,
        };
        let events: usize = append.streams.iter().map(|part| part.events.len()).sum();
        let first_position = plan.batch.next_position();
        let mut request = append.request.map(|request| (request, events));
        let mut first_revision = None;
        for (part, head) in append.streams.iter().zip(heads) {
            if part.events.is_empty() {
                continue; // a belief to check, nothing to write
            }
            let mut head = head.filter(|head| head.number > 0).unwrap_or_else(|| {
                let number = plan.next_stream;
                plan.next_stream += 1;
                plan.batch.new_stream(number, &part.stream);
                StreamHead { number, revision: None }
            });
            let run = Run {
                stream: head.number,
                revision: head.revision.map_or(0, |revision| revision + 1),
                position: plan.batch.next_position(),
                events: part.events.len() as u64,
            };
            if self.engine.fills_places() {
                plan.runs.push((part.stream.clone(), run));
            }
            for event in &part.events {
                let revision = head.revision.map_or(0, |revision| revision + 1);
                let stream = (head.number, part.stream.as_str());
                if let Err(error) = plan.batch.push(&origin, stream, revision, event, request.take()) {
                    // Bounds were checked at the door; only the system's randomness can fail here.
                    plan.spoilt = Some(error);
                    return Planned::Deferred;
                }
                head.revision = Some(revision);
            }
            first_revision = first_revision.or(head.revision);
            plan.streams.insert(part.stream.clone(), head);
        }
        if let Some(request) = append.request {
            plan.requests.insert(request.id, request);
        }
        Planned::Taken(Appended {
            first_position,
            last_position: plan.batch.next_position() - 1,
            revision: first_revision.unwrap_or(0),
            recorded_us: self.recorded_us,
            replayed: false,
            leaf: plan.batch.last_leaf(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::{Semaphore, oneshot};

    use super::super::fixture::{append, sqlite};
    use super::*;
    use crate::log::Log;
    use crate::record::LogName;

    #[tokio::test]
    async fn nothing_is_written_of_a_batch_that_holds_half_an_append() {
        let (_directory, sqlite) = sqlite().await;
        let log = Log::open(LogName::Main, Arc::new(sqlite), Arc::new(|| 1))
            .await
            .expect("opens");

        // Past the door, which would refuse it: the second event cannot be encoded when the first is in the batch.
        let long = "t".repeat(usize::from(u16::MAX) + 1);
        let permits = Arc::new(Semaphore::new(3));
        let mut answers = Vec::new();
        for append in [
            append("a-1", ExpectedRevision::NoStream, &[(1, "t")]),
            append("a-2", ExpectedRevision::NoStream, &[(1, "t"), (2, &long)]),
            append("a-3", ExpectedRevision::NoStream, &[(1, "t")]),
        ] {
            let (reply, answer) = oneshot::channel();
            let permit = Arc::clone(&permits).try_acquire_owned().expect("is there");
            let submission = Submission {
                append,
                reply,
                _kib: permit,
            };
            assert!(log.inner.queue.try_send(submission).is_ok());
            answers.push(answer);
        }
        for answer in answers {
            let answer = answer.await.expect("is given");
            assert!(matches!(answer, Err(StorageError::Unavailable(_))), "{answer:?}");
        }
        assert_eq!(log.head().size, 0);

        let appended = log
            .append(append("a-1", ExpectedRevision::NoStream, &[(1, "t")]))
            .await
            .expect("goes on");
        assert_eq!((appended.first_position, appended.last_position), (1, 1));
        assert_eq!(log.last_revision("a-2").await.expect("asks"), None);
        log.close().await;
    }
}
