//! Detention or arrest stops the programme (戒毒条例 24).

use jiff::civil::Date;
use serde::Serialize;

use super::event::{CaseEvent, CaseSuspended, SuspensionCause};
use super::obligation::CancelReason;
use super::rules::{LIVE, cancel_all, check_actor, check_day_from, check_stage, check_text};
use super::state::Case;
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Suspends an active case. No obligation runs meanwhile; what was past due before stays on record.
#[derive(Clone, Debug, Serialize)]
pub struct Suspend {
    /// First day.
    pub from: Date,
    /// Cause.
    pub cause: SuspensionCause,
    /// Number of the document.
    pub document_no: String,
}

impl Command for Suspend {
    type Aggregate = Case;
    const NAME: &'static str = "Suspend";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_actor(case, &[Role::CaseWorker, Role::Supervisor], context)?;
        check_stage(case, &LIVE)?;
        if case.suspended_from().is_some() {
            return Err(Reason::BadState.into());
        }
        // Not within another: its days would count twice.
        let earlier = case.suspensions.last().and_then(|(_, until)| *until);
        check_day_from("from", self.from, earlier.max(case.agreement_on), context)?;
        check_text("document_no", &self.document_no)?;
        if self.cause == SuspensionCause::Imprisoned {
            return Err(Rejection::of(Reason::UseTerminate, "cause"));
        }
        let fact = CaseSuspended {
            from: self.from,
            cause: self.cause,
            document_no: (&self.document_no).into(),
        };
        let mut events = vec![CaseEvent::from(fact)];
        events.extend(cancel_all(case, CancelReason::CaseSuspended, Some(self.from)));
        Ok(events)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::Stage;
    use crate::case::tests::{active, suspend};
    use jiff::civil::date;

    #[test]
    fn suspension_cancels_what_was_open() {
        let suspended = active().then(&suspend(date(2026, 3, 2)));
        assert_eq!(
            (suspended.state().stage, suspended.state().obligations.len()),
            (Stage::Suspended, 0)
        );
    }

    #[test]
    fn imprisonment_is_no_suspension() {
        let prison = Suspend {
            cause: SuspensionCause::Imprisoned,
            ..suspend(date(2026, 3, 2))
        };
        assert_eq!(active().reason(&prison), Reason::UseTerminate);
    }
}
