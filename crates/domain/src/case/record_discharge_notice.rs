//! The police discharge the person after the term (戒毒条例 23).

use jiff::civil::Date;
use serde::Serialize;

use super::event::{CaseDischarged, CaseEvent};
use super::obligation::{CancelReason, ObligationCancelled, ObligationFulfilled, ObligationKind};
use super::rules::{LIVE, check_actor, check_day_from, check_stage, check_text};
use super::stage::Stage;
use super::state::Case;
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Records the discharge notice.
#[derive(Clone, Debug, Serialize)]
pub struct RecordDischargeNotice {
    /// Day of the notice.
    pub issued_on: Date,
    /// Day the station got it.
    pub received_on: Date,
    /// Number of the notice.
    pub notice_no: String,
}

impl Command for RecordDischargeNotice {
    type Aggregate = Case;
    const NAME: &'static str = "RecordDischargeNotice";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_actor(case, &[Role::CaseWorker, Role::Supervisor], context)?;
        if LIVE.contains(&case.stage) {
            let end = case.term_end.map_or_else(String::new, |end| end.to_string());
            return Err(Rejection::from(Reason::NotExpired).with("term_end", end));
        }
        check_stage(case, &[Stage::TermExpiredAwaitingNotice])?;
        check_day_from("issued_on", self.issued_on, case.term_end, context)?;
        check_day_from("received_on", self.received_on, Some(self.issued_on), context)?;
        check_text("notice_no", &self.notice_no)?;
        let fact = CaseDischarged {
            issued_on: self.issued_on,
            received_on: self.received_on,
            notice_no: (&self.notice_no).into(),
        };
        let mut events = vec![CaseEvent::from(fact)];
        events.extend(case.obligations.iter().map(|open| {
            match open.kind {
                ObligationKind::DischargeNoticeWatch => ObligationFulfilled {
                    number: open.number,
                    on: self.received_on,
                    late: self.received_on > open.window_to,
                }
                .into(),
                ObligationKind::ReportIn
                | ObligationKind::MonthlyMeeting
                | ObligationKind::UrineTest
                | ObligationKind::LeaveReturn
                | ObligationKind::PoliceReport
                | ObligationKind::TransferReportIn
                | ObligationKind::SignAgreement
                | ObligationKind::HomeVisit
                | ObligationKind::HalfYearSummary
                | ObligationKind::AnnualAssessment
                | ObligationKind::RiskReview => ObligationCancelled {
                    number: open.number,
                    reason: CancelReason::CaseEnded,
                }
                .into(),
            }
        }));
        Ok(events)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::Review;
    use crate::case::tests::active;
    use jiff::civil::date;

    #[test]
    fn nobody_is_discharged_before_the_term_ends_and_the_watch_closes_after() {
        let notice = RecordDischargeNotice {
            issued_on: date(2029, 3, 3),
            received_on: date(2029, 3, 5),
            notice_no: "解除-1".into(),
        };
        assert_eq!(active().on(date(2029, 3, 6)).reason(&notice), Reason::NotExpired);
        let expired = active().on(date(2029, 3, 6)).by("clock", Role::System).then(&Review {});
        assert_eq!(expired.state().stage, Stage::TermExpiredAwaitingNotice);
        let events = expired
            .by("worker-1", Role::CaseWorker)
            .when(&notice)
            .expect("is discharged");
        assert!(
            events
                .iter()
                .any(|event| matches!(event, CaseEvent::ObligationFulfilled(met) if !met.late))
        );
    }
}
