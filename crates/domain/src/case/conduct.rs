//! How absences, tests and breaches stand after an event.

use super::absence::{Absence, AbsenceState};
use super::breach::told;
use super::drug_test::{DrugTest, SampleKind, TestStage, TestState};
use super::event::CaseEvent;
use super::state::{Case, Pending, index};

impl Case {
    pub(super) fn conduct(&mut self, event: &CaseEvent) {
        match event {
            CaseEvent::AbsenceReported(fact) => self.absences.push(Absence {
                from: fact.from,
                to: fact.to,
                approved: false,
                state: AbsenceState::Reported(fact.obligation),
            }),
            CaseEvent::AbsenceExtended(fact) => {
                if let Some(absence) = at(&mut self.absences, fact.absence) {
                    (absence.to, absence.state) = (fact.to, AbsenceState::Reported(fact.obligation));
                }
            }
            CaseEvent::AbsenceAlleged(fact) => self.absences.push(Absence {
                from: fact.from,
                to: fact.to,
                approved: false,
                state: AbsenceState::Alleged(fact.by.clone()),
            }),
            CaseEvent::ReturnReported(fact) => {
                if let Some(absence) = at(&mut self.absences, fact.absence) {
                    // What they stayed beyond their report was not reported.
                    absence.to = absence.to.min(fact.on);
                    absence.state = AbsenceState::Returned;
                }
            }
            CaseEvent::AbsenceCounted(fact) => {
                if let Some(absence) = at(&mut self.absences, fact.absence)
                    && let AbsenceState::Alleged(by) = &absence.state
                {
                    absence.state = AbsenceState::Counted(by.clone(), fact.days);
                }
            }
            CaseEvent::AbsenceWithdrawn(fact) => {
                if let Some(absence) = at(&mut self.absences, fact.absence) {
                    absence.state = AbsenceState::Withdrawn;
                }
            }
            CaseEvent::LeaveApproved(fact) => {
                if let Some(absence) = at(&mut self.absences, fact.absence) {
                    absence.approved = true;
                }
            }
            CaseEvent::LeaveRefused(fact) => {
                if let Some(absence) = at(&mut self.absences, fact.absence) {
                    absence.state = AbsenceState::Refused;
                }
            }
            CaseEvent::TestNoticeServed(fact) => self.tests.push(DrugTest::noticed(fact.on, fact.due_on)),
            CaseEvent::TestCompelled(fact) => self.tests.push(DrugTest {
                compels: Some(fact.refused),
                ..DrugTest::noticed(fact.on, fact.on)
            }),
            CaseEvent::TestEntrusted(fact) => {
                if let Some(test) = at(&mut self.tests, fact.test) {
                    test.entrusted = Some((fact.on, fact.valid_to));
                }
            }
            CaseEvent::SampleCollected(fact) => {
                let run = self.suspensions.len();
                if let Some(test) = at(&mut self.tests, fact.test) {
                    test.collected_on = Some(fact.on);
                    test.run = run;
                    test.urine_on = (fact.kind == SampleKind::Urine).then_some(fact.on);
                    test.state = TestState::Collected;
                }
            }
            CaseEvent::TestResultRecorded(fact) => {
                if let Some(test) = at(&mut self.tests, fact.test) {
                    test.told_on.get_or_insert(fact.on);
                    test.read_on = Some(fact.on);
                    test.state = match fact.stage {
                        TestStage::Field => TestState::Field(fact.outcome),
                        TestStage::Laboratory => TestState::Laboratory(fact.outcome),
                    };
                }
            }
            CaseEvent::TestRefused(fact) => {
                if let Some(test) = at(&mut self.tests, fact.test) {
                    test.refused_on = Some(fact.on);
                    test.evaded = fact.evaded;
                    test.state = TestState::Refused(fact.by.clone());
                }
            }
            CaseEvent::TestRefusalCounted(fact) => {
                if let Some(test) = at(&mut self.tests, fact.test)
                    && let TestState::Refused(by) = &test.state
                {
                    test.state = TestState::RefusalCounted(by.clone());
                }
            }
            CaseEvent::TestRefusalWithdrawn(fact) => {
                if let Some(test) = at(&mut self.tests, fact.test) {
                    test.refused_on = None;
                    test.state = TestState::Noticed;
                }
            }
            CaseEvent::ResultObjected(fact) => {
                if let Some(test) = at(&mut self.tests, fact.test) {
                    test.objected_on = Some(fact.on);
                }
            }
            CaseEvent::RefusalConfirmed(_) => self.referral.refusal = Pending::Untold,
            CaseEvent::WarningIssued(fact) => self.warned = Some((fact.on, fact.step)),
            CaseEvent::TestVoidProposed(fact) => {
                if let Some(test) = at(&mut self.tests, fact.test) {
                    test.void_by = Some(fact.by.clone());
                }
            }
            CaseEvent::TestVoided(fact) => {
                if let Some(test) = at(&mut self.tests, fact.test) {
                    (test.refused_on, test.urine_on, test.state) = (None, None, TestState::Void);
                }
            }
            CaseEvent::RelapseConfirmed(fact) => {
                self.relapses.push(fact.test);
                self.referral.relapse = Pending::Untold;
            }
            CaseEvent::SeriousBreachConfirmed(fact) => {
                self.breaches.push((fact.ground, fact.evidence.clone()));
                self.referral.breach = Pending::Untold;
            }
            CaseEvent::BreachWithdrawn(_) => {
                self.breaches.pop();
                self.referral.breach = Pending::No;
            }
            CaseEvent::ReferredToPolice(fact) => {
                self.referral = told(self, fact.on);
            }
            CaseEvent::PoliceOutcomeRecorded(fact) => {
                self.referral = self.referral.answered(fact.on);
                self.outcome_on = Some(fact.on);
            }
            CaseEvent::ReportedIn(_) if self.referral.refusal == Pending::Untold => self.referral.refusal = Pending::No,
            _ => {}
        }
    }
}

fn at<T>(list: &mut [T], number: u32) -> Option<&mut T> {
    list.get_mut(index(number)?)
}
