//! The other station accepts.

use jiff::civil::Date;
use serde::Serialize;

use super::{TransferAccepted, check_receiver, report_owed, under_way};
use crate::case::event::CaseEvent;
use crate::case::rules::{LIVE, Opener, check_day_from, check_role, check_span, check_stage};
use crate::case::state::Case;
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Accepts a transfer: reporting to the new station becomes due within policy `transfer.report_in_days` of the change
/// (戒毒条例 22: fifteen days).
#[derive(Clone, Debug, Serialize)]
pub struct AcceptTransfer {
    /// Day of acceptance.
    pub on: Date,
    /// Day on which the place of execution changes; may lie ahead by 366 days at most.
    pub effective_on: Date,
}

impl Command for AcceptTransfer {
    type Aggregate = Case;
    const NAME: &'static str = "AcceptTransfer";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_role(&[Role::Supervisor], context)?;
        let transfer = under_way(case, context)?;
        check_receiver(transfer, &[Role::Supervisor], context)?;
        check_stage(case, &LIVE)?;
        if transfer.effective_on.is_some() {
            return Err(Reason::TransferAccepted.into());
        }
        let Some(sent_on) = transfer.sent_on else {
            return Err(Reason::MaterialsNotSent.into());
        };
        check_day_from("on", self.on, Some(sent_on), context)?;
        check_span("effective_on", self.on, self.effective_on)?;
        let report = report_owed(&mut Opener::after(case), case, self.effective_on, context)?;
        let accepted = TransferAccepted {
            on: self.on,
            effective_on: self.effective_on,
        };
        Ok(vec![accepted.into(), report])
    }
}
