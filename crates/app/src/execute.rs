//! From a command to a durable, idempotent append.

use std::sync::Arc;

use bytes::Bytes;
use uuid::Uuid;
use waystation_domain::{
    Aggregate, Channel, Claim, Command, Context, Event, Follows, Metadata, Policy, Principal, Reason, Rejection,
};
use waystation_storage::{Append, Appended, ExpectedRevision, NewEvent, Request, StorageError, StreamAppend};

use crate::aggregates::{Aggregates, stream_of};
use crate::app::App;
use crate::belief::OnItsWay;
use crate::error::AppError;
use crate::ids;
use waystation_trust::Keyring;
use zeroize::Zeroizing;

/// Times a decision is made anew because somebody else changed the record.
const ATTEMPTS_MAX: usize = 8;
/// Header category of case facts.
const CATEGORY_CASE: u8 = 1;

/// Who asks, and how a command is to be carried out.
#[derive(Clone, Debug)]
pub struct Envelope {
    /// Who asks.
    pub principal: Arc<Principal>,
    /// By which way it came.
    pub channel: Channel,
    /// Makes the command idempotent: the same id and content get the same answer, for ever.
    pub request: Option<Uuid>,
    /// The revision the caller has seen; anything else refuses the command.
    pub expected_revision: Option<u64>,
    /// Decide, say what would happen, write nothing.
    pub validate_only: bool,
}

impl Envelope {
    /// A command without further conditions.
    pub fn of(principal: impl Into<Arc<Principal>>, channel: Channel) -> Self {
        Self {
            principal: principal.into(),
            channel,
            request: None,
            expected_revision: None,
            validate_only: false,
        }
    }
}

/// What became of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Position of the last event; reading at or after it shows the command's effect. When nothing had to be written,
    /// the end of the log.
    pub position: u64,
    /// Revision of the record after the command; `None` when it does not exist.
    pub revision: Option<u64>,
    /// When the log came to hold it, microseconds since 1970 UTC; 0 when nothing was written.
    pub recorded_us: i64,
    /// How many events it became; for a repeated request, how many it became then.
    pub events: u64,
    /// It had been carried out before under the same request id; nothing was written now.
    pub replayed: bool,
    /// Leaf of the event at `position`; `None` when nothing was written.
    pub leaf: Option<[u8; 32]>,
}

impl From<Appended> for Receipt {
    fn from(appended: Appended) -> Self {
        Self {
            position: appended.last_position,
            revision: Some(appended.revision),
            recorded_us: appended.recorded_us,
            events: appended.last_position - appended.first_position + 1,
            replayed: appended.replayed,
            leaf: Some(appended.leaf),
        }
    }
}

impl App {
    pub(crate) async fn run<C: Command>(
        &self,
        aggregates: &Aggregates<C::Aggregate>,
        id: &str,
        command: &C,
        envelope: &Envelope,
    ) -> Result<Receipt, AppError> {
        let request = match envelope.request {
            Some(request) => Some(Request {
                id: *request.as_bytes(),
                fingerprint: fingerprint(&*self.vault().ring().await?, id, command, envelope)?,
            }),
            None => None,
        };
        let policy = self.policy(&envelope.principal.station).await?;
        let conflicts = self.conflicts(&envelope.principal).await?;
        let stream = stream_of::<C::Aggregate>(id);
        for _ in 0..ATTEMPTS_MAX {
            let mut slot = aggregates.lock(id, self.main()).await?;
            let actual = slot.revision;
            let refused = envelope.expected_revision.filter(|expected| Some(*expected) != actual);
            let today = self.today();
            let context = Context {
                today,
                actor: &envelope.principal,
                policy: &policy,
            };
            let decided = match refused {
                Some(expected) => Err(AppError::RevisionMismatch { expected, actual }),
                None if conflicts.contains(slot.state.subject(id)) => {
                    Err(Rejection::from(Reason::ConflictOfInterest).into())
                }
                None => command.decide(&slot.state, &context).map_err(AppError::Rejected),
            };
            // A new record says only now whom it is about.
            let decided = decided.and_then(|events| {
                let is_new = actual.is_none() && !conflicts.is_empty();
                if is_new && conflicts.contains(after(&slot.state, &events).subject(id)) {
                    return Err(Rejection::from(Reason::ConflictOfInterest).into());
                }
                Ok(events)
            });
            let nothing_to_write = envelope.validate_only || decided.as_ref().is_ok_and(Vec::is_empty);
            if (nothing_to_write || decided.is_err()) && !slot.fresh() {
                // No fence will prove this answer, so it must rest on what the log says now.
                if self.main().last_revision(&stream).await? != actual {
                    slot.reread().await;
                    continue;
                }
            }
            let events = match decided {
                Ok(events) => events,
                Err(no) => {
                    drop(slot);
                    return match request {
                        Some(request) => self.main().find_request(request).await?.map(Receipt::from).ok_or(no),
                        None => Err(no),
                    };
                }
            };
            let revision = actual.map_or(0, |last| last + 1) + events.len() as u64;
            if let Some(request) = request.filter(|_| events.is_empty() && !envelope.validate_only)
                && let Some(appended) = self.main().find_request(request).await?
            {
                return Ok(appended.into());
            }
            if nothing_to_write {
                return Ok(Receipt {
                    position: self.main().head().size,
                    revision: revision.checked_sub(1),
                    recorded_us: 0,
                    events: events.len() as u64,
                    replayed: false,
                    leaf: None,
                });
            }
            let metadata = metadata::<C>(envelope, &policy, today);
            let expected = actual.map_or(ExpectedRevision::NoStream, ExpectedRevision::Exact);
            let claims = command.claims(&slot.state);
            let ring = self.vault().ring().await?;
            let follows = self.there(command.follows(&slot.state)).await?;
            let mut append = append(
                (&stream, expected),
                &events,
                (&claims, follows.as_ref()),
                &metadata,
                request,
                envelope,
                &ring,
            );
            if events.iter().any(|event| !event.personal().is_empty()) {
                let after = after(&slot.state, &events);
                // What sealing needs is large, and most commands seal nothing.
                Box::pin(self.seal(&mut append, after.subject(id), &events, &metadata)).await?;
            }
            let pending = self.main().submit(append)?;
            for event in &events {
                slot.state.evolve(event);
            }
            slot.revision = revision.checked_sub(1);
            let on_its_way = OnItsWay::new([&slot], pending);
            drop(slot);
            match on_its_way.outcome().await {
                Ok(appended) => return Ok(appended.into()),
                Err(StorageError::WrongExpectedRevision { stream, .. }) => {
                    if let Some(claim) = claims.iter().find(|claim| claim_stream(&ring, claim) == stream) {
                        return Err(AppError::Rejected(claim.rejection.clone()));
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(AppError::Contention)
    }

    /// What follows for another record, if that is there.
    async fn there(&self, follows: Option<Follows>) -> Result<Option<Follows>, AppError> {
        let Some(follows) = follows else { return Ok(None) };
        let last = self.main().last_revision(&follows.stream).await?;
        Ok(last.map(|_| follows))
    }

    /// Seals the personal fields of an append's events, whose first stream is the aggregate's.
    async fn seal<E: Event>(
        &self,
        append: &mut Append,
        person: &str,
        events: &[E],
        metadata: &[u8],
    ) -> Result<(), AppError> {
        if person.is_empty() {
            return Err(AppError::Internal("a personal field is about nobody".into()));
        }
        let sealing = self.vault().sealing(person, self.main(), &append.causation).await?;
        let part = &mut append.streams[0];
        let first = match part.expected {
            ExpectedRevision::Exact(last) => last + 1,
            _ => 0,
        };
        for ((revision, event), new) in (first..).zip(events).zip(&mut part.events) {
            sealing.seal(self.main(), (&part.stream, revision), new, &event.personal())?;
        }
        append.streams.extend(sealing.announcement(metadata));
        Ok(())
    }
}

/// The state with events folded in.
fn after<A: Aggregate>(state: &A, events: &[A::Event]) -> A {
    let mut after = state.clone();
    for event in events {
        after.evolve(event);
    }
    after
}

/// Tells a repeated command from another one under the same request id. Keyed, because what is asked may be personal.
pub(crate) fn fingerprint<C: Command>(
    ring: &Keyring,
    id: &str,
    command: &C,
    envelope: &Envelope,
) -> Result<[u8; 16], AppError> {
    let content = serde_json::to_vec(command).map_err(|error| AppError::Internal(error.to_string()))?;
    let content = Zeroizing::new(content);
    Ok(ring.digest(&[
        C::NAME.as_bytes(),
        id.as_bytes(),
        envelope.principal.id.as_bytes(),
        &content,
    ]))
}

fn metadata<C: Command>(envelope: &Envelope, policy: &Policy, today: waystation_domain::Date) -> Bytes {
    let metadata = Metadata {
        actor: envelope.principal.id.as_str(),
        role: envelope.principal.role,
        station: envelope.principal.station.as_str(),
        channel: envelope.channel,
        command: C::NAME,
        policy: policy.packs_in_force(today).collect(),
    };
    serde_json::to_vec(&metadata)
        .expect("metadata holds only strings")
        .into()
}

/// The stream that claims a value: whoever writes its first event holds it. Only a keyed digest of the value is named.
pub(crate) fn claim_stream(ring: &Keyring, claim: &Claim) -> String {
    let digest = ring.digest(&[claim.category.as_bytes(), claim.value.as_bytes()]);
    format!("{}-{}", claim.category, ids::hex(&digest))
}

fn append<E: Event>(
    (stream, expected): (&str, ExpectedRevision),
    events: &[E],
    (claims, follows): (&[Claim], Option<&Follows>),
    metadata: &Bytes,
    request: Option<Request>,
    envelope: &Envelope,
    ring: &Keyring,
) -> Append {
    let seed = request.map_or_else(|| *ids::random().as_bytes(), |request| request.id);
    let mut number = 0_u32;
    let mut new_event = |event_type: &str, data: Vec<u8>| {
        number += 1;
        NewEvent {
            sealed: Vec::new(),
            id: ids::digest(&[&seed, &number.to_le_bytes()]),
            event_type: event_type.to_owned(),
            schema: 1,
            content_type: "application/json",
            metadata: metadata.clone(),
            data: data.into(),
        }
    };
    let events = events
        .iter()
        .map(|event| new_event(event.event_type(), event.encode()))
        .collect();
    let mut streams = vec![StreamAppend {
        stream: stream.to_owned(),
        expected,
        events,
    }];
    for claim in claims {
        streams.push(StreamAppend {
            stream: claim_stream(ring, claim),
            expected: ExpectedRevision::NoStream,
            events: vec![new_event(waystation_domain::fact::CLAIMED, b"{}".to_vec())],
        });
    }
    if let Some(follows) = follows {
        streams.push(StreamAppend {
            stream: follows.stream.clone(),
            expected: ExpectedRevision::StreamExists,
            events: vec![new_event(follows.event_type, follows.data.clone())],
        });
    }
    Append {
        request,
        category: CATEGORY_CASE,
        actor: ids::principal(&envelope.principal.id),
        causation: seed,
        streams,
    }
}
