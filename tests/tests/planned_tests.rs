//! Tests that are due by a plan: they pass, are missed or excused, and are met by what turns up late.

use waystation_api::v1;
use waystation_storage::testing::on_both;
use waystation_tests::compliance::{CASE, ago, check, notice, sample};
use waystation_tests::{Clients, Server, after};

/// The tests that were planned, when the clock has seen so many of them pass.
async fn passed(clients: &mut Clients, count: usize) -> Vec<v1::Obligation> {
    for _ in 0..100 {
        let agenda = v1::ListAgendaRequest {
            case: CASE.into(),
            kind: v1::ObligationKind::UrineTest.into(),
            ..Default::default()
        };
        let owed = clients
            .cases
            .list_agenda(agenda)
            .await
            .expect("lists")
            .into_inner()
            .obligations;
        if owed.iter().filter(|owed| owed.state == "PAST_DUE").count() >= count {
            return owed;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("the clock has not looked");
}

fn number(owed: &v1::Obligation) -> i32 {
    let number = owed.name.rsplit('/').next().expect("has parts");
    number.parse().expect("is a number")
}

#[test]
fn a_planned_test_passes_is_confirmed_as_missed_and_is_met_by_what_turns_up() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let mut worker = server.clients("worker-1", "CASE_WORKER").await;
        worker.active_case("c1", &ago(100)).await.expect("is active");
        drop(server);
        // The clock looks when it starts.
        let server = Server::start(&database.url);
        let (mut worker, mut leader) = (
            server.clients("worker-1", "CASE_WORKER").await,
            server.clients("leader-1", "SUPERVISOR").await,
        );
        let owed = passed(&mut worker, 3).await;
        assert!(
            owed[0].source.ends_with(" tests.urine.per_year.CD"),
            "{}",
            owed[0].source
        );
        let (first, second) = (number(&owed[0]), number(&owed[1]));
        let confirm = |obligation| v1::ConfirmMissedRequest {
            name: CASE.into(),
            obligation,
            ..Default::default()
        };
        check(
            worker.compliance.confirm_missed(confirm(first)).await,
            ("ROLE_REQUIRED", None),
        );
        check(
            leader.compliance.confirm_missed(confirm(999)).await,
            ("OBLIGATION_NOT_FOUND", Some("obligation")),
        );
        let open = owed
            .iter()
            .find(|owed| owed.state == "OPEN")
            .expect("the present window");
        check(
            leader.compliance.confirm_missed(confirm(number(open))).await,
            ("NOT_PAST_DUE", Some("obligation")),
        );
        leader
            .compliance
            .confirm_missed(confirm(first))
            .await
            .expect("is missed");
        check(
            leader.compliance.confirm_missed(confirm(first)).await,
            ("MISSED_ALREADY", Some("obligation")),
        );
        let excuse = v1::ExcuseObligationRequest {
            name: CASE.into(),
            obligation: second,
            reason: "住院".into(),
            ..Default::default()
        };
        leader.compliance.excuse_obligation(excuse).await.expect("is excused");
        // The paper of the first turns up.
        let noticed = notice(owed[0].window_from.clone(), owed[0].window_to.clone());
        worker.compliance.serve_test_notice(noticed).await.expect("is served");
        let late = v1::RecordSampleRequest {
            on: owed[0].window_to.clone(),
            ..sample()
        };
        let late = worker
            .compliance
            .record_sample(late)
            .await
            .expect("is recorded")
            .into_inner();
        let agenda = v1::ListAgendaRequest {
            case: CASE.into(),
            kind: v1::ObligationKind::UrineTest.into(),
            read: after(&late),
            ..Default::default()
        };
        let owed = worker
            .cases
            .list_agenda(agenda)
            .await
            .expect("lists")
            .into_inner()
            .obligations;
        let states: Vec<&str> = owed.iter().take(3).map(|owed| owed.state.as_str()).collect();
        assert_eq!(states, ["FULFILLED_LATE", "EXCUSED", "PAST_DUE"]);
    });
}
