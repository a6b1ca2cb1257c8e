//! A letter asks another station to look after the participant too.

use jiff::civil::Date;
use serde::Serialize;

use super::DualControlStarted;
use crate::case::event::CaseEvent;
use crate::case::rules::{LIVE, check_actor, check_code, check_day_from, check_stage, check_text};
use crate::case::state::Case;
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Starts dual control.
#[derive(Clone, Debug, Serialize)]
pub struct StartDualControl {
    /// Day of the letter.
    pub on: Date,
    /// The station where the participant lives.
    pub residence_station: String,
    /// Number of the letter.
    pub letter_no: String,
}

impl Command for StartDualControl {
    type Aggregate = Case;
    const NAME: &'static str = "StartDualControl";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_actor(case, &[Role::CaseWorker, Role::Supervisor], context)?;
        check_stage(case, &LIVE)?;
        check_day_from("on", self.on, case.reported_on, context)?;
        check_code("residence_station", &self.residence_station)?;
        check_text("letter_no", &self.letter_no)?;
        if self.residence_station == case.station {
            return Err(Rejection::of(Reason::SameStation, "residence_station"));
        }
        if case.dual_control.is_some() {
            return Err(Reason::UnderDualControl.into());
        }
        Ok(vec![
            DualControlStarted {
                on: self.on,
                residence_station: self.residence_station.clone(),
                letter_no: (&self.letter_no).into(),
            }
            .into(),
        ])
    }
}
