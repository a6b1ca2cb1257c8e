//! The agreement is signed (戒毒条例 16); from then on the case is active.

use jiff::civil::Date;
use serde::Serialize;

use super::event::{AgreementSigned, CaseEvent};
use super::obligation::ObligationKind;
use super::rules::{LIVE, Opener, check_actor, check_code, check_day_from, check_stage, check_text, met};
use super::stage::Stage;
use super::state::Case;
use crate::calendar::add_days;
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Most clauses of one agreement.
const CLAUSES_MAX: usize = 50;

/// Records the signed agreement; the first one opens the first monthly meeting, the first test and the watch on the discharge notice.
#[derive(Clone, Debug, Serialize)]
pub struct SignAgreement {
    /// Day of signing.
    pub on: Date,
    /// Document number.
    pub agreement_no: String,
    /// Clause codes; policy says which are mandatory.
    pub clauses: Vec<String>,
}

/// Clauses that an agreement of a day may have: few, by code, with all that policy makes mandatory.
pub(super) fn check_clauses(clauses: &[String], on: Date, context: &Context<'_>) -> Result<(), Rejection> {
    if clauses.len() > CLAUSES_MAX {
        return Err(Rejection::of(Reason::FieldInvalid, "clauses").with("expected", "at most 50 clauses"));
    }
    for clause in clauses {
        check_code("clauses", clause)?;
    }
    let mandatory = context.policy.list("agreement.mandatory_clauses", on)?;
    if let Some(missing) = mandatory.value.iter().find(|clause| !clauses.contains(clause)) {
        return Err(Rejection::of(Reason::ClauseMissing, "clauses").with("missing", missing));
    }
    Ok(())
}

impl Command for SignAgreement {
    type Aggregate = Case;
    const NAME: &'static str = "SignAgreement";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_actor(case, &[Role::CaseWorker, Role::Supervisor], context)?;
        // After a transfer another one is signed, with the station that the participant reported to.
        let moved = case.transfer.as_ref().and_then(|transfer| transfer.reported_on);
        check_stage(case, if moved.is_some() { &LIVE } else { &[Stage::Reported] })?;
        check_day_from("on", self.on, moved.or(case.reported_on), context)?;
        check_text("agreement_no", &self.agreement_no)?;
        check_clauses(&self.clauses, self.on, context)?;
        let signed = AgreementSigned {
            on: self.on,
            agreement_no: (&self.agreement_no).into(),
            clauses: self.clauses.clone(),
        };
        let mut events = vec![CaseEvent::from(signed)];
        events.extend(met(case, ObligationKind::SignAgreement, self.on));
        let mut opener = Opener::after(case);
        for kind in ObligationKind::PERIODIC {
            // What is owed runs on; what the old station wanted none of is owed from here.
            if case.open(kind).is_none() {
                let planned = case.planned_to.iter().find(|(of, _)| *of == kind);
                let after = planned.map(|(_, to)| add_days(*to, 1));
                let from = after.map_or(self.on, |after| after.max(self.on));
                events.extend(opener.periodic(kind, case, (from, case.term_end), context)?);
            }
        }
        if moved.is_some() {
            return Ok(events);
        }
        if let Some(end) = case.term_end {
            events.push(opener.discharge_watch(end, context)?);
        }
        Ok(events)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::ObligationKind;
    use crate::case::tests::{agreement, reported};
    use jiff::civil::date;

    #[test]
    fn the_station_owes_the_agreement_three_working_days_after_the_report() {
        // 戒毒条例 16 says promptly; three days are a default. 2026-03-02 is a Monday.
        let reported = crate::case::tests::reported();
        let owed = reported.state().open(ObligationKind::SignAgreement).expect("is owed");
        assert_eq!(owed.window_to, date(2026, 3, 5));
        let late = reported
            .on(date(2026, 3, 9))
            .when(&agreement(date(2026, 3, 6)))
            .expect("is signed");
        assert!(matches!(&late[1], CaseEvent::ObligationFulfilled(met) if met.late));
    }

    #[test]
    fn an_agreement_without_a_mandatory_clause_is_refused() {
        let mut short = agreement(date(2026, 3, 2));
        short.clauses.retain(|clause| clause != "LIABILITY");
        assert_eq!(reported().reason(&short), Reason::ClauseMissing);
    }

    #[test]
    fn signing_opens_this_months_meeting_and_the_watch_on_the_police() {
        let active = reported().then(&agreement(date(2026, 3, 2)));
        let meeting = active.state().open(ObligationKind::MonthlyMeeting).expect("is open");
        assert_eq!(
            (meeting.window_from, meeting.window_to),
            (date(2026, 3, 2), date(2026, 3, 31))
        );
        let watch = active
            .state()
            .open(ObligationKind::DischargeNoticeWatch)
            .expect("is open");
        assert_eq!(
            (watch.window_from, watch.window_to),
            (date(2029, 3, 2), date(2029, 3, 9))
        );
    }
}
