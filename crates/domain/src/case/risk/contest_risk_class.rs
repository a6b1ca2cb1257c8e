//! The participant does not agree with a class of risk.

use jiff::civil::Date;
use serde::Serialize;

use super::RiskClassContested;
use crate::case::event::CaseEvent;
use crate::case::rules::{check_actor, check_day_from, check_note, check_registered};
use crate::case::state::Case;
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Records what the participant says to the class; a supervisor confirms one anew.
#[derive(Clone, Debug, Serialize)]
pub struct ContestRiskClass {
    /// Day.
    pub on: Date,
    /// What they said; at most 2,000 characters.
    pub statement: String,
}

impl Command for ContestRiskClass {
    type Aggregate = Case;
    const NAME: &'static str = "ContestRiskClass";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_actor(case, &[Role::CaseWorker, Role::Supervisor], context)?;
        check_registered(case)?;
        let risk = case.risk.ok_or_else(|| Rejection::from(Reason::NotScored))?;
        check_day_from("on", self.on, Some(risk.scored_on), context)?;
        check_note("statement", &self.statement)?;
        Ok(vec![
            RiskClassContested {
                on: self.on,
                statement: (&self.statement).into(),
            }
            .into(),
        ])
    }
}
