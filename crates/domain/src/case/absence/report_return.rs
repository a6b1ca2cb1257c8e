//! The participant is back.

use jiff::civil::Date;
use serde::Serialize;

use super::{AbsenceState, ReturnReported, find};
use crate::case::event::CaseEvent;
use crate::case::obligation::ObligationFulfilled;
use crate::case::rules::{LATE, check_actor, check_day_from, check_stage};
use crate::case::state::Case;
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Records the return from a reported absence; late when it is after the last day that was reported.
#[derive(Clone, Debug, Serialize)]
pub struct ReportReturn {
    /// Which absence.
    pub absence: u32,
    /// Day of the return.
    pub on: Date,
}

impl Command for ReportReturn {
    type Aggregate = Case;
    const NAME: &'static str = "ReportReturn";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_actor(case, &[Role::CaseWorker, Role::Supervisor], context)?;
        check_stage(case, &LATE)?;
        let absence = find(case, self.absence)?;
        let AbsenceState::Reported(obligation) = absence.state else {
            return Err(Rejection::of(Reason::AbsenceDecided, "absence"));
        };
        check_day_from("on", self.on, Some(absence.from), context)?;
        let fact = ReturnReported {
            absence: self.absence,
            on: self.on,
        };
        let mut events = vec![CaseEvent::from(fact)];
        // A suspension may have cancelled it.
        if case.obligations.iter().any(|open| open.number == obligation) {
            let met = ObligationFulfilled {
                number: obligation,
                on: self.on,
                late: self.on > absence.to,
            };
            events.push(met.into());
        }
        Ok(events)
    }
}
