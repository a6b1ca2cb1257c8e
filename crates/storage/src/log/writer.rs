//! The single writer of a log: everyone who waits shares one transaction, one round trip and one sync.
//!
//! Correctness never rests on this task being alone. A batch states where it begins; the database refuses it unless the
//! log ends exactly there. What is held in memory (stream revisions, places, recent requests, the tree's edge) was therefore
//! current whenever a batch committed, and is thrown away whenever one did not.
//!
//! Memory goes with what is committed; what readers see and callers hear goes with what is durable, and every answer
//! that rests on the log, also a refusal, waits for what was committed before it.

#[cfg(test)]
mod fixture;
mod plan;
mod settle;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use lru::LruCache;
use tokio::sync::{mpsc, watch};
use waystation_trust::{Hash, Tree};

use super::batch::Batch;
use super::places::{Places, filled};
use super::proof::{Tiles, split_hashes};
use super::read::decode;
use super::request::{answer, stored};
use super::tail::Tail;
use super::{Submission, TreeHead};
use crate::engine::{Engine, EngineError, Value, Write};
use crate::error::StorageError;
use crate::record::{Appended, LogName, Request};
use crate::store::TimeSource;
use plan::{Plan, Planned, StreamHead};
use settle::{Answer, Publisher, Settled, Settler};

/// Events in one transaction: past this, waiting longer buys no more throughput.
const BATCH_EVENTS_MAX: usize = 1_024;
/// Bytes in one transaction; one larger append still goes alone.
const BATCH_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Under load a commit costs more than what is in it, so the writer steps aside for callers that are about to come, until
/// this many times in a row nobody came, or its share is there.
const QUIET_YIELDS: usize = 8;
/// Callers of one batch that are not worth parting into two.
const SHARE_MIN: usize = 16;
/// Streams whose last revision is kept in memory.
const STREAMS_CACHED_MAX: usize = 200_000;
/// Requests whose outcome is kept in memory; older ones are looked up in the log.
const REQUESTS_CACHED_MAX: usize = 20_000;
/// Times a batch is planned anew after the database refused it, before its callers are told.
const PLANS_MAX: usize = 5;
/// Times an unknown outcome is resolved by resubmitting the identical batch, and the longest wait between.
const RESUBMISSIONS_MAX: u32 = 12;
const RESUBMISSION_WAIT_MAX: Duration = Duration::from_secs(2);

pub(super) struct Writer {
    name: LogName,
    engine: Arc<dyn Engine>,
    time: TimeSource,
    settler: Settler,
    places: Arc<Places>,
    tree: Tree,
    recorded_us: i64,
    next_stream: i64,
    streams: LruCache<String, StreamHead>,
    requests: LruCache<[u8; 16], (Request, Appended)>,
    /// The outcome of a batch was never learnt; memory must be read anew before anything is planned on it.
    suspect: bool,
    /// Callers of the batch before: they wait for its sync, or are about to come again. An estimate; who is back already
    /// counts twice.
    callers_before: usize,
}

enum Outcome {
    Committed,
    /// The log holds a request of the batch already; nothing was written.
    Repeated,
    /// The database holds something else than we believed.
    Stale,
    Failed(StorageError),
}

fn capacity(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).expect("the constants of this file are not zero")
}

impl Writer {
    /// Reads where the log ends and claims it with one durable write, so that nothing is acknowledged or repeated from
    /// memory on the strength of a commit that a failed-over database may yet forget.
    pub(super) async fn recover(
        name: LogName,
        engine: Arc<dyn Engine>,
        time: TimeSource,
        (head, tail, places): (watch::Sender<TreeHead>, Arc<Tail>, Arc<Places>),
    ) -> Result<Self, StorageError> {
        let settler = Settler::start(Arc::clone(&engine), Publisher { head, tail });
        let mut writer = Self {
            name,
            engine,
            time,
            settler,
            places,
            tree: Tree::default(),
            recorded_us: 0,
            next_stream: 1,
            streams: LruCache::new(capacity(STREAMS_CACHED_MAX)),
            requests: LruCache::new(capacity(REQUESTS_CACHED_MAX)),
            suspect: false,
            callers_before: 0,
        };
        if let Err(error) = writer.reload().await {
            // Nothing of it may outlive the answer: the database must be free to be opened again.
            writer.settler.stop().await;
            return Err(error);
        }
        Ok(writer)
    }

    /// Commits something harmless durably: everything visible after it is durable too.
    async fn barrier(&self) -> Result<(), StorageError> {
        let log = self.name.as_str();
        let guard = format!("UPDATE {log}_tree SET epoch = epoch + 1 WHERE id = 1 RETURNING epoch");
        self.engine
            .write(Write {
                guard: Some((guard, Vec::new())),
                ..Write::default()
            })
            .await?;
        Ok(())
    }

    /// Forgets what memory holds and reads the log's end again.
    async fn reload(&mut self) -> Result<(), StorageError> {
        self.settler.drain().await;
        self.barrier().await?;
        let log = self.name.as_str();
        let corrupt = |what: &str| StorageError::Corrupt {
            position: 0,
            what: what.to_owned(),
        };
        let sql = format!(
            "SELECT size, frontier, (SELECT max(position) FROM {log}_event), (SELECT max(stream) FROM {log}_stream) \
             FROM {log}_tree"
        );
        let rows = self.engine.query(&sql, Vec::new()).await?;
        if rows.is_empty() {
            return Err(corrupt("the tree row is missing"));
        }
        let (size, last) = (rows.u64(0, 0), rows.u64(0, 2));
        if size != last {
            return Err(corrupt(&format!("the tree covers {size} events, the log holds {last}")));
        }
        let tiles = Tiles::new(self.name, self.engine.as_ref());
        let mut unfinished = Vec::new();
        for level in 0..8_u32 {
            let complete = size >> (8 * level);
            unfinished.push(tiles.unfinished(level, complete - complete % 256).await?);
        }
        let frontier = split_hashes(rows.slice(0, 1))?;
        let tree = Tree::restore(size, frontier, unfinished)
            .ok_or_else(|| corrupt("the stored frontier does not fit the tiles and leaves"))?;
        let next_stream = rows.i64(0, 3) + 1;
        if size > 0 {
            let sql = format!("SELECT position, header, body, leaf FROM {log}_event WHERE position = $1");
            let rows = self.engine.query(&sql, vec![Value::I64(size as i64)]).await?;
            let last = decode(&rows)?
                .pop()
                .ok_or_else(|| corrupt("the last event is missing"))?;
            self.recorded_us = self.recorded_us.max(last.recorded_us);
        }
        let recent = self.places.load(self.engine.as_ref(), self.name, size).await?;
        if self.engine.fills_places() && recent != size - filled(size) {
            return Err(corrupt("an event, or the name of its stream, is missing"));
        }
        self.tree = tree;
        self.next_stream = next_stream;
        self.streams.clear();
        self.requests.clear();
        self.suspect = false;
        self.settler.found(TreeHead {
            size: self.tree.size(),
            root: self.tree.root(),
        });
        Ok(())
    }

    /// Whether the log still ends where memory believes.
    async fn is_current(&self) -> Result<bool, StorageError> {
        let sql = format!("SELECT size FROM {}_tree", self.name.as_str());
        let rows = self.engine.query(&sql, Vec::new()).await?;
        Ok(!rows.is_empty() && rows.u64(0, 0) == self.tree.size())
    }

    /// Works until every handle of the log is gone, or it is told to stop and the queue is empty.
    pub(super) async fn run(mut self, mut queue: mpsc::Receiver<Submission>, mut stopped: watch::Receiver<bool>) {
        let mut waiting = Vec::new();
        let mut alone = true;
        loop {
            if waiting.is_empty() {
                tokio::select! {
                    biased;
                    submission = queue.recv() => match submission {
                        Some(submission) => waiting.push(submission),
                        None => return self.settler.stop().await,
                    },
                    _ = stopped.changed(), if !queue.is_closed() => {
                        queue.close();
                        continue;
                    }
                }
            }
            self.take_waiting(&mut queue, &mut waiting);
            let mut quiet = if alone && waiting.len() == 1 { QUIET_YIELDS } else { 0 };
            while quiet < QUIET_YIELDS && waiting.len() < self.share(&queue, &waiting) {
                tokio::task::yield_now().await;
                quiet = if self.take_waiting(&mut queue, &mut waiting) {
                    0
                } else {
                    quiet + 1
                };
            }
            let callers = waiting.len();
            alone = callers == 1;
            waiting = self.commit(waiting, alone).await;
            self.callers_before = callers - waiting.len();
        }
    }

    /// Takes the share of the next batch from the queue; says whether there was anything.
    fn take_waiting(&self, queue: &mut mpsc::Receiver<Submission>, waiting: &mut Vec<Submission>) -> bool {
        let (before, share) = (waiting.len(), self.share(queue, waiting));
        while waiting.len() < share {
            match queue.try_recv() {
                Ok(submission) => waiting.push(submission),
                Err(_) => break,
            }
        }
        waiting.len() > before
    }

    /// How many callers the next batch is for: half of all there are. All in one would leave nothing to be done until the
    /// database and its disk have answered.
    fn share(&self, queue: &mpsc::Receiver<Submission>, waiting: &[Submission]) -> usize {
        let callers = waiting.len() + queue.len() + self.callers_before;
        callers.div_ceil(2).clamp(SHARE_MIN, BATCH_EVENTS_MAX)
    }

    /// Decides and commits what is waiting, answers it, and returns what must wait for the next batch.
    async fn commit(&mut self, mut waiting: Vec<Submission>, alone: bool) -> Vec<Submission> {
        for _ in 0..PLANS_MAX {
            if self.suspect
                && let Err(error) = self.reload().await
            {
                self.answer_all(waiting, &error);
                return Vec::new();
            }
            if let Err(error) = self.look_up_streams(&waiting).await {
                self.answer_all(waiting, &error);
                return Vec::new();
            }
            let (mut plan, planned) = self.plan(&waiting).await;
            if let Some(error) = plan.spoilt {
                self.answer_all(waiting, &error);
                return Vec::new();
            }
            plan.batch
                .fill(self.places.filling(&plan.runs, plan.batch.tree().size()));
            // One that has nobody to share a sync with is committed and synced in one step.
            let ahead = !(alone && self.settler.is_idle());
            let outcome = if plan.batch.events() == 0 {
                // No fence proves these answers; the log's end does.
                match self.is_current().await {
                    Ok(true) => Outcome::Committed,
                    Ok(false) => Outcome::Stale,
                    Err(error) => Outcome::Failed(error),
                }
            } else {
                self.write(&plan.batch, ahead).await
            };
            match outcome {
                Outcome::Committed => {
                    let (answers, deferred) = self.sort(waiting, planned);
                    let batch = (plan.batch.events() > 0).then(|| Box::new(self.adopt(plan)));
                    let durable = batch.is_none() || !ahead || !self.engine.writes_ahead();
                    self.settler.settle(Settled { batch, answers }, durable).await;
                    return deferred;
                }
                Outcome::Repeated => waiting = self.answer_repeats(waiting).await,
                Outcome::Stale => {
                    tracing::warn!(
                        log = self.name.as_str(),
                        "another writer was first; reading the log's end again"
                    );
                    if let Err(error) = self.reload().await {
                        self.answer_all(waiting, &error);
                        return Vec::new();
                    }
                    waiting = self.answer_repeats(waiting).await;
                }
                Outcome::Failed(error) => {
                    self.suspect = matches!(error, StorageError::Unknown);
                    let deferred: Vec<bool> = planned
                        .iter()
                        .map(|planned| matches!(planned, Planned::Deferred))
                        .collect();
                    let mut deferred = deferred.into_iter();
                    let (later, now) = waiting.into_iter().partition(|_| deferred.next().unwrap_or(false));
                    self.answer_all(now, &error);
                    return later;
                }
            }
        }
        self.answer_all(
            waiting,
            &StorageError::Unavailable("other writers are always first".into()),
        );
        Vec::new()
    }

    /// Adopts a committed plan as what memory believes.
    fn adopt(&mut self, plan: Plan) -> Batch {
        self.places.committed(plan.runs, plan.batch.tree().size());
        self.tree = plan.batch.tree().clone();
        self.next_stream = plan.next_stream;
        for (name, head) in plan.streams {
            self.streams.put(name, head);
        }
        plan.batch
    }

    /// Parts those whose answer is known from those that must wait for the next batch.
    fn sort(&mut self, waiting: Vec<Submission>, planned: Vec<Planned>) -> (Vec<Answer>, Vec<Submission>) {
        let (mut answers, mut deferred) = (Vec::with_capacity(waiting.len()), Vec::new());
        for (submission, planned) in waiting.into_iter().zip(planned) {
            match planned {
                Planned::Deferred => deferred.push(submission),
                Planned::Answered(result) => answers.push((submission, result)),
                Planned::Taken(appended) => {
                    if let Some(request) = submission.append.request {
                        self.requests.put(request.id, (request, appended.clone()));
                    }
                    answers.push((submission, Ok(appended)));
                }
            }
        }
        (answers, deferred)
    }

    fn answer_all(&self, waiting: Vec<Submission>, error: &StorageError) {
        tracing::error!(log = self.name.as_str(), error = %error, "cannot append");
        for submission in waiting {
            let error = match error {
                StorageError::Unknown => StorageError::Unknown,
                StorageError::Unavailable(why) => StorageError::Unavailable(why.clone()),
                other => StorageError::Unavailable(other.to_string()),
            };
            let _ = submission.reply.send(Err(error));
        }
    }

    /// Answers those whose request the log holds already.
    async fn answer_repeats(&mut self, waiting: Vec<Submission>) -> Vec<Submission> {
        let (mut answers, mut rest) = (Vec::new(), Vec::new());
        for submission in waiting {
            match self.repeat(submission.append.request).await {
                Ok(None) => rest.push(submission),
                Ok(Some(result)) => answers.push((submission, result)),
                Err(error) => answers.push((submission, Err(error))),
            }
        }
        let found = Settled { batch: None, answers };
        self.settler.settle(found, true).await;
        rest
    }

    /// The answer a request got before, if the log holds it.
    async fn repeat(
        &mut self,
        request: Option<Request>,
    ) -> Result<Option<Result<Appended, StorageError>>, StorageError> {
        let Some(request) = request else { return Ok(None) };
        let found = match self.requests.get(&request.id) {
            Some((found, appended)) => Some((*found, appended.clone())),
            None => stored(self.name, self.engine.as_ref(), request.id).await?,
        };
        Ok(found.map(|found| answer(request, found)))
    }

    /// Commits a batch; an unknown outcome is resolved by submitting the identical batch again.
    async fn write(&self, batch: &Batch, ahead: bool) -> Outcome {
        let mut lost = false;
        for attempt in 0..=RESUBMISSIONS_MAX {
            let written = if ahead {
                self.engine.write_ahead(batch.write()).await
            } else {
                self.engine.write(batch.write()).await
            };
            match written {
                Ok(true) => return Outcome::Committed,
                Ok(false) if !lost => return Outcome::Stale,
                Err(EngineError::Unique { constraint }) if !lost && constraint.contains("request") => {
                    return Outcome::Repeated;
                }
                Err(EngineError::Unique { constraint }) if !lost && constraint.contains("place") => {
                    return Outcome::Failed(StorageError::Corrupt {
                        position: batch.next_position() - 1,
                        what: "the index of streams holds already what only now is added to it".into(),
                    });
                }
                Ok(false) | Err(EngineError::Unique { .. }) => match self.is_ours(batch).await {
                    Ok(true) => return Outcome::Committed,
                    Ok(false) => return Outcome::Stale,
                    Err(error) => tracing::warn!(error = %error, "cannot tell yet who wrote the batch"),
                },
                Err(EngineError::Lost(error)) => {
                    tracing::warn!(error = %error, attempt, "the outcome of a batch is unknown; submitting it again");
                }
                Err(error) if lost => {
                    tracing::warn!(error = %error, attempt, "a batch of unknown outcome cannot be resubmitted yet");
                }
                Err(error) => return Outcome::Failed(error.into()),
            }
            lost = true;
            tokio::time::sleep(RESUBMISSION_WAIT_MAX.min(Duration::from_millis(25 << attempt.min(8)))).await;
        }
        // The next batch fails its guard if this one is there after all, and then memory is read anew.
        Outcome::Failed(StorageError::Unknown)
    }

    /// Whether the log holds, at the batch's place, exactly this batch. The barrier makes the answer durable.
    async fn is_ours(&self, batch: &Batch) -> Result<bool, StorageError> {
        self.barrier().await?;
        let Some((position, leaf)) = batch.first_leaf() else {
            return Ok(false);
        };
        let sql = format!("SELECT leaf FROM {}_event WHERE position = $1", self.name.as_str());
        let rows = self.engine.query(&sql, vec![Value::I64(position as i64)]).await?;
        let stored: Option<Hash> = if rows.is_empty() {
            None
        } else {
            rows.slice(0, 0).try_into().ok()
        };
        Ok(stored == Some(leaf))
    }
}
