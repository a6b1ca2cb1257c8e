//! Absences, tests and breaches, with what is said about them.

use waystation_api::v1;

use super::NOTES;
use crate::{Clients, today};

/// Goes through them; returns everything that was answered to those who are not entitled.
///
/// # Panics
/// When something is not as expected.
pub(super) async fn conduct(worker: &mut Clients, leader: &mut Clients, inspector: &mut Clients, case: &str) -> String {
    let (name, day) = (case.to_owned(), today());
    let report = v1::FileAbsenceReportRequest {
        name: name.clone(),
        reported_on: day.clone(),
        from: day.clone(),
        to: day.clone(),
        destination: "520181".into(),
        purpose: NOTES[17].into(),
        ..Default::default()
    };
    worker
        .compliance
        .file_absence_report(report)
        .await
        .expect("is recorded");
    let allege = v1::AllegeAbsenceRequest {
        name: name.clone(),
        from: day.clone(),
        to: day.clone(),
        how_known: NOTES[18].into(),
        ..Default::default()
    };
    let mut said = format!(
        "{:?}",
        worker.compliance.allege_absence(allege).await.expect_err("is short")
    );
    let vary = v1::VaryOrderRequest {
        name: name.clone(),
        term_months: 36,
        offset_days: 1,
        effective_on: day.clone(),
        basis: 1,
        document_no: NOTES[22].into(),
        ..Default::default()
    };
    leader.cases.vary_order(vary).await.expect("is varied");
    let excuse = v1::ExcuseObligationRequest {
        name: name.clone(),
        obligation: 1,
        reason: NOTES[20].into(),
        ..Default::default()
    };
    said += &format!(
        "{:?}",
        leader.compliance.excuse_obligation(excuse).await.expect_err("is met")
    );
    // One is refused, and that is withdrawn; another is found positive.
    for test in 1..=2 {
        let notice = v1::ServeTestNoticeRequest {
            name: name.clone(),
            on: day.clone(),
            due_on: day.clone(),
            mode: 1,
            ..Default::default()
        };
        worker.compliance.serve_test_notice(notice).await.expect("is served");
        if test == 2 {
            continue;
        }
        let refusal = v1::RecordTestRefusalRequest {
            name: name.clone(),
            test,
            on: day.clone(),
            facts: NOTES[19].into(),
            ..Default::default()
        };
        worker
            .compliance
            .record_test_refusal(refusal)
            .await
            .expect("is recorded");
        let confirm = v1::ConfirmTestRefusalRequest {
            name: name.clone(),
            test,
            ..Default::default()
        };
        leader
            .compliance
            .confirm_test_refusal(confirm)
            .await
            .expect("is confirmed");
    }
    let withdraw = v1::WithdrawTestRefusalRequest {
        name: name.clone(),
        test: 1,
        reason: NOTES[20].into(),
        ..Default::default()
    };
    leader
        .compliance
        .withdraw_test_refusal(withdraw)
        .await
        .expect("is withdrawn");
    let sample = v1::RecordSampleRequest {
        name: name.clone(),
        test: 2,
        on: day.clone(),
        kind: 1,
        site: 2,
        collectors: vec!["worker-1".into(), "medical-1".into()],
        same_gender: true,
        ..Default::default()
    };
    worker.compliance.record_sample(sample).await.expect("is taken");
    for stage in 1..=2 {
        let result = v1::RecordTestResultRequest {
            name: name.clone(),
            test: 2,
            on: day.clone(),
            stage,
            outcome: 2,
            ..Default::default()
        };
        worker.compliance.record_test_result(result).await.expect("is read");
    }
    let relapse = v1::ConfirmRelapseRequest {
        name: name.clone(),
        test: 2,
        ..Default::default()
    };
    leader.compliance.confirm_relapse(relapse).await.expect("is confirmed");
    let refer = v1::ReferToPoliceRequest {
        name: name.clone(),
        on: day.clone(),
        document_no: NOTES[21].into(),
        ..Default::default()
    };
    worker.compliance.refer_to_police(refer).await.expect("is told");
    let outcome = v1::RecordPoliceOutcomeRequest {
        name: name.clone(),
        on: day,
        outcome: 2,
        document_no: NOTES[22].into(),
        ..Default::default()
    };
    leader
        .compliance
        .record_police_outcome(outcome)
        .await
        .expect("is recorded");
    let get = v1::GetComplianceRequest { name, read: None };
    said += &format!(
        "{:?}",
        inspector.compliance.get_compliance(get).await.expect("is answered")
    );
    said
}
