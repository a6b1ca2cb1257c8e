//! A station does not propose a transfer any more.

use serde::Serialize;

use super::{TransferWithdrawn, nothing_owed, under_way};
use crate::case::event::CaseEvent;
use crate::case::rules::{check_actor, check_note};
use crate::case::state::Case;
use crate::kernel::{Command, Context, Role};
use crate::rejection::Rejection;

/// Withdraws a transfer, as long as the participant has not reported to the other station.
#[derive(Clone, Debug, Serialize)]
pub struct WithdrawTransfer {
    /// Why; at most 2,000 characters.
    pub reason: String,
}

impl Command for WithdrawTransfer {
    type Aggregate = Case;
    const NAME: &'static str = "WithdrawTransfer";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_actor(case, &[Role::CaseWorker, Role::Supervisor], context)?;
        under_way(case, context)?;
        check_note("reason", &self.reason)?;
        let reason = (&self.reason).into();
        let mut events = vec![TransferWithdrawn { reason }.into()];
        events.extend(nothing_owed(case));
        Ok(events)
    }
}
