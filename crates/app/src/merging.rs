//! One human with several records: what closes a record closes those that go on under it, and who is kept from one of them is
//! kept from all.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use waystation_domain::person::Person;
use waystation_domain::{Principal, Reason, Rejection, Role};

use crate::app::App;
use crate::error::AppError;

/// Records followed from one to the one it goes on under. What would go on further counts as sealed and restricted.
pub(crate) const FOLLOWED_MAX: usize = 16;
/// Records that one account is kept from, with all those merged with them.
const TOGETHER_MAX: usize = 10_000;

impl App {
    /// The state of a person's record as it counts: sealed or restricted also when a record it goes on under is.
    pub(crate) async fn standing(&self, person: &str) -> Result<Person, AppError> {
        let mut standing = self.person_state(person).await?;
        let mut next = standing.merged_into.clone();
        for _ in 0..FOLLOWED_MAX {
            let Some(under) = next else { return Ok(standing) };
            let survivor = self.person_state(&under).await?;
            standing.sealed |= survivor.sealed;
            standing.restricted |= survivor.restricted;
            next = survivor.merged_into;
        }
        standing.sealed |= next.is_some();
        standing.restricted |= next.is_some();
        Ok(standing)
    }

    /// Refuses to let a record go on under one that is not there, goes on elsewhere itself, is being erased, or is less closed.
    /// Nor under one of another station, as far as whoever asks may know.
    pub(crate) async fn check_survivor(
        &self,
        person: &str,
        other: &str,
        principal: &Principal,
    ) -> Result<(), AppError> {
        let survivor = self.person_state(other).await?;
        let foreign = principal.role == Role::Supervisor && survivor.station != principal.station;
        if other == person || !survivor.registered || foreign {
            return Err(Rejection::of(Reason::PersonNotFound, "other").into());
        }
        let absorbed = self.standing(person).await?;
        let expected = match () {
            () if survivor.merged_into.is_some() => "a record that goes on under no other",
            () if survivor.erasure_committed => "a record that is not erased",
            () if absorbed.sealed && !survivor.sealed => "a record that is sealed too",
            () if absorbed.restricted && !survivor.restricted => "a record that is restricted too",
            () => return Ok(()),
        };
        let rejection = Rejection::of(Reason::ActDoesNotFit, "other").with("expected", expected);
        Err(rejection.into())
    }

    /// These persons, and everybody whose record goes on under theirs or theirs under.
    pub(crate) async fn together(&self, persons: BTreeSet<String>) -> Result<BTreeSet<String>, AppError> {
        let mut waiting: Vec<String> = persons.iter().cloned().collect();
        let mut all = persons;
        while let Some(person) = waiting.pop() {
            let mut near = self.merged_under(&person).await?;
            near.extend(self.person_state(&person).await?.merged_into);
            for one in near {
                if all.insert(one.clone()) {
                    waiting.push(one);
                }
            }
            if all.len() > TOGETHER_MAX {
                return Err(AppError::Internal(
                    "more merged records than an account can be kept from".into(),
                ));
            }
        }
        Ok(all)
    }

    /// Which of these persons are sealed now, by themselves or by what their record goes on under, as far as the view of people
    /// has come.
    ///
    /// # Errors
    /// As [`App::list_cases`].
    pub async fn sealed_among(&self, persons: &[String]) -> Result<HashSet<String>, AppError> {
        let mut sealed = HashSet::new();
        // By the record that is looked at next: who was asked about.
        let mut waiting: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for person in persons {
            waiting.entry(person.clone()).or_default().insert(person.clone());
        }
        for _ in 0..FOLLOWED_MAX {
            let looked_at: Vec<String> = waiting.keys().cloned().collect();
            let mut next: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
            for (id, summary) in self.people_named(&looked_at).await? {
                let asked = waiting.remove(&id).unwrap_or_default();
                match summary.merged_into {
                    _ if summary.sealed => sealed.extend(asked),
                    Some(under) => next.entry(under).or_default().extend(asked),
                    None => {}
                }
            }
            if next.is_empty() {
                return Ok(sealed);
            }
            waiting = next;
        }
        sealed.extend(waiting.into_values().flatten());
        Ok(sealed)
    }
}
