//! The participant refuses or evades a test, as a worker says.

use jiff::civil::Date;
use serde::Serialize;

use super::{TestRefused, TestState, find, misfit};
use crate::case::event::CaseEvent;
use crate::case::rules::{LATE, check_actor, check_day_from, check_note, check_stage};
use crate::case::state::Case;
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Records a refusal (戒毒条例 20). It counts once somebody else confirms it.
#[derive(Clone, Debug, Serialize)]
pub struct RecordTestRefusal {
    /// Which test.
    pub test: u32,
    /// Day; of evasion, after the last day to come.
    pub on: Date,
    /// They did not come, instead of saying no.
    pub evaded: bool,
    /// What happened; at most 2,000 characters.
    pub facts: String,
}

impl Command for RecordTestRefusal {
    type Aggregate = Case;
    const NAME: &'static str = "RecordTestRefusal";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_actor(case, &[Role::CaseWorker, Role::Supervisor], context)?;
        check_stage(case, &LATE)?;
        let test = find(case, self.test)?;
        if test.state != TestState::Noticed {
            return Err(misfit());
        }
        check_day_from("on", self.on, Some(test.noticed_on), context)?;
        check_note("facts", &self.facts)?;
        if self.evaded && self.on <= test.due_on {
            return Err(Rejection::of(Reason::NotYetEvaded, "on").with("due_on", test.due_on));
        }
        // Who is in custody can neither come nor say no.
        if case.suspended_within(test.noticed_on, self.on.min(test.due_on)) {
            return Err(Rejection::of(Reason::DuringSuspension, "on"));
        }
        if case.tests.iter().any(|other| other.refused_on == Some(self.on)) {
            return Err(Rejection::of(Reason::RefusedThatDay, "on"));
        }
        Ok(vec![
            TestRefused {
                test: self.test,
                on: self.on,
                evaded: self.evaded,
                by: context.actor.id.clone(),
                facts: (&self.facts).into(),
            }
            .into(),
        ])
    }
}
