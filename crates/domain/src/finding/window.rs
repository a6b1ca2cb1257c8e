//! Months and windows: without a meeting, under two rules.

use jiff::civil::Date;

use super::{Asked, Finding, Told, ended};
use crate::calendar::{add_days, add_months};
use crate::case::{Case, CaseEvent};
use crate::kernel::Aggregate;

/// Months that are over and that the agreement bound whole, without anybody met face to face.
pub(super) fn month_without_meeting(history: &[Told], asked: &Asked<'_>) -> Vec<Finding> {
    let mut case = Case::default();
    let mut workers: Vec<(Date, Option<&String>)> = Vec::new();
    let mut last = asked.to;
    for told in history {
        case.evolve(&told.event);
        match &told.event {
            CaseEvent::WorkerAssigned(fact) => workers.push((fact.from, Some(&fact.worker))),
            // Nobody is in charge until the new station puts somebody.
            CaseEvent::TransferReportedIn(fact) => workers.push((fact.on, None)),
            CaseEvent::TermExpired(fact) => last = last.min(add_days(fact.ended_on, -1)),
            event => {
                if let Some(on) = ended(event) {
                    last = last.min(add_days(on, -1));
                }
            }
        }
    }
    let Some(bound_on) = case.agreement_on else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut month = bound_on.first_of_month();
    if month < bound_on {
        month = add_months(month, 1);
    }
    while month.last_of_month() <= last {
        let (from, to) = (month, month.last_of_month());
        month = add_months(month, 1);
        let mut contacts = case.contacts.iter();
        let met = contacts.any(|one| one.meeting && !one.voided && from <= one.on && one.on <= to);
        let suspended = case.suspensions.iter();
        let suspended = suspended
            .clone()
            .any(|(first, until)| *first <= to && until.is_none_or(|until| until > from));
        if !met && !suspended && asked.holds(to) {
            let worker = workers.iter().rev().find(|(since, _)| *since <= to);
            let finding = Finding::new(from, Some(to), asked);
            found.push(match worker {
                Some((_, Some(worker))) => finding.by(worker),
                _ => finding,
            });
        }
    }
    found
}

/// Obligations whose rule gave another value on the last day of the window than on the first.
pub(super) fn policy_changed(history: &[Told], asked: &Asked<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for told in history {
        let CaseEvent::ObligationOpened(fact) = &told.event else {
            continue;
        };
        let Some((_, key)) = fact.source.split_once(' ') else {
            continue;
        };
        let (from, to) = (fact.window_from, fact.window_to);
        let given = (given(asked, key, from), given(asked, key, to));
        if let (Some((first, was)), Some((last, is))) = given
            && was != is
            && asked.holds(from)
        {
            let finding = Finding::new(from, Some(to), asked).at(told.position);
            found.push(finding.of(format!("{key} {was:?} {first} {is:?} {last}")));
        }
    }
    found
}

/// The value of a day, and the pack that gives it.
fn given(asked: &Asked<'_>, key: &str, day: Date) -> Option<(String, Vec<i64>)> {
    let of_list = asked.policy.numbers(key, day).map(|found| (found.pack, found.value));
    let found = of_list.or_else(|_| {
        asked
            .policy
            .number(key, day)
            .map(|found| (found.pack, vec![found.value]))
    });
    found.ok()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::super::Check;
    use super::super::tests::{HERE, Story};
    use crate::case::tests::{check_in, suspend};
    use crate::case::{Resume, Review};
    use crate::kernel::Role;
    use crate::policy::{Policy, PolicyChange};

    #[test]
    fn a_month_counts_when_it_is_over_and_was_bound_whole() {
        // Signed on 2026-03-02: March is not whole. April has a meeting, May has none.
        let story = Story::active().on(date(2026, 4, 20)).then(&check_in(date(2026, 4, 20)));
        assert!(story.find(Check::MonthWithoutMeeting).is_empty());
        let june = story.on(date(2026, 6, 1));
        let found = june.find(Check::MonthWithoutMeeting);
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].from, found[0].to),
            (date(2026, 5, 1), Some(date(2026, 5, 31)))
        );
    }

    #[test]
    fn nobody_is_missed_in_a_month_of_custody() {
        let custody = Story::active()
            .on(date(2026, 4, 10))
            .then(&suspend(date(2026, 4, 10)))
            .on(date(2026, 5, 2))
            .then(&Resume {
                on: date(2026, 5, 2),
                document_no: "释放-1".into(),
            });
        assert!(custody.on(date(2026, 6, 1)).find(Check::MonthWithoutMeeting).is_empty());
    }

    #[test]
    fn a_plan_that_changes_inside_a_window_is_found() {
        let story = Story::active()
            .on(date(2026, 5, 2))
            .by("clock", Role::System)
            .then(&Review {});
        let policy = Policy::shipped(HERE);
        assert!(story.find_under(Check::PolicyChangedInWindow, &policy).is_empty());
        let changed = policy.with_change(&PolicyChange {
            valid_from: date(2026, 4, 11),
            set: vec![("tests.urine.per_year.CD".into(), "6,4,2".into())],
        });
        let found = story.find_under(Check::PolicyChangedInWindow, &changed.expect("fits"));
        let same = policy.with_change(&PolicyChange {
            valid_from: date(2026, 4, 11),
            set: vec![("tests.urine.per_year.CD".into(), "12,6,4".into())],
        });
        let same = story.find_under(Check::PolicyChangedInWindow, &same.expect("fits"));
        assert!(same.is_empty(), "another pack with the same value changes nothing");
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].from, date(2026, 4, 1));
    }
}
