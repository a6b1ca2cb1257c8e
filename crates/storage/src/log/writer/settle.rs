//! What follows a commit: once it is durable, readers may see it and callers hear of it, in the order of the log.
//!
//! Where the database can commit first and sync later, the writer plans and commits the next batch while the one before is
//! being synced, and one sync serves every batch that was committed when it began.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{mpsc, oneshot, watch};

use crate::engine::Engine;
use crate::error::StorageError;
use crate::log::batch::Batch;
use crate::log::tail::Tail;
use crate::log::{Submission, TreeHead};
use crate::record::Appended;

/// Batches that may wait for the next sync, beside as many that the one under way is for; the writer waits when there are
/// more.
const BATCHES_MAX: usize = 64;

/// The settler ends after the writer has let go of its queue, unless it panicked. A writer without one must end as well:
/// nobody would ever be told of what it commits.
const ENDED: &str = "the settler has ended before the writer";

/// Somebody who waits, and what to say.
pub(super) type Answer = (Submission, Result<Appended, StorageError>);

/// What a commit settles.
pub(super) struct Settled {
    /// What it wrote; `None` when answers alone had to wait for what is committed already.
    pub(super) batch: Option<Box<Batch>>,
    pub(super) answers: Vec<Answer>,
}

/// Where durable commits are made known.
pub(super) struct Publisher {
    pub(super) head: watch::Sender<TreeHead>,
    pub(super) tail: Arc<Tail>,
}

impl Publisher {
    fn settle(&self, settled: Settled) {
        if let Some(batch) = &settled.batch {
            self.tail.push(batch.recorded());
            let tree = batch.tree();
            self.head.send_replace(TreeHead {
                size: tree.size(),
                root: tree.root(),
            });
        }
        for (submission, result) in settled.answers {
            // A caller that went away does not undo what was committed.
            let _ = submission.reply.send(result);
        }
    }
}

enum Message {
    Settled(Settled),
    /// Answered when everything before it is settled.
    Drain(oneshot::Sender<()>),
}

/// Syncs and settles, in order.
pub(super) struct Settler {
    publisher: Arc<Publisher>,
    queue: mpsc::Sender<Message>,
    /// Callers whose answer was queued and is not settled; only the writer adds to it.
    waiting: Arc<AtomicUsize>,
    work: tokio::task::JoinHandle<()>,
}

impl Settler {
    pub(super) fn start(engine: Arc<dyn Engine>, publisher: Publisher) -> Self {
        let publisher = Arc::new(publisher);
        let waiting = Arc::new(AtomicUsize::new(0));
        let (queue, messages) = mpsc::channel(BATCHES_MAX);
        let work = tokio::spawn(work(engine, Arc::clone(&publisher), Arc::clone(&waiting), messages));
        Self {
            publisher,
            queue,
            waiting,
            work,
        }
    }

    /// Nobody waits for a sync.
    pub(super) fn is_idle(&self) -> bool {
        self.waiting.load(Ordering::SeqCst) == 0
    }

    /// Makes a commit known: now when it is durable and nothing waits before it, otherwise after the next sync.
    pub(super) async fn settle(&self, settled: Settled, durable: bool) {
        if durable && self.is_idle() {
            self.publisher.settle(settled);
            return;
        }
        self.waiting.fetch_add(settled.answers.len(), Ordering::SeqCst);
        let sent = self.queue.send(Message::Settled(settled)).await;
        assert!(sent.is_ok(), "{ENDED}");
    }

    /// Returns when nothing waits for a sync.
    pub(super) async fn drain(&self) {
        let (done, drained) = oneshot::channel();
        if !self.is_idle() {
            let sent = self.queue.send(Message::Drain(done)).await;
            assert!(sent.is_ok() && drained.await.is_ok(), "{ENDED}");
        }
    }

    /// Makes a head known that was read from the database, durably, with nothing waiting for a sync.
    pub(super) fn found(&self, head: TreeHead) {
        self.publisher.tail.clear();
        self.publisher.head.send_replace(head);
    }

    /// Settles what waits and ends.
    pub(super) async fn stop(self) {
        drop(self.queue);
        // It can only have panicked; then its callers have been told that nobody knows.
        let _ = self.work.await;
    }
}

async fn work(
    engine: Arc<dyn Engine>,
    publisher: Arc<Publisher>,
    waiting: Arc<AtomicUsize>,
    mut messages: mpsc::Receiver<Message>,
) {
    let mut taken = Vec::new();
    while messages.recv_many(&mut taken, BATCHES_MAX).await > 0 {
        engine.sync_returned().await;
        for message in taken.drain(..) {
            match message {
                Message::Drain(done) => drop(done.send(())),
                Message::Settled(settled) => {
                    let answered = settled.answers.len();
                    publisher.settle(settled);
                    waiting.fetch_sub(answered, Ordering::SeqCst);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ops::RangeInclusive;
    use std::time::Duration;

    use async_trait::async_trait;
    use tempfile::TempDir;
    use tokio::sync::Semaphore;
    use tokio::time::timeout;

    use super::super::fixture::{append, sqlite};
    use super::*;
    use crate::engine::{EngineError, Rows, Sqlite, Value, Write};
    use crate::log::{Direction, Log, Pending};
    use crate::record::{ExpectedRevision, LogName};

    /// SQLite on a disk that takes as long as the test wants.
    struct SlowDisk {
        sqlite: Sqlite,
        allowed: Semaphore,
        /// Whether commits are synced beside the writer; otherwise each takes as long itself.
        ahead: bool,
    }

    impl SlowDisk {
        /// It answers nothing until it is allowed to.
        async fn stopped(ahead: bool) -> (TempDir, Arc<Self>) {
            let (directory, sqlite) = sqlite().await;
            let allowed = Semaphore::new(0);
            let disk = Self { sqlite, allowed, ahead };
            (directory, Arc::new(disk))
        }

        async fn answers(&self) {
            self.allowed.acquire().await.expect("stays open").forget();
        }
    }

    #[async_trait]
    impl Engine for SlowDisk {
        async fn query_within(&self, sql: &str, values: Vec<Value>, bytes_max: usize) -> Result<Rows, EngineError> {
            self.sqlite.query_within(sql, values, bytes_max).await
        }
        async fn write(&self, write: Write) -> Result<bool, EngineError> {
            if !self.ahead {
                self.answers().await;
            }
            self.sqlite.write(write).await
        }
        async fn write_ahead(&self, write: Write) -> Result<bool, EngineError> {
            if self.ahead {
                self.sqlite.write_ahead(write).await
            } else {
                self.write(write).await
            }
        }
        async fn sync_returned(&self) {
            self.answers().await;
            self.sqlite.sync_returned().await;
        }
        async fn sync(&self) {
            self.answers().await;
            self.sqlite.sync().await;
        }
        fn writes_ahead(&self) -> bool {
            self.ahead
        }
        fn fills_places(&self) -> bool {
            self.sqlite.fills_places()
        }
        async fn script(&self, sql: &str) -> Result<(), EngineError> {
            self.sqlite.script(sql).await
        }
        async fn scrub(&self, table: &str) -> Result<(), EngineError> {
            self.sqlite.scrub(table).await
        }
        fn describe(&self) -> &str {
            self.sqlite.describe()
        }
        async fn size_bytes(&self) -> Result<u64, EngineError> {
            self.sqlite.size_bytes().await
        }
    }

    #[tokio::test]
    async fn nobody_hears_of_a_commit_before_it_is_synced() {
        const SOON: Duration = Duration::from_millis(100);
        let (_directory, disk) = SlowDisk::stopped(true).await;
        let log = Log::open(LogName::Main, disk.clone(), Arc::new(|| 1))
            .await
            .expect("opens");

        // Two at once share a sync, so they are committed ahead of it.
        let mut first = log
            .submit(append("a-1", ExpectedRevision::NoStream, &[(1, "t")]))
            .expect("queued");
        let mut second = log
            .submit(append("a-2", ExpectedRevision::NoStream, &[(2, "t")]))
            .expect("queued");
        assert!(timeout(SOON, first.outcome()).await.is_err(), "not durable yet");
        // What is committed is there, and what follows is decided on it; but no reader and no caller is told.
        let mut refused = log
            .submit(append("a-1", ExpectedRevision::NoStream, &[(3, "t")]))
            .expect("queued");
        assert!(timeout(SOON, refused.outcome()).await.is_err(), "a refusal waits too");
        log.refresh_head().await.expect("asks");
        assert_eq!(log.head().size, 0);
        assert!(timeout(SOON, log.last_revision("a-2")).await.is_err());
        let reading = log.read_stream("a-2", 0, Direction::Forwards, 10);
        assert!(timeout(SOON, reading).await.is_err());

        disk.allowed.add_permits(100);
        assert_eq!(first.outcome().await.expect("appended").first_position, 1);
        assert_eq!(second.outcome().await.expect("appended").first_position, 2);
        assert!(matches!(
            refused.outcome().await,
            Err(StorageError::WrongExpectedRevision { actual: Some(0), .. })
        ));
        assert_eq!(log.head().size, 2);
        assert_eq!(log.last_revision("a-2").await.expect("asks"), Some(0));
        log.close().await;
    }

    /// Callers who each append one event to a stream of their own.
    fn callers(log: &Log, numbers: RangeInclusive<u8>) -> Vec<Pending> {
        let submit = |number: u8| {
            let append = append(&format!("a-{number}"), ExpectedRevision::NoStream, &[(number, "t")]);
            log.submit(append).expect("queued")
        };
        numbers.map(submit).collect()
    }

    /// Events of each batch, for a log whose time counts how often it was asked: once for a batch.
    async fn sizes(log: &Log) -> Vec<usize> {
        let events = log.read_all(1, Direction::Forwards, 200).await.expect("reads");
        let batches = events.chunk_by(|one, next| one.recorded_us == next.recorded_us);
        batches.map(<[_]>::len).collect()
    }

    #[tokio::test]
    async fn a_batch_is_for_half_of_the_callers_where_a_commit_is_its_own_sync() {
        let (_directory, disk) = SlowDisk::stopped(false).await;
        // The events of one batch share one reading of the time.
        let batches = AtomicUsize::new(0);
        let time = Arc::new(move || batches.fetch_add(1, Ordering::SeqCst) as i64);
        // To open a log is one write.
        disk.allowed.add_permits(1);
        let log = Log::open(LogName::Main, disk.clone(), time).await.expect("opens");

        let many = callers(&log, 1..=100);
        disk.allowed.add_permits(100);
        for mut appended in many {
            appended.outcome().await.expect("appended");
        }
        assert_eq!(sizes(&log).await, [50, 50]);
        log.close().await;
    }

    #[tokio::test]
    async fn while_half_of_the_callers_wait_for_the_disk_the_other_half_is_committed() {
        let (_directory, disk) = SlowDisk::stopped(true).await;
        // The events of one batch share one reading of the time.
        let batches = Arc::new(AtomicUsize::new(0));
        let time = Arc::clone(&batches);
        let time = Arc::new(move || time.fetch_add(1, Ordering::SeqCst) as i64);
        let log = Log::open(LogName::Main, disk.clone(), time).await.expect("opens");

        let many = callers(&log, 1..=100);
        let both_made = async {
            while batches.load(Ordering::SeqCst) < 2 {
                tokio::task::yield_now().await;
            }
        };
        let made = timeout(Duration::from_secs(10), both_made).await;
        assert!(made.is_ok(), "both are made before the disk has answered once");
        assert_eq!(log.head().size, 0);
        disk.allowed.add_permits(100);
        for mut appended in many {
            appended.outcome().await.expect("appended");
        }
        let few = callers(&log, 101..=110);
        for mut appended in few {
            appended.outcome().await.expect("appended");
        }

        assert_eq!(sizes(&log).await, [50, 50, 10]);
        assert_eq!(batches.load(Ordering::SeqCst), 3);
        log.close().await;
    }
}
