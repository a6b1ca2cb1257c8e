//! The other station accepts.

use jiff::civil::Date;
use serde::Serialize;

use super::{TransferAccepted, check_receiver, under_way};
use crate::calendar::due_day;
use crate::case::event::CaseEvent;
use crate::case::obligation::{Debtor, ObligationKind};
use crate::case::rules::{Opener, check_day_from, check_role, check_span};
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
        let transfer = under_way(case)?;
        check_receiver(transfer, &[Role::Supervisor], context)?;
        if transfer.effective_on.is_some() {
            return Err(Reason::TransferAccepted.into());
        }
        let Some(sent_on) = transfer.sent_on else {
            return Err(Reason::MaterialsNotSent.into());
        };
        check_day_from("on", self.on, Some(sent_on), context)?;
        check_span("effective_on", self.on, self.effective_on)?;
        let owed = (ObligationKind::TransferReportIn, Debtor::Participant);
        let key = "transfer.report_in_days";
        let days = context.policy.number(key, self.effective_on)?;
        // Counted as the first report is: from the next day on, and a last day that is a holiday moves.
        let roll = context
            .policy
            .flag("report_in.roll_on_holiday", self.effective_on)?
            .value;
        let days_long = i32::try_from(days.value).unwrap_or(i32::MAX);
        let due = due_day(context.policy, self.effective_on, days_long, roll);
        let source = format!("{} {key}", days.pack);
        let report = Opener::after(case).open(owed.0, owed.1, (self.effective_on, due), source);
        let accepted = TransferAccepted {
            on: self.on,
            effective_on: self.effective_on,
        };
        Ok(vec![accepted.into(), report])
    }
}
