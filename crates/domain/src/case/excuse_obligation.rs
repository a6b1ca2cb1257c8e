//! A past-due obligation had a good reason.

use serde::Serialize;

use super::event::CaseEvent;
use super::obligation::{ObligationExcused, find_past_due};
use super::rules::{check_actor, check_note};
use super::state::Case;
use crate::kernel::{Command, Context, Role};
use crate::rejection::Rejection;

/// Excuses what a participant owed and did not do, also after it was confirmed as missed: it counts for nothing any more.
#[derive(Clone, Debug, Serialize)]
pub struct ExcuseObligation {
    /// Which.
    pub obligation: u32,
    /// Why; at most 2,000 characters.
    pub reason: String,
}

impl Command for ExcuseObligation {
    type Aggregate = Case;
    const NAME: &'static str = "ExcuseObligation";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_actor(case, &[Role::Supervisor], context)?;
        check_note("reason", &self.reason)?;
        let owed = find_past_due(case, self.obligation)?;
        Ok(vec![
            ObligationExcused {
                number: owed.number,
                reason: (&self.reason).into(),
            }
            .into(),
        ])
    }
}
