//! Somebody drafts a care plan.

use jiff::civil::Date;
use serde::Serialize;

use super::{CareGoal, CarePlanDrafted};
use crate::case::event::CaseEvent;
use crate::case::rules::{LIVE, check_actor, check_day_from, check_note, check_span, check_stage};
use crate::case::state::Case;
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Drafts a plan; it binds nobody before somebody else approves it.
#[derive(Clone, Debug, Serialize)]
pub struct DraftCarePlan {
    /// Day.
    pub on: Date,
    /// What it is for; at least one.
    pub goals: Vec<CareGoal>,
    /// Day by which it is looked at again; at most 366 days later.
    pub review_on: Date,
    /// What is to be done; at most 2,000 characters.
    pub measures: Option<String>,
}

impl Command for DraftCarePlan {
    type Aggregate = Case;
    const NAME: &'static str = "DraftCarePlan";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_actor(case, &[Role::CaseWorker, Role::Supervisor], context)?;
        check_stage(case, &LIVE)?;
        check_day_from("on", self.on, case.agreement_on, context)?;
        check_span("review_on", self.on, self.review_on)?;
        if self.goals.is_empty() {
            return Err(Rejection::of(Reason::ListEmpty, "goals"));
        }
        if let Some(measures) = &self.measures {
            check_note("measures", measures)?;
        }
        let mut goals = self.goals.clone();
        goals.sort_unstable();
        goals.dedup();
        Ok(vec![
            CarePlanDrafted {
                plan: u32::try_from(case.plans.len()).unwrap_or(u32::MAX).saturating_add(1),
                on: self.on,
                by: context.actor.id.clone(),
                goals,
                review_on: self.review_on,
                measures: (&self.measures).into(),
            }
            .into(),
        ])
    }
}
