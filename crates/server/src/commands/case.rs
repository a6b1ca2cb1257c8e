//! Commands of a case.

use tonic::Status;
use waystation_api::v1;
use waystation_app::{App, Envelope, Receipt};
use waystation_domain::case::{
    AmendAgreement, AssignToBranch, AssignWorker, CheckInMode, ConfirmRefusal, ControlAnchor, EndDynamicControl,
    FormSupportTeam, Interviewee, MarkFound, MarkLostContact, OpenCaseFile, PlaceBasis, Programme, RecordCheckIn,
    RecordDischargeNotice, RecordHomeVisit, RecordPhoneCheck, RecordService, RecordTalk, RegisterOrder, ReportIn,
    Resume, RevokeOrder, SignAgreement, Suspend, SuspensionCause, TalkTopic, TeamMember, TeamPlace, Terminate,
    TerminationReason, VariationBasis, VaryOrder, VoidContact,
};

use super::{CommandMessage, command, derived_id};
use crate::convert::PROGRAMMES;
use crate::fields::{Fields, optional};
use crate::status::status;

const PLACE_BASES: [PlaceBasis; 2] = [PlaceBasis::Household, PlaceBasis::Residence];
pub(crate) const CHECK_IN_MODES: [CheckInMode; 3] = [CheckInMode::InPerson, CheckInMode::Phone, CheckInMode::App];
const TALK_TOPICS: [TalkTopic; 6] = [
    TalkTopic::Life,
    TalkTopic::Thoughts,
    TalkTopic::Health,
    TalkTopic::Work,
    TalkTopic::Family,
    TalkTopic::Law,
];
const VARIATION_BASES: [VariationBasis; 3] = [
    VariationBasis::Reconsideration,
    VariationBasis::Court,
    VariationBasis::Authority,
];
pub(crate) const INTERVIEWEES: [Interviewee; 5] = [
    Interviewee::Participant,
    Interviewee::Family,
    Interviewee::Neighbour,
    Interviewee::Committee,
    Interviewee::Nobody,
];
const CONTROL_ANCHORS: [ControlAnchor; 3] = [
    ControlAnchor::Seizure,
    ControlAnchor::ExecutionStart,
    ControlAnchor::Release,
];
const SUSPENSION_CAUSES: [SuspensionCause; 3] = [
    SuspensionCause::Detained,
    SuspensionCause::Arrested,
    SuspensionCause::Imprisoned,
];
const TERMINATION_REASONS: [TerminationReason; 5] = [
    TerminationReason::CompulsoryIsolation,
    TerminationReason::Imprisoned,
    TerminationReason::EducationalMeasure,
    TerminationReason::Death,
    TerminationReason::OrderRevoked,
];

/// The one command that makes its record, so that its message has no name.
#[tonic::async_trait]
impl CommandMessage for v1::RegisterOrderRequest {
    fn conditions(&self) -> (&str, &str, bool) {
        (&self.request_id, &self.etag, self.validate_only)
    }

    async fn carry_out(self, app: &App, mut fields: Fields, envelope: Envelope) -> Result<(String, Receipt), Status> {
        let id = match self.case_id.as_str() {
            "" => derived_id(envelope.request),
            chosen => fields.id("case_id", chosen),
        };
        let person = match self.person.as_str() {
            "" => waystation_app::ids::named(&["person of", &id]).simple().to_string(),
            chosen => fields.id("person", chosen),
        };
        let command = RegisterOrder {
            person,
            programme: fields
                .choice("programme", self.programme, &PROGRAMMES)
                .unwrap_or(Programme::CommunityDetox),
            order_no: self.order_no,
            authority: self.authority,
            decided_on: fields.day("decided_on", &self.decided_on),
            notified_on: fields.day("notified_on", &self.notified_on),
            term_months: self.term_months,
            offset_days: self.offset_days,
            place_basis: fields
                .choice("place_basis", self.place_basis, &PLACE_BASES)
                .unwrap_or(PlaceBasis::Household),
            release_no: optional(self.release_no),
        };
        fields.finish()?;
        let name = format!("cases/{id}");
        let receipt = app
            .case(&id, &command, &envelope)
            .await
            .map_err(|error| status(&error, &name))?;
        Ok((name, receipt))
    }
}

command!(case, "cases", VaryOrderRequest, |m, fields, id, app| VaryOrder {
    term_months: m.term_months,
    offset_days: m.offset_days,
    effective_on: fields.day("effective_on", &m.effective_on),
    basis: fields
        .choice("basis", m.basis, &VARIATION_BASES)
        .unwrap_or(VariationBasis::Authority),
    document_no: m.document_no,
});

command!(case, "cases", RecordServiceRequest, |m, fields, id, app| {
    RecordService {
        on: fields.day("on", &m.on),
    }
});

command!(case, "cases", ReportInRequest, |m, fields, id, app| ReportIn {
    on: fields.day("on", &m.on),
    identity_checked: m.identity_checked,
    justification: optional(m.justification),
});

command!(case, "cases", SignAgreementRequest, |m, fields, id, app| {
    SignAgreement {
        on: fields.day("on", &m.on),
        agreement_no: m.agreement_no,
        clauses: m.clauses,
    }
});

command!(case, "cases", OpenCaseFileRequest, |m, fields, id, app| OpenCaseFile {
    on: fields.day("on", &m.on),
    file_no: m.file_no,
});

command!(case, "cases", AmendAgreementRequest, |m, fields, id, app| {
    AmendAgreement {
        on: fields.day("on", &m.on),
        agreement_no: m.agreement_no,
        clauses: m.clauses,
    }
});

command!(case, "cases", AssignToBranchRequest, |m, fields, id, app| {
    AssignToBranch {
        from: fields.day("from", &m.from),
        branch: optional(m.branch),
    }
});

command!(case, "cases", AssignWorkerRequest, |m, fields, id, app| AssignWorker {
    from: fields.day("from", &m.from),
    worker: m.worker,
});

command!(case, "cases", RecordCheckInRequest, |m, fields, id, app| {
    RecordCheckIn {
        on: fields.day("on", &m.on),
        mode: fields
            .choice("mode", m.mode, &CHECK_IN_MODES)
            .unwrap_or(CheckInMode::InPerson),
        late_reason: optional(m.late_reason),
        evidence: m.evidence,
    }
});

command!(case, "cases", RevokeOrderRequest, |m, fields, id, app| RevokeOrder {
    basis: fields
        .choice("basis", m.basis, &VARIATION_BASES)
        .unwrap_or(VariationBasis::Authority),
    effective_on: fields.day("effective_on", &m.effective_on),
    document_no: m.document_no,
});

command!(case, "cases", ConfirmRefusalRequest, |m, fields, id, app| {
    ConfirmRefusal {
        attempts: m.attempts.iter().map(|day| fields.day("attempts", day)).collect(),
    }
});

command!(case, "cases", MarkLostContactRequest, |m, fields, id, app| {
    MarkLostContact {
        on: fields.day("on", &m.on),
        attempts: m.attempts.iter().map(|day| fields.day("attempts", day)).collect(),
    }
});

command!(case, "cases", MarkFoundRequest, |m, fields, id, app| MarkFound {
    on: fields.day("on", &m.on),
});

command!(case, "cases", EndDynamicControlRequest, |m, fields, id, app| {
    EndDynamicControl {
        on: fields.day("on", &m.on),
        anchor: fields
            .choice("anchor", m.anchor, &CONTROL_ANCHORS)
            .unwrap_or(ControlAnchor::Release),
        anchor_on: fields.day("anchor_on", &m.anchor_on),
    }
});

command!(case, "cases", RecordHomeVisitRequest, |m, fields, id, app| {
    RecordHomeVisit {
        on: fields.day("on", &m.on),
        visitors: m.visitors,
        interviewee: fields
            .choice("interviewee", m.interviewee, &INTERVIEWEES)
            .unwrap_or(Interviewee::Nobody),
        note: optional(m.note),
    }
});

command!(case, "cases", RecordPhoneCheckRequest, |m, fields, id, app| {
    RecordPhoneCheck {
        on: fields.day("on", &m.on),
        answered: m.answered,
        identity_confirmed: m.identity_confirmed,
        place: optional(m.place),
    }
});

command!(case, "cases", FormSupportTeamRequest, |m, fields, id, app| {
    FormSupportTeam {
        from: fields.day("from", &m.from),
        members: m
            .members
            .into_iter()
            .filter_map(|member| {
                let place = fields.choice("members", member.place, &TeamPlace::ALL)?;
                let staff = optional(member.staff);
                Some(TeamMember { place, staff })
            })
            .collect(),
    }
});

command!(case, "cases", VoidContactRequest, |m, fields, id, app| {
    let (case, revision) = fields.event("event", &m.event);
    if !case.is_empty() && case != id {
        fields.wrong("event", "an event of the same case");
    }
    VoidContact {
        revision,
        reason: m.reason,
    }
});

command!(case, "cases", RecordTalkRequest, |m, fields, id, app| RecordTalk {
    on: fields.day("on", &m.on),
    topics: m
        .topics
        .iter()
        .filter_map(|topic| fields.choice("topics", *topic, &TALK_TOPICS))
        .collect(),
    late_reason: optional(m.late_reason),
    evidence: m.evidence,
    note: optional(m.note),
});

command!(case, "cases", SuspendRequest, |m, fields, id, app| Suspend {
    from: fields.day("from", &m.from),
    cause: fields
        .choice("cause", m.cause, &SUSPENSION_CAUSES)
        .unwrap_or(SuspensionCause::Detained),
    document_no: m.document_no,
});

command!(case, "cases", ResumeRequest, |m, fields, id, app| Resume {
    on: fields.day("on", &m.on),
    document_no: m.document_no,
});

command!(case, "cases", TerminateRequest, |m, fields, id, app| Terminate {
    on: fields.day("on", &m.on),
    reason: fields
        .choice("reason", m.reason, &TERMINATION_REASONS)
        .unwrap_or(TerminationReason::Death),
    document_no: m.document_no,
});

command!(case, "cases", RecordDischargeNoticeRequest, |m, fields, id, app| {
    RecordDischargeNotice {
        issued_on: fields.day("issued_on", &m.issued_on),
        received_on: fields.day("received_on", &m.received_on),
        notice_no: m.notice_no,
    }
});
