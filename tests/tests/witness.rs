//! A witness outside the station: it cosigns what only grows, and a log that it remembers differently stops writing.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use waystation_api::v1;
use waystation_storage::testing::on_both;
use waystation_tests::forger::History;
use waystation_tests::{Clients, Server, check_in, json, run, signing_key, today, witness_key};
use waystation_trust::{CosignatureVerifier, Note, Signer, TrustPolicy};

/// Status and body of an HTTP request to the witness.
async fn post(address: &str, body: &str) -> (u16, String) {
    let mut stream = tokio::net::TcpStream::connect(address).await.expect("connects");
    let head = format!(
        "POST /add-checkpoint HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.expect("writes");
    stream.write_all(body.as_bytes()).await.expect("writes");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("reads");
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned());
    (status.expect("has a status"), body.unwrap_or_default())
}

async fn witnessed(clients: &mut Clients, at_least: i64) -> v1::GetCheckpointResponse {
    for _ in 0..100 {
        let given = clients.audit.get_checkpoint(v1::GetCheckpointRequest {}).await;
        let given = given.expect("is given").into_inner();
        let size = given.witnessed_note.lines().nth(1).and_then(|size| size.parse().ok());
        if size.is_some_and(|size: i64| size >= at_least) {
            return given;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("no checkpoint of {at_least} was witnessed");
}

#[test]
fn what_grows_is_cosigned_and_what_was_taken_back_is_only_read() {
    on_both(|database| async move {
        let directory = tempfile::tempdir().expect("a directory");
        let text = |name: &str| directory.path().join(name).display().to_string();
        let (file, key) = signing_key(directory.path());
        let (witness_file, witness_key) = witness_key(directory.path());
        std::fs::write(text("logs"), format!("log {key}\nquorum none\n")).expect("is written");
        let witness_arguments = [
            "--key",
            &witness_file,
            "--policy",
            &text("logs"),
            "--state",
            &text("state"),
        ];
        let witness = Server::witness(&witness_arguments);
        let policy = format!(
            "log {key}\nwitness w {witness_key} http://{}\nquorum w\n",
            witness.address
        );
        std::fs::write(text("policy"), &policy).expect("is written");
        assert!(run(&["migrate", "--database", &database.url]).status.success());
        let (policy_file, high_water) = (text("policy"), text("high-water"));
        let arguments = [
            "--signing-key",
            &file,
            "--witness-policy",
            &policy_file,
            "--witness-every",
            "1",
            "--high-water",
            &high_water,
        ];
        let mut server = Server::serve_with(&database.url, &arguments);
        let mut clients = server.clients("worker-1", "CASE_WORKER").await;
        let day = today();
        let receipt = clients.active_case("c1", &day).await.expect("becomes active");
        let first = witnessed(&mut clients, receipt.position).await;
        let accepted = TrustPolicy::parse(&policy)
            .expect("reads")
            .accept(&first.witnessed_note);
        assert!(
            accepted.is_ok_and(|accepted| accepted.witnessed.len() == 1),
            "{first:?}"
        );
        server.kill();
        let older = History::of(&database.url).await;
        server.restart(&database.url);
        let mut clients = server.clients("worker-1", "CASE_WORKER").await;
        let mut last = receipt;
        for _ in 0..5 {
            let recorded = clients.cases.record_check_in(check_in("c1", &day)).await;
            last = recorded.expect("is recorded").into_inner();
        }
        let second = witnessed(&mut clients, last.position).await;
        // A receipt is over the witnessed checkpoint.
        let asked = v1::GetReceiptRequest {
            position: last.position,
        };
        let kept = clients.audit.get_receipt(asked).await.expect("is given").into_inner();
        assert!(kept.receipt.contains("witness.test/district"), "{}", kept.receipt);
        std::fs::write(text("anchor"), &second.witnessed_note).expect("is kept");
        server.kill();
        let verified = run(&[
            "verify",
            "db",
            "--database",
            &database.url,
            "--policy",
            &policy_file,
            "--anchor",
            &text("anchor"),
            "--json",
        ]);
        assert!(verified.status.success(), "{}", json(&verified));

        // T-06: an older database is put in the place of the newer. The file outside tells at once.
        older.write(&database).await;
        server.restart(&database.url);
        let mut clients = server.clients("worker-1", "CASE_WORKER").await;
        let refused = clients
            .cases
            .record_check_in(check_in("c1", &day))
            .await
            .expect_err("is refused");
        assert_eq!(refused.code(), tonic::Code::FailedPrecondition, "{refused}");
        assert!(refused.message().contains("rollback"), "{refused}");
        let read = v1::GetCaseRequest {
            name: "cases/c1".into(),
            read: None,
            reveal: false,
        };
        clients.cases.get_case(read).await.expect("reading goes on");
        // With that file gone too, the witness tells.
        server.kill();
        std::fs::remove_file(&high_water).expect("is removed");
        server.restart(&database.url);
        let mut clients = server.clients("worker-1", "CASE_WORKER").await;
        let mut frozen = false;
        for _ in 0..50 {
            let asked = clients.cases.record_check_in(check_in("c1", &day)).await;
            frozen = asked.is_err_and(|status| status.message().contains("rollback: the witness w has seen"));
            if frozen {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert!(frozen, "a rolled-back log goes on writing");
        let given = clients.audit.get_checkpoint(v1::GetCheckpointRequest {}).await;
        let given = given.expect("is given").into_inner();
        assert!(given.size > 0);
        assert_eq!(given.note, "", "what others remember otherwise is not signed");
    });
}

#[test]
fn a_witness_refuses_what_the_protocol_says_and_remembers_across_a_restart() {
    let runtime = tokio::runtime::Runtime::new().expect("starts");
    runtime.block_on(async {
        let directory = tempfile::tempdir().expect("a directory");
        let text = |name: &str| directory.path().join(name).display().to_string();
        let (file, key) = signing_key(directory.path());
        let signer = Signer::parse(&std::fs::read_to_string(file).expect("reads")).expect("reads");
        let (witness_file, witness_key) = witness_key(directory.path());
        let verifier = CosignatureVerifier::parse(&witness_key).expect("reads");
        std::fs::write(text("logs"), format!("log {key}\nquorum none\n")).expect("is written");
        let arguments = [
            "--key",
            &witness_file,
            "--policy",
            &text("logs"),
            "--state",
            &text("state"),
        ];
        let witness = Server::witness(&arguments);
        let one = signer.sign(1, [7; 32]);
        let (status, body) = post(&witness.address, &format!("old 0\n\n{one}")).await;
        assert_eq!(status, 200, "{body}");
        let note = Note::parse(&format!("{one}{body}")).expect("is a note");
        assert!(verifier.time_of(&note).is_ok());
        let (status, _) = post(&witness.address, &format!("old 1\n\n{one}")).await;
        assert_eq!(status, 200, "the same again is a heartbeat");
        // T-07: another tree of the same size.
        let (status, body) = post(&witness.address, &format!("old 1\n\n{}", signer.sign(1, [8; 32]))).await;
        assert_eq!((status, body.as_str()), (409, "1\n"));
        drop(witness);
        let witness = Server::witness(&arguments);
        let (status, body) = post(&witness.address, &format!("old 0\n\n{}", signer.sign(2, [8; 32]))).await;
        assert_eq!((status, body.as_str()), (409, "1\n"), "it remembers");
        let (status, _) = post(&witness.address, &format!("old 1\n\n{}", signer.sign(2, [8; 32]))).await;
        assert_eq!(status, 422, "no proof");
        let stranger = Signer::new("waystation.test/other/1", &[1; 32]).expect("is a name");
        let (status, _) = post(&witness.address, &format!("old 0\n\n{}", stranger.sign(1, [0; 32]))).await;
        assert_eq!(status, 404);
        let forger = Signer::new(waystation_tests::ORIGIN, &[1; 32]).expect("is a name");
        let (status, _) = post(&witness.address, &format!("old 1\n\n{}", forger.sign(2, [0; 32]))).await;
        assert_eq!(status, 403);
        for body in ["", "old x\n\nnote", "old 9\n\n"] {
            assert_eq!(post(&witness.address, body).await.0, 400, "{body}");
        }
        let many = "A".repeat(43) + "=\n";
        let (status, _) = post(&witness.address, &format!("old 1\n{}\n{one}", many.repeat(64))).await;
        assert_eq!(status, 400, "more hashes than a proof has");
        let (status, _) = post(&witness.address, &"x".repeat(200_000)).await;
        assert_eq!(status, 413);
        // T-36: many at once; the size never falls.
        let address = witness.address.clone();
        let tries = (0..20).map(|_| {
            let (address, one) = (address.clone(), one.clone());
            async move { post(&address, &format!("old 1\n\n{one}")).await.0 }
        });
        let statuses = futures::future::join_all(tries).await;
        assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
    });
}
