//! The person reports to the station; the term begins (禁毒法 33: from the day of reporting, not of the order).

use jiff::civil::Date;
use serde::Serialize;

use super::event::{CaseEvent, ReportedIn};
use super::obligation::{CancelReason, ObligationCancelled, ObligationFulfilled, ObligationKind};
use super::rules::{Opener, check_actor, check_day_from, check_stage, check_text, term};
use super::stage::Stage;
use super::state::{Case, Pending};
use crate::kernel::{Command, Context, Role};
use crate::personal::Personal;
use crate::rejection::{Reason, Rejection};

/// Records that the person reported.
#[derive(Clone, Debug, Serialize)]
pub struct ReportIn {
    /// Day of the report.
    pub on: Date,
    /// Their identity was checked.
    pub identity_checked: bool,
    /// The reason for being late; only a supervisor accepts one.
    pub justification: Option<String>,
}

impl Command for ReportIn {
    type Aggregate = Case;
    const NAME: &'static str = "ReportIn";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_actor(case, &[Role::CaseWorker, Role::Supervisor], context)?;
        // What turns up late is recorded, also when the station had taken it for a refusal.
        check_stage(
            case,
            &[Stage::AwaitingReportIn, Stage::ReportInOverdue, Stage::RefusalReferred],
        )?;
        check_day_from("on", self.on, case.served_on, context)?;
        if !self.identity_checked {
            return Err(Rejection::of(Reason::IdentityNotChecked, "identity_checked"));
        }
        let owed = case
            .obligations
            .iter()
            .find(|obligation| obligation.kind == ObligationKind::ReportIn);
        let late = owed.is_some_and(|obligation| self.on > obligation.window_to);
        if late {
            let Some(code) = &self.justification else {
                return Err(Rejection::of(Reason::JustificationRequired, "justification"));
            };
            check_text("justification", code)?;
            check_actor(case, &[Role::Supervisor], context)?;
        }
        let justification = self.justification.clone().filter(|_| late);
        let justification = Personal::from(&justification);
        let mut events = vec![CaseEvent::from(ReportedIn {
            on: self.on,
            late,
            justification,
        })];
        events.extend(owed.map(|obligation| {
            ObligationFulfilled {
                number: obligation.number,
                on: self.on,
                late,
            }
            .into()
        }));
        events.push(term(case, self.on, 0).into());
        events.extend(Opener::after(case).agreement(self.on, context)?);
        if case.referral.refusal == Pending::Untold {
            // The police need not be told of a refusal that was none.
            let duties = case.obligations.iter();
            let duties = duties.filter(|owed| owed.kind == ObligationKind::PoliceReport);
            events.extend(duties.map(|owed| {
                let (number, reason) = (owed.number, CancelReason::Replanned);
                ObligationCancelled { number, reason }.into()
            }));
        }
        Ok(events)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::tests::{report, served_on};
    use crate::case::{Review, event::ReportInDeadlinePassed};
    use crate::spec::given;
    use jiff::civil::date;

    #[test]
    fn the_fifteenth_day_is_in_time_and_the_sixteenth_is_late() {
        let served = || {
            given::<Case>([])
                .then(&crate::case::tests::order())
                .then(&served_on(date(2026, 3, 2)))
        };
        let in_time = served()
            .on(date(2026, 3, 20))
            .when(&report(date(2026, 3, 17)))
            .expect("in time");
        assert!(
            in_time
                .iter()
                .any(|event| matches!(event, CaseEvent::ObligationFulfilled(met) if !met.late))
        );
        let late = served().on(date(2026, 3, 20));
        assert_eq!(late.reason(&report(date(2026, 3, 18))), Reason::JustificationRequired);
        let justified = ReportIn {
            justification: Some("HOSPITAL".into()),
            ..report(date(2026, 3, 18))
        };
        assert_eq!(
            late.reason(&justified),
            Reason::RoleRequired,
            "a case worker cannot accept it"
        );
        let accepted = late.by("leader-1", Role::Supervisor).then(&justified);
        assert_eq!(accepted.state().stage, Stage::Reported);
    }

    #[test]
    fn a_report_in_time_counts_even_when_it_is_recorded_after_the_clock_saw_the_deadline_pass() {
        let overdue = given::<Case>([])
            .then(&crate::case::tests::order())
            .then(&served_on(date(2026, 3, 2)))
            .on(date(2026, 3, 25))
            .by("clock", Role::System)
            .then(&Review {});
        assert_eq!(overdue.state().stage, Stage::ReportInOverdue);
        let passed = ReportInDeadlinePassed {
            due_on: date(2026, 3, 17),
            detected_on: date(2026, 3, 25),
        };
        assert_eq!(passed.detected_on, date(2026, 3, 25));
        let events = overdue
            .by("worker-1", Role::CaseWorker)
            .when(&report(date(2026, 3, 16)))
            .expect("in time");
        assert!(
            events
                .iter()
                .any(|event| matches!(event, CaseEvent::ObligationFulfilled(met) if !met.late))
        );
    }

    #[test]
    fn the_term_runs_from_the_day_of_reporting() {
        let reported = given::<Case>([])
            .then(&crate::case::tests::order())
            .then(&served_on(date(2026, 2, 27)))
            .then(&report(date(2026, 2, 28)));
        assert_eq!(reported.state().term_end, Some(date(2029, 2, 28)));
    }

    #[test]
    fn nobody_reports_unchecked() {
        let served = given::<Case>([])
            .then(&crate::case::tests::order())
            .then(&served_on(date(2026, 3, 2)));
        let unchecked = ReportIn {
            identity_checked: false,
            ..report(date(2026, 3, 2))
        };
        assert_eq!(served.reason(&unchecked), Reason::IdentityNotChecked);
    }
}
