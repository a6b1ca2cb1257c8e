//! The police answer a referral.

use jiff::civil::Date;
use serde::Serialize;

use super::{PoliceOutcome, PoliceOutcomeRecorded};
use crate::case::event::{CaseEvent, CaseTerminated, TerminationReason};
use crate::case::obligation::CancelReason;
use crate::case::rules::{cancel_all, check_actor, check_day_from, check_stage, check_text};
use crate::case::state::{Case, Stage};
use crate::kernel::{Command, Context, Role};
use crate::rejection::Rejection;

/// Records what the police decided: isolation ends the case (禁毒法 38), anything else lets it go on.
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
        check_actor(case, &[Role::CaseWorker, Role::Supervisor], context)?;
        check_stage(case, &[Stage::BreachReferred, Stage::RelapseReferred])?;
        check_day_from("on", self.on, case.agreement_on, context)?;
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
            events.extend(cancel_all(case, CancelReason::CaseEnded, false));
        }
        Ok(events)
    }
}
