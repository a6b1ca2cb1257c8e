//! The second of two people confirms a refusal.

use serde::Serialize;

use super::{TestRefusalCounted, TestState, find, in_custody, misfit};
use crate::case::event::CaseEvent;
use crate::case::rules::{LATE, check_actor, check_stage};
use crate::case::state::Case;
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Counts a refusal towards a serious breach. Whoever recorded it may not.
#[derive(Clone, Debug, Serialize)]
pub struct ConfirmTestRefusal {
    /// Which test.
    pub test: u32,
}

impl Command for ConfirmTestRefusal {
    type Aggregate = Case;
    const NAME: &'static str = "ConfirmTestRefusal";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_actor(case, &[Role::Supervisor], context)?;
        check_stage(case, &LATE)?;
        let test = find(case, self.test)?;
        match &test.state {
            TestState::Refused(by) if *by == context.actor.id => {
                Err(Rejection::of(Reason::SamePersonForbidden, "test"))
            }
            // Custody may have become known since.
            TestState::Refused(_) if in_custody(case, test) => Err(Rejection::of(Reason::DuringSuspension, "test")),
            TestState::Refused(_) => Ok(vec![TestRefusalCounted { test: self.test }.into()]),
            _ => Err(misfit()),
        }
    }
}
