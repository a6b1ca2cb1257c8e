//! Aggregates in memory: the newest state of each recently used one, so that deciding does not read the log.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};

use lru::LruCache;
use tokio::sync::{Mutex, OwnedMutexGuard, watch};
use waystation_domain::{Aggregate, Event};
use waystation_storage::{Direction, Log, PAGE_EVENTS_MAX};

use crate::error::AppError;

/// Aggregates of one kind that are kept in memory.
const AGGREGATES_CACHED_MAX: NonZeroUsize = NonZeroUsize::new(50_000).expect("is not zero");

/// All aggregates of a kind.
pub(crate) struct Aggregates<A: Aggregate> {
    cached: std::sync::Mutex<LruCache<String, Arc<Cell<A>>>>,
}

/// One aggregate: its state, and how many appends decided on it are not durable yet.
pub(crate) struct Cell<A> {
    slot: Arc<Mutex<Slot<A>>>,
    stale: AtomicBool,
    in_flight: watch::Sender<u32>,
}

/// The state, with everything folded in that was submitted; the append's fence proves it right or throws it away.
pub(crate) struct Slot<A> {
    pub(crate) state: A,
    /// Last revision; `None` when the stream has no event.
    pub(crate) revision: Option<u64>,
    loaded: bool,
}

impl<A: Aggregate> Aggregates<A> {
    pub(crate) fn new() -> Self {
        Self {
            cached: std::sync::Mutex::new(LruCache::new(AGGREGATES_CACHED_MAX)),
        }
    }

    pub(crate) fn cell(&self, id: &str) -> Arc<Cell<A>> {
        let mut cached = self.cached.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(cached.get_or_insert_ref(id, || {
            let slot = Slot {
                state: A::default(),
                revision: None,
                loaded: false,
            };
            Arc::new(Cell {
                slot: Arc::new(Mutex::new(slot)),
                stale: AtomicBool::new(false),
                in_flight: watch::channel(0).0,
            })
        }))
    }
}

pub(crate) fn stream_of<A: Aggregate>(id: &str) -> String {
    format!("{}-{id}", A::CATEGORY)
}

impl<A: Aggregate> Cell<A> {
    /// The state, for one decision at a time; read from the log when memory does not have it.
    pub(crate) async fn lock(&self, id: &str, log: &Log) -> Result<OwnedMutexGuard<Slot<A>>, AppError> {
        let mut slot = Arc::clone(&self.slot).lock_owned().await;
        if self.stale.swap(false, Ordering::SeqCst) || !slot.loaded {
            slot.loaded = false;
            (slot.state, slot.revision) = load(&stream_of::<A>(id), log).await?;
            slot.loaded = true;
        }
        Ok(slot)
    }

    /// Counts an append that is on its way; unless it is told that it went well, the state is read again.
    pub(crate) fn on_its_way(self: &Arc<Self>) -> OnItsWay<A> {
        self.in_flight.send_modify(|count| *count += 1);
        OnItsWay {
            cell: Arc::clone(self),
            went_well: false,
        }
    }

    pub(crate) fn is_settled(&self) -> bool {
        *self.in_flight.borrow() == 0
    }

    /// Waits until nothing is on its way.
    pub(crate) async fn settled(&self) {
        // The sender lives as long as the cell.
        let _ = self.in_flight.subscribe().wait_for(|count| *count == 0).await;
    }
}

/// See [`Cell::on_its_way`].
pub(crate) struct OnItsWay<A: Aggregate> {
    cell: Arc<Cell<A>>,
    went_well: bool,
}

impl<A: Aggregate> OnItsWay<A> {
    pub(crate) fn went_well(mut self) {
        self.went_well = true;
    }
}

impl<A: Aggregate> Drop for OnItsWay<A> {
    fn drop(&mut self) {
        if !self.went_well {
            self.cell.stale.store(true, Ordering::SeqCst);
        }
        self.cell.in_flight.send_modify(|count| *count -= 1);
    }
}

/// Folds a whole stream.
pub(crate) async fn load<A: Aggregate>(stream: &str, log: &Log) -> Result<(A, Option<u64>), AppError> {
    let mut state = A::default();
    let mut revision = None;
    loop {
        let from = revision.map_or(0, |last: u64| last + 1);
        let events = log
            .read_stream(stream, from, Direction::Forwards, PAGE_EVENTS_MAX)
            .await?;
        for event in &events {
            let fact = A::Event::decode(event.event_type(), event.data()).map_err(|error| AppError::Undecodable {
                position: event.position,
                what: error.to_string(),
            })?;
            state.evolve(&fact);
            revision = Some(event.revision);
        }
        if events.len() < PAGE_EVENTS_MAX {
            return Ok((state, revision));
        }
    }
}
