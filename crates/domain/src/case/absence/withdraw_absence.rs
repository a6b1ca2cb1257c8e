//! An absence was none, or had a good reason.

use serde::Serialize;

use super::{AbsenceState, AbsenceWithdrawn, find};
use crate::case::breach::after_withdrawal;
use crate::case::event::CaseEvent;
use crate::case::obligation::{CancelReason, ObligationCancelled};
use crate::case::rules::{check_actor, check_note};
use crate::case::state::Case;
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Takes a report, an allegation or a count back. A count is not taken back by whoever alleged it; what rested on it may fall.
/// Also after the case has ended.
#[derive(Clone, Debug, Serialize)]
pub struct WithdrawAbsence {
    /// Which absence.
    pub absence: u32,
    /// Why; at most 2,000 characters.
    pub reason: String,
}

impl Command for WithdrawAbsence {
    type Aggregate = Case;
    const NAME: &'static str = "WithdrawAbsence";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_actor(case, &[Role::Supervisor], context)?;
        check_note("reason", &self.reason)?;
        let withdrawn = AbsenceWithdrawn {
            absence: self.absence,
            reason: (&self.reason).into(),
        };
        match &find(case, self.absence)?.state {
            AbsenceState::Counted(by, _) if *by == context.actor.id => {
                Err(Rejection::of(Reason::SamePersonForbidden, "absence"))
            }
            AbsenceState::Counted(..) => after_withdrawal(case, withdrawn.into(), context),
            AbsenceState::Alleged(_) => Ok(vec![withdrawn.into()]),
            AbsenceState::Reported(obligation) => {
                let (number, reason) = (*obligation, CancelReason::Replanned);
                let mut events = vec![CaseEvent::from(withdrawn)];
                if case.obligations.iter().any(|owed| owed.number == number) {
                    events.push(ObligationCancelled { number, reason }.into());
                }
                Ok(events)
            }
            AbsenceState::Returned | AbsenceState::Withdrawn | AbsenceState::Refused => {
                Err(Rejection::of(Reason::AbsenceDecided, "absence"))
            }
        }
    }
}
