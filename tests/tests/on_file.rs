//! What holds a person's file together when things go wrong: refused and repeated registrations, sealed fields of entries,
//! and readings through the other door.

use tonic::Code;
use waystation_api::event_store::client::streams::streams_client::StreamsClient;
use waystation_api::v1;
use waystation_api::v1::find_people_request::By;
use waystation_storage::testing::on_both;
use waystation_tests::people::{
    ID, OTHER_ID, decide, end_cases, erase, get, person, propose, reason, registration, text, with_case,
};
use waystation_tests::{Clients, Server, read_all, run, today};

async fn holders(clients: &mut Clients, number: &str) -> Vec<String> {
    let by = Some(By::IdNumber(number.into()));
    let found = clients.people.find_people(v1::FindPeopleRequest { by }).await;
    found.expect("is found").into_inner().names
}

#[test]
fn what_is_refused_or_only_tried_takes_no_identity_number_and_what_is_repeated_brings_none_back() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let mut clients = server.clients("worker-1", "CASE_WORKER").await;
        let first = v1::RegisterPersonRequest {
            request_id: "1f0c8b1e-8f5d-4a55-9c39-0d1c6b9b5a01".into(),
            ..registration("p-1", ID)
        };
        clients
            .people
            .register_person(first.clone())
            .await
            .expect("is registered");
        // Under an id that is taken: the other number stays free.
        let taken = clients.people.register_person(registration("p-1", OTHER_ID)).await;
        assert_eq!(reason(&taken.expect_err("is refused")), "PERSON_EXISTS");
        assert!(holders(&mut clients, OTHER_ID).await.is_empty());
        let tried = v1::RegisterPersonRequest {
            validate_only: true,
            ..registration("p-2", OTHER_ID)
        };
        clients
            .people
            .register_person(tried)
            .await
            .expect("would be registered");
        assert!(holders(&mut clients, OTHER_ID).await.is_empty());
        let tried = v1::RegisterPersonRequest {
            validate_only: true,
            ..registration("p-2", ID)
        };
        let tried = clients
            .people
            .register_person(tried)
            .await
            .expect_err("would be refused");
        assert_eq!(reason(&tried), "PERSON_EXISTS");

        // The same person at the same time, under two ids: one of them.
        let twice = |id: &'static str| {
            let mut clients = clients.clone();
            async move { clients.people.register_person(registration(id, OTHER_ID)).await }
        };
        let (one, other) = tokio::join!(twice("p-3"), twice("p-4"));
        assert_eq!(
            usize::from(one.is_ok()) + usize::from(other.is_ok()),
            1,
            "{one:?} {other:?}"
        );
        assert_eq!(holders(&mut clients, OTHER_ID).await.len(), 1);

        erase(&server, "p-1").await;
        let again = clients
            .people
            .register_person(first)
            .await
            .expect("was registered once");
        assert!(again.into_inner().replayed);
        assert!(holders(&mut clients, ID).await.is_empty(), "erased is not findable");
        clients
            .people
            .register_person(registration("p-5", ID))
            .await
            .expect("the number is free again");
        drop(server);
        let verified = run(&["verify", "keys", "--database", &database.url]);
        assert!(verified.status.success());
    });
}

#[test]
fn nobody_is_erased_while_a_case_is_open_or_merged_into_nobody() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let mut worker = server.clients("worker-1", "CASE_WORKER").await;
        let mut leader = server.clients("leader-1", "SUPERVISOR").await;
        with_case(&mut worker, "p-1", "c1").await;
        let no = leader.people.propose_act(propose("p-1", v1::Act::Erase)).await;
        assert_eq!(reason(&no.expect_err("is refused")), "CASE_STILL_OPEN");
        end_cases(&mut leader, "p-1").await;
        leader
            .people
            .propose_act(propose("p-1", v1::Act::Erase))
            .await
            .expect("is proposed");
        for other in ["people/p-1", "people/p-9"] {
            let merge = v1::ProposeActRequest {
                other: other.into(),
                ..propose("p-1", v1::Act::Merge)
            };
            let no = leader.people.propose_act(merge).await.expect_err("is refused");
            assert_eq!(reason(&no), "PERSON_NOT_FOUND", "{other}");
        }
        // An id is not a place for a number.
        for id in [ID, "p-11010519491231002X", "13800138000"] {
            let no = worker.people.register_person(registration(id, OTHER_ID)).await;
            assert_eq!(no.expect_err("is refused").code(), Code::InvalidArgument, "{id}");
        }
    });
}

#[test]
fn the_sealed_fields_of_an_entry_are_for_those_who_may_and_on_record() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let mut worker = server.clients("worker-1", "CASE_WORKER").await;
        let registered = worker.people.register_person(registration("p-1", ID)).await;
        registered.expect("is registered");
        let mut leader = server.clients("leader-1", "SUPERVISOR").await;
        let proposed = leader.people.propose_act(propose("p-1", v1::Act::Seal)).await;
        let position = proposed.expect("is proposed").into_inner().position;
        let entry = |position| v1::RevealEntryRequest { position };
        // Whoever decides reads why it was proposed.
        let mut privacy = server.clients("privacy-1", "PRIVACY_OFFICER").await;
        let opened = privacy
            .audit
            .reveal_entry(entry(position))
            .await
            .expect("is opened")
            .into_inner();
        let value = opened.fields[0].value.as_ref().expect("is there");
        assert_eq!(
            (opened.fields[0].field.as_str(), value.text.as_str()),
            ("REASON", "本人申请")
        );
        let mut inspector = server.clients("inspector-1", "INSPECTOR").await;
        let no = inspector
            .audit
            .reveal_entry(entry(position))
            .await
            .expect_err("is refused");
        assert_eq!(no.code(), Code::PermissionDenied);
        let nowhere = leader.audit.reveal_entry(entry(99_999)).await.expect_err("is refused");
        assert_eq!(nowhere.code(), Code::InvalidArgument);

        let fact = v1::RecordProtectiveFactRequest {
            name: "people/p-1".into(),
            kind: v1::ProtectiveKind::Pregnant.into(),
            from: today(),
            document_no: "诊断-1".into(),
            ..Default::default()
        };
        let recorded = worker
            .people
            .record_protective_fact(fact)
            .await
            .expect("is recorded")
            .into_inner();
        for (reveal, kind) in [
            (false, v1::ProtectiveKind::Unspecified),
            (true, v1::ProtectiveKind::Pregnant),
        ] {
            let shown = person(&mut worker, "p-1", reveal, &recorded).await;
            let facts = shown.person.expect("is there").protective_facts;
            assert_eq!(facts[0].kind(), kind);
        }
    });
}

#[test]
fn events_read_through_the_other_door_are_on_record_too() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let mut worker = server.clients("worker-1", "CASE_WORKER").await;
        let registered = worker.people.register_person(registration("p-1", ID)).await;
        let registered = registered.expect("is registered").into_inner();
        let inspector = waystation_tests::Acting::new("inspector-9", "INSPECTOR", waystation_tests::STATION);
        let mut streams = StreamsClient::with_interceptor(server.connect().await, inspector);
        let mut events = streams.read(read_all()).await.expect("reads").into_inner();
        while events.message().await.expect("goes on").is_some() {}
        let named = v1::ListAccessRequest {
            name: "people/p-1".into(),
            ..Default::default()
        };
        let mut leader = server.clients("leader-1", "SUPERVISOR").await;
        person(&mut leader, "p-1", false, &registered).await;
        let records = leader
            .people
            .list_access(named)
            .await
            .expect("lists")
            .into_inner()
            .records;
        let read = records.iter().find(|record| record.principal == "inspector-9");
        assert_eq!(
            read.map(|record| record.rpc.as_str()),
            Some("Streams/Read"),
            "{records:?}"
        );
    });
}

#[test]
fn an_erasure_that_was_interrupted_is_finished() {
    // T-18
    on_both(|database| async move {
        let mut server = Server::start(&database.url);
        let mut worker = server.clients("worker-1", "CASE_WORKER").await;
        worker
            .people
            .register_person(registration("p-1", ID))
            .await
            .expect("is registered");
        let mut leader = server.clients("leader-1", "SUPERVISOR").await;
        let mut privacy = server.clients("privacy-1", "PRIVACY_OFFICER").await;
        leader
            .people
            .propose_act(propose("p-1", v1::Act::Erase))
            .await
            .expect("is proposed");
        let away = "ALTER TABLE key_tombstone RENAME TO away";
        database.tamper("keys", away).await.expect("is out of reach");
        // Decided, and then the keys' database is in the way.
        privacy
            .people
            .decide_act(decide("p-1", 1))
            .await
            .expect_err("does not come to an end");
        let shown = leader
            .people
            .get_person(get("p-1", true))
            .await
            .expect("is there")
            .into_inner();
        assert_eq!(
            text(&shown.full_name).1,
            v1::FieldState::Erased,
            "nothing is read once it is decided"
        );
        server.kill();
        let back = "ALTER TABLE away RENAME TO key_tombstone";
        database.tamper("keys", back).await.expect("is back");
        server.restart(&database.url);
        let mut inspector = server.clients("inspector-1", "INSPECTOR").await;
        let mut finished = false;
        for _ in 0..100 {
            let by = v1::list_audit_entries_request::By::Record("people/p-1".into());
            let asked = v1::ListAuditEntriesRequest {
                by: Some(by),
                ..Default::default()
            };
            let entries = inspector
                .audit
                .list_audit_entries(asked)
                .await
                .expect("lists")
                .into_inner();
            finished = entries
                .entries
                .iter()
                .any(|entry| entry.event_type == "person.identity_key_destroyed.v1");
            if finished {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        assert!(finished, "the clock goes on with it");
        let mut worker = server.clients("worker-1", "CASE_WORKER").await;
        assert!(holders(&mut worker, ID).await.is_empty());
        drop(server);
        let verified = run(&["verify", "keys", "--database", &database.url]);
        assert!(verified.status.success());
    });
}
