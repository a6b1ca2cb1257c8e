//! A person confirms a class of risk, or says otherwise.

use serde::Serialize;

use super::{RiskClass, RiskClassConfirmed};
use crate::case::event::CaseEvent;
use crate::case::obligation::ObligationKind;
use crate::case::rules::{check_actor, check_note, check_registered, met};
use crate::case::state::Case;
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Confirms the class that was proposed, or another with a reason.
#[derive(Clone, Debug, Serialize)]
pub struct ConfirmRiskClass {
    /// The class.
    pub class: RiskClass,
    /// Why it is not the one that was proposed; at most 2,000 characters.
    pub reason: Option<String>,
}

impl Command for ConfirmRiskClass {
    type Aggregate = Case;
    const NAME: &'static str = "ConfirmRiskClass";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_actor(case, &[Role::Supervisor], context)?;
        // Also after the case has ended: what was contested is answered.
        check_registered(case)?;
        let risk = case.risk.ok_or_else(|| Rejection::from(Reason::NotScored))?;
        let overridden = risk.proposed != self.class;
        match &self.reason {
            Some(reason) => check_note("reason", reason)?,
            None if overridden => return Err(Rejection::of(Reason::ReasonRequired, "reason")),
            None => {}
        }
        let mut events = vec![CaseEvent::from(RiskClassConfirmed {
            class: self.class,
            overridden,
            reason: (&self.reason).into(),
        })];
        events.extend(met(case, ObligationKind::RiskReview, context.today));
        Ok(events)
    }
}
