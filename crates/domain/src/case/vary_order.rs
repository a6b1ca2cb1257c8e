//! The order is changed by whoever may: after reconsideration, by a court, or by the authority itself (禁毒法 40).

use jiff::civil::Date;
use serde::Serialize;

use super::event::CaseEvent;
use super::obligation::{CancelReason, ObligationCancelled, ObligationKind};
use super::order::{OrderVaried, VariationBasis};
use super::rules::{Opener, check_actor, check_day_from, check_stage, check_term, check_text, term};
use super::stage::Stage;
use super::state::Case;
use crate::calendar::add_days;
use crate::kernel::{Command, Context, Role};
use crate::rejection::Rejection;

/// Changes the months of the programme, or the days served elsewhere that count; the day from which that holds may be past.
/// The term moves, what is owed is planned anew, and what was owed after the new end never was.
#[derive(Clone, Debug, Serialize)]
pub struct VaryOrder {
    /// Months of the programme, as the law allows them for it.
    pub term_months: i32,
    /// Days served elsewhere that count; 0 to 1,095.
    pub offset_days: i32,
    /// Day from which it holds.
    pub effective_on: Date,
    /// By whom.
    pub basis: VariationBasis,
    /// Number of the document.
    pub document_no: String,
}

impl Command for VaryOrder {
    type Aggregate = Case;
    const NAME: &'static str = "VaryOrder";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_actor(case, &[Role::Supervisor], context)?;
        check_stage(
            case,
            &[
                Stage::Ordered,
                Stage::AwaitingReportIn,
                Stage::ReportInOverdue,
                Stage::Reported,
                Stage::Active,
                Stage::TransferPending,
                Stage::RefusalReferred,
                Stage::BreachReferred,
                Stage::RelapseReferred,
                Stage::Suspended,
            ],
        )?;
        check_day_from("effective_on", self.effective_on, case.notified_on, context)?;
        if let Some(programme) = case.programme {
            check_term(
                programme,
                (self.term_months, self.offset_days),
                self.effective_on,
                context,
            )?;
        }
        check_text("document_no", &self.document_no)?;
        let fact = OrderVaried {
            term_months: self.term_months,
            offset_days: self.offset_days,
            effective_on: self.effective_on,
            basis: self.basis,
            document_no: (&self.document_no).into(),
        };
        let mut events = vec![CaseEvent::from(fact)];
        let Some(start) = case.reported_on else {
            return Ok(events);
        };
        let varied = Case {
            term_months: self.term_months,
            offset_days: self.offset_days,
            ..case.clone()
        };
        let term = term(&varied, start, case.suspended_days);
        let end = term.end;
        events.push(term.into());
        if case.agreement_on.is_some() {
            events.extend(never_owed(&varied, end, context)?);
        }
        if case.agreement_on.is_some() && case.stage != Stage::Suspended {
            events.extend(replan(&varied, end, context)?);
        }
        Ok(events)
    }
}

fn cancelled(number: u32) -> CaseEvent {
    let reason = CancelReason::Replanned;
    ObligationCancelled { number, reason }.into()
}

/// What was past due and never was owed, under a term that ends on an earlier day.
fn never_owed(case: &Case, end: Date, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
    let mut events = Vec::new();
    let watched = |kind| {
        matches!(
            kind,
            ObligationKind::PoliceReport | ObligationKind::DischargeNoticeWatch
        )
    };
    let past_due = case
        .obligations
        .iter()
        .filter(|owed| owed.past_due && !watched(owed.kind));
    for owed in past_due {
        let begins_after = owed.window_from >= end;
        let periodic = ObligationKind::PERIODIC.contains(&owed.kind);
        let from = (owed.window_from, Some(end));
        if begins_after || periodic && Opener::after(case).periodic(owed.kind, case, from, context)?.is_none() {
            events.push(cancelled(owed.number));
        }
    }
    Ok(events)
}

/// What is owed from now on under a term that ends on another day; what has not changed stays.
fn replan(case: &Case, end: Date, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
    let (mut events, mut opened) = (Vec::new(), Vec::new());
    let mut opener = Opener::after(case);
    for kind in ObligationKind::PERIODIC {
        // The newest: one that was reopened is followed by others.
        let mut open = case.obligations.iter().rev();
        let open = open.find(|owed| owed.kind == kind && !owed.past_due);
        let planned = case.planned_to.iter().find(|(of, _)| *of == kind);
        // What the station has set since is owed from now on.
        let began = case
            .agreement_on
            .filter(|_| kind.every_months().is_none() || planned.is_some());
        let after = planned.map(|(_, to)| add_days(*to, 1)).max(began);
        let from = open.map(|open| open.window_from).or(after).unwrap_or(context.today);
        let next = opener.periodic(kind, case, (from, Some(end)), context)?;
        match (open, next) {
            (Some(open), Some(CaseEvent::ObligationOpened(next))) if next.window_to == open.window_to => {
                opener.give_back();
            }
            (open, next) => {
                events.extend(open.map(|open| cancelled(open.number)));
                opened.extend(next);
            }
        }
    }
    let watches = case.obligations.iter();
    let watches = watches.filter(|owed| owed.kind == ObligationKind::DischargeNoticeWatch);
    events.extend(watches.map(|owed| cancelled(owed.number)));
    opened.push(opener.discharge_watch(end, context)?);
    events.extend(opened);
    Ok(events)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::case::tests::{active, agreement, order, report, served_on};
    use crate::case::{Programme, RegisterOrder, Review};
    use crate::rejection::Reason;
    use crate::spec::{Given, given};

    fn vary(term_months: i32, offset_days: i32) -> VaryOrder {
        VaryOrder {
            term_months,
            offset_days,
            effective_on: date(2026, 3, 2),
            basis: VariationBasis::Court,
            document_no: "判-1".into(),
        }
    }

    fn rehabilitation(months: i32) -> Given<Case> {
        let day = date(2026, 3, 2);
        let order = RegisterOrder {
            programme: Programme::CommunityRehab,
            term_months: months,
            release_no: Some("解戒-1".into()),
            ..order()
        };
        given::<Case>([])
            .then(&order)
            .then(&served_on(day))
            .then(&report(day))
            .then(&agreement(day))
    }

    fn leader(case: Given<Case>) -> Given<Case> {
        case.by("leader-1", Role::Supervisor)
    }

    #[test]
    fn a_shorter_term_ends_earlier_and_the_police_are_watched_from_then_on() {
        let varied = leader(rehabilitation(24)).then(&vary(12, 0));
        assert_eq!(varied.state().term_end, Some(date(2027, 3, 2)));
        let watches = varied.state().obligations.iter();
        let watches: Vec<_> = watches
            .filter(|owed| owed.kind == ObligationKind::DischargeNoticeWatch)
            .collect();
        assert_eq!(watches.len(), 1);
        assert_eq!(watches[0].window_from, date(2027, 3, 2));
        // What is owed this month has not moved.
        assert_eq!(
            varied
                .state()
                .open(ObligationKind::MonthlyMeeting)
                .map(|owed| owed.number),
            Some(3)
        );
    }

    #[test]
    fn an_order_varied_backwards_ends_a_term_in_the_past_and_nothing_was_owed_after_it() {
        let clock = rehabilitation(24)
            .by("clock", Role::System)
            .on(date(2026, 9, 10))
            .then(&Review {});
        let varied = leader(clock).then(&VaryOrder {
            effective_on: date(2026, 8, 1),
            ..vary(3, 0)
        });
        assert_eq!(varied.state().term_end, Some(date(2026, 6, 2)));
        let late: Vec<_> = varied
            .state()
            .obligations
            .iter()
            .filter(|owed| owed.window_from >= date(2026, 6, 2))
            .collect();
        assert!(
            late.iter()
                .all(|owed| owed.kind == ObligationKind::DischargeNoticeWatch),
            "{late:?}"
        );
        let expired = varied.by("clock", Role::System).then(&Review {});
        assert_eq!(expired.state().stage, Stage::TermExpiredAwaitingNotice);
        assert!(expired.state().open(ObligationKind::UrineTest).is_none());
    }

    #[test]
    fn a_longer_term_goes_on_where_the_shorter_would_have_ended() {
        let late = rehabilitation(1).on(date(2026, 4, 1));
        assert!(late.state().open(ObligationKind::UrineTest).is_some());
        let varied = leader(late).then(&vary(6, 0));
        let test = varied.state().open(ObligationKind::UrineTest).expect("is owed");
        assert_eq!(
            (test.window_from, test.window_to),
            (date(2026, 3, 2), date(2026, 4, 30))
        );
    }

    #[test]
    fn detox_stays_three_years_and_only_a_supervisor_records_it() {
        assert_eq!(leader(active()).reason(&vary(24, 0)), Reason::TermNotAllowed);
        let shorter = leader(active()).then(&vary(36, 100));
        assert_eq!(shorter.state().term_end, Some(date(2028, 11, 22)));
        assert_eq!(active().reason(&vary(36, 0)), Reason::RoleRequired);
    }

    #[test]
    fn what_was_met_is_not_owed_again_when_the_term_grows() {
        let met = rehabilitation(1)
            .then(&crate::case::tests::check_in(date(2026, 3, 2)))
            .on(date(2026, 3, 15));
        let varied = leader(met).then(&vary(6, 0));
        let meeting = varied.state().open(ObligationKind::MonthlyMeeting).expect("is owed");
        assert_eq!(
            (meeting.window_from, meeting.window_to),
            (date(2026, 4, 1), date(2026, 4, 30))
        );
    }

    #[test]
    fn a_month_in_which_the_new_term_ends_was_never_owed() {
        let clock = rehabilitation(24)
            .by("clock", Role::System)
            .on(date(2026, 9, 10))
            .then(&Review {});
        let varied = leader(clock).then(&vary(3, 0));
        let june: Vec<_> = varied
            .state()
            .obligations
            .iter()
            .filter(|owed| owed.window_from == date(2026, 6, 1))
            .collect();
        assert!(
            june.iter().all(|owed| owed.kind == ObligationKind::MonthlyMeeting),
            "{june:?}"
        );
    }
}
