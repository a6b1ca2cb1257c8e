//! Tests that are due by a plan: they pass, are missed or excused, and are met by what turns up late.

use waystation_api::v1;
use waystation_storage::testing::on_both;
use waystation_tests::compliance::{CASE, ago, check, notice, sample};
use waystation_tests::{Clients, STATION, Server, after, json, run};

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

#[test]
fn a_policy_is_tried_on_history_and_writes_nothing() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let (mut worker, mut leader) = (
            server.clients("worker-1", "CASE_WORKER").await,
            server.clients("leader-1", "SUPERVISOR").await,
        );
        let signed = worker.active_case("c1", &ago(200)).await.expect("is active");
        let simulate = |value: &str| v1::SimulatePolicyRequest {
            station: STATION.into(),
            set: [("tests.urine.per_year.CD".to_owned(), value.to_owned())].into(),
            read: after(&signed),
            ..Default::default()
        };
        let asked = leader.compliance.simulate_policy(simulate("6,4,2")).await;
        let found = asked.expect("is answered").into_inner();
        assert_eq!((found.cases, found.moving), (1, 1));
        assert_eq!(found.movers[0].case, CASE);
        let planned = |standing: &Option<v1::PolicyStanding>| standing.as_ref().expect("is there").tests_planned;
        assert_eq!(
            (planned(&found.movers[0].before), planned(&found.movers[0].after)),
            (22, 12)
        );
        assert!(found.tests_due_after < found.tests_due_before);
        let same = leader.compliance.simulate_policy(simulate("12,6,4")).await;
        assert_eq!(same.expect("is answered").into_inner().moving, 0);
        check(
            leader.compliance.simulate_policy(simulate("often")).await,
            ("FIELD_INVALID", Some("set")),
        );
        let nothing = v1::SimulatePolicyRequest {
            set: Default::default(),
            ..simulate("")
        };
        check(
            leader.compliance.simulate_policy(nothing).await,
            ("FIELD_INVALID", Some("set")),
        );
        drop(server);
        let events =
            || json(&run(&["verify", "db", "--database", &database.url, "--json"]))["parts"][0]["looked_at"].clone();
        let before = events();
        let value = "tests.urine.per_year.CD=6,4,2";
        let all = [
            "policy",
            "simulate",
            "--database",
            &database.url,
            "--set",
            value,
            "--json",
        ];
        let tried = json(&run(&all));
        assert_eq!(tried["movers"].as_array().map(Vec::len), Some(1));
        assert!(before.is_number() && before == events(), "{before}");
        let wrong = run(&[
            "policy",
            "simulate",
            "--database",
            &database.url,
            "--set",
            "no.such.key=1",
        ]);
        assert_eq!(wrong.status.code(), Some(4));
    });
}
