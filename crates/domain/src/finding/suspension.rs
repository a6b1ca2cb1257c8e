//! Suspensions: their days, and what was charged in them.

use std::collections::BTreeMap;

use super::{Asked, Finding, Told, ended};
use crate::calendar::add_days;
use crate::case::{Case, CaseEvent};
use crate::kernel::Aggregate;

/// Every suspension, with its days and the end of the term that followed.
pub(super) fn suspensions(history: &[Told], asked: &Asked<'_>) -> Vec<Finding> {
    let mut found: Vec<Finding> = Vec::new();
    for told in history {
        match &told.event {
            CaseEvent::CaseSuspended(fact) => {
                found.push(Finding::new(fact.from, None, asked).by(&told.actor).at(told.position));
            }
            CaseEvent::CaseResumed(fact) => {
                if let Some(open) = found.last_mut().filter(|open| open.to.is_none()) {
                    let closed = Finding::new(open.from, Some(fact.on), asked);
                    (open.to, open.days) = (Some(add_days(fact.on, -1)), closed.days);
                    open.positions.push(told.position);
                }
            }
            event if ended(event).is_some() => {
                if let Some(open) = found.last_mut().filter(|open| open.to.is_none()) {
                    *open = open.clone().until(ended(event)).of("CASE_ENDED");
                    open.positions.push(told.position);
                }
            }
            CaseEvent::TermRecalculated(fact) => {
                if let Some(last) = found
                    .last_mut()
                    .filter(|last| last.to.is_some() && last.detail.is_empty())
                {
                    last.detail = format!("TERM_END {}", fact.end);
                    last.positions.push(told.position);
                }
            }
            _ => {}
        }
    }
    found.retain(|one| one.to.is_none_or(|to| to >= asked.from));
    found
}

/// Past due, neither cancelled nor excused, although the participant was in custody on the last day.
pub(super) fn charged(history: &[Told], asked: &Asked<'_>) -> Vec<Finding> {
    let mut case = Case::default();
    let mut passed: BTreeMap<u32, (jiff::civil::Date, &Told)> = BTreeMap::new();
    for told in history {
        case.evolve(&told.event);
        match &told.event {
            CaseEvent::ObligationPastDue(fact) => {
                passed.insert(fact.number, (fact.window_to, told));
            }
            CaseEvent::ObligationCancelled(fact) => {
                passed.remove(&fact.number);
            }
            CaseEvent::ObligationExcused(fact) => {
                passed.remove(&fact.number);
            }
            _ => {}
        }
    }
    let owed = |number: u32| case.obligations.iter().find(|owed| owed.number == number);
    let mut found = Vec::new();
    for (number, (last, told)) in passed {
        let held = case.suspensions.iter();
        let held = held
            .clone()
            .any(|(from, until)| *from < last && until.is_none_or(|until| last < until));
        let Some(owed) = owed(number).filter(|owed| held && owed.kind.is_participants()) else {
            continue;
        };
        if asked.holds(last) {
            let finding = Finding::new(owed.window_from, Some(last), asked).at(told.position);
            found.push(finding.of(format!("{} {number}", owed.kind.as_str())));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::super::Check;
    use super::super::tests::Story;
    use crate::case::tests::suspend;
    use crate::case::{Resume, Review};
    use crate::kernel::Role;

    #[test]
    fn a_suspension_is_shown_with_its_days_and_the_end_that_followed() {
        // 戒毒条例 24: seventeen days.
        let story = Story::active()
            .on(date(2026, 4, 1))
            .then(&suspend(date(2026, 3, 10)))
            .then(&Resume {
                on: date(2026, 3, 27),
                document_no: "释放-1".into(),
            });
        let found = story.find(Check::Suspensions);
        assert_eq!((found[0].days, found[0].to), (17, Some(date(2026, 3, 26))));
        assert_eq!(found[0].detail, "TERM_END 2029-03-19");
    }

    #[test]
    fn custody_that_became_known_late_cancels_what_was_charged_in_it() {
        let passed = Story::active()
            .by("clock", Role::System)
            .on(date(2026, 4, 2))
            .then(&Review {})
            .by("worker-1", Role::CaseWorker);
        let told = passed.then(&suspend(date(2026, 3, 20)));
        assert!(told.find(Check::ChargedInSuspension).is_empty());
    }

    #[test]
    fn what_a_log_charged_in_custody_is_found() {
        // As an earlier build, or another system, may have recorded it: custody cancelled nothing.
        let mut story = Story::active()
            .by("clock", Role::System)
            .on(date(2026, 4, 2))
            .then(&Review {})
            .by("worker-1", Role::CaseWorker)
            .then(&suspend(date(2026, 3, 20)));
        story
            .history
            .retain(|told| !matches!(told.event, crate::case::CaseEvent::ObligationCancelled(_)));
        let found = story.find(Check::ChargedInSuspension);
        let details: Vec<_> = found.iter().map(|one| one.detail.split(' ').next()).collect();
        assert_eq!(details, [Some("MONTHLY_MEETING"), Some("URINE_TEST")]);
    }

    #[test]
    fn a_suspension_ends_with_the_case() {
        let prison = Story::active()
            .on(date(2026, 4, 1))
            .then(&suspend(date(2026, 3, 10)))
            .on(date(2026, 5, 1))
            .by("leader-1", Role::Supervisor)
            .then(&crate::case::Terminate {
                on: date(2026, 5, 1),
                reason: crate::case::TerminationReason::Imprisoned,
                document_no: "判决-1".into(),
            });
        let found = prison.on(date(2026, 9, 1)).find(Check::Suspensions);
        assert_eq!((found[0].to, found[0].days), (Some(date(2026, 5, 1)), 52));
    }
}
