//! A station proposes that another carries the order on.

use jiff::civil::Date;
use serde::Serialize;

use super::TransferProposed;
use crate::case::event::CaseEvent;
use crate::case::rules::{check_actor, check_code, check_day_from, check_note, check_stage};
use crate::case::stage::Stage;
use crate::case::state::Case;
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Proposes a transfer (戒毒条例 22). The case stays where it is until the participant has reported to the other station.
#[derive(Clone, Debug, Serialize)]
pub struct ProposeTransfer {
    /// Day.
    pub on: Date,
    /// The other station.
    pub to_station: String,
    /// Why; at most 2,000 characters.
    pub reason: String,
}

impl Command for ProposeTransfer {
    type Aggregate = Case;
    const NAME: &'static str = "ProposeTransfer";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_actor(case, &[Role::CaseWorker, Role::Supervisor], context)?;
        check_stage(case, &[Stage::Active])?;
        check_day_from("on", self.on, case.agreement_on, context)?;
        check_code("to_station", &self.to_station)?;
        check_note("reason", &self.reason)?;
        if self.to_station == case.station {
            return Err(Rejection::of(Reason::SameStation, "to_station"));
        }
        Ok(vec![
            TransferProposed {
                on: self.on,
                from_station: case.station.clone(),
                to_station: self.to_station.clone(),
                reason: (&self.reason).into(),
            }
            .into(),
        ])
    }
}
