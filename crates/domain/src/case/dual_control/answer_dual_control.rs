//! The station where the participant lives answers the letter.

use jiff::civil::Date;
use serde::Serialize;

use super::{DualControlAnswered, running};
use crate::case::event::CaseEvent;
use crate::case::rules::{check_day_from, check_role, check_text};
use crate::case::state::Case;
use crate::case::transfer::check_party;
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Answers, as the station that was asked.
#[derive(Clone, Debug, Serialize)]
pub struct AnswerDualControl {
    /// Day of the answer.
    pub on: Date,
    /// Number of the answer.
    pub letter_no: String,
}

impl Command for AnswerDualControl {
    type Aggregate = Case;
    const NAME: &'static str = "AnswerDualControl";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_role(&[Role::CaseWorker, Role::Supervisor], context)?;
        let station = case.dual_control.as_ref();
        check_party(case, station.map(|control| control.residence_station.as_str()), context)?;
        let control = running(case)?;
        let asked = context.actor.role == Role::System || context.actor.station == control.residence_station;
        if !asked {
            return Err(Reason::StationOutOfScope.into());
        }
        if control.answered_on.is_some() {
            return Err(Reason::DualControlAnswered.into());
        }
        check_day_from("on", self.on, Some(control.on), context)?;
        check_text("letter_no", &self.letter_no)?;
        Ok(vec![
            DualControlAnswered {
                on: self.on,
                letter_no: (&self.letter_no).into(),
            }
            .into(),
        ])
    }
}
