//! One append-only log: its single writer, its readers, its proofs.

mod batch;
mod checkpoint;
mod places;
mod proof;
mod read;
mod request;
mod stored;
mod stream;
mod subscription;
mod tail;
mod verify;
mod writer;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use waystation_trust::{Hash, SEALED_PARTS_MAX};

use crate::engine::Engine;
use crate::error::StorageError;
use crate::record::{Append, Appended, LogName};
use crate::store::TimeSource;

pub use checkpoint::KeptCheckpoint;
pub use read::{Direction, PAGE_BYTES_MAX, PAGE_EVENTS_MAX};
pub use stored::StoredEvent;
pub use subscription::Subscription;
pub use verify::{Finding, Mark, VerifyReport};

use places::Places;
use tail::Tail;

/// Longest stream name in bytes.
pub const STREAM_BYTES_MAX: usize = 1_024;
/// Longest event type in bytes.
pub const TYPE_BYTES_MAX: usize = 1_024;
/// Largest event: data and metadata together, in bytes.
pub const EVENT_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Most events in one append; more would hold everyone else up for too long.
pub const APPEND_EVENTS_MAX: usize = 16_384;
/// Appends that may wait for the writer.
const QUEUE_APPENDS_MAX: usize = 4_096;
/// Bytes that may wait for the writer, in KiB.
const QUEUE_KIB_MAX: usize = 64 * 1024;

/// How long a reader relies on wake-ups before it asks the database itself.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// Size and root of the tree over a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TreeHead {
    /// Leaves, which is also the last position.
    pub size: u64,
    /// Root hash.
    pub root: Hash,
}

/// A log. Cheap to clone.
#[derive(Clone)]
pub struct Log {
    inner: Arc<Inner>,
}

struct Inner {
    name: LogName,
    engine: Arc<dyn Engine>,
    /// Our own writer's commits, the only ones there are, can be visible before they are durable.
    writes_ahead: bool,
    queue: mpsc::Sender<Submission>,
    queued_kib: Arc<Semaphore>,
    head: watch::Sender<TreeHead>,
    tail: Arc<Tail>,
    /// Where the newest events of streams are; nothing is ever here when the database keeps an index itself.
    places: Arc<Places>,
    stop: watch::Sender<bool>,
    /// Why no more appends are taken.
    frozen: OnceLock<String>,
    writer: Mutex<Option<tokio::task::JoinHandle<()>>>,
    /// When the database was last asked for a newer head.
    polled: Mutex<Instant>,
}

/// An append on its way to the writer.
struct Submission {
    append: Append,
    reply: oneshot::Sender<Result<Appended, StorageError>>,
    _kib: tokio::sync::OwnedSemaphorePermit,
}

/// An append that was accepted into the queue; await it for the outcome. The append goes on if this is dropped.
pub struct Pending {
    reply: oneshot::Receiver<Result<Appended, StorageError>>,
}

impl Pending {
    /// Waits for the commit.
    ///
    /// # Errors
    /// As [`Log::append`].
    pub async fn outcome(&mut self) -> Result<Appended, StorageError> {
        // The writer drops replies only when it stops, mid-commit at worst.
        (&mut self.reply).await.unwrap_or(Err(StorageError::Unknown))
    }
}

impl Log {
    /// A log to be looked at only. Its head is what the tree row says, right or wrong.
    pub(crate) async fn open_to_verify(name: LogName, engine: Arc<dyn Engine>) -> Result<Self, StorageError> {
        let (queue, _) = mpsc::channel(1);
        let empty = TreeHead {
            size: 0,
            root: waystation_trust::empty_root(),
        };
        let inner = Inner {
            name,
            engine,
            writes_ahead: false,
            queue,
            queued_kib: Arc::new(Semaphore::new(QUEUE_KIB_MAX)),
            head: watch::channel(empty).0,
            tail: Arc::new(Tail::default()),
            places: Arc::default(),
            stop: watch::channel(true).0,
            frozen: OnceLock::from("it was opened to be verified".to_owned()),
            writer: Mutex::new(None),
            polled: Mutex::new(Instant::now()),
        };
        // What a killed process committed ahead of a sync is there to be seen, and must last once it is reported.
        inner.engine.sync().await;
        let log = Self { inner: Arc::new(inner) };
        log.refresh_head().await?;
        let inner = &log.inner;
        inner.places.load(inner.engine.as_ref(), name, log.head().size).await?;
        Ok(log)
    }

    pub(crate) async fn open(name: LogName, engine: Arc<dyn Engine>, time: TimeSource) -> Result<Self, StorageError> {
        let (queue, submissions) = mpsc::channel(QUEUE_APPENDS_MAX);
        let empty = TreeHead {
            size: 0,
            root: waystation_trust::empty_root(),
        };
        let (head, _) = watch::channel(empty);
        let (stop, stopped) = watch::channel(false);
        let tail = Arc::new(Tail::default());
        let places = Arc::new(Places::default());
        let published = (head.clone(), Arc::clone(&tail), Arc::clone(&places));
        let writer = writer::Writer::recover(name, Arc::clone(&engine), time, published).await?;
        let inner = Inner {
            name,
            writes_ahead: engine.writes_ahead(),
            engine,
            queue,
            queued_kib: Arc::new(Semaphore::new(QUEUE_KIB_MAX)),
            head,
            tail,
            places,
            stop,
            frozen: OnceLock::new(),
            writer: Mutex::new(Some(tokio::spawn(writer.run(submissions, stopped)))),
            polled: Mutex::new(Instant::now()),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Takes no more appends, commits and answers those that wait, and returns when the writer has stopped.
    pub(crate) async fn close(&self) {
        self.inner.stop.send_replace(true);
        let writer = self.inner.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(writer) = writer {
            // A writer that panicked has already closed the queue, which callers see.
            let _ = writer.await;
        }
    }

    /// Which log this is.
    pub fn name(&self) -> LogName {
        self.inner.name
    }

    /// Takes no more appends, for good: the log contradicts what others remember of it, and anything added would bury
    /// that. Reading goes on.
    pub fn freeze(&self, why: String) {
        tracing::error!(log = self.inner.name.as_str(), why, "the log is read-only from now on");
        // The first reason stays.
        let _ = self.inner.frozen.set(why);
    }

    /// Whether [`Log::freeze`] was called.
    pub fn is_frozen(&self) -> bool {
        self.inner.frozen.get().is_some()
    }

    /// Queues an append without waiting. Appends of one caller are decided in the order they are submitted.
    ///
    /// # Errors
    /// [`StorageError::Invalid`], [`StorageError::ReadOnly`] or [`StorageError::QueueFull`]; nothing was queued.
    pub fn submit(&self, append: Append) -> Result<Pending, StorageError> {
        if let Some(why) = self.inner.frozen.get() {
            return Err(StorageError::ReadOnly(why.clone()));
        }
        let bytes = check(&append)?;
        let kib = u32::try_from(bytes / 1024 + 1).unwrap_or(u32::MAX);
        let permit = Arc::clone(&self.inner.queued_kib)
            .try_acquire_many_owned(kib)
            .map_err(|_| StorageError::QueueFull)?;
        let (reply, answer) = oneshot::channel();
        self.inner
            .queue
            .try_send(Submission {
                append,
                reply,
                _kib: permit,
            })
            .map_err(|_| StorageError::QueueFull)?;
        Ok(Pending { reply: answer })
    }

    /// Appends atomically and returns once the events are durable.
    ///
    /// # Errors
    /// [`StorageError::WrongExpectedRevision`], [`StorageError::RequestReused`], [`StorageError::Invalid`],
    /// [`StorageError::QueueFull`] and [`StorageError::Unavailable`]: nothing was written.
    /// [`StorageError::Unknown`]: it may have been; repeat with the same request id.
    pub async fn append(&self, append: Append) -> Result<Appended, StorageError> {
        self.submit(append)?.outcome().await
    }

    /// The newest durable tree head this process knows.
    pub fn head(&self) -> TreeHead {
        *self.inner.head.borrow()
    }

    /// Notices new heads; a hint only, polling is the guarantee.
    pub fn watch_head(&self) -> watch::Receiver<TreeHead> {
        self.inner.head.subscribe()
    }
}

/// The bytes of an append, or what is wrong with it.
fn check(append: &Append) -> Result<usize, StorageError> {
    let invalid = |what: String| Err(StorageError::Invalid(what));
    let mut bytes = 0;
    let mut events = 0;
    if append.streams.is_empty() || append.streams.len() > APPEND_EVENTS_MAX {
        return invalid(format!("it names no stream, or more than {APPEND_EVENTS_MAX}"));
    }
    let mut names = HashSet::with_capacity(append.streams.len());
    for part in &append.streams {
        if part.stream.is_empty() || part.stream.len() > STREAM_BYTES_MAX {
            return invalid(format!("a stream name has 1 to {STREAM_BYTES_MAX} bytes"));
        }
        bytes += part.stream.len() + 100;
        if !names.insert(part.stream.as_str()) {
            return invalid("a stream is named twice".into());
        }
        events += part.events.len();
        for event in &part.events {
            if event.event_type.is_empty() || event.event_type.len() > TYPE_BYTES_MAX {
                return invalid(format!("an event type has 1 to {TYPE_BYTES_MAX} bytes"));
            }
            if event.sealed.len() > SEALED_PARTS_MAX {
                return invalid(format!("an event has at most {SEALED_PARTS_MAX} sealed fields"));
            }
            let sealed: usize = event.sealed.iter().map(|part| part.envelope.len()).sum();
            let size = event.data.len() + event.metadata.len() + sealed;
            if size > EVENT_BYTES_MAX {
                return invalid(format!("an event has at most {EVENT_BYTES_MAX} bytes"));
            }
            bytes += size + event.event_type.len() + 200;
        }
    }
    let mut ids: Vec<[u8; 16]> = append
        .streams
        .iter()
        .flat_map(|p| p.events.iter().map(|e| e.id))
        .collect();
    ids.sort_unstable();
    ids.dedup();
    if events == 0 {
        return invalid("it has no event".into());
    }
    if ids.len() != events {
        return invalid("an event id is used twice".into());
    }
    if events > APPEND_EVENTS_MAX {
        return invalid(format!("an append has at most {APPEND_EVENTS_MAX} events"));
    }
    if bytes / 1024 >= QUEUE_KIB_MAX {
        return invalid(format!("an append has less than {QUEUE_KIB_MAX} KiB"));
    }
    Ok(bytes)
}
