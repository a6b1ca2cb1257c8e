//! The police answer a referral.

use jiff::civil::Date;
use serde::Serialize;

use super::{PoliceOutcome, PoliceOutcomeRecorded, check_pending};
use crate::case::event::{CaseEvent, CaseTerminated, TerminationReason};
use crate::case::obligation::CancelReason;
use crate::case::rules::{cancel_all, check_actor, check_day_from, check_text};
use crate::case::state::Case;
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Records what the police decided about what they had been told of by then: isolation ends the case (禁毒法 38), anything else lets it go on.
#[derive(Clone, Debug, Serialize)]
pub struct RecordPoliceOutcome {
    /// Day of the decision.
    pub on: Date,
    /// What they decided.
    pub outcome: PoliceOutcome,
    /// Number of the document.
    pub document_no: String,
}

impl Command for RecordPoliceOutcome {
    type Aggregate = Case;
    const NAME: &'static str = "RecordPoliceOutcome";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_actor(case, &[Role::Supervisor], context)?;
        check_pending(case)?;
        let told_on = case.referral.told_on();
        if told_on.is_none() {
            return Err(Reason::NotReferred.into());
        }
        check_day_from("on", self.on, told_on, context)?;
        check_text("document_no", &self.document_no)?;
        let fact = PoliceOutcomeRecorded {
            on: self.on,
            outcome: self.outcome,
            document_no: (&self.document_no).into(),
        };
        let mut events = vec![CaseEvent::from(fact)];
        if self.outcome == PoliceOutcome::Isolation {
            let end = CaseTerminated {
                on: self.on,
                reason: TerminationReason::CompulsoryIsolation,
                document_no: (&self.document_no).into(),
            };
            events.push(end.into());
            events.extend(cancel_all(case, CancelReason::CaseEnded, None));
        }
        Ok(events)
    }
}
