//! Risk: scored by a pure function of the record under policy, then confirmed by a person, who may say otherwise, and contested by
//! the participant. A class by itself changes nothing that is owed (个人信息保护法 24: no decision by machine alone).

mod confirm_risk_class;
mod contest_risk_class;
mod score_risk;

pub use confirm_risk_class::ConfirmRiskClass;
pub use contest_risk_class::ContestRiskClass;
pub use score_risk::ScoreRisk;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::absence;
use super::drug_test::{self, TestOutcome, TestState};
use super::event::CaseEvent;
use super::obligation::ObligationKind;
use super::state::Case;
use crate::calendar::add_months;
use crate::personal::Personal;
use crate::policy::Policy;
use crate::rejection::Rejection;

/// A class of risk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RiskClass {
    /// Below `risk.medium_gte`.
    Low,
    /// From `risk.medium_gte` points on.
    Medium,
    /// From `risk.high_gte` points on.
    High,
}

impl RiskClass {
    /// All classes, in the order of their numbers in the API.
    pub const ALL: [RiskClass; 3] = [RiskClass::Low, RiskClass::Medium, RiskClass::High];

    /// The stored name.
    pub fn as_str(self) -> &'static str {
        match self {
            RiskClass::Low => "LOW",
            RiskClass::Medium => "MEDIUM",
            RiskClass::High => "HIGH",
        }
    }
}

/// What a score is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RiskFactor {
    /// Policy key of its points: `risk.points.positive_test`.
    pub key: String,
    /// How many there are.
    pub value: i64,
    /// What they come to.
    pub points: i64,
}

/// A score.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assessment {
    /// Everything that counts, also when there is none of it.
    pub factors: Vec<RiskFactor>,
    /// The sum.
    pub score: i64,
    /// The class that follows.
    pub class: RiskClass,
    /// Pack of the highest threshold.
    pub pack: String,
}

/// The risk was scored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RiskScored {
    /// Day.
    pub on: Date,
    /// The record it looked at: events of the case before this one.
    pub events: u64,
    /// What it is made of.
    pub factors: Vec<RiskFactor>,
    /// The sum.
    pub score: i64,
    /// The class that follows, until a person confirms it.
    pub proposed: RiskClass,
    /// Pack of the thresholds.
    pub source: String,
}

/// A person confirmed a class, or said otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RiskClassConfirmed {
    /// The class.
    pub class: RiskClass,
    /// It is not the one that was proposed.
    pub overridden: bool,
    /// Why it is not.
    #[serde(default, skip_serializing)]
    pub reason: Personal,
}

/// The participant does not agree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RiskClassContested {
    /// Day.
    pub on: Date,
    /// What they said.
    #[serde(default, skip_serializing)]
    pub statement: Personal,
}

/// How the risk of a case stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Risk {
    /// Day of the score.
    pub scored_on: Date,
    /// The class that was proposed last.
    pub proposed: RiskClass,
    /// The class that a person confirmed since.
    pub confirmed: Option<RiskClass>,
    /// The participant has contested a class, and nobody has decided since.
    pub contested: bool,
}

impl Case {
    /// How the risk stands after an event.
    pub(super) fn at_risk(&mut self, event: &CaseEvent) {
        match event {
            CaseEvent::RiskScored(fact) => {
                self.risk = Some(Risk {
                    scored_on: fact.on,
                    proposed: fact.proposed,
                    confirmed: None,
                    // A new score answers no objection.
                    contested: self.risk.is_some_and(|risk| risk.contested),
                });
            }
            CaseEvent::RiskClassConfirmed(fact) => {
                if let Some(risk) = &mut self.risk {
                    (risk.confirmed, risk.contested) = (Some(fact.class), false);
                }
            }
            CaseEvent::RiskClassContested(_) => {
                if let Some(risk) = &mut self.risk {
                    risk.contested = true;
                }
            }
            _ => {}
        }
    }
}

/// Scores a case on a day: positive tests of the last twelve months, refusals and absences that count, tests past due, and contact
/// that is lost, each with the points of policy.
///
/// # Errors
/// [`crate::Reason::PolicyNotInForce`].
pub fn assess(case: &Case, today: Date, policy: &Policy) -> Result<Assessment, Rejection> {
    let since = add_months(today, -12);
    let positive = case.tests.iter().filter(|test| {
        let found = matches!(
            test.state,
            TestState::Field(TestOutcome::Positive) | TestState::Laboratory(TestOutcome::Positive)
        );
        found && test.collected_on.is_some_and(|on| on > since && on <= today)
    });
    let past_due = case.obligations.iter();
    let past_due = past_due.filter(|owed| owed.past_due && owed.kind == ObligationKind::UrineTest);
    let values = [
        ("positive_test", positive.count()),
        ("refusal", drug_test::refused(case).len()),
        ("absence", absence::counted(case).len()),
        ("past_due_test", past_due.count()),
        ("lost_contact", usize::from(case.lost_since.is_some())),
    ];
    let mut factors = Vec::new();
    for (name, value) in values {
        let key = format!("risk.points.{name}");
        let value = i64::try_from(value).unwrap_or(i64::MAX);
        let points = policy.number(&key, today)?.value.saturating_mul(value);
        factors.push(RiskFactor { key, value, points });
    }
    let score = factors
        .iter()
        .fold(0_i64, |sum, factor| sum.saturating_add(factor.points));
    let (medium, high) = (
        policy.number("risk.medium_gte", today)?,
        policy.number("risk.high_gte", today)?,
    );
    let class = match score {
        score if score >= high.value => RiskClass::High,
        score if score >= medium.value => RiskClass::Medium,
        _ => RiskClass::Low,
    };
    let pack = high.pack;
    Ok(Assessment {
        factors,
        score,
        class,
        pack,
    })
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::case::tests::active;
    use crate::case::{ConfirmTestRefusal, MarkLostContact, NoticeMode, RecordTestRefusal, ServeTestNotice};
    use crate::kernel::Role;
    use crate::rejection::Reason;
    use crate::spec::Given;

    /// Two refusals that count, and nobody can reach the participant.
    fn at_risk() -> Given<Case> {
        let mut case = active().on(date(2026, 3, 20));
        for (test, day) in [(1, 3), (2, 4)] {
            let on = date(2026, 3, day);
            let notice = ServeTestNotice {
                on,
                due_on: on,
                mode: NoticeMode::Hand,
            };
            let refusal = RecordTestRefusal {
                test,
                on,
                evaded: false,
                facts: "拒绝".into(),
            };
            case = case.by("worker-1", Role::CaseWorker).then(&notice).then(&refusal);
            case = case.by("leader-1", Role::Supervisor).then(&ConfirmTestRefusal { test });
        }
        case.then(&MarkLostContact {
            on: date(2026, 3, 10),
            attempts: vec![date(2026, 3, 10)],
        })
    }

    fn confirm(class: RiskClass, reason: Option<&str>) -> ConfirmRiskClass {
        ConfirmRiskClass {
            class,
            reason: reason.map(str::to_owned),
        }
    }

    #[test]
    fn a_score_names_everything_it_is_made_of() {
        let case = at_risk();
        let policy = Policy::shipped("station-qinglongshan");
        let found = assess(case.state(), date(2026, 3, 20), &policy).expect("is in force");
        let points: Vec<_> = found.factors.iter().map(|one| (one.value, one.points)).collect();
        assert_eq!(points, [(0, 0), (2, 40), (0, 0), (0, 0), (1, 30)]);
        assert_eq!((found.score, found.class), (70, RiskClass::High));
        let low = assess(active().state(), date(2026, 3, 20), &policy).expect("is in force");
        assert_eq!((low.score, low.class), (0, RiskClass::Low));
    }

    #[test]
    fn a_machine_proposes_and_a_person_decides() {
        let case = at_risk();
        assert_eq!(case.reason(&confirm(RiskClass::High, None)), Reason::NotScored);
        let scored = case.then(&ScoreRisk {});
        assert_eq!(scored.state().risk.expect("is scored").confirmed, None);
        assert_eq!(scored.reason(&confirm(RiskClass::Low, None)), Reason::ReasonRequired);
        let worker = scored.clone().by("worker-1", Role::CaseWorker);
        assert_eq!(worker.reason(&confirm(RiskClass::High, None)), Reason::RoleRequired);
        let decided = scored.then(&confirm(RiskClass::Medium, Some("已恢复联系，家属配合")));
        assert_eq!(
            decided.state().risk.expect("is scored").confirmed,
            Some(RiskClass::Medium)
        );
        let contest = ContestRiskClass {
            on: date(2026, 3, 20),
            statement: "并未拒绝检测".into(),
        };
        let contested = decided.then(&contest);
        assert!(contested.state().risk.expect("is scored").contested);
        let answered = contested.then(&confirm(RiskClass::High, None));
        assert!(!answered.state().risk.expect("is scored").contested);
    }
}
