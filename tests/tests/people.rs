//! People: on file once, masked, read on record; and what needs two.

use tonic::Code;
use waystation_api::v1;
use waystation_storage::testing::on_both;
use waystation_tests::people::{ID, OTHER_ID, decide, get, person, propose, reason, registration, text, with_case};
use waystation_tests::{Server, after, json, run, today};

#[test]
fn a_person_is_on_file_once_masked_until_revealed_and_every_reading_is_on_record() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let mut clients = server.clients("worker-1", "CASE_WORKER").await;
        let registered = clients.people.register_person(registration("p-1", ID)).await;
        let registered = registered.expect("is registered").into_inner();
        let masked = person(&mut clients, "p-1", false, &registered).await;
        assert_eq!(text(&masked.full_name), ("阿******提", v1::FieldState::Masked));
        assert_eq!(text(&masked.id_number), ("110************02X", v1::FieldState::Masked));
        assert_eq!(text(&masked.phone), ("138****8000", v1::FieldState::Masked));
        let who = masked.person.expect("is there");
        assert_eq!((who.gender.as_str(), who.birth_year), ("FEMALE", 1949));
        let revealed = person(&mut clients, "p-1", true, &registered).await;
        assert_eq!(text(&revealed.full_name), ("阿卜杜拉·买买提", v1::FieldState::Open));
        assert_eq!(text(&revealed.id_number), (ID, v1::FieldState::Open));

        // Once, and a second try does not say who has the number.
        let again = clients
            .people
            .register_person(registration("p-2", ID))
            .await
            .expect_err("is refused");
        assert_eq!(
            (again.code(), reason(&again).as_str()),
            (Code::AlreadyExists, "PERSON_EXISTS")
        );
        assert!(!format!("{again:?}").contains("p-1"), "{again:?}");
        let wrong = registration("p-3", "110105194912310021");
        let wrong = clients.people.register_person(wrong).await.expect_err("is refused");
        assert_eq!(
            (wrong.code(), reason(&wrong).as_str()),
            (Code::InvalidArgument, "ID_NUMBER_INVALID")
        );
        // What was refused has taken nothing.
        let badly_named = v1::RegisterPersonRequest {
            name: String::new(),
            ..registration("p-4", OTHER_ID)
        };
        clients
            .people
            .register_person(badly_named)
            .await
            .expect_err("is refused");
        clients
            .people
            .register_person(registration("p-4", OTHER_ID))
            .await
            .expect("the number is free");

        for by in [
            v1::find_people_request::By::IdNumber(" 11010519491231002x".into()),
            v1::find_people_request::By::Phone("13800138000".into()),
        ] {
            let found = clients.people.find_people(v1::FindPeopleRequest { by: Some(by) }).await;
            assert_eq!(found.expect("is found").into_inner().names[0], "people/p-1");
        }
        let contact = v1::UpdateContactRequest {
            name: "people/p-1".into(),
            phone: "13900139000".into(),
            verified_by: v1::VerifiedBy::Call.into(),
            ..Default::default()
        };
        let updated = clients
            .people
            .update_contact(contact)
            .await
            .expect("is updated")
            .into_inner();
        let revealed = person(&mut clients, "p-1", true, &updated).await;
        assert_eq!(text(&revealed.phone), ("13900139000", v1::FieldState::Open));
        assert_eq!(text(&revealed.full_name).0, "阿卜杜拉·买买提", "the rest stays");

        let mut leader = server.clients("leader-1", "SUPERVISOR").await;
        let report = v1::ListAccessRequest {
            name: "people/p-1".into(),
            ..Default::default()
        };
        let records = leader
            .people
            .list_access(report)
            .await
            .expect("is listed")
            .into_inner()
            .records;
        let calls: Vec<&str> = records.iter().map(|record| record.rpc.as_str()).collect();
        let of = |rpc: &str| calls.iter().filter(|call| **call == rpc).count();
        assert_eq!(
            (
                of("PersonService/GetPerson"),
                of("PersonService/FindPeople"),
                of("PersonService/ListAccess")
            ),
            (3, 2, 1),
            "{calls:?}"
        );
        assert!(
            records
                .iter()
                .take(5)
                .all(|record| record.principal == "worker-1" && record.purpose == "CARE")
        );
        let list = v1::ListPeopleRequest {
            station: waystation_tests::STATION.into(),
            ..Default::default()
        };
        let listed = clients.people.list_people(list).await.expect("is listed").into_inner();
        assert_eq!(listed.people.len(), 2);
        drop(server);
        for part in ["keys", "access"] {
            let verified = run(&["verify", part, "--database", &database.url, "--json"]);
            assert!(verified.status.success(), "{part}: {}", json(&verified));
        }
    });
}

#[test]
fn what_needs_two_people_takes_two_and_a_death_ends_the_case() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let mut worker = server.clients("worker-1", "CASE_WORKER").await;
        let mut leader = server.clients("leader-1", "SUPERVISOR").await;
        let mut privacy = server.clients("privacy-1", "PRIVACY_OFFICER").await;
        with_case(&mut worker, "p-1", "c1").await;
        let fact = v1::RecordProtectiveFactRequest {
            name: "people/p-1".into(),
            kind: v1::ProtectiveKind::SoleCarer.into(),
            from: today(),
            document_no: "证明-1".into(),
            ..Default::default()
        };
        worker.people.record_protective_fact(fact).await.expect("is recorded");
        let restrict = v1::RestrictPersonRequest {
            name: "people/p-1".into(),
            basis: "PIPL-47".into(),
            ..Default::default()
        };
        privacy.people.restrict_person(restrict).await.expect("is restricted");
        let lift = v1::LiftRestrictionRequest {
            name: "people/p-1".into(),
            basis: "PIPL-47".into(),
            ..Default::default()
        };
        privacy.people.lift_restriction(lift).await.expect("is lifted");
        let ask = v1::RegisterSubjectRequestRequest {
            name: "people/p-1".into(),
            kind: v1::SubjectRequestKind::Access.into(),
            on: today(),
            ..Default::default()
        };
        worker
            .people
            .register_subject_request(ask)
            .await
            .expect("is registered");
        let answer = v1::AnswerSubjectRequestRequest {
            name: "people/p-1".into(),
            request: 1,
            granted: true,
            reason: "已提供".into(),
            ..Default::default()
        };
        leader.people.answer_subject_request(answer).await.expect("is answered");

        leader
            .people
            .propose_act(propose("p-1", v1::Act::Seal))
            .await
            .expect("is proposed");
        let alone = leader
            .people
            .decide_act(decide("p-1", 1))
            .await
            .expect_err("is refused");
        assert_eq!(reason(&alone), "SAME_PERSON_FORBIDDEN");
        let sealed = privacy
            .people
            .decide_act(decide("p-1", 1))
            .await
            .expect("is sealed")
            .into_inner();
        let shut = v1::GetPersonRequest {
            read: after(&sealed),
            ..get("p-1", true)
        };
        let shut = worker.people.get_person(shut).await.expect_err("is closed");
        assert_eq!(
            (shut.code(), reason(&shut).as_str()),
            (Code::PermissionDenied, "PERMISSION_DENIED")
        );
        let list = v1::ListPeopleRequest {
            station: waystation_tests::STATION.into(),
            read: after(&sealed),
            ..Default::default()
        };
        let listed = worker.people.list_people(list).await.expect("is listed").into_inner();
        assert!(listed.people.is_empty(), "who is sealed is in no list");
        leader
            .people
            .propose_act(propose("p-1", v1::Act::LiftSeal))
            .await
            .expect("is proposed");
        let lifted = privacy
            .people
            .decide_act(decide("p-1", 2))
            .await
            .expect("is lifted")
            .into_inner();
        let shown = person(&mut worker, "p-1", true, &lifted).await;
        assert_eq!(text(&shown.full_name).1, v1::FieldState::Open);

        let death = v1::RecordDeathRequest {
            name: "people/p-1".into(),
            on: today(),
            document_no: "死亡-1".into(),
            ..Default::default()
        };
        leader.people.record_death(death).await.expect("is recorded");
        let now = worker.audit.get_checkpoint(v1::GetCheckpointRequest {}).await;
        let case = v1::GetCaseRequest {
            name: "cases/c1".into(),
            read: Some(v1::ReadOptions {
                min_position: now.expect("is given").into_inner().size,
                as_of: None,
            }),
            reveal: false,
        };
        let case = worker.cases.get_case(case).await.expect("is there").into_inner();
        assert_eq!(case.case.expect("is there").stage(), v1::Stage::Terminated);
    });
}

#[test]
fn without_a_record_of_it_nothing_is_read() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let mut clients = server.clients("worker-1", "CASE_WORKER").await;
        let registered = clients.people.register_person(registration("p-1", ID)).await;
        let active = clients.active_case("c1", &today()).await.expect("becomes active");
        let shown = v1::GetCaseRequest {
            name: "cases/c1".into(),
            read: after(&active),
            reveal: false,
        };
        clients.cases.get_case(shown).await.expect("is there");
        person(
            &mut clients,
            "p-1",
            true,
            &registered.expect("is registered").into_inner(),
        )
        .await;
        // T-21: the access log takes no more records.
        let broken = "UPDATE access_tree SET size = size + 1000";
        database.tamper("log", broken).await.expect("is broken");
        let refused = clients
            .people
            .get_person(get("p-1", true))
            .await
            .expect_err("is refused");
        assert_eq!(refused.code(), Code::Unavailable, "{refused:?}");
        assert!(!format!("{refused:?}").contains("买买提"));
        let case = v1::GetCaseRequest {
            name: "cases/c1".into(),
            ..Default::default()
        };
        assert_eq!(
            clients.cases.get_case(case).await.expect_err("is refused").code(),
            Code::Unavailable
        );
        let list = v1::ListCasesRequest::default();
        assert_eq!(
            clients.cases.list_cases(list).await.expect_err("is refused").code(),
            Code::Unavailable
        );
        let entries = v1::ListAuditEntriesRequest {
            by: Some(v1::list_audit_entries_request::By::Record("cases/c1".into())),
            ..Default::default()
        };
        let entries = clients.audit.list_audit_entries(entries).await;
        assert_eq!(entries.expect_err("is refused").code(), Code::Unavailable);
        clients.active_case("c2", &today()).await.expect("recording goes on");
    });
}
