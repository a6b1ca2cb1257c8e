//! Commands about absences, tests and breaches.

use waystation_domain::case::{
    AllegeAbsence, ApproveLeave, BreachGround, ConfirmAbsence, ConfirmMissed, ConfirmRelapse, ConfirmRiskClass,
    ConfirmSeriousBreach, ConfirmTestRefusal, ConfirmTestVoid, ContestRiskClass, EntrustTest, ExcuseObligation,
    ExtendAbsence, FileAbsenceReport, HairSample, IssueWarning, LodgeObjection, NoticeMode, NotifyObligation,
    PoliceOutcome, ProposeTestVoid, RecordCompelledTest, RecordPoliceOutcome, RecordSample, RecordTestRefusal,
    RecordTestResult, ReferToPolice, RefuseLeave, ReportReturn, RiskClass, SampleKind, SampleSite, ScoreRisk,
    ServeTestNotice, TestOutcome, TestStage, WarningStep, WithdrawAbsence, WithdrawTestRefusal,
};

use super::command;
use crate::fields::optional;

pub(crate) const NOTICE_MODES: [NoticeMode; 3] = [NoticeMode::Hand, NoticeMode::Phone, NoticeMode::Post];
pub(crate) const SAMPLE_KINDS: [SampleKind; 4] = [
    SampleKind::Urine,
    SampleKind::Hair,
    SampleKind::Saliva,
    SampleKind::Blood,
];
pub(crate) const SAMPLE_SITES: [SampleSite; 4] = [
    SampleSite::PolicePost,
    SampleSite::Station,
    SampleSite::Medical,
    SampleSite::Entrusted,
];
pub(crate) const TEST_STAGES: [TestStage; 2] = [TestStage::Field, TestStage::Laboratory];
pub(crate) const TEST_OUTCOMES: [TestOutcome; 3] = [TestOutcome::Negative, TestOutcome::Positive, TestOutcome::Invalid];
pub(crate) const WARNING_STEPS: [WarningStep; 2] = [WarningStep::Admonition, WarningStep::Warning];
pub(crate) const POLICE_OUTCOMES: [PoliceOutcome; 3] = [
    PoliceOutcome::Isolation,
    PoliceOutcome::Warning,
    PoliceOutcome::NoAction,
];

command!(case, "cases", FileAbsenceReportRequest, |m, fields, id, app| {
    FileAbsenceReport {
        reported_on: fields.day("reported_on", &m.reported_on),
        from: fields.day("from", &m.from),
        to: fields.day("to", &m.to),
        destination: m.destination,
        purpose: optional(m.purpose),
    }
});

command!(case, "cases", ExtendAbsenceRequest, |m, fields, id, app| {
    ExtendAbsence {
        absence: fields.number("absence", m.absence),
        reported_on: fields.day("reported_on", &m.reported_on),
        to: fields.day("to", &m.to),
    }
});

command!(case, "cases", ApproveLeaveRequest, |m, fields, id, app| ApproveLeave {
    absence: fields.number("absence", m.absence),
    on: fields.day("on", &m.on),
});

command!(case, "cases", RefuseLeaveRequest, |m, fields, id, app| RefuseLeave {
    absence: fields.number("absence", m.absence),
    on: fields.day("on", &m.on),
    reason: m.reason,
});

command!(case, "cases", EntrustTestRequest, |m, fields, id, app| EntrustTest {
    test: fields.number("test", m.test),
    on: fields.day("on", &m.on),
    place: m.place,
    valid_to: fields.day("valid_to", &m.valid_to),
});

command!(case, "cases", RecordCompelledTestRequest, |m, fields, id, app| {
    RecordCompelledTest {
        test: fields.number("test", m.test),
        on: fields.day("on", &m.on),
        document_no: m.document_no,
    }
});

command!(case, "cases", NotifyObligationRequest, |m, fields, id, app| {
    NotifyObligation {
        obligation: fields.number("obligation", m.obligation),
        on: fields.day("on", &m.on),
        mode: fields.choice("mode", m.mode, &NOTICE_MODES).unwrap_or(NoticeMode::Hand),
        evidence: m.evidence,
    }
});

command!(case, "cases", ReportReturnRequest, |m, fields, id, app| ReportReturn {
    absence: fields.number("absence", m.absence),
    on: fields.day("on", &m.on),
});

command!(case, "cases", AllegeAbsenceRequest, |m, fields, id, app| {
    AllegeAbsence {
        from: fields.day("from", &m.from),
        to: fields.day("to", &m.to),
        how_known: m.how_known,
    }
});

command!(case, "cases", ConfirmAbsenceRequest, |m, fields, id, app| {
    ConfirmAbsence {
        absence: fields.number("absence", m.absence),
    }
});

command!(case, "cases", WithdrawAbsenceRequest, |m, fields, id, app| {
    WithdrawAbsence {
        absence: fields.number("absence", m.absence),
        reason: m.reason,
    }
});

command!(case, "cases", ServeTestNoticeRequest, |m, fields, id, app| {
    ServeTestNotice {
        on: fields.day("on", &m.on),
        due_on: fields.day("due_on", &m.due_on),
        mode: fields.choice("mode", m.mode, &NOTICE_MODES).unwrap_or(NoticeMode::Hand),
    }
});

command!(case, "cases", RecordSampleRequest, |m, fields, id, app| RecordSample {
    test: fields.number("test", m.test),
    on: fields.day("on", &m.on),
    kind: fields
        .choice("kind", m.kind, &SAMPLE_KINDS)
        .unwrap_or(SampleKind::Urine),
    site: fields
        .choice("site", m.site, &SAMPLE_SITES)
        .unwrap_or(SampleSite::Station),
    collectors: m.collectors,
    same_gender: m.same_gender,
    hair: m.hair.map(|hair| HairSample {
        length_mm: fields.number("hair.length_mm", hair.length_mm),
        mass_mg: fields.number("hair.mass_mg", hair.mass_mg),
    }),
});

command!(case, "cases", RecordTestResultRequest, |m, fields, id, app| {
    RecordTestResult {
        test: fields.number("test", m.test),
        on: fields.day("on", &m.on),
        stage: fields
            .choice("stage", m.stage, &TEST_STAGES)
            .unwrap_or(TestStage::Field),
        outcome: fields
            .choice("outcome", m.outcome, &TEST_OUTCOMES)
            .unwrap_or(TestOutcome::Invalid),
    }
});

command!(case, "cases", RecordTestRefusalRequest, |m, fields, id, app| {
    RecordTestRefusal {
        test: fields.number("test", m.test),
        on: fields.day("on", &m.on),
        evaded: m.evaded,
        facts: m.facts,
    }
});

command!(case, "cases", ConfirmTestRefusalRequest, |m, fields, id, app| {
    ConfirmTestRefusal {
        test: fields.number("test", m.test),
    }
});

command!(case, "cases", WithdrawTestRefusalRequest, |m, fields, id, app| {
    WithdrawTestRefusal {
        test: fields.number("test", m.test),
        reason: m.reason,
    }
});

command!(case, "cases", ConfirmSeriousBreachRequest, |m, fields, id, app| {
    ConfirmSeriousBreach {
        ground: fields
            .choice("ground", m.ground, &BreachGround::ALL)
            .unwrap_or(BreachGround::Absences),
    }
});

command!(case, "cases", ReferToPoliceRequest, |m, fields, id, app| {
    ReferToPolice {
        on: fields.day("on", &m.on),
        document_no: m.document_no,
    }
});

command!(case, "cases", RecordPoliceOutcomeRequest, |m, fields, id, app| {
    RecordPoliceOutcome {
        on: fields.day("on", &m.on),
        outcome: fields
            .choice("outcome", m.outcome, &POLICE_OUTCOMES)
            .unwrap_or(PoliceOutcome::NoAction),
        document_no: m.document_no,
    }
});

command!(case, "cases", ExcuseObligationRequest, |m, fields, id, app| {
    ExcuseObligation {
        obligation: fields.number("obligation", m.obligation),
        reason: m.reason,
    }
});

command!(case, "cases", ConfirmMissedRequest, |m, fields, id, app| {
    ConfirmMissed {
        obligation: fields.number("obligation", m.obligation),
    }
});

command!(case, "cases", ScoreRiskRequest, |m, fields, id, app| ScoreRisk {});

command!(case, "cases", ConfirmRiskClassRequest, |m, fields, id, app| {
    ConfirmRiskClass {
        class: fields
            .choice("class", m.class, &RiskClass::ALL)
            .unwrap_or(RiskClass::High),
        reason: optional(m.reason),
    }
});

command!(case, "cases", ContestRiskClassRequest, |m, fields, id, app| {
    ContestRiskClass {
        on: fields.day("on", &m.on),
        statement: m.statement,
    }
});

command!(case, "cases", LodgeObjectionRequest, |m, fields, id, app| {
    LodgeObjection {
        test: fields.number("test", m.test),
        on: fields.day("on", &m.on),
    }
});

command!(case, "cases", IssueWarningRequest, |m, fields, id, app| IssueWarning {
    on: fields.day("on", &m.on),
    step: fields
        .choice("step", m.step, &WARNING_STEPS)
        .unwrap_or(WarningStep::Admonition),
    document_no: m.document_no,
    statement: optional(m.statement),
});

command!(case, "cases", ProposeTestVoidRequest, |m, fields, id, app| {
    ProposeTestVoid {
        test: fields.number("test", m.test),
        reason: m.reason,
    }
});

command!(case, "cases", ConfirmTestVoidRequest, |m, fields, id, app| {
    ConfirmTestVoid {
        test: fields.number("test", m.test),
    }
});

command!(case, "cases", ConfirmRelapseRequest, |m, fields, id, app| {
    ConfirmRelapse {
        test: fields.number("test", m.test),
    }
});
