//! From proposals to one durable append, on what memory believes of the streams.
//!
//! As with Waystation's own aggregates, the next append is decided on what the last one will have done; the log's
//! fence proves the belief or throws it away. A refusal, or the word that an append is a repeat, is proved by no fence:
//! it rests on what was read from the log under the streams' locks.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;
use waystation_app::{
    APPEND_EVENTS_MAX, Append, Appended, Direction, ExpectedRevision, Held, NewEvent, OnItsWay, RecordedEvent,
    StorageError, ids,
};

use super::EventStore;
use super::caller::Caller;
use super::decide::{Change, Decision, Done, Plan, Proposal};
use super::failure::Failure;
use super::name;
use super::stream::Stream;

/// Header category of events that foreign clients wrote.
const CATEGORY_FOREIGN: u8 = 6;
/// Principal of foreign clients, until they are told apart.
const FOREIGN: &str = "eventstore-client";
/// Times an append is decided anew because another process changed the stream.
const ATTEMPTS_MAX: usize = 32;
/// How long to wait for room in the writer's queue before looking again.
const QUEUE_WAIT: Duration = Duration::from_millis(5);
/// Largest append in bytes, all events together.
pub(super) const APPEND_BYTES_MAX: usize = 48 * 1024 * 1024;
/// Metadata larger than this is read again rather than kept in memory.
const METADATA_KEPT_MAX: usize = 8 * 1024;
/// Events at the end of a stream among which a possible repeat is looked for.
const REPEATS_READ_MAX: usize = 1_024;

/// The streams of an append, locked in the order of their names, so that nobody waits for somebody who waits for them.
type Locked<'a> = BTreeMap<&'a str, Held<Stream>>;

/// How events that may be a repeat compare with the log.
enum Compared {
    Equal(Done),
    FirstDiffers,
    Differ,
}

impl EventStore {
    /// Carries out one proposal, written by a client, and returns once it is durable.
    pub(super) async fn write_one(
        &self,
        caller: &Caller,
        proposal: Proposal,
        deadline: Instant,
    ) -> Result<Done, Failure> {
        if !proposal.events().is_empty() || !matches!(proposal.change, Change::Append(_)) {
            name::writable(&proposal.stream)?;
        }
        let done = self.write(caller, &[proposal], deadline).await?;
        done.into_iter().next().ok_or(Failure::TimedOut)
    }

    /// Carries out all proposals or none; one answer for each, in order. No stream may be named twice, nor together
    /// with its own metadata stream.
    pub(super) async fn write(
        &self,
        caller: &Caller,
        proposals: &[Proposal],
        deadline: Instant,
    ) -> Result<Vec<Done>, Failure> {
        bounded(proposals)?;
        let carried_out = async {
            for _ in 0..ATTEMPTS_MAX {
                if let Some(done) = self.attempt(caller, proposals, deadline).await? {
                    return Ok(done);
                }
            }
            Err(Failure::TimedOut)
        };
        if Instant::now() >= deadline {
            return Err(Failure::TimedOut);
        }
        tokio::time::timeout_at(deadline, carried_out)
            .await
            .unwrap_or(Err(Failure::TimedOut))
    }

    /// `None` when another process was faster.
    async fn attempt(
        &self,
        caller: &Caller,
        proposals: &[Proposal],
        deadline: Instant,
    ) -> Result<Option<Vec<Done>>, Failure> {
        let mut locked = self.lock(proposals).await?;
        for proposal in proposals {
            caller.may(&locked[proposal.base()].acl, &proposal.stream, proposal.deed())?;
        }
        let mut plans = self.plan(proposals, &locked);
        if !plans
            .as_ref()
            .is_ok_and(|plans| plans.iter().any(|plan| plan.events() > 0))
        {
            // No fence will prove this answer.
            self.refresh(&mut locked).await?;
            match self.plan(proposals, &locked) {
                Err(decisions) => match self.resolve(proposals, &locked, decisions).await? {
                    Ok(done) => return Ok(Some(done)),
                    Err(anew) => plans = Ok(anew),
                },
                fitting => plans = fitting,
            }
        }
        let plans = plans.unwrap_or_default();
        if plans.iter().all(|plan| plan.events() == 0) {
            let unwritten = |plan: &Plan| Done {
                revision: plan.revision,
                position: None,
            };
            return Ok(Some(plans.iter().map(unwritten).collect()));
        }
        let pending = loop {
            match self.log.submit(append(caller, &plans)) {
                Err(StorageError::QueueFull) if Instant::now() < deadline => tokio::time::sleep(QUEUE_WAIT).await,
                Err(StorageError::QueueFull) => return Err(Failure::TimedOut),
                submitted => break submitted?,
            }
        };
        let on_its_way = OnItsWay::new(locked.values(), pending);
        for (proposal, plan) in proposals.iter().zip(&plans) {
            self.recent
                .expect(&proposal.stream, proposal.events().iter().map(|event| event.id));
            if let Some(held) = locked.get_mut(proposal.base()) {
                **held = plan.next.clone();
            }
        }
        for held in locked.into_values() {
            if held.metadata.len() > METADATA_KEPT_MAX {
                held.forget();
            }
        }
        match on_its_way.outcome().await {
            Ok(appended) => Ok(Some(landed(&plans, &appended))),
            Err(StorageError::WrongExpectedRevision { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn refresh(&self, locked: &mut Locked<'_>) -> Result<(), StorageError> {
        for (base, held) in locked {
            if !held.fresh() {
                held.refresh(Stream::read(&self.log, base)).await?;
            }
        }
        Ok(())
    }

    async fn lock<'a>(&self, proposals: &'a [Proposal]) -> Result<Locked<'a>, StorageError> {
        let mut bases: Vec<&str> = proposals.iter().map(Proposal::base).collect();
        bases.sort_unstable();
        let mut locked = Locked::new();
        for base in bases {
            let held = self.streams.of(base).lock(|| Stream::read(&self.log, base)).await?;
            locked.insert(base, held);
        }
        Ok(locked)
    }

    /// All plans when every proposal fits, all decisions otherwise.
    fn plan(&self, proposals: &[Proposal], locked: &Locked<'_>) -> Result<Vec<Plan>, Vec<Decision>> {
        let decide = |proposal: &Proposal| proposal.decide(&locked[proposal.base()], &self.recent);
        let decisions: Vec<Decision> = proposals.iter().map(decide).collect();
        if !decisions.iter().all(|decision| matches!(decision, Decision::Fits(_))) {
            return Err(decisions);
        }
        let plans = decisions.into_iter().filter_map(|decision| match decision {
            Decision::Fits(plan) => Some(*plan),
            _ => None,
        });
        Ok(plans.collect())
    }

    /// Settles what does not simply fit, by the log. Either everything was done before, or everything can be done now.
    async fn resolve(
        &self,
        proposals: &[Proposal],
        locked: &Locked<'_>,
        decisions: Vec<Decision>,
    ) -> Result<Result<Vec<Done>, Vec<Plan>>, Failure> {
        // What each comes to: done before, to be done now, or a check that does not hold.
        let mut outcomes = Vec::with_capacity(proposals.len());
        let mut violated = None;
        for (proposal, mut decision) in proposals.iter().zip(decisions) {
            let stream = &*locked[proposal.base()];
            if matches!(decision, Decision::Unsettled) {
                // Nothing is on its way now: what was being appended is there, or will not come.
                self.look_for(proposal).await?;
                decision = proposal.decide(stream, &self.recent);
            }
            outcomes.push(match decision {
                Decision::Fits(plan) => Some(Err(*plan)),
                Decision::Settled(settled) => Some(Ok(settled)),
                // It held when the others were written, if they were.
                Decision::Refused(failure) if proposal.only_checks() => {
                    violated.get_or_insert(failure);
                    None
                }
                Decision::Refused(failure) => return Err(failure),
                Decision::Unsettled => return Err(proposal.wrong(proposal.last(stream))),
                Decision::Repeat(from) => match self.compare(proposal, from).await? {
                    Compared::Equal(settled) => Some(Ok(settled)),
                    Compared::FirstDiffers
                        if proposal.expected == ExpectedRevision::NoStream
                            && name::about(&proposal.stream).is_none()
                            && stream.deleted() =>
                    {
                        match proposal.fits(stream) {
                            Decision::Fits(plan) => Some(Err(*plan)),
                            _ => return Err(proposal.wrong(stream.last)),
                        }
                    }
                    _ => return Err(proposal.wrong(proposal.last(stream))),
                },
            });
        }
        let repeated = outcomes.iter().flatten().any(Result::is_ok);
        let anew = |outcome: &Result<Done, Plan>| outcome.as_ref().is_err_and(|plan| plan.events() > 0);
        if let Some(new) = outcomes.iter().position(|outcome| outcome.as_ref().is_some_and(anew))
            && repeated
        {
            // Half of it was there before: it is not what was asked then.
            return Err(proposals[new].wrong(proposals[new].last(&locked[proposals[new].base()])));
        }
        if repeated {
            let unwritten = |revision| Done {
                revision,
                position: None,
            };
            let done = outcomes.into_iter().map(|outcome| match outcome {
                Some(Ok(done)) => done,
                Some(Err(plan)) => unwritten(plan.revision),
                None => unwritten(None),
            });
            return Ok(Ok(done.collect()));
        }
        match violated {
            Some(failure) => Err(failure),
            None => Ok(Err(outcomes.into_iter().flatten().filter_map(Result::err).collect())),
        }
    }

    /// Compares events with those that the stream has from a revision on.
    async fn compare(&self, proposal: &Proposal, from: u64) -> Result<Compared, Failure> {
        let mut next = from;
        let mut newest: Option<RecordedEvent> = None;
        let mut events = proposal.events().iter().peekable();
        while events.peek().is_some() {
            let page = self
                .log
                .page_stream(&proposal.stream, next, Direction::Forwards, events.len())
                .await?;
            if page.is_empty() {
                return Ok(if newest.is_some() {
                    Compared::Differ
                } else {
                    Compared::FirstDiffers
                });
            }
            for found in page {
                let Some(asked) = events.next() else { break };
                if found.event_id != asked.id {
                    return Ok(if newest.is_some() {
                        Compared::Differ
                    } else {
                        Compared::FirstDiffers
                    });
                }
                next = found.revision + 1;
                newest = Some(found);
            }
        }
        Ok(match newest {
            Some(event) => Compared::Equal(Done {
                revision: Some(event.revision),
                position: Some(event.position),
            }),
            None => Compared::FirstDiffers,
        })
    }

    /// Makes out whether events that were on their way came.
    async fn look_for(&self, proposal: &Proposal) -> Result<(), Failure> {
        let newest = self
            .log
            .page_stream(&proposal.stream, u64::MAX, Direction::Backwards, REPEATS_READ_MAX)
            .await?;
        newest.iter().for_each(|event| self.recent.saw(event));
        for event in proposal.events() {
            self.recent.forget(&proposal.stream, event.id);
        }
        Ok(())
    }
}

fn append(caller: &Caller, plans: &[Plan]) -> Append {
    Append {
        request: None,
        category: CATEGORY_FOREIGN,
        actor: ids::principal(caller.id().unwrap_or(FOREIGN)),
        causation: [0; 16],
        streams: plans.iter().flat_map(|plan| plan.parts.iter().cloned()).collect(),
    }
}

/// Each plan's last own event; its other events come after them.
fn landed(plans: &[Plan], appended: &Appended) -> Vec<Done> {
    let mut next = appended.first_position;
    let mut done = Vec::with_capacity(plans.len());
    for plan in plans {
        done.push(Done {
            revision: plan.revision,
            position: (plan.own > 0).then(|| next + plan.own - 1),
        });
        next += plan.events();
    }
    done
}

/// Bytes that an event counts for.
pub(super) fn weight(event: &NewEvent) -> usize {
    event.data.len() + event.metadata.len() + event.event_type.len() + 200
}

fn bounded(proposals: &[Proposal]) -> Result<(), Failure> {
    let mut bytes = 0;
    let mut events = 0;
    for event in proposals.iter().flat_map(Proposal::events) {
        bytes += weight(event);
        events += 1;
    }
    if bytes > APPEND_BYTES_MAX {
        return Err(Failure::AppendTooLarge { max: APPEND_BYTES_MAX });
    }
    if events > APPEND_EVENTS_MAX {
        return Err(Failure::Invalid(format!(
            "an append has at most {APPEND_EVENTS_MAX} events"
        )));
    }
    Ok(())
}
