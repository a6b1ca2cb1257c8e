//! Transfers, dual control and voids, with what is said about them.

use waystation_api::v1;

use super::NOTES;
use crate::{Clients, today};

/// Goes through them; the case stays where it was.
///
/// # Panics
/// When something is not as expected.
pub(super) async fn moves(worker: &mut Clients, leader: &mut Clients, case: &str) {
    let (name, day) = (case.to_owned(), today());
    let propose = v1::ProposeTransferRequest {
        name: name.clone(),
        on: day.clone(),
        to_station: "station-weicheng".into(),
        reason: NOTES[20].into(),
        ..Default::default()
    };
    worker.transfers.propose_transfer(propose).await.expect("is proposed");
    let withdraw = v1::WithdrawTransferRequest {
        name: name.clone(),
        reason: NOTES[12].into(),
        ..Default::default()
    };
    worker
        .transfers
        .withdraw_transfer(withdraw)
        .await
        .expect("is withdrawn");
    let start = v1::StartDualControlRequest {
        name,
        on: day,
        residence_station: "station-weicheng".into(),
        letter_no: NOTES[21].into(),
        ..Default::default()
    };
    worker.transfers.start_dual_control(start).await.expect("is started");
    let list = v1::ListAuditEntriesRequest {
        by: Some(v1::list_audit_entries_request::By::Record(case.into())),
        page_size: 1000,
        ..Default::default()
    };
    let entries = worker.audit.list_audit_entries(list).await.expect("lists");
    let mut entries = entries.into_inner().entries.into_iter();
    let talk = entries.find(|entry| entry.event_type.starts_with("case.talk_recorded"));
    let void = v1::VoidContactRequest {
        name: case.into(),
        event: talk.expect("there is one").name,
        reason: NOTES[3].into(),
        ..Default::default()
    };
    leader.cases.void_contact(void).await.expect("is void");
    let visit = v1::RecordHomeVisitRequest {
        name: case.into(),
        on: today(),
        visitors: vec!["worker-1".into(), "grid-1".into()],
        interviewee: 2,
        note: NOTES[17].into(),
        ..Default::default()
    };
    worker.cases.record_home_visit(visit).await.expect("is recorded");
    let call = v1::RecordPhoneCheckRequest {
        name: case.into(),
        on: today(),
        answered: true,
        place: NOTES[15].into(),
        ..Default::default()
    };
    worker.cases.record_phone_check(call).await.expect("is recorded");
    let score = v1::ScoreRiskRequest {
        name: case.into(),
        ..Default::default()
    };
    worker.compliance.score_risk(score).await.expect("is scored");
    let confirm = v1::ConfirmRiskClassRequest {
        name: case.into(),
        class: 3,
        reason: NOTES[19].into(),
        ..Default::default()
    };
    leader
        .compliance
        .confirm_risk_class(confirm)
        .await
        .expect("is confirmed");
    let contest = v1::ContestRiskClassRequest {
        name: case.into(),
        on: today(),
        statement: NOTES[4].into(),
        ..Default::default()
    };
    worker
        .compliance
        .contest_risk_class(contest)
        .await
        .expect("is contested");
    let warn = v1::IssueWarningRequest {
        name: case.into(),
        on: today(),
        step: 1,
        document_no: NOTES[21].into(),
        statement: NOTES[18].into(),
        ..Default::default()
    };
    worker.compliance.issue_warning(warn).await.expect("is admonished");
    let propose = v1::ProposeTestVoidRequest {
        name: case.into(),
        test: 1,
        reason: NOTES[20].into(),
        ..Default::default()
    };
    worker.compliance.propose_test_void(propose).await.expect("is proposed");
}
