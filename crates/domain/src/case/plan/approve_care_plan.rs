//! Somebody else approves a care plan.

use serde::Serialize;

use super::{CarePlanApproved, PlanState, find};
use crate::case::event::CaseEvent;
use crate::case::rules::{LIVE, check_actor, check_stage};
use crate::case::state::Case;
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Makes a draft the plan; the one before it, and drafts before it, are over.
#[derive(Clone, Debug, Serialize)]
pub struct ApproveCarePlan {
    /// Which plan.
    pub plan: u32,
}

impl Command for ApproveCarePlan {
    type Aggregate = Case;
    const NAME: &'static str = "ApproveCarePlan";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_actor(case, &[Role::Supervisor], context)?;
        check_stage(case, &LIVE)?;
        let plan = find(case, self.plan, PlanState::Draft)?;
        if plan.by == context.actor.id {
            return Err(Reason::SamePersonForbidden.into());
        }
        Ok(vec![CarePlanApproved { plan: self.plan }.into()])
    }
}
