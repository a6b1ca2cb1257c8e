//! An absence was none, or had a good reason.

use serde::Serialize;

use super::{AbsenceState, AbsenceWithdrawn, find};
use crate::case::event::CaseEvent;
use crate::case::rules::{check_actor, check_note};
use crate::case::state::Case;
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Takes an allegation back, or a count, by somebody who did not allege it; also after the case has ended.
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
        match &find(case, self.absence)?.state {
            AbsenceState::Counted(by, _) if *by == context.actor.id => {
                Err(Rejection::of(Reason::SamePersonForbidden, "absence"))
            }
            AbsenceState::Alleged(_) | AbsenceState::Counted(..) => Ok(vec![
                AbsenceWithdrawn {
                    absence: self.absence,
                    reason: (&self.reason).into(),
                }
                .into(),
            ]),
            _ => Err(Rejection::of(Reason::AbsenceDecided, "absence")),
        }
    }
}
