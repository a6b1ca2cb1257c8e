//! Events after a place, through history into the present: what subscriptions and groups of consumers are fed from.

use tokio::sync::watch;
use waystation_app::{Direction, RecordedEvent, Subscription};

use super::EventStore;
use super::failure::Failure;
use super::name;
use super::read::Visible;
use super::tail::Taken;
use super::wire::TOMBSTONE;

/// What comes next.
pub(super) enum Fed {
    /// At least one event, in order.
    Events(Vec<RecordedEvent>),
    /// History has been read; what follows is new.
    CaughtUp,
}

/// See the module. Dropping a future of it loses nothing.
pub(super) struct Feed {
    service: EventStore,
    source: Source,
    signal: watch::Receiver<u64>,
}

enum Source {
    All {
        /// Position of the last event given out, or before the first.
        at: u64,
        /// Reads what the tail no longer has; `None` in the present.
        history: Option<Box<Subscription>>,
    },
    Stream {
        name: String,
        /// First revision not given out.
        next: u64,
        /// How far the tail was searched.
        searched: u64,
        reading: Reading,
        /// The stream's last event was given out.
        closed: bool,
    },
}

enum Reading {
    /// It is not known yet what may be seen.
    Begin,
    History(Visible),
    Present,
}

impl Feed {
    /// Everything after a position.
    pub(super) fn all(service: &EventStore, after: u64) -> Self {
        Self {
            service: service.clone(),
            signal: service.tail.watch_all(),
            source: Source::All {
                at: after,
                history: Some(Box::new(service.log.subscribe(after))),
            },
        }
    }

    /// The events of a stream from a revision on.
    pub(super) fn stream(service: &EventStore, name: &str, from: u64) -> Self {
        Self {
            service: service.clone(),
            signal: service.tail.watch_stream(name),
            source: Source::Stream {
                name: name.to_owned(),
                next: from,
                searched: 0,
                reading: Reading::Begin,
                closed: false,
            },
        }
    }

    /// Up to `limit` events, waiting for them if need be.
    ///
    /// # Errors
    /// [`Failure::StreamDeleted`] when the stream is closed for good, and when the log cannot be read.
    pub(super) async fn next(&mut self, limit: usize) -> Result<Fed, Failure> {
        loop {
            if let Some(fed) = self.try_next(limit).await? {
                return Ok(fed);
            }
            // The sender lives as long as the service.
            let _ = self.signal.changed().await;
        }
    }

    /// What is there already; `None` when the next event is still to come.
    async fn try_next(&mut self, limit: usize) -> Result<Option<Fed>, Failure> {
        // Whatever comes from here on is noticed.
        self.signal.mark_unchanged();
        let service = &self.service;
        match &mut self.source {
            Source::All { at, history } => loop {
                if let Some(reader) = history {
                    let page = reader.try_next(limit).await?;
                    let Some(last) = page.last() else {
                        *history = None;
                        return Ok(Some(Fed::CaughtUp));
                    };
                    *at = last.position;
                    return Ok(Some(Fed::Events(page)));
                }
                match service.tail.after(*at, None, limit) {
                    Taken::Gone => *history = Some(Box::new(service.log.subscribe(*at))),
                    Taken::Events(events, searched) => {
                        *at = searched;
                        return Ok((!events.is_empty()).then_some(Fed::Events(events)));
                    }
                }
            },
            Source::Stream { name, closed: true, .. } => Err(Failure::StreamDeleted(name::base(name).to_owned())),
            Source::Stream {
                name,
                next,
                searched,
                reading,
                closed,
            } => loop {
                let events = match reading {
                    Reading::Begin => {
                        *searched = service.tail.position();
                        let visible = Visible::of(service, name).await?;
                        *next = (*next).max(visible.lowest);
                        *reading = match visible.last {
                            Some(_) => Reading::History(visible),
                            None => Reading::Present,
                        };
                        if matches!(reading, Reading::Present) {
                            return Ok(Some(Fed::CaughtUp));
                        }
                        continue;
                    }
                    Reading::History(visible) => {
                        let page = service.log.page_stream(name, *next, Direction::Forwards, limit).await?;
                        let Some(last) = page.last() else {
                            *reading = Reading::Present;
                            return Ok(Some(Fed::CaughtUp));
                        };
                        *next = last.revision + 1;
                        page.into_iter().filter(|event| visible.young(event)).collect()
                    }
                    Reading::Present => match service.tail.after(*searched, Some(name), limit) {
                        Taken::Gone => {
                            *reading = Reading::Begin;
                            continue;
                        }
                        Taken::Events(mut events, to) => {
                            *searched = to;
                            events.retain(|event| event.revision >= *next);
                            match events.last() {
                                Some(last) => *next = last.revision + 1,
                                None if to < service.tail.position() => continue,
                                None => return Ok(None),
                            }
                            events
                        }
                    },
                };
                *closed = events.last().is_some_and(|event| event.event_type() == TOMBSTONE);
                if !events.is_empty() {
                    return Ok(Some(Fed::Events(events)));
                }
            },
        }
    }
}
