//! Absences, tests and breaches over gRPC: what counts, what is refused, and what the police make of it.

use waystation_api::v1;
use waystation_storage::testing::on_both;
use waystation_tests::compliance::{CASE, ago, allege, breach, check, confirm_absence, notice, result, sample};
use waystation_tests::{Clients, Server, after, as_of, json, run, today};

async fn counter(
    clients: &mut Clients,
    read: Option<v1::ReadOptions>,
    ground: v1::BreachGround,
) -> v1::ComplianceCounter {
    let get = v1::GetComplianceRequest {
        name: CASE.into(),
        read,
    };
    let answer = clients
        .compliance
        .get_compliance(get)
        .await
        .expect("is answered")
        .into_inner();
    let found = answer.counters.into_iter().find(|counter| counter.ground() == ground);
    found.expect("is there")
}

#[test]
fn three_absences_go_to_the_police_and_end_the_case() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let (mut worker, mut leader) = (
            server.clients("worker-1", "CASE_WORKER").await,
            server.clients("leader-1", "SUPERVISOR").await,
        );
        worker.active_case("c1", &ago(200)).await.expect("is active");
        check(
            worker.compliance.allege_absence(allege(100, 99)).await,
            ("ABSENCE_TOO_SHORT", Some("to")),
        );
        let mut twice = None;
        for (absence, from) in [(1, 100), (2, 80), (3, 60)] {
            worker
                .compliance
                .allege_absence(allege(from, from - 4))
                .await
                .expect("is alleged");
            check(
                worker.compliance.confirm_absence(confirm_absence(absence)).await,
                ("ROLE_REQUIRED", None),
            );
            let counted = leader.compliance.confirm_absence(confirm_absence(absence)).await;
            let counted = counted.expect("is another's to confirm").into_inner();
            if absence == 2 {
                twice = Some(counted.position);
                check(
                    leader
                        .compliance
                        .confirm_serious_breach(breach(v1::BreachGround::Absences))
                        .await,
                    ("THRESHOLD_NOT_REACHED", Some("ground")),
                );
            }
        }
        check(
            worker.compliance.allege_absence(allege(82, 78)).await,
            ("ABSENCE_OVERLAPS", Some("from")),
        );
        check(
            leader.compliance.confirm_absence(confirm_absence(1)).await,
            ("ABSENCE_DECIDED", Some("absence")),
        );
        check(
            leader.compliance.confirm_absence(confirm_absence(9)).await,
            ("ABSENCE_NOT_FOUND", Some("absence")),
        );
        leader
            .compliance
            .allege_absence(allege(40, 38))
            .await
            .expect("a supervisor may, too");
        check(
            leader.compliance.confirm_absence(confirm_absence(4)).await,
            ("SAME_PERSON_FORBIDDEN", Some("absence")),
        );

        let confirmed = leader
            .compliance
            .confirm_serious_breach(breach(v1::BreachGround::Absences))
            .await;
        let confirmed = confirmed.expect("three times").into_inner();
        let now = counter(&mut worker, after(&confirmed), v1::BreachGround::Absences).await;
        assert_eq!((now.count, now.threshold, now.reached), (3, 3, true));
        assert_eq!(
            now.source,
            "national/2011-06-26 breach.serious.unauthorised_absences_gte"
        );
        assert_eq!(
            (now.legal_source.as_str(), now.certainty.as_str()),
            ("戒毒条例 art. 20", "A")
        );
        let numbers: Vec<_> = now
            .evidence
            .iter()
            .map(|one| (one.number, one.days, one.positions.len()))
            .collect();
        assert_eq!(numbers, [(1, 5, 2), (2, 5, 2), (3, 5, 2)]);
        let days = counter(&mut worker, None, v1::BreachGround::AbsenceDays).await;
        assert_eq!((days.count, days.threshold, days.reached), (15, 30, false));
        // What was true then stays what was true then.
        let then = counter(
            &mut worker,
            as_of(twice.expect("was counted")),
            v1::BreachGround::Absences,
        )
        .await;
        assert_eq!((then.count, then.reached), (2, false));

        let agenda = v1::ListAgendaRequest {
            case: CASE.into(),
            read: after(&confirmed),
            ..Default::default()
        };
        let agenda = worker.cases.list_agenda(agenda).await.expect("lists").into_inner();
        let duty = agenda
            .obligations
            .iter()
            .find(|owed| owed.kind() == v1::ObligationKind::PoliceReport)
            .expect("is due");
        assert_eq!((duty.debtor.as_str(), duty.state.as_str()), ("STATION", "OPEN"));
        check(
            leader
                .compliance
                .confirm_serious_breach(breach(v1::BreachGround::Absences))
                .await,
            ("BAD_STATE", None),
        );
        let refer = v1::ReferToPoliceRequest {
            name: CASE.into(),
            on: today(),
            document_no: "回执-1".into(),
            ..Default::default()
        };
        worker.compliance.refer_to_police(refer.clone()).await.expect("is told");
        check(
            worker.compliance.refer_to_police(refer).await,
            ("ALREADY_REFERRED", None),
        );
        let outcome = v1::RecordPoliceOutcomeRequest {
            name: CASE.into(),
            on: today(),
            outcome: v1::PoliceOutcome::PoliceIsolation.into(),
            document_no: "决定-1".into(),
            ..Default::default()
        };
        let ended = leader
            .compliance
            .record_police_outcome(outcome)
            .await
            .expect("is recorded")
            .into_inner();
        let get = v1::GetCaseRequest {
            name: CASE.into(),
            read: after(&ended),
            ..Default::default()
        };
        let case = worker.cases.get_case(get).await.expect("is there").into_inner().case;
        assert_eq!(case.expect("is there").stage(), v1::Stage::Terminated);
        check(
            worker.compliance.allege_absence(allege(30, 20)).await,
            ("CASE_CLOSED", None),
        );
        drop(server);
        assert!(run(&["verify", "--database", &database.url]).status.success());
        // The same from the command line, then and at the end.
        let explained = |moment: &[&str]| {
            let all = ["explain", "--database", &database.url, "--case", "c1", "--json"];
            let counters = json(&run(&[&all[..], moment].concat()))["counters"].clone();
            let absences = counters.as_array().expect("are many").iter();
            let mut absences = absences.filter(|counter| counter["ground"] == "ABSENCES");
            absences.next().expect("is there")["count"].clone()
        };
        let twice = twice.expect("was counted").to_string();
        assert_eq!(
            (explained(&["--position", &twice]), explained(&[])),
            (2.into(), 3.into())
        );
        let nobody = run(&["explain", "--database", &database.url, "--case", "nobody"]);
        assert_eq!(nobody.status.code(), Some(7));
    });
}

#[test]
fn who_reports_may_go_and_owes_the_return() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let (mut worker, mut leader) = (
            server.clients("worker-1", "CASE_WORKER").await,
            server.clients("leader-1", "SUPERVISOR").await,
        );
        worker.active_case("c1", &ago(30)).await.expect("is active");
        let report = v1::FileAbsenceReportRequest {
            name: CASE.into(),
            reported_on: today(),
            from: today(),
            to: ago(-5),
            destination: "520181".into(),
            purpose: "探望母亲".into(),
            ..Default::default()
        };
        let late = v1::FileAbsenceReportRequest {
            from: ago(2),
            ..report.clone()
        };
        check(
            worker.compliance.file_absence_report(late).await,
            ("REPORT_TOO_LATE", Some("reported_on")),
        );
        let backwards = v1::FileAbsenceReportRequest {
            to: ago(1),
            ..report.clone()
        };
        check(
            worker.compliance.file_absence_report(backwards).await,
            ("FIELD_INVALID", Some("to")),
        );
        let filed = worker.compliance.file_absence_report(report.clone()).await;
        assert_eq!(filed.expect("is never refused").into_inner().events, 2);
        check(
            worker.compliance.file_absence_report(report).await,
            ("ABSENCE_OVERLAPS", Some("from")),
        );
        let back = v1::ReportReturnRequest {
            name: CASE.into(),
            absence: 1,
            on: today(),
            ..Default::default()
        };
        let back = worker
            .compliance
            .report_return(back)
            .await
            .expect("is back")
            .into_inner();
        let agenda = v1::ListAgendaRequest {
            case: CASE.into(),
            read: after(&back),
            ..Default::default()
        };
        let agenda = worker.cases.list_agenda(agenda).await.expect("lists").into_inner();
        let owed = agenda
            .obligations
            .iter()
            .find(|owed| owed.kind() == v1::ObligationKind::LeaveReturn);
        assert_eq!(owed.expect("was due").state, "FULFILLED");
        let withdraw = v1::WithdrawAbsenceRequest {
            name: CASE.into(),
            absence: 1,
            reason: "误报".into(),
            ..Default::default()
        };
        check(
            leader.compliance.withdraw_absence(withdraw).await,
            ("ABSENCE_DECIDED", Some("absence")),
        );
        // An allegation that counts, and then does not.
        worker
            .compliance
            .allege_absence(allege(20, 15))
            .await
            .expect("is alleged");
        leader
            .compliance
            .confirm_absence(confirm_absence(2))
            .await
            .expect("is confirmed");
        let withdraw = v1::WithdrawAbsenceRequest {
            name: CASE.into(),
            absence: 2,
            reason: "住院".into(),
            ..Default::default()
        };
        let withdrawn = leader
            .compliance
            .withdraw_absence(withdraw)
            .await
            .expect("is withdrawn")
            .into_inner();
        let now = counter(&mut worker, after(&withdrawn), v1::BreachGround::Absences).await;
        assert_eq!((now.count, now.evidence.len()), (0, 0));
    });
}

#[test]
fn a_test_is_noticed_taken_by_two_and_read_or_refused() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let (mut worker, mut leader) = (
            server.clients("worker-1", "CASE_WORKER").await,
            server.clients("leader-1", "SUPERVISOR").await,
        );
        worker.active_case("c1", &ago(30)).await.expect("is active");
        check(
            worker.compliance.record_sample(sample()).await,
            ("TEST_NOT_FOUND", Some("test")),
        );
        let due = notice(ago(10), ago(-3));
        worker.compliance.serve_test_notice(due).await.expect("is served");
        let alone = v1::RecordSampleRequest {
            collectors: vec!["worker-1".into()],
            ..sample()
        };
        check(
            worker.compliance.record_sample(alone).await,
            ("SECOND_PERSON_REQUIRED", Some("collectors")),
        );
        let other = v1::RecordSampleRequest {
            same_gender: false,
            ..sample()
        };
        check(
            worker.compliance.record_sample(other).await,
            ("COLLECTOR_GENDER", Some("same_gender")),
        );
        let refusal = |test, on, evaded| v1::RecordTestRefusalRequest {
            name: CASE.into(),
            test,
            on,
            evaded,
            facts: "未到场".into(),
            ..Default::default()
        };
        check(
            worker.compliance.record_test_refusal(refusal(1, today(), true)).await,
            ("NOT_YET_EVADED", Some("on")),
        );
        let spot = result(v1::TestStage::TestOnTheSpot, v1::TestOutcome::TestPositive);
        check(
            worker.compliance.record_test_result(spot.clone()).await,
            ("TEST_DOES_NOT_FIT", Some("test")),
        );
        worker.compliance.record_sample(sample()).await.expect("is taken");
        worker.compliance.record_test_result(spot).await.expect("is read");
        let relapse = v1::ConfirmRelapseRequest {
            name: CASE.into(),
            test: 1,
            ..Default::default()
        };
        check(
            leader.compliance.confirm_relapse(relapse).await,
            ("TEST_DOES_NOT_FIT", Some("test")),
        );
        let laboratory = result(v1::TestStage::TestInLaboratory, v1::TestOutcome::TestNegative);
        worker
            .compliance
            .record_test_result(laboratory)
            .await
            .expect("is confirmed");

        // A warning lets the case go on, and the same three refusals are not held against anybody twice.
        let mut last = None;
        for test in 2..=4 {
            worker
                .compliance
                .serve_test_notice(notice(ago(10), ago(test + 1)))
                .await
                .expect("is served");
            worker
                .compliance
                .record_test_refusal(refusal(test, ago(test), true))
                .await
                .expect("is recorded");
            let confirm = v1::ConfirmTestRefusalRequest {
                name: CASE.into(),
                test,
                ..Default::default()
            };
            last = Some(
                leader
                    .compliance
                    .confirm_test_refusal(confirm)
                    .await
                    .expect("is confirmed")
                    .into_inner(),
            );
        }
        let now = counter(
            &mut worker,
            after(&last.expect("is there")),
            v1::BreachGround::TestRefusals,
        )
        .await;
        assert_eq!((now.count, now.reached, now.evidence[0].positions.len()), (3, true, 3));
        leader
            .compliance
            .confirm_serious_breach(breach(v1::BreachGround::TestRefusals))
            .await
            .expect("is confirmed");
        let warning = v1::RecordPoliceOutcomeRequest {
            name: CASE.into(),
            on: today(),
            outcome: v1::PoliceOutcome::PoliceWarning.into(),
            document_no: "决定-1".into(),
            ..Default::default()
        };
        check(
            leader.compliance.record_police_outcome(warning.clone()).await,
            ("NOT_REFERRED", None),
        );
        let refer = v1::ReferToPoliceRequest {
            name: CASE.into(),
            on: today(),
            document_no: "回执-1".into(),
            ..Default::default()
        };
        worker.compliance.refer_to_police(refer).await.expect("is told");
        check(
            worker.compliance.record_police_outcome(warning.clone()).await,
            ("ROLE_REQUIRED", None),
        );
        leader
            .compliance
            .record_police_outcome(warning)
            .await
            .expect("is recorded");
        check(
            leader
                .compliance
                .confirm_serious_breach(breach(v1::BreachGround::TestRefusals))
                .await,
            ("BREACH_DECIDED", Some("ground")),
        );
        let withdraw = v1::WithdrawTestRefusalRequest {
            name: CASE.into(),
            test: 4,
            reason: "通知未送达".into(),
            ..Default::default()
        };
        let withdrawn = leader
            .compliance
            .withdraw_test_refusal(withdraw)
            .await
            .expect("is withdrawn")
            .into_inner();
        let now = counter(&mut worker, after(&withdrawn), v1::BreachGround::TestRefusals).await;
        assert_eq!((now.count, now.reached), (2, false));

        // What a laboratory finds positive is a relapse once a supervisor says so.
        let served = worker.compliance.serve_test_notice(notice(today(), today())).await;
        served.expect("is served");
        let fifth = v1::RecordSampleRequest { test: 5, ..sample() };
        worker.compliance.record_sample(fifth).await.expect("is taken");
        for stage in [v1::TestStage::TestOnTheSpot, v1::TestStage::TestInLaboratory] {
            let positive = v1::RecordTestResultRequest {
                test: 5,
                ..result(stage, v1::TestOutcome::TestPositive)
            };
            worker.compliance.record_test_result(positive).await.expect("is read");
        }
        let relapse = v1::ConfirmRelapseRequest {
            name: CASE.into(),
            test: 5,
            ..Default::default()
        };
        let confirmed = leader
            .compliance
            .confirm_relapse(relapse)
            .await
            .expect("is confirmed")
            .into_inner();
        let get = v1::GetCaseRequest {
            name: CASE.into(),
            read: after(&confirmed),
            ..Default::default()
        };
        let case = worker.cases.get_case(get).await.expect("is there").into_inner().case;
        assert_eq!(case.expect("is there").stage(), v1::Stage::RelapseReferred);
    });
}
