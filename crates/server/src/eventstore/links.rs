//! Links: events that stand for an event of another stream.

use std::num::NonZeroUsize;

use lru::LruCache;
use waystation_api::event_store::client as v1;
use waystation_app::{Direction, RecordedEvent};

use super::EventStore;
use super::failure::Failure;
use super::name;
use super::read::Visible;
use super::wire::{self, IdForm, LINK};

/// Streams whose state is remembered while one page is looked at.
const STREAMS_MAX: NonZeroUsize = NonZeroUsize::new(256).expect("is not zero");

/// An event as it is given out.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    /// What is in the stream or the log, a link perhaps.
    pub(super) original: RecordedEvent,
    /// What a link that was followed stands for: the inner `None` when it is gone.
    pub(super) target: Option<Option<RecordedEvent>>,
}

impl Shown {
    /// The event that a consumer works on.
    pub(super) fn event(&self) -> &RecordedEvent {
        match &self.target {
            Some(Some(target)) => target,
            _ => &self.original,
        }
    }

    /// The event and the link, in the protocol's form.
    pub(super) fn wire(&self, ids: IdForm) -> (Option<v1::RecordedEvent>, Option<v1::RecordedEvent>) {
        let original = wire::recorded(&self.original, ids);
        match &self.target {
            None => (Some(original), None),
            Some(target) => (
                target.as_ref().map(|target| wire::recorded(target, ids)),
                Some(original),
            ),
        }
    }
}

/// Where a link points: its data is `revision@stream`.
fn target(link: &RecordedEvent) -> Option<(u64, &str)> {
    let (revision, stream) = std::str::from_utf8(link.data()).ok()?.split_once('@')?;
    name::check(stream).ok()?;
    Some((revision.parse().ok()?, stream))
}

impl EventStore {
    /// Follows the links of a page, when that is wanted.
    pub(super) async fn shown(&self, page: Vec<RecordedEvent>, resolve: bool) -> Result<Vec<Shown>, Failure> {
        let mut visible = LruCache::new(STREAMS_MAX);
        let mut shown = Vec::with_capacity(page.len());
        for original in page {
            let target = if resolve && original.event_type() == LINK {
                Some(self.follow(&original, &mut visible).await?)
            } else {
                None
            };
            shown.push(Shown { original, target });
        }
        Ok(shown)
    }

    async fn follow(
        &self,
        link: &RecordedEvent,
        seen: &mut LruCache<String, Option<Visible>>,
    ) -> Result<Option<RecordedEvent>, Failure> {
        let Some((revision, stream)) = target(link) else {
            return Ok(None);
        };
        if seen.get(stream).is_none() {
            let visible = match Visible::of(self, stream).await {
                Ok(visible) => Some(visible),
                Err(Failure::StreamDeleted(_)) => None,
                Err(failure) => return Err(failure),
            };
            seen.put(stream.to_owned(), visible);
        }
        let Some(Some(visible)) = seen.get(stream) else {
            return Ok(None);
        };
        if visible.last.is_none_or(|last| revision > last) || revision < visible.lowest {
            return Ok(None);
        }
        let found = self.log.read_stream(stream, revision, Direction::Forwards, 1).await?;
        Ok(found
            .into_iter()
            .find(|event| event.revision == revision && visible.young(event)))
    }
}
