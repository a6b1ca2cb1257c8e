//! The programme goes on after detention (戒毒条例 24).

use jiff::civil::Date;
use serde::Serialize;

use super::event::{CaseEvent, CaseResumed};
use super::obligation::ObligationKind;
use super::rules::{Opener, check_actor, check_day_from, check_open, check_text, term};
use super::state::Case;
use super::transfer::report_owed;
use crate::calendar::days_between;
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Resumes a suspended case; the term moves by the suspended days where policy `term.suspension_extends` says so, and
/// obligations are planned anew.
#[derive(Clone, Debug, Serialize)]
pub struct Resume {
    /// First day after suspension.
    pub on: Date,
    /// Number of the document.
    pub document_no: String,
}

impl Command for Resume {
    type Aggregate = Case;
    const NAME: &'static str = "Resume";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_actor(case, &[Role::CaseWorker, Role::Supervisor], context)?;
        // A relapse may have been confirmed, and decided on, in custody: who is detained is so whatever the stage says.
        check_open(case)?;
        if case.suspended_from().is_none() {
            return Err(Reason::BadState.into());
        }
        check_day_from("on", self.on, case.suspended_from(), context)?;
        check_text("document_no", &self.document_no)?;
        let mut events = vec![CaseEvent::from(CaseResumed {
            on: self.on,
            document_no: (&self.document_no).into(),
        })];
        let Some(start) = case.reported_on else {
            return Ok(events);
        };
        let extends = context.policy.flag("term.suspension_extends", self.on)?.value;
        let added = case
            .suspended_from()
            .filter(|_| extends)
            .map_or(0, |from| days_between(from, self.on));
        let term = term(case, start, case.suspended_days + added);
        let mut opener = Opener::after(case);
        let mut owed = Vec::new();
        for kind in ObligationKind::PERIODIC {
            owed.extend(opener.periodic(kind, case, (self.on, Some(term.end)), context)?);
        }
        if let Some(transfer) = &case.transfer
            && let Some(effective_on) = transfer.effective_on
            && transfer.reported_on.is_none()
            // What was past due before custody is owed still.
            && !case.obligations.iter().any(|owed| owed.kind == ObligationKind::TransferReportIn)
        {
            owed.push(report_owed(&mut opener, case, effective_on.max(self.on), context)?);
        }
        // The agreement with the station that they moved to is owed still.
        if case
            .transfer
            .as_ref()
            .is_some_and(|transfer| transfer.reported_on.is_some())
            && !case
                .obligations
                .iter()
                .any(|owed| owed.kind == ObligationKind::SignAgreement)
        {
            owed.extend(opener.agreement(self.on, context)?);
        }
        let watch = opener.discharge_watch(term.end, context)?;
        events.push(term.into());
        events.extend(owed);
        events.push(watch);
        Ok(events)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::ObligationKind;
    use crate::case::tests::{active, suspend};
    use jiff::civil::date;

    #[test]
    fn seventeen_suspended_days_move_the_end_by_seventeen_days() {
        let resumed = active()
            .on(date(2026, 4, 1))
            .then(&suspend(date(2026, 3, 10)))
            .then(&Resume {
                on: date(2026, 3, 27),
                document_no: "释放-1".into(),
            });
        assert_eq!(resumed.state().term_end, Some(date(2029, 3, 19)));
        let meeting = resumed
            .state()
            .open(ObligationKind::MonthlyMeeting)
            .expect("is planned anew");
        assert_eq!(
            (meeting.window_from, meeting.window_to),
            (date(2026, 3, 27), date(2026, 3, 31))
        );
    }
}
