//! How a case ended: the notice of the police, and what went on after the term.

use jiff::civil::Date;

use super::{Asked, Finding, Told};
use crate::case::{CaseEvent, ObligationKind};
use crate::kernel::Event;

/// Notices that came after their last day, and those that have not come.
pub(super) fn notice_late(history: &[Told], asked: &Asked<'_>) -> Vec<Finding> {
    let mut owed: Option<Date> = None;
    let mut expired: Option<&Told> = None;
    for told in history {
        match &told.event {
            CaseEvent::ObligationOpened(fact) if fact.kind == ObligationKind::DischargeNoticeWatch => {
                owed = Some(fact.window_to);
            }
            CaseEvent::TermExpired(_) => expired = Some(told),
            CaseEvent::CaseDischarged(fact) => {
                let late = owed.filter(|last| fact.received_on > *last && asked.holds(fact.received_on));
                let late = late.map(|last| Finding::new(last, Some(fact.received_on), asked));
                return late
                    .map(|late| late.of("RECEIVED").at(told.position))
                    .into_iter()
                    .collect();
            }
            CaseEvent::CaseTerminated(_) | CaseEvent::OrderRevoked(_) => return Vec::new(),
            _ => {}
        }
    }
    let (Some(last), Some(expired)) = (owed.filter(|last| *last < asked.to), expired) else {
        return Vec::new();
    };
    vec![Finding::new(last, None, asked).of("NOT_RECEIVED").at(expired.position)]
}

/// Notices, samples and contacts on the day on which the term ended, or later.
pub(super) fn called_after_end(history: &[Told], asked: &Asked<'_>) -> Vec<Finding> {
    let ended = history.iter().find_map(|told| match &told.event {
        CaseEvent::TermExpired(fact) => Some(fact.ended_on),
        _ => None,
    });
    let Some(ended) = ended else {
        return Vec::new();
    };
    let mut found: Vec<(Option<u32>, u64, Finding)> = Vec::new();
    for told in history {
        let (test, on) = match &told.event {
            CaseEvent::TestNoticeServed(fact) => (Some(fact.test), fact.due_on),
            CaseEvent::SampleCollected(fact) => (Some(fact.test), fact.on),
            CaseEvent::CheckInRecorded(fact) => (None, fact.on),
            CaseEvent::TalkRecorded(fact) => (None, fact.on),
            // What was none called nobody in.
            CaseEvent::TestVoided(fact) => {
                found.retain(|(test, ..)| *test != Some(fact.test));
                continue;
            }
            CaseEvent::ContactVoided(fact) => {
                found.retain(|(test, revision, _)| test.is_some() || *revision != fact.revision);
                continue;
            }
            _ => continue,
        };
        if on >= ended && asked.holds(on) {
            let finding = Finding::new(ended, Some(on), asked).by(&told.actor);
            found.push((
                test,
                told.revision,
                finding.of(told.event.event_type()).at(told.position),
            ));
        }
    }
    found.into_iter().map(|(.., finding)| finding).collect()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::super::Check;
    use super::super::tests::Story;
    use crate::case::tests::check_in;
    use crate::case::{RecordDischargeNotice, Review};
    use crate::kernel::Role;

    #[test]
    fn seven_days_for_the_notice_and_nothing_for_the_participant() {
        // The term ends on 2029-03-02; 戒毒条例 23.
        let over = Story::active()
            .by("clock", Role::System)
            .on(date(2029, 3, 9))
            .then(&Review {});
        assert!(over.find(Check::NoticeLate).is_empty());
        let late = over.on(date(2029, 3, 12)).by("worker-1", Role::CaseWorker);
        assert_eq!(late.find(Check::NoticeLate)[0].detail, "NOT_RECEIVED");
        let met = late.then(&check_in(date(2029, 3, 12)));
        assert_eq!(met.find(Check::CalledAfterEnd).len(), 1);
        let discharged = met.then(&RecordDischargeNotice {
            issued_on: date(2029, 3, 11),
            received_on: date(2029, 3, 12),
            notice_no: "解-1".into(),
        });
        let found = discharged.find(Check::NoticeLate);
        assert_eq!((found[0].days, found[0].detail.as_str()), (3, "RECEIVED"));
    }
}
