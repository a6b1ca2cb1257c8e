//! The breach is reported to the police.

use jiff::civil::Date;
use serde::Serialize;

use super::{ReferredToPolice, check_pending, report_to_police, untold};
use crate::case::event::CaseEvent;
use crate::case::obligation::{ObligationFulfilled, ObligationKind};
use crate::case::rules::{check_actor, check_day_from, check_text};
use crate::case::state::Case;
use crate::kernel::{Aggregate, Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Records the report of what was confirmed (戒毒条例 21); it meets the station's duty, in time or late. What happened only after the
/// day of the report is reported by another, which is owed from then on.
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
        let untold = untold(case);
        if untold.is_empty() {
            return Err(Reason::AlreadyReferred.into());
        }
        let mut duties = case.obligations.iter();
        let duty = duties.find(|owed| owed.kind == ObligationKind::PoliceReport);
        // Of what happened later, the police were not told by it: at least one thing had happened by then.
        let first = untold.into_iter().min().flatten();
        check_day_from("on", self.on, first.max(duty.map(|duty| duty.window_from)), context)?;
        check_text("document_no", &self.document_no)?;
        let referred = ReferredToPolice {
            on: self.on,
            document_no: (&self.document_no).into(),
        };
        let mut events = vec![CaseEvent::from(referred)];
        events.extend(duty.map(|duty| {
            let met = ObligationFulfilled {
                number: duty.number,
                on: self.on,
                late: self.on > duty.window_to,
            };
            met.into()
        }));
        let mut after = case.clone();
        events.iter().for_each(|event| after.evolve(event));
        if after.referral.is_untold() {
            events.extend(report_to_police(&after, context)?);
        }
        Ok(events)
    }
}
