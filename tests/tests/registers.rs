//! Papers and their numbers, notices of what is owed, the handover on release, and how much each worker has.

use waystation_api::v1;
use waystation_storage::testing::on_both;
use waystation_tests::compliance::{CASE, ago, check, owed};
use waystation_tests::{Clients, STATION, Server, after, as_of, order, policy, today};

#[test]
fn papers_have_numbers_that_are_used_once_and_the_register_shows_gaps_and_what_was_not_served() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let channel = server.connect().await;
        let mut worker = server.clients("worker-1", "CASE_WORKER").await;
        let mut elsewhere = Clients::at(&channel, "worker-9", "CASE_WORKER", "station-elsewhere");
        worker.active_case("c1", &ago(20)).await.expect("is active");
        worker.active_case("c2", &ago(20)).await.expect("is active");
        elsewhere.active_case("c3", &ago(20)).await.expect("is active");
        let kind = v1::DocumentKind::AdmonitionLetter;
        let issue = |case: &str, serial| v1::IssueDocumentRequest {
            name: format!("cases/{case}"),
            kind: kind.into(),
            serial,
            on: today(),
            ..Default::default()
        };
        check(
            worker.cases.issue_document(issue("c1", 100_000)).await,
            ("FIELD_INVALID", Some("serial")),
        );
        worker.cases.issue_document(issue("c1", 1)).await.expect("is issued");
        check(
            worker.cases.issue_document(issue("c2", 1)).await,
            ("DOCUMENT_NUMBER_IN_USE", Some("serial")),
        );
        check(
            worker.cases.issue_document(issue("c1", 1)).await,
            ("DOCUMENT_NUMBER_IN_USE", Some("serial")),
        );
        elsewhere
            .cases
            .issue_document(issue("c3", 1))
            .await
            .expect("has a register of its own");
        let issued = worker.cases.issue_document(issue("c2", 4)).await;
        let before = issued.expect("is issued").into_inner();
        let serve = |document| v1::ServeDocumentRequest {
            name: CASE.into(),
            document,
            on: today(),
            mode: v1::ServiceMode::ServedOnFamily.into(),
            signed: true,
            ..Default::default()
        };
        check(
            worker.cases.serve_document(serve(2)).await,
            ("DOCUMENT_NOT_FOUND", Some("document")),
        );
        let served = worker
            .cases
            .serve_document(serve(1))
            .await
            .expect("is served")
            .into_inner();
        check(
            worker.cases.serve_document(serve(1)).await,
            ("DOCUMENT_SERVED", Some("document")),
        );
        let list = |unserved, read| v1::ListDocumentsRequest {
            station: STATION.into(),
            unserved,
            read,
            ..Default::default()
        };
        let register = worker.inspection.list_documents(list(false, after(&served))).await;
        let register = register.expect("lists").into_inner();
        let rows: Vec<_> = register
            .documents
            .iter()
            .map(|paper| {
                (
                    paper.case.as_str(),
                    paper.serial,
                    paper.served_on.is_empty(),
                    paper.signed,
                )
            })
            .collect();
        assert_eq!(rows, [("cases/c1", 1, false, true), ("cases/c2", 4, true, false)]);
        let gaps: Vec<_> = register
            .gaps
            .iter()
            .map(|gap| (gap.kind(), gap.serials.clone()))
            .collect();
        assert_eq!(gaps, [(kind, vec![2, 3])]);
        let unserved = worker.inspection.list_documents(list(true, after(&served))).await;
        assert_eq!(unserved.expect("lists").into_inner().total, 1);
        let then = worker
            .inspection
            .list_documents(list(true, as_of(before.position)))
            .await;
        assert_eq!(then.expect("lists").into_inner().total, 2, "nothing had been served");
        let strange = v1::ListDocumentsRequest {
            year: -1,
            ..list(false, None)
        };
        check(
            worker.inspection.list_documents(strange).await,
            ("FIELD_INVALID", Some("year")),
        );
    });
}

#[test]
fn a_notice_of_what_is_owed_is_seen_beside_it() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let mut worker = server.clients("worker-1", "CASE_WORKER").await;
        let signed = worker.active_case("c1", &ago(3)).await.expect("is active");
        let kind = v1::ObligationKind::MonthlyMeeting;
        let meeting = owed(&mut worker, kind, &signed).await[0].name.clone();
        let number: i32 = meeting
            .rsplit('/')
            .next()
            .and_then(|number| number.parse().ok())
            .expect("a number");
        let notify = |obligation, evidence: &str| v1::NotifyObligationRequest {
            name: CASE.into(),
            obligation,
            on: ago(1),
            mode: v1::NoticeMode::NoticeByPhone.into(),
            evidence: vec![evidence.to_owned()],
            ..Default::default()
        };
        let digest = "0".repeat(64);
        check(
            worker.compliance.notify_obligation(notify(99, &digest)).await,
            ("OBLIGATION_NOT_FOUND", Some("obligation")),
        );
        check(
            worker.compliance.notify_obligation(notify(number, "photo.jpg")).await,
            ("FIELD_INVALID", Some("evidence")),
        );
        let told = worker.compliance.notify_obligation(notify(number, &digest)).await;
        let told = told.expect("is told").into_inner();
        let entry = &owed(&mut worker, kind, &told).await[0];
        assert_eq!((entry.state.as_str(), entry.notified_on.clone()), ("OPEN", ago(1)));
    });
}

#[test]
fn who_comes_from_compulsory_isolation_is_handed_over_once() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let mut worker = server.clients("worker-1", "CASE_WORKER").await;
        let handover = |case: &str| v1::RecordReleaseHandoverRequest {
            name: format!("cases/{case}"),
            released_on: ago(3),
            received_on: ago(2),
            facility: "GUIYANG_ISOLATION_1".into(),
            papers: vec!["RELEASE_CERTIFICATE".into()],
            ..Default::default()
        };
        worker
            .cases
            .register_order(order("detox", &ago(4)))
            .await
            .expect("is registered");
        check(
            worker.cases.record_release_handover(handover("detox")).await,
            ("NOT_A_RELEASE", None),
        );
        let rehab = v1::RegisterOrderRequest {
            programme: v1::Programme::CommunityRehab.into(),
            release_no: "解戒-1".into(),
            ..order("rehab", &ago(4))
        };
        worker.cases.register_order(rehab).await.expect("is registered");
        worker
            .cases
            .record_release_handover(handover("rehab"))
            .await
            .expect("is recorded");
        check(
            worker.cases.record_release_handover(handover("rehab")).await,
            ("HANDED_OVER_ALREADY", None),
        );
    });
}

#[test]
fn a_load_that_policy_would_not_have_is_shown_and_stops_nobody() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let mut worker = server.clients("worker-1", "CASE_WORKER").await;
        let mut leader = server.clients("leader-1", "SUPERVISOR").await;
        policy::set(&server, "qinglongshan/load-1", &[("load.max_cases_per_worker", "1")]).await;
        let mut last = None;
        for case in ["c1", "c2", "c3"] {
            last = Some(worker.active_case(case, &ago(2)).await.expect("is active"));
            if case != "c3" {
                let assign = v1::AssignWorkerRequest {
                    name: format!("cases/{case}"),
                    worker: "worker-1".into(),
                    from: today(),
                    ..Default::default()
                };
                leader.cases.assign_worker(assign).await.expect("stops nobody");
            }
        }
        let list = v1::ListWorkloadRequest {
            station: STATION.into(),
            read: after(&last.expect("is there")),
        };
        let load = leader.inspection.list_workload(list).await.expect("lists").into_inner();
        let workers: Vec<_> = load
            .workers
            .iter()
            .map(|one| (one.worker.as_str(), one.cases, one.over))
            .collect();
        assert_eq!(workers, [("worker-1", 2, true), ("", 1, false)]);
        assert_eq!((load.limit, load.source.as_str()), (1, "qinglongshan/load-1"));
    });
}
