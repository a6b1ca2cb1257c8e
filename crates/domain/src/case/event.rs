//! What can have happened in a case.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::absence::{
    AbsenceAlleged, AbsenceCounted, AbsenceExtended, AbsenceReported, AbsenceWithdrawn, LeaveApproved, LeaveRefused,
    ReturnReported,
};
use super::amend_agreement::AgreementAmended;
use super::assign_to_branch::BranchAssigned;
use super::assign_worker::WorkerAssigned;
use super::breach::{
    BreachWithdrawn, PoliceOutcomeRecorded, ReferredToPolice, RefusalConfirmed, RelapseConfirmed,
    SeriousBreachConfirmed, WarningIssued,
};
use super::contact_lost::{ContactRestored, LostContactRecorded};
use super::document::{DocumentIssued, DocumentServed};
use super::drug_test::{
    ResultObjected, SampleCollected, TestCompelled, TestEntrusted, TestNoticeServed, TestRefusalCounted,
    TestRefusalWithdrawn, TestRefused, TestResultRecorded,
};
use super::dual_control::{DualControlAnswered, DualControlEnded, DualControlStarted};
use super::end_dynamic_control::DynamicControlEnded;
use super::obligation::{
    ObligationCancelled, ObligationExcused, ObligationFulfilled, ObligationMissedConfirmed, ObligationNotified,
    ObligationOpened, ObligationPastDue, ObligationReopened,
};
use super::order::{OrderRegistered, OrderRevoked, OrderServed, OrderVaried, ReleaseHandoverReceived};
use super::plan::{CarePlanApproved, CarePlanDrafted, CarePlanReviewed, SummaryRecorded};
use super::risk::{RiskClassConfirmed, RiskClassContested, RiskScored};
use super::support_team::SupportTeamFormed;
use super::transfer::{
    TransferAccepted, TransferMaterialsSent, TransferProposed, TransferRejected, TransferReportedIn, TransferWithdrawn,
};
use super::visit::{HomeVisitRecorded, PhoneCheckRecorded};
use super::voiding::{ContactVoided, TestVoidProposed, TestVoided};
use crate::kernel::events;
use crate::personal::{Field, Personal};

events! {
    /// Every fact of a case's stream.
    CaseEvent {
        /// The police order reached the station.
        "case.order_registered.v2" | "case.order_registered.v1" => OrderRegistered,
        /// The order was changed.
        "case.order_varied.v1" => OrderVaried,
        /// The order was revoked.
        "case.order_revoked.v1" => OrderRevoked,
        /// The order was served on the person.
        "case.order_served.v1" => OrderServed,
        /// The place of compulsory isolation handed the person over.
        "case.release_handover.v1" => ReleaseHandoverReceived,
        /// The person reported to the station.
        "case.reported_in.v2" | "case.reported_in.v1" => ReportedIn,
        /// The clock saw the report-in deadline pass.
        "case.report_in_deadline_passed.v1" => ReportInDeadlinePassed,
        /// The agreement was signed.
        "case.agreement_signed.v2" | "case.agreement_signed.v1" => AgreementSigned,
        /// The agreement was amended.
        "case.agreement_amended.v1" => AgreementAmended,
        /// A branch of the station takes the participant over, or gives them back.
        "case.branch_assigned.v1" => BranchAssigned,
        /// The case file was opened.
        "case.file_opened.v2" | "case.file_opened.v1" => CaseFileOpened,
        /// A case worker was put in charge.
        "case.worker_assigned.v1" => WorkerAssigned,
        /// Periodic contact.
        "case.check_in_recorded.v1" => CheckInRecorded,
        /// A talk about life, thoughts and health.
        "case.talk_recorded.v2" | "case.talk_recorded.v1" => TalkRecorded,
        /// Detention or arrest stops the programme.
        "case.suspended.v2" | "case.suspended.v1" => CaseSuspended,
        /// It goes on.
        "case.resumed.v2" | "case.resumed.v1" => CaseResumed,
        /// When the programme starts and ends, as far as is known.
        "case.term_recalculated.v1" => TermRecalculated,
        /// The clock saw the term end.
        "case.term_expired.v1" => TermExpired,
        /// Nobody can reach the participant.
        "case.contact_lost.v1" => LostContactRecorded,
        /// The participant can be reached again.
        "case.contact_restored.v1" => ContactRestored,
        /// Dynamic control has ended.
        "case.dynamic_control_ended.v1" => DynamicControlEnded,
        /// The case ended before its term.
        "case.terminated.v2" | "case.terminated.v1" => CaseTerminated,
        /// The police discharged the person.
        "case.discharged.v2" | "case.discharged.v1" => CaseDischarged,
        /// The participant said that they will be away.
        "absence.reported.v1" => AbsenceReported,
        /// They stay longer than they had said.
        "absence.extended.v1" => AbsenceExtended,
        /// It was approved.
        "leave.approved.v1" => LeaveApproved,
        /// It was not approved.
        "leave.refused.v1" => LeaveRefused,
        /// They came back from it.
        "absence.return_reported.v1" => ReturnReported,
        /// Somebody says that the participant was away without a report.
        "absence.alleged.v1" => AbsenceAlleged,
        /// Somebody else confirmed it.
        "absence.counted.v1" => AbsenceCounted,
        /// It was not so, or had a good reason.
        "absence.withdrawn.v1" => AbsenceWithdrawn,
        /// The participant was told to come for a test.
        "test.notice_served.v1" => TestNoticeServed,
        /// It may be taken elsewhere.
        "test.entrusted.v1" => TestEntrusted,
        /// The police compel one in place of one that was refused.
        "test.compelled.v1" => TestCompelled,
        /// A sample was taken.
        "test.sample_collected.v1" => SampleCollected,
        /// A test of the sample was read.
        "test.result_recorded.v1" => TestResultRecorded,
        /// The participant objected to it.
        "test.result_objected.v1" => ResultObjected,
        /// Somebody says that the participant refused or evaded the test.
        "test.refused.v1" => TestRefused,
        /// Somebody else confirmed it.
        "test.refusal_counted.v1" => TestRefusalCounted,
        /// It was no refusal, or had a good reason.
        "test.refusal_withdrawn.v1" => TestRefusalWithdrawn,
        /// What counts reached a threshold of the statute.
        "breach.confirmed.v1" => SeriousBreachConfirmed,
        /// A laboratory's positive result is a relapse.
        "breach.relapse_confirmed.v1" => RelapseConfirmed,
        /// What it rested on does not reach the threshold any more.
        "breach.withdrawn.v1" => BreachWithdrawn,
        /// Not reporting is a refusal.
        "breach.refusal_confirmed.v1" => RefusalConfirmed,
        /// The participant was admonished or warned.
        "breach.warning_issued.v1" => WarningIssued,
        /// The risk was scored.
        "risk.scored.v1" => RiskScored,
        /// A person confirmed its class, or said otherwise.
        "risk.class_confirmed.v1" => RiskClassConfirmed,
        /// The participant does not agree.
        "risk.class_contested.v1" => RiskClassContested,
        /// The breach was reported to the police.
        "breach.referred.v1" => ReferredToPolice,
        /// The police answered.
        "breach.police_outcome_recorded.v1" => PoliceOutcomeRecorded,
        /// The station proposed that another carries the order on.
        "transfer.proposed.v1" => TransferProposed,
        /// The materials went to the other station.
        "transfer.materials_sent.v1" => TransferMaterialsSent,
        /// The other station accepted.
        "transfer.accepted.v1" => TransferAccepted,
        /// The other station does not take the participant.
        "transfer.rejected.v1" => TransferRejected,
        /// It is not proposed any more.
        "transfer.withdrawn.v1" => TransferWithdrawn,
        /// The participant reported to the other station, whose case it is.
        "transfer.reported_in.v1" => TransferReportedIn,
        /// Another station was asked to look after the participant too.
        "dual_control.started.v1" => DualControlStarted,
        /// It answered.
        "dual_control.answered.v1" => DualControlAnswered,
        /// It is over.
        "dual_control.ended.v1" => DualControlEnded,
        /// Somebody went to see the participant at home.
        "visit.home_recorded.v1" => HomeVisitRecorded,
        /// Somebody called to check.
        "visit.phone_recorded.v1" => PhoneCheckRecorded,
        /// A care plan was drafted.
        "plan.drafted.v1" => CarePlanDrafted,
        /// Somebody else approved it.
        "plan.approved.v1" => CarePlanApproved,
        /// The plan was looked at again.
        "plan.reviewed.v1" => CarePlanReviewed,
        /// The station summed up how things went.
        "summary.recorded.v1" => SummaryRecorded,
        /// A paper was issued.
        "document.issued.v1" => DocumentIssued,
        /// It reached whom it is for.
        "document.served.v1" => DocumentServed,
        /// A support team was formed, or formed anew.
        "team.formed.v1" => SupportTeamFormed,
        /// A check-in or talk was none.
        "void.contact.v1" => ContactVoided,
        /// Somebody says that a test was none.
        "void.test_proposed.v1" => TestVoidProposed,
        /// Somebody else confirmed it.
        "void.test.v1" => TestVoided,
        /// What met it was none.
        "obligation.reopened.v1" => ObligationReopened,
        /// Something became due.
        "obligation.opened.v1" => ObligationOpened,
        /// The participant was told of it.
        "obligation.notified.v1" => ObligationNotified,
        /// It was done.
        "obligation.fulfilled.v1" => ObligationFulfilled,
        /// The clock saw it not done in time.
        "obligation.past_due.v1" => ObligationPastDue,
        /// It had a good reason.
        "obligation.excused.v1" => ObligationExcused,
        /// A supervisor says that it was missed.
        "obligation.missed_confirmed.v1" => ObligationMissedConfirmed,
        /// It no longer applies.
        "obligation.cancelled.v1" => ObligationCancelled,
    }
}

impl CaseEvent {
    fn sealed_fields(&self) -> Vec<(Field, &Personal)> {
        match self {
            CaseEvent::OrderRegistered(fact) => {
                vec![(Field::OrderNo, &fact.order_no), (Field::ReleaseNo, &fact.release_no)]
            }
            CaseEvent::OrderVaried(fact) => vec![(Field::DocumentNo, &fact.document_no)],
            CaseEvent::OrderRevoked(fact) => vec![(Field::DocumentNo, &fact.document_no)],
            CaseEvent::WarningIssued(fact) => {
                vec![(Field::DocumentNo, &fact.document_no), (Field::Note, &fact.statement)]
            }
            CaseEvent::ReportedIn(fact) => vec![(Field::Justification, &fact.justification)],
            CaseEvent::AgreementSigned(fact) => vec![(Field::AgreementNo, &fact.agreement_no)],
            CaseEvent::AgreementAmended(fact) => vec![(Field::AgreementNo, &fact.agreement_no)],
            CaseEvent::CaseFileOpened(fact) => vec![(Field::FileNo, &fact.file_no)],
            CaseEvent::CheckInRecorded(fact) => vec![(Field::Reason, &fact.late_reason)],
            CaseEvent::TalkRecorded(fact) => vec![(Field::Reason, &fact.late_reason), (Field::Note, &fact.note)],
            CaseEvent::CaseSuspended(fact) => vec![(Field::DocumentNo, &fact.document_no)],
            CaseEvent::CaseResumed(fact) => vec![(Field::DocumentNo, &fact.document_no)],
            CaseEvent::CaseTerminated(fact) => vec![(Field::DocumentNo, &fact.document_no)],
            CaseEvent::CaseDischarged(fact) => vec![(Field::NoticeNo, &fact.notice_no)],
            CaseEvent::AbsenceReported(fact) => vec![(Field::Note, &fact.purpose)],
            CaseEvent::AbsenceAlleged(fact) => vec![(Field::Note, &fact.how_known)],
            CaseEvent::AbsenceWithdrawn(fact) => vec![(Field::Reason, &fact.reason)],
            CaseEvent::ObligationExcused(fact) => vec![(Field::Reason, &fact.reason)],
            CaseEvent::TestRefused(fact) => vec![(Field::Note, &fact.facts)],
            CaseEvent::TestRefusalWithdrawn(fact) => vec![(Field::Reason, &fact.reason)],
            CaseEvent::ReferredToPolice(fact) => vec![(Field::DocumentNo, &fact.document_no)],
            CaseEvent::PoliceOutcomeRecorded(fact) => vec![(Field::DocumentNo, &fact.document_no)],
            CaseEvent::TransferProposed(fact) => vec![(Field::Reason, &fact.reason)],
            CaseEvent::TransferRejected(fact) => vec![(Field::Reason, &fact.reason)],
            CaseEvent::TransferWithdrawn(fact) => vec![(Field::Reason, &fact.reason)],
            CaseEvent::TransferReportedIn(fact) => vec![(Field::Justification, &fact.justification)],
            CaseEvent::DualControlStarted(fact) => vec![(Field::DocumentNo, &fact.letter_no)],
            CaseEvent::DualControlAnswered(fact) => vec![(Field::DocumentNo, &fact.letter_no)],
            CaseEvent::ContactVoided(fact) => vec![(Field::Reason, &fact.reason)],
            CaseEvent::TestVoidProposed(fact) => vec![(Field::Reason, &fact.reason)],
            CaseEvent::RiskClassConfirmed(fact) => vec![(Field::Reason, &fact.reason)],
            CaseEvent::RiskClassContested(fact) => vec![(Field::Note, &fact.statement)],
            CaseEvent::HomeVisitRecorded(fact) => vec![(Field::Note, &fact.note)],
            CaseEvent::PhoneCheckRecorded(fact) => vec![(Field::Note, &fact.place)],
            CaseEvent::CarePlanDrafted(fact) => vec![(Field::Note, &fact.measures)],
            CaseEvent::CarePlanReviewed(fact) => vec![(Field::Note, &fact.note)],
            CaseEvent::SummaryRecorded(fact) => vec![(Field::Note, &fact.note)],
            CaseEvent::LeaveRefused(fact) => vec![(Field::Reason, &fact.reason)],
            CaseEvent::TestCompelled(fact) => vec![(Field::DocumentNo, &fact.document_no)],
            CaseEvent::AbsenceExtended(_)
            | CaseEvent::ReleaseHandoverReceived(_)
            | CaseEvent::CarePlanApproved(_)
            | CaseEvent::DocumentIssued(_)
            | CaseEvent::DocumentServed(_)
            | CaseEvent::ObligationNotified(_)
            | CaseEvent::LeaveApproved(_)
            | CaseEvent::TestEntrusted(_)
            | CaseEvent::RiskScored(_)
            | CaseEvent::RefusalConfirmed(_)
            | CaseEvent::ResultObjected(_)
            | CaseEvent::LostContactRecorded(_)
            | CaseEvent::ContactRestored(_)
            | CaseEvent::DynamicControlEnded(_)
            | CaseEvent::SupportTeamFormed(_)
            | CaseEvent::TestVoided(_)
            | CaseEvent::ObligationReopened(_)
            | CaseEvent::TransferMaterialsSent(_)
            | CaseEvent::TransferAccepted(_)
            | CaseEvent::DualControlEnded(_)
            | CaseEvent::ReturnReported(_)
            | CaseEvent::AbsenceCounted(_)
            | CaseEvent::TestNoticeServed(_)
            | CaseEvent::SampleCollected(_)
            | CaseEvent::TestResultRecorded(_)
            | CaseEvent::TestRefusalCounted(_)
            | CaseEvent::SeriousBreachConfirmed(_)
            | CaseEvent::RelapseConfirmed(_)
            | CaseEvent::BreachWithdrawn(_)
            | CaseEvent::OrderServed(_)
            | CaseEvent::ReportInDeadlinePassed(_)
            | CaseEvent::WorkerAssigned(_)
            | CaseEvent::BranchAssigned(_)
            | CaseEvent::TermRecalculated(_)
            | CaseEvent::TermExpired(_)
            | CaseEvent::ObligationOpened(_)
            | CaseEvent::ObligationFulfilled(_)
            | CaseEvent::ObligationPastDue(_)
            | CaseEvent::ObligationMissedConfirmed(_)
            | CaseEvent::ObligationCancelled(_) => Vec::new(),
        }
    }
}

/// How a check-in took place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CheckInMode {
    /// Face to face.
    InPerson,
    /// By telephone.
    Phone,
    /// By an app.
    App,
}

/// What a talk was about; coded, because free text is personal data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TalkTopic {
    /// Daily life.
    Life,
    /// Thoughts and mood.
    Thoughts,
    /// Physical health.
    Health,
    /// Work.
    Work,
    /// Family.
    Family,
    /// Law and the agreement.
    Law,
}

/// Why a case is suspended (戒毒条例 24).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SuspensionCause {
    /// 拘留.
    Detained,
    /// 逮捕.
    Arrested,
    /// 判处徒刑; refused: it terminates.
    Imprisoned,
}

/// Why a case ended before its term.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TerminationReason {
    /// Police ordered compulsory isolation.
    CompulsoryIsolation,
    /// Sentenced to prison.
    Imprisoned,
    /// Compulsory educational measures.
    EducationalMeasure,
    /// The person died.
    Death,
    /// The order was revoked.
    OrderRevoked,
}

/// See [`CaseEvent::ReportedIn`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportedIn {
    /// Day of the report.
    pub on: Date,
    /// It was late, and a supervisor accepted why.
    #[serde(default)]
    pub late: bool,
    /// Why.
    #[serde(default, skip_serializing)]
    pub justification: Personal,
}

/// See [`CaseEvent::ReportInDeadlinePassed`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportInDeadlinePassed {
    /// Last day in time.
    pub due_on: Date,
    /// Day the clock noticed.
    pub detected_on: Date,
}

/// See [`CaseEvent::AgreementSigned`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgreementSigned {
    /// Day of signing.
    pub on: Date,
    /// Document number.
    #[serde(default, skip_serializing)]
    pub agreement_no: Personal,
    /// Clause codes.
    pub clauses: Vec<String>,
}

/// See [`CaseEvent::CaseFileOpened`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseFileOpened {
    /// Day of opening.
    pub on: Date,
    /// File number.
    #[serde(default, skip_serializing)]
    pub file_no: Personal,
}

/// See [`CaseEvent::CheckInRecorded`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckInRecorded {
    /// Day of contact.
    pub on: Date,
    /// How.
    pub mode: CheckInMode,
    /// SHA-256 of photographs or papers, in hexadecimal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
    /// Why it is recorded late.
    #[serde(default, skip_serializing)]
    pub late_reason: Personal,
}

/// See [`CaseEvent::TalkRecorded`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TalkRecorded {
    /// Day of the talk.
    pub on: Date,
    /// What about.
    pub topics: Vec<TalkTopic>,
    /// SHA-256 of photographs or papers, in hexadecimal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
    /// Why it is recorded late.
    #[serde(default, skip_serializing)]
    pub late_reason: Personal,
    /// What was said, in the worker's words.
    #[serde(default, skip_serializing)]
    pub note: Personal,
}

/// See [`CaseEvent::CaseSuspended`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseSuspended {
    /// First day of suspension.
    pub from: Date,
    /// Cause.
    pub cause: SuspensionCause,
    /// Number of the document that says so.
    #[serde(default, skip_serializing)]
    pub document_no: Personal,
}

/// See [`CaseEvent::CaseResumed`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseResumed {
    /// First day after suspension.
    pub on: Date,
    /// Number of the document that says so.
    #[serde(default, skip_serializing)]
    pub document_no: Personal,
}

/// See [`CaseEvent::TermRecalculated`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TermRecalculated {
    /// First day: the day of reporting (戒毒条例 14, 禁毒法 33).
    pub start: Date,
    /// Anniversary on which it ends.
    pub end: Date,
    /// Suspended days that extend it.
    pub suspended_days: i32,
    /// Days that shorten it.
    pub offset_days: i32,
}

/// See [`CaseEvent::TermExpired`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TermExpired {
    /// Day the term ended.
    pub ended_on: Date,
    /// Day the clock noticed.
    pub detected_on: Date,
}

/// See [`CaseEvent::CaseTerminated`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseTerminated {
    /// First day without the programme.
    pub on: Date,
    /// Reason.
    pub reason: TerminationReason,
    /// Number of the document that says so.
    #[serde(default, skip_serializing)]
    pub document_no: Personal,
}

/// See [`CaseEvent::CaseDischarged`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseDischarged {
    /// Day of the notice.
    pub issued_on: Date,
    /// Day the station got it.
    pub received_on: Date,
    /// Number of the notice.
    #[serde(default, skip_serializing)]
    pub notice_no: Personal,
}
