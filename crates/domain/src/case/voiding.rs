//! What was recorded and was not so. Nothing is taken out of the record: a void says so beside it, and a correction is a void
//! and a new record. What feeds a counter of the statute takes a second person.

mod confirm_test_void;
mod propose_test_void;
mod void_contact;

pub use confirm_test_void::ConfirmTestVoid;
pub use propose_test_void::ProposeTestVoid;
pub use void_contact::VoidContact;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::event::CaseEvent;
use super::obligation::{CancelReason, ObligationCancelled, ObligationKind, ObligationPastDue, ObligationReopened};
use super::state::Case;
use crate::kernel::Context;
use crate::personal::Personal;

/// A check-in or talk did not happen as it was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactVoided {
    /// Revision of the event in the case's stream.
    pub revision: u64,
    /// Day of which it spoke.
    pub on: Date,
    /// It was a talk, and no check-in.
    pub talk: bool,
    /// The station at which it was recorded.
    pub station: String,
    /// Day of the last contact that is left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Date>,
    /// Why.
    #[serde(default, skip_serializing)]
    pub reason: Personal,
}

/// Somebody says that a test was not as it was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestVoidProposed {
    /// Which test.
    pub test: u32,
    /// Who says so.
    pub by: String,
    /// Why.
    #[serde(default, skip_serializing)]
    pub reason: Personal,
}

/// Somebody else confirmed it: notice, sample, results and refusal of the test count for nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestVoided {
    /// Which test.
    pub test: u32,
}

/// A check-in or talk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// Revision of its event.
    pub revision: u64,
    /// Day.
    pub on: Date,
    /// It is a meeting: face to face.
    pub meeting: bool,
    /// It is a talk, and no check-in.
    pub talk: bool,
    /// The station whose case it was.
    pub station: String,
    /// How often the case had been suspended when it was recorded.
    pub run: usize,
    /// It was none.
    pub voided: bool,
}

/// Something that may meet what is owed: its day, and how often the case had been suspended when it was recorded.
type Meets = (Date, usize);

/// What had been met on a day and is owed again, when nothing else of its window meets it: past due at once when its last day has
/// passed, and cancelled when custody or the end of the term had cancelled it if it had not been met.
fn owed_again(case: &Case, kind: ObligationKind, on: Date, others: &[Meets], context: &Context<'_>) -> Vec<CaseEvent> {
    let today = context.today;
    let mut events = Vec::new();
    for met in case
        .met
        .iter()
        .filter(|met| met.owed.kind == kind && met.owed.holds(on))
    {
        let owed = &met.owed;
        // Custody that began before the window was over had cut it short.
        let custody = case.suspensions.get(met.run);
        let in_custody = custody.is_some_and(|(from, _)| *from <= owed.window_to);
        let over = |end: Date| owed.window_from >= end || end <= today && owed.window_to >= end;
        let stopped = if case.ended_on.is_some() || case.term_end.is_some_and(over) {
            Some(CancelReason::CaseEnded)
        } else {
            in_custody.then_some(CancelReason::CaseSuspended)
        };
        // What was recorded after custody had cut a window short meets nothing of it.
        let meets = |(day, run): &Meets| owed.holds(*day) && if in_custody { *run == met.run } else { *run >= met.run };
        if others.iter().any(meets) {
            continue;
        }
        let (number, window_to) = (owed.number, owed.window_to);
        events.push(
            ObligationReopened {
                number,
                kind,
                window_to,
                station: met.station.clone(),
                met_on: met.on,
                late: met.late,
            }
            .into(),
        );
        if let Some(reason) = stopped {
            events.push(ObligationCancelled { number, reason }.into());
        } else if window_to < today && !met.late {
            // What was met late is past due already.
            let detected_on = today;
            events.push(
                ObligationPastDue {
                    number,
                    window_to,
                    detected_on,
                }
                .into(),
            );
        }
    }
    events
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::case::tests::{active, check_in};
    use crate::case::{
        BreachGround, ConfirmSeriousBreach, ConfirmTestRefusal, NoticeMode, RecordSample, RecordTestRefusal, Review,
        SampleKind, SampleSite, ServeTestNotice,
    };
    use crate::kernel::{Command, Role};
    use crate::rejection::Reason;
    use crate::spec::Given;

    fn notice(on: Date) -> ServeTestNotice {
        ServeTestNotice {
            on,
            due_on: on,
            mode: NoticeMode::Hand,
        }
    }

    fn sample(test: u32, on: Date) -> RecordSample {
        RecordSample {
            test,
            on,
            kind: SampleKind::Urine,
            site: SampleSite::Station,
            collectors: vec!["worker-1".into(), "medical-1".into()],
            same_gender: true,
            hair: None,
        }
    }

    fn tested(test: u32, on: Date, case: Given<Case>) -> Given<Case> {
        case.by("worker-1", Role::CaseWorker)
            .then(&notice(on))
            .then(&sample(test, on))
    }

    fn voided(test: u32, case: Given<Case>) -> Given<Case> {
        let propose = ProposeTestVoid {
            test,
            reason: "样本登记错人".into(),
        };
        case.by("worker-1", Role::CaseWorker)
            .then(&propose)
            .by("leader-1", Role::Supervisor)
            .then(&ConfirmTestVoid { test })
    }

    fn reviewed(case: Given<Case>, on: Date) -> Given<Case> {
        case.on(on).by("clock", Role::System).then(&Review {})
    }

    fn owed(case: &Given<Case>, kind: ObligationKind) -> Vec<(Date, bool)> {
        let owed = case.state().obligations.iter().filter(|owed| owed.kind == kind);
        owed.map(|owed| (owed.window_to, owed.past_due)).collect()
    }

    #[test]
    fn a_test_that_was_none_is_owed_again_and_the_windows_after_it_are_planned_once() {
        let march = tested(1, date(2026, 3, 10), active().on(date(2026, 3, 10)));
        let again = voided(1, march);
        let urine = ObligationKind::UrineTest;
        assert_eq!(
            owed(&again, urine),
            [(date(2026, 3, 31), false), (date(2026, 4, 30), false)]
        );
        let april = reviewed(again, date(2026, 4, 2));
        assert_eq!(
            owed(&april, urine),
            [(date(2026, 3, 31), true), (date(2026, 4, 30), false)]
        );
        let late = tested(2, date(2026, 3, 20), april.on(date(2026, 4, 3)));
        assert_eq!(owed(&late, urine), [(date(2026, 4, 30), false)]);
        let met = tested(3, date(2026, 4, 3), late);
        assert_eq!(owed(&met, urine), [(date(2026, 5, 31), false)]);
    }

    #[test]
    fn a_window_that_is_over_is_past_due_at_once_and_another_test_of_it_still_meets_it() {
        let march = tested(1, date(2026, 3, 10), active().on(date(2026, 3, 20)));
        let twice = tested(2, date(2026, 3, 12), march.clone());
        let kept = voided(1, twice.on(date(2026, 4, 20)));
        assert_eq!(owed(&kept, ObligationKind::UrineTest), [(date(2026, 4, 30), false)]);
        let none = voided(1, march.on(date(2026, 4, 20)));
        assert_eq!(
            owed(&none, ObligationKind::UrineTest),
            [(date(2026, 3, 31), true), (date(2026, 4, 30), false)]
        );
    }

    #[test]
    fn what_the_end_of_the_term_stopped_is_not_owed_again() {
        // The term ends on 2029-03-02.
        let met = reviewed(active(), date(2029, 3, 1)).by("worker-1", Role::CaseWorker);
        let met = met.then(&check_in(date(2029, 3, 1)));
        let revision = met.state().contacts[0].revision;
        let void = VoidContact {
            revision,
            reason: "录错人".into(),
        };
        let over = reviewed(met, date(2029, 3, 8)).by("leader-1", Role::Supervisor);
        let events = over.when(&void).expect("is void");
        assert!(
            matches!(events.last(), Some(CaseEvent::ObligationCancelled(_))),
            "{events:?}"
        );
    }

    #[test]
    fn one_proposes_and_another_confirms_that_a_test_was_none() {
        let taken = tested(1, date(2026, 3, 2), active());
        let propose = ProposeTestVoid {
            test: 1,
            reason: "登记错人".into(),
        };
        let confirm = ConfirmTestVoid { test: 1 };
        assert_eq!(
            taken.clone().by("leader-1", Role::Supervisor).reason(&confirm),
            Reason::NoVoidProposed
        );
        let proposed = taken.then(&propose);
        assert_eq!(proposed.reason(&propose), Reason::VoidProposed);
        let other = proposed.clone().by("worker-2", Role::CaseWorker);
        assert!(other.when(&propose).is_ok(), "another may say so instead");
        assert_eq!(proposed.reason(&confirm), Reason::RoleRequired);
        assert_eq!(
            proposed.clone().by("worker-1", Role::Supervisor).reason(&confirm),
            Reason::SamePersonForbidden
        );
        let done = proposed.by("leader-1", Role::Supervisor).then(&confirm);
        assert_eq!(done.reason(&confirm), Reason::TestVoid);
        assert_eq!(done.reason(&sample(1, date(2026, 3, 2))), Reason::TestDoesNotFit);
    }

    #[test]
    fn a_refusal_of_a_test_that_was_none_counts_for_no_breach() {
        let mut case = active().on(date(2026, 3, 20));
        for test in 1..=3 {
            let on = date(2026, 3, 2 + i8::try_from(test).expect("is small"));
            let refusal = RecordTestRefusal {
                test,
                on,
                evaded: false,
                facts: "拒绝".into(),
            };
            case = case.by("worker-1", Role::CaseWorker).then(&notice(on)).then(&refusal);
            case = case.by("leader-1", Role::Supervisor).then(&ConfirmTestRefusal { test });
        }
        let breach = ConfirmSeriousBreach {
            ground: BreachGround::TestRefusals,
        };
        let referred = case.then(&breach);
        let withdrawn = voided(2, referred);
        assert_eq!(withdrawn.state().stage, crate::case::Stage::Active);
        assert_eq!(withdrawn.reason(&breach), Reason::ThresholdNotReached);
    }

    #[test]
    fn a_meeting_that_was_none_is_owed_again_unless_another_was_one() {
        let day = date(2026, 3, 10);
        let met = active().on(day).then(&check_in(day));
        let contact = met.state().contacts[0].clone();
        let void = VoidContact {
            revision: contact.revision,
            reason: "录错人".into(),
        };
        assert_eq!(met.reason(&void), Reason::RoleRequired);
        let leader = met.by("leader-1", Role::Supervisor);
        let none = leader.clone().then(&void);
        let meeting = ObligationKind::MonthlyMeeting;
        assert_eq!(
            owed(&none, meeting),
            [(date(2026, 3, 31), false), (date(2026, 4, 30), false)]
        );
        assert_eq!(none.reason(&void), Reason::ContactVoid);
        let other = leader.by("worker-1", Role::CaseWorker).then(&check_in(day));
        let kept = other.by("leader-1", Role::Supervisor).then(&void);
        assert_eq!(owed(&kept, meeting), [(date(2026, 4, 30), false)]);
        let unknown = VoidContact {
            revision: 0,
            reason: "录错人".into(),
        };
        assert_eq!(kept.reason(&unknown), Reason::ContactNotFound);
        assert_eq!(VoidContact::NAME, "VoidContact");
    }
}
