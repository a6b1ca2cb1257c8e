//! Whether a change fits a stream, by the protocol's rules. Nothing here reads or writes.

use waystation_app::{ExpectedRevision, NewEvent, StreamAppend, ids};

use super::acl::Deed;
use super::failure::Failure;
use super::metadata::{DELETE, readable_from};
use super::name;
use super::recent::Recent;
use super::stream::Stream;
use super::wire::{JSON, METADATA, TOMBSTONE};

/// What is to be done to one stream.
#[derive(Clone, Debug)]
pub(super) struct Proposal {
    pub(super) stream: String,
    pub(super) expected: ExpectedRevision,
    pub(super) change: Change,
}

#[derive(Clone, Debug)]
pub(super) enum Change {
    /// Append these; none only checks.
    Append(Vec<NewEvent>),
    /// Hide everything there is.
    Delete,
    /// Close for good.
    Tombstone,
    /// Write nothing, but only go on while the stream is so.
    Check(State),
}

/// How a stream must be for others to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Where it ends. A stream that was deleted or closed counts as no stream.
    At(ExpectedRevision),
    /// Deleted, and not written to since.
    Deleted,
    /// Closed for good.
    Tombstoned,
}

impl State {
    /// Whether the stream of this name is so.
    pub(super) fn holds(self, stream: &Stream, name: &str) -> bool {
        let metadata = name::about(name).is_some();
        let gone = !metadata && (stream.tombstoned || stream.deleted());
        let last = if metadata { stream.metadata_last } else { stream.last };
        match self {
            State::At(ExpectedRevision::Any) => true,
            State::At(ExpectedRevision::NoStream) => gone || last.is_none(),
            State::At(ExpectedRevision::StreamExists) => !gone && last.is_some(),
            State::At(ExpectedRevision::Exact(revision)) => (metadata || !stream.tombstoned) && last == Some(revision),
            State::Deleted => !metadata && !stream.tombstoned && stream.deleted(),
            State::Tombstoned => !metadata && stream.tombstoned,
        }
    }
}

/// What became of one stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Done {
    /// Last revision of the stream; `None` when it does not exist.
    pub(super) revision: Option<u64>,
    /// Position of the last event; `None` when there was none to append.
    pub(super) position: Option<u64>,
}

/// How a change is carried out.
#[derive(Debug)]
pub(super) struct Plan {
    /// What to append, the proposal's own events first.
    pub(super) parts: Vec<StreamAppend>,
    /// How many events are the proposal's own.
    pub(super) own: u64,
    /// The last revision of the stream that was named.
    pub(super) revision: Option<u64>,
    /// How the stream will be then.
    pub(super) next: Stream,
}

impl Plan {
    /// Events of all parts.
    pub(super) fn events(&self) -> u64 {
        self.parts.iter().map(|part| part.events.len() as u64).sum()
    }
}

/// What a proposal comes to, given what is believed of its stream. Anything but `Fits` is for the log to confirm.
#[derive(Debug)]
pub(super) enum Decision {
    Fits(Box<Plan>),
    Refused(Failure),
    /// A repeat of what was written from this revision on, or refused.
    Repeat(u64),
    /// A repeat of events that were appended lately.
    Settled(Done),
    /// Perhaps a repeat of events that are being appended.
    Unsettled,
}

fn system_event(event_type: &str, data: Vec<u8>) -> NewEvent {
    NewEvent {
        sealed: Vec::new(),
        id: ids::random().into_bytes(),
        event_type: event_type.to_owned(),
        schema: 0,
        content_type: JSON,
        metadata: Default::default(),
        data: data.into(),
    }
}

fn part(stream: String, last: Option<u64>, events: Vec<NewEvent>) -> StreamAppend {
    let expected = last.map_or(ExpectedRevision::NoStream, ExpectedRevision::Exact);
    StreamAppend {
        stream,
        expected,
        events,
    }
}

/// The last revision after so many more events.
fn after(last: Option<u64>, events: usize) -> Option<u64> {
    (last.map_or(0, |last| last + 1) + events as u64).checked_sub(1)
}

impl Proposal {
    /// The stream, or the one whose metadata stream is named.
    pub(super) fn base(&self) -> &str {
        name::base(&self.stream)
    }

    /// The events to append; none for a delete.
    pub(super) fn events(&self) -> &[NewEvent] {
        match &self.change {
            Change::Append(events) => events,
            Change::Delete | Change::Tombstone | Change::Check(_) => &[],
        }
    }

    /// What is done to the stream.
    pub(super) fn deed(&self) -> Deed {
        match &self.change {
            Change::Append(_) => Deed::Write,
            Change::Delete | Change::Tombstone => Deed::Delete,
            Change::Check(_) => Deed::Read,
        }
    }

    /// It writes nothing, and only lets others be written.
    pub(super) fn only_checks(&self) -> bool {
        match &self.change {
            Change::Append(events) => events.is_empty(),
            Change::Check(_) => true,
            Change::Delete | Change::Tombstone => false,
        }
    }

    /// The refusal of an expectation that does not hold.
    pub(super) fn wrong(&self, actual: Option<u64>) -> Failure {
        Failure::WrongVersion {
            stream: self.stream.clone(),
            expected: self.expected,
            actual,
        }
    }

    /// Where the stream that is named ends.
    pub(super) fn last(&self, stream: &Stream) -> Option<u64> {
        match name::about(&self.stream) {
            Some(_) => stream.metadata_last,
            None => stream.last,
        }
    }

    pub(super) fn decide(&self, stream: &Stream, recent: &Recent) -> Decision {
        match &self.change {
            Change::Append(events) => self.append(stream, events, recent),
            // Nothing to hold on to: whatever is written meanwhile, it goes on holding.
            Change::Check(State::At(ExpectedRevision::Any)) => self.unchanged(stream, Vec::new()),
            Change::Check(state) if state.holds(stream, &self.stream) => {
                let base = self.base();
                let parts = vec![
                    part(base.to_owned(), stream.last, Vec::new()),
                    part(name::metadata_of(base), stream.metadata_last, Vec::new()),
                ];
                self.unchanged(stream, parts)
            }
            Change::Check(_) => Decision::Refused(self.wrong(self.last(stream))),
            Change::Delete | Change::Tombstone => match self.deletable(stream) {
                Err(failure) => Decision::Refused(failure),
                Ok(()) if matches!(self.change, Change::Delete) => self.delete(stream),
                Ok(()) => self.tombstone(stream),
            },
        }
    }

    fn append(&self, stream: &Stream, events: &[NewEvent], recent: &Recent) -> Decision {
        let metadata = name::about(&self.stream).is_some();
        let last = self.last(stream);
        if !metadata && stream.tombstoned {
            return Decision::Refused(Failure::StreamDeleted(self.stream.clone()));
        }
        let exists = if metadata { last.is_some() } else { stream.known() };
        match self.expected {
            ExpectedRevision::StreamExists if !metadata && stream.deleted() => {
                Decision::Refused(Failure::StreamDeleted(self.stream.clone()))
            }
            ExpectedRevision::StreamExists if !exists => Decision::Refused(self.wrong(None)),
            ExpectedRevision::NoStream if last.is_none() => self.fits(stream),
            ExpectedRevision::Exact(revision) if last == Some(revision) => self.fits(stream),
            ExpectedRevision::NoStream if !events.is_empty() => Decision::Repeat(0),
            ExpectedRevision::Exact(revision) if last.is_some_and(|last| revision < last) && !events.is_empty() => {
                Decision::Repeat(revision + 1)
            }
            ExpectedRevision::NoStream if !metadata && stream.deleted() => self.fits(stream),
            ExpectedRevision::Exact(_) | ExpectedRevision::NoStream => Decision::Refused(self.wrong(last)),
            ExpectedRevision::Any | ExpectedRevision::StreamExists => {
                let mut found = events.iter().map(|event| recent.find(&self.stream, event.id));
                let mut newest = match found.next().flatten() {
                    None => return self.fits(stream),
                    Some(first) => first,
                };
                for found in found {
                    match found {
                        // The first was seen, this one was not: neither a repeat nor anything new.
                        None => return Decision::Refused(self.wrong(last)),
                        Some(found) => newest = newest.and(found),
                    }
                }
                match newest {
                    None => Decision::Unsettled,
                    Some((revision, position)) => Decision::Settled(Done {
                        revision: Some(revision),
                        position: Some(position),
                    }),
                }
            }
        }
    }

    /// Carries the append out. An append to a deleted stream, or metadata for one, brings the stream back: readable
    /// from its next event on.
    pub(super) fn fits(&self, stream: &Stream) -> Decision {
        let events = self.events();
        let mut next = stream.clone();
        let mut parts = vec![part(self.stream.clone(), self.last(stream), events.to_vec())];
        if name::about(&self.stream).is_some() {
            next.metadata_last = after(stream.metadata_last, events.len());
            if let Some(newest) = events.last() {
                next.describe(newest.data.clone());
            }
            let revive = stream.deleted() && !stream.tombstoned && !events.is_empty() && !next.deleted();
            if revive {
                let revival = revival(&mut next, stream.last);
                parts[0].events.push(revival);
                parts.push(part(self.base().to_owned(), stream.last, Vec::new()));
            }
        } else {
            next.last = after(stream.last, events.len());
            let mut beside = Vec::new();
            if stream.deleted() && !events.is_empty() {
                beside.push(revival(&mut next, stream.last));
            }
            // Without an event this checks that nobody has deleted the stream meanwhile.
            parts.push(part(name::metadata_of(&self.stream), stream.metadata_last, beside));
        }
        let own = events.len();
        Decision::Fits(Box::new(Plan {
            parts,
            own: own as u64,
            revision: after(self.last(stream), own),
            next,
        }))
    }

    /// Writes nothing; the parts say what must not have changed for others to be written.
    fn unchanged(&self, stream: &Stream, parts: Vec<StreamAppend>) -> Decision {
        Decision::Fits(Box::new(Plan {
            parts,
            own: 0,
            revision: self.last(stream),
            next: stream.clone(),
        }))
    }

    fn deletable(&self, stream: &Stream) -> Result<(), Failure> {
        if stream.tombstoned {
            return Err(Failure::StreamDeleted(self.stream.clone()));
        }
        let never = matches!(self.change, Change::Delete) && !stream.known();
        match self.expected {
            _ if never => Err(self.wrong(None)),
            ExpectedRevision::StreamExists if stream.deleted() => Err(Failure::StreamDeleted(self.stream.clone())),
            ExpectedRevision::StreamExists if !stream.known() => Err(self.wrong(None)),
            ExpectedRevision::NoStream if stream.last.is_some() && !stream.deleted() => Err(self.wrong(stream.last)),
            ExpectedRevision::Exact(revision) if stream.last != Some(revision) => Err(self.wrong(stream.last)),
            _ => Ok(()),
        }
    }

    fn delete(&self, stream: &Stream) -> Decision {
        let mut next = stream.clone();
        next.metadata_last = after(stream.metadata_last, 1);
        next.describe(DELETE.into());
        let deletion = system_event(METADATA, DELETE.to_vec());
        Decision::Fits(Box::new(Plan {
            parts: vec![
                part(name::metadata_of(&self.stream), stream.metadata_last, vec![deletion]),
                part(self.stream.clone(), stream.last, Vec::new()),
            ],
            own: 1,
            revision: stream.last,
            next,
        }))
    }

    fn tombstone(&self, stream: &Stream) -> Decision {
        let mut next = stream.clone();
        next.last = after(stream.last, 1);
        next.tombstoned = true;
        let closing = system_event(TOMBSTONE, Vec::new());
        Decision::Fits(Box::new(Plan {
            parts: vec![part(self.stream.clone(), stream.last, vec![closing])],
            own: 1,
            revision: next.last,
            next,
        }))
    }
}

/// The metadata that makes a stream readable from the event after `last` on; the other keys are kept.
fn revival(next: &mut Stream, last: Option<u64>) -> NewEvent {
    let data = readable_from(&next.metadata, last.map_or(0, |last| last + 1));
    next.describe(data.clone().into());
    next.metadata_last = after(next.metadata_last, 1);
    system_event(METADATA, data)
}

#[cfg(test)]
mod tests {
    use super::super::metadata::{self, Limits};
    use super::*;

    #[test]
    fn states_hold_as_the_protocol_says() {
        let at = |last| Stream {
            last,
            ..Stream::default()
        };
        let deleted = Stream {
            limits: Limits::of(&metadata::read(DELETE)),
            ..at(Some(4))
        };
        let closed = Stream {
            tombstoned: true,
            ..at(Some(4))
        };
        use ExpectedRevision::{Any, Exact, NoStream, StreamExists};
        let states = [
            State::At(Any),
            State::At(NoStream),
            State::At(StreamExists),
            State::At(Exact(4)),
            State::Deleted,
            State::Tombstoned,
        ];
        let held = |stream: &Stream| states.map(|state| state.holds(stream, "order-1"));
        assert_eq!(held(&at(None)), [true, true, false, false, false, false]);
        assert_eq!(held(&at(Some(4))), [true, false, true, true, false, false]);
        assert_eq!(held(&deleted), [true, true, false, true, true, false]);
        assert_eq!(held(&closed), [true, true, false, false, false, true]);
    }
}
