//! Streams of links by category and type: every event is linked once and in order, whatever kills the server, and only
//! when asked for; on both databases.

use std::time::Duration;

use tokio_stream::StreamExt;
use uuid::Uuid;
use waystation_api::event_store::client as v1;
use waystation_api::event_store::client::streams::streams_client::StreamsClient;
use waystation_api::event_store::client::streams::{AppendReq, ReadReq, append_req, read_req, read_resp};
use waystation_storage::testing::on_both;
use waystation_tests::{Server, json, run, today};

const SWITCH: &[&str] = &["--link-streams"];
const KILLS: u64 = 3;
/// Events before each kill.
const EVENTS: u64 = 300;

fn identifier(stream: &str) -> Option<v1::StreamIdentifier> {
    Some(v1::StreamIdentifier {
        stream_name: stream.as_bytes().to_vec().into(),
    })
}

async fn append(server: &Server, stream: &str, event_type: &str, from: u64) {
    let target = v1::Target {
        stream_identifier: identifier(stream),
        expected: Some(v1::target::Expected::Any(v1::Empty {})),
    };
    let mut requests = vec![AppendReq {
        content: Some(append_req::Content::Options(target)),
    }];
    for number in from..from + EVENTS {
        let metadata = [("type", event_type), ("content-type", "application/json")];
        let message = v1::ProposedMessage {
            id: Some(v1::Uuid {
                value: Some(v1::uuid::Value::String(Uuid::from_u64_pair(7, number).to_string())),
            }),
            metadata: metadata.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
            data: number.to_string().into(),
            ..Default::default()
        };
        requests.push(AppendReq {
            content: Some(append_req::Content::ProposedMessage(message)),
        });
    }
    let mut client = StreamsClient::new(server.connect().await);
    client.append(tokio_stream::iter(requests)).await.expect("appends");
}

/// What the links of a stream stand for: the data of each event, in order.
async fn linked(server: &Server, stream: &str) -> Vec<String> {
    let start = v1::StreamStart {
        stream_identifier: identifier(stream),
        revision_option: Some(v1::stream_start::RevisionOption::Start(v1::Empty {})),
    };
    let options = read_req::Options {
        stream_option: Some(read_req::options::StreamOption::Stream(start)),
        count_option: Some(read_req::options::CountOption::Count(u64::MAX / 2)),
        filter_option: Some(read_req::options::FilterOption::NoFilter(v1::Empty {})),
        resolve_links: true,
        uuid_option: Some(v1::UuidOption {
            content: Some(v1::uuid_option::Content::Structured(v1::Empty {})),
        }),
        ..Default::default()
    };
    let mut client = StreamsClient::new(server.connect().await);
    let request = ReadReq { options: Some(options) };
    let mut answers = client.read(request).await.expect("reads").into_inner();
    let mut found = Vec::new();
    while let Some(answer) = answers.next().await {
        if let Some(read_resp::Content::Event(event)) = answer.expect("reads").content {
            assert!(event.link.is_some(), "a link stream holds links");
            let data = event.event.expect("the target is there").data;
            found.push(String::from_utf8(data.to_vec()).expect("is text"));
        }
    }
    found
}

async fn linked_all(server: &Server, stream: &str, count: u64) -> Vec<String> {
    for _ in 0..200 {
        let found = linked(server, stream).await;
        if found.len() as u64 >= count {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{stream} has not got its links")
}

#[test]
fn every_event_is_linked_once_though_the_server_is_killed() {
    on_both(|database| async move {
        let mut plain = Server::start(&database.url);
        append(&plain, "first-1", "Begun", 0).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert!(linked(&plain, "$ce-first").await.is_empty(), "links are off by default");
        plain.kill();

        let mut server = Server::serve_with(&database.url, SWITCH);
        for kill in 0..KILLS {
            append(&server, &format!("order-{kill}"), "Placed", kill * EVENTS).await;
            // Somewhere in the middle of linking.
            tokio::time::sleep(Duration::from_millis(3 * kill)).await;
            server.restart(&database.url);
        }
        let expected: Vec<String> = (0..KILLS * EVENTS).map(|number| number.to_string()).collect();
        assert_eq!(linked_all(&server, "$ce-order", KILLS * EVENTS).await, expected);
        assert_eq!(linked_all(&server, "$et-Placed", KILLS * EVENTS).await, expected);
        // What was there before the switch is linked too, and so are Waystation's own events.
        assert_eq!(
            linked_all(&server, "$et-Begun", EVENTS).await,
            expected[..EVENTS as usize]
        );
        let mut clients = server.clients("worker-1", "CASE_WORKER").await;
        clients.active_case("linked", &today()).await.expect("becomes active");
        assert_eq!(linked_all(&server, "$et-case.agreement_signed.v2", 1).await.len(), 1);
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(
            linked(&server, "$ce-order").await.len() as u64,
            KILLS * EVENTS,
            "nothing is linked twice"
        );
        server.kill();
        let verified = run(&["verify", "--database", &database.url, "--json"]);
        assert!(verified.status.success(), "{}", json(&verified));
    });
}
