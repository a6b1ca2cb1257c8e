//! A past-due obligation was really missed: the clock says that a day passed, a supervisor says what that means.

use serde::Serialize;

use super::event::CaseEvent;
use super::obligation::{ObligationMissedConfirmed, find_past_due};
use super::rules::check_actor;
use super::state::Case;
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Confirms that a participant missed what was past due. What is recorded late about a day in the window still meets it.
#[derive(Clone, Debug, Serialize)]
pub struct ConfirmMissed {
    /// Which.
    pub obligation: u32,
}

impl Command for ConfirmMissed {
    type Aggregate = Case;
    const NAME: &'static str = "ConfirmMissed";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_actor(case, &[Role::Supervisor], context)?;
        let owed = find_past_due(case, self.obligation)?;
        if owed.missed {
            return Err(Rejection::of(Reason::MissedAlready, "obligation"));
        }
        Ok(vec![ObligationMissedConfirmed { number: owed.number }.into()])
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::case::drug_test::{NoticeMode, RecordSample, SampleKind, SampleSite, ServeTestNotice};
    use crate::case::tests::{active, suspend};
    use crate::case::{ExcuseObligation, ObligationKind, Resume, Review};
    use crate::spec::Given;

    fn notice(case: Given<Case>) -> Given<Case> {
        case.then(&ServeTestNotice {
            on: date(2026, 3, 2),
            due_on: date(2026, 3, 31),
            mode: NoticeMode::Hand,
        })
    }

    fn sample(test: u32, on: jiff::civil::Date) -> RecordSample {
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

    fn met(events: &[CaseEvent]) -> Vec<(u32, bool)> {
        let met = events.iter().filter_map(|event| match event {
            CaseEvent::ObligationFulfilled(fact) => Some((fact.number, fact.late)),
            _ => None,
        });
        met.collect()
    }

    fn test_due(case: &Given<Case>) -> u32 {
        let due = case.state().open(ObligationKind::UrineTest).expect("is due");
        due.number
    }

    #[test]
    fn a_sample_meets_the_test_that_is_due_and_a_second_in_its_window_is_extra() {
        let case = notice(notice(active()));
        let first = test_due(&case);
        let taken = case.then(&sample(1, date(2026, 3, 2)));
        let next = taken
            .state()
            .open(ObligationKind::UrineTest)
            .expect("is due next month");
        assert_ne!(next.number, first);
        assert_eq!(
            (next.window_from, next.window_to),
            (date(2026, 4, 1), date(2026, 4, 30))
        );
        let extra = taken.when(&sample(2, date(2026, 3, 2))).expect("is recorded");
        assert_eq!(met(&extra), []);
    }

    #[test]
    fn a_sample_recorded_late_meets_what_was_confirmed_as_missed() {
        let case = notice(active());
        let due = test_due(&case);
        let april = case.on(date(2026, 4, 1)).by("clock", Role::System).then(&Review {});
        let confirm = ConfirmMissed { obligation: due };
        let leader = april.by("leader-1", Role::Supervisor).then(&confirm);
        assert_eq!(leader.reason(&confirm), Reason::MissedAlready);
        // The paper turns up: the sample was taken on the last day of the window.
        let worker = leader.by("worker-1", Role::CaseWorker);
        let events = worker.when(&sample(1, date(2026, 3, 31))).expect("is recorded");
        assert_eq!(met(&events), [(due, true)]);
    }

    #[test]
    fn nothing_is_missed_or_excused_before_its_day_has_passed_nor_twice() {
        let leader = active().by("leader-1", Role::Supervisor);
        let due = test_due(&leader);
        let excuse = |obligation| ExcuseObligation {
            obligation,
            reason: "住院".into(),
        };
        assert_eq!(leader.reason(&ConfirmMissed { obligation: due }), Reason::NotPastDue);
        assert_eq!(leader.reason(&excuse(due)), Reason::NotPastDue);
        assert_eq!(leader.reason(&excuse(99)), Reason::ObligationNotFound);
        let april = leader.on(date(2026, 4, 1)).by("clock", Role::System).then(&Review {});
        let excused = april
            .by("leader-1", Role::Supervisor)
            .then(&ConfirmMissed { obligation: due })
            .then(&excuse(due));
        assert_eq!(excused.reason(&excuse(due)), Reason::ObligationNotFound);
        assert_eq!(
            excused.reason(&ConfirmMissed { obligation: due }),
            Reason::ObligationNotFound
        );
        let worker = excused.by("worker-1", Role::CaseWorker);
        assert_eq!(worker.reason(&excuse(due)), Reason::RoleRequired);
    }

    #[test]
    fn no_test_is_owed_during_suspension_and_the_plan_goes_on_after_it() {
        let suspended = active().on(date(2026, 4, 20)).then(&suspend(date(2026, 3, 10)));
        assert!(suspended.state().open(ObligationKind::UrineTest).is_none());
        let resumed = suspended.then(&Resume {
            on: date(2026, 4, 15),
            document_no: "释放-1".into(),
        });
        let due = resumed.state().open(ObligationKind::UrineTest).expect("is due");
        assert_eq!((due.window_from, due.window_to), (date(2026, 4, 15), date(2026, 4, 30)));
    }
}
