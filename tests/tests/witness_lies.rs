//! Witnesses that lie, talk nonsense, or are away: nothing they say counts, and the station goes on working.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use waystation_api::v1;
use waystation_storage::testing::on_both;
use waystation_tests::{Clients, Server, run, signing_key, today, witness_key};
use waystation_trust::Cosigner;

/// How a witness misbehaves.
#[derive(Clone, Copy, Debug)]
enum Manner {
    /// Nobody listens.
    Away,
    /// It takes the request and says nothing.
    Silent,
    /// It says yes, and no signature.
    Nonsense,
    /// It cosigns with a key of another witness.
    Impostor,
    /// It cosigns another tree.
    OtherTree,
    /// It understands nothing.
    Refuses,
    /// It talks without end.
    Endless,
}

const MANNERS: [Manner; 7] = [
    Manner::Away,
    Manner::Silent,
    Manner::Nonsense,
    Manner::Impostor,
    Manner::OtherTree,
    Manner::Refuses,
    Manner::Endless,
];

/// Takes one request after the other; how many there were is told to whoever asks by connecting.
async fn misbehave(listener: TcpListener, manner: Manner, own: Cosigner, asked: tokio::sync::watch::Sender<u32>) {
    let other = Cosigner::new("witness.test/district", &[9; 32]).expect("is a name");
    while let Ok((mut stream, _)) = listener.accept().await {
        let mut request = vec![0; 16_384];
        let read = stream.read(&mut request).await.unwrap_or(0);
        asked.send_modify(|asked| *asked += 1);
        let request = String::from_utf8_lossy(&request[..read]).into_owned();
        let note = request.rsplit_once("\n\n").map_or("", |(head, _)| head);
        let checkpoint = note.rsplit("\n\n").next().unwrap_or_default().to_owned() + "\n";
        let body = match manner {
            Manner::Away => return,
            Manner::Silent => {
                tokio::time::sleep(Duration::from_secs(60)).await;
                continue;
            }
            Manner::Nonsense | Manner::Refuses => "no signature\n".to_owned(),
            Manner::Impostor => other.cosign(&checkpoint, 1_800_000_000),
            Manner::OtherTree => own.cosign(&format!("{checkpoint}more\n"), 1_800_000_000),
            Manner::Endless => "— witness.test/district AAAA\n".repeat(200_000),
        };
        let status = if matches!(manner, Manner::Refuses) {
            "400 Bad Request"
        } else {
            "200 OK"
        };
        let head = format!(
            "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let _ = stream.write_all(head.as_bytes()).await;
        let _ = stream.write_all(body.as_bytes()).await;
    }
}

async fn checkpoint(clients: &mut Clients) -> v1::GetCheckpointResponse {
    let given = clients.audit.get_checkpoint(v1::GetCheckpointRequest {}).await;
    given.expect("is given").into_inner()
}

#[test]
fn a_witness_that_lies_or_is_away_stops_nobody_and_vouches_for_nothing() {
    on_both(|database| async move {
        let directory = tempfile::tempdir().expect("a directory");
        let text = |name: &str| directory.path().join(name).display().to_string();
        let (file, key) = signing_key(directory.path());
        let (witness_file, witness_key) = witness_key(directory.path());
        let secret = std::fs::read_to_string(&witness_file).expect("reads");
        assert!(run(&["migrate", "--database", &database.url]).status.success());
        for (number, manner) in MANNERS.into_iter().enumerate() {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
            let address = listener.local_addr().expect("has one");
            let (asked, mut heard) = tokio::sync::watch::channel(0);
            let own = Cosigner::parse(&secret).expect("reads");
            let witness = tokio::spawn(misbehave(listener, manner, own, asked));
            if matches!(manner, Manner::Away) {
                witness.abort();
                let _ = witness.await;
            }
            let policy = format!("log {key}\nwitness w {witness_key} http://{address}\nquorum w\n");
            std::fs::write(text("policy"), policy).expect("is written");
            let (policy, high_water) = (text("policy"), text("high-water"));
            let arguments = [
                "--signing-key",
                &file,
                "--witness-policy",
                &policy,
                "--witness-every",
                "1",
            ];
            let mut server = Server::serve_with(
                &database.url,
                &[&arguments[..], &["--high-water", &high_water]].concat(),
            );
            let mut clients = server.clients("worker-1", "CASE_WORKER").await;
            let case = format!("c{number}");
            clients.active_case(&case, &today()).await.expect("becomes active");
            if matches!(manner, Manner::Away) {
                tokio::time::sleep(Duration::from_millis(1_500)).await;
            } else {
                let twice = heard.wait_for(|asked| *asked >= if matches!(manner, Manner::Silent) { 1 } else { 2 });
                let twice = tokio::time::timeout(Duration::from_secs(20), twice).await;
                twice.expect("is asked again").expect("goes on");
            }
            let given = checkpoint(&mut clients).await;
            assert_eq!(given.witnessed_note, "", "{manner:?} on {}", database.kind);
            // T-04: how long the window is open is told.
            assert!(given.unwitnessed_seconds >= 1, "{manner:?}: {given:?}");
            let recorded = clients
                .cases
                .record_check_in(waystation_tests::check_in(&case, &today()))
                .await;
            recorded.expect("the station goes on working");
            server.kill();
        }
    });
}
