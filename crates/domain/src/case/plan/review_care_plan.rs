//! The care plan is looked at again.

use jiff::civil::Date;
use serde::Serialize;

use super::{CarePlanReviewed, PlanOutcome, PlanState, find};
use crate::case::event::CaseEvent;
use crate::case::rules::{LATE, check_actor, check_day_from, check_note, check_span, check_stage};
use crate::case::state::Case;
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Records a review of the plan in force.
#[derive(Clone, Debug, Serialize)]
pub struct ReviewCarePlan {
    /// Which plan.
    pub plan: u32,
    /// Day.
    pub on: Date,
    /// What it came to.
    pub outcome: PlanOutcome,
    /// Day by which a plan that goes on is looked at again, at most 366 days later; of no other.
    pub review_on: Option<Date>,
    /// What was found; at most 2,000 characters.
    pub note: Option<String>,
}

impl Command for ReviewCarePlan {
    type Aggregate = Case;
    const NAME: &'static str = "ReviewCarePlan";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_actor(case, &[Role::CaseWorker, Role::Supervisor], context)?;
        // Also after the term, of what was looked at before.
        check_stage(case, &LATE)?;
        let plan = find(case, self.plan, PlanState::Approved)?;
        check_day_from("on", self.on, Some(plan.drafted_on), context)?;
        match (self.outcome, self.review_on) {
            (PlanOutcome::Continue, Some(review_on)) => check_span("review_on", self.on, review_on)?,
            (PlanOutcome::Adjust | PlanOutcome::Achieved, None) => {}
            (PlanOutcome::Continue, None) | (_, Some(_)) => {
                let expected = "a day when the plan goes on, none otherwise";
                return Err(Rejection::of(Reason::FieldInvalid, "review_on").with("expected", expected));
            }
        }
        if let Some(note) = &self.note {
            check_note("note", note)?;
        }
        Ok(vec![
            CarePlanReviewed {
                plan: self.plan,
                on: self.on,
                outcome: self.outcome,
                review_on: self.review_on,
                note: (&self.note).into(),
            }
            .into(),
        ])
    }
}
