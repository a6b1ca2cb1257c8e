//! Registers of tests, contacts, leave, breaches, classes of risk and counters: what each line says, which lines are asked for, page
//! by page and as of a moment.

use waystation_api::v1;
use waystation_storage::testing::on_both;
use waystation_tests::compliance::{CASE, ago, check, notice, result, sample};
use waystation_tests::{Clients, STATION, Server, after, as_of, check_in, today};

fn tests(read: Option<v1::ReadOptions>) -> v1::ListTestsRequest {
    v1::ListTestsRequest {
        station: STATION.into(),
        read,
        ..Default::default()
    }
}

#[test]
fn a_test_is_listed_from_notice_to_laboratory_and_as_it_was_known() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let mut worker = server.clients("worker-1", "CASE_WORKER").await;
        let mut elsewhere = Clients::at(&server.connect().await, "worker-9", "CASE_WORKER", "station-elsewhere");
        worker.active_case("c1", &ago(20)).await.expect("is active");
        elsewhere.active_case("c3", &ago(20)).await.expect("is active");
        let told = worker.compliance.serve_test_notice(notice(today(), ago(-3))).await;
        told.expect("is told");
        worker.compliance.record_sample(sample()).await.expect("is taken");
        let (field, laboratory) = (v1::TestStage::TestOnTheSpot, v1::TestStage::TestInLaboratory);
        let positive = result(field, v1::TestOutcome::TestPositive);
        let presumed = worker.compliance.record_test_result(positive).await.expect("is read");
        let presumed = presumed.into_inner();
        let cleared = result(laboratory, v1::TestOutcome::TestNegative);
        let cleared = worker.compliance.record_test_result(cleared).await.expect("is read");
        let cleared = cleared.into_inner();
        let listed = worker.registers.list_tests(tests(after(&cleared))).await;
        let listed = listed.expect("lists").into_inner();
        assert_eq!((listed.total, listed.tests.len()), (1, 1));
        let line = &listed.tests[0];
        assert_eq!((line.case.as_str(), line.test, line.on.clone()), (CASE, 1, today()));
        assert_eq!(line.standing(), v1::TestStanding::ConfirmedNegative);
        assert_eq!(
            (line.notice(), line.kind(), line.site()),
            (
                v1::NoticeMode::NoticeByHand,
                v1::SampleKind::SampleUrine,
                v1::SampleSite::AtStation
            )
        );
        assert_eq!(line.collectors, ["medical-1", "worker-1"]);
        let results: Vec<_> = line
            .results
            .iter()
            .map(|result| (result.stage(), result.outcome()))
            .collect();
        assert_eq!(
            results,
            [
                (field, v1::TestOutcome::TestPositive),
                (laboratory, v1::TestOutcome::TestNegative)
            ]
        );
        assert_eq!((line.met > 0, line.positions.len()), (true, 4));
        let positives = |read| v1::ListTestsRequest {
            positive: true,
            ..tests(read)
        };
        let then = worker.registers.list_tests(positives(as_of(presumed.position))).await;
        let then = then.expect("lists").into_inner();
        assert_eq!(then.tests[0].standing(), v1::TestStanding::PresumptivePositive);
        let now = worker.registers.list_tests(positives(after(&cleared))).await;
        assert_eq!(now.expect("lists").into_inner().total, 0, "the laboratory cleared it");
        let others = v1::ListTestsRequest {
            station: "station-elsewhere".into(),
            ..tests(None)
        };
        check(worker.registers.list_tests(others).await, ("PERMISSION_DENIED", None));
    });
}

#[test]
fn pages_go_on_where_the_last_one_ended_and_stay_in_their_moment() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let mut worker = server.clients("worker-1", "CASE_WORKER").await;
        worker.active_case("c1", &ago(20)).await.expect("is active");
        worker.active_case("c2", &ago(20)).await.expect("is active");
        for (case, days) in [("c1", 2), ("c2", 1), ("c1", 1)] {
            let met = worker.cases.record_check_in(check_in(case, &ago(days))).await;
            met.expect("is recorded");
        }
        let talk = v1::RecordTalkRequest {
            name: CASE.into(),
            on: today(),
            topics: vec![v1::TalkTopic::Work.into()],
            ..Default::default()
        };
        let talked = worker.cases.record_talk(talk).await.expect("is recorded").into_inner();
        let page = |token: &str, read| v1::ListContactsRequest {
            station: STATION.into(),
            page_size: 2,
            page_token: token.into(),
            read,
            ..Default::default()
        };
        let first = worker.registers.list_contacts(page("", after(&talked))).await;
        let first = first.expect("lists").into_inner();
        let name = |line: &v1::ContactLine| line.name.split("/events").next().unwrap_or_default().to_owned();
        let names: Vec<_> = first.contacts.iter().map(name).collect();
        assert_eq!(
            (names, first.total),
            (vec![CASE.to_owned(), CASE.to_owned()], 4),
            "by day, then by case"
        );
        // What comes meanwhile is not of this list.
        worker
            .cases
            .record_check_in(check_in("c2", &today()))
            .await
            .expect("is recorded");
        let second = worker.registers.list_contacts(page(&first.next_page_token, None)).await;
        let second = second.expect("lists").into_inner();
        let kinds: Vec<_> = second.contacts.iter().map(|line| (name(line), line.kind())).collect();
        assert_eq!(
            kinds,
            [
                ("cases/c2".to_owned(), v1::ContactKind::CheckIn),
                (CASE.to_owned(), v1::ContactKind::Talk)
            ]
        );
        assert_eq!((second.next_page_token.as_str(), second.position), ("", first.position));
        let of_another = v1::ListContactsRequest {
            kind: v1::ContactKind::Talk.into(),
            ..page(&first.next_page_token, None)
        };
        check(
            worker.registers.list_contacts(of_another).await,
            ("PAGE_TOKEN_MISMATCH", Some("page_token")),
        );
        let one = v1::ListContactsRequest {
            case: "cases/c2".into(),
            to: ago(1),
            ..page("", None)
        };
        assert_eq!(
            worker
                .registers
                .list_contacts(one)
                .await
                .expect("lists")
                .into_inner()
                .total,
            1
        );
    });
}

#[test]
fn what_no_register_knows_is_named() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let mut worker = server.clients("worker-1", "CASE_WORKER").await;
        let wrong = |field: &'static str| ("FIELD_INVALID", Some(field));
        let asked = tests(None);
        let station = v1::ListTestsRequest {
            station: "青龙山".into(),
            ..asked.clone()
        };
        check(worker.registers.list_tests(station).await, wrong("station"));
        let case = v1::ListTestsRequest {
            case: "c1".into(),
            ..asked.clone()
        };
        check(worker.registers.list_tests(case).await, wrong("case"));
        let standing = v1::ListTestsRequest {
            standing: 99,
            ..asked.clone()
        };
        check(worker.registers.list_tests(standing).await, wrong("standing"));
        let backwards = v1::ListTestsRequest {
            from: today(),
            to: ago(1),
            ..asked.clone()
        };
        check(worker.registers.list_tests(backwards).await, wrong("to"));
        let size = v1::ListTestsRequest {
            page_size: -1,
            ..asked.clone()
        };
        check(worker.registers.list_tests(size).await, wrong("page_size"));
        let day = v1::ListRisksRequest {
            station: STATION.into(),
            moved_since: "2026-02-30".into(),
            ..Default::default()
        };
        check(worker.registers.list_risks(day).await, wrong("moved_since"));
        let kind = v1::ListContactsRequest {
            station: STATION.into(),
            kind: -1,
            ..Default::default()
        };
        check(worker.registers.list_contacts(kind).await, wrong("kind"));
        let none = v1::ListTestsRequest {
            case: "cases/nobody".into(),
            ..asked
        };
        assert_eq!(
            worker
                .registers
                .list_tests(none)
                .await
                .expect("lists")
                .into_inner()
                .total,
            0
        );
    });
}

#[test]
fn who_was_listed_is_on_record_and_who_was_asked_about_by_name_also_when_there_is_nothing() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let mut worker = server.clients("worker-1", "CASE_WORKER").await;
        let leader = server.clients("leader-1", "SUPERVISOR").await;
        let person = |id: &str, number: usize| v1::RegisterPersonRequest {
            person_id: format!("p-{id}"),
            name: "王小明".into(),
            id_number: waystation_tests::records::NUMBERS[number].into(),
            household_org: "QINGZHEN".into(),
            ..Default::default()
        };
        for (number, id) in ["c1", "c2"].into_iter().enumerate() {
            worker
                .people
                .register_person(person(id, number))
                .await
                .expect("is registered");
            worker.active_case(id, &ago(2)).await.expect("is active");
        }
        let met = worker.cases.record_check_in(check_in("c2", &today())).await;
        let met = met.expect("is recorded").into_inner();
        let contacts = v1::ListContactsRequest {
            station: STATION.into(),
            read: after(&met),
            ..Default::default()
        };
        worker.registers.list_contacts(contacts).await.expect("lists");
        worker.registers.list_tests(tests(after(&met))).await.expect("lists");
        let named = v1::ListTestsRequest {
            case: CASE.into(),
            ..tests(after(&met))
        };
        assert_eq!(
            worker
                .registers
                .list_tests(named)
                .await
                .expect("lists")
                .into_inner()
                .total,
            0
        );
        let readings = |person: &str| {
            let list = v1::ListAccessRequest {
                name: format!("people/{person}"),
                ..Default::default()
            };
            let mut people = leader.people.clone();
            async move {
                let listed = people.list_access(list).await.expect("lists").into_inner();
                listed.records.iter().map(|one| one.rpc.clone()).collect::<Vec<_>>()
            }
        };
        assert_eq!(
            readings("p-c2").await,
            ["RegisterService/ListContacts", "PersonService/ListAccess"]
        );
        assert_eq!(
            readings("p-c1").await,
            ["RegisterService/ListTests", "PersonService/ListAccess"]
        );
    });
}
