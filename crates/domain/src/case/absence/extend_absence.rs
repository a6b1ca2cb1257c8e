//! The participant stays longer than they had reported.

use jiff::civil::Date;
use serde::Serialize;

use super::{AbsenceExtended, AbsenceState, check_free_but, find};
use crate::case::event::CaseEvent;
use crate::case::obligation::{CancelReason, Debtor, ObligationCancelled, ObligationKind};
use crate::case::rules::{LIVE, Opener, check_actor, check_day_from, check_span, check_stage};
use crate::case::state::Case;
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Records that a reported absence goes on, said on its last day at the latest: coming back becomes due on the new last day.
#[derive(Clone, Debug, Serialize)]
pub struct ExtendAbsence {
    /// Which absence.
    pub absence: u32,
    /// Day on which they said so.
    pub reported_on: Date,
    /// New last day; at most 366 days after the first.
    pub to: Date,
}

impl Command for ExtendAbsence {
    type Aggregate = Case;
    const NAME: &'static str = "ExtendAbsence";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_actor(case, &[Role::CaseWorker, Role::Supervisor], context)?;
        check_stage(case, &LIVE)?;
        let absence = find(case, self.absence)?;
        let AbsenceState::Reported(obligation) = absence.state else {
            return Err(Rejection::of(Reason::AbsenceDecided, "absence"));
        };
        check_day_from("reported_on", self.reported_on, case.agreement_on, context)?;
        if self.reported_on > absence.to {
            return Err(Rejection::of(Reason::ReportTooLate, "reported_on").with("to", absence.to));
        }
        check_span("to", absence.from, self.to)?;
        if self.to <= absence.to {
            let expected = format!("later than {}", absence.to);
            return Err(Rejection::of(Reason::FieldInvalid, "to").with("expected", expected));
        }
        check_free_but(case, self.absence, absence.from, self.to)?;
        let mut events = vec![CaseEvent::from(AbsenceExtended {
            absence: self.absence,
            reported_on: self.reported_on,
            to: self.to,
            obligation: case.obligations_opened + 1,
        })];
        // A suspension may have cancelled it.
        if case.obligations.iter().any(|open| open.number == obligation) {
            let (number, reason) = (obligation, CancelReason::Replanned);
            events.push(ObligationCancelled { number, reason }.into());
        }
        let key = "absence.report_if_days_gte";
        let source = format!("{} {key}", context.policy.number(key, absence.from)?.pack);
        let window = (absence.from, self.to);
        events.push(Opener::after(case).open(ObligationKind::LeaveReturn, Debtor::Participant, window, source));
        Ok(events)
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::case::tests::active;
    use crate::case::{FileAbsenceReport, Review};

    #[test]
    fn who_says_in_time_that_they_stay_comes_back_in_time_later() {
        let report = FileAbsenceReport {
            reported_on: date(2026, 3, 2),
            from: date(2026, 3, 5),
            to: date(2026, 3, 9),
            destination: "520181".into(),
            purpose: None,
        };
        let extend = |reported_on, to| ExtendAbsence {
            absence: 1,
            reported_on,
            to,
        };
        let away = active().then(&report).on(date(2026, 3, 12));
        assert_eq!(
            away.reason(&extend(date(2026, 3, 10), date(2026, 3, 14))),
            Reason::ReportTooLate
        );
        assert_eq!(
            away.reason(&extend(date(2026, 3, 9), date(2026, 3, 8))),
            Reason::FieldInvalid
        );
        // Said in time, written down after the clock had seen the first last day pass.
        let passed = away.by("clock", Role::System).then(&Review {});
        let extended = passed
            .by("worker-1", Role::CaseWorker)
            .then(&extend(date(2026, 3, 9), date(2026, 3, 14)));
        let owed: Vec<_> = extended
            .state()
            .obligations
            .iter()
            .filter(|owed| owed.kind == ObligationKind::LeaveReturn)
            .collect();
        assert_eq!(
            (owed.len(), owed[0].window_to, owed[0].past_due),
            (1, date(2026, 3, 14), false)
        );
    }
}
