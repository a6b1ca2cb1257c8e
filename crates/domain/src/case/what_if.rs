//! What a policy makes of a case's history: tests due and missed, breaches reached. Pure, so that any pack can be tried on any
//! history without touching it.

use std::collections::BTreeMap;
use std::ops::Range;

use jiff::civil::Date;

use super::breach::{BreachGround, counter};
use super::drug_test::SampleKind;
use super::event::CaseEvent;
use super::obligation::ObligationKind;
use super::risk::{RiskClass, assess};
use super::rules::LIVE;
use super::stage::Stage;
use super::state::Case;
use super::test_plan::window_end;
use crate::calendar::{add_days, add_months};
use crate::kernel::Aggregate;
use crate::policy::Policy;
use crate::rejection::Rejection;

/// Most windows of one time.
const WINDOWS_MAX: usize = 480;

/// A case, and what its state does not keep: when it ran.
#[derive(Clone, Debug, Default)]
pub struct History {
    case: Case,
    /// Every time in which the agreement bound.
    ran: Vec<Run>,
    /// Tests with the days on which urine was taken; none for a test that was none.
    samples: Vec<(u32, Option<Date>)>,
    /// Test windows that were opened, by number.
    opened: BTreeMap<u32, (Date, Date)>,
    /// Days of windows that were excused: no test was missed on them under any policy.
    excused: Vec<(Date, Date)>,
}

/// A time in which the agreement bound.
#[derive(Clone, Debug)]
struct Run {
    first: Date,
    /// None as long as it goes on.
    last: Option<Date>,
    /// Which samples were recorded in it: one that came before met nothing of it, and one that came before a window was cut
    /// short met that.
    samples: Range<usize>,
}

/// A window of the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// First day on which a sample meets it.
    pub from: Date,
    /// Last day.
    pub to: Date,
    /// A sample met it.
    pub met: bool,
}

/// How a case stands under a policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Tests whose window has begun.
    pub due: u32,
    /// Those whose window has passed without a sample.
    pub missed: u32,
    /// Tests of the whole term, as far as it is known to run.
    pub planned: u32,
    /// Last day of the window that is open.
    pub next: Option<Date>,
    /// Thresholds of a serious breach that are reached.
    pub breaches: Vec<BreachGround>,
    /// Class of risk that would be proposed, as long as the agreement binds.
    pub risk: Option<RiskClass>,
}

impl History {
    /// Takes a fact in.
    pub fn evolve(&mut self, event: &CaseEvent) {
        self.case.evolve(event);
        match event {
            CaseEvent::AgreementSigned(fact) => self.go_on(fact.on),
            CaseEvent::CaseResumed(fact) => self.go_on(fact.on),
            CaseEvent::CaseSuspended(fact) => self.stop(add_days(fact.from, -1)),
            CaseEvent::CaseTerminated(fact) => self.stop(add_days(fact.on, -1)),
            CaseEvent::OrderRevoked(fact) => self.stop(add_days(fact.effective_on, -1)),
            CaseEvent::ObligationOpened(fact) if fact.kind == ObligationKind::UrineTest => {
                self.opened.insert(fact.number, (fact.window_from, fact.window_to));
            }
            CaseEvent::ObligationExcused(fact) => self.excused.extend(self.opened.get(&fact.number)),
            CaseEvent::SampleCollected(fact) if fact.kind == SampleKind::Urine => {
                self.samples.push((fact.test, Some(fact.on)));
            }
            CaseEvent::TestVoided(fact) => {
                for (_, on) in self.samples.iter_mut().filter(|(test, _)| *test == fact.test) {
                    *on = None;
                }
            }
            _ => {}
        }
    }

    /// The clock has seen the term end.
    fn is_over(&self) -> bool {
        matches!(self.case.stage, Stage::TermExpiredAwaitingNotice | Stage::Discharged)
    }

    fn taken(&self, which: Range<usize>, from: Date, to: Date) -> bool {
        let end = which.end.min(self.samples.len());
        self.samples[which.start.min(end)..end]
            .iter()
            .filter_map(|(_, on)| *on)
            .any(|on| from <= on && on <= to)
    }

    fn go_on(&mut self, first: Date) {
        // A new agreement after a transfer stops nothing.
        if self.ran.last().is_some_and(|run| run.last.is_none()) {
            return;
        }
        let samples = self.samples.len()..usize::MAX;
        self.ran.push(Run {
            first,
            last: None,
            samples,
        });
    }

    fn stop(&mut self, last: Date) {
        let samples = self.samples.len();
        if let Some(run) = self.ran.last_mut().filter(|run| run.last.is_none()) {
            (run.last, run.samples.end) = (Some(last), samples);
        }
    }

    /// The case as it stands.
    pub fn case(&self) -> &Case {
        &self.case
    }

    /// Every window in which a test was or will be due: none that a suspension or an early end cut
    /// short before it was met.
    pub fn windows(&self, policy: &Policy) -> Vec<Window> {
        let (Some(start), Some(programme)) = (self.case.reported_on, self.case.programme) else {
            return Vec::new();
        };
        let key = format!("tests.urine.per_year.{}", programme.as_str());
        let mut windows = Vec::new();
        for run in &self.ran {
            let mut from = run.first;
            for _ in 0..WINDOWS_MAX {
                let plan = policy.numbers(&key, from).ok();
                let to = plan.and_then(|plan| window_end(start, from, self.case.term_end, &plan.value));
                let Some(to) = to else {
                    let past = |end: Option<Date>| end.is_some_and(|end| from > end);
                    if past(run.last) || past(self.case.term_end) {
                        break;
                    }
                    // A month for which the plan wants nothing.
                    from = add_months(from.first_of_month(), 1);
                    continue;
                };
                let over = self.is_over() && self.case.term_end.is_some_and(|end| to >= end);
                let cut = over || run.last.is_some_and(|last| to > last);
                let since = run.samples.start..if cut { run.samples.end } else { usize::MAX };
                let met = self.taken(since, from, to);
                if !cut || met {
                    windows.push(Window { from, to, met });
                }
                if cut {
                    break;
                }
                from = add_days(to, 1);
            }
        }
        windows
    }

    /// How the case stands on a day under a policy.
    ///
    /// # Errors
    /// [`crate::Reason::PolicyNotInForce`].
    pub fn standing(&self, today: Date, policy: &Policy) -> Result<Standing, Rejection> {
        let windows = self.windows(policy);
        let begun = windows.iter().filter(|window| window.from <= today);
        let excused = |window: &Window| {
            let mut excused = self.excused.iter();
            excused.any(|(from, to)| *from <= window.to && window.from <= *to)
        };
        let missed = begun
            .clone()
            .filter(|window| window.to < today && !window.met && !excused(window));
        let mut open = begun.clone().filter(|window| window.to >= today);
        let mut breaches = Vec::new();
        for ground in BreachGround::ALL {
            if counter(&self.case, ground, today, policy)?.reached {
                breaches.push(ground);
            }
        }
        let bound = LIVE.contains(&self.case.stage);
        let risk = bound.then(|| assess(&self.case, today, policy)).transpose()?;
        let risk = risk.map(|found| found.class);
        Ok(Standing {
            due: u32::try_from(begun.clone().count()).unwrap_or(u32::MAX),
            missed: u32::try_from(missed.count()).unwrap_or(u32::MAX),
            planned: u32::try_from(windows.len()).unwrap_or(u32::MAX),
            next: open
                .next()
                .filter(|_| !self.case.stage.is_closed())
                .map(|window| window.to),
            breaches,
            risk,
        })
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::case::tests::suspend;
    use crate::case::{ObligationKind, Resume, Review};
    use crate::kernel::{Command, Role};
    use crate::policy::PolicyChange;
    use crate::spec::Given;

    /// Decides, folds, and remembers the history.
    fn told<C: Command<Aggregate = Case>>(case: Given<Case>, history: &mut History, command: &C) -> Given<Case> {
        for event in case.when(command).expect("is accepted") {
            history.evolve(&event);
        }
        case.then(command)
    }

    fn signed() -> (Given<Case>, History) {
        let mut history = History::default();
        let day = date(2026, 3, 2);
        let mut case = crate::spec::given::<Case>([]);
        case = told(case, &mut history, &crate::case::tests::order());
        case = told(case, &mut history, &crate::case::tests::served_on(day));
        case = told(case, &mut history, &crate::case::tests::report(day));
        case = told(case, &mut history, &crate::case::tests::agreement(day));
        (case, history)
    }

    #[test]
    fn under_the_pack_in_force_it_is_what_the_log_says() {
        let (case, mut history) = signed();
        let case = case.on(date(2026, 6, 20));
        let case = told(case, &mut history, &suspend(date(2026, 5, 10)));
        let resume = Resume {
            on: date(2026, 5, 27),
            document_no: "释放-1".into(),
        };
        let case = told(case, &mut history, &resume);
        let case = told(case.by("clock", Role::System), &mut history, &Review {});
        let mut windows: Vec<_> = Vec::new();
        for owed in &case.state().obligations {
            if owed.kind == ObligationKind::UrineTest {
                windows.push((owed.window_from, owed.window_to));
            }
        }
        let policy = Policy::shipped("station-qinglongshan");
        let planned: Vec<_> = history.windows(&policy).iter().map(|one| (one.from, one.to)).collect();
        // March and April passed before the suspension was recorded, and were cancelled by nobody.
        assert_eq!(
            planned[..2],
            [
                (date(2026, 3, 2), date(2026, 3, 31)),
                (date(2026, 4, 1), date(2026, 4, 30))
            ]
        );
        assert!(!planned.contains(&(date(2026, 5, 1), date(2026, 5, 31))), "cut short");
        assert_eq!(
            planned[2..4],
            [
                (date(2026, 5, 27), date(2026, 5, 31)),
                (date(2026, 6, 1), date(2026, 6, 30))
            ]
        );
        assert!(windows.iter().all(|window| planned.contains(window)), "{windows:?}");
    }

    #[test]
    fn a_plan_with_fewer_tests_owes_fewer_and_an_earlier_one_stays_until_it_begins() {
        let (_, history) = signed();
        let shipped = Policy::shipped("station-qinglongshan");
        let today = date(2026, 9, 15);
        let now = history.standing(today, &shipped).expect("is in force");
        assert_eq!((now.due, now.missed, now.planned), (7, 6, 22));
        let change = |from| {
            let set = ("tests.urine.per_year.CD".to_owned(), "6,4,2".to_owned());
            shipped
                .with_change(&PolicyChange {
                    valid_from: from,
                    set: vec![set],
                })
                .expect("fits")
        };
        let always = history
            .standing(today, &change(date(2011, 6, 26)))
            .expect("is in force");
        assert_eq!((always.due, always.missed, always.planned), (4, 3, 12));
        assert_eq!(always.next, Some(date(2026, 10, 31)));
        let later = history.standing(today, &change(date(2026, 9, 1))).expect("is in force");
        assert_eq!(
            (later.due, later.next),
            (7, Some(date(2026, 10, 31))),
            "from September on"
        );
        let stricter = shipped.with_change(&PolicyChange {
            valid_from: date(2011, 6, 26),
            set: vec![("breach.serious.test_refusals_gte".into(), "0".into())],
        });
        let stricter = history.standing(today, &stricter.expect("fits")).expect("is in force");
        assert_eq!(stricter.breaches, [BreachGround::TestRefusals]);
    }

    #[test]
    fn a_change_names_a_key_that_is_there_and_a_value_of_its_kind() {
        let shipped = Policy::shipped("station-qinglongshan");
        let refused = |key: &str, value: &str| {
            let change = PolicyChange {
                valid_from: date(2011, 6, 26),
                set: vec![(key.into(), value.into())],
            };
            shipped.with_change(&change).is_err()
        };
        assert!(refused("no.such.key", "1"));
        assert!(refused("tests.urine.per_year.CD", "twelve"));
        assert!(refused("term.suspension_extends", "3"));
        assert!(!refused("term.suspension_extends", "false"));
    }
}
