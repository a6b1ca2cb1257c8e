//! A visit at home.

use jiff::civil::Date;
use serde::Serialize;

use super::{HomeVisitRecorded, Interviewee};
use crate::case::event::CaseEvent;
use crate::case::obligation::ObligationKind;
use crate::case::rules::{
    LATE, check_actor, check_code, check_day_from, check_note, check_stage, fulfilled_late_first,
};
use crate::case::state::Case;
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Most people who go on one visit.
const VISITORS_MAX: usize = 10;

/// Records a visit by as many as policy `visit.visitors_gte` wants; it meets what the station owes by `visit.every_months`.
#[derive(Clone, Debug, Serialize)]
pub struct RecordHomeVisit {
    /// Day.
    pub on: Date,
    /// Staff ids of those who went: at most 10 different ones.
    pub visitors: Vec<String>,
    /// Who was spoken to.
    pub interviewee: Interviewee,
    /// What was seen and said; at most 2,000 characters.
    pub note: Option<String>,
}

impl Command for RecordHomeVisit {
    type Aggregate = Case;
    const NAME: &'static str = "RecordHomeVisit";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_actor(case, &[Role::CaseWorker, Role::Supervisor], context)?;
        check_stage(case, &LATE)?;
        check_day_from("on", self.on, case.agreement_on, context)?;
        if self.visitors.len() > VISITORS_MAX {
            return Err(Rejection::of(Reason::FieldInvalid, "visitors").with("expected", "at most 10"));
        }
        for visitor in &self.visitors {
            check_code("visitors", visitor)?;
        }
        let mut visitors = self.visitors.clone();
        visitors.sort_unstable();
        visitors.dedup();
        let wanted = context.policy.number("visit.visitors_gte", self.on)?.value;
        if i64::try_from(visitors.len()).is_ok_and(|went| went < wanted) {
            return Err(Rejection::of(Reason::SecondPersonRequired, "visitors").with("visitors", wanted));
        }
        if let Some(note) = &self.note {
            check_note("note", note)?;
        }
        let mut events = vec![CaseEvent::from(HomeVisitRecorded {
            on: self.on,
            visitors,
            interviewee: self.interviewee,
            note: (&self.note).into(),
        })];
        events.extend(fulfilled_late_first(case, ObligationKind::HomeVisit, self.on, context)?);
        Ok(events)
    }
}
