//! Periodic contact between worker and participant.

use jiff::civil::Date;
use serde::Serialize;

use super::event::{CaseEvent, CheckInMode, CheckInRecorded};
use super::obligation::ObligationKind;
use super::rules::{LATE, check_actor, check_backdate, check_day_from, check_evidence, check_stage, fulfilled};
use super::state::Case;
use crate::kernel::{Command, Context, Role};
use crate::rejection::Rejection;

/// Records a check-in. Face to face, it fulfils the monthly meeting whose window holds the day.
#[derive(Clone, Debug, Serialize)]
pub struct RecordCheckIn {
    /// Day of contact.
    pub on: Date,
    /// How.
    pub mode: CheckInMode,
    /// The reason when recorded later than policy `backdate.free_days`.
    pub late_reason: Option<String>,
    /// SHA-256 of photographs or papers that are kept elsewhere, in hexadecimal; at most 10.
    pub evidence: Vec<String>,
}

impl Command for RecordCheckIn {
    type Aggregate = Case;
    const NAME: &'static str = "RecordCheckIn";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_actor(case, &[Role::CaseWorker, Role::Supervisor], context)?;
        check_stage(case, &LATE)?;
        check_day_from("on", self.on, case.agreement_on, context)?;
        check_backdate(self.on, self.late_reason.as_deref(), context)?;
        check_evidence(&self.evidence)?;
        let fact = CheckInRecorded {
            on: self.on,
            mode: self.mode,
            late_reason: (&self.late_reason).into(),
            evidence: self.evidence.clone(),
        };
        let mut events = vec![CaseEvent::from(fact)];
        if self.mode == CheckInMode::InPerson {
            events.extend(fulfilled(case, ObligationKind::MonthlyMeeting, self.on, context)?);
        }
        Ok(events)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::ObligationKind;
    use crate::case::tests::{active, check_in};
    use crate::rejection::Reason;
    use jiff::civil::date;

    #[test]
    fn a_meeting_in_the_window_counts_once_and_opens_the_next_month() {
        let met = active().on(date(2026, 3, 10)).then(&check_in(date(2026, 3, 10)));
        let next = met.state().open(ObligationKind::MonthlyMeeting).expect("is open");
        assert_eq!(
            (next.window_from, next.window_to),
            (date(2026, 4, 1), date(2026, 4, 30))
        );
        let extra = met.when(&check_in(date(2026, 3, 10))).expect("is recorded");
        assert_eq!(extra.len(), 1, "extra contact fulfils nothing");
    }

    #[test]
    fn a_telephone_call_is_contact_but_no_meeting() {
        let call = RecordCheckIn {
            mode: CheckInMode::Phone,
            ..check_in(date(2026, 3, 2))
        };
        assert_eq!(active().when(&call).expect("is recorded").len(), 1);
    }

    #[test]
    fn dates_before_the_agreement_in_the_future_and_recorded_late_are_refused() {
        let active = active().on(date(2026, 3, 20));
        assert_eq!(active.reason(&check_in(date(2026, 3, 1))), Reason::OccurredBeforeCase);
        assert_eq!(active.reason(&check_in(date(2026, 3, 21))), Reason::OccurredInFuture);
        assert_eq!(active.reason(&check_in(date(2026, 3, 16))), Reason::BackdateNeedsReason);
        assert!(active.when(&check_in(date(2026, 3, 17))).is_ok(), "three days are free");
        let explained = RecordCheckIn {
            late_reason: Some("OFFLINE".into()),
            ..check_in(date(2026, 3, 5))
        };
        assert!(active.when(&explained).is_ok());
    }

    #[test]
    fn another_stations_worker_is_refused() {
        let mut case = active();
        case = case.by("worker-9", crate::Role::CaseWorker);
        let elsewhere = crate::Principal {
            id: "worker-9".into(),
            role: crate::Role::CaseWorker,
            station: "station-elsewhere".into(),
        };
        let policy = crate::Policy::shipped("station-elsewhere");
        let context = Context {
            today: date(2026, 3, 2),
            actor: &elsewhere,
            policy: &policy,
        };
        let no = check_in(date(2026, 3, 2))
            .decide(case.state(), &context)
            .expect_err("is refused");
        assert_eq!(no.reason, Reason::StationOutOfScope);
    }
}
