//! The participant reports before being away.

use jiff::civil::Date;
use serde::Serialize;

use super::{Absence, AbsenceReported, AbsenceState, check_free};
use crate::case::event::CaseEvent;
use crate::case::obligation::{Debtor, ObligationKind};
use crate::case::rules::{LIVE, Opener, check_actor, check_code, check_day_from, check_note, check_span, check_stage};
use crate::case::state::Case;
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Records a report of absence. Nobody may refuse it; it opens the obligation to come back.
#[derive(Clone, Debug, Serialize)]
pub struct FileAbsenceReport {
    /// Day on which they said so; not after the first day away. What was said in time may be written down later.
    pub reported_on: Date,
    /// First day away.
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
        check_day_from("reported_on", self.reported_on, case.agreement_on, context)?;
        if self.reported_on > self.from {
            return Err(Rejection::of(Reason::ReportTooLate, "reported_on").with("from", self.from));
        }
        check_span("to", self.from, self.to)?;
        check_free(case, self.from, self.to)?;
        // What was refused is not reported anew after the fact.
        let refused =
            |absence: &Absence| absence.state == AbsenceState::Refused && absence.overlaps(self.from, self.to);
        if context.today >= self.from && case.absences.iter().any(refused) {
            return Err(Rejection::of(Reason::AbsenceOverlaps, "from"));
        }
        let key = "absence.report_if_days_gte";
        let source = format!("{} {key}", context.policy.number(key, self.from)?.pack);
        let window = (self.from, self.to);
        let opened = Opener::after(case).open(ObligationKind::LeaveReturn, Debtor::Participant, window, source);
        let fact = AbsenceReported {
            absence: case.next_absence(),
            reported_on: self.reported_on,
            from: self.from,
            to: self.to,
            destination: self.destination.clone(),
            purpose: (&self.purpose).into(),
            obligation: case.obligations_opened + 1,
        };
        Ok(vec![fact.into(), opened])
    }
}
