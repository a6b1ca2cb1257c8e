//! Where a case stands, and where an event takes it.

use serde::{Deserialize, Serialize};

use super::event::CaseEvent;

/// Where a case stands (the transition table of the domain study, as far as built).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Stage {
    /// Nothing is known.
    #[default]
    Unregistered,
    /// The order is on file, not yet served.
    Ordered,
    /// Served; the person has to report.
    AwaitingReportIn,
    /// The clock saw the deadline pass.
    ReportInOverdue,
    /// Reported; the agreement is not signed.
    Reported,
    /// Under agreement.
    Active,
    /// Detained or arrested.
    Suspended,
    /// The term ended; the police owe the notice.
    TermExpiredAwaitingNotice,
    /// Ended by notice.
    Discharged,
    /// Ended otherwise.
    Terminated,
    /// A serious breach is before the police; everything else goes on.
    BreachReferred,
    /// A relapse is before the police; everything else goes on.
    RelapseReferred,
    /// Another station is to carry the order on; everything else goes on.
    TransferPending,
    /// Not reporting was confirmed as a refusal, which is before the police.
    RefusalReferred,
    /// The order was revoked.
    Voided,
}

impl Stage {
    /// All stages, in the order of their numbers in the API.
    pub const ALL: [Stage; 15] = [
        Stage::Unregistered,
        Stage::Ordered,
        Stage::AwaitingReportIn,
        Stage::ReportInOverdue,
        Stage::Reported,
        Stage::Active,
        Stage::Suspended,
        Stage::TermExpiredAwaitingNotice,
        Stage::Discharged,
        Stage::Terminated,
        Stage::BreachReferred,
        Stage::RelapseReferred,
        Stage::TransferPending,
        Stage::RefusalReferred,
        Stage::Voided,
    ];

    /// The stored name.
    pub fn as_str(self) -> &'static str {
        match self {
            Stage::Unregistered => "UNREGISTERED",
            Stage::Ordered => "ORDERED",
            Stage::AwaitingReportIn => "AWAITING_REPORT_IN",
            Stage::ReportInOverdue => "REPORT_IN_OVERDUE",
            Stage::Reported => "REPORTED",
            Stage::Active => "ACTIVE",
            Stage::Suspended => "SUSPENDED",
            Stage::TermExpiredAwaitingNotice => "TERM_EXPIRED_AWAITING_NOTICE",
            Stage::Discharged => "DISCHARGED",
            Stage::Terminated => "TERMINATED",
            Stage::BreachReferred => "BREACH_REFERRED",
            Stage::RelapseReferred => "RELAPSE_REFERRED",
            Stage::TransferPending => "TRANSFER_PENDING",
            Stage::RefusalReferred => "REFUSAL_REFERRED",
            Stage::Voided => "VOIDED",
        }
    }

    /// Whether the case is over.
    pub fn is_closed(self) -> bool {
        matches!(self, Stage::Discharged | Stage::Terminated | Stage::Voided)
    }

    /// Whether the agreement binds: what is owed under it runs.
    pub fn is_bound(self) -> bool {
        matches!(
            self,
            Stage::Active | Stage::TransferPending | Stage::BreachReferred | Stage::RelapseReferred
        )
    }

    /// The stage after an event, of a case that is or is not on its way to another station; what every view of a case agrees
    /// on.
    #[must_use]
    pub fn after(self, event: &CaseEvent, on_its_way: bool) -> Stage {
        let running = if on_its_way {
            Stage::TransferPending
        } else {
            Stage::Active
        };
        match event {
            CaseEvent::OrderRegistered(_) => Stage::Ordered,
            CaseEvent::OrderServed(_) => Stage::AwaitingReportIn,
            CaseEvent::ReportInDeadlinePassed(_) => Stage::ReportInOverdue,
            CaseEvent::ReportedIn(_) => Stage::Reported,
            CaseEvent::CaseResumed(_) => running,
            CaseEvent::AgreementSigned(_) => match self {
                Stage::Reported | Stage::TransferPending => Stage::Active,
                other => other,
            },
            CaseEvent::TransferProposed(_) => Stage::TransferPending,
            CaseEvent::TransferRejected(_) | CaseEvent::TransferWithdrawn(_) => match self {
                Stage::TransferPending => Stage::Active,
                other => other,
            },
            CaseEvent::CaseSuspended(_) => Stage::Suspended,
            CaseEvent::TermExpired(_) => Stage::TermExpiredAwaitingNotice,
            CaseEvent::CaseTerminated(_) => Stage::Terminated,
            CaseEvent::CaseDischarged(_) => Stage::Discharged,
            CaseEvent::SeriousBreachConfirmed(_) => Stage::BreachReferred,
            CaseEvent::RelapseConfirmed(_) => Stage::RelapseReferred,
            CaseEvent::RefusalConfirmed(_) => Stage::RefusalReferred,
            CaseEvent::OrderRevoked(_) => Stage::Voided,
            CaseEvent::PoliceOutcomeRecorded(_) => match self {
                Stage::BreachReferred | Stage::RelapseReferred => running,
                Stage::RefusalReferred => Stage::ReportInOverdue,
                other => other,
            },
            CaseEvent::BreachWithdrawn(_) => match self {
                Stage::BreachReferred => running,
                other => other,
            },
            CaseEvent::AbsenceReported(_)
            | CaseEvent::ReturnReported(_)
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
            | CaseEvent::AbsenceAlleged(_)
            | CaseEvent::AbsenceCounted(_)
            | CaseEvent::AbsenceWithdrawn(_)
            | CaseEvent::TestNoticeServed(_)
            | CaseEvent::SampleCollected(_)
            | CaseEvent::TestResultRecorded(_)
            | CaseEvent::ResultObjected(_)
            | CaseEvent::WarningIssued(_)
            | CaseEvent::AbsenceExtended(_)
            | CaseEvent::HomeVisitRecorded(_)
            | CaseEvent::PhoneCheckRecorded(_)
            | CaseEvent::RiskScored(_)
            | CaseEvent::RiskClassConfirmed(_)
            | CaseEvent::RiskClassContested(_)
            | CaseEvent::LostContactRecorded(_)
            | CaseEvent::ContactRestored(_)
            | CaseEvent::DynamicControlEnded(_)
            | CaseEvent::TestRefused(_)
            | CaseEvent::TestRefusalCounted(_)
            | CaseEvent::TestRefusalWithdrawn(_)
            | CaseEvent::ReferredToPolice(_)
            | CaseEvent::CaseFileOpened(_)
            | CaseEvent::WorkerAssigned(_)
            | CaseEvent::AgreementAmended(_)
            | CaseEvent::BranchAssigned(_)
            | CaseEvent::CheckInRecorded(_)
            | CaseEvent::TalkRecorded(_)
            | CaseEvent::TermRecalculated(_)
            | CaseEvent::ObligationOpened(_)
            | CaseEvent::ObligationFulfilled(_)
            | CaseEvent::ObligationPastDue(_)
            | CaseEvent::ObligationExcused(_)
            | CaseEvent::ObligationMissedConfirmed(_)
            | CaseEvent::OrderVaried(_)
            | CaseEvent::TransferMaterialsSent(_)
            | CaseEvent::TransferAccepted(_)
            | CaseEvent::TransferReportedIn(_)
            | CaseEvent::DualControlStarted(_)
            | CaseEvent::DualControlAnswered(_)
            | CaseEvent::DualControlEnded(_)
            | CaseEvent::SupportTeamFormed(_)
            | CaseEvent::ContactVoided(_)
            | CaseEvent::TestVoidProposed(_)
            | CaseEvent::TestVoided(_)
            | CaseEvent::ObligationReopened(_)
            | CaseEvent::ObligationCancelled(_) => self,
        }
    }
}
