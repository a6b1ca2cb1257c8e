//! Dual control ends.

use jiff::civil::Date;
use serde::Serialize;

use super::{DualControlEnded, running};
use crate::case::event::CaseEvent;
use crate::case::rules::{check_actor, check_day_from};
use crate::case::state::Case;
use crate::kernel::{Command, Context, Role};
use crate::rejection::Rejection;

/// Ends dual control, as the station whose case it is.
#[derive(Clone, Debug, Serialize)]
pub struct EndDualControl {
    /// Day.
    pub on: Date,
}

impl Command for EndDualControl {
    type Aggregate = Case;
    const NAME: &'static str = "EndDualControl";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_actor(case, &[Role::CaseWorker, Role::Supervisor], context)?;
        let control = running(case)?;
        check_day_from("on", self.on, Some(control.on), context)?;
        Ok(vec![DualControlEnded { on: self.on }.into()])
    }
}
