//! What counts against a participant, and what the police were told of it.

use std::collections::BTreeMap;

use super::{Asked, Finding, Told, ended};
use crate::calendar::add_days;
use crate::case::breach::{counter, is_new};
use crate::case::{BreachGround, Case, CaseEvent};
use crate::kernel::Aggregate;
use crate::rejection::Rejection;

/// Refusals that count, whose notice was recorded only after the day of the refusal.
pub(super) fn refusal_without_notice(history: &[Told], asked: &Asked<'_>) -> Vec<Finding> {
    let mut notices: BTreeMap<u32, &Told> = BTreeMap::new();
    let mut refusals = BTreeMap::new();
    let mut found = BTreeMap::new();
    for told in history {
        match &told.event {
            CaseEvent::TestNoticeServed(fact) => {
                notices.insert(fact.test, told);
            }
            CaseEvent::TestRefused(fact) => {
                refusals.insert(fact.test, (fact.on, told));
            }
            CaseEvent::TestRefusalCounted(fact) => {
                let (Some(notice), Some((on, refusal))) = (notices.get(&fact.test), refusals.get(&fact.test)) else {
                    continue;
                };
                if notice.recorded_on > *on && asked.holds(*on) {
                    let mut finding = Finding::new(*on, Some(notice.recorded_on), asked).by(&notice.actor);
                    finding.second = Some(told.actor.clone());
                    let finding = finding.of(format!("TEST {}", fact.test));
                    let finding = finding.at(notice.position).at(refusal.position).at(told.position);
                    found.insert(fact.test, finding);
                }
            }
            CaseEvent::TestRefusalWithdrawn(fact) => {
                found.remove(&fact.test);
            }
            CaseEvent::TestVoided(fact) => {
                found.remove(&fact.test);
            }
            _ => {}
        }
    }
    found.into_values().collect()
}

/// Thresholds that were reached, counted from the day on which the station had what reaches them on record, and relapses and
/// refusals to report from their confirmation; of which the police were told late, or were not.
pub(super) fn reported_late(history: &[Told], asked: &Asked<'_>) -> Result<Vec<Finding>, Rejection> {
    let mut found = Vec::new();
    let mut case = Case::default();
    let mut breach: Option<(BreachGround, &Told)> = None;
    // Relapses and refusals to report, from their confirmation.
    let mut confirmed: Vec<(&'static str, &Told)> = Vec::new();
    for told in history {
        case.evolve(&told.event);
        match &told.event {
            CaseEvent::RelapseConfirmed(_) => confirmed.push(("RELAPSE", told)),
            CaseEvent::RefusalConfirmed(_) => confirmed.push(("REFUSAL", told)),
            // It was none after all.
            CaseEvent::ReportedIn(_) => confirmed.retain(|(what, _)| *what != "REFUSAL"),
            CaseEvent::TestRefusalCounted(_)
            | CaseEvent::AbsenceCounted(_)
            | CaseEvent::BreachWithdrawn(_)
            | CaseEvent::AbsenceWithdrawn(_)
            | CaseEvent::TestRefusalWithdrawn(_)
            | CaseEvent::TestVoided(_) => {
                // What counts has changed: by something new, or by what does not count any more.
                let mut reached = None;
                for ground in BreachGround::ALL {
                    let counter = counter(&case, ground, told.recorded_on, asked.policy)?;
                    let open =
                        case.referral.breach.is_open() && case.breaches.last().is_some_and(|(of, _)| *of == ground);
                    if counter.reached && (open || is_new(&case, &counter)) {
                        reached = reached.or(Some(ground));
                    }
                }
                breach = reached.map(|ground| breach.unwrap_or((ground, told)));
            }
            CaseEvent::ReferredToPolice(fact) => {
                let answer = Some((fact.on, Some(told)));
                if let Some((ground, first)) = breach.take() {
                    found.extend(late(ground.as_str(), first, answer, asked)?);
                }
                for (what, first) in confirmed.drain(..) {
                    found.extend(late(what, first, answer, asked)?);
                }
            }
            event => {
                if let Some(over) = ended(event) {
                    let answer = Some((over, None));
                    if let Some((ground, first)) = breach.take() {
                        found.extend(late(ground.as_str(), first, answer, asked)?);
                    }
                    for (what, first) in confirmed.drain(..) {
                        found.extend(late(what, first, answer, asked)?);
                    }
                }
            }
        }
    }
    if let Some((ground, first)) = breach {
        found.extend(late(ground.as_str(), first, None, asked)?);
    }
    for (what, first) in confirmed {
        found.extend(late(what, first, None, asked)?);
    }
    Ok(found)
}

/// `answer`: the day on which it was over, and the report to the police if that was it.
fn late(
    what: &str,
    first: &Told,
    answer: Option<(jiff::civil::Date, Option<&Told>)>,
    asked: &Asked<'_>,
) -> Result<Option<Finding>, Rejection> {
    let days = asked.policy.number("police_report.days", first.recorded_on)?.value;
    let last = add_days(first.recorded_on, i32::try_from(days).unwrap_or(i32::MAX));
    let until = answer.map_or(asked.to, |(on, _)| on);
    if until <= last || !asked.holds(first.recorded_on) {
        return Ok(None);
    }
    let finding = Finding::new(first.recorded_on, answer.map(|(on, _)| on), asked).by(&first.actor);
    let finding = finding.at(first.position);
    Ok(Some(match answer {
        Some((_, Some(told))) => finding.of(format!("{what} REPORTED")).at(told.position),
        _ => finding.of(format!("{what} NOT_REPORTED")),
    }))
}

#[cfg(test)]
mod tests {
    use jiff::civil::{Date, date};

    use super::super::Check;
    use super::super::tests::Story;
    use crate::case::{
        AllegeAbsence, BreachGround, ConfirmAbsence, ConfirmSeriousBreach, ConfirmTestRefusal, NoticeMode,
        PoliceOutcome, RecordPoliceOutcome, RecordTestRefusal, ReferToPolice, ServeTestNotice, WithdrawTestRefusal,
    };
    use crate::kernel::Role;

    fn refused(story: Story, on: Date) -> Story {
        let notice = ServeTestNotice {
            on,
            due_on: on,
            mode: NoticeMode::Hand,
        };
        let refusal = RecordTestRefusal {
            test: 1,
            on,
            evaded: false,
            facts: "拒绝".into(),
        };
        let story = story.then(&notice).then(&refusal);
        story
            .by("leader-1", Role::Supervisor)
            .then(&ConfirmTestRefusal { test: 1 })
    }

    #[test]
    fn a_notice_that_was_written_down_after_the_refusal_is_found() {
        let day = date(2026, 3, 5);
        let at_once = refused(Story::active().on(day), day);
        assert!(at_once.find(Check::RefusalWithoutNotice).is_empty());
        let afterwards = refused(Story::active().on(date(2026, 3, 9)), day);
        let found = afterwards.find(Check::RefusalWithoutNotice);
        assert_eq!((found.len(), found[0].days, found[0].positions.len()), (1, 4, 3));
        let withdrawn = afterwards.then(&WithdrawTestRefusal {
            test: 1,
            reason: "无通知".into(),
        });
        assert!(withdrawn.find(Check::RefusalWithoutNotice).is_empty());
    }

    #[test]
    fn a_threshold_that_was_on_record_and_not_reported_is_found_from_that_day_on() {
        let allege = AllegeAbsence {
            from: date(2026, 4, 1),
            to: date(2026, 5, 2),
            how_known: "家访".into(),
        };
        let story = Story::active()
            .on(date(2026, 6, 1))
            .then(&allege)
            .by("leader-1", Role::Supervisor)
            .then(&ConfirmAbsence { absence: 1 });
        assert!(story.find(Check::BreachReportedLate).is_empty(), "a day is free");
        let later = story.on(date(2026, 6, 4));
        let found = later.find(Check::BreachReportedLate);
        assert_eq!(
            (found[0].from, found[0].days, found[0].detail.as_str()),
            (date(2026, 6, 1), 3, "ABSENCE_DAYS NOT_REPORTED")
        );
        let told = later
            .then(&ConfirmSeriousBreach {
                ground: BreachGround::AbsenceDays,
            })
            .then(&ReferToPolice {
                on: date(2026, 6, 4),
                document_no: "回执-1".into(),
            });
        // The police warn, and one more absence by itself is nothing that the station owes them.
        let warned = told.then(&RecordPoliceOutcome {
            on: date(2026, 6, 4),
            outcome: PoliceOutcome::Warning,
            document_no: "决定-1".into(),
        });
        let found = warned.on(date(2026, 7, 1)).find(Check::BreachReportedLate);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].days, found[0].detail.as_str()), (3, "ABSENCE_DAYS REPORTED"));
    }
}
