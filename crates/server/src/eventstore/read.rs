//! Bounded reads of a stream or of everything, in both directions.

use std::pin::Pin;

use futures::{Stream as Replying, TryStreamExt};
use tonic::Status;
use waystation_api::event_store::client as v1;
use waystation_api::event_store::client::streams::{ReadResp, read_resp};
use waystation_app::{Direction, RecordedEvent};

use super::EventStore;
use super::failure::Failure;
use super::filter::Filter;
use super::links::Shown;
use super::name;
use super::stream::Stream;
use super::wire::{self, IdForm};

/// Events that are read at once.
pub(super) const PAGE: usize = 1_024;

/// Replies to a read or a subscription.
pub(super) type Replies = Pin<Box<dyn Replying<Item = Result<ReadResp, Status>> + Send>>;

/// Which events of a stream may be seen.
#[derive(Clone, Debug)]
pub(super) struct Visible {
    /// First revision.
    pub(super) lowest: u64,
    /// Last revision; `None` when there is nothing to see.
    pub(super) last: Option<u64>,
    /// Recorded time of the oldest, microseconds since 1970 UTC.
    since_us: i64,
}

impl Visible {
    /// What may be seen of a stream now.
    ///
    /// # Errors
    /// [`Failure::StreamDeleted`] when it, or the stream whose metadata it is, is closed for good.
    pub(super) async fn of(service: &EventStore, name: &str) -> Result<Self, Failure> {
        let base = name::base(name);
        let stream = Stream::read(&service.log, base).await?;
        if stream.tombstoned {
            return Err(Failure::StreamDeleted(base.to_owned()));
        }
        // Metadata does not limit the metadata stream itself.
        if base != name {
            return Ok(Self {
                lowest: 0,
                last: stream.metadata_last,
                since_us: i64::MIN,
            });
        }
        let age = stream
            .limits
            .age
            .map(|age| i64::try_from(age.as_micros()).unwrap_or(i64::MAX));
        Ok(Self {
            // Of a deleted stream the next event is the first that may be seen.
            lowest: match stream.last {
                Some(last) => stream.limits.lowest(last).min(last + 1),
                None => 0,
            },
            last: stream.last.filter(|_| !stream.deleted()),
            since_us: age.map_or(i64::MIN, |age| service.now_us().saturating_sub(age)),
        })
    }

    /// Whether an event is not too old.
    pub(super) fn young(&self, event: &RecordedEvent) -> bool {
        event.recorded_us >= self.since_us
    }
}

/// Where to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    Beginning,
    End,
    At(u64),
}

/// What to read from.
pub(super) enum Source {
    Stream { name: String, visible: Visible },
    All { filter: Option<Filter> },
}

/// A read under way.
pub(super) struct Reader {
    pub(super) service: EventStore,
    pub(super) source: Source,
    pub(super) direction: Direction,
    pub(super) resolve: bool,
    pub(super) ids: IdForm,
    /// Events still wanted.
    left: u64,
    /// Revision or position to read next; `None` when the end was reached.
    next: Option<u64>,
    /// The last event that was there when the read began.
    end: u64,
    /// Say at the end where the stream ends.
    tell_end: bool,
}

/// An answer of one kind.
pub(super) fn reply(content: read_resp::Content) -> ReadResp {
    ReadResp { content: Some(content) }
}

/// An event as an answer.
pub(super) fn event(shown: &Shown, ids: IdForm) -> ReadResp {
    let (event, link) = shown.wire(ids);
    reply(read_resp::Content::Event(read_resp::ReadEvent {
        event,
        link,
        position: Some(read_resp::read_event::Position::CommitPosition(shown.original.position)),
    }))
}

impl EventStore {
    /// Reads a stream.
    pub(super) async fn read_stream(
        &self,
        name: String,
        start: Start,
        direction: Direction,
        count: u64,
        form: (bool, IdForm, bool),
    ) -> Result<Replies, Failure> {
        let visible = Visible::of(self, &name).await?;
        let Some(end) = visible.last else {
            let stream_identifier = Some(wire::identifier(&name));
            let missing = read_resp::StreamNotFound { stream_identifier };
            let only = reply(read_resp::Content::StreamNotFound(missing));
            return Ok(Box::pin(futures::stream::iter([Ok(only)])));
        };
        let next = match (direction, start) {
            (Direction::Forwards, Start::Beginning) => Some(visible.lowest),
            (Direction::Forwards, Start::At(revision)) => Some(revision.max(visible.lowest)),
            (Direction::Forwards, Start::End) => None,
            (Direction::Backwards, Start::Beginning) => Some(0),
            (Direction::Backwards, Start::At(revision)) => Some(revision.min(end)),
            (Direction::Backwards, Start::End) => Some(end),
        };
        let (resolve, ids, tell_end) = form;
        let reader = Reader {
            service: self.clone(),
            source: Source::Stream { name, visible },
            direction,
            resolve,
            ids,
            left: count,
            next,
            end,
            tell_end,
        };
        Ok(reader.replies())
    }

    /// Reads everything, or what a filter wants of it.
    pub(super) fn read_all(
        &self,
        filter: Option<Filter>,
        start: Start,
        direction: Direction,
        count: u64,
        form: (bool, IdForm),
    ) -> Replies {
        let end = self.log.head().size;
        let next = match (direction, start) {
            (Direction::Forwards, Start::Beginning) => Some(1),
            (Direction::Forwards, Start::At(position)) => Some(position.max(1)),
            (Direction::Backwards, Start::End) => Some(end),
            // Backwards, the position itself is not part of it.
            (Direction::Backwards, Start::At(position)) => Some(position.saturating_sub(1).min(end)),
            (Direction::Forwards, Start::End) | (Direction::Backwards, Start::Beginning) => None,
        };
        let (resolve, ids) = form;
        let reader = Reader {
            service: self.clone(),
            source: Source::All { filter },
            direction,
            resolve,
            ids,
            left: count,
            next,
            end,
            tell_end: false,
        };
        reader.replies()
    }
}

impl Reader {
    fn replies(self) -> Replies {
        let pages = futures::stream::try_unfold(self, |mut reader| async move {
            let page = reader.page().await?;
            Ok::<_, Status>(page.map(|page| (futures::stream::iter(page.into_iter().map(Ok)), reader)))
        });
        Box::pin(pages.try_flatten())
    }

    /// The next answers, possibly none of them an event; `None` when all is said.
    async fn page(&mut self) -> Result<Option<Vec<ReadResp>>, Failure> {
        let limit = usize::try_from(self.left).unwrap_or(usize::MAX).min(PAGE);
        let Some(next) = self.next.filter(|_| limit > 0) else {
            if !std::mem::take(&mut self.tell_end) {
                return Ok(None);
            }
            return Ok(Some(vec![reply(read_resp::Content::LastStreamPosition(self.end))]));
        };
        let forwards = self.direction == Direction::Forwards;
        let log = &self.service.log;
        let (page, lowest) = match &self.source {
            Source::Stream { name, visible } => (
                log.page_stream(name, next, self.direction, limit).await?,
                visible.lowest,
            ),
            // A filter may want few of many.
            Source::All { filter: Some(_) } => (log.page_all(next, self.direction, PAGE).await?, 1),
            Source::All { filter: None } => (log.page_all(next, self.direction, limit).await?, 1),
        };
        let place = |event: &RecordedEvent| match &self.source {
            Source::Stream { .. } => event.revision,
            Source::All { .. } => event.position,
        };
        self.next = match page.last().map(place) {
            None => None,
            Some(last) if forwards => (last < self.end).then_some(last + 1),
            Some(last) => (last > lowest).then(|| last - 1),
        };
        let mut wanted = Vec::with_capacity(page.len().min(limit));
        for event in page {
            let at = place(&event);
            if wanted.len() < limit && at >= lowest && at <= self.end && self.wants(&event)? {
                wanted.push(event);
            }
        }
        self.left -= wanted.len() as u64;
        let shown = self.service.shown(wanted, self.resolve).await?;
        Ok(Some(shown.iter().map(|shown| event(shown, self.ids)).collect()))
    }

    fn wants(&self, event: &RecordedEvent) -> Result<bool, Failure> {
        match &self.source {
            Source::Stream { visible, .. } => Ok(visible.young(event)),
            Source::All { .. } if name::is_hidden(event.stream()) => Ok(false),
            Source::All { filter } => filter.as_ref().map_or(Ok(true), |filter| filter.wants(event)),
        }
    }
}

/// The place that a request names; the largest number means the end.
pub(super) fn at(place: u64) -> Start {
    if place == u64::MAX {
        Start::End
    } else {
        Start::At(place)
    }
}

/// The position that a request names.
pub(super) fn at_position(position: &v1::AllStreamPosition) -> Start {
    at(position.commit_position)
}
