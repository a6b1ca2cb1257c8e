//! What memory believes of streams that are written to, so that deciding does not read the log.
//!
//! A decision is made on the belief, under its lock, and the append it leads to is folded in at once: the next decision
//! is made on the state to come. The append's fence proves the belief right or throws it away. A refusal is proved by
//! nothing, so it may only rest on a belief that is [`Held::fresh`] or was compared with the log.

use std::num::NonZeroUsize;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, PoisonError};

use lru::LruCache;
use tokio::sync::{Mutex, Notify, OwnedMutexGuard};
use waystation_storage::{Appended, Pending, StorageError};

/// Beliefs by name; the least recently used are dropped.
pub struct Beliefs<S> {
    kept: std::sync::Mutex<LruCache<String, Arc<Belief<S>>>>,
}

/// One belief, and how many appends decided on it are not durable yet.
pub struct Belief<S> {
    slot: Arc<Mutex<Option<S>>>,
    stale: AtomicBool,
    in_flight: AtomicU32,
    /// Nothing is on its way any more.
    settled: Notify,
}

/// A belief under its lock.
pub struct Held<S> {
    belief: Arc<Belief<S>>,
    slot: OwnedMutexGuard<Option<S>>,
    fresh: bool,
}

impl<S: Default> Beliefs<S> {
    /// None yet, and room for so many.
    pub fn new(max: NonZeroUsize) -> Self {
        Self {
            kept: std::sync::Mutex::new(LruCache::new(max)),
        }
    }

    /// How many are kept.
    pub fn len(&self) -> usize {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// None are kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Something else than an append of ours may have changed what is believed: it is read again before the next decision.
    pub fn doubt(&self, name: &str) {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(belief) = kept.peek(name) {
            belief.stale.store(true, Ordering::SeqCst);
        }
    }

    /// The belief of this name.
    pub fn of(&self, name: &str) -> Arc<Belief<S>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(kept.get_or_insert_ref(name, || {
            Arc::new(Belief {
                slot: Arc::new(Mutex::new(None)),
                stale: AtomicBool::new(false),
                in_flight: AtomicU32::new(0),
                settled: Notify::new(),
            })
        }))
    }
}

impl<S: Default> Belief<S> {
    /// Waits for the lock; what is not believed, or no longer, is read. Reading is rare and large, so it has memory of its own.
    ///
    /// # Errors
    /// As `read`.
    pub async fn lock<E, F: Future<Output = Result<S, E>>>(
        self: &Arc<Self>,
        read: impl FnOnce() -> F,
    ) -> Result<Held<S>, E> {
        let mut slot = Arc::clone(&self.slot).lock_owned().await;
        // Appends start under the lock: if nothing is on its way now, nothing will be while it is held.
        let settled = self.in_flight.load(Ordering::SeqCst) == 0;
        let unread = self.stale.swap(false, Ordering::SeqCst) || slot.is_none();
        if unread {
            *slot = None;
            *slot = Some(Box::pin(read()).await?);
        }
        Ok(Held {
            belief: Arc::clone(self),
            slot,
            fresh: unread && settled,
        })
    }

    fn settle(&self, went_well: bool) {
        if !went_well {
            self.stale.store(true, Ordering::SeqCst);
        }
        if self.in_flight.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.settled.notify_waiters();
        }
    }

    /// Returns when nothing is on its way.
    async fn settled(&self) {
        loop {
            // Made before looking, it hears whatever comes after.
            let settled = self.settled.notified();
            if self.in_flight.load(Ordering::SeqCst) == 0 {
                return;
            }
            settled.await;
        }
    }
}

impl<S: Default> Held<S> {
    /// Read from the log under this lock, with nothing on its way.
    pub fn fresh(&self) -> bool {
        self.fresh
    }

    /// Lets go, and waits until nothing is on its way; whoever locks next reads the log.
    pub async fn reread(self) {
        let belief = Arc::clone(&self.belief);
        belief.stale.store(true, Ordering::SeqCst);
        drop(self);
        belief.settled().await;
    }

    /// Waits until nothing is on its way and reads the log, all under the lock: whoever waits for it keeps its place.
    ///
    /// # Errors
    /// As `read`.
    pub async fn refresh<E>(&mut self, read: impl Future<Output = Result<S, E>>) -> Result<(), E> {
        self.belief.settled().await;
        let found = read.await?;
        // Nobody can have found it stale since: nothing was on its way.
        self.belief.stale.store(false, Ordering::SeqCst);
        *self.slot = Some(found);
        self.fresh = true;
        Ok(())
    }

    /// Forgets what is believed: the next to lock reads it.
    pub fn forget(mut self) {
        *self.slot = None;
    }
}

impl<S: Default> Deref for Held<S> {
    type Target = S;

    fn deref(&self) -> &S {
        self.slot.as_ref().expect("a lock is given out with a belief in it")
    }
}

impl<S: Default> DerefMut for Held<S> {
    fn deref_mut(&mut self) -> &mut S {
        self.slot.as_mut().expect("a lock is given out with a belief in it")
    }
}

/// An append that was decided on beliefs. Whoever waits for it may go away; the beliefs still learn how it ended.
pub struct OnItsWay<S: Default + Send + 'static> {
    beliefs: Vec<Arc<Belief<S>>>,
    pending: Option<Pending>,
}

impl<S: Default + Send + 'static> OnItsWay<S> {
    /// Counts the append against beliefs that already hold what it will have done, before their locks are let go.
    pub fn new<'a>(held: impl IntoIterator<Item = &'a Held<S>>, pending: Pending) -> Self {
        let beliefs: Vec<_> = held.into_iter().map(|held| Arc::clone(&held.belief)).collect();
        for belief in &beliefs {
            belief.in_flight.fetch_add(1, Ordering::SeqCst);
        }
        Self {
            beliefs,
            pending: Some(pending),
        }
    }

    /// Waits for the commit. Unless something was written, the beliefs are read again.
    ///
    /// # Errors
    /// As [`waystation_storage::Log::append`].
    pub async fn outcome(mut self) -> Result<Appended, StorageError> {
        let result = match &mut self.pending {
            Some(pending) => pending.outcome().await,
            None => Err(StorageError::Unknown),
        };
        self.pending = None;
        settle(&self.beliefs, &result);
        result
    }
}

fn settle<S: Default>(beliefs: &[Arc<Belief<S>>], result: &Result<Appended, StorageError>) {
    let went_well = matches!(result, Ok(appended) if !appended.replayed);
    for belief in beliefs {
        belief.settle(went_well);
    }
}

impl<S: Default + Send + 'static> Drop for OnItsWay<S> {
    fn drop(&mut self) {
        let Some(mut pending) = self.pending.take() else { return };
        let beliefs = std::mem::take(&mut self.beliefs);
        let unknown = Err(StorageError::Unknown);
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(async move { settle(&beliefs, &pending.outcome().await) })),
            Err(_) => settle(&beliefs, &unknown),
        }
    }
}
