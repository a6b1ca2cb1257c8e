//! The second of two people confirms an absence without authority.

use serde::Serialize;

use super::{AbsenceCounted, AbsenceState, days, find};
use crate::case::event::CaseEvent;
use crate::case::rules::{LATE, check_actor, check_stage};
use crate::case::state::Case;
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Counts an alleged absence towards a serious breach. Whoever alleged it may not.
#[derive(Clone, Debug, Serialize)]
pub struct ConfirmAbsence {
    /// Which absence.
    pub absence: u32,
}

impl Command for ConfirmAbsence {
    type Aggregate = Case;
    const NAME: &'static str = "ConfirmAbsence";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_actor(case, &[Role::Supervisor], context)?;
        check_stage(case, &LATE)?;
        let absence = find(case, self.absence)?;
        match &absence.state {
            AbsenceState::Alleged(by) if *by == context.actor.id => {
                Err(Rejection::of(Reason::SamePersonForbidden, "absence"))
            }
            // Custody may have become known since.
            AbsenceState::Alleged(_) if case.suspended_within(absence.from, absence.to) => {
                Err(Rejection::of(Reason::DuringSuspension, "absence"))
            }
            AbsenceState::Alleged(_) => {
                let fact = AbsenceCounted {
                    absence: self.absence,
                    days: days(absence.from, absence.to, context.policy)?,
                };
                Ok(vec![fact.into()])
            }
            _ => Err(Rejection::of(Reason::AbsenceDecided, "absence")),
        }
    }
}
