//! Aggregates in memory: the newest state of each recently used one, so that deciding does not read the log.

use std::num::NonZeroUsize;

use waystation_domain::{Aggregate, Event};
use waystation_storage::{Direction, Log, PAGE_EVENTS_MAX};

use crate::belief::{Beliefs, Held};
use crate::error::AppError;

/// Aggregates of one kind that are kept in memory.
const AGGREGATES_CACHED_MAX: NonZeroUsize = NonZeroUsize::new(50_000).expect("is not zero");

/// All aggregates of a kind.
pub(crate) struct Aggregates<A: Aggregate>(Beliefs<Slot<A>>);

/// The state, with everything folded in that was submitted.
#[derive(Default)]
pub(crate) struct Slot<A> {
    pub(crate) state: A,
    /// Last revision; `None` when the stream has no event.
    pub(crate) revision: Option<u64>,
}

impl<A: Aggregate> Aggregates<A> {
    pub(crate) fn new() -> Self {
        Self(Beliefs::new(AGGREGATES_CACHED_MAX))
    }

    /// The state, for one decision at a time; read from the log when memory does not have it.
    pub(crate) async fn lock(&self, id: &str, log: &Log) -> Result<Held<Slot<A>>, AppError> {
        let read = async || {
            let (state, revision) = load(&stream_of::<A>(id), log).await?;
            Ok(Slot { state, revision })
        };
        self.0.of(id).lock(read).await
    }
}

impl<A: Aggregate + Clone> Aggregates<A> {
    /// The state as the log has it now, whoever wrote it: what permission to read is decided on.
    pub(crate) async fn durable(&self, id: &str, log: &Log) -> Result<A, AppError> {
        loop {
            let slot = self.lock(id, log).await?;
            if slot.fresh() || log.last_revision(&stream_of::<A>(id)).await? == slot.revision {
                return Ok(slot.state.clone());
            }
            slot.reread().await;
        }
    }
}

pub(crate) fn stream_of<A: Aggregate>(id: &str) -> String {
    format!("{}-{id}", A::CATEGORY)
}

/// Folds a whole stream.
pub(crate) async fn load<A: Aggregate>(stream: &str, log: &Log) -> Result<(A, Option<u64>), AppError> {
    load_until(stream, log, u64::MAX).await
}

/// Folds what a stream held at a position of the log.
pub(crate) async fn load_until<A: Aggregate>(
    stream: &str,
    log: &Log,
    position: u64,
) -> Result<(A, Option<u64>), AppError> {
    let mut state = A::default();
    let mut revision = None;
    loop {
        let from = revision.map_or(0, |last: u64| last + 1);
        let events = log
            .read_stream(stream, from, Direction::Forwards, PAGE_EVENTS_MAX)
            .await?;
        for event in &events {
            if event.position > position {
                return Ok((state, revision));
            }
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
