//! The other station does not take the participant.

use serde::Serialize;

use super::{TransferRejected, check_receiver, nothing_owed, under_way};
use crate::case::event::CaseEvent;
use crate::case::rules::{check_note, check_role};
use crate::case::state::Case;
use crate::kernel::{Command, Context, Role};
use crate::rejection::Rejection;

/// Rejects a transfer, as long as the participant has not reported there.
#[derive(Clone, Debug, Serialize)]
pub struct RejectTransfer {
    /// Why; at most 2,000 characters.
    pub reason: String,
}

impl Command for RejectTransfer {
    type Aggregate = Case;
    const NAME: &'static str = "RejectTransfer";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_role(&[Role::Supervisor], context)?;
        check_receiver(under_way(case, context)?, &[Role::Supervisor], context)?;
        check_note("reason", &self.reason)?;
        let reason = (&self.reason).into();
        let mut events = vec![TransferRejected { reason }.into()];
        events.extend(nothing_owed(case));
        Ok(events)
    }
}
