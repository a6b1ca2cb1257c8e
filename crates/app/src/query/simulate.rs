//! A policy tried on history: who would move, and which counts would change. Nothing is written.

use std::collections::BTreeMap;

use waystation_domain::case::Case;
use waystation_domain::case::what_if::{History, Standing};
use waystation_domain::{Aggregate, Fact, PolicyChange, Reason, Rejection};

use super::ReadOptions;
use crate::app::App;
use crate::error::AppError;
use crate::recorded::Recorded;

/// A case under both policies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Simulated {
    /// The case.
    pub case: String,
    /// The person it is about.
    pub person: String,
    /// Worker in charge.
    pub worker: String,
    /// How it stands.
    pub before: Standing,
    /// How it would stand.
    pub after: Standing,
}

/// What came of it: every case that is or was under an agreement, by id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Simulation {
    /// The cases. Whoever may not read one is told nothing of it, not even in a sum.
    pub cases: Vec<Simulated>,
    /// The moment the answer is for.
    pub position: u64,
}

impl Simulation {
    /// Those that would stand otherwise.
    pub fn movers(&self) -> impl Iterator<Item = &Simulated> {
        self.cases.iter().filter(|case| case.before != case.after)
    }

    /// A count of all cases, before and after.
    pub fn total(&self, count: impl Fn(&Standing) -> u32) -> (u64, u64) {
        let add = |sum: (u64, u64), case: &Simulated| {
            (
                sum.0 + u64::from(count(&case.before)),
                sum.1 + u64::from(count(&case.after)),
            )
        };
        self.cases.iter().fold((0, 0), add)
    }
}

impl App {
    /// Tries other policy values on the history of a station's cases, as of a moment. Reads the log once from its beginning; one
    /// call at a time, others wait.
    ///
    /// # Errors
    /// [`AppError::Rejected`] for a change that does not fit; as [`App::moment`]; [`AppError::Undecodable`].
    pub async fn simulate(
        &self,
        station: &str,
        change: &PolicyChange,
        options: ReadOptions,
    ) -> Result<Simulation, AppError> {
        check_tried(change)?;
        let _turn = self.simulations().lock().await;
        let position = self.moment(options).await?.unwrap_or(self.main().head().size);
        let policy = self.policy_as_of(station, position).await?;
        let tried = policy.with_change(change)?;
        let mut histories: BTreeMap<String, History> = BTreeMap::new();
        let fold = |id, recorded: Recorded| {
            if let Fact::Case(fact) = recorded.fact {
                histories.entry(id).or_default().evolve(&fact);
            }
        };
        self.scan(Case::CATEGORY, position, fold).await?;
        let day = self.day_of(options, position).await?;
        let mut cases = Vec::new();
        for (case, history) in histories {
            let state = history.case();
            if state.station != station || state.agreement_on.is_none() {
                continue;
            }
            cases.push(Simulated {
                case,
                person: state.person.clone(),
                worker: state.worker.clone().unwrap_or_default(),
                before: history.standing(day, &policy)?,
                after: history.standing(day, &tried)?,
            });
        }
        Ok(Simulation { cases, position })
    }
}

/// Refuses keys that a simulation does not read.
fn check_tried(change: &PolicyChange) -> Result<(), Rejection> {
    let tried = ["tests.urine.per_year.", "breach.serious.", "risk."];
    let read = |key: &str| tried.iter().any(|prefix| key.starts_with(prefix));
    if change.set.iter().all(|(key, _)| read(key)) {
        return Ok(());
    }
    let expected = "tests.urine.per_year.CD, tests.urine.per_year.CR or a key under breach.serious or risk";
    Err(Rejection::of(Reason::FieldInvalid, "set").with("expected", expected))
}
