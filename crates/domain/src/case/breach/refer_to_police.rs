//! The breach is reported to the police.

use jiff::civil::Date;
use serde::Serialize;

use super::{ReferredToPolice, check_pending, pending_since};
use crate::case::event::CaseEvent;
use crate::case::obligation::{ObligationFulfilled, ObligationKind};
use crate::case::rules::{check_actor, check_day_from, check_text};
use crate::case::state::Case;
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Records the report of a confirmed breach (戒毒条例 21); it meets the station's duty, in time or late.
#[derive(Clone, Debug, Serialize)]
pub struct ReferToPolice {
    /// Day.
    pub on: Date,
    /// Number of their receipt.
    pub document_no: String,
}

impl Command for ReferToPolice {
    type Aggregate = Case;
    const NAME: &'static str = "ReferToPolice";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_actor(case, &[Role::CaseWorker, Role::Supervisor], context)?;
        check_pending(case)?;
        let mut duties = case.obligations.iter();
        let duty = duties.find(|owed| owed.kind == ObligationKind::PoliceReport);
        let duty = duty.ok_or_else(|| Rejection::from(Reason::AlreadyReferred))?;
        // Of what happened later, the police were not told by it.
        let since = pending_since(case).map_or(duty.window_from, |since| since.max(duty.window_from));
        check_day_from("on", self.on, Some(since), context)?;
        check_text("document_no", &self.document_no)?;
        Ok(vec![
            ReferredToPolice {
                on: self.on,
                document_no: (&self.document_no).into(),
            }
            .into(),
            ObligationFulfilled {
                number: duty.number,
                on: self.on,
                late: self.on > duty.window_to,
            }
            .into(),
        ])
    }
}
