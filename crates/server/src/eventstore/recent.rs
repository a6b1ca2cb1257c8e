//! Ids of recently appended events, to recognise an append that is repeated without saying at which revision.

use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use lru::LruCache;
use waystation_app::{Direction, Log, RecordedEvent, StorageError};

use super::name;

/// Events that are remembered; a repeat that comes later is appended again.
const EVENTS_MAX: NonZeroUsize = NonZeroUsize::new(200_000).expect("is not zero");
/// Pages at the end of the log that are read when the server starts; one ends after some bytes, too.
const PAGES_READ_MAX: usize = 8;
/// Events in such a page.
const PAGE: usize = 1_024;

/// Where an event is; `None` while it is being written.
type Found = Option<(u64, u64)>;

/// See the module.
pub(super) struct Recent {
    /// A stream by a hash: with the id beside it, two streams are not confused by chance.
    hasher: RandomState,
    events: Mutex<LruCache<(u64, [u8; 16]), Found>>,
}

impl Recent {
    pub(super) fn new() -> Self {
        Self {
            hasher: RandomState::new(),
            events: Mutex::new(LruCache::new(EVENTS_MAX)),
        }
    }

    /// Reads the end of the log.
    pub(super) async fn fill(&self, log: &Log) -> Result<(), StorageError> {
        let mut from = u64::MAX;
        for _ in 0..PAGES_READ_MAX {
            let page = log.page_all(from, Direction::Backwards, PAGE).await?;
            let Some(last) = page.last() else { break };
            from = last.position - 1;
            page.iter().for_each(|event| self.saw(event));
            if from == 0 {
                break;
            }
        }
        Ok(())
    }

    fn events(&self) -> std::sync::MutexGuard<'_, LruCache<(u64, [u8; 16]), Found>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn key(&self, stream: &str, id: [u8; 16]) -> (u64, [u8; 16]) {
        (self.hasher.hash_one(stream), id)
    }

    /// An event is in the log.
    pub(super) fn saw(&self, event: &RecordedEvent) {
        if name::writable(event.stream()).is_err() {
            return; // no client appends there, so none repeats it
        }
        let key = self.key(event.stream(), event.event_id);
        let found = (event.revision, event.position);
        let mut events = self.events();
        // The newest of several with one id counts, in whatever order they are seen.
        let newer = |known: &Found| known.is_none_or(|known| known < found);
        if events.peek(&key).is_none_or(newer) {
            events.put(key, Some(found));
        }
    }

    /// Events are on their way, not there yet.
    pub(super) fn expect(&self, stream: &str, ids: impl Iterator<Item = [u8; 16]>) {
        let mut events = self.events();
        for id in ids {
            events.put(self.key(stream, id), None);
        }
    }

    /// An event that was on its way did not come.
    pub(super) fn forget(&self, stream: &str, id: [u8; 16]) {
        let key = self.key(stream, id);
        let mut events = self.events();
        if events.peek(&key) == Some(&None) {
            events.pop(&key);
        }
    }

    /// Where an event is: the outer `None` for one that is not known.
    pub(super) fn find(&self, stream: &str, id: [u8; 16]) -> Option<Found> {
        self.events().get(&self.key(stream, id)).copied()
    }
}
