//! What was recorded and was not so: it stays on record, counts for nothing, and is owed again. And support teams.

use waystation_api::v1;
use waystation_storage::testing::on_both;
use waystation_tests::compliance::{CASE, ago, check, notice, sample};
use waystation_tests::{Clients, Server, after, today};

async fn owed(clients: &mut Clients, kind: v1::ObligationKind, at: &v1::CommandReceipt) -> Vec<String> {
    let agenda = v1::ListAgendaRequest {
        case: CASE.into(),
        kind: kind.into(),
        read: after(at),
        ..Default::default()
    };
    let listed = clients.cases.list_agenda(agenda).await.expect("lists").into_inner();
    listed.obligations.into_iter().map(|owed| owed.state).collect()
}

fn void(event: &str) -> v1::VoidContactRequest {
    v1::VoidContactRequest {
        name: CASE.into(),
        event: event.into(),
        reason: "录错人".into(),
        ..Default::default()
    }
}

fn check_in(evidence: &str) -> v1::RecordCheckInRequest {
    v1::RecordCheckInRequest {
        name: CASE.into(),
        on: today(),
        mode: v1::CheckInMode::InPerson.into(),
        evidence: vec![evidence.into()],
        ..Default::default()
    }
}

#[test]
fn a_check_in_that_was_none_stays_on_record_and_counts_for_nothing() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let mut worker = server.clients("worker-1", "CASE_WORKER").await;
        let mut leader = server.clients("leader-1", "SUPERVISOR").await;
        worker.active_case("c1", &today()).await.expect("is active");
        check(
            worker.cases.record_check_in(check_in("photo-1")).await,
            ("FIELD_INVALID", Some("evidence")),
        );
        let met = worker.cases.record_check_in(check_in(&"ab".repeat(32))).await;
        let met = met.expect("is recorded").into_inner();
        let meeting = v1::ObligationKind::MonthlyMeeting;
        assert_eq!(owed(&mut worker, meeting, &met).await, ["FULFILLED", "OPEN"]);
        // Its name is in the audit trail.
        let list = v1::ListAuditEntriesRequest {
            by: Some(v1::list_audit_entries_request::By::Record(CASE.into())),
            page_size: 1000,
            read: after(&met),
            ..Default::default()
        };
        let entries = worker.audit.list_audit_entries(list).await.expect("lists").into_inner();
        let mut entries = entries.entries.into_iter();
        let entry = entries.find(|entry| entry.event_type == "case.check_in_recorded.v1");
        let event = entry.expect("is there").name;
        check(worker.cases.void_contact(void(&event)).await, ("ROLE_REQUIRED", None));
        check(
            leader.cases.void_contact(void("cases/c1/events/0")).await,
            ("CONTACT_NOT_FOUND", Some("event")),
        );
        let other = leader.cases.void_contact(void("cases/c2/events/7")).await;
        assert_eq!(other.expect_err("is of another").code(), tonic::Code::InvalidArgument);
        let voided = leader
            .cases
            .void_contact(void(&event))
            .await
            .expect("is void")
            .into_inner();
        assert_eq!(owed(&mut worker, meeting, &voided).await, ["OPEN", "OPEN"]);
        check(
            leader.cases.void_contact(void(&event)).await,
            ("CONTACT_VOID", Some("event")),
        );
        let get = v1::GetCaseRequest {
            name: CASE.into(),
            reveal: false,
            read: after(&voided),
        };
        let case = leader.cases.get_case(get).await.expect("is there").into_inner().case;
        assert_eq!(case.expect("is there").last_contact, "");
        // Replay says the same.
        let replay = v1::ReplayCaseRequest {
            name: CASE.into(),
            ..Default::default()
        };
        let mut replayed = leader.audit.replay_case(replay).await.expect("replays").into_inner();
        while let Some(step) = replayed.message().await.expect("goes on") {
            assert!(step.equals_view, "{:?}", step.entry);
        }
    });
}

#[test]
fn one_says_that_a_test_was_none_and_another_confirms_it() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let mut worker = server.clients("worker-1", "CASE_WORKER").await;
        let mut leader = server.clients("leader-1", "SUPERVISOR").await;
        worker.active_case("c1", &today()).await.expect("is active");
        let served = worker.compliance.serve_test_notice(notice(today(), today())).await;
        served.expect("is served");
        worker.compliance.record_sample(sample()).await.expect("is taken");
        let propose = v1::ProposeTestVoidRequest {
            name: CASE.into(),
            test: 1,
            reason: "样本登记错人".into(),
            ..Default::default()
        };
        let confirm = v1::ConfirmTestVoidRequest {
            name: CASE.into(),
            test: 1,
            ..Default::default()
        };
        check(
            leader.compliance.confirm_test_void(confirm.clone()).await,
            ("NO_VOID_PROPOSED", Some("test")),
        );
        leader
            .compliance
            .propose_test_void(propose.clone())
            .await
            .expect("is proposed");
        check(
            leader.compliance.propose_test_void(propose).await,
            ("VOID_PROPOSED", Some("test")),
        );
        check(
            leader.compliance.confirm_test_void(confirm.clone()).await,
            ("SAME_PERSON_FORBIDDEN", Some("test")),
        );
        let mut second = server.clients("leader-2", "SUPERVISOR").await;
        let voided = second.compliance.confirm_test_void(confirm.clone()).await;
        let voided = voided.expect("is void").into_inner();
        let urine = v1::ObligationKind::UrineTest;
        assert_eq!(owed(&mut worker, urine, &voided).await, ["OPEN", "OPEN"]);
        check(
            second.compliance.confirm_test_void(confirm).await,
            ("TEST_VOID", Some("test")),
        );
    });
}

#[test]
fn a_relapse_that_was_confirmed_holds_its_test() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let mut worker = server.clients("worker-1", "CASE_WORKER").await;
        let mut leader = server.clients("leader-1", "SUPERVISOR").await;
        worker.active_case("c1", &today()).await.expect("is active");
        let served = worker.compliance.serve_test_notice(notice(today(), today())).await;
        served.expect("is served");
        worker.compliance.record_sample(sample()).await.expect("is taken");
        for stage in [v1::TestStage::TestOnTheSpot, v1::TestStage::TestInLaboratory] {
            let result = waystation_tests::compliance::result(stage, v1::TestOutcome::TestPositive);
            worker.compliance.record_test_result(result).await.expect("is read");
        }
        let relapse = v1::ConfirmRelapseRequest {
            name: CASE.into(),
            test: 1,
            ..Default::default()
        };
        leader.compliance.confirm_relapse(relapse).await.expect("is confirmed");
        let propose = v1::ProposeTestVoidRequest {
            name: CASE.into(),
            test: 1,
            reason: "样本登记错人".into(),
            ..Default::default()
        };
        worker.compliance.propose_test_void(propose).await.expect("is proposed");
        let confirm = v1::ConfirmTestVoidRequest {
            name: CASE.into(),
            test: 1,
            ..Default::default()
        };
        check(
            leader.compliance.confirm_test_void(confirm).await,
            ("RELAPSE_RESTS_ON_IT", Some("test")),
        );
    });
}

#[test]
fn a_team_has_members_in_known_places() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let mut worker = server.clients("worker-1", "CASE_WORKER").await;
        worker.active_case("c1", &ago(3)).await.expect("is active");
        let form = |places: &[i32], from: String| v1::FormSupportTeamRequest {
            name: CASE.into(),
            from,
            members: places
                .iter()
                .map(|place| v1::TeamMember {
                    place: *place,
                    staff: String::new(),
                })
                .collect(),
            ..Default::default()
        };
        worker
            .cases
            .form_support_team(form(&[1, 2, 3, 4, 5], today()))
            .await
            .expect("is formed");
        check(
            worker.cases.form_support_team(form(&[], today())).await,
            ("LIST_EMPTY", Some("members")),
        );
        check(
            worker.cases.form_support_team(form(&[1], ago(9))).await,
            ("OCCURRED_BEFORE_CASE", Some("from")),
        );
        let unknown = worker.cases.form_support_team(form(&[99], today())).await;
        assert_eq!(unknown.expect_err("is unknown").code(), tonic::Code::InvalidArgument);
    });
}
