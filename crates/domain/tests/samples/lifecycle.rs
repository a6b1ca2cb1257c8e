//! Samples of how a case may go otherwise: refusals, revocations, warnings, objections, people nobody can reach.

use waystation_domain::case::*;

use super::day;

pub(super) fn lifecycle() -> Vec<CaseEvent> {
    let on = day("2026-04-10");
    vec![
        OrderRevoked {
            effective_on: on,
            basis: VariationBasis::Court,
            document_no: "行初-1".into(),
        }
        .into(),
        RefusalConfirmed {
            attempts: vec![day("2026-03-18"), on],
        }
        .into(),
        LostContactRecorded { on, attempts: vec![on] }.into(),
        ContactRestored { on }.into(),
        DynamicControlEnded {
            on,
            anchor: ControlAnchor::ExecutionStart,
            anchor_on: day("2023-04-10"),
        }
        .into(),
        RiskScored {
            on,
            events: 12,
            factors: vec![RiskFactor {
                key: "risk.points.refusal".into(),
                value: 2,
                points: 40,
            }],
            score: 40,
            proposed: RiskClass::Medium,
            source: "waystation/defaults/1".into(),
        }
        .into(),
        RiskClassConfirmed {
            class: RiskClass::High,
            overridden: true,
            reason: "家庭变故".into(),
        }
        .into(),
        RiskClassContested {
            on,
            statement: "不同意".into(),
        }
        .into(),
        AbsenceExtended {
            absence: 1,
            reported_on: on,
            to: day("2026-04-20"),
            obligation: 7,
        }
        .into(),
        HomeVisitRecorded {
            on,
            visitors: vec!["grid-1".into(), "worker-1".into()],
            interviewee: Interviewee::Family,
            note: "母亲在家".into(),
        }
        .into(),
        PhoneCheckRecorded {
            on,
            answered: true,
            identity_confirmed: true,
            place: "清镇".into(),
        }
        .into(),
        ResultObjected { test: 1, on }.into(),
        WarningIssued {
            on,
            step: WarningStep::Admonition,
            document_no: "劝诫-1".into(),
            statement: "以后按时检测".into(),
        }
        .into(),
    ]
}

/// Samples of plans, summaries, papers, notices, leave that is decided on, and tests elsewhere or compelled.
pub(super) fn support() -> Vec<CaseEvent> {
    let on = day("2026-04-10");
    vec![
        ReleaseHandoverReceived {
            released_on: day("2026-02-26"),
            received_on: day("2026-02-27"),
            facility: "GUIYANG_ISOLATION_1".into(),
            papers: vec!["RELEASE_CERTIFICATE".into()],
        }
        .into(),
        CarePlanDrafted {
            plan: 1,
            on,
            by: "worker-1".into(),
            goals: vec![CareGoal::Abstinence, CareGoal::Work],
            review_on: day("2026-10-01"),
            measures: "介绍到保洁岗位".into(),
        }
        .into(),
        CarePlanApproved { plan: 1 }.into(),
        CarePlanReviewed {
            plan: 1,
            on,
            outcome: PlanOutcome::Continue,
            review_on: Some(day("2027-01-01")),
            note: "已就业".into(),
        }
        .into(),
        SummaryRecorded {
            kind: SummaryKind::HalfYear,
            on,
            note: "按时检测".into(),
        }
        .into(),
        DocumentIssued {
            document: 1,
            kind: DocumentKind::Admonition,
            serial: 12,
            on,
            station: "station-qinglongshan".into(),
        }
        .into(),
        DocumentServed {
            document: 1,
            on,
            mode: ServiceMode::Family,
            signed: true,
        }
        .into(),
        ObligationNotified {
            number: 3,
            on,
            mode: NoticeMode::Phone,
            evidence: vec!["0".repeat(64)],
        }
        .into(),
        LeaveApproved { absence: 1, on }.into(),
        LeaveRefused {
            absence: 1,
            on,
            reason: "检测未完成".into(),
        }
        .into(),
        TestEntrusted {
            test: 1,
            on,
            place: "GUIYANG_SECOND_HOSPITAL".into(),
            valid_to: day("2026-04-20"),
        }
        .into(),
        TestCompelled {
            test: 2,
            refused: 1,
            on,
            document_no: "强检-1".into(),
        }
        .into(),
    ]
}
