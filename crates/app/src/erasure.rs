//! What the log says of an erasure: where the keys of a person were destroyed, and where the keys that had wrapped them were.

use waystation_domain::{Reason, Rejection};
use waystation_storage::{Direction, PAGE_EVENTS_MAX, RecordedEvent};

use crate::app::App;
use crate::error::AppError;
use crate::ids::subject;
use crate::keys::{EPOCH_DESTROYED, RING_STREAM};
use crate::vault::{KEYS_SHREDDED, key_stream};

/// The two steps after which nothing about a person opens any more.
pub struct Erasure {
    /// The keys of the person were destroyed.
    pub shredded: RecordedEvent,
    /// What had wrapped them was, so that a copy of them from a backup is worth nothing either; one an epoch.
    pub epochs: Vec<RecordedEvent>,
}

impl App {
    /// What the log says of a person's erasure.
    ///
    /// # Errors
    /// [`AppError::NotFound`] when the person is not erased; [`Reason::EpochStillLives`] when copies in backups still open;
    /// [`AppError::Storage`].
    pub async fn erasure(&self, person: &str) -> Result<Erasure, AppError> {
        let stream = key_stream(subject(person));
        let last = self
            .main()
            .read_stream(&stream, u64::MAX, Direction::Backwards, 1)
            .await?;
        let shredded = last.into_iter().find(|event| event.event_type() == KEYS_SHREDDED);
        let shredded = shredded.ok_or(AppError::NotFound { kind: "erasure" })?;
        let (mut epochs, mut from) = (Vec::<RecordedEvent>::new(), 0);
        loop {
            let page = self
                .main()
                .read_stream(RING_STREAM, from, Direction::Forwards, PAGE_EVENTS_MAX)
                .await?;
            let Some(end) = page.last().map(|event| event.revision + 1) else {
                break;
            };
            for event in page {
                // One rotation destroys all epochs that are older than the one it begins; they follow on one another.
                let goes_on = epochs.last().is_none_or(|last| last.revision + 1 == event.revision);
                if event.event_type() == EPOCH_DESTROYED && event.position > shredded.position && goes_on {
                    epochs.push(event);
                }
            }
            from = end;
        }
        if epochs.is_empty() {
            return Err(Rejection::from(Reason::EpochStillLives).into());
        }
        Ok(Erasure { shredded, epochs })
    }
}
