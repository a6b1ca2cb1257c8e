//! Projections: tasks that fold the log into views and save each step with its checkpoint, or not at all.
//!
//! One [`runner`] follows the log for every live view: an event is read and decoded once, however many views want it.
//! A rebuild is a second runner that fills new generations from the beginning and hands them over when they have
//! caught up. The [`board`] says where every view is, and lets queries wait for a position.

mod board;
mod fold;
mod runner;

use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use waystation_storage::{Generation, GenerationState, Log, ViewStore};

use crate::error::AppError;
use crate::views;

pub(crate) use board::Board;
pub use board::{GenerationStatus, ViewStatus};
pub(crate) use fold::{Entry, Fold, Step, decode_page, fold_of};
use runner::{Role, Runner, Slot};

/// Generations that may be handed from rebuilds to the live runner at once.
const HANDOVERS_MAX: usize = 64;

/// The projections of one process.
pub(crate) struct Projections {
    log: Log,
    store: ViewStore,
    board: Arc<Board>,
    handover: mpsc::Sender<Slot>,
    stop: watch::Sender<bool>,
    live: std::sync::Mutex<Option<JoinHandle<()>>>,
}

impl Projections {
    /// Finds or begins a generation of every view and starts following the log.
    pub(crate) async fn start(log: Log, store: ViewStore) -> Result<Self, AppError> {
        let stored = store.generations().await?;
        let board = Arc::new(Board::new(
            views::all().iter().map(|fold| (fold.name(), fold.version())),
        ));
        let (mut live, mut building) = (Vec::new(), Vec::new());
        for fold in views::all() {
            let of_view = |state: GenerationState| {
                let mut all = stored
                    .iter()
                    .rev()
                    .filter(|found| found.view == fold.name() && found.state == state);
                all.find(|found| found.version == fold.version()).cloned()
            };
            if let Some(found) = of_view(GenerationState::Live) {
                // A rebuild that was under way goes on beside it.
                if let Some(begun) = of_view(GenerationState::Building) {
                    building.push(Slot::new(begun, fold.fresh()));
                }
                live.push(Slot::new(found, fold));
            } else if let Some(halted) = of_view(GenerationState::Halted) {
                board.set(fold.name(), &halted, halted.position);
            } else if let Some(found) = of_view(GenerationState::Building) {
                building.push(Slot::new(found, fold));
            } else {
                // An earlier release's generation goes on answering that release until this one has caught up.
                let replaces = stored.iter().any(|found| found.view == fold.name());
                let state = if replaces {
                    GenerationState::Building
                } else {
                    GenerationState::Live
                };
                let created = store.create(fold.name(), fold.version(), state).await?;
                (if replaces { &mut building } else { &mut live }).push(Slot::new(created, fold));
            }
        }
        let (handover, incoming) = mpsc::channel(HANDOVERS_MAX);
        let (stop, stopped) = watch::channel(false);
        let runner = Runner::new(log.clone(), store.clone(), Arc::clone(&board), live, stopped);
        let task = tokio::spawn(runner.run(Role::Live(incoming)));
        let projections = Self {
            log,
            store,
            board,
            handover,
            stop,
            live: std::sync::Mutex::new(Some(task)),
        };
        projections.build(building);
        projections.drop_retired(&stored);
        Ok(projections)
    }

    fn drop_retired(&self, stored: &[Generation]) {
        let retired: Vec<i64> = stored
            .iter()
            .filter(|generation| generation.state == GenerationState::Retired)
            .map(|generation| generation.id)
            .collect();
        let store = self.store.clone();
        tokio::spawn(async move {
            for generation in retired {
                if let Err(error) = store.drop_generation(generation).await {
                    tracing::warn!(generation, error = %error, "cannot drop a retired view generation");
                }
            }
        });
    }

    fn build(&self, slots: Vec<Slot>) {
        if slots.is_empty() {
            return;
        }
        let stopped = self.stop.subscribe();
        let board = Arc::clone(&self.board);
        let runner = Runner::new(self.log.clone(), self.store.clone(), board, slots, stopped);
        tokio::spawn(runner.run(Role::Build(self.handover.clone())));
    }

    /// Begins to rebuild a view, or all of them, beside the live ones.
    ///
    /// # Errors
    /// [`AppError::NotFound`] for an unknown view, [`AppError::InProgress`] when it is being rebuilt already.
    pub(crate) async fn rebuild(&self, view: Option<&str>) -> Result<Vec<&'static str>, AppError> {
        let mut folds = views::all();
        folds.retain(|fold| view.is_none_or(|name| fold.name() == name));
        if folds.is_empty() {
            return Err(AppError::NotFound { kind: "projection" });
        }
        let names: Vec<&'static str> = folds.iter().map(|fold| fold.name()).collect();
        if !self.board.begin_building(&names) {
            return Err(AppError::InProgress("a rebuild"));
        }
        let mut slots = Vec::new();
        for fold in folds {
            let created = self
                .store
                .create(fold.name(), fold.version(), GenerationState::Building)
                .await;
            let generation = created.inspect_err(|_| self.board.end_building(&names))?;
            self.board.set(fold.name(), &generation, 0);
            slots.push(Slot::new(generation, fold));
        }
        self.build(slots);
        Ok(names)
    }

    pub(crate) fn board(&self) -> &Board {
        &self.board
    }

    /// Stops the runners; the live one saves what it has folded, a rebuild goes on where it was saved last.
    pub(crate) async fn stop(&self) {
        self.stop.send_replace(true);
        let task = self
            .live
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .take();
        if let Some(task) = task {
            let _ = task.await;
        }
    }
}
