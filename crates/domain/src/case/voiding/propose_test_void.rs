//! Somebody says that a test was not as it was recorded.

use serde::Serialize;

use super::TestVoidProposed;
use crate::case::drug_test::{TestState, find};
use crate::case::event::CaseEvent;
use crate::case::rules::{check_actor, check_note};
use crate::case::state::Case;
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Proposes to void a test, whatever point it is at. Nothing changes until somebody else confirms it.
#[derive(Clone, Debug, Serialize)]
pub struct ProposeTestVoid {
    /// Which test.
    pub test: u32,
    /// Why; at most 2,000 characters.
    pub reason: String,
}

impl Command for ProposeTestVoid {
    type Aggregate = Case;
    const NAME: &'static str = "ProposeTestVoid";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_actor(case, &[Role::CaseWorker, Role::Supervisor], context)?;
        let test = find(case, self.test)?;
        check_note("reason", &self.reason)?;
        if test.state == TestState::Void {
            return Err(Rejection::of(Reason::TestVoid, "test"));
        }
        // Another may say so instead, so that somebody is left to confirm it.
        if test.void_by.as_ref() == Some(&context.actor.id) {
            return Err(Rejection::of(Reason::VoidProposed, "test"));
        }
        Ok(vec![
            TestVoidProposed {
                test: self.test,
                by: context.actor.id.clone(),
                reason: (&self.reason).into(),
            }
            .into(),
        ])
    }
}
