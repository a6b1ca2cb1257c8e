//! A test of a sample is read.

use jiff::civil::Date;
use serde::Serialize;

use super::{TestOutcome, TestResultRecorded, TestStage, TestState, find, misfit};
use crate::case::event::CaseEvent;
use crate::case::rules::{check_actor, check_day_from};
use crate::case::state::Case;
use crate::kernel::{Command, Context, Role};
use crate::rejection::Rejection;

/// Records a result: once on the spot, and then of the laboratory. A positive result on the spot is presumptive.
#[derive(Clone, Debug, Serialize)]
pub struct RecordTestResult {
    /// Which test.
    pub test: u32,
    /// Day.
    pub on: Date,
    /// Where in the procedure.
    pub stage: TestStage,
    /// What it found.
    pub outcome: TestOutcome,
}

impl Command for RecordTestResult {
    type Aggregate = Case;
    const NAME: &'static str = "RecordTestResult";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        // A laboratory may answer after the case has ended.
        check_actor(case, &[Role::CaseWorker, Role::Supervisor], context)?;
        let test = find(case, self.test)?;
        let follows = match self.stage {
            TestStage::Field => test.state == TestState::Collected,
            TestStage::Laboratory => matches!(test.state, TestState::Field(_)),
        };
        if !follows {
            return Err(misfit());
        }
        check_day_from("on", self.on, test.collected_on, context)?;
        Ok(vec![
            TestResultRecorded {
                test: self.test,
                on: self.on,
                stage: self.stage,
                outcome: self.outcome,
            }
            .into(),
        ])
    }
}
