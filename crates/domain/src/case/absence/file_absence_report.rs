//! The participant reports before being away.

use jiff::civil::Date;
use serde::Serialize;

use super::{AbsenceReported, AbsenceState};
use crate::calendar::{LAST_DAY, days_between};
use crate::case::event::CaseEvent;
use crate::case::obligation::{Debtor, ObligationKind};
use crate::case::rules::{LIVE, Opener, check_actor, check_code, check_note, check_stage};
use crate::case::state::Case;
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Longest absence that is reported at once, in days.
const DAYS_MAX: i32 = 366;

/// Records a report of absence. Nobody may refuse it; it opens the obligation to come back.
#[derive(Clone, Debug, Serialize)]
pub struct FileAbsenceReport {
    /// First day away; today or later.
    pub from: Date,
    /// Last day away; at most 366 days later.
    pub to: Date,
    /// County of destination, as a code.
    pub destination: String,
    /// What for; at most 2,000 characters.
    pub purpose: Option<String>,
}

impl Command for FileAbsenceReport {
    type Aggregate = Case;
    const NAME: &'static str = "FileAbsenceReport";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_actor(case, &[Role::CaseWorker, Role::Supervisor], context)?;
        check_stage(case, &LIVE)?;
        check_code("destination", &self.destination)?;
        if let Some(purpose) = &self.purpose {
            check_note("purpose", purpose)?;
        }
        if self.from < context.today {
            return Err(Rejection::of(Reason::ReportTooLate, "from").with("today", context.today));
        }
        if self.to < self.from || self.to > LAST_DAY || days_between(self.from, self.to) > DAYS_MAX {
            let expected = format!("{} or later, at most {DAYS_MAX} days", self.from);
            return Err(Rejection::of(Reason::FieldInvalid, "to").with("expected", expected));
        }
        let mut there = case.absences.iter();
        if there.any(|other| other.overlaps(self.from, self.to) && other.state != AbsenceState::Withdrawn) {
            return Err(Rejection::of(Reason::AbsenceOverlaps, "from"));
        }
        let key = "absence.report_if_days_gte";
        let source = format!("{} {key}", context.policy.number(key, self.from)?.pack);
        let window = (self.from, self.to);
        let opened = Opener::after(case).open(ObligationKind::LeaveReturn, Debtor::Participant, window, source);
        let fact = AbsenceReported {
            absence: case.next_absence(),
            from: self.from,
            to: self.to,
            destination: self.destination.clone(),
            purpose: (&self.purpose).into(),
            obligation: case.obligations_opened + 1,
        };
        Ok(vec![fact.into(), opened])
    }
}
