//! The station sums up half a year, or a year.

use jiff::civil::Date;
use serde::Serialize;

use super::{SummaryKind, SummaryRecorded};
use crate::case::event::CaseEvent;
use crate::case::obligation::ObligationKind;
use crate::case::rules::{LATE, check_actor, check_day_from, check_note, check_stage, fulfilled_late_first};
use crate::case::state::Case;
use crate::kernel::{Command, Context, Role};
use crate::rejection::Rejection;

/// Records a summary; it meets what the station owes by policy `summary.every_months` or `assessment.every_months`, the
/// oldest that is past due first.
#[derive(Clone, Debug, Serialize)]
pub struct RecordSummary {
    /// About what.
    pub kind: SummaryKind,
    /// Day.
    pub on: Date,
    /// The summary; at most 2,000 characters.
    pub note: String,
}

impl Command for RecordSummary {
    type Aggregate = Case;
    const NAME: &'static str = "RecordSummary";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_actor(case, &[Role::CaseWorker, Role::Supervisor], context)?;
        check_stage(case, &LATE)?;
        check_day_from("on", self.on, case.agreement_on, context)?;
        check_note("note", &self.note)?;
        let (kind, on) = (self.kind, self.on);
        let note = (&self.note).into();
        let mut events = vec![CaseEvent::from(SummaryRecorded { kind, on, note })];
        let owed = match kind {
            SummaryKind::HalfYear => ObligationKind::HalfYearSummary,
            SummaryKind::Annual => ObligationKind::AnnualAssessment,
        };
        events.extend(fulfilled_late_first(case, owed, on, context)?);
        Ok(events)
    }
}
