//! Not reporting is a refusal, when a supervisor says so (戒毒条例 14, 38).

use jiff::civil::Date;
use serde::Serialize;

use super::breach::{RefusalConfirmed, report_to_police};
use super::event::CaseEvent;
use super::obligation::ObligationKind;
use super::rules::{check_actor, check_day_from, check_stage};
use super::stage::Stage;
use super::state::Case;
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Most attempts of one record.
const ATTEMPTS_MAX: usize = 50;

/// Confirms that somebody who did not report refuses; the report to the police becomes due. Not by the worker in charge, and
/// after as many attempts to reach them as policy `report_in.contact_attempts_gte` says.
#[derive(Clone, Debug, Serialize)]
pub struct ConfirmRefusal {
    /// Days on which somebody tried to reach them: at most 50 different ones, from service on.
    pub attempts: Vec<Date>,
}

impl Command for ConfirmRefusal {
    type Aggregate = Case;
    const NAME: &'static str = "ConfirmRefusal";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_actor(case, &[Role::Supervisor], context)?;
        check_stage(case, &[Stage::ReportInOverdue])?;
        if case.worker.as_ref() == Some(&context.actor.id) {
            return Err(Reason::SamePersonForbidden.into());
        }
        // Excused, it is no refusal.
        let mut owed = case.obligations.iter();
        if !owed.any(|owed| owed.kind == ObligationKind::ReportIn && owed.past_due) {
            return Err(Reason::NotPastDue.into());
        }
        for day in &self.attempts {
            check_day_from("attempts", *day, case.served_on, context)?;
        }
        let mut attempts = self.attempts.clone();
        attempts.sort_unstable();
        attempts.dedup();
        // What the police have decided about is not put before them again.
        attempts.retain(|day| case.outcome_on.is_none_or(|decided| *day > decided));
        let wanted = context
            .policy
            .number("report_in.contact_attempts_gte", context.today)?
            .value;
        if i64::try_from(attempts.len()).is_ok_and(|made| made < wanted) {
            return Err(Rejection::of(Reason::EvidenceRequired, "attempts").with("attempts", wanted));
        }
        if attempts.len() > ATTEMPTS_MAX {
            return Err(Rejection::of(Reason::FieldInvalid, "attempts").with("expected", "at most 50 days"));
        }
        let mut events = vec![CaseEvent::from(RefusalConfirmed { attempts })];
        events.extend(report_to_police(case, context)?);
        Ok(events)
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::case::tests::{order, report, served_on};
    use crate::case::{ExcuseObligation, PoliceOutcome, RecordPoliceOutcome, ReferToPolice, ReportIn, Review};
    use crate::spec::{Given, given};

    /// Served on 2026-03-02, and not reported by 2026-03-17.
    fn overdue() -> Given<Case> {
        given::<Case>([])
            .then(&order())
            .then(&served_on(date(2026, 3, 2)))
            .on(date(2026, 4, 1))
            .by("clock", Role::System)
            .then(&Review {})
            .by("leader-1", Role::Supervisor)
    }

    fn refusal(days: &[i8]) -> ConfirmRefusal {
        ConfirmRefusal {
            attempts: days.iter().map(|day| date(2026, 3, *day)).collect(),
        }
    }

    #[test]
    fn three_attempts_and_a_supervisor_make_a_refusal_and_two_make_none() {
        assert_eq!(overdue().reason(&refusal(&[18, 20])), Reason::EvidenceRequired);
        assert_eq!(
            overdue().reason(&refusal(&[18, 20, 20])),
            Reason::EvidenceRequired,
            "one day counts once"
        );
        assert_eq!(overdue().reason(&refusal(&[1, 18, 20])), Reason::OccurredBeforeCase);
        let worker = overdue().by("worker-1", Role::CaseWorker);
        assert_eq!(worker.reason(&refusal(&[18, 20, 23])), Reason::RoleRequired);
        let referred = overdue().then(&refusal(&[18, 20, 23]));
        assert_eq!(referred.state().stage, Stage::RefusalReferred);
        assert!(referred.state().open(ObligationKind::PoliceReport).is_some());
        assert_eq!(referred.reason(&refusal(&[18, 20, 23])), Reason::BadState);
    }

    #[test]
    fn what_was_excused_or_turns_up_in_time_is_no_refusal() {
        let number = overdue().state().obligations[0].number;
        let excused = overdue().then(&ExcuseObligation {
            obligation: number,
            reason: "住院".into(),
        });
        assert_eq!(excused.reason(&refusal(&[18, 20, 23])), Reason::NotPastDue);
        // The paper of a report on the last day in time turns up.
        let referred = overdue().then(&refusal(&[18, 20, 23]));
        let reported = referred
            .by("worker-1", Role::CaseWorker)
            .then(&report(date(2026, 3, 17)));
        assert_eq!(reported.state().stage, Stage::Reported);
        assert!(!reported.state().referral.is_pending());
        let told = reported.state().open(ObligationKind::PoliceReport);
        assert!(told.is_none(), "the police need not be told");
    }

    #[test]
    fn the_police_end_it_or_leave_it_where_it_was() {
        let on = date(2026, 4, 1);
        let told = overdue().then(&refusal(&[18, 20, 23])).then(&ReferToPolice {
            on,
            document_no: "回执-1".into(),
        });
        let outcome = |outcome| RecordPoliceOutcome {
            on,
            outcome,
            document_no: "决定-1".into(),
        };
        let warned = told.clone().then(&outcome(PoliceOutcome::Warning));
        assert_eq!(warned.state().stage, Stage::ReportInOverdue);
        assert_eq!(
            warned.reason(&refusal(&[18, 20, 23])),
            Reason::EvidenceRequired,
            "on the same attempts"
        );
        let late = ReportIn {
            justification: Some("HOSPITAL".into()),
            ..report(on)
        };
        assert_eq!(warned.then(&late).state().stage, Stage::Reported);
        let ended = told.then(&outcome(PoliceOutcome::Isolation));
        assert_eq!(ended.state().stage, Stage::Terminated);
        assert!(ended.state().obligations.is_empty());
    }
}
