//! The case ends before its term (戒毒条例 24).

use jiff::civil::Date;
use serde::Serialize;

use super::event::{CaseEvent, CaseTerminated, TerminationReason};
use super::obligation::CancelReason;
use super::rules::{cancel_all, check_actor, check_day_from, check_open, check_text};
use super::state::Case;
use crate::kernel::{Command, Context, Role};
use crate::rejection::Rejection;

/// Records what ended the case: an act of the police or a court, or death; never the station's own decision.
#[derive(Clone, Debug, Serialize)]
pub struct Terminate {
    /// First day without the programme.
    pub on: Date,
    /// Reason.
    pub reason: TerminationReason,
    /// Number of the document.
    pub document_no: String,
}

impl Command for Terminate {
    type Aggregate = Case;
    const NAME: &'static str = "Terminate";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_open(case)?;
        check_actor(case, &[Role::Supervisor], context)?;
        check_day_from("on", self.on, case.notified_on, context)?;
        check_text("document_no", &self.document_no)?;
        let fact = CaseTerminated {
            on: self.on,
            reason: self.reason,
            document_no: (&self.document_no).into(),
        };
        let mut events = vec![CaseEvent::from(fact)];
        events.extend(cancel_all(case, CancelReason::CaseEnded, None));
        Ok(events)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::tests::{active, check_in};
    use crate::rejection::Reason;
    use jiff::civil::date;

    #[test]
    fn a_supervisor_ends_a_case_and_nothing_follows() {
        let end = Terminate {
            on: date(2026, 3, 2),
            reason: TerminationReason::Imprisoned,
            document_no: "判决-1".into(),
        };
        assert_eq!(active().reason(&end), Reason::RoleRequired);
        let ended = active().by("leader-1", Role::Supervisor).then(&end);
        assert!(ended.state().obligations.is_empty());
        assert_eq!(ended.reason(&check_in(date(2026, 3, 2))), Reason::CaseClosed);
    }
}
