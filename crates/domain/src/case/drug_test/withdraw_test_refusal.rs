//! A refusal was none, or had a good reason.

use serde::Serialize;

use super::{TestRefusalWithdrawn, TestState, find, misfit};
use crate::case::breach::after_withdrawal;
use crate::case::event::CaseEvent;
use crate::case::rules::{check_actor, check_note};
use crate::case::state::Case;
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Takes a refusal back, counted or not, by somebody who did not record it when it counts; the participant may then still
/// come. Also after the case has ended.
#[derive(Clone, Debug, Serialize)]
pub struct WithdrawTestRefusal {
    /// Which test.
    pub test: u32,
    /// Why; at most 2,000 characters.
    pub reason: String,
}

impl Command for WithdrawTestRefusal {
    type Aggregate = Case;
    const NAME: &'static str = "WithdrawTestRefusal";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_actor(case, &[Role::Supervisor], context)?;
        check_note("reason", &self.reason)?;
        let withdrawn = TestRefusalWithdrawn {
            test: self.test,
            reason: (&self.reason).into(),
        };
        match &find(case, self.test)?.state {
            TestState::RefusalCounted(by) if *by == context.actor.id => {
                Err(Rejection::of(Reason::SamePersonForbidden, "test"))
            }
            TestState::RefusalCounted(_) => after_withdrawal(case, withdrawn.into(), context),
            TestState::Refused(_) => Ok(vec![withdrawn.into()]),
            _ => Err(misfit()),
        }
    }
}
