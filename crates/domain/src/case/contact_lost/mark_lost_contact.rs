//! Nobody can reach the participant.

use jiff::civil::Date;
use serde::Serialize;

use super::LostContactRecorded;
use crate::case::event::CaseEvent;
use crate::case::rules::{LIVE, check_actor, check_day_from, check_stage};
use crate::case::state::Case;
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Most attempts of one record.
const ATTEMPTS_MAX: usize = 50;

/// Records that contact is lost, with the attempts to reach the participant.
#[derive(Clone, Debug, Serialize)]
pub struct MarkLostContact {
    /// Day from which nobody could reach them.
    pub on: Date,
    /// Days on which somebody tried: 1 to 50.
    pub attempts: Vec<Date>,
}

impl Command for MarkLostContact {
    type Aggregate = Case;
    const NAME: &'static str = "MarkLostContact";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_actor(case, &[Role::CaseWorker, Role::Supervisor], context)?;
        check_stage(case, &LIVE)?;
        if case.lost_since.is_some() {
            return Err(Reason::LostAlready.into());
        }
        check_day_from("on", self.on, case.agreement_on, context)?;
        if self.attempts.is_empty() {
            return Err(Rejection::of(Reason::ListEmpty, "attempts"));
        }
        if self.attempts.len() > ATTEMPTS_MAX {
            return Err(Rejection::of(Reason::FieldInvalid, "attempts").with("expected", "at most 50 days"));
        }
        for day in &self.attempts {
            check_day_from("attempts", *day, Some(self.on), context)?;
        }
        Ok(vec![
            LostContactRecorded {
                on: self.on,
                attempts: self.attempts.clone(),
            }
            .into(),
        ])
    }
}
