//! A care case: one programme order from registration to its end, with the obligations that run inside it.
//!
//! Obligations live in the case's own stream because their rules cross both: none may run while the case is suspended,
//! a check-in closes one and opens the next, and the clock's verdict must not race a late report.

pub mod absence;
pub mod breach;
pub mod drug_test;
pub mod dual_control;
pub mod event;
mod excuse_obligation;
pub mod obligation;
pub(crate) mod rules;
pub mod state;
pub mod support_team;

mod amend_agreement;
mod assign_to_branch;
mod assign_worker;
mod conduct;
mod confirm_missed;
mod confirm_refusal;
pub mod contact_lost;
pub mod document;
mod end_dynamic_control;
mod notify_obligation;
mod open_case_file;
pub mod order;
pub mod plan;
mod record_check_in;
mod record_discharge_notice;
mod record_release_handover;
mod record_service;
mod record_talk;
mod register_order;
mod report_in;
mod resume;
mod review;
mod revoke_order;
pub mod risk;
mod sign_agreement;
pub mod stage;
mod suspend;
mod terminate;
pub mod test_plan;
pub mod transfer;
mod vary_order;
pub mod visit;
pub mod voiding;
pub mod what_if;

pub use absence::{
    Absence, AbsenceAlleged, AbsenceCounted, AbsenceExtended, AbsenceReported, AbsenceState, AbsenceWithdrawn,
    AllegeAbsence, ApproveLeave, ConfirmAbsence, ExtendAbsence, FileAbsenceReport, LeaveApproved, LeaveRefused,
    RefuseLeave, ReportReturn, ReturnReported, WithdrawAbsence,
};
pub use amend_agreement::{AgreementAmended, AmendAgreement};
pub use assign_to_branch::{AssignToBranch, BranchAssigned};
pub use assign_worker::{AssignWorker, WorkerAssigned};
pub use breach::{
    BreachGround, BreachWithdrawn, ConfirmRelapse, ConfirmSeriousBreach, Counter, IssueWarning, PoliceOutcome,
    PoliceOutcomeRecorded, RecordPoliceOutcome, ReferToPolice, ReferredToPolice, RefusalConfirmed, RelapseConfirmed,
    SeriousBreachConfirmed, WarningIssued, WarningStep,
};
pub use confirm_missed::ConfirmMissed;
pub use confirm_refusal::ConfirmRefusal;
pub use contact_lost::{ContactRestored, LostContactRecorded, MarkFound, MarkLostContact};
pub use document::{Document, DocumentIssued, DocumentKind, DocumentServed, IssueDocument, ServeDocument, ServiceMode};
pub use drug_test::{
    ConfirmTestRefusal, DrugTest, EntrustTest, HairSample, LodgeObjection, NoticeMode, RecordCompelledTest,
    RecordSample, RecordTestRefusal, RecordTestResult, ResultObjected, SampleCollected, SampleKind, SampleSite,
    ServeTestNotice, TestCompelled, TestEntrusted, TestNoticeServed, TestOutcome, TestRefusalCounted,
    TestRefusalWithdrawn, TestRefused, TestResultRecorded, TestStage, TestState, WithdrawTestRefusal,
};
pub use dual_control::{
    AnswerDualControl, DualControl, DualControlAnswered, DualControlEnded, DualControlStarted, EndDualControl,
    StartDualControl,
};
pub use end_dynamic_control::{ControlAnchor, DynamicControlEnded, EndDynamicControl};
pub use event::{
    AgreementSigned, CaseDischarged, CaseEvent, CaseFileOpened, CaseResumed, CaseSuspended, CaseTerminated,
    CheckInMode, CheckInRecorded, ReportInDeadlinePassed, ReportedIn, SuspensionCause, TalkRecorded, TalkTopic,
    TermExpired, TermRecalculated, TerminationReason,
};
pub use excuse_obligation::ExcuseObligation;
pub use notify_obligation::NotifyObligation;
pub use obligation::{
    CancelReason, Debtor, Obligation, ObligationCancelled, ObligationExcused, ObligationFulfilled, ObligationKind,
    ObligationMissedConfirmed, ObligationNotified, ObligationOpened, ObligationPastDue, ObligationReopened,
    ObligationState,
};
pub use open_case_file::OpenCaseFile;
pub use order::{
    OrderRegistered, OrderRevoked, OrderServed, OrderVaried, PlaceBasis, Programme, ReleaseHandoverReceived,
    VariationBasis,
};
pub use plan::{
    ApproveCarePlan, CareGoal, CarePlan, CarePlanApproved, CarePlanDrafted, CarePlanReviewed, DraftCarePlan,
    PlanOutcome, PlanState, RecordSummary, ReviewCarePlan, SummaryKind, SummaryRecorded,
};
pub use record_check_in::RecordCheckIn;
pub use record_discharge_notice::RecordDischargeNotice;
pub use record_release_handover::RecordReleaseHandover;
pub use record_service::RecordService;
pub use record_talk::RecordTalk;
pub use register_order::RegisterOrder;
pub use report_in::ReportIn;
pub use resume::Resume;
pub use review::Review;
pub use revoke_order::RevokeOrder;
pub use risk::{
    Assessment, ConfirmRiskClass, ContestRiskClass, Risk, RiskClass, RiskClassConfirmed, RiskClassContested,
    RiskFactor, RiskScored, ScoreRisk,
};
pub use sign_agreement::SignAgreement;
pub use stage::Stage;
pub use state::{Case, Pending, Referral};
pub use support_team::{FormSupportTeam, SupportTeamFormed, TeamMember, TeamPlace};
pub use suspend::Suspend;
pub use terminate::Terminate;
pub use transfer::{
    AcceptTransfer, ProposeTransfer, RejectTransfer, ReportInAfterTransfer, SendTransferMaterials, Transfer,
    TransferAccepted, TransferMaterialsSent, TransferProposed, TransferRejected, TransferReportedIn, TransferWithdrawn,
    WithdrawTransfer,
};
pub use vary_order::VaryOrder;
pub use visit::{HomeVisitRecorded, Interviewee, PhoneCheckRecorded, RecordHomeVisit, RecordPhoneCheck};
pub use voiding::{
    ConfirmTestVoid, Contact, ContactVoided, ProposeTestVoid, TestVoidProposed, TestVoided, VoidContact,
};

#[cfg(test)]
pub(crate) mod tests {
    use jiff::civil::{Date, date};

    use super::*;
    use crate::spec::{Given, given};

    pub(crate) fn order() -> RegisterOrder {
        RegisterOrder {
            person: "p-1".into(),
            programme: Programme::CommunityDetox,
            order_no: "清公禁戒决字〔2026〕1号".into(),
            authority: "QINGZHEN_PSB".into(),
            decided_on: date(2026, 2, 20),
            notified_on: date(2026, 2, 24),
            term_months: 36,
            offset_days: 0,
            place_basis: PlaceBasis::Household,
            release_no: None,
        }
    }

    pub(crate) fn served_on(on: Date) -> RecordService {
        RecordService { on }
    }

    pub(crate) fn report(on: Date) -> ReportIn {
        ReportIn {
            on,
            identity_checked: true,
            justification: None,
        }
    }

    pub(crate) fn agreement(on: Date) -> SignAgreement {
        let clauses = ["MEASURES", "RULES", "LIABILITY"].map(String::from).to_vec();
        SignAgreement {
            on,
            agreement_no: "协议-1".into(),
            clauses,
        }
    }

    pub(crate) fn check_in(on: Date) -> RecordCheckIn {
        RecordCheckIn {
            on,
            mode: CheckInMode::InPerson,
            late_reason: None,
            evidence: Vec::new(),
        }
    }

    pub(crate) fn suspend(from: Date) -> Suspend {
        Suspend {
            from,
            cause: SuspensionCause::Detained,
            document_no: "拘留-1".into(),
        }
    }

    /// Reported on 2026-03-02.
    pub(crate) fn reported() -> Given<Case> {
        let day = date(2026, 3, 2);
        given::<Case>([])
            .then(&order())
            .then(&served_on(day))
            .then(&report(day))
    }

    /// Under agreement since 2026-03-02, term to 2029-03-02.
    pub(crate) fn active() -> Given<Case> {
        reported().then(&agreement(date(2026, 3, 2)))
    }
}
