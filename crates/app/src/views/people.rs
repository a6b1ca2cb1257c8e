//! People on file: one document a person, with the places of what is sealed and none of it in clear.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use waystation_domain::person::{Act, Emergency, PersonEvent, SubjectRequestKind};
use waystation_domain::{Date, Fact, Field, calendar};

use crate::recorded::Recorded;
use crate::view::{Keys, View};

/// The view of people.
pub struct People;

/// How far the erasure of a person's data is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ErasureState {
    /// Nobody decided one.
    #[default]
    None,
    /// It is decided; nothing is read any more.
    Committed,
    /// The keys are gone.
    Done,
}

/// Something the law protects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProtectiveFact {
    /// The event that holds what it is, sealed.
    pub position: u64,
    /// First day.
    pub from: Date,
    /// Last day, when known.
    pub to: Option<Date>,
}

/// Something that waits for a second person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenProposal {
    /// Number.
    pub number: u32,
    /// What.
    pub act: Act,
    /// Who proposed it.
    pub by: String,
    /// Legal basis.
    pub basis: String,
}

/// A request of the person that waits for an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenRequest {
    /// Number.
    pub number: u32,
    /// What for.
    pub kind: SubjectRequestKind,
    /// Day.
    pub on: Date,
}

/// An emergency in which somebody could read a record that was not in their charge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokenGlass {
    /// Number.
    pub number: u32,
    /// Who.
    pub by: String,
    /// Their station.
    pub station: String,
    /// What kind of emergency.
    pub emergency: Emergency,
    /// Since when, microseconds since 1970 UTC.
    pub from_us: i64,
    /// Until when, microseconds since 1970 UTC.
    pub until_us: i64,
    /// What somebody else said: whether it was right.
    pub justified: Option<bool>,
}

/// One person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonSummary {
    /// Station that has the person on file.
    pub station: String,
    /// Place of household registration.
    pub household_org: String,
    /// The person died.
    pub dead: bool,
    /// Nothing is done with the data but keeping it.
    pub restricted: bool,
    /// The record is sealed.
    pub sealed: bool,
    /// How far erasure is.
    pub erasure: ErasureState,
    /// The record goes on under this person's.
    pub merged_into: Option<String>,
    /// What the law protects.
    pub protective: Vec<ProtectiveFact>,
    /// Position of the newest event with each sealed field.
    pub places: BTreeMap<Field, u64>,
    /// What waits for a second person.
    pub proposals: Vec<OpenProposal>,
    /// What waits for an answer.
    pub requests: Vec<OpenRequest>,
    /// Emergencies that wait for a review, and those of the last day there was one.
    pub glasses: Vec<BrokenGlass>,
    /// Revision of the person's stream.
    pub revision: u64,
}

/// Keys of the view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub(crate) enum PeopleKey {
    /// station, person; the unsealed and unerased ones.
    Station = 0,
    /// person, while erasure is decided and not done.
    Erasing = 1,
    /// station, person; with an emergency that waits for a review.
    Unreviewed = 2,
    /// member of staff, day, person; emergencies of that day.
    Emergencies = 3,
    /// survivor, person; while the record goes on under the survivor's.
    Merged = 4,
}

impl BrokenGlass {
    /// Whose it counts as, and on which day.
    pub(crate) fn day(&self) -> (&str, String) {
        (&self.by, calendar::day_of(self.from_us).to_string())
    }
}

impl View for People {
    type Document = PersonSummary;
    const NAME: &'static str = "people";
    const VERSION: u32 = 3;

    fn touched(recorded: &Recorded) -> Vec<String> {
        match recorded.fact {
            Fact::Person(_) => vec![recorded.id().to_owned()],
            _ => Vec::new(),
        }
    }

    fn creates(recorded: &Recorded) -> bool {
        matches!(recorded.fact, Fact::Person(PersonEvent::PersonRegistered(_)))
    }

    fn apply(_: &str, document: Option<PersonSummary>, recorded: &Recorded) -> Option<PersonSummary> {
        let Fact::Person(event) = &recorded.fact else {
            return document;
        };
        if let PersonEvent::PersonRegistered(fact) = event {
            return Some(PersonSummary {
                station: fact.station.clone(),
                household_org: fact.household_org.clone(),
                dead: false,
                restricted: false,
                sealed: false,
                erasure: ErasureState::None,
                merged_into: None,
                protective: Vec::new(),
                places: recorded.sealed_fields(),
                proposals: Vec::new(),
                requests: Vec::new(),
                glasses: Vec::new(),
                revision: recorded.event.revision,
            });
        }
        let mut person = document?;
        person.revision = recorded.event.revision;
        let decided = |person: &mut PersonSummary, number: u32| person.proposals.retain(|open| open.number != number);
        match event {
            PersonEvent::ContactUpdated(_) => person.places.extend(recorded.sealed_fields()),
            PersonEvent::ProtectiveFactRecorded(fact) => person.protective.push(ProtectiveFact {
                position: recorded.position(),
                from: fact.from,
                to: fact.to,
            }),
            PersonEvent::PersonMoved(fact) if person.station == fact.from => person.station.clone_from(&fact.station),
            PersonEvent::PersonMoved(_) => {}
            PersonEvent::DeathRecorded(_) => person.dead = true,
            PersonEvent::PersonRestricted(_) => person.restricted = true,
            PersonEvent::RestrictionLifted(_) => person.restricted = false,
            PersonEvent::ActProposed(fact) => person.proposals.push(OpenProposal {
                number: fact.proposal,
                act: fact.act,
                by: fact.by.clone(),
                basis: fact.basis.clone(),
            }),
            PersonEvent::ActDeclined(fact) => decided(&mut person, fact.proposal),
            PersonEvent::RecordsSealed(fact) => {
                person.sealed = true;
                decided(&mut person, fact.proposal);
            }
            PersonEvent::SealLifted(fact) => {
                person.sealed = false;
                decided(&mut person, fact.proposal);
            }
            PersonEvent::ErasureCommitted(_) => {
                person.erasure = ErasureState::Committed;
                person.proposals.clear();
                person.places.clear();
                person.protective.clear();
            }
            PersonEvent::IdentityKeyDestroyed(_) => person.erasure = ErasureState::Done,
            PersonEvent::PersonsMerged(fact) => {
                person.merged_into = Some(fact.survivor.clone());
                decided(&mut person, fact.proposal);
            }
            PersonEvent::PersonSplit(fact) => {
                person.merged_into = None;
                decided(&mut person, fact.proposal);
            }
            PersonEvent::SubjectRequestRegistered(fact) => person.requests.push(OpenRequest {
                number: fact.request,
                kind: fact.kind,
                on: fact.on,
            }),
            PersonEvent::SubjectRequestAnswered(fact) => person.requests.retain(|open| open.number != fact.request),
            PersonEvent::GlassBroken(fact) => {
                let now = recorded.event.recorded_us;
                let today = calendar::day_of(now);
                person
                    .glasses
                    .retain(|glass| glass.justified.is_none() || calendar::day_of(glass.from_us) == today);
                person.glasses.push(BrokenGlass {
                    number: fact.glass,
                    by: fact.by.clone(),
                    station: recorded.metadata.station.clone(),
                    emergency: fact.emergency,
                    from_us: now,
                    until_us: fact.until_us,
                    justified: None,
                });
            }
            PersonEvent::GlassReviewed(fact) => {
                for glass in person.glasses.iter_mut().filter(|glass| glass.number == fact.glass) {
                    glass.justified = Some(fact.justified);
                }
            }
            PersonEvent::PersonRegistered(_) => {}
        }
        Some(person)
    }

    fn keys(id: &str, person: &PersonSummary, keys: &mut Keys) {
        match person.erasure {
            ErasureState::None if !person.sealed => keys.add(PeopleKey::Station as u16, &[&person.station, id]),
            ErasureState::Committed => keys.add(PeopleKey::Erasing as u16, &[id]),
            ErasureState::None | ErasureState::Done => {}
        }
        if let Some(survivor) = &person.merged_into {
            keys.add(PeopleKey::Merged as u16, &[survivor, id]);
        }
        if person.glasses.iter().any(|glass| glass.justified.is_none()) {
            keys.add(PeopleKey::Unreviewed as u16, &[&person.station, id]);
        }
        let days: BTreeSet<(&str, String)> = person.glasses.iter().map(BrokenGlass::day).collect();
        for (by, day) in days {
            keys.add(PeopleKey::Emergencies as u16, &[by, &day, id]);
        }
    }
}
