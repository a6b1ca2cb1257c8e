//! The clock looks at a case: what passed its day becomes an event, once, however long the clock was away.

use serde::Serialize;

use super::event::{CaseEvent, ReportInDeadlinePassed, TermExpired};
use super::obligation::{CancelReason, Obligation, ObligationCancelled, ObligationKind, ObligationPastDue};
use super::rules::{LIVE, Opener, check_role};
use super::stage::Stage;
use super::state::Case;
use crate::calendar::add_days;
use crate::kernel::{Command, Context};
use crate::rejection::Rejection;

/// Most months one review catches up; the next review goes on.
const MONTHS_MAX: usize = 240;

/// Records every deadline that has passed by today and opens what follows. Only the clock asks for it.
#[derive(Clone, Debug, Serialize)]
pub struct Review {}

impl Command for Review {
    type Aggregate = Case;
    const NAME: &'static str = "Review";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_role(&[], context)?;
        let today = context.today;
        let mut events = Vec::new();
        let past = |number, window_to| ObligationPastDue {
            number,
            window_to,
            detected_on: today,
        };
        let expired = case.term_end.filter(|end| *end <= today && LIVE.contains(&case.stage));
        let open = |kind| case.open(kind).filter(|open| open.window_to < today);
        if let Some(report) = open(ObligationKind::ReportIn) {
            events.push(past(report.number, report.window_to).into());
            if case.stage == Stage::AwaitingReportIn {
                events.push(
                    ReportInDeadlinePassed {
                        due_on: report.window_to,
                        detected_on: today,
                    }
                    .into(),
                );
            }
        }
        // What would have run on beyond the term ends with it, whenever the clock looks.
        let within = |to| expired.is_none_or(|end| to < end);
        let mut opener = Opener::after(case);
        for kind in ObligationKind::PERIODIC {
            let passed = |owed: &&Obligation| {
                owed.kind == kind && !owed.past_due && owed.window_to < today && within(owed.window_to)
            };
            let passed: Vec<&Obligation> = case.obligations.iter().filter(passed).collect();
            events.extend(passed.iter().map(|missed| past(missed.number, missed.window_to).into()));
            // One that was reopened is followed by others already.
            let newest = passed
                .last()
                .filter(|missed| !case.is_planned_beyond(kind, missed.window_to));
            let Some(mut window_to) = newest.map(|missed| missed.window_to) else {
                continue;
            };
            for _ in 0..MONTHS_MAX {
                let next = (add_days(window_to, 1), case.term_end);
                let Some(next) = opener.periodic(kind, case, next, context)? else {
                    break;
                };
                let CaseEvent::ObligationOpened(opened) = &next else {
                    break;
                };
                let (number, last) = (opened.number, opened.window_to);
                if !within(last) {
                    opener.give_back();
                    break;
                }
                events.push(next);
                if last >= today {
                    break;
                }
                events.push(past(number, last).into());
                window_to = last;
            }
        }
        if expired.is_none() {
            let opened = |kind| events.iter().any(|event| is_opened(event, kind));
            let since: Vec<_> = ObligationKind::PERIODIC
                .into_iter()
                .filter(|kind| !opened(*kind))
                .collect();
            events.extend(opener.set_since(case, &since, context)?);
        }
        let others = case.obligations.iter().filter(|owed| {
            let kind = matches!(
                owed.kind,
                ObligationKind::LeaveReturn
                    | ObligationKind::PoliceReport
                    | ObligationKind::TransferReportIn
                    | ObligationKind::SignAgreement
                    | ObligationKind::RiskReview
            );
            let ends = owed.kind != ObligationKind::PoliceReport && !within(owed.window_to);
            kind && !owed.past_due && owed.window_to < today && !ends
        });
        events.extend(others.map(|owed| past(owed.number, owed.window_to).into()));
        if let Some(ended_on) = expired {
            events.push(
                TermExpired {
                    ended_on,
                    detected_on: today,
                }
                .into(),
            );
            let stops = |owed: &&Obligation| {
                let once = matches!(
                    owed.kind,
                    ObligationKind::LeaveReturn
                        | ObligationKind::TransferReportIn
                        | ObligationKind::SignAgreement
                        | ObligationKind::RiskReview
                );
                let kind = ObligationKind::PERIODIC.contains(&owed.kind) || once;
                kind && !owed.past_due && owed.window_to >= ended_on
            };
            let running = case.obligations.iter().filter(stops);
            events.extend(running.map(|open| {
                let (number, reason) = (open.number, CancelReason::CaseEnded);
                ObligationCancelled { number, reason }.into()
            }));
        }
        if let Some(notice) = open(ObligationKind::DischargeNoticeWatch) {
            events.push(past(notice.number, notice.window_to).into());
        }
        Ok(events)
    }
}

fn is_opened(event: &CaseEvent, kind: ObligationKind) -> bool {
    matches!(event, CaseEvent::ObligationOpened(opened) if opened.kind == kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::tests::{active, check_in};
    use crate::kernel::Role;
    use jiff::civil::date;

    fn past_due(events: &[CaseEvent]) -> Vec<(u32, jiff::civil::Date)> {
        let dates = events.iter().filter_map(|event| match event {
            CaseEvent::ObligationPastDue(fact) => Some((fact.number, fact.window_to)),
            _ => None,
        });
        dates.collect()
    }

    #[test]
    fn the_last_day_is_in_time_and_the_next_is_past_due_once() {
        let last_day = active().by("clock", Role::System).on(date(2026, 3, 31));
        assert_eq!(last_day.when(&Review {}), Ok(vec![]));
        let next = last_day.on(date(2026, 4, 1));
        let passed = past_due(&next.when(&Review {}).expect("decides"));
        assert_eq!(passed.len(), 2, "the meeting and the test");
        assert_eq!(
            next.then(&Review {}).when(&Review {}),
            Ok(vec![]),
            "a second look finds nothing"
        );
    }

    #[test]
    fn after_three_months_of_downtime_every_missed_month_is_recorded_with_the_day_of_detection() {
        let late = active().by("clock", Role::System).on(date(2026, 6, 15));
        let events = late.when(&Review {}).expect("decides");
        let months: Vec<_> = past_due(&events).into_iter().map(|(_, window_to)| window_to).collect();
        let missed = [date(2026, 3, 31), date(2026, 4, 30), date(2026, 5, 31)];
        assert_eq!(months, [missed, missed].concat(), "three meetings and three tests");
        let reviewed = late.then(&Review {});
        let open = reviewed
            .state()
            .open(ObligationKind::MonthlyMeeting)
            .expect("June is open");
        assert_eq!(open.window_to, date(2026, 6, 30));
        assert_eq!(reviewed.when(&Review {}), Ok(vec![]));
    }

    #[test]
    fn nobody_owes_a_return_after_the_term() {
        let report = |from, to| crate::case::FileAbsenceReport {
            reported_on: date(2026, 3, 2),
            from,
            to,
            destination: "520181".into(),
            purpose: None,
        };
        // The term ends on 2029-03-02.
        let away = active()
            .then(&report(date(2029, 2, 26), date(2029, 3, 4)))
            .then(&report(date(2029, 3, 6), date(2029, 3, 9)));
        let clock = away.by("clock", Role::System).on(date(2029, 3, 8)).then(&Review {});
        let returns = clock.state().obligations.iter();
        assert_eq!(
            returns.filter(|owed| owed.kind == ObligationKind::LeaveReturn).count(),
            0
        );
    }

    #[test]
    fn a_meeting_recorded_late_closes_the_past_due_month_as_late() {
        let mut talk = check_in(date(2026, 3, 30));
        talk.late_reason = Some("OFFLINE".into());
        let reviewed = active()
            .by("clock", Role::System)
            .on(date(2026, 4, 20))
            .then(&Review {});
        let events = reviewed
            .by("worker-1", Role::CaseWorker)
            .when(&talk)
            .expect("is recorded");
        assert!(
            events
                .iter()
                .any(|event| matches!(event, CaseEvent::ObligationFulfilled(met) if met.late))
        );
    }
}
