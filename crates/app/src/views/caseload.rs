//! Caseload: one document a case, as the worker's list shows it.

mod overlay;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use waystation_domain::case::{CaseEvent, ObligationKind, Programme, Stage, Transfer};
use waystation_domain::{Date, Fact, Field};

use crate::recorded::Recorded;
use crate::view::{Keys, View};

pub use overlay::{LastTest, Leave, Overlay};

/// The caseload view.
pub struct Caseload;

/// An open obligation, as the list shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenObligation {
    /// Number within the case.
    pub number: u32,
    /// What.
    pub kind: ObligationKind,
    /// Last day in time.
    pub window_to: Date,
    /// The clock saw it pass.
    pub past_due: bool,
}

/// One case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseSummary {
    /// Random id of the person.
    pub person: String,
    /// Station.
    pub station: String,
    /// Programme.
    pub programme: Programme,
    /// Where the case stands.
    pub stage: Stage,
    /// Position of the newest event with each sealed field.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub places: BTreeMap<Field, u64>,
    /// Months of the programme.
    pub term_months: i32,
    /// Worker in charge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<String>,
    /// First day of the term.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub term_start: Option<Date>,
    /// Day the term ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub term_end: Option<Date>,
    /// Day of the last check-in or talk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_contact: Option<Date>,
    /// Obligations of the participant neither met nor cancelled.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub obligations: Vec<OpenObligation>,
    /// The transfer under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfer: Option<Transfer>,
    /// What is shown beside the stage.
    #[serde(default, skip_serializing_if = "Overlay::is_empty")]
    pub overlay: Overlay,
    /// Revision of the case's stream.
    pub revision: u64,
}

impl CaseSummary {
    /// Last day of the next obligation that is not past due.
    pub fn next_due(&self) -> Option<Date> {
        self.obligations
            .iter()
            .filter(|open| !open.past_due)
            .map(|open| open.window_to)
            .min()
    }

    /// Past-due obligations.
    pub fn past_due(&self) -> usize {
        self.obligations.iter().filter(|open| open.past_due).count()
    }
}

/// Keys of the caseload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum CaseloadKey {
    /// station, case.
    Station = 0,
    /// station, stage, case.
    StationStage = 1,
    /// station, worker (empty when unassigned), case.
    StationWorker = 2,
    /// station, next due day (`9999` when none), case.
    StationNextDue = 3,
    /// case, for lists over all stations.
    Everywhere = 4,
    /// person, case.
    Person = 5,
    /// station on either side of a transfer under way, case.
    Transfer = 6,
}

impl View for Caseload {
    type Document = CaseSummary;
    const NAME: &'static str = "caseload";
    const VERSION: u32 = 4;

    fn touched(recorded: &Recorded) -> Vec<String> {
        match recorded.fact {
            Fact::Case(_) => vec![recorded.id().to_owned()],
            _ => Vec::new(),
        }
    }

    fn creates(recorded: &Recorded) -> bool {
        matches!(recorded.fact, Fact::Case(CaseEvent::OrderRegistered(_)))
    }

    fn apply(_: &str, document: Option<CaseSummary>, recorded: &Recorded) -> Option<CaseSummary> {
        let Fact::Case(event) = &recorded.fact else {
            return document;
        };
        if let CaseEvent::OrderRegistered(fact) = event {
            return Some(CaseSummary {
                person: fact.person.clone(),
                station: fact.station.clone(),
                programme: fact.programme,
                stage: Stage::Ordered,
                places: recorded.sealed_fields(),
                term_months: fact.term_months,
                worker: None,
                term_start: None,
                term_end: None,
                last_contact: None,
                obligations: Vec::new(),
                transfer: None,
                overlay: Overlay::default(),
                revision: recorded.event.revision,
            });
        }
        let mut case = document?;
        case.revision = recorded.event.revision;
        case.stage = case.stage.after(event, case.transfer.is_some());
        case.transfer = Transfer::after(case.transfer.take(), event);
        case.overlay.evolve(event);
        match event {
            CaseEvent::AgreementSigned(_) | CaseEvent::AgreementAmended(_) | CaseEvent::CaseFileOpened(_) => {
                case.places.extend(recorded.sealed_fields());
            }
            CaseEvent::TransferReportedIn(fact) => {
                case.station.clone_from(&fact.to_station);
                case.worker = None;
            }
            CaseEvent::WorkerAssigned(fact) => case.worker = Some(fact.worker.clone()),
            CaseEvent::CheckInRecorded(fact) => case.last_contact = case.last_contact.max(Some(fact.on)),
            CaseEvent::TalkRecorded(fact) => case.last_contact = case.last_contact.max(Some(fact.on)),
            CaseEvent::TermRecalculated(fact) => {
                case.term_start = Some(fact.start);
                case.term_end = Some(fact.end);
            }
            CaseEvent::ObligationOpened(fact) if fact.kind.is_participants() => {
                case.obligations.push(OpenObligation {
                    number: fact.number,
                    kind: fact.kind,
                    window_to: fact.window_to,
                    past_due: false,
                });
            }
            CaseEvent::ObligationFulfilled(fact) => case.obligations.retain(|open| open.number != fact.number),
            CaseEvent::ObligationCancelled(fact) => case.obligations.retain(|open| open.number != fact.number),
            CaseEvent::ObligationExcused(fact) => case.obligations.retain(|open| open.number != fact.number),
            CaseEvent::ContactVoided(fact) => case.last_contact = fact.last,
            CaseEvent::ObligationReopened(fact) => {
                case.obligations.push(OpenObligation {
                    number: fact.number,
                    kind: fact.kind,
                    window_to: fact.window_to,
                    past_due: fact.late,
                });
                case.obligations.sort_by_key(|open| open.number);
            }
            CaseEvent::ObligationPastDue(fact) => {
                for open in &mut case.obligations {
                    open.past_due |= open.number == fact.number;
                }
            }
            CaseEvent::OrderVaried(fact) => case.term_months = fact.term_months,
            CaseEvent::ObligationMissedConfirmed(_)
            | CaseEvent::BranchAssigned(_)
            | CaseEvent::RelapseConfirmed(_)
            | CaseEvent::BreachWithdrawn(_)
            | CaseEvent::AbsenceReported(_)
            | CaseEvent::ReturnReported(_)
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
            | CaseEvent::ReferredToPolice(_)
            | CaseEvent::PoliceOutcomeRecorded(_)
            | CaseEvent::OrderRegistered(_)
            | CaseEvent::OrderServed(_)
            | CaseEvent::ReportedIn(_)
            | CaseEvent::ReportInDeadlinePassed(_)
            | CaseEvent::CaseSuspended(_)
            | CaseEvent::CaseResumed(_)
            | CaseEvent::TransferProposed(_)
            | CaseEvent::TransferMaterialsSent(_)
            | CaseEvent::TransferAccepted(_)
            | CaseEvent::TransferRejected(_)
            | CaseEvent::TransferWithdrawn(_)
            | CaseEvent::CaseTerminated(_)
            | CaseEvent::CaseDischarged(_)
            | CaseEvent::DualControlStarted(_)
            | CaseEvent::DualControlAnswered(_)
            | CaseEvent::DualControlEnded(_)
            | CaseEvent::OrderRevoked(_)
            | CaseEvent::LostContactRecorded(_)
            | CaseEvent::ContactRestored(_)
            | CaseEvent::DynamicControlEnded(_)
            | CaseEvent::ResultObjected(_)
            | CaseEvent::RefusalConfirmed(_)
            | CaseEvent::WarningIssued(_)
            | CaseEvent::RiskScored(_)
            | CaseEvent::RiskClassConfirmed(_)
            | CaseEvent::RiskClassContested(_)
            | CaseEvent::AbsenceExtended(_)
            | CaseEvent::ReleaseHandoverReceived(_)
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
            | CaseEvent::HomeVisitRecorded(_)
            | CaseEvent::PhoneCheckRecorded(_)
            | CaseEvent::SupportTeamFormed(_)
            | CaseEvent::TestVoidProposed(_)
            | CaseEvent::TestVoided(_)
            | CaseEvent::TermExpired(_)
            | CaseEvent::ObligationOpened(_) => {}
        }
        Some(case)
    }

    fn keys(id: &str, case: &CaseSummary, keys: &mut Keys) {
        let station = case.station.as_str();
        let worker = case.worker.as_deref().unwrap_or_default();
        let due = case.next_due().map_or_else(|| "9999".to_owned(), |day| day.to_string());
        keys.add(CaseloadKey::Station as u16, &[station, id]);
        keys.add(CaseloadKey::StationStage as u16, &[station, case.stage.as_str(), id]);
        keys.add(CaseloadKey::StationWorker as u16, &[station, worker, id]);
        keys.add(CaseloadKey::StationNextDue as u16, &[station, &due, id]);
        keys.add(CaseloadKey::Everywhere as u16, &[id]);
        keys.add(CaseloadKey::Person as u16, &[&case.person, id]);
        if let Some(transfer) = &case.transfer {
            for side in [&transfer.from, &transfer.to] {
                keys.add(CaseloadKey::Transfer as u16, &[side, id]);
            }
        }
    }
}
