//! Somebody was away without a report, as a worker says.

use jiff::civil::Date;
use serde::Serialize;

use super::{AbsenceAlleged, AbsenceState, check_free, days};
use crate::calendar::add_days;
use crate::case::event::CaseEvent;
use crate::case::rules::{LIVE, check_actor, check_day_from, check_note, check_stage};
use crate::case::state::Case;
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Alleges an absence without authority (戒毒条例 20). It counts once somebody else confirms it.
#[derive(Clone, Debug, Serialize)]
pub struct AllegeAbsence {
    /// First day away.
    pub from: Date,
    /// Last day away that is known.
    pub to: Date,
    /// How it is known; at most 2,000 characters.
    pub how_known: String,
}

impl Command for AllegeAbsence {
    type Aggregate = Case;
    const NAME: &'static str = "AllegeAbsence";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_actor(case, &[Role::CaseWorker, Role::Supervisor], context)?;
        check_stage(case, &LIVE)?;
        check_day_from("from", self.from, case.agreement_on, context)?;
        check_day_from("to", self.to, Some(self.from), context)?;
        check_note("how_known", &self.how_known)?;
        let least = context.policy.number("absence.report_if_days_gte", self.from)?;
        if i64::from(days(self.from, self.to, context.policy)?) < least.value {
            let no = Rejection::of(Reason::AbsenceTooShort, "to");
            return Err(no.with("days", least.value).with("pack", least.pack));
        }
        check_free(case, self.from, self.to)?;
        // One absence is not made into several.
        let (before, after) = (add_days(self.from, -1), add_days(self.to, 1));
        let said = |state: &AbsenceState| matches!(state, AbsenceState::Alleged(_) | AbsenceState::Counted(..));
        let mut others = case.absences.iter();
        if others.any(|other| said(&other.state) && other.overlaps(before, after)) {
            return Err(Rejection::of(Reason::AbsenceOverlaps, "from"));
        }
        if case.suspended_within(self.from, self.to) {
            return Err(Rejection::of(Reason::DuringSuspension, "from"));
        }
        Ok(vec![
            AbsenceAlleged {
                absence: case.next_absence(),
                from: self.from,
                to: self.to,
                by: context.actor.id.clone(),
                how_known: (&self.how_known).into(),
            }
            .into(),
        ])
    }
}
