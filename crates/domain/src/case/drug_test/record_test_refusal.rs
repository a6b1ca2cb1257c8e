//! The participant refuses or evades a test, as a worker says.

use jiff::civil::Date;
use serde::Serialize;

use super::{DrugTest, TestRefused, TestState, find, in_custody, misfit};
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
        // Nobody refuses what is done to them.
        if test.state != TestState::Noticed || test.compels.is_some() {
            return Err(misfit());
        }
        check_day_from("on", self.on, Some(test.noticed_on), context)?;
        check_note("facts", &self.facts)?;
        if self.evaded && self.on <= test.last_day() {
            return Err(Rejection::of(Reason::NotYetEvaded, "on").with("due_on", test.last_day()));
        }
        let refused = DrugTest {
            refused_on: Some(self.on),
            evaded: self.evaded,
            ..test.clone()
        };
        if in_custody(case, &refused) {
            return Err(Rejection::of(Reason::DuringSuspension, "on"));
        }
        let same = |other: &DrugTest| match other.refused_on {
            None => false,
            Some(on) => on == self.on || (self.evaded && other.evaded && other.last_day() == test.last_day()),
        };
        if case.tests.iter().any(same) {
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
