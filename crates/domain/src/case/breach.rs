//! Serious breach of the agreement (戒毒条例 20): proved from what counts, confirmed by a supervisor, reported to the police
//! (戒毒条例 21), and what the police made of it.

mod confirm_relapse;
mod confirm_serious_breach;
mod record_police_outcome;
mod refer_to_police;

pub use confirm_relapse::ConfirmRelapse;
pub use confirm_serious_breach::ConfirmSeriousBreach;
pub use record_police_outcome::RecordPoliceOutcome;
pub use refer_to_police::ReferToPolice;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::event::CaseEvent;
use super::obligation::{Debtor, ObligationKind};
use super::rules::Opener;
use super::state::Case;
use super::{absence, drug_test};
use crate::calendar::add_days;
use crate::kernel::Context;
use crate::personal::Personal;
use crate::policy::{Policy, Sourced};
use crate::rejection::Rejection;

/// Which threshold of the statute was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum BreachGround {
    /// Tests refused or evaded, three times or more.
    TestRefusals,
    /// Absences without authority, three times or more.
    Absences,
    /// Absences without authority, more than thirty days in all.
    AbsenceDays,
}

impl BreachGround {
    /// All grounds.
    pub const ALL: [BreachGround; 3] = [
        BreachGround::TestRefusals,
        BreachGround::Absences,
        BreachGround::AbsenceDays,
    ];

    /// The stored name.
    pub fn as_str(self) -> &'static str {
        match self {
            BreachGround::TestRefusals => "TEST_REFUSALS",
            BreachGround::Absences => "ABSENCES",
            BreachGround::AbsenceDays => "ABSENCE_DAYS",
        }
    }

    fn key(self) -> &'static str {
        match self {
            BreachGround::TestRefusals => "breach.serious.test_refusals_gte",
            BreachGround::Absences => "breach.serious.unauthorised_absences_gte",
            BreachGround::AbsenceDays => "breach.serious.unauthorised_days_gt",
        }
    }
}

/// What the police made of a referral.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PoliceOutcome {
    /// Compulsory isolation; the case ends.
    Isolation,
    /// A warning; the case goes on.
    Warning,
    /// Nothing; the case goes on.
    NoAction,
}

/// A supervisor confirmed a serious breach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeriousBreachConfirmed {
    /// Which threshold.
    pub ground: BreachGround,
    /// Numbers of the tests or absences that reach it.
    pub evidence: Vec<u32>,
    /// What they come to: times, or days.
    pub count: i64,
    /// Pack and key of the threshold.
    pub source: String,
}

/// A supervisor confirmed a relapse.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelapseConfirmed {
    /// The test that a laboratory found positive.
    pub test: u32,
}

/// The breach was reported to the police.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReferredToPolice {
    /// Day.
    pub on: Date,
    /// Number of their receipt.
    #[serde(default, skip_serializing)]
    pub document_no: Personal,
}

/// The police answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoliceOutcomeRecorded {
    /// Day of the decision.
    pub on: Date,
    /// What they decided.
    pub outcome: PoliceOutcome,
    /// Number of the document.
    #[serde(default, skip_serializing)]
    pub document_no: Personal,
}

/// The station's duty to tell the police, from today on; nothing when one is open already.
fn report_to_police(case: &Case, context: &Context<'_>) -> Result<Option<CaseEvent>, Rejection> {
    if case
        .obligations
        .iter()
        .any(|owed| owed.kind == ObligationKind::PoliceReport)
    {
        return Ok(None);
    }
    let key = "police_report.days";
    let days = context.policy.number(key, context.today)?;
    let last = add_days(context.today, i32::try_from(days.value).unwrap_or(i32::MAX));
    let (source, window) = (format!("{} {key}", days.pack), (context.today, last));
    let opened = Opener::after(case).open(ObligationKind::PoliceReport, Debtor::Station, window, source);
    Ok(Some(opened))
}

/// A counter of a case beside its threshold: what everybody who decides or asks reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counter {
    /// Which.
    pub ground: BreachGround,
    /// Times, or days.
    pub count: i64,
    /// Numbers of the tests or absences that it comes from.
    pub evidence: Vec<u32>,
    /// The threshold, with where it comes from.
    pub threshold: Sourced<i64>,
    /// Key of the threshold in its pack.
    pub key: &'static str,
    /// It is a serious breach.
    pub reached: bool,
}

/// A counter as it stands, under the policy of a day.
///
/// # Errors
/// [`crate::Reason::PolicyNotInForce`].
pub fn counter(case: &Case, ground: BreachGround, day: Date, policy: &Policy) -> Result<Counter, Rejection> {
    let key = ground.key();
    let threshold = policy.number(key, day)?;
    let absences = || absence::counted(case);
    let (count, evidence) = match ground {
        BreachGround::TestRefusals => {
            let refused = drug_test::refused(case);
            (refused.len() as i64, refused)
        }
        BreachGround::Absences => {
            let numbers: Vec<u32> = absences().into_iter().map(|(number, _)| number).collect();
            (numbers.len() as i64, numbers)
        }
        BreachGround::AbsenceDays => {
            let days = absences().iter().map(|(_, days)| i64::from(*days)).sum();
            (days, absences().into_iter().map(|(number, _)| number).collect())
        }
    };
    let reached = match ground {
        BreachGround::AbsenceDays => count > threshold.value,
        BreachGround::TestRefusals | BreachGround::Absences => count >= threshold.value,
    };
    Ok(Counter {
        ground,
        count,
        evidence,
        threshold,
        key,
        reached,
    })
}

#[cfg(test)]
mod tests {
    use jiff::civil::{Date, date};

    use super::*;
    use crate::case::drug_test::ConfirmTestRefusal;
    use crate::case::tests::active;
    use crate::case::{
        AllegeAbsence, Case, CaseEvent, ConfirmAbsence, NoticeMode, ObligationKind, RecordSample, RecordTestRefusal,
        RecordTestResult, Review, SampleKind, SampleSite, ServeTestNotice, Stage, TestOutcome, TestStage,
        WithdrawAbsence,
    };
    use crate::kernel::Role;
    use crate::rejection::Reason;
    use crate::spec::Given;

    const LATER: Date = Date::constant(2026, 9, 1);

    fn absent(case: Given<Case>, number: u32, from: Date, to: Date) -> Given<Case> {
        let allege = AllegeAbsence {
            from,
            to,
            how_known: "家访未见".into(),
        };
        case.by("worker-1", Role::CaseWorker)
            .then(&allege)
            .by("leader-1", Role::Supervisor)
            .then(&ConfirmAbsence { absence: number })
    }

    fn confirm(ground: BreachGround) -> ConfirmSeriousBreach {
        ConfirmSeriousBreach { ground }
    }

    #[test]
    fn three_absences_are_a_serious_breach_and_two_are_none() {
        let twice = absent(active().on(LATER), 1, date(2026, 4, 1), date(2026, 4, 3));
        let twice = absent(twice, 2, date(2026, 5, 1), date(2026, 5, 3));
        assert_eq!(
            twice.reason(&confirm(BreachGround::Absences)),
            Reason::ThresholdNotReached
        );
        let thrice = absent(twice, 3, date(2026, 6, 1), date(2026, 6, 3));
        let events = thrice.when(&confirm(BreachGround::Absences)).expect("is confirmed");
        let CaseEvent::SeriousBreachConfirmed(breach) = &events[0] else {
            panic!("{events:?}")
        };
        assert_eq!((breach.count, breach.evidence.as_slice()), (3, [1, 2, 3].as_slice()));
        assert_eq!(
            breach.source,
            "national/2011-06-26 breach.serious.unauthorised_absences_gte"
        );
    }

    #[test]
    fn more_than_thirty_days_are_a_serious_breach_and_thirty_are_none() {
        let thirty = absent(active().on(LATER), 1, date(2026, 4, 1), date(2026, 4, 30));
        assert_eq!(
            thirty.reason(&confirm(BreachGround::AbsenceDays)),
            Reason::ThresholdNotReached
        );
        let more = absent(active().on(LATER), 1, date(2026, 4, 1), date(2026, 5, 1));
        assert!(more.when(&confirm(BreachGround::AbsenceDays)).is_ok());
        assert_eq!(
            more.reason(&confirm(BreachGround::Absences)),
            Reason::ThresholdNotReached
        );
    }

    #[test]
    fn an_absence_that_was_withdrawn_does_not_count() {
        let thirty_one = absent(active().on(LATER), 1, date(2026, 4, 1), date(2026, 5, 1));
        let withdrawn = thirty_one.then(&WithdrawAbsence {
            absence: 1,
            reason: "住院".into(),
        });
        assert_eq!(
            withdrawn.reason(&confirm(BreachGround::AbsenceDays)),
            Reason::ThresholdNotReached
        );
    }

    #[test]
    fn three_refused_tests_are_referred_and_the_police_decide() {
        let mut case = active();
        for test in 1..=3 {
            let notice = ServeTestNotice {
                on: date(2026, 3, 2),
                due_on: date(2026, 3, 2),
                mode: NoticeMode::Hand,
            };
            let refusal = RecordTestRefusal {
                test,
                on: date(2026, 3, 2),
                evaded: false,
                facts: "拒绝".into(),
            };
            case = case.by("worker-1", Role::CaseWorker).then(&notice).then(&refusal);
            case = case.by("leader-1", Role::Supervisor).then(&ConfirmTestRefusal { test });
        }
        // Whoever said that it happened does not say that it is a serious breach.
        let same = case.by("worker-1", Role::Supervisor);
        assert_eq!(
            same.reason(&confirm(BreachGround::TestRefusals)),
            Reason::SamePersonForbidden
        );
        let referred = same
            .by("leader-1", Role::Supervisor)
            .then(&confirm(BreachGround::TestRefusals));
        assert_eq!(referred.state().stage, Stage::BreachReferred);
        let duty = referred.state().open(ObligationKind::PoliceReport).expect("is open");
        assert_eq!((duty.window_from, duty.window_to), (date(2026, 3, 2), date(2026, 3, 3)));
        let refer = ReferToPolice {
            on: date(2026, 3, 2),
            document_no: "回执-1".into(),
        };
        let told = referred.then(&refer);
        assert!(told.state().open(ObligationKind::PoliceReport).is_none());
        assert_eq!(told.reason(&refer), Reason::AlreadyReferred);
        let outcome = |outcome| RecordPoliceOutcome {
            on: date(2026, 3, 2),
            outcome,
            document_no: "决定-1".into(),
        };
        let warned = told.then(&outcome(PoliceOutcome::Warning));
        assert_eq!(warned.state().stage, Stage::Active);
        assert_eq!(
            warned.reason(&confirm(BreachGround::TestRefusals)),
            Reason::BreachDecided,
            "on the same evidence"
        );
        assert_eq!(warned.reason(&outcome(PoliceOutcome::Isolation)), Reason::BadState);
    }

    #[test]
    fn a_relapse_is_what_a_laboratory_found() {
        let sample = RecordSample {
            test: 1,
            on: date(2026, 3, 2),
            kind: SampleKind::Urine,
            site: SampleSite::Station,
            collectors: vec!["worker-1".into(), "medical-1".into()],
            same_gender: true,
        };
        let result = |stage| RecordTestResult {
            test: 1,
            on: date(2026, 3, 2),
            stage,
            outcome: TestOutcome::Positive,
        };
        let notice = ServeTestNotice {
            on: date(2026, 3, 2),
            due_on: date(2026, 3, 2),
            mode: NoticeMode::Hand,
        };
        let spot = active().then(&notice).then(&sample).then(&result(TestStage::Field));
        let relapse = ConfirmRelapse { test: 1 };
        let spot = spot.by("leader-1", Role::Supervisor);
        assert_eq!(spot.reason(&relapse), Reason::TestDoesNotFit, "is presumptive");
        let confirmed = spot.then(&result(TestStage::Laboratory)).then(&relapse);
        assert_eq!(confirmed.state().stage, Stage::RelapseReferred);
        assert!(confirmed.state().open(ObligationKind::PoliceReport).is_some());
        let warned = confirmed.then(&RecordPoliceOutcome {
            on: date(2026, 3, 2),
            outcome: PoliceOutcome::Warning,
            document_no: "决定-1".into(),
        });
        assert_eq!(warned.state().stage, Stage::Active);
        assert_eq!(warned.reason(&relapse), Reason::BreachDecided);
    }

    #[test]
    fn a_breach_that_nobody_reports_is_past_due_the_day_after_the_next() {
        let more = absent(active().on(LATER), 1, date(2026, 4, 1), date(2026, 5, 1));
        let confirmed = more.then(&confirm(BreachGround::AbsenceDays));
        let clock = confirmed
            .by("clock", Role::System)
            .on(date(2026, 9, 3))
            .then(&Review {});
        assert!(clock.state().open(ObligationKind::PoliceReport).is_none());
        let isolated = clock.by("leader-1", Role::Supervisor).then(&RecordPoliceOutcome {
            on: date(2026, 9, 3),
            outcome: PoliceOutcome::Isolation,
            document_no: "决定-2".into(),
        });
        assert_eq!(isolated.state().stage, Stage::Terminated);
        assert_eq!(isolated.state().obligations, []);
    }
}
