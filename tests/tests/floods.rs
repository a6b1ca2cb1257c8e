//! Clients that do not behave (T-37): floods of resets, of connections that say nothing, and headers without end. Others
//! are served meanwhile, and the server's memory stays where it was.

use std::time::Duration;

use h2::Reason;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tonic::codegen::http;
use waystation_storage::testing::on_both;
use waystation_tests::{STATION, Server};

/// Streams that are opened and reset at once.
const RESETS: usize = 50_000;
/// Connections that say nothing.
const SILENT: usize = 200;
/// What the server may need more than before, in KiB.
const GROWTH_MAX: u64 = 64 * 1_024;

fn request(server: &Server) -> http::Request<()> {
    http::Request::post(format!("http://{}/waystation.v1.CaseService/ListCases", server.address))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("waystation-actor", "worker-1")
        .header("waystation-role", "CASE_WORKER")
        .header("waystation-station", STATION)
        .body(())
        .expect("is a request")
}

/// Opens streams and resets them until the server has had enough; how many that took, and what it said.
async fn reset(server: &Server) -> (usize, Option<Reason>) {
    let tcp = TcpStream::connect(&server.address).await.expect("connects");
    let (mut client, connection) = h2::client::handshake(tcp).await.expect("shakes hands");
    let driven = tokio::spawn(connection);
    let mut done = 0;
    while done < RESETS {
        match client.ready().await {
            Ok(ready) => client = ready,
            Err(error) => return (done, error.reason()),
        }
        match client.send_request(request(server), false) {
            Ok((_, mut stream)) => stream.send_reset(Reason::CANCEL),
            Err(error) => return (done, error.reason()),
        }
        done += 1;
    }
    drop(client);
    let ended = driven.await.expect("does not panic");
    (done, ended.err().and_then(|error| error.reason()))
}

#[test]
fn floods_stop_nobody_else_and_fill_nothing() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let mut clients = server.clients("worker-1", "CASE_WORKER").await;
        let list = waystation_api::v1::ListCasesRequest {
            station: STATION.into(),
            ..Default::default()
        };
        clients.cases.list_cases(list.clone()).await.expect("is served");
        let before = server.memory();
        let (served, floods) = tokio::join!(
            async {
                for _ in 0..50 {
                    clients
                        .cases
                        .list_cases(list.clone())
                        .await
                        .expect("is served meanwhile");
                }
                50
            },
            async {
                let mut told = Vec::new();
                for _ in 0..4 {
                    told.push(reset(&server).await);
                }
                told
            }
        );
        assert_eq!(served, 50);
        println!("{}: resets until the connection was closed, {floods:?}", database.kind);
        assert!(floods.iter().all(|(done, _)| *done < RESETS), "{floods:?}");

        let mut silent = Vec::new();
        for _ in 0..SILENT {
            silent.push(TcpStream::connect(&server.address).await.expect("connects"));
        }
        clients
            .cases
            .list_cases(list.clone())
            .await
            .expect("is served beside them");
        drop(silent);

        // Headers without end.
        let tcp = TcpStream::connect(&server.address).await.expect("connects");
        let (client, connection) = h2::client::handshake(tcp).await.expect("shakes hands");
        let driven = tokio::spawn(connection);
        let mut long = request(&server);
        let value = http::HeaderValue::from_bytes(&[b'x'; 60_000]).expect("is a value");
        long.headers_mut().insert("waystation-purpose", value);
        let mut client = client.ready().await.expect("is ready");
        let answered = match client.send_request(long, true) {
            Ok((answer, _)) => tokio::time::timeout(Duration::from_secs(10), answer)
                .await
                .expect("is answered"),
            Err(error) => Err(error),
        };
        let refused = answered.map_or(true, |answer| answer.status().as_u16() == 431);
        assert!(refused, "60 kB of one header were read");
        driven.abort();

        // What is no HTTP at all.
        let mut tcp = TcpStream::connect(&server.address).await.expect("connects");
        let _ = tcp.write_all(&[0; 100_000]).await;

        clients.cases.list_cases(list).await.expect("is served after all that");
        let grown = server.memory().saturating_sub(before);
        assert!(grown < GROWTH_MAX, "{grown} KiB more than before");
    });
}
