//! The register of breaches, relapses and refusals to report, and of what the police made of them (违约与移送台账).

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Serialize;

use super::Entry;
use crate::calendar::days_between;
use crate::case::breach::{counter, judged};
use crate::case::{
    AbsenceState, BreachGround, Case, CaseEvent, Pending, PoliceOutcome, SeriousBreachConfirmed, WarningStep,
};
use crate::finding::{Told, ended};
use crate::kernel::Aggregate;
use crate::policy::Policy;
use crate::rejection::Rejection;

/// What is reported to the police.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReferralGround {
    /// Tests refused or evaded, as often as a serious breach takes (戒毒条例 20).
    TestRefusals,
    /// Absences without leave, as often as a serious breach takes.
    Absences,
    /// Absences without leave, for as many days as a serious breach takes.
    AbsenceDays,
    /// A relapse.
    Relapse,
    /// The person did not report, and nobody found a reason for it.
    Refusal,
}

impl ReferralGround {
    /// All grounds, in the order of their numbers in the API.
    pub const ALL: [ReferralGround; 5] = [
        ReferralGround::TestRefusals,
        ReferralGround::Absences,
        ReferralGround::AbsenceDays,
        ReferralGround::Relapse,
        ReferralGround::Refusal,
    ];

    fn of(ground: BreachGround) -> Self {
        match ground {
            BreachGround::TestRefusals => ReferralGround::TestRefusals,
            BreachGround::Absences => ReferralGround::Absences,
            BreachGround::AbsenceDays => ReferralGround::AbsenceDays,
        }
    }
}

/// How a referral stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum BreachStanding {
    /// Confirmed; the police are to be told.
    ToReport,
    /// The police were told, and have not answered.
    AwaitingPolice,
    /// The police answered.
    Decided,
    /// What it rested on does not hold any more, and the police had not been told.
    Withdrawn,
    /// The case ended before the police answered.
    CaseEnded,
}

impl BreachStanding {
    /// All of them, in the order of their numbers in the API.
    pub const ALL: [BreachStanding; 5] = [
        BreachStanding::ToReport,
        BreachStanding::AwaitingPolice,
        BreachStanding::Decided,
        BreachStanding::Withdrawn,
        BreachStanding::CaseEnded,
    ];

    /// Somebody has still to do something.
    pub fn is_pending(self) -> bool {
        matches!(self, BreachStanding::ToReport | BreachStanding::AwaitingPolice)
    }
}

/// An admonition or a warning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct WarningGiven {
    /// Day.
    pub on: Date,
    /// Which of the two.
    pub step: WarningStep,
}

/// A breach, a relapse, or a refusal to report, that was confirmed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BreachEntry {
    /// Number within the case, in the order in which they were confirmed.
    pub breach: u32,
    /// The station whose case it was.
    pub station: String,
    /// What is reported.
    pub ground: ReferralGround,
    /// Numbers of the tests or absences that it rests on; none of a refusal to report.
    pub evidence: Vec<u32>,
    /// Times, or days; 1 of a relapse or refusal.
    pub count: i64,
    /// Pack and key of the threshold; none of a relapse or refusal.
    pub source: Option<String>,
    /// Day on which the station had on record what it rests on.
    pub known_on: Date,
    /// Day of the confirmation.
    pub confirmed_on: Date,
    /// Staff id of who confirmed it.
    pub confirmed_by: String,
    /// Admonitions and warnings before it.
    pub warnings: Vec<WarningGiven>,
    /// Day on which the police were told.
    pub referred_on: Option<Date>,
    /// Days from `known_on` to the report, or so far, and 0 of what was written down after the report; none of what was not and
    /// will not be reported.
    pub lag_days: Option<i32>,
    /// Day of the police's decision.
    pub decided_on: Option<Date>,
    /// What the police decided.
    pub outcome: Option<PoliceOutcome>,
    /// How it stands.
    pub standing: BreachStanding,
    /// Places in the log of the events about it, oldest first.
    pub positions: Vec<u64>,
}

/// What the fold has seen.
#[derive(Default)]
struct Seen {
    case: Case,
    warnings: Vec<WarningGiven>,
    /// When and where a refusal was counted, or a test read last, by test.
    tests: BTreeMap<u32, (Date, u64)>,
    /// When and where an absence was counted.
    absences: BTreeMap<u32, (Date, u64)>,
    lines: Vec<BreachEntry>,
}

/// Which lines somebody asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BreachFilter {
    /// Only what stands so.
    pub standing: Option<BreachStanding>,
}

impl Entry for BreachEntry {
    type Filter = BreachFilter;

    fn of_case(history: &[Told], day: Date, policy: &Policy) -> Result<Vec<Self>, Rejection> {
        let mut seen = Seen::default();
        for told in history {
            seen.see(told, policy)?;
        }
        for line in &mut seen.lines {
            let until = line
                .referred_on
                .or((line.standing == BreachStanding::ToReport).then_some(day));
            line.lag_days = until.map(|until| days_between(line.known_on, until).max(0));
        }
        Ok(seen.lines)
    }

    fn on(&self) -> Date {
        self.confirmed_on
    }

    fn number(&self) -> u64 {
        self.breach.into()
    }

    fn is_among(&self, filter: &BreachFilter) -> bool {
        filter.standing.is_none_or(|standing| standing == self.standing)
    }
}

impl Seen {
    fn see(&mut self, told: &Told, policy: &Policy) -> Result<(), Rejection> {
        self.case.evolve(&told.event);
        let now = (told.recorded_on, told.position);
        match &told.event {
            CaseEvent::WarningIssued(fact) => self.warnings.push(WarningGiven {
                on: fact.on,
                step: fact.step,
            }),
            CaseEvent::TestRefusalCounted(fact) => {
                self.tests.insert(fact.test, now);
            }
            CaseEvent::TestResultRecorded(fact) => {
                self.tests.insert(fact.test, now);
            }
            CaseEvent::AbsenceCounted(fact) => {
                self.absences.insert(fact.absence, now);
            }
            CaseEvent::SeriousBreachConfirmed(fact) => {
                let threshold = counter(&self.case, fact.ground, told.recorded_on, policy)?
                    .threshold
                    .value;
                let known = self.known(fact, threshold).unwrap_or(now);
                let line = self.confirmed(told, ReferralGround::of(fact.ground), known);
                line.evidence.clone_from(&fact.evidence);
                (line.count, line.source) = (fact.count, Some(fact.source.clone()));
            }
            CaseEvent::RelapseConfirmed(fact) => {
                let known = self.tests.get(&fact.test).copied().unwrap_or(now);
                self.confirmed(told, ReferralGround::Relapse, known).evidence = vec![fact.test];
            }
            CaseEvent::RefusalConfirmed(_) => {
                self.confirmed(told, ReferralGround::Refusal, now);
            }
            CaseEvent::BreachWithdrawn(fact) => {
                // Also after the case has ended: the police were not told.
                let of = ReferralGround::of(fact.ground);
                let mut last = self.lines.iter_mut().rev();
                if let Some(line) = last.find(|line| line.ground == of && line.referred_on.is_none()) {
                    line.standing = BreachStanding::Withdrawn;
                    line.positions.push(told.position);
                }
            }
            CaseEvent::ReportedIn(_) => self.pending(told, |line| {
                if line.ground == ReferralGround::Refusal && line.standing == BreachStanding::ToReport {
                    line.standing = BreachStanding::Withdrawn;
                }
            }),
            CaseEvent::ReferredToPolice(fact) => {
                let referral = self.case.referral;
                self.pending(told, |line| {
                    let pending = match line.ground {
                        ReferralGround::Relapse => referral.relapse,
                        ReferralGround::Refusal => referral.refusal,
                        _ => referral.breach,
                    };
                    if line.standing == BreachStanding::ToReport && pending == Pending::Told(fact.on) {
                        (line.standing, line.referred_on) = (BreachStanding::AwaitingPolice, Some(fact.on));
                    }
                });
            }
            CaseEvent::PoliceOutcomeRecorded(fact) => self.pending(told, |line| {
                if line.referred_on.is_some_and(|referred_on| referred_on <= fact.on) {
                    line.standing = BreachStanding::Decided;
                    (line.decided_on, line.outcome) = (Some(fact.on), Some(fact.outcome));
                }
            }),
            event if ended(event).is_some() => self.pending(told, |line| line.standing = BreachStanding::CaseEnded),
            _ => {}
        }
        Ok(())
    }

    /// When and where the evidence of a breach reached the threshold, with something in it that no earlier breach rested on.
    fn known(&self, breach: &SeriousBreachConfirmed, threshold: i64) -> Option<(Date, u64)> {
        let tests = breach.ground == BreachGround::TestRefusals;
        let (_, earlier) = self.case.breaches.split_last()?;
        let judged = judged(earlier, breach.ground);
        let counted = if tests { &self.tests } else { &self.absences };
        let mut evidence: Vec<((Date, u64), u32)> = (breach.evidence.iter())
            .filter_map(|number| Some((*counted.get(number)?, *number)))
            .collect();
        evidence.sort_unstable_by_key(|((_, position), _)| *position);
        let (mut count, mut new) = (0, false);
        for (at, number) in evidence {
            new |= !judged.contains(&number);
            count += match self.case.absence(number).map(|absence| &absence.state) {
                Some(AbsenceState::Counted(_, days)) if breach.ground == BreachGround::AbsenceDays => i64::from(*days),
                _ => 1,
            };
            if new && breach.ground.is_reached(count, threshold) {
                return Some(at);
            }
        }
        None
    }

    fn confirmed(&mut self, told: &Told, ground: ReferralGround, known: (Date, u64)) -> &mut BreachEntry {
        let mut positions = vec![known.1, told.position];
        positions.dedup();
        self.lines.push(BreachEntry {
            breach: u32::try_from(self.lines.len()).unwrap_or(u32::MAX).saturating_add(1),
            station: self.case.station.clone(),
            ground,
            evidence: Vec::new(),
            count: 1,
            source: None,
            known_on: known.0,
            confirmed_on: told.recorded_on,
            confirmed_by: told.actor.clone(),
            warnings: self.warnings.clone(),
            referred_on: None,
            lag_days: None,
            decided_on: None,
            outcome: None,
            standing: BreachStanding::ToReport,
            positions,
        });
        let last = self.lines.len() - 1;
        &mut self.lines[last]
    }

    /// Lets an event change what is pending, and puts its place beside what it changed.
    fn pending(&mut self, told: &Told, change: impl Fn(&mut BreachEntry)) {
        for line in self.lines.iter_mut().filter(|line| line.standing.is_pending()) {
            let before = line.standing;
            change(line);
            if line.standing != before {
                line.positions.push(told.position);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::case::{
        AllegeAbsence, ConfirmAbsence, ConfirmSeriousBreach, IssueWarning, RecordPoliceOutcome, ReferToPolice,
        WithdrawAbsence,
    };
    use crate::finding::tests::Story;
    use crate::kernel::Role;

    /// Thirty-two days without leave, counted on 2026-05-02, warned on the next day, confirmed on the one after.
    fn confirmed() -> Story {
        let from = date(2026, 3, 30);
        let story = Story::active().on(date(2026, 5, 2)).then(&AllegeAbsence {
            from,
            to: date(2026, 4, 30),
            how_known: "家访未见".into(),
        });
        let story = story
            .by("leader-1", Role::Supervisor)
            .then(&ConfirmAbsence { absence: 1 })
            .on(date(2026, 5, 3))
            .then(&IssueWarning {
                on: date(2026, 5, 3),
                step: WarningStep::Admonition,
                document_no: "劝诫-1".into(),
                statement: None,
            });
        story.on(date(2026, 5, 4)).then(&ConfirmSeriousBreach {
            ground: BreachGround::AbsenceDays,
        })
    }

    fn line(story: &Story) -> BreachEntry {
        story.list::<BreachEntry>().remove(0)
    }

    #[test]
    fn a_breach_goes_from_what_was_known_to_what_the_police_decided() {
        let story = confirmed();
        let shown = line(&story);
        assert_eq!(
            (shown.known_on, shown.confirmed_on, shown.confirmed_by.as_str()),
            (date(2026, 5, 2), date(2026, 5, 4), "leader-1")
        );
        assert_eq!((shown.standing, shown.lag_days), (BreachStanding::ToReport, Some(2)));
        assert_eq!(
            (shown.count, shown.evidence.as_slice(), shown.warnings.len()),
            (32, [1].as_slice(), 1)
        );
        let told = story.on(date(2026, 5, 6)).then(&ReferToPolice {
            on: date(2026, 5, 5),
            document_no: "回执-1".into(),
        });
        let shown = line(&told);
        assert_eq!(
            (shown.standing, shown.lag_days),
            (BreachStanding::AwaitingPolice, Some(3))
        );
        let decided = told.then(&RecordPoliceOutcome {
            on: date(2026, 5, 6),
            outcome: PoliceOutcome::Warning,
            document_no: "决定-1".into(),
        });
        let shown = line(&decided);
        assert_eq!(
            (shown.standing, shown.outcome, shown.positions.len()),
            (BreachStanding::Decided, Some(PoliceOutcome::Warning), 4)
        );
    }

    fn absent(story: Story, number: u32, from: Date, to: Date) -> Story {
        let alleged = story.by("worker-1", Role::CaseWorker).then(&AllegeAbsence {
            from,
            to,
            how_known: "家访未见".into(),
        });
        alleged
            .by("leader-1", Role::Supervisor)
            .then(&ConfirmAbsence { absence: number })
    }

    fn confirm(ground: BreachGround) -> ConfirmSeriousBreach {
        ConfirmSeriousBreach { ground }
    }

    #[test]
    fn a_second_breach_was_known_when_something_new_reached_it() {
        let mut story = Story::active().on(date(2026, 5, 20));
        for (number, from) in [(1, date(2026, 3, 5)), (2, date(2026, 4, 1)), (3, date(2026, 5, 1))] {
            let to = crate::calendar::add_days(from, 11);
            story = absent(story, number, from, to);
        }
        let told = story.then(&confirm(BreachGround::Absences)).then(&ReferToPolice {
            on: date(2026, 5, 20),
            document_no: "回执-1".into(),
        });
        let warned = told.then(&RecordPoliceOutcome {
            on: date(2026, 5, 20),
            outcome: PoliceOutcome::Warning,
            document_no: "决定-1".into(),
        });
        let again = absent(warned.on(date(2026, 9, 20)), 4, date(2026, 9, 1), date(2026, 9, 4));
        let again = again.on(date(2026, 9, 22)).then(&confirm(BreachGround::AbsenceDays));
        let known: Vec<_> = again.list::<BreachEntry>().iter().map(|line| line.known_on).collect();
        assert_eq!(known, [date(2026, 5, 20), date(2026, 9, 20)]);
    }

    #[test]
    fn what_reached_it_before_something_was_withdrawn_was_known_then() {
        let first = absent(
            Story::active().on(date(2026, 5, 1)),
            1,
            date(2026, 3, 5),
            date(2026, 3, 24),
        );
        let second = absent(first.on(date(2026, 5, 2)), 2, date(2026, 4, 1), date(2026, 4, 12));
        let third = absent(second.on(date(2026, 5, 3)), 3, date(2026, 4, 20), date(2026, 4, 24));
        let confirmed = third.then(&confirm(BreachGround::Absences));
        let withdrawn = confirmed.on(date(2026, 5, 6)).then(&WithdrawAbsence {
            absence: 3,
            reason: "住院".into(),
        });
        let again = withdrawn.then(&confirm(BreachGround::AbsenceDays));
        let lines = again.list::<BreachEntry>();
        let shown: Vec<_> = lines.iter().map(|line| (line.standing, line.known_on)).collect();
        assert_eq!(
            shown,
            [
                (BreachStanding::Withdrawn, date(2026, 5, 3)),
                (BreachStanding::ToReport, date(2026, 5, 2))
            ]
        );
    }

    #[test]
    fn what_rests_on_nothing_any_more_is_withdrawn() {
        let withdrawn = confirmed().then(&WithdrawAbsence {
            absence: 1,
            reason: "住院".into(),
        });
        let shown = line(&withdrawn);
        assert_eq!((shown.standing, shown.lag_days), (BreachStanding::Withdrawn, None));
    }
}
