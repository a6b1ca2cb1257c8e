//! A policy tried on history: who would move, and which counts would change. Nothing is written.

use std::collections::BTreeMap;

use waystation_domain::case::CaseEvent;
use waystation_domain::case::what_if::{History, Standing};
use waystation_domain::{Fact, PolicyChange, calendar};
use waystation_storage::{Direction, PAGE_EVENTS_MAX};

use super::ReadOptions;
use crate::app::App;
use crate::error::AppError;
use crate::recorded::Recorded;

/// A case that stands otherwise under the other policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mover {
    /// The case.
    pub case: String,
    /// The person it is about.
    pub person: String,
    /// How it stands.
    pub before: Standing,
    /// How it would stand.
    pub after: Standing,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Simulation {
    /// Cases under an agreement, now or once.
    pub cases: u64,
    /// Those that would stand otherwise, by id.
    pub movers: Vec<Mover>,
    /// Tests due, of all of them.
    pub due: (u64, u64),
    /// Tests missed, of all of them.
    pub missed: (u64, u64),
    /// The moment the answer is for.
    pub position: u64,
}

impl App {
    /// Tries other policy values on the history of a station's cases, as of a moment. Reads the log once from its beginning.
    ///
    /// # Errors
    /// [`AppError::Rejected`] for a change that does not fit; as [`App::moment`]; [`AppError::Undecodable`].
    pub async fn simulate(
        &self,
        station: &str,
        change: &PolicyChange,
        options: ReadOptions,
    ) -> Result<Simulation, AppError> {
        let policy = self.policy(station);
        let tried = policy.with_change(change)?;
        let position = self.moment(options).await?.unwrap_or(self.main().head().size);
        let mut histories: BTreeMap<String, History> = BTreeMap::new();
        let (mut from, mut day) = (1, self.today());
        while from <= position {
            let page = self.main().page_all(from, Direction::Forwards, PAGE_EVENTS_MAX).await?;
            let Some(last) = page.last() else { break };
            from = last.position + 1;
            for event in page {
                if event.position > position {
                    break;
                }
                if options.as_of.is_some() {
                    day = calendar::day_of(event.recorded_us);
                }
                if let Some((id, fact)) = of_case(event)? {
                    histories.entry(id).or_default().evolve(&fact);
                }
            }
        }
        let mut found = Simulation {
            position,
            ..Simulation::default()
        };
        for (case, history) in histories {
            if history.case().station != station || history.case().agreement_on.is_none() {
                continue;
            }
            let before = history.standing(day, &policy)?;
            let after = history.standing(day, &tried)?;
            found.cases += 1;
            found.due.0 += u64::from(before.due);
            found.due.1 += u64::from(after.due);
            found.missed.0 += u64::from(before.missed);
            found.missed.1 += u64::from(after.missed);
            if before != after {
                let person = history.case().person.clone();
                found.movers.push(Mover {
                    case,
                    person,
                    before,
                    after,
                });
            }
        }
        Ok(found)
    }
}

fn of_case(event: waystation_storage::RecordedEvent) -> Result<Option<(String, CaseEvent)>, AppError> {
    let Some(id) = event.stream().strip_prefix("case-").map(str::to_owned) else {
        return Ok(None);
    };
    Ok(match Recorded::decode(event)?.map(|recorded| recorded.fact) {
        Some(Fact::Case(fact)) => Some((id, fact)),
        _ => None,
    })
}
