//! Conflicts of interest: nobody reads or writes the record of themselves or of somebody close to them, not even in an
//! emergency, and a search does not find it.

use tonic::Code;
use waystation_api::v1;
use waystation_storage::testing::on_both;
use waystation_tests::people::{get, reason};
use waystation_tests::records::NUMBERS;
use waystation_tests::{Server, account, after, check_in, order, run, today};

const PERSON: &str = "p-1";

fn declare() -> v1::DeclareConflictRequest {
    v1::DeclareConflictRequest {
        name: format!("people/{PERSON}"),
        account: "accounts/worker-1".into(),
        ..Default::default()
    }
}

fn withdraw() -> v1::WithdrawConflictRequest {
    v1::WithdrawConflictRequest {
        name: format!("people/{PERSON}"),
        account: "accounts/worker-1".into(),
        ..Default::default()
    }
}

fn find() -> v1::FindPeopleRequest {
    v1::FindPeopleRequest {
        by: Some(v1::find_people_request::By::IdNumber(NUMBERS[0].into())),
    }
}

#[test]
fn what_is_too_close_is_closed() {
    on_both(|database| async move {
        assert!(run(&["migrate", "--database", &database.url]).status.success());
        account(&database.url, "worker-1", "CASE_WORKER");
        let server = Server::serve(&database.url);
        let channel = server.connect().await;
        waystation_tests::records::record(&server, &channel, 0, PERSON, waystation_tests::STATION, "worker-1").await;
        let mut worker = server.clients("worker-1", "CASE_WORKER").await;
        let mut leader = server.clients("leader-1", "SUPERVISOR").await;
        let mut colleague = server.clients("worker-2", "CASE_WORKER").await;
        let active = colleague
            .active_case("c-other", &today())
            .await
            .expect("becomes active");
        let read = after(&active);
        let get = |reveal| v1::GetPersonRequest {
            read,
            ..get(PERSON, reveal)
        };
        worker.people.get_person(get(true)).await.expect("is in their charge");

        let refused = colleague
            .people
            .declare_conflict(declare())
            .await
            .expect_err("is another's to say");
        assert_eq!(reason(&refused), "ROLE_REQUIRED");
        let nobody = v1::DeclareConflictRequest {
            account: "accounts/nobody".into(),
            ..declare()
        };
        let refused = leader.people.declare_conflict(nobody).await.expect_err("is not there");
        assert_eq!(reason(&refused), "ACCOUNT_MISSING");
        for (case, serial) in [("c-other", 1), (PERSON, 2), ("c-other", 3)] {
            let issue = v1::IssueDocumentRequest {
                name: format!("cases/{case}"),
                kind: v1::DocumentKind::BreachCertificate.into(),
                serial,
                on: today(),
                ..Default::default()
            };
            leader.cases.issue_document(issue).await.expect("is issued");
        }
        let report = v1::ReportInRequest {
            name: format!("cases/{PERSON}"),
            on: today(),
            identity_checked: true,
            ..Default::default()
        };
        leader.cases.report_in(report).await.expect("reports");
        let agreement = v1::SignAgreementRequest {
            name: format!("cases/{PERSON}"),
            on: today(),
            agreement_no: "A-2".into(),
            clauses: ["MEASURES", "RULES", "LIABILITY"].map(String::from).to_vec(),
            ..Default::default()
        };
        leader.cases.sign_agreement(agreement).await.expect("signs");
        let mut met = active;
        for case in ["c-other", PERSON] {
            let meeting = leader.cases.record_check_in(check_in(case, &today())).await;
            met = meeting.expect("is recorded").into_inner();
        }
        worker
            .people
            .declare_conflict(declare())
            .await
            .expect("says so themselves");
        let refused = worker
            .people
            .withdraw_conflict(withdraw())
            .await
            .expect_err("decides nothing");
        assert_eq!(refused.code(), Code::PermissionDenied);

        // A number of their paper looks like one that nobody used.
        let register = v1::ListDocumentsRequest {
            station: waystation_tests::STATION.into(),
            ..Default::default()
        };
        let register = worker
            .inspection
            .list_documents(register)
            .await
            .expect("lists")
            .into_inner();
        let serials: Vec<i32> = register.documents.iter().map(|paper| paper.serial).collect();
        assert_eq!((serials, register.gaps[0].serials.clone()), (vec![1, 3], vec![2]));

        let contacts = v1::ListContactsRequest {
            station: waystation_tests::STATION.into(),
            read: after(&met),
            ..Default::default()
        };
        let listed = |answer: tonic::Response<v1::ListContactsResponse>| answer.into_inner().total;
        let theirs = worker.registers.list_contacts(contacts.clone()).await;
        assert_eq!(listed(theirs.expect("lists")), 1, "and counts nobody else's");
        assert_eq!(
            listed(leader.registers.list_contacts(contacts).await.expect("lists")),
            2
        );

        // Reading, whole or masked, by case, in lists, by number, and in an emergency.
        let case = format!("cases/{PERSON}");
        for reveal in [false, true] {
            let refused = worker.people.get_person(get(reveal)).await.expect_err("is closed");
            assert_eq!(refused.code(), Code::PermissionDenied);
        }
        let one = v1::GetCaseRequest {
            name: case.clone(),
            read,
            ..Default::default()
        };
        let refused = worker.cases.get_case(one.clone()).await.expect_err("is closed");
        assert_eq!(refused.code(), Code::PermissionDenied);
        let list = v1::ListCasesRequest {
            station: waystation_tests::STATION.into(),
            read,
            ..Default::default()
        };
        let names = |listed: tonic::Response<v1::ListCasesResponse>| -> Vec<String> {
            listed.into_inner().cases.into_iter().map(|case| case.name).collect()
        };
        let seen = names(worker.cases.list_cases(list.clone()).await.expect("lists the others"));
        assert!(
            !seen.contains(&case) && seen.contains(&"cases/c-other".to_owned()),
            "{seen:?}"
        );
        assert!(names(leader.cases.list_cases(list).await.expect("lists all")).contains(&case));
        let found = worker
            .people
            .find_people(find())
            .await
            .expect("is told nothing")
            .into_inner();
        assert!(found.names.is_empty());
        assert_eq!(
            leader
                .people
                .find_people(find())
                .await
                .expect("finds")
                .into_inner()
                .names
                .len(),
            1
        );
        let entries = v1::ListAuditEntriesRequest {
            by: Some(v1::list_audit_entries_request::By::Record(case.clone())),
            read,
            ..Default::default()
        };
        let refused = worker.audit.list_audit_entries(entries).await;
        let none = refused.map_or_else(
            |refused| refused.code() == Code::PermissionDenied,
            |listed| listed.into_inner().entries.is_empty(),
        );
        assert!(none, "an entry of a closed record was listed");
        let emergency = v1::BreakGlassRequest {
            name: format!("people/{PERSON}"),
            emergency: v1::EmergencyKind::Medical.into(),
            reason: "昏迷，需要联系家属".into(),
            ..Default::default()
        };
        let refused = worker
            .people
            .break_glass(emergency)
            .await
            .expect_err("is for somebody else");
        assert_eq!(reason(&refused), "CONFLICT_OF_INTEREST");

        // Writing: the case, points, the person, and a new case.
        let refused = worker.cases.record_check_in(check_in(PERSON, &today())).await;
        assert_eq!(
            reason(&refused.expect_err("is somebody else's")),
            "CONFLICT_OF_INTEREST"
        );
        let award = v1::AwardPointsManuallyRequest {
            name: format!("pointsAccounts/{PERSON}"),
            on: today(),
            amount: 1,
            reason: "VOLUNTEERING".into(),
            ..Default::default()
        };
        let refused = worker
            .points
            .award_points_manually(award)
            .await
            .expect_err("is somebody else's");
        assert_eq!(reason(&refused), "CONFLICT_OF_INTEREST");
        let again = v1::RegisterOrderRequest {
            person: PERSON.into(),
            ..order("again", &today())
        };
        for validate_only in [true, false] {
            let again = v1::RegisterOrderRequest {
                validate_only,
                ..again.clone()
            };
            let refused = worker
                .cases
                .register_order(again)
                .await
                .expect_err("is somebody else's");
            assert_eq!(reason(&refused), "CONFLICT_OF_INTEREST");
        }
        worker
            .cases
            .record_check_in(check_in("c-other", &today()))
            .await
            .expect("goes on with the others");
        leader
            .cases
            .get_case(one.clone())
            .await
            .expect("is open to the station");

        leader.people.withdraw_conflict(withdraw()).await.expect("is withdrawn");
        worker.cases.get_case(one).await.expect("is open again");
    });
}
