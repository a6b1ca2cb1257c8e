//! The real binary, spoken to over gRPC, on both databases.

use std::time::Duration;

use tokio_stream::StreamExt;
use tonic::{Code, Status};
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_types::StatusExt;
use waystation_api::v1;
use waystation_api::v1::execute_commands_request::Command;
use waystation_api::v1::execute_commands_response::Result as Outcome;
use waystation_storage::testing::on_both;
use waystation_tests::{Clients, Server, after, as_of, check_in, today};

fn reason(status: &Status) -> String {
    status
        .get_error_details()
        .error_info()
        .map(|info| info.reason.clone())
        .unwrap_or_default()
}

async fn award(clients: &mut Clients, id: &str, revision: i64) -> Result<v1::CommandReceipt, Status> {
    let request = v1::AwardPointsRequest {
        name: format!("pointsAccounts/p-{id}"),
        rule: "check_in".into(),
        basis: format!("cases/{id}/events/{revision}"),
        ..Default::default()
    };
    Ok(clients.points.award_points(request).await?.into_inner())
}

#[test]
fn a_client_without_proto_files_finds_the_services() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let mut client = ServerReflectionClient::new(server.connect().await);
        let message_request = Some(MessageRequest::ListServices(String::new()));
        let ask = ServerReflectionRequest {
            host: String::new(),
            message_request,
        };
        let replies = client
            .server_reflection_info(tokio_stream::iter([ask]))
            .await
            .expect("is served");
        let reply = replies
            .into_inner()
            .next()
            .await
            .expect("replies")
            .expect("is no error");
        let Some(MessageResponse::ListServicesResponse(list)) = reply.message_response else {
            panic!("{reply:?}")
        };
        let names: Vec<_> = list.service.iter().map(|service| service.name.as_str()).collect();
        for wanted in [
            "CaseService",
            "PointsService",
            "AuditService",
            "AdminService",
            "CommandService",
        ] {
            assert!(
                names.contains(&format!("waystation.v1.{wanted}").as_str()),
                "{wanted} in {names:?}"
            );
        }
        assert!(names.contains(&"grpc.health.v1.Health"));
    });
}

#[test]
fn a_client_reads_its_own_writes_and_may_repeat_itself() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let mut clients = server.clients("worker-1", "CASE_WORKER").await;
        let day = today();
        clients.active_case("c1", &day).await.expect("becomes active");
        let request_id = "6f1f0b5e-53a5-4f0a-9d0b-0f3f1f6f7a01".to_owned();
        let command = v1::RecordCheckInRequest {
            request_id,
            ..check_in("c1", &day)
        };
        let first = clients
            .cases
            .record_check_in(command.clone())
            .await
            .expect("is recorded")
            .into_inner();
        let get = v1::GetCaseRequest {
            name: "cases/c1".into(),
            read: after(&first),
            reveal: false,
        };
        let found = clients.cases.get_case(get).await.expect("is there").into_inner();
        let case = found.case.expect("has a case");
        assert_eq!(
            (case.last_contact.as_str(), case.etag.as_str()),
            (day.as_str(), first.etag.as_str())
        );
        assert!(found.position >= first.position);
        let again = clients
            .cases
            .record_check_in(command.clone())
            .await
            .expect("is answered")
            .into_inner();
        assert_eq!(
            again,
            v1::CommandReceipt {
                replayed: true,
                ..first.clone()
            }
        );
        let other = v1::RecordCheckInRequest {
            mode: v1::CheckInMode::Phone.into(),
            ..command
        };
        let refused = clients.cases.record_check_in(other).await.expect_err("is refused");
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::AlreadyExists, "REQUEST_ID_REUSED")
        );
        let stale = v1::RecordCheckInRequest {
            etag: "0".into(),
            ..check_in("c1", &day)
        };
        let refused = clients.cases.record_check_in(stale).await.expect_err("is refused");
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::Aborted, "REVISION_MISMATCH")
        );
        let revision = first.etag.parse::<i64>().expect("is a number") - first.events + 1;
        let awarded = award(&mut clients, "c1", revision).await.expect("is awarded");
        let get = v1::GetPointsAccountRequest {
            name: "pointsAccounts/p-c1".into(),
            read: after(&awarded),
        };
        let account = clients
            .points
            .get_points_account(get)
            .await
            .expect("is there")
            .into_inner()
            .account;
        assert_eq!(account.map(|account| account.balance), Some(3));
        let ledger = v1::ListLedgerRequest {
            name: "pointsAccounts/p-c1".into(),
            ..Default::default()
        };
        let lines = clients
            .points
            .list_ledger(ledger)
            .await
            .expect("lists")
            .into_inner()
            .lines;
        assert_eq!(
            (lines.len(), lines[0].amount, lines[0].balance, lines[0].to.as_str()),
            (1, 3, 3, "PERSON")
        );
        let twice = award(&mut clients, "c1", revision).await.expect_err("is refused");
        assert_eq!(
            (twice.code(), reason(&twice).as_str()),
            (Code::FailedPrecondition, "ALREADY_AWARDED")
        );
    });
}

#[test]
fn past_moments_equal_their_replay_over_grpc_before_and_after_a_rebuild() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let mut clients = server.clients("worker-1", "CASE_WORKER").await;
        let day = today();
        let mut signed = Vec::new();
        for number in 0..6 {
            let id = format!("c{number}");
            let receipt = clients.active_case(&id, &day).await.expect("becomes active");
            // The agreement is the first event of its command.
            signed.push(receipt.position - receipt.events + 1);
            clients
                .cases
                .record_check_in(check_in(&id, &day))
                .await
                .expect("is recorded");
        }
        let last = clients
            .cases
            .record_check_in(check_in("c0", &day))
            .await
            .expect("is recorded")
            .into_inner();
        for round in 0..2 {
            for at in [1, 7, 11, 20, 33, last.position] {
                let active = v1::ListCasesRequest {
                    stage: v1::Stage::Active.into(),
                    read: as_of(at),
                    ..Default::default()
                };
                let page = clients.cases.list_cases(active).await.expect("lists").into_inner();
                let signed_by_then = signed.iter().filter(|position| **position <= at).count();
                assert_eq!(page.cases.len(), signed_by_then, "at {at}");
                assert_eq!(page.position, at);
            }
            let replay = v1::ReplayCaseRequest {
                name: "cases/c0".into(),
                read: after(&last),
            };
            let mut steps = clients.audit.replay_case(replay).await.expect("replays").into_inner();
            let mut count = 0;
            while let Some(step) = steps.next().await {
                let step = step.expect("is no error");
                assert!(step.equals_view, "step {count}");
                count += 1;
            }
            assert_eq!(count, last.etag.parse::<i32>().expect("is a number") + 1);
            if round == 0 {
                let all = v1::RebuildProjectionRequest {
                    name: "projections/-".into(),
                };
                let names = clients
                    .admin
                    .rebuild_projection(all)
                    .await
                    .expect("begins")
                    .into_inner()
                    .names;
                assert_eq!(names.len(), 6);
                let mut rebuilt = false;
                for _ in 0..200 {
                    let list = clients
                        .admin
                        .list_projections(v1::ListProjectionsRequest {})
                        .await
                        .expect("lists");
                    let list = list.into_inner().projections;
                    rebuilt = list.iter().all(|one| {
                        let live = one.live.as_ref().expect("answers");
                        one.building.is_none() && live.number > names.len() as i64 && live.position == one.head
                    });
                    if rebuilt {
                        break;
                    }
                    tokio::time::sleep(Duration::from_millis(25)).await;
                }
                assert!(rebuilt, "every view is answered by a new generation");
            }
        }
        let mut verified = clients
            .admin
            .verify(v1::VerifyRequest::default())
            .await
            .expect("verifies")
            .into_inner();
        let mut parts = Vec::new();
        while let Some(reply) = verified.next().await {
            let reply = reply.expect("is no error");
            if let Some(healthy) = reply.healthy {
                assert!(healthy, "{:?}", reply.findings);
                parts.push(reply.part);
            }
        }
        assert_eq!(parts, ["main", "access", "views"]);
    });
}

#[test]
fn a_stream_of_commands_is_answered_in_order_and_to_the_last_after_half_closing() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let mut clients = server.clients("worker-1", "CASE_WORKER").await;
        let day = today();
        clients.active_case("c1", &day).await.expect("becomes active");
        let mut requests: Vec<_> = (0..200)
            .map(|sequence| v1::ExecuteCommandsRequest {
                sequence,
                command: Some(Command::RecordCheckIn(check_in("c1", &day))),
            })
            .collect();
        requests[7].command = Some(Command::RecordCheckIn(check_in("nobody", &day)));
        requests[9].command = None;
        let replies = clients
            .commands
            .execute_commands(tokio_stream::iter(requests))
            .await
            .expect("is served");
        let replies: Vec<_> = replies.into_inner().collect().await;
        assert_eq!(replies.len(), 200);
        let mut positions = Vec::new();
        for (number, reply) in replies.into_iter().enumerate() {
            let reply = reply.expect("is no error");
            assert_eq!(reply.sequence, number as i64);
            match reply.result.expect("has a result") {
                Outcome::Receipt(receipt) => positions.push(receipt.position),
                Outcome::Error(error) if number == 7 => assert_eq!(error.code, Code::NotFound as i32),
                Outcome::Error(error) if number == 9 => assert_eq!(error.code, Code::InvalidArgument as i32),
                Outcome::Error(error) => panic!("{number}: {error:?}"),
            }
        }
        assert!(
            positions.is_sorted(),
            "commands on one record are decided in the order sent"
        );
        assert_eq!(positions.len(), 198);
    });
}

#[test]
fn a_watch_goes_on_where_it_broke_off() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let mut clients = server.clients("worker-1", "CASE_WORKER").await;
        let day = today();
        let signed = clients.active_case("c1", &day).await.expect("becomes active");
        let watch = v1::WatchCasesRequest {
            station: String::new(),
            after_position: Some(0),
        };
        let mut cases = clients.cases.watch_cases(watch).await.expect("is served").into_inner();
        let mut last = 0;
        while last < signed.position {
            let reply = cases.next().await.expect("goes on").expect("is no error");
            assert!(reply.position > last);
            last = reply.position;
        }
        drop(cases);
        clients.active_case("c2", &day).await.expect("becomes active");
        let watch = v1::WatchAuditEntriesRequest {
            record: "cases/c2".into(),
            after_position: Some(last),
        };
        let mut entries = clients
            .audit
            .watch_audit_entries(watch)
            .await
            .expect("is served")
            .into_inner();
        let first = entries
            .next()
            .await
            .expect("goes on")
            .expect("is no error")
            .entry
            .expect("has an entry");
        assert_eq!(
            (first.event_type.as_str(), first.revision),
            ("case.order_registered.v2", 0)
        );
        let by = v1::list_audit_entries_request::By::Actor("worker-1".into());
        let list = v1::ListAuditEntriesRequest {
            by: Some(by),
            page_size: 4,
            ..Default::default()
        };
        let mut token = String::new();
        let mut seen = Vec::new();
        loop {
            let request = v1::ListAuditEntriesRequest {
                page_token: token,
                ..list.clone()
            };
            let page = clients
                .audit
                .list_audit_entries(request)
                .await
                .expect("lists")
                .into_inner();
            seen.extend(page.entries.iter().map(|entry| entry.position));
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        let head = *seen.last().expect("there are entries");
        assert_eq!(
            seen,
            (2..=head).collect::<Vec<_>>(),
            "everything but the log's first event was recorded by worker-1"
        );
    });
}

#[test]
fn a_browser_speaks_grpc_web_over_http_1() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let mut stream = tokio::net::TcpStream::connect(&server.address).await.expect("connects");
        let request = "POST /grpc.health.v1.Health/Check HTTP/1.1\r\nhost: waystation\r\nconnection: close\r\n\
                       content-type: application/grpc-web+proto\r\ncontent-length: 5\r\n\r\n\0\0\0\0\0";
        stream.write_all(request.as_bytes()).await.expect("sends");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.expect("answers");
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(answer.contains("grpc-status:0"), "{answer}");
    });
}
