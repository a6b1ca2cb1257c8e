//! Where every view is, and how to wait for it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};
use waystation_storage::{Generation, GenerationState};

use crate::error::AppError;

/// One generation, as people see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GenerationStatus {
    /// Number.
    pub generation: i64,
    /// What it is doing.
    pub state: GenerationState,
    /// Every event up to here is folded in.
    pub position: u64,
    /// Why it halted, or which positions it left out; empty otherwise.
    pub failure: String,
}

/// A view, as people see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewStatus {
    /// Name.
    pub view: &'static str,
    /// Version of the fold.
    pub version: u32,
    /// The generation that answers; `None` until the first has caught up.
    pub live: Option<GenerationStatus>,
    /// The generation that is being filled.
    pub building: Option<GenerationStatus>,
    /// A rebuild was asked for.
    rebuilding: bool,
    /// How far the answering generation is in memory.
    folded: u64,
    /// How far it was in memory when somebody last looked after a silence: what answers of now wait for.
    owed: u64,
}

/// The status of all views.
pub(crate) struct Board {
    views: Mutex<BTreeMap<&'static str, ViewStatus>>,
    changed: watch::Sender<()>,
    /// Somebody waits for a position.
    wanted: Notify,
    waiting: AtomicUsize,
    /// When somebody last looked.
    looked: Mutex<Option<Instant>>,
}

/// How long after a look views are kept fresh for the next one.
const LOOKED: Duration = Duration::from_secs(1);
/// How long an answer of now waits for what gathered while nobody looked; a store that cannot be written can be read.
const OWED_PATIENCE: Duration = Duration::from_secs(1);

/// Counts somebody who waits, for as long as it lives.
struct Waiting<'a>(&'a Board);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Board {
    pub(super) fn new(views: impl Iterator<Item = (&'static str, u32)>) -> Self {
        let status = |(view, version)| {
            (
                view,
                ViewStatus {
                    view,
                    version,
                    live: None,
                    building: None,
                    rebuilding: false,
                    folded: 0,
                    owed: 0,
                },
            )
        };
        Self {
            views: Mutex::new(views.map(status).collect()),
            changed: watch::channel(()).0,
            wanted: Notify::new(),
            waiting: AtomicUsize::new(0),
            looked: Mutex::new(None),
        }
    }

    /// Somebody looks now. After a silence, what gathered meanwhile is owed to everybody who asks from here on.
    fn look(&self) {
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        let last = looked.replace(Instant::now());
        // Under the lock: whoever is told that somebody looked already must find what is owed.
        if last.is_none_or(|last| last.elapsed() >= LOOKED) {
            for entry in self.lock().values_mut() {
                entry.owed = entry.folded;
            }
            self.wanted.notify_one();
        }
    }

    /// Whether somebody waits, or looked so lately that views should be kept fresh.
    pub(super) fn asked(&self) -> bool {
        let looked = *self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        self.waiting.load(Ordering::SeqCst) > 0 || looked.is_some_and(|last| last.elapsed() < LOOKED)
    }

    /// Says how far a view's answering generation is in memory.
    pub(super) fn folded(&self, view: &'static str, generation: i64, position: u64) {
        if let Some(entry) = self.lock().get_mut(view)
            && entry.live.as_ref().is_some_and(|live| live.generation == generation)
        {
            entry.folded = position;
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, ViewStatus>> {
        self.views.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says where a generation is.
    pub(super) fn set(&self, view: &'static str, generation: &Generation, position: u64) {
        let status = GenerationStatus {
            generation: generation.id,
            state: generation.state,
            position,
            failure: generation.failure.clone(),
        };
        if let Some(entry) = self.lock().get_mut(view) {
            let of_build = entry
                .building
                .as_ref()
                .is_some_and(|building| building.generation == generation.id);
            match generation.state {
                GenerationState::Building => {
                    entry.building = Some(status);
                    entry.rebuilding = true;
                }
                // A generation that halts while it is filled leaves the one that answers alone.
                GenerationState::Halted if of_build && entry.live.is_some() => {
                    entry.building = Some(status);
                    entry.rebuilding = false;
                }
                GenerationState::Live | GenerationState::Halted | GenerationState::Retired => {
                    if of_build {
                        entry.building = None;
                        entry.rebuilding = false;
                    }
                    // Nothing more comes of what has halted.
                    let follows = generation.state == GenerationState::Live;
                    entry.folded = if follows { entry.folded.max(position) } else { position };
                    entry.owed = entry.owed.min(entry.folded);
                    entry.live = Some(status);
                }
            }
        }
        self.changed.send_replace(());
    }

    /// Marks views as being rebuilt; `false`, and nothing marked, when one of them is already.
    pub(super) fn begin_building(&self, views: &[&'static str]) -> bool {
        let mut all = self.lock();
        let busy = |view: &&str| all.get(*view).is_some_and(|entry| entry.rebuilding);
        if views.iter().any(busy) {
            return false;
        }
        for view in views {
            if let Some(entry) = all.get_mut(view) {
                entry.rebuilding = true;
            }
        }
        true
    }

    /// Takes the mark away from views whose rebuild did not begin.
    pub(super) fn end_building(&self, views: &[&'static str]) {
        let mut all = self.lock();
        for view in views {
            if let Some(entry) = all.get_mut(view) {
                entry.rebuilding = entry.building.is_some();
            }
        }
    }

    fn begin_waiting(&self) -> Waiting<'_> {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        self.wanted.notify_one();
        Waiting(self)
    }

    /// Lets work gather for a while, unless somebody waits for it.
    pub(super) async fn linger(&self, time: Duration) {
        if self.waiting.load(Ordering::SeqCst) == 0 {
            tokio::select! {
                () = tokio::time::sleep(time) => {}
                () = self.wanted() => {}
            }
        }
    }

    /// Returns when somebody begins to wait; at once when somebody did since the last time.
    pub(super) async fn wanted(&self) {
        self.wanted.notified().await;
    }

    /// Where every view is. Who asks again sees what had gathered meanwhile.
    pub(crate) fn all(&self) -> Vec<ViewStatus> {
        self.look();
        self.lock().values().cloned().collect()
    }

    /// Waits until the answering generation of a view has folded in a position; says which and how far it is.
    ///
    /// # Errors
    /// [`AppError::ProjectionBehind`] when it takes longer than `patience`, [`AppError::ProjectionHalted`].
    pub(crate) async fn wait(
        &self,
        view: &'static str,
        wanted: u64,
        patience: Duration,
    ) -> Result<(i64, u64), AppError> {
        self.look();
        let mut changes = self.changed.subscribe();
        let deadline = tokio::time::Instant::now() + patience;
        let mut waiting = None;
        loop {
            changes.mark_unchanged();
            let live = self.lock().get(view).and_then(|entry| entry.live.clone());
            if let Some(live) = &live {
                if live.position >= wanted {
                    return Ok((live.generation, live.position));
                }
                if live.state == GenerationState::Halted {
                    return Err(AppError::ProjectionHalted {
                        view,
                        why: live.failure.clone(),
                    });
                }
            }
            if waiting.is_none() {
                waiting = Some(self.begin_waiting());
            }
            if tokio::time::timeout_at(deadline, changes.changed()).await.is_err() {
                let position = live.map_or(0, |live| live.position);
                return Err(AppError::ProjectionBehind { view, position, wanted });
            }
        }
    }

    /// As [`Board::wait`], for an answer of now: it also has what gathered while nobody looked, unless that cannot be
    /// saved soon.
    ///
    /// # Errors
    /// As [`Board::wait`].
    pub(crate) async fn now(
        &self,
        view: &'static str,
        wanted: u64,
        patience: Duration,
    ) -> Result<(i64, u64), AppError> {
        let begun = Instant::now();
        let answer = self.wait(view, wanted, patience).await?;
        let owed = self.lock().get(view).map_or(0, |entry| entry.owed);
        let rest = OWED_PATIENCE.saturating_sub(begun.elapsed());
        Ok(self.wait(view, owed, rest).await.unwrap_or(answer))
    }
}
