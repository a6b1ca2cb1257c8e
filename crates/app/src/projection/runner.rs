//! The loop that keeps views up with the log: read and decode once, fold every view, save each by compare-and-set.
//!
//! Folding is eager, saving waits until somebody looks, until enough has gathered, or for [`GATHER_TIME`]: versions of a
//! document that are saved together share a row, and pages of an index are written once for many keys. Nobody is shown
//! what is not saved. While a step is being saved the next one is folded. If a save fails, the view forgets what it has
//! in memory and goes on from its stored checkpoint; nothing is skipped or applied twice, because the checkpoint moves
//! in the same transaction as the documents, and only from where it was.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use waystation_storage::{Direction, Generation, GenerationState, Log, PAGE_EVENTS_MAX, StorageError, ViewStore};

use super::board::Board;
use super::fold::{Entry, Fold, Step, decode_page};
use crate::error::AppError;
use crate::view::OnUnreadable;

/// How long to rely on wake-ups before looking at the log anyway.
const POLL_INTERVAL: Duration = Duration::from_millis(500);
/// How long a live runner lets events gather after a step when nobody waits for them: a step costs a read, and while
/// somebody looks one transaction a view, however many events are in it.
const LINGER: Duration = Duration::from_millis(100);
/// How long a runner keeps what it folded from the store when nobody looks: what a process that is killed folds anew.
const GATHER_TIME: Duration = Duration::from_secs(2);
/// Shortest and longest wait after a failure, and how long a failure is remembered.
const BACKOFF_MIN: Duration = Duration::from_millis(100);
const BACKOFF_MAX: Duration = Duration::from_secs(5);
const BACKOFF_FORGOTTEN: Duration = Duration::from_secs(60);
/// Pages smaller than this are folded where they are; larger ones leave the threads that serve requests.
const PAGE_SMALL: usize = 64;
/// Positions left out by a parking view that are listed by number.
const PARKED_LISTED_MAX: usize = 20;

/// One generation with its fold.
pub(super) struct Slot {
    generation: Generation,
    fold: Box<dyn Fold>,
    /// Folded in memory up to here.
    position: u64,
    /// What is folded and not being saved yet.
    step: Step,
    /// Memory disagrees with the store; begin again from the checkpoint.
    stale: bool,
    /// Every document there is, is in memory: it began from nothing and memory never filled.
    complete: bool,
    parked: Vec<u64>,
}

impl Slot {
    pub(super) fn new(generation: Generation, fold: Box<dyn Fold>) -> Self {
        let position = generation.position;
        Self {
            generation,
            fold,
            position,
            step: Step::default(),
            stale: false,
            complete: position == 0,
            parked: Vec::new(),
        }
    }
}

/// What a runner is for.
pub(super) enum Role {
    /// Follows the log for ever; takes over rebuilt generations.
    Live(mpsc::Receiver<Slot>),
    /// Ends when everything has caught up and was handed over.
    Build(mpsc::Sender<Slot>),
}

type Saves = JoinHandle<Vec<(i64, u64, Result<bool, StorageError>)>>;

pub(super) struct Runner {
    log: Log,
    store: ViewStore,
    board: Arc<Board>,
    slots: Vec<Slot>,
    /// Since when something is folded and not being saved.
    gathering: Option<Instant>,
    stopped: watch::Receiver<bool>,
}

impl Runner {
    pub(super) fn new(
        log: Log,
        store: ViewStore,
        board: Arc<Board>,
        slots: Vec<Slot>,
        stopped: watch::Receiver<bool>,
    ) -> Self {
        for slot in &slots {
            board.set(slot.fold.name(), &slot.generation, slot.position);
        }
        Self {
            log,
            store,
            board,
            slots,
            gathering: None,
            stopped,
        }
    }

    pub(super) async fn run(mut self, mut role: Role) {
        let mut backoff = BACKOFF_MIN;
        let mut failed: Option<Instant> = None;
        while !*self.stopped.borrow() {
            match self.follow(&mut role).await {
                Ok(()) => return,
                Err(error) => {
                    tracing::warn!(error = %error, "projections failed and will go on from their checkpoints");
                    for slot in &mut self.slots {
                        slot.stale = true;
                    }
                    // A failure long after the last one is a new one.
                    if failed.is_none_or(|at| at.elapsed() > BACKOFF_FORGOTTEN) {
                        backoff = BACKOFF_MIN;
                    }
                    failed = Some(Instant::now());
                    tokio::time::sleep(backoff).await;
                    backoff = (backoff * 2).min(BACKOFF_MAX);
                }
            }
        }
    }

    /// Works until told to stop, or, when building, until done.
    async fn follow(&mut self, role: &mut Role) -> Result<(), AppError> {
        let mut head = self.log.watch_head();
        let mut saving: Option<Saves> = None;
        loop {
            if let Role::Live(incoming) = role {
                while let Ok(slot) = incoming.try_recv() {
                    self.take_over(slot);
                }
            }
            self.restore_stale().await?;
            head.mark_unchanged();
            let from = self.slots.iter().map(|slot| slot.position).min();
            let page = match from {
                Some(from) => {
                    self.log
                        .page_all(from + 1, Direction::Forwards, PAGE_EVENTS_MAX)
                        .await?
                }
                None => Vec::new(),
            };
            if page.is_empty() {
                if matches!(role, Role::Build(_)) || self.is_due(role) {
                    self.save(&mut saving).await?;
                }
                self.settle(saving.take()).await?;
                if self.slots.iter().any(|slot| slot.stale) {
                    continue;
                }
                if let Role::Build(handover) = role {
                    return self.hand_over(&handover.clone()).await;
                }
                self.wait(&mut head, role).await?;
                if *self.stopped.borrow() {
                    return self.flush(saving).await;
                }
                continue;
            }
            if *self.stopped.borrow() {
                return self.flush(saving).await;
            }
            let full = page.len() == PAGE_EVENTS_MAX;
            let halted = self.fold(page).await?;
            if !halted.is_empty() {
                self.flush(saving.take()).await?;
                for (id, why) in halted {
                    self.halt(id, why).await?;
                }
            } else if self.is_due(role) {
                self.save(&mut saving).await?;
            }
            if !full && matches!(role, Role::Live(_)) {
                self.settle(saving.take()).await?;
                self.board.linger(LINGER).await;
            }
        }
    }

    /// Whether what is folded should be saved now. What is being rebuilt is looked at when it is done.
    fn is_due(&self, role: &Role) -> bool {
        let Some(since) = self.gathering else { return false };
        self.slots.iter().any(|slot| slot.step.is_full())
            || since.elapsed() >= GATHER_TIME
            || matches!(role, Role::Live(_)) && self.board.asked()
    }

    /// A rebuilt generation takes the place of the one before.
    fn take_over(&mut self, slot: Slot) {
        let retired = self.slots.iter().position(|old| old.fold.name() == slot.fold.name());
        if let Some(old) = retired.map(|at| self.slots.swap_remove(at))
            && old.generation.id != slot.generation.id
        {
            self.drop_later(old.generation.id);
        }
        self.board.set(slot.fold.name(), &slot.generation, slot.position);
        self.slots.push(slot);
    }

    /// Queries that began on a retired generation finish before it goes.
    fn drop_later(&self, generation: i64) {
        let store = self.store.clone();
        tokio::spawn(async move {
            tokio::time::sleep(BACKOFF_MAX).await;
            if let Err(error) = store.drop_generation(generation).await {
                tracing::warn!(generation, error = %error, "cannot drop a retired view generation");
            }
        });
    }

    async fn wait(
        &mut self,
        head: &mut watch::Receiver<waystation_storage::TreeHead>,
        role: &mut Role,
    ) -> Result<(), AppError> {
        let incoming = async {
            match role {
                Role::Live(incoming) => incoming.recv().await,
                Role::Build(_) => None,
            }
        };
        let due = async {
            match self.gathering {
                Some(since) => tokio::time::sleep(GATHER_TIME.saturating_sub(since.elapsed())).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = head.changed() => {}
            Some(slot) = incoming => self.take_over(slot),
            _ = self.stopped.changed() => {}
            () = self.board.wanted() => {}
            () = due => {}
            () = tokio::time::sleep(POLL_INTERVAL) => {
                self.log.refresh_head().await?;
                self.notice_swaps().await?;
            }
        }
        Ok(())
    }

    /// Another process may have put a rebuilt generation in the place of one of ours, and will drop ours soon.
    async fn notice_swaps(&mut self) -> Result<(), AppError> {
        let stored = self.store.generations().await?;
        for slot in &mut self.slots {
            let found = stored.iter().find(|found| found.id == slot.generation.id);
            slot.stale |= found.is_none_or(|found| !is_running(found.state));
        }
        Ok(())
    }

    /// Slots whose memory cannot be trusted begin again from what is stored; those that somebody else finished go.
    async fn restore_stale(&mut self) -> Result<(), AppError> {
        if self.slots.iter().all(|slot| !slot.stale) {
            return Ok(());
        }
        let stored = self.store.generations().await?;
        self.slots.retain_mut(|slot| {
            if !slot.stale {
                return true;
            }
            let mine = stored
                .iter()
                .find(|found| found.id == slot.generation.id && is_running(found.state));
            let successor = || {
                let mut live = stored.iter().rev().filter(|found| found.state == GenerationState::Live);
                live.find(|found| found.view == slot.generation.view && found.version == slot.generation.version)
            };
            let Some(found) = mine.or_else(successor) else {
                // Halted or dropped by another process: whoever asks is told, instead of being given old answers.
                let known = stored.iter().find(|found| found.id == slot.generation.id);
                slot.generation.failure = known.map_or_else(String::new, |known| known.failure.clone());
                slot.generation.state = GenerationState::Halted;
                self.board
                    .set(slot.fold.name(), &slot.generation, slot.generation.position);
                return false;
            };
            slot.generation = found.clone();
            slot.position = found.position;
            slot.step = Step::default();
            slot.parked.retain(|at| *at <= found.position);
            slot.fold = slot.fold.fresh();
            slot.stale = false;
            slot.complete = slot.position == 0;
            // Another process may have brought the view this far.
            self.board.set(slot.fold.name(), &slot.generation, slot.position);
            true
        });
        Ok(())
    }

    /// Folds a page into every slot's step. Says which generations met an event that they cannot do without, and why.
    async fn fold(&mut self, page: Vec<waystation_storage::RecordedEvent>) -> Result<Vec<(i64, String)>, AppError> {
        let (first, count) = (page[0].position, page.len());
        let page = off_thread(count, move || decode_page(page)).await?;
        let mut unreadable = Vec::new();
        for slot in &mut self.slots {
            let mut ids: Vec<String> = page
                .iter()
                .filter_map(|entry| match entry {
                    Entry::Ours(recorded) if recorded.position() > slot.position => Some(slot.fold.unknown(recorded)),
                    _ => None,
                })
                .flatten()
                .collect();
            ids.sort_unstable();
            ids.dedup();
            if !ids.is_empty() {
                slot.complete &= !slot.fold.full();
                let found = if slot.complete {
                    Vec::new()
                } else {
                    self.store.documents(slot.generation.id, &ids, i64::MAX as u64).await?
                };
                if let Err(error) = slot.fold.load(&ids, &found) {
                    unreadable.push((slot.generation.id, error.to_string()));
                }
            }
        }
        // These stop where they were saved last; what had gathered is folded anew when they go on.
        for (id, why) in unreadable {
            self.halt(id, why).await?;
        }
        let mut slots = std::mem::take(&mut self.slots);
        let (slots, halted) = off_thread(count, move || {
            // A fold that panics must not take the others with it.
            let work = || {
                let halted = |slot: &mut Slot| Some((slot.generation.id, fold_slot(slot, &page, first)?));
                slots.iter_mut().filter_map(halted).collect()
            };
            let halted = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
            (slots, halted)
        })
        .await?;
        self.slots = slots;
        let halted = halted.map_err(|_| AppError::Internal("a fold panicked".into()))?;
        self.gathering.get_or_insert_with(Instant::now);
        for slot in &self.slots {
            self.board.folded(slot.fold.name(), slot.generation.id, slot.position);
        }
        Ok(halted)
    }

    /// Saves everything that is folded.
    async fn flush(&mut self, mut saving: Option<Saves>) -> Result<(), AppError> {
        self.save(&mut saving).await?;
        self.settle(saving).await
    }

    /// Begins to save what is folded, after what is being saved; every slot in a transaction of its own.
    async fn save(&mut self, saving: &mut Option<Saves>) -> Result<(), AppError> {
        self.settle(saving.take()).await?;
        self.gathering = None;
        let mut work = Vec::new();
        for slot in &mut self.slots {
            // Nothing is on its way any more, so the checkpoint is where the step begins.
            let (id, from, to) = (slot.generation.id, slot.generation.position, slot.position);
            if slot.stale || to == from {
                continue;
            }
            let batch = std::mem::take(&mut slot.step).batch;
            let store = self.store.clone();
            work.push(async move { (id, to, store.save(id, from, to, batch).await) });
        }
        *saving = Some(tokio::spawn(futures::future::join_all(work)));
        Ok(())
    }

    /// Stops a view where it is stored: a wrong answer would be worse than none.
    async fn halt(&mut self, id: i64, why: String) -> Result<(), AppError> {
        // One that is stale begins again from what another runner saved, and meets the event once more.
        let found = |slot: &Slot| slot.generation.id == id && !slot.stale;
        let Some(at) = self.slots.iter().position(found) else {
            return Ok(());
        };
        tracing::error!(view = self.slots[at].fold.name(), why, "a view halted");
        self.store.set_state(id, GenerationState::Halted, &why).await?;
        let mut slot = self.slots.swap_remove(at);
        slot.generation.state = GenerationState::Halted;
        slot.generation.failure = why;
        self.board
            .set(slot.fold.name(), &slot.generation, slot.generation.position);
        Ok(())
    }

    /// Waits for saves and publishes how far the views are.
    async fn settle(&mut self, saving: Option<Saves>) -> Result<(), AppError> {
        let Some(saving) = saving else { return Ok(()) };
        let outcomes = saving.await.map_err(|error| AppError::Internal(error.to_string()))?;
        let mut failure = None;
        for (id, to, outcome) in outcomes {
            let Some(slot) = self.slots.iter_mut().find(|slot| slot.generation.id == id) else {
                continue;
            };
            match outcome {
                Ok(true) => {
                    slot.generation.position = to;
                    if slot.parked.len().min(PARKED_LISTED_MAX) > parked_in(&slot.generation.failure) {
                        slot.generation.failure = parked_text(&slot.parked);
                        self.store
                            .set_state(id, slot.generation.state, &slot.generation.failure)
                            .await?;
                    }
                    self.board.set(slot.fold.name(), &slot.generation, to);
                }
                Ok(false) => {
                    tracing::warn!(view = slot.fold.name(), "another runner moved the checkpoint");
                    slot.stale = true;
                }
                Err(error) => {
                    slot.stale = true;
                    failure = Some(error);
                }
            }
        }
        failure.map_or(Ok(()), |error| Err(error.into()))
    }

    /// Everything has caught up: the new generations answer from now on, and the live runner keeps them up.
    async fn hand_over(&mut self, live: &mpsc::Sender<Slot>) -> Result<(), AppError> {
        // A slot leaves only after the last step that may fail.
        while let Some((id, view)) = self
            .slots
            .last()
            .map(|slot| (slot.generation.id, slot.generation.view.clone()))
        {
            let stored = self.store.generations().await?;
            let others = stored.iter().filter(|found| {
                found.view == view
                    && found.id != id
                    && matches!(found.state, GenerationState::Live | GenerationState::Halted)
            });
            let others: Vec<i64> = others.map(|other| other.id).collect();
            self.store.swap(id, &others).await?;
            let Some(mut slot) = self.slots.pop() else { break };
            slot.generation.state = GenerationState::Live;
            slot.generation.failure.clear();
            // The live runner goes away only when the process stops.
            let _ = live.send(slot).await;
        }
        Ok(())
    }
}

async fn off_thread<T: Send + 'static>(count: usize, work: impl FnOnce() -> T + Send + 'static) -> Result<T, AppError> {
    if count < PAGE_SMALL {
        return Ok(work());
    }
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| AppError::Internal(error.to_string()))
}

/// Folds a page into a slot's step, from where the slot is; says why when it met an event that it cannot do without.
fn fold_slot(slot: &mut Slot, page: &[Entry], first: u64) -> Option<String> {
    for (entry, position) in page.iter().zip(first..) {
        if position <= slot.position {
            continue;
        }
        match entry {
            Entry::Ours(recorded) => slot.fold.apply(recorded, &mut slot.step),
            Entry::Foreign => {}
            Entry::Unreadable { what, .. } => match slot.fold.on_unreadable() {
                OnUnreadable::Halt => return Some(what.clone()),
                OnUnreadable::Park => slot.parked.push(position),
            },
        }
        slot.position = position;
    }
    None
}

fn is_running(state: GenerationState) -> bool {
    matches!(state, GenerationState::Live | GenerationState::Building)
}

const PARKED: &str = "left out, because they do not read: positions ";

fn parked_in(failure: &str) -> usize {
    failure.strip_prefix(PARKED).map_or(0, |list| list.split(", ").count())
}

fn parked_text(parked: &[u64]) -> String {
    let listed: Vec<String> = parked.iter().take(PARKED_LISTED_MAX).map(u64::to_string).collect();
    format!("{PARKED}{}", listed.join(", "))
}
