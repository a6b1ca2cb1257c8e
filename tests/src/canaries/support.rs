//! Plans, summaries, papers, and what is decided about leave and tests.

use waystation_api::v1;

use super::NOTES;
use crate::compliance::ago;
use crate::{Clients, Server, policy, today};

/// Goes through them; the case stays where it was.
///
/// # Panics
/// When something is not as expected.
pub(super) async fn support(server: &Server, worker: &mut Clients, leader: &mut Clients, case: &str) {
    let (name, day, later) = (case.to_owned(), today(), ago(-30));
    let draft = v1::DraftCarePlanRequest {
        name: name.clone(),
        on: day.clone(),
        goals: vec![1, 5],
        review_on: later.clone(),
        measures: NOTES[23].into(),
        ..Default::default()
    };
    worker.cases.draft_care_plan(draft).await.expect("is drafted");
    let approve = v1::ApproveCarePlanRequest {
        name: name.clone(),
        plan: 1,
        ..Default::default()
    };
    leader.cases.approve_care_plan(approve).await.expect("is approved");
    let review = v1::ReviewCarePlanRequest {
        name: name.clone(),
        plan: 1,
        on: day.clone(),
        outcome: 2,
        note: NOTES[24].into(),
        ..Default::default()
    };
    worker.cases.review_care_plan(review).await.expect("is reviewed");
    let summary = v1::RecordSummaryRequest {
        name: name.clone(),
        kind: 1,
        on: day.clone(),
        note: NOTES[25].into(),
        ..Default::default()
    };
    worker.cases.record_summary(summary).await.expect("is recorded");
    let issue = v1::IssueDocumentRequest {
        name: name.clone(),
        kind: 3,
        serial: 1,
        on: day.clone(),
        ..Default::default()
    };
    worker.cases.issue_document(issue).await.expect("is issued");
    let serve = v1::ServeDocumentRequest {
        name: name.clone(),
        document: 1,
        on: day.clone(),
        mode: 1,
        signed: true,
        ..Default::default()
    };
    worker.cases.serve_document(serve).await.expect("is served");
    policy::set(server, "canary/leave", &[("leave.approval_required", "true")]).await;
    let mut absences = Vec::new();
    for (from, to) in [(-40, -45), (-50, -55)] {
        let report = v1::FileAbsenceReportRequest {
            name: name.clone(),
            reported_on: day.clone(),
            from: ago(from),
            to: ago(to),
            destination: "520181".into(),
            ..Default::default()
        };
        let reported = worker.compliance.file_absence_report(report).await;
        absences.push(reported.expect("is reported").into_inner());
    }
    // One of the case's first absences is of the walk before this one.
    let mut decided = 0;
    for absence in 1..=10 {
        let refuse = v1::RefuseLeaveRequest {
            name: name.clone(),
            absence,
            on: day.clone(),
            reason: NOTES[26].into(),
            ..Default::default()
        };
        let approve = v1::ApproveLeaveRequest {
            name: name.clone(),
            absence,
            on: day.clone(),
            ..Default::default()
        };
        let answered = if decided == 0 {
            leader.compliance.refuse_leave(refuse).await
        } else {
            leader.compliance.approve_leave(approve).await
        };
        decided += i32::from(answered.is_ok());
    }
    assert_eq!(decided, 2, "one is refused, the other approved");
    let notice = v1::ServeTestNoticeRequest {
        name: name.clone(),
        on: day.clone(),
        due_on: later.clone(),
        mode: 1,
        ..Default::default()
    };
    worker.compliance.serve_test_notice(notice).await.expect("is served");
    let entrust = v1::EntrustTestRequest {
        name: name.clone(),
        test: 3,
        on: day.clone(),
        place: "GUIYANG_SECOND_HOSPITAL".into(),
        valid_to: later,
        ..Default::default()
    };
    leader.compliance.entrust_test(entrust).await.expect("is entrusted");
    let refuse = v1::RecordTestRefusalRequest {
        name: name.clone(),
        test: 3,
        on: day.clone(),
        evaded: false,
        facts: NOTES[19].into(),
        ..Default::default()
    };
    worker.compliance.record_test_refusal(refuse).await.expect("is refused");
    let amend = v1::AmendAgreementRequest {
        name: name.clone(),
        on: day.clone(),
        agreement_no: NOTES[1].into(),
        clauses: ["MEASURES", "RULES", "LIABILITY"].map(String::from).to_vec(),
        ..Default::default()
    };
    worker.cases.amend_agreement(amend).await.expect("is amended");
    let compel = v1::RecordCompelledTestRequest {
        name,
        test: 3,
        on: day,
        document_no: NOTES[27].into(),
        ..Default::default()
    };
    worker
        .compliance
        .record_compelled_test(compel)
        .await
        .expect("is compelled");
}
