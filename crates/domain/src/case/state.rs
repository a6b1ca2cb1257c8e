//! What a case is, folded from its events.

use jiff::civil::Date;

use super::absence::Absence;
use super::breach::{BreachGround, WarningStep};
use super::document::Document;
use super::drug_test::DrugTest;
use super::dual_control::DualControl;
use super::event::{CaseEvent, CheckInMode};
use super::obligation::{Met, Obligation, ObligationKind};
use super::order::Programme;
use super::plan::CarePlan;
use super::risk::Risk;
use super::stage::Stage;
use super::support_team::TeamMember;
use super::transfer::Transfer;
use super::voiding::Contact;
use crate::kernel::Aggregate;

/// How something that is reported to the police stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pending {
    /// There is nothing to report, or the police have answered.
    #[default]
    No,
    /// Confirmed, and the police are to be told.
    Untold,
    /// The police were told on this day, and have not answered.
    Told(Date),
}

impl Pending {
    /// Somebody has still to do something.
    pub fn is_open(self) -> bool {
        self != Pending::No
    }
}

/// What is before the police, or on its way to them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Referral {
    /// The breach that was confirmed last.
    pub breach: Pending,
    /// A relapse.
    pub relapse: Pending,
    /// Not reporting.
    pub refusal: Pending,
}

impl Referral {
    /// They have something to answer, or to be told.
    pub fn is_pending(self) -> bool {
        self.all().into_iter().any(Pending::is_open)
    }

    /// They are to be told of something.
    pub fn is_untold(self) -> bool {
        self.all().contains(&Pending::Untold)
    }

    /// First day on which they were told of something that they have not answered.
    pub fn told_on(self) -> Option<Date> {
        let told = self.all().into_iter().filter_map(|pending| match pending {
            Pending::Told(on) => Some(on),
            Pending::No | Pending::Untold => None,
        });
        told.min()
    }

    fn all(self) -> [Pending; 3] {
        [self.breach, self.relapse, self.refusal]
    }

    /// After they answered on a day: of what they were told later, they have still to.
    pub(super) fn answered(self, on: Date) -> Self {
        let left = |pending| match pending {
            Pending::Told(told) if told <= on => Pending::No,
            other => other,
        };
        Self {
            breach: left(self.breach),
            relapse: left(self.relapse),
            refusal: left(self.refusal),
        }
    }
}

/// The state of a case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Case {
    /// Where it stands.
    pub stage: Stage,
    /// Person it is about.
    pub person: String,
    /// Station that carries it out.
    pub station: String,
    /// Programme; `None` before registration.
    pub programme: Option<Programme>,
    /// Day the station was told of the order.
    pub notified_on: Option<Date>,
    /// Months of the programme.
    pub term_months: i32,
    /// Days that shorten the term.
    pub offset_days: i32,
    /// Day of service.
    pub served_on: Option<Date>,
    /// First day of the term.
    pub reported_on: Option<Date>,
    /// Day of the agreement.
    pub agreement_on: Option<Date>,
    /// Day of the last agreement or amendment.
    pub agreed_on: Option<Date>,
    /// The paper file was opened.
    pub file_open: bool,
    /// Staff id of the worker in charge.
    pub worker: Option<String>,
    /// Branch of the station that takes care of the participant; none at its main place.
    pub branch: Option<String>,
    /// Days of earlier suspensions.
    pub suspended_days: i32,
    /// Day the term ends.
    pub term_end: Option<Date>,
    /// Day the case ended.
    pub ended_on: Option<Date>,
    /// Obligations neither met nor cancelled; a past-due one stays until it is met late or the case ends.
    pub obligations: Vec<Obligation>,
    /// Obligations opened so far.
    pub obligations_opened: u32,
    /// Absences, by number from 1.
    pub absences: Vec<Absence>,
    /// Tests, by number from 1.
    pub tests: Vec<DrugTest>,
    /// Serious breaches that were confirmed: the ground and the numbers of what it rested on.
    pub breaches: Vec<(BreachGround, Vec<u32>)>,
    /// Tests that were confirmed as relapses.
    pub relapses: Vec<u32>,
    /// What is before the police.
    pub referral: Referral,
    /// Day on which the police decided last.
    pub outcome_on: Option<Date>,
    /// Last day of the newest window of each kind that is owed window after window.
    pub planned_to: Vec<(ObligationKind, Date)>,
    /// First day of every suspension, and first day after it.
    pub suspensions: Vec<(Date, Option<Date>)>,
    /// The transfer under way.
    pub transfer: Option<Transfer>,
    /// Dual control, as long as it runs.
    pub dual_control: Option<DualControl>,
    /// The support team, with its first day.
    pub team: Option<(Date, Vec<TeamMember>)>,
    /// Check-ins and talks.
    pub contacts: Vec<Contact>,
    /// Day from which nobody can reach the participant.
    pub lost_since: Option<Date>,
    /// How the risk stands.
    pub risk: Option<Risk>,
    /// Care plans, by number from 1.
    pub plans: Vec<CarePlan>,
    /// Papers that were issued, by number from 1.
    pub documents: Vec<Document>,
    /// The place of compulsory isolation handed the person over.
    pub handed_over: bool,
    /// The last admonition or warning.
    pub warned: Option<(Date, WarningStep)>,
    /// The participant is not dynamically controlled any more.
    pub dynamic_control_ended: bool,
    /// What was owed window after window, and met.
    pub met: Vec<Met>,
    /// Events so far: the revision of the next.
    pub events: u64,
}

impl Case {
    /// First day of the running suspension.
    pub fn suspended_from(&self) -> Option<Date> {
        let (from, until) = self.suspensions.last()?;
        until.is_none().then_some(*from)
    }

    /// Whether a suspension holds any of these days; who is detained on the last of them was there until then.
    pub(super) fn suspended_within(&self, from: Date, to: Date) -> bool {
        let mut suspensions = self.suspensions.iter();
        suspensions.any(|(first, until)| (*first < to || *first == from) && until.is_none_or(|until| from < until))
    }

    /// An absence by its number.
    pub fn absence(&self, number: u32) -> Option<&Absence> {
        self.absences.get(index(number)?)
    }

    /// A test by its number.
    pub fn test(&self, number: u32) -> Option<&DrugTest> {
        self.tests.get(index(number)?)
    }

    /// The number of the next absence.
    pub(super) fn next_absence(&self) -> u32 {
        u32::try_from(self.absences.len()).unwrap_or(u32::MAX).saturating_add(1)
    }

    /// The number of the next test.
    pub(super) fn next_test(&self) -> u32 {
        u32::try_from(self.tests.len()).unwrap_or(u32::MAX).saturating_add(1)
    }

    fn take(&mut self, number: u32) -> Option<Obligation> {
        let at = self.obligations.iter().position(|owed| owed.number == number)?;
        Some(self.obligations.remove(at))
    }

    fn contact(&mut self, on: Date, meeting: bool, talk: bool) {
        self.contacts.push(Contact {
            revision: self.events,
            on,
            meeting,
            talk,
            station: self.station.clone(),
            run: self.suspensions.len(),
            voided: false,
        });
    }

    /// Whether a window of a kind was opened after this day already.
    pub(super) fn is_planned_beyond(&self, kind: ObligationKind, day: Date) -> bool {
        self.planned_to
            .iter()
            .any(|(planned, to)| *planned == kind && *to > day)
    }

    /// The open (not past due) obligation of a kind.
    pub fn open(&self, kind: ObligationKind) -> Option<&Obligation> {
        self.obligations
            .iter()
            .find(|obligation| obligation.kind == kind && !obligation.past_due)
    }
}

/// Where what has a number from 1 on is.
pub(crate) fn index(number: u32) -> Option<usize> {
    usize::try_from(number).ok()?.checked_sub(1)
}

impl Aggregate for Case {
    const CATEGORY: &'static str = "case";
    type Event = CaseEvent;

    fn subject<'a>(&'a self, _: &'a str) -> &'a str {
        &self.person
    }

    fn evolve(&mut self, event: &CaseEvent) {
        self.stage = self.stage.after(event, self.transfer.is_some());
        self.conduct(event);
        self.transfer = Transfer::after(self.transfer.take(), event);
        self.dual_control = DualControl::after(self.dual_control.take(), event);
        self.at_risk(event);
        self.planned(event);
        self.documented(event);
        match event {
            CaseEvent::OrderRegistered(fact) => {
                self.person.clone_from(&fact.person);
                self.station.clone_from(&fact.station);
                self.programme = Some(fact.programme);
                self.notified_on = Some(fact.notified_on);
                self.term_months = fact.term_months;
                self.offset_days = fact.offset_days;
            }
            CaseEvent::OrderVaried(fact) => {
                self.term_months = fact.term_months;
                self.offset_days = fact.offset_days;
            }
            CaseEvent::OrderServed(fact) => self.served_on = Some(fact.on),
            CaseEvent::ReleaseHandoverReceived(_) => self.handed_over = true,
            CaseEvent::ReportedIn(fact) => self.reported_on = Some(fact.on),
            CaseEvent::TransferReportedIn(fact) => {
                self.station.clone_from(&fact.to_station);
                (self.worker, self.branch) = (None, None);
            }
            CaseEvent::AgreementSigned(fact) => {
                // Another one after a transfer binds whoever is bound already.
                self.agreement_on.get_or_insert(fact.on);
                self.agreed_on = Some(fact.on);
            }
            CaseEvent::AgreementAmended(fact) => self.agreed_on = Some(fact.on),
            CaseEvent::CaseFileOpened(_) => self.file_open = true,
            CaseEvent::WorkerAssigned(fact) => self.worker = Some(fact.worker.clone()),
            CaseEvent::BranchAssigned(fact) => self.branch.clone_from(&fact.branch),
            CaseEvent::CaseSuspended(fact) => self.suspensions.push((fact.from, None)),
            CaseEvent::CaseResumed(fact) => {
                if let Some(last) = self.suspensions.last_mut() {
                    last.1 = Some(fact.on);
                }
            }
            CaseEvent::TermRecalculated(fact) => {
                self.term_end = Some(fact.end);
                self.suspended_days = fact.suspended_days;
            }
            CaseEvent::ObligationOpened(fact) => {
                self.obligations_opened = fact.number;
                self.planned_to.retain(|(kind, _)| *kind != fact.kind);
                self.planned_to.push((fact.kind, fact.window_to));
                self.obligations.push(Obligation {
                    number: fact.number,
                    kind: fact.kind,
                    window_from: fact.window_from,
                    window_to: fact.window_to,
                    past_due: false,
                    missed: false,
                });
            }
            CaseEvent::ObligationFulfilled(fact) => {
                let (on, late) = (fact.on, fact.late);
                if let Some(owed) = self.take(fact.number)
                    && ObligationKind::PERIODIC.contains(&owed.kind)
                {
                    let station = self.station.clone();
                    self.met.push(Met {
                        owed,
                        on,
                        late,
                        station,
                        run: self.suspensions.len(),
                    });
                }
            }
            CaseEvent::ObligationReopened(fact) => {
                if let Some(at) = self.met.iter().position(|met| met.owed.number == fact.number) {
                    let (past_due, missed) = (fact.late, false);
                    let owed = Obligation {
                        past_due,
                        missed,
                        ..self.met.remove(at).owed
                    };
                    self.obligations.push(owed);
                    self.obligations.sort_by_key(|owed| owed.number);
                }
            }
            CaseEvent::CheckInRecorded(fact) => self.contact(fact.on, fact.mode == CheckInMode::InPerson, false),
            CaseEvent::TalkRecorded(fact) => self.contact(fact.on, true, true),
            CaseEvent::ContactVoided(fact) => {
                for contact in &mut self.contacts {
                    contact.voided |= contact.revision == fact.revision;
                }
            }
            CaseEvent::SupportTeamFormed(fact) => self.team = Some((fact.from, fact.members.clone())),
            CaseEvent::ObligationCancelled(fact) => self.obligations.retain(|open| open.number != fact.number),
            CaseEvent::ObligationExcused(fact) => self.obligations.retain(|open| open.number != fact.number),
            CaseEvent::ObligationMissedConfirmed(fact) => {
                for open in &mut self.obligations {
                    open.missed |= open.number == fact.number;
                }
            }
            CaseEvent::ObligationPastDue(fact) => {
                for open in &mut self.obligations {
                    open.past_due |= open.number == fact.number;
                }
            }
            CaseEvent::AbsenceReported(_)
            | CaseEvent::ReturnReported(_)
            | CaseEvent::CarePlanDrafted(_)
            | CaseEvent::CarePlanApproved(_)
            | CaseEvent::CarePlanReviewed(_)
            | CaseEvent::SummaryRecorded(_)
            | CaseEvent::DocumentIssued(_)
            | CaseEvent::DocumentServed(_)
            | CaseEvent::ObligationNotified(_)
            | CaseEvent::LeaveApproved(_)
            | CaseEvent::LeaveRefused(_)
            | CaseEvent::TestEntrusted(_)
            | CaseEvent::TestCompelled(_)
            | CaseEvent::AbsenceAlleged(_)
            | CaseEvent::AbsenceCounted(_)
            | CaseEvent::AbsenceWithdrawn(_)
            | CaseEvent::TestNoticeServed(_)
            | CaseEvent::SampleCollected(_)
            | CaseEvent::TestResultRecorded(_)
            | CaseEvent::TestRefused(_)
            | CaseEvent::TestRefusalCounted(_)
            | CaseEvent::TestRefusalWithdrawn(_)
            | CaseEvent::SeriousBreachConfirmed(_)
            | CaseEvent::RelapseConfirmed(_)
            | CaseEvent::BreachWithdrawn(_)
            | CaseEvent::ReferredToPolice(_)
            | CaseEvent::ResultObjected(_)
            | CaseEvent::RefusalConfirmed(_)
            | CaseEvent::WarningIssued(_)
            | CaseEvent::AbsenceExtended(_)
            | CaseEvent::HomeVisitRecorded(_)
            | CaseEvent::PhoneCheckRecorded(_)
            | CaseEvent::RiskScored(_)
            | CaseEvent::RiskClassConfirmed(_)
            | CaseEvent::RiskClassContested(_)
            | CaseEvent::PoliceOutcomeRecorded(_)
            | CaseEvent::ReportInDeadlinePassed(_)
            | CaseEvent::TestVoidProposed(_)
            | CaseEvent::TestVoided(_)
            | CaseEvent::TransferProposed(_)
            | CaseEvent::TransferMaterialsSent(_)
            | CaseEvent::TransferAccepted(_)
            | CaseEvent::TransferRejected(_)
            | CaseEvent::TransferWithdrawn(_)
            | CaseEvent::DualControlStarted(_)
            | CaseEvent::DualControlAnswered(_)
            | CaseEvent::DualControlEnded(_)
            | CaseEvent::TermExpired(_) => {}
            CaseEvent::LostContactRecorded(fact) => self.lost_since = Some(fact.on),
            CaseEvent::ContactRestored(_) => self.lost_since = None,
            CaseEvent::DynamicControlEnded(_) => self.dynamic_control_ended = true,
            CaseEvent::OrderRevoked(fact) => self.ended_on = Some(fact.effective_on),
            CaseEvent::CaseTerminated(fact) => self.ended_on = Some(fact.on),
            CaseEvent::CaseDischarged(fact) => self.ended_on = Some(fact.issued_on),
        }
        self.events += 1;
    }
}
