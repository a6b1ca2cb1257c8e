//! kill -9 while a group of consumers is at work, again and again, on both databases: what was not acknowledged comes
//! again, and nothing else does that was noted.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;
use tonic::transport::Channel;
use uuid::Uuid;
use waystation_api::event_store::client as v1;
use waystation_api::event_store::client::persistent_subscriptions::persistent_subscriptions_client::PersistentSubscriptionsClient;
use waystation_api::event_store::client::persistent_subscriptions::{
    CreateReq, GetInfoReq, ReadReq, ReadResp, SubscriptionInfo, create_req, get_info_req, read_req, read_resp,
};
use waystation_api::event_store::client::streams::streams_client::StreamsClient;
use waystation_api::event_store::client::streams::{AppendReq, append_req};
use waystation_storage::testing::on_both;
use waystation_tests::Server;

const KILLS: usize = 20;
const STREAM: &str = "work-1";
const GROUP: &str = "workers";
/// Events that are appended before each kill.
const EVENTS: u64 = 200;
/// Events that a consumer may have at once.
const CREDIT: i32 = 20;

fn stream() -> v1::StreamIdentifier {
    v1::StreamIdentifier {
        stream_name: STREAM.into(),
    }
}

async fn append(server: &Server, from: u64) {
    let target = v1::Target {
        stream_identifier: Some(stream()),
        expected: Some(v1::target::Expected::Any(v1::Empty {})),
    };
    let mut requests = vec![AppendReq {
        content: Some(append_req::Content::Options(target)),
    }];
    for number in from..from + EVENTS {
        let metadata = [("type", "Work"), ("content-type", "application/octet-stream")];
        let message = v1::ProposedMessage {
            id: Some(v1::Uuid {
                value: Some(v1::uuid::Value::String(Uuid::from_u64_pair(1, number).to_string())),
            }),
            metadata: metadata.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
            ..Default::default()
        };
        requests.push(AppendReq {
            content: Some(append_req::Content::ProposedMessage(message)),
        });
    }
    let mut client = StreamsClient::new(server.connect().await);
    client.append(tokio_stream::iter(requests)).await.expect("appends");
}

type Groups = PersistentSubscriptionsClient<Channel>;

async fn create(client: &mut Groups) {
    let settings = create_req::Settings {
        max_retry_count: 1_000,
        min_checkpoint_count: 1,
        max_checkpoint_count: 50,
        live_buffer_size: 500,
        read_batch_size: 20,
        history_buffer_size: 100,
        message_timeout: Some(create_req::settings::MessageTimeout::MessageTimeoutMs(30_000)),
        checkpoint_after: Some(create_req::settings::CheckpointAfter::CheckpointAfterMs(1)),
        ..Default::default()
    };
    let start = v1::StreamStart {
        stream_identifier: Some(stream()),
        revision_option: Some(v1::stream_start::RevisionOption::Start(v1::Empty {})),
    };
    let options = create_req::Options {
        stream_option: Some(create_req::options::StreamOption::Stream(start)),
        group_name: GROUP.into(),
        settings: Some(settings),
        ..Default::default()
    };
    let request = CreateReq { options: Some(options) };
    client.create(request).await.expect("is made");
}

async fn join(client: &mut Groups) -> (mpsc::Sender<ReadReq>, Streaming<ReadResp>) {
    let options = read_req::Options {
        stream_option: Some(read_req::options::StreamOption::StreamIdentifier(stream())),
        group_name: GROUP.into(),
        buffer_size: CREDIT,
        uuid_option: Some(v1::UuidOption {
            content: Some(v1::uuid_option::Content::Structured(v1::Empty {})),
        }),
    };
    let (requests, sent) = mpsc::channel(64);
    let content = Some(read_req::Content::Options(options));
    requests.send(ReadReq { content }).await.expect("is kept");
    let answers = client
        .read(ReceiverStream::new(sent))
        .await
        .expect("joins")
        .into_inner();
    (requests, answers)
}

async fn info(client: &mut Groups) -> SubscriptionInfo {
    let options = get_info_req::Options {
        stream_option: Some(get_info_req::options::StreamOption::StreamIdentifier(stream())),
        group_name: GROUP.into(),
    };
    let request = GetInfoReq { options: Some(options) };
    let answer = client.get_info(request).await.expect("is there").into_inner();
    answer.subscription_info.expect("is told")
}

/// Consumes until the connection breaks, or until everything was acknowledged. Every third event is acknowledged late,
/// so that acknowledgements come out of order.
async fn consume(client: &mut Groups, all: u64, acked: &mut HashSet<u64>, seen: &mut HashMap<u64, usize>) {
    let (requests, mut answers) = join(client).await;
    let mut late: Vec<(u64, v1::Uuid)> = Vec::new();
    while (acked.len() as u64) < all {
        let answer = match tokio::time::timeout(Duration::from_millis(200), answers.message()).await {
            Ok(Ok(Some(answer))) => answer.content.expect("says something"),
            Ok(_) => return,
            Err(_) => {
                // Nothing new: the late ones are due.
                let ack = acknowledgement(late.iter().map(|(_, id)| id.clone()).collect());
                if requests.send(ack).await.is_err() {
                    return;
                }
                acked.extend(late.drain(..).map(|(revision, _)| revision));
                continue;
            }
        };
        let read_resp::Content::Event(event) = answer else {
            continue;
        };
        let event = event.event.expect("is there");
        let revision = event.stream_revision;
        *seen.entry(revision).or_default() += 1;
        let id = event.id.expect("has one");
        if revision % 3 == 0 && late.len() < CREDIT as usize / 2 {
            late.push((revision, id));
            continue;
        }
        if requests.send(acknowledgement(vec![id])).await.is_err() {
            return;
        }
        acked.insert(revision);
    }
}

fn acknowledgement(ids: Vec<v1::Uuid>) -> ReadReq {
    ReadReq {
        content: Some(read_req::Content::Ack(read_req::Ack {
            id: Default::default(),
            ids,
        })),
    }
}

#[test]
fn nothing_unacknowledged_is_lost_over_twenty_kills() {
    on_both(|database| async move {
        let mut server = Server::start(&database.url);
        create(&mut Groups::new(server.connect().await)).await;
        let (mut acked, mut seen) = (HashSet::new(), HashMap::new());
        let mut noted = 0;
        for kill in 0..KILLS as u64 {
            let all = (kill + 1) * EVENTS;
            append(&server, kill * EVENTS).await;
            let mut client = Groups::new(server.connect().await);
            let checkpoint = info(&mut client).await.last_checkpointed_event_position;
            let checkpoint: u64 = checkpoint.parse().unwrap_or(0);
            assert!(
                checkpoint >= noted,
                "a checkpoint never goes back: {noted} to {checkpoint}"
            );
            // It may lie only where everything before it was acknowledged.
            if let Some(open) = (0..checkpoint).find(|revision| !acked.contains(revision)) {
                panic!("{open} was never acknowledged, and the checkpoint is {checkpoint}");
            }
            noted = checkpoint;
            let known = seen.clone();
            // Not a round number: kills land in all phases.
            let time = Duration::from_millis(23 + 37 * (kill % 7));
            let _ = tokio::time::timeout(time, consume(&mut client, all, &mut acked, &mut seen)).await;
            for (revision, times) in &seen {
                let before = known.get(revision).copied().unwrap_or(0);
                assert!(
                    times - before <= 1,
                    "{revision} came {} times without a kill",
                    times - before
                );
                assert!(
                    before == 0 || before == *times || *revision >= noted,
                    "{revision} was noted and came again"
                );
            }
            server.restart(&database.url);
        }
        let mut client = Groups::new(server.connect().await);
        let all = KILLS as u64 * EVENTS;
        let rest = consume(&mut client, all, &mut acked, &mut seen);
        let done = tokio::time::timeout(Duration::from_secs(60), rest).await;
        assert!(done.is_ok(), "{} of {all} were acknowledged", acked.len());
        let missing: Vec<u64> = (0..all).filter(|revision| !seen.contains_key(revision)).collect();
        assert!(missing.is_empty(), "never came: {missing:?}");
    });
}
