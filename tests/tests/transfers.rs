//! A participant moves to another station's area, or lives there: what both stations see and do (戒毒条例 22).

use waystation_api::v1;
use waystation_storage::testing::on_both;
use waystation_tests::compliance::{CASE, ago, check};
use waystation_tests::people::{ID, registration};
use waystation_tests::{Clients, STATION, Server, after, as_of, today};

const THERE: &str = "station-weicheng";

fn propose(to: &str) -> v1::ProposeTransferRequest {
    v1::ProposeTransferRequest {
        name: CASE.into(),
        on: ago(4),
        to_station: to.into(),
        reason: "户籍迁移".into(),
        ..Default::default()
    }
}

fn send(documents: &[&str]) -> v1::SendTransferMaterialsRequest {
    v1::SendTransferMaterialsRequest {
        name: CASE.into(),
        on: ago(4),
        documents: documents.iter().map(|code| (*code).to_owned()).collect(),
        ..Default::default()
    }
}

fn accept() -> v1::AcceptTransferRequest {
    v1::AcceptTransferRequest {
        name: CASE.into(),
        on: ago(3),
        effective_on: ago(3),
        ..Default::default()
    }
}

fn report() -> v1::ReportInAfterTransferRequest {
    v1::ReportInAfterTransferRequest {
        name: CASE.into(),
        on: today(),
        identity_checked: true,
        ..Default::default()
    }
}

async fn board(clients: &mut Clients, station: &str, at: &v1::CommandReceipt) -> Vec<v1::Transfer> {
    let list = v1::ListTransfersRequest {
        station: station.into(),
        read: after(at),
        ..Default::default()
    };
    let listed = clients.transfers.list_transfers(list).await.expect("is allowed");
    listed.into_inner().transfers
}

#[test]
fn a_case_moves_whole_and_is_never_between_two_stations() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let channel = server.connect().await;
        let mut worker = Clients::at(&channel, "worker-1", "CASE_WORKER", STATION);
        let mut there = Clients::at(&channel, "weicheng-1", "SUPERVISOR", THERE);
        worker.active_case("c1", &ago(20)).await.expect("is active");

        check(
            worker.transfers.propose_transfer(propose(STATION)).await,
            ("SAME_STATION", Some("to_station")),
        );
        // A station that is no party is not told whether a transfer runs.
        check(
            there.transfers.accept_transfer(accept()).await,
            ("STATION_OUT_OF_SCOPE", None),
        );
        worker
            .transfers
            .propose_transfer(propose(THERE))
            .await
            .expect("is proposed");
        check(
            there.transfers.accept_transfer(accept()).await,
            ("MATERIALS_NOT_SENT", None),
        );
        check(
            worker.transfers.send_transfer_materials(send(&[])).await,
            ("LIST_EMPTY", Some("documents")),
        );
        let materials = send(&["AGREEMENT", "TEST_RECORDS"]);
        worker
            .transfers
            .send_transfer_materials(materials)
            .await
            .expect("are sent");
        check(
            there.transfers.report_in_after_transfer(report()).await,
            ("NOT_ACCEPTED", None),
        );
        let accepted = there.transfers.accept_transfer(accept()).await.expect("is accepted");
        check(
            there.transfers.accept_transfer(accept()).await,
            ("TRANSFER_ACCEPTED", None),
        );

        // Both sides see how far it is; only the old one sees the case.
        let accepted = accepted.into_inner();
        for (clients, station) in [(&mut worker, STATION), (&mut there, THERE)] {
            let transfers = board(clients, station, &accepted).await;
            assert_eq!(transfers.len(), 1, "{transfers:?}");
            assert_eq!(
                (&transfers[0].effective_on, transfers[0].reported_on.as_str()),
                (&ago(3), "")
            );
        }
        let get = |read| v1::GetCaseRequest {
            name: CASE.into(),
            reveal: false,
            read,
        };
        let denied = there
            .cases
            .get_case(get(after(&accepted)))
            .await
            .expect_err("is theirs");
        assert_eq!(denied.code(), tonic::Code::PermissionDenied);

        let moved = there
            .transfers
            .report_in_after_transfer(report())
            .await
            .expect("is recorded");
        let moved = moved.into_inner();
        let case = there.cases.get_case(get(after(&moved))).await.expect("is allowed");
        let case = case.into_inner().case.expect("is there");
        assert_eq!((case.station.as_str(), case.worker.as_str()), (THERE, ""));
        assert_eq!(case.stage(), v1::Stage::TransferPending);
        let denied = worker.cases.get_case(get(after(&moved))).await.expect_err("has gone");
        assert_eq!(denied.code(), tonic::Code::PermissionDenied);
        // What was owed is owed there, and nothing is left here.
        for (clients, station, owed) in [(&mut there, THERE, 2), (&mut worker, STATION, 0)] {
            let agenda = v1::ListAgendaRequest {
                station: station.into(),
                read: after(&moved),
                ..Default::default()
            };
            let listed = clients.cases.list_agenda(agenda).await.expect("lists").into_inner();
            let kinds = |kind: v1::ObligationKind| {
                listed
                    .obligations
                    .iter()
                    .filter(|one| one.kind() == kind && one.state == "OPEN")
                    .count()
            };
            let open = kinds(v1::ObligationKind::MonthlyMeeting) + kinds(v1::ObligationKind::UrineTest);
            assert_eq!(open, owed, "{station}: {:?}", listed.obligations);
        }

        // The past of the case is not the old station's to read any more.
        let list = v1::ListCasesRequest {
            station: STATION.into(),
            read: as_of(accepted.position),
            ..Default::default()
        };
        let listed = worker.cases.list_cases(list.clone()).await.expect("lists").into_inner();
        assert!(listed.cases.is_empty(), "{listed:?}");
        let officer = Clients::at(&channel, "officer-1", "DISTRICT_OFFICER", "district");
        let listed = { officer }.cases.list_cases(list).await.expect("lists").into_inner();
        assert_eq!(listed.cases.len(), 1);

        let sign = v1::SignAgreementRequest {
            name: CASE.into(),
            on: today(),
            agreement_no: "协议-2".into(),
            clauses: ["MEASURES", "RULES", "LIABILITY"].map(String::from).to_vec(),
            ..Default::default()
        };
        let signed = there.cases.sign_agreement(sign).await.expect("is signed").into_inner();
        let case = there.cases.get_case(get(after(&signed))).await.expect("is allowed");
        assert_eq!(case.into_inner().case.expect("is there").stage(), v1::Stage::Active);
        assert!(board(&mut there, THERE, &signed).await.is_empty());
    });
}

#[test]
fn whoever_is_on_file_moves_with_their_case() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let channel = server.connect().await;
        let mut worker = Clients::at(&channel, "worker-1", "CASE_WORKER", STATION);
        let mut there = Clients::at(&channel, "weicheng-1", "SUPERVISOR", THERE);
        worker
            .people
            .register_person(registration("p-c1", ID))
            .await
            .expect("is registered");
        worker.active_case("c1", &ago(20)).await.expect("is active");
        worker
            .transfers
            .propose_transfer(propose(THERE))
            .await
            .expect("is proposed");
        let materials = send(&["AGREEMENT"]);
        worker
            .transfers
            .send_transfer_materials(materials)
            .await
            .expect("are sent");
        there.transfers.accept_transfer(accept()).await.expect("is accepted");
        let restrict = v1::RestrictPersonRequest {
            name: "people/p-c1".into(),
            basis: "PIPL-47".into(),
            ..Default::default()
        };
        let refused = there.people.restrict_person(restrict.clone()).await;
        check(refused, ("STATION_OUT_OF_SCOPE", None));
        let moved = there.transfers.report_in_after_transfer(report()).await;
        let moved = moved.expect("is recorded").into_inner();
        let mut leader = Clients::at(&channel, "leader-1", "SUPERVISOR", STATION);
        let refused = leader.people.restrict_person(restrict.clone()).await;
        check(refused, ("STATION_OUT_OF_SCOPE", None));
        let list = |station: &str| v1::ListPeopleRequest {
            station: station.into(),
            read: after(&moved),
            ..Default::default()
        };
        let gone = leader
            .people
            .list_people(list(STATION))
            .await
            .expect("lists")
            .into_inner();
        assert!(gone.people.is_empty(), "{gone:?}");
        let come = there.people.list_people(list(THERE)).await.expect("lists").into_inner();
        assert_eq!(come.people.len(), 1);
        there.people.restrict_person(restrict).await.expect("is theirs");
        drop(server);
        let verified = waystation_tests::run(&["verify", "--database", &database.url]);
        assert!(verified.status.success());
    });
}

#[test]
fn a_transfer_ends_where_it_began_when_either_side_says_no() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let channel = server.connect().await;
        let mut worker = Clients::at(&channel, "worker-1", "CASE_WORKER", STATION);
        let mut there = Clients::at(&channel, "weicheng-1", "SUPERVISOR", THERE);
        worker.active_case("c1", &ago(20)).await.expect("is active");
        let reject = v1::RejectTransferRequest {
            name: CASE.into(),
            reason: "并未居住本地".into(),
            ..Default::default()
        };
        let withdraw = v1::WithdrawTransferRequest {
            name: CASE.into(),
            reason: "本人改变主意".into(),
            ..Default::default()
        };
        check(
            worker.transfers.withdraw_transfer(withdraw.clone()).await,
            ("NO_TRANSFER", None),
        );
        for rejected in [true, false] {
            let proposed = worker.transfers.propose_transfer(propose(THERE)).await;
            proposed.expect("is proposed");
            let answer = if rejected {
                there.transfers.reject_transfer(reject.clone()).await
            } else {
                check(
                    there.transfers.withdraw_transfer(withdraw.clone()).await,
                    ("STATION_OUT_OF_SCOPE", None),
                );
                worker.transfers.withdraw_transfer(withdraw.clone()).await
            };
            let ended = answer.expect("ends").into_inner();
            assert!(board(&mut worker, STATION, &ended).await.is_empty());
        }
    });
}

#[test]
fn a_letter_about_somebody_who_lives_elsewhere_is_answered_by_the_station_it_went_to() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let channel = server.connect().await;
        let mut worker = Clients::at(&channel, "worker-1", "CASE_WORKER", STATION);
        let mut there = Clients::at(&channel, "weicheng-1", "CASE_WORKER", THERE);
        worker.active_case("c1", &ago(20)).await.expect("is active");
        let start = |station: &str| v1::StartDualControlRequest {
            name: CASE.into(),
            on: ago(2),
            residence_station: station.into(),
            letter_no: "函-1".into(),
            ..Default::default()
        };
        let answer = v1::AnswerDualControlRequest {
            name: CASE.into(),
            on: today(),
            letter_no: "复函-1".into(),
            ..Default::default()
        };
        let end = v1::EndDualControlRequest {
            name: CASE.into(),
            on: today(),
            ..Default::default()
        };
        check(
            worker.transfers.end_dual_control(end.clone()).await,
            ("NO_DUAL_CONTROL", None),
        );
        check(
            worker.transfers.start_dual_control(start(STATION)).await,
            ("SAME_STATION", Some("residence_station")),
        );
        worker
            .transfers
            .start_dual_control(start(THERE))
            .await
            .expect("is started");
        check(
            worker.transfers.start_dual_control(start(THERE)).await,
            ("UNDER_DUAL_CONTROL", None),
        );
        check(
            worker.transfers.answer_dual_control(answer.clone()).await,
            ("STATION_OUT_OF_SCOPE", None),
        );
        there
            .transfers
            .answer_dual_control(answer.clone())
            .await
            .expect("is answered");
        check(
            there.transfers.answer_dual_control(answer).await,
            ("DUAL_CONTROL_ANSWERED", None),
        );
        worker.transfers.end_dual_control(end).await.expect("ends");
    });
}
