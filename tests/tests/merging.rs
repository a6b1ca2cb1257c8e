//! Two records of one human: what closes one closes the other, and whoever is kept from one is kept from both.

use tonic::Code;
use waystation_api::v1;
use waystation_storage::testing::on_both;
use waystation_tests::people::{decide, get, propose, reason};
use waystation_tests::records::record;
use waystation_tests::{Clients, STATION, Server, account, after, run};

fn merge(id: &str, into: &str) -> v1::ProposeActRequest {
    v1::ProposeActRequest {
        other: format!("people/{into}"),
        ..propose(id, v1::Act::Merge)
    }
}

/// Has it done by two people; the proposal's number, and the receipt.
async fn by_two(server: &Server, request: v1::ProposeActRequest, proposal: i32) -> v1::CommandReceipt {
    let mut leader = server.clients("leader-1", "SUPERVISOR").await;
    let mut privacy = server.clients("privacy-1", "PRIVACY_OFFICER").await;
    let id = request.name.trim_start_matches("people/").to_owned();
    leader.people.propose_act(request).await.expect("is proposed");
    let decided = privacy.people.decide_act(decide(&id, proposal)).await;
    decided.expect("is decided").into_inner()
}

async fn may_read(clients: &mut Clients, id: &str, since: &v1::CommandReceipt) -> bool {
    let request = v1::GetPersonRequest {
        read: after(since),
        ..get(id, true)
    };
    match clients.people.get_person(request).await {
        Ok(_) => true,
        Err(refused) => {
            assert_eq!(refused.code(), Code::PermissionDenied, "{refused}");
            false
        }
    }
}

async fn declare(leader: &mut Clients, worker: &str, id: &str) {
    let declare = v1::DeclareConflictRequest {
        name: format!("people/{id}"),
        account: format!("accounts/{worker}"),
        ..Default::default()
    };
    leader.people.declare_conflict(declare).await.expect("is declared");
}

#[test]
fn whoever_is_kept_from_one_record_is_kept_from_what_is_merged_with_it() {
    on_both(|database| async move {
        assert!(run(&["migrate", "--database", &database.url]).status.success());
        account(&database.url, "worker-1", "CASE_WORKER");
        account(&database.url, "worker-2", "CASE_WORKER");
        let server = Server::serve(&database.url);
        let channel = server.connect().await;
        record(&server, &channel, 0, "p-1", STATION, "worker-1").await;
        record(&server, &channel, 1, "p-2", STATION, "worker-2").await;
        let mut leader = server.clients("leader-1", "SUPERVISOR").await;
        let (mut first, mut second) = (
            server.clients("worker-1", "CASE_WORKER").await,
            server.clients("worker-2", "CASE_WORKER").await,
        );
        // Each is kept from the record that is not in their charge.
        declare(&mut leader, "worker-1", "p-2").await;
        declare(&mut leader, "worker-2", "p-1").await;
        let merged = by_two(&server, merge("p-1", "p-2"), 1).await;
        assert!(!may_read(&mut first, "p-1", &merged).await, "goes on under p-2");
        assert!(!may_read(&mut second, "p-2", &merged).await, "holds p-1");
        let split = v1::ProposeActRequest {
            other: "people/p-2".into(),
            ..propose("p-1", v1::Act::Split)
        };
        let split = by_two(&server, split, 2).await;
        assert!(may_read(&mut first, "p-1", &split).await, "is another's again");
        assert!(may_read(&mut second, "p-2", &split).await, "is another's again");
    });
}

#[test]
fn a_record_goes_on_under_one_that_is_as_closed() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let channel = server.connect().await;
        for (number, id) in ["p-1", "p-2", "p-3"].into_iter().enumerate() {
            record(&server, &channel, number, id, STATION, "worker-1").await;
        }
        let mut leader = server.clients("leader-1", "SUPERVISOR").await;
        let mut worker = server.clients("worker-1", "CASE_WORKER").await;
        let restrict = v1::RestrictPersonRequest {
            name: "people/p-1".into(),
            basis: "PIPL-47".into(),
            ..Default::default()
        };
        leader.people.restrict_person(restrict).await.expect("is restricted");
        let refused = leader.people.propose_act(merge("p-1", "p-2")).await;
        let refused = refused.expect_err("would open it");
        assert_eq!(reason(&refused), "ACT_DOES_NOT_FIT");
        let lift = v1::LiftRestrictionRequest {
            name: "people/p-1".into(),
            basis: "PIPL-47".into(),
            ..Default::default()
        };
        leader.people.lift_restriction(lift).await.expect("is lifted");
        let merged = by_two(&server, merge("p-1", "p-2"), 1).await;
        assert!(may_read(&mut worker, "p-1", &merged).await);
        // Neither in a circle, nor under one that goes on elsewhere.
        for id in ["p-2", "p-3"] {
            let refused = leader
                .people
                .propose_act(merge(id, "p-1"))
                .await
                .expect_err("goes on elsewhere");
            assert_eq!(reason(&refused), "ACT_DOES_NOT_FIT", "{id}");
        }

        let sealed = by_two(&server, propose("p-2", v1::Act::Seal), 1).await;
        assert!(!may_read(&mut worker, "p-1", &sealed).await, "p-2 is sealed");
        let people = v1::ListPeopleRequest {
            station: STATION.into(),
            read: after(&sealed),
            ..Default::default()
        };
        let people = worker
            .people
            .list_people(people)
            .await
            .expect("lists")
            .into_inner()
            .people;
        let names: Vec<&str> = people.iter().map(|person| person.name.as_str()).collect();
        assert_eq!(names, ["people/p-3"]);
        let cases = v1::ListCasesRequest {
            station: STATION.into(),
            read: after(&sealed),
            ..Default::default()
        };
        let cases = worker.cases.list_cases(cases).await.expect("lists").into_inner().cases;
        let names: Vec<&str> = cases.iter().map(|case| case.name.as_str()).collect();
        assert_eq!(names, ["cases/p-3"]);
    });
}
