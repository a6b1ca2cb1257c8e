//! Every command of the API once, on both databases: a case from its order to its end, and the points store.

use waystation_api::v1;
use waystation_storage::testing::on_both;
use waystation_tests::people::reason;
use waystation_tests::{STATION, Server, after, order, today};

#[test]
fn a_case_goes_through_every_command() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let mut worker = server.clients("worker-1", "CASE_WORKER").await;
        let mut supervisor = server.clients("supervisor-1", "SUPERVISOR").await;
        let (name, on) = ("cases/c1".to_owned(), today());
        worker.active_case("c1", &on).await.expect("becomes active");
        let file = v1::OpenCaseFileRequest {
            name: name.clone(),
            on: on.clone(),
            file_no: "F-1".into(),
            ..Default::default()
        };
        worker.cases.open_case_file(file).await.expect("opens");
        let assign = v1::AssignWorkerRequest {
            name: name.clone(),
            from: on.clone(),
            worker: "worker-1".into(),
            ..Default::default()
        };
        supervisor.cases.assign_worker(assign).await.expect("is assigned");
        let talk = v1::RecordTalkRequest {
            name: name.clone(),
            on: on.clone(),
            topics: vec![v1::TalkTopic::Health.into(), v1::TalkTopic::Work.into()],
            ..Default::default()
        };
        let talked = worker.cases.record_talk(talk).await.expect("is recorded").into_inner();
        assert_eq!(talked.events, 3, "the talk, the meeting it fulfils and the next");
        let agenda = v1::ListAgendaRequest {
            station: STATION.into(),
            read: after(&talked),
            ..Default::default()
        };
        let agenda = worker.cases.list_agenda(agenda).await.expect("lists").into_inner();
        let kinds: Vec<_> = agenda.obligations.iter().map(v1::Obligation::kind).collect();
        assert_eq!(
            kinds,
            [
                v1::ObligationKind::UrineTest,
                v1::ObligationKind::MonthlyMeeting,
                v1::ObligationKind::DischargeNoticeWatch
            ]
        );
        let vary = v1::VaryOrderRequest {
            name: name.clone(),
            term_months: 36,
            offset_days: 100,
            effective_on: on.clone(),
            basis: v1::VariationBasis::Reconsideration.into(),
            document_no: "复议-1".into(),
            ..Default::default()
        };
        let shorter = v1::VaryOrderRequest {
            term_months: 24,
            ..vary.clone()
        };
        let refused = supervisor
            .cases
            .vary_order(shorter)
            .await
            .expect_err("is no term of the law");
        assert_eq!(reason(&refused), "TERM_NOT_ALLOWED");
        let varied = supervisor.cases.vary_order(vary).await.expect("is varied").into_inner();
        assert_eq!(
            varied.events, 4,
            "the order, the term, and the watch on the police, anew"
        );
        let suspend = v1::SuspendRequest {
            name: name.clone(),
            from: on.clone(),
            cause: v1::SuspensionCause::Detained.into(),
            document_no: "D-1".into(),
            ..Default::default()
        };
        worker.cases.suspend(suspend).await.expect("is suspended");
        let resume = v1::ResumeRequest {
            name: name.clone(),
            on: on.clone(),
            document_no: "D-2".into(),
            ..Default::default()
        };
        worker.cases.resume(resume).await.expect("goes on");
        let notice = v1::RecordDischargeNoticeRequest {
            name: name.clone(),
            issued_on: on.clone(),
            received_on: on.clone(),
            notice_no: "N-1".into(),
            ..Default::default()
        };
        let early = worker
            .cases
            .record_discharge_notice(notice)
            .await
            .expect_err("the term has not ended");
        assert!(early.message().contains("has not ended"), "{early:?}");
        let end = v1::TerminateRequest {
            name: name.clone(),
            on: on.clone(),
            reason: v1::TerminationReason::CompulsoryIsolation.into(),
            document_no: "D-3".into(),
            ..Default::default()
        };
        let ended = supervisor.cases.terminate(end).await.expect("ends").into_inner();
        let statistics = v1::GetStationStatisticsRequest {
            station: STATION.into(),
            read: after(&ended),
            ..Default::default()
        };
        let statistics = worker
            .cases
            .get_station_statistics(statistics)
            .await
            .expect("counts")
            .into_inner();
        let terminated = statistics
            .stages
            .iter()
            .find(|count| count.stage() == v1::Stage::Terminated);
        assert_eq!(terminated.map(|count| count.cases), Some(1));
        let month = statistics.months.last().expect("there is a month");
        assert_eq!(
            (month.orders, month.talks, month.suspended, month.terminated),
            (1, 1, 1, 1)
        );
    });
}

#[test]
fn points_are_given_spent_and_taken_back() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let mut worker = server.clients("worker-1", "CASE_WORKER").await;
        let mut supervisor = server.clients("supervisor-1", "SUPERVISOR").await;
        let mut store = server.clients("store-1", "STORE_KEEPER").await;
        let (name, on) = ("pointsAccounts/p1".to_owned(), today());
        let give = |amount, approved_by: &str| v1::AwardPointsManuallyRequest {
            name: name.clone(),
            on: on.clone(),
            amount,
            reason: "VOLUNTEERING".into(),
            approved_by: approved_by.into(),
            ..Default::default()
        };
        let alone = worker
            .points
            .award_points_manually(give(30, ""))
            .await
            .expect_err("needs a second person");
        assert!(alone.message().contains("second person"), "{alone:?}");
        let own = worker
            .points
            .award_points_manually(give(30, "worker-1"))
            .await
            .expect_err("needs another person");
        assert!(own.message().contains("somebody else"), "{own:?}");
        worker
            .points
            .award_points_manually(give(30, "supervisor-1"))
            .await
            .expect("is awarded");
        let redeem = v1::RedeemPointsRequest {
            name: name.clone(),
            on: on.clone(),
            lines: vec![v1::RedemptionLine {
                sku: "rice".into(),
                kind: "DAILY_GOODS".into(),
                quantity: 1,
                points: 12,
            }],
            ..Default::default()
        };
        store.points.redeem_points(redeem).await.expect("is redeemed");
        let cancel = v1::CancelRedemptionRequest {
            name: name.clone(),
            redemption: 1,
            on: on.clone(),
            ..Default::default()
        };
        let cancelled = store
            .points
            .cancel_redemption(cancel)
            .await
            .expect("is cancelled")
            .into_inner();
        let list = v1::ListPointsAccountsRequest {
            station: STATION.into(),
            read: after(&cancelled),
            ..Default::default()
        };
        let list = worker
            .points
            .list_points_accounts(list)
            .await
            .expect("lists")
            .into_inner();
        assert_eq!((list.accounts.len(), list.accounts[0].balance), (1, 30));
        let reverse = v1::ReverseAwardRequest {
            name: name.clone(),
            award: 1,
            on,
            reason: "MISTAKE".into(),
            ..Default::default()
        };
        let reversed = supervisor
            .points
            .reverse_award(reverse)
            .await
            .expect("is reversed")
            .into_inner();
        let get = v1::GetPointsAccountRequest {
            name,
            read: after(&reversed),
        };
        let account = worker
            .points
            .get_points_account(get)
            .await
            .expect("is there")
            .into_inner()
            .account;
        let account = account.expect("has an account");
        assert_eq!((account.balance, account.issued), (0, 0));
    });
}

#[test]
fn a_new_case_gets_an_id_that_a_repeated_request_gets_again() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let mut worker = server.clients("worker-1", "CASE_WORKER").await;
        let request_id = uuid::Uuid::from_u64_pair(1, 2).to_string();
        let order = v1::RegisterOrderRequest {
            case_id: String::new(),
            request_id,
            ..order("x", &today())
        };
        let first = worker
            .cases
            .register_order(order.clone())
            .await
            .expect("registers")
            .into_inner();
        let again = worker
            .cases
            .register_order(order)
            .await
            .expect("is answered")
            .into_inner();
        assert!(again.replayed && !first.replayed);
        assert_eq!((&first.name, first.position), (&again.name, again.position));
        let get = v1::GetProjectionRequest {
            name: "projections/caseload".into(),
        };
        let projection = worker.admin.get_projection(get).await.expect("is there").into_inner();
        assert_eq!(projection.head, first.position);
    });
}
