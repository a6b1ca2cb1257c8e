//! What a list shows about a case beside its stage: who is away, lost or looked after elsewhere too, what class of risk holds,
//! and the last test. Never a stage: each can hold in many.

use serde::{Deserialize, Serialize};
use waystation_domain::Date;
use waystation_domain::case::{CaseEvent, DualControl, RiskClass};
use waystation_domain::register::TestStanding;

/// A leave that was reported and of which no return is on record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leave {
    /// Number within the case.
    pub absence: u32,
    /// First day away.
    pub from: Date,
    /// Last day away.
    pub to: Date,
    /// Custody has cut it short.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
}

/// The test of which a sample was taken last, or that was refused last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastTest {
    /// Number within the case.
    pub test: u32,
    /// Day of the sample or refusal.
    pub on: Date,
    /// How it stands.
    pub standing: TestStanding,
}

/// What is shown beside the stage.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overlay {
    /// The branch of the station that takes care of the participant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// Leave that runs or is to come, oldest report first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leaves: Vec<Leave>,
    /// Day since which the participant cannot be reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost_since: Option<Date>,
    /// Another station looks after the participant too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dual_control: Option<DualControl>,
    /// The class of risk that a person decided on last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk: Option<RiskClass>,
    /// The last tests, at most [`TESTS_KEPT_MAX`], oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tests: Vec<LastTest>,
}

/// Tests that are kept, so that there is a last one when the last of them was none.
const TESTS_KEPT_MAX: usize = 3;

impl Overlay {
    /// There is nothing to show.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The test of which a sample was taken last, or that was refused last.
    pub fn last_test(&self) -> Option<&LastTest> {
        self.tests.last()
    }

    /// Leave that custody has not cut short, oldest report first.
    pub fn standing_leaves(&self) -> impl Iterator<Item = &Leave> {
        self.leaves.iter().filter(|leave| !leave.cut)
    }

    /// The leave that runs on a day, of somebody who is not in custody.
    pub fn leave_on(&self, day: Date) -> Option<&Leave> {
        self.standing_leaves().find(|leave| leave.from <= day)
    }

    /// What is shown after an event.
    pub(super) fn evolve(&mut self, event: &CaseEvent) {
        self.dual_control = DualControl::after(self.dual_control.take(), event);
        match event {
            CaseEvent::AbsenceReported(fact) => self.leaves.push(Leave {
                absence: fact.absence,
                from: fact.from,
                to: fact.to,
                cut: false,
            }),
            CaseEvent::AbsenceExtended(fact) => {
                for leave in self.leaves.iter_mut().filter(|leave| leave.absence == fact.absence) {
                    if leave.cut {
                        // It goes on from the day on which they said so, unless it had not begun.
                        leave.from = leave.from.max(fact.reported_on);
                    }
                    (leave.to, leave.cut) = (fact.to, false);
                }
            }
            CaseEvent::ReturnReported(fact) => self.leaves.retain(|leave| leave.absence != fact.absence),
            CaseEvent::LeaveRefused(fact) => self.leaves.retain(|leave| leave.absence != fact.absence),
            CaseEvent::AbsenceWithdrawn(fact) => self.leaves.retain(|leave| leave.absence != fact.absence),
            // Whoever is in custody is not on leave, and owes no return from it afterwards.
            CaseEvent::CaseSuspended(_) => self.leaves.iter_mut().for_each(|leave| leave.cut = true),
            CaseEvent::TermExpired(_)
            | CaseEvent::CaseTerminated(_)
            | CaseEvent::CaseDischarged(_)
            | CaseEvent::OrderRevoked(_) => self.leaves.clear(),
            CaseEvent::BranchAssigned(fact) => self.branch.clone_from(&fact.branch),
            CaseEvent::TransferReportedIn(_) => self.branch = None,
            CaseEvent::LostContactRecorded(fact) => self.lost_since = Some(fact.on),
            CaseEvent::ContactRestored(_) => self.lost_since = None,
            CaseEvent::RiskClassConfirmed(fact) => self.risk = Some(fact.class),
            CaseEvent::SampleCollected(fact) => self.tested(fact.test, fact.on, TestStanding::Collected),
            CaseEvent::TestRefused(fact) => self.tested(fact.test, fact.on, TestStanding::Refused),
            CaseEvent::TestResultRecorded(fact) => {
                self.stands(fact.test, TestStanding::of_result(fact.stage, fact.outcome));
            }
            CaseEvent::ResultObjected(fact) => self.stands(fact.test, TestStanding::Objected),
            CaseEvent::TestRefusalCounted(fact) => self.stands(fact.test, TestStanding::RefusalCounted),
            CaseEvent::TestRefusalWithdrawn(fact) => self.forget(fact.test),
            CaseEvent::TestVoided(fact) => self.forget(fact.test),
            _ => {}
        }
    }

    fn tested(&mut self, test: u32, on: Date, standing: TestStanding) {
        self.forget(test);
        // What is written down later is not the last.
        let at = self.tests.partition_point(|other| other.on <= on);
        self.tests.insert(at, LastTest { test, on, standing });
        if self.tests.len() > TESTS_KEPT_MAX {
            self.tests.remove(0);
        }
    }

    fn stands(&mut self, test: u32, standing: TestStanding) {
        for kept in self.tests.iter_mut().filter(|kept| kept.test == test) {
            kept.standing = standing;
        }
    }

    fn forget(&mut self, test: u32) {
        self.tests.retain(|kept| kept.test != test);
    }
}

#[cfg(test)]
mod tests {
    use waystation_domain::case::{
        AbsenceExtended, AbsenceReported, CaseSuspended, ReturnReported, SampleCollected, SampleKind, SampleSite,
        SuspensionCause, TestOutcome, TestResultRecorded, TestStage, TestVoided,
    };

    use super::*;

    fn day(day: i8) -> Date {
        Date::constant(2026, 3, day)
    }

    fn after(events: &[CaseEvent]) -> Overlay {
        let mut overlay = Overlay::default();
        events.iter().for_each(|event| overlay.evolve(event));
        overlay
    }

    fn reported(absence: u32) -> CaseEvent {
        let fact = AbsenceReported {
            absence,
            reported_on: day(2),
            from: day(5),
            to: day(9),
            destination: "520181".into(),
            purpose: waystation_domain::Personal::default(),
            obligation: 3,
        };
        fact.into()
    }

    #[test]
    fn leave_runs_from_its_first_day_until_the_return_or_custody() {
        let away = after(&[reported(1)]);
        assert!(away.leave_on(day(4)).is_none() && away.leave_on(day(12)).is_some());
        let extended = CaseEvent::from(AbsenceExtended {
            absence: 1,
            reported_on: day(8),
            to: day(14),
            obligation: 4,
        });
        let longer = after(&[reported(1), extended.clone()]);
        assert_eq!(
            (longer.leaves.len(), longer.leaves[0].from, longer.leaves[0].to),
            (1, day(5), day(14))
        );
        let back = ReturnReported { absence: 1, on: day(9) };
        assert!(after(&[reported(1), back.into()]).is_empty());
        let custody = CaseEvent::from(CaseSuspended {
            from: day(7),
            cause: SuspensionCause::Detained,
            document_no: waystation_domain::Personal::default(),
        });
        assert!(after(&[reported(1), custody.clone()]).leave_on(day(8)).is_none());
        let again = after(&[reported(1), custody, extended]);
        assert_eq!(again.leaves[0].from, day(8), "from the day on which they said so");
    }

    #[test]
    fn the_last_test_is_the_one_of_the_last_day_and_says_how_it_stands() {
        let sample = |test, on| {
            CaseEvent::from(SampleCollected {
                test,
                on,
                kind: SampleKind::Urine,
                site: SampleSite::Station,
                collectors: Vec::new(),
                hair: None,
            })
        };
        let result = |test| {
            CaseEvent::from(TestResultRecorded {
                test,
                on: day(9),
                stage: TestStage::Field,
                outcome: TestOutcome::Positive,
            })
        };
        let last = |events: &[CaseEvent]| after(events).last_test().map(|last| (last.test, last.standing));
        let recorded_later = [sample(2, day(8)), sample(1, day(5)), result(1), result(2)];
        assert_eq!(last(&recorded_later), Some((2, TestStanding::PresumptivePositive)));
        let void = [sample(1, day(5)), sample(2, day(6)), TestVoided { test: 2 }.into()];
        assert_eq!(last(&void), Some((1, TestStanding::Collected)), "there is none like it");
    }
}
