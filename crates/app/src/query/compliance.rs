//! What counts towards a serious breach, folded from the case's own events when it is asked: no view can be behind.

use std::collections::BTreeMap;

use waystation_domain::Aggregate;
use waystation_domain::case::breach::counter;
use waystation_domain::case::{AbsenceState, BreachGround, Case, CaseEvent, Counter, Stage};

use super::ReadOptions;
use crate::app::App;
use crate::error::AppError;

/// One test or absence that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Its number within the case.
    pub number: u32,
    /// Days that count, of an absence.
    pub days: i32,
    /// Positions of every event about it, oldest first.
    pub positions: Vec<u64>,
}

/// A counter with what it rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComplianceCounter {
    /// The counter and its threshold.
    pub counter: Counter,
    /// Events behind it.
    pub evidence: Vec<Evidence>,
}

/// How a case stands towards every threshold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compliance {
    /// Person the case is about.
    pub person: String,
    /// A counter for every ground.
    pub counters: Vec<ComplianceCounter>,
    /// The moment the answer is for.
    pub position: u64,
}

/// Where each absence and each test was spoken of.
#[derive(Default)]
struct Spoken {
    absences: BTreeMap<u32, Vec<u64>>,
    tests: BTreeMap<u32, Vec<u64>>,
}

impl Spoken {
    fn note(&mut self, event: &CaseEvent, position: u64) {
        // A compelled test is spoken of beside the one that was refused.
        let test = match event {
            CaseEvent::TestCompelled(fact) => Some(fact.refused),
            event => event.test(),
        };
        if let Some(number) = test {
            self.tests.entry(number).or_default().push(position);
        }
        if let Some(number) = event.absence() {
            self.absences.entry(number).or_default().push(position);
        }
    }
}

impl App {
    /// Every counter of a case as of a moment, under the policy of that day.
    ///
    /// # Errors
    /// As [`App::moment`]; [`AppError::NotFound`], [`AppError::Undecodable`].
    pub async fn compliance(&self, id: &str, options: ReadOptions) -> Result<Compliance, AppError> {
        let position = self.moment(options).await?.unwrap_or(self.main().head().size);
        let (mut case, mut spoken) = (Case::default(), Spoken::default());
        for told in self.told_of(id, position).await? {
            case.evolve(&told.event);
            spoken.note(&told.event, told.position);
        }
        if case.stage == Stage::Unregistered {
            return Err(AppError::NotFound { kind: "case" });
        }
        let day = self.day_of(options, position).await?;
        let policy = self.policy_as_of(&case.station, position).await?;
        let grounds = BreachGround::ALL.into_iter();
        let counters = grounds.map(|ground| {
            let counter = counter(&case, ground, day, &policy)?;
            let evidence = counter
                .evidence
                .iter()
                .map(|number| evidence(&case, &spoken, ground, *number));
            Ok(ComplianceCounter {
                evidence: evidence.collect(),
                counter,
            })
        });
        Ok(Compliance {
            counters: counters.collect::<Result<_, AppError>>()?,
            person: case.person,
            position,
        })
    }
}

fn evidence(case: &Case, spoken: &Spoken, ground: BreachGround, number: u32) -> Evidence {
    let of = match ground {
        BreachGround::TestRefusals => &spoken.tests,
        BreachGround::Absences | BreachGround::AbsenceDays => &spoken.absences,
    };
    let days = match case.absence(number).map(|absence| &absence.state) {
        Some(AbsenceState::Counted(_, days)) if ground != BreachGround::TestRefusals => *days,
        _ => 0,
    };
    Evidence {
        number,
        days,
        positions: of.get(&number).cloned().unwrap_or_default(),
    }
}
