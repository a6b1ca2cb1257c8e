//! How things were recorded: late, corrected, on the same evidence.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::{Asked, Finding, Told};
use crate::calendar::days_between;
use crate::case::CaseEvent;
use crate::kernel::Event;
use crate::rejection::Rejection;

/// It follows from something that was recorded with it.
fn follows(event: &CaseEvent) -> bool {
    matches!(
        event,
        CaseEvent::ObligationOpened(_)
            | CaseEvent::ObligationFulfilled(_)
            | CaseEvent::ObligationReopened(_)
            | CaseEvent::ObligationPastDue(_)
            | CaseEvent::ObligationCancelled(_)
            | CaseEvent::TermRecalculated(_)
            | CaseEvent::BreachWithdrawn(_)
    )
}

/// The day from which it could be recorded: when the station got it, or was told.
fn known_on(event: &CaseEvent) -> Option<Date> {
    match event {
        CaseEvent::CaseDischarged(fact) => Some(fact.received_on),
        CaseEvent::AbsenceReported(fact) => Some(fact.reported_on),
        // Others decide these, and a void speaks of what is long past.
        CaseEvent::OrderVaried(_) | CaseEvent::OrderRevoked(_) | CaseEvent::ContactVoided(_) => None,
        event => event.occurred_on(),
    }
}

/// Recorded more than the free days after it could be.
pub(super) fn late(history: &[Told], asked: &Asked<'_>) -> Result<Vec<Finding>, Rejection> {
    let mut found = Vec::new();
    for told in history {
        let ours = !told.by_clock && !follows(&told.event);
        let Some(on) = known_on(&told.event).filter(|_| ours && asked.holds(told.recorded_on)) else {
            continue;
        };
        let free = asked.policy.number("backdate.free_days", told.recorded_on)?.value;
        if i64::from(days_between(on, told.recorded_on)) > free {
            let finding = Finding::new(on, Some(told.recorded_on), asked).by(&told.actor);
            found.push(finding.of(told.event.event_type()).at(told.position));
        }
    }
    Ok(found)
}

/// Voided, withdrawn or excused, with what follows from it.
pub(super) fn corrected(history: &[Told], asked: &Asked<'_>) -> Vec<Finding> {
    let mut found: Vec<Finding> = Vec::new();
    let mut proposed: BTreeMap<u32, &Told> = BTreeMap::new();
    // Whoever corrected, and when, as long as what follows from it comes.
    let mut open: Option<(&str, Date)> = None;
    for told in history {
        let before = match &told.event {
            CaseEvent::TestVoidProposed(fact) => {
                proposed.insert(fact.test, told);
                open = None;
                continue;
            }
            CaseEvent::TestVoided(fact) => proposed.get(&fact.test),
            CaseEvent::ContactVoided(_)
            | CaseEvent::AbsenceWithdrawn(_)
            | CaseEvent::TestRefusalWithdrawn(_)
            | CaseEvent::ObligationExcused(_) => None,
            event => {
                // What follows belongs to what it follows from.
                let same = open == Some((told.actor.as_str(), told.recorded_on));
                if let Some(last) = found.last_mut().filter(|_| same && follows(event)) {
                    last.positions.push(told.position);
                } else {
                    open = None;
                }
                continue;
            }
        };
        open = asked
            .holds(told.recorded_on)
            .then_some((told.actor.as_str(), told.recorded_on));
        if open.is_some() {
            let mut finding = Finding::new(told.recorded_on, Some(told.recorded_on), asked).by(&told.actor);
            finding.second = before.map(|first| first.actor.clone());
            finding.positions.extend(before.map(|first| first.position));
            found.push(finding.of(told.event.event_type()).at(told.position));
        }
    }
    found
}

fn voided_revision(told: &Told) -> Option<u64> {
    match &told.event {
        CaseEvent::ContactVoided(fact) => Some(fact.revision),
        _ => None,
    }
}

/// Evidence that more than one record names, with the cases of each: by case, oldest first.
pub fn reused<'a>(
    histories: impl IntoIterator<Item = (&'a str, &'a [Told])>,
    asked: &Asked<'_>,
) -> Vec<(&'a str, Finding)> {
    let mut named: BTreeMap<&str, Vec<(&'a str, &Told)>> = BTreeMap::new();
    for (case, history) in histories {
        let voided: BTreeSet<u64> = history.iter().filter_map(voided_revision).collect();
        for told in history {
            if voided.contains(&told.revision) {
                continue; // a correction names the same photograph once more
            }
            let evidence = match &told.event {
                CaseEvent::CheckInRecorded(fact) => &fact.evidence,
                CaseEvent::TalkRecorded(fact) => &fact.evidence,
                _ => continue,
            };
            for digest in evidence.iter().collect::<BTreeSet<_>>() {
                named.entry(digest).or_default().push((case, told));
            }
        }
    }
    let mut found = Vec::new();
    for (digest, mut uses) in named.into_iter().filter(|(_, uses)| uses.len() > 1) {
        uses.sort_by_key(|(_, told)| told.position);
        let first = uses[0].1;
        for (case, told) in &uses[1..] {
            let (from, to) = (first.recorded_on, told.recorded_on);
            if asked.holds(to) {
                let mut finding = Finding::new(from, Some(to), asked).by(&told.actor).of(digest);
                finding.second = Some(first.actor.clone());
                found.push((*case, finding.at(first.position).at(told.position)));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::super::tests::{HERE, Story};
    use super::super::{Asked, Check};
    use super::*;
    use crate::case::tests::check_in;
    use crate::case::{RecordCheckIn, VoidContact};
    use crate::kernel::Role;
    use crate::policy::Policy;

    #[test]
    fn what_is_written_down_later_than_the_free_days_is_found_with_who_did() {
        let late = RecordCheckIn {
            late_reason: Some("OFFLINE".into()),
            ..check_in(date(2026, 3, 5))
        };
        let story = Story::active().on(date(2026, 3, 8)).then(&check_in(date(2026, 3, 5)));
        assert_eq!(
            story.find(Check::RecordedLate).len(),
            1,
            "the order; three days are free"
        );
        let found = story.on(date(2026, 3, 9)).then(&late).find(Check::RecordedLate);
        assert_eq!(found.len(), 2);
        assert_eq!(
            (found[1].days, found[1].staff.as_deref(), found[1].detail.as_str()),
            (4, Some("worker-1"), "case.check_in_recorded.v1")
        );
    }

    #[test]
    fn a_void_is_found_with_what_follows_from_it() {
        let day = date(2026, 3, 9);
        let story = Story::active().on(day).then(&check_in(day));
        let revision = story
            .history
            .iter()
            .position(|told| matches!(told.event, CaseEvent::CheckInRecorded(_)));
        let void = VoidContact {
            revision: revision.expect("is there") as u64,
            reason: "录错人".into(),
        };
        let story = story.by("leader-1", Role::Supervisor).then(&void);
        let found = story.find(Check::Corrected);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].staff.as_deref(), Some("leader-1"));
        assert_eq!(
            found[0].positions.len(),
            2,
            "the void, and that the meeting is owed again"
        );
    }

    #[test]
    fn one_photograph_in_two_records_is_found() {
        let photo = |on| RecordCheckIn {
            evidence: vec!["ab".repeat(32)],
            ..check_in(on)
        };
        let (first, second) = (date(2026, 3, 3), date(2026, 3, 4));
        let one = Story::active().on(first).then(&photo(first));
        let two = Story::active().on(second).then(&photo(second));
        let policy = Policy::shipped(HERE);
        let asked = Asked {
            from: date(2026, 1, 1),
            to: second,
            policy: &policy,
        };
        let alone = reused([("c1", one.history.as_slice())], &asked);
        assert!(alone.is_empty());
        let both = [("c1", one.history.as_slice()), ("c2", two.history.as_slice())];
        let found = reused(both, &asked);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].0, found[0].1.positions.len()), ("c2", 2));
    }
}
