//! What a person's record is, folded from its events. It holds no personal data, only what decisions need.

use super::break_glass::GLASS_MINUTES;
use super::event::{Act, PersonEvent};
use crate::kernel::Aggregate;

/// Something that waits for a second person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// Number.
    pub number: u32,
    /// What.
    pub act: Act,
    /// Person it is also about.
    pub other: Option<String>,
    /// Who proposed it.
    pub by: String,
}

/// An emergency in which somebody may read the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glass {
    /// Number.
    pub number: u32,
    /// Who may.
    pub by: String,
    /// Until when, microseconds since 1970 UTC.
    pub until_us: i64,
    /// Somebody else said whether that was right.
    pub reviewed: bool,
}

/// The state of a person's record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    /// It exists.
    pub registered: bool,
    /// Station that has the person on file.
    pub station: String,
    /// The person died.
    pub dead: bool,
    /// Nothing is done with the data but keeping it.
    pub restricted: bool,
    /// The record is sealed.
    pub sealed: bool,
    /// Erasure is decided.
    pub erasure_committed: bool,
    /// The keys are gone.
    pub erased: bool,
    /// The record goes on under this person's.
    pub merged_into: Option<String>,
    /// What waits for a second person.
    pub proposals: Vec<Proposal>,
    /// Proposals so far.
    pub proposed: u32,
    /// Requests of the person that wait for an answer.
    pub requests: Vec<u32>,
    /// Requests so far.
    pub requested: u32,
    /// Emergencies that wait for a review or may not be over.
    pub glasses: Vec<Glass>,
    /// Emergencies so far.
    pub broken: u32,
}

impl Person {
    fn decided(&mut self, proposal: u32) {
        self.proposals.retain(|open| open.number != proposal);
    }
}

impl Aggregate for Person {
    const CATEGORY: &'static str = "person";
    type Event = PersonEvent;

    fn subject<'a>(&'a self, id: &'a str) -> &'a str {
        id
    }

    fn evolve(&mut self, event: &PersonEvent) {
        match event {
            PersonEvent::PersonRegistered(fact) => {
                self.registered = true;
                self.station.clone_from(&fact.station);
            }
            PersonEvent::PersonMoved(fact) if self.station == fact.from => self.station.clone_from(&fact.station),
            PersonEvent::PersonMoved(_) => {}
            PersonEvent::ContactUpdated(_) | PersonEvent::ProtectiveFactRecorded(_) => {}
            PersonEvent::DeathRecorded(_) => self.dead = true,
            PersonEvent::PersonRestricted(_) => self.restricted = true,
            PersonEvent::RestrictionLifted(_) => self.restricted = false,
            PersonEvent::ActProposed(fact) => {
                self.proposed = fact.proposal;
                self.proposals.push(Proposal {
                    number: fact.proposal,
                    act: fact.act,
                    other: fact.other.clone(),
                    by: fact.by.clone(),
                });
            }
            PersonEvent::ActDeclined(fact) => self.decided(fact.proposal),
            PersonEvent::RecordsSealed(fact) => {
                self.sealed = true;
                self.decided(fact.proposal);
            }
            PersonEvent::SealLifted(fact) => {
                self.sealed = false;
                self.decided(fact.proposal);
            }
            PersonEvent::ErasureCommitted(_) => {
                self.erasure_committed = true;
                self.proposals.clear();
            }
            PersonEvent::IdentityKeyDestroyed(_) => self.erased = true,
            PersonEvent::PersonsMerged(fact) => {
                self.merged_into = Some(fact.survivor.clone());
                self.decided(fact.proposal);
            }
            PersonEvent::PersonSplit(fact) => {
                self.merged_into = None;
                self.decided(fact.proposal);
            }
            PersonEvent::SubjectRequestRegistered(fact) => {
                self.requested = fact.request;
                self.requests.push(fact.request);
            }
            PersonEvent::SubjectRequestAnswered(fact) => self.requests.retain(|open| *open != fact.request),
            PersonEvent::GlassBroken(fact) => {
                self.broken = fact.glass;
                // All last equally long: one that ends before this one began is over.
                let over = fact.until_us - GLASS_MINUTES * 60_000_000;
                self.glasses.retain(|glass| !glass.reviewed || glass.until_us > over);
                self.glasses.push(Glass {
                    number: fact.glass,
                    by: fact.by.clone(),
                    until_us: fact.until_us,
                    reviewed: false,
                });
            }
            PersonEvent::GlassReviewed(fact) => {
                for glass in self.glasses.iter_mut().filter(|glass| glass.number == fact.glass) {
                    glass.reviewed = true;
                }
            }
        }
    }
}
