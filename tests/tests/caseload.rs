//! The caseload: what is shown beside the stage, and which cases are listed by it; the agenda by who owes.

use waystation_api::v1;
use waystation_storage::testing::on_both;
use waystation_tests::compliance::{CASE, ago, check, notice, sample};
use waystation_tests::{STATION, Server, after, check_in, today};

#[test]
fn the_caseload_shows_what_is_beside_the_stage_and_lists_by_it() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let mut worker = server.clients("worker-1", "CASE_WORKER").await;
        let mut leader = server.clients("leader-1", "SUPERVISOR").await;
        for case in ["c1", "c2", "c3"] {
            worker.active_case(case, &ago(40)).await.expect("is active");
        }
        for (case, days) in [("c1", 1), ("c2", 35)] {
            let late = v1::RecordCheckInRequest {
                late_reason: "OFFLINE".into(),
                ..check_in(case, &ago(days))
            };
            worker.cases.record_check_in(late).await.expect("is recorded");
        }
        let leave = v1::FileAbsenceReportRequest {
            name: "cases/c2".into(),
            reported_on: ago(5),
            from: ago(4),
            to: ago(-2),
            destination: "520181".into(),
            ..Default::default()
        };
        worker.compliance.file_absence_report(leave).await.expect("is reported");
        let told = worker.compliance.serve_test_notice(notice(today(), today())).await;
        told.expect("is told");
        worker.compliance.record_sample(sample()).await.expect("is taken");
        let letter = v1::StartDualControlRequest {
            name: "cases/c3".into(),
            on: ago(3),
            residence_station: "station-elsewhere".into(),
            letter_no: "函-1".into(),
            ..Default::default()
        };
        worker.transfers.start_dual_control(letter).await.expect("is written");
        let score = v1::ScoreRiskRequest {
            name: CASE.into(),
            ..Default::default()
        };
        worker.compliance.score_risk(score).await.expect("is scored");
        let decide = v1::ConfirmRiskClassRequest {
            name: CASE.into(),
            class: v1::RiskClass::RiskLow.into(),
            ..Default::default()
        };
        let decided = leader.compliance.confirm_risk_class(decide).await;
        let read = after(&decided.expect("is decided").into_inner());
        let all = v1::ListCasesRequest {
            station: STATION.into(),
            read,
            ..Default::default()
        };
        macro_rules! listed {
            ($($field:ident: $value:expr),*) => {{
                let list = v1::ListCasesRequest { $($field: $value,)* ..all.clone() };
                let cases = worker.cases.list_cases(list).await.expect("lists").into_inner().cases;
                cases.iter().map(|case| case.name.clone()).collect::<Vec<_>>()
            }};
        }
        assert_eq!(listed!().len(), 3);
        assert_eq!(listed!(on_leave_on: today()), ["cases/c2"]);
        assert_eq!(listed!(dual_control: true), ["cases/c3"]);
        assert_eq!(listed!(risk: v1::RiskClass::RiskLow.into()), ["cases/c1"]);
        assert_eq!(listed!(no_contact_since: ago(30)), ["cases/c2", "cases/c3"]);
        assert!(listed!(lost: true).is_empty() && listed!(ending_by: ago(-30)).is_empty());
        assert_eq!(listed!(ending_by: ago(-1200)).len(), 3);
        let shown = worker
            .cases
            .list_cases(all.clone())
            .await
            .expect("lists")
            .into_inner()
            .cases;
        let one = &shown[0];
        assert_eq!(
            (one.last_test, one.last_test_on.clone(), one.last_test_standing()),
            (1, today(), v1::TestStanding::Collected)
        );
        assert_eq!(
            (shown[1].leaves[0].from.clone(), shown[1].leaves[0].to.clone()),
            (ago(4), ago(-2))
        );
        assert_eq!(shown[2].residence_station, "station-elsewhere");
        let wrong = v1::ListCasesRequest {
            no_contact_since: "yesterday".into(),
            ..all
        };
        check(
            worker.cases.list_cases(wrong).await,
            ("FIELD_INVALID", Some("no_contact_since")),
        );
        let owed = |debtor: &str| v1::ListAgendaRequest {
            station: STATION.into(),
            debtor: debtor.into(),
            read,
            ..Default::default()
        };
        let police = worker
            .cases
            .list_agenda(owed("POLICE"))
            .await
            .expect("lists")
            .into_inner();
        let participants = worker.cases.list_agenda(owed("PARTICIPANT")).await;
        let participants = participants.expect("lists").into_inner();
        assert!(police.obligations.iter().all(|one| one.debtor == "POLICE"));
        assert!(!participants.obligations.is_empty());
        assert!(participants.obligations.iter().all(|one| one.debtor == "PARTICIPANT"));
        check(
            worker.cases.list_agenda(owed("NOBODY")).await,
            ("FIELD_INVALID", Some("debtor")),
        );
    });
}
