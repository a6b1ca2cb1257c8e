//! The EventStoreDB protocol: appends in batches, history through a subscription, and many who wait.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;
use tonic::transport::Channel;
use tonic_prost::ProstCodec;
use uuid::Uuid;
use waystation_api::event_store::client as v1;
use waystation_api::event_store::client::streams::batch_append_req::{Options, options};
use waystation_api::event_store::client::streams::read_req::options::{
    AllOptions, CountOption, FilterOption, StreamOption, all_options,
};
use waystation_api::event_store::client::streams::streams_client::StreamsClient;
use waystation_api::event_store::client::streams::{
    BatchAppendReq, ReadReq, ReadResp, batch_append_resp, read_req, read_resp,
};

use crate::floor;
use crate::load::{For, pick};
use crate::process::{Process, Spent, processor_ms};

/// Appends that may be on their way at once, as many as a stream of commands may have.
const IN_FLIGHT: usize = 1_024;
/// Bytes of an event, data and metadata, as many as a check-in has.
const DATA: &[u8] = &[b'x'; 60];
const METADATA: &[u8] = &[b'm'; 170];

fn append(number: u64) -> BatchAppendReq {
    let id = |kind: u64| {
        Some(v1::Uuid {
            value: Some(v1::uuid::Value::String(Uuid::from_u64_pair(kind, number).to_string())),
        })
    };
    let metadata = [("type", "Bench"), ("content-type", "application/octet-stream")];
    BatchAppendReq {
        correlation_id: id(1),
        options: Some(Options {
            stream_identifier: Some(v1::StreamIdentifier {
                stream_name: format!("bench-{:06}", pick(number, 10_000)).into(),
            }),
            expected: Some(options::Expected::Any(())),
            deadline_option: None,
        }),
        proposed_messages: vec![v1::ProposedMessage {
            id: id(2),
            metadata: HashMap::from(metadata.map(|(key, value)| (key.to_owned(), value.to_owned()))),
            custom_metadata: METADATA.into(),
            data: DATA.into(),
        }],
        is_final: true,
    }
}

/// Appends of one event each a second, over one BatchAppend call; the first has this number, which names its event.
pub(crate) async fn batch_append(channel: &Channel, first: u64, For(time): For) -> f64 {
    let (requests, sent) = mpsc::channel(IN_FLIGHT);
    let mut client = StreamsClient::new(channel.clone());
    let mut answers = client
        .batch_append(ReceiverStream::new(sent))
        .await
        .expect("is served")
        .into_inner();
    let begun = Instant::now();
    let sending = tokio::spawn(async move {
        let mut number = first;
        while begun.elapsed() < time {
            requests.send(append(number)).await.expect("is read");
            number += 1;
        }
    });
    let mut done = 0_u64;
    while let Some(answer) = answers.next().await {
        let result = answer.expect("is no error").result.expect("has a result");
        assert!(matches!(result, batch_append_resp::Result::Success(_)));
        done += 1;
    }
    sending.await.expect("does not panic");
    done as f64 / begun.elapsed().as_secs_f64()
}

async fn subscribe(channel: &Channel, from_end: bool) -> Streaming<ReadResp> {
    let empty = v1::Empty {};
    let place = if from_end {
        all_options::AllOption::End(empty)
    } else {
        all_options::AllOption::Start(empty)
    };
    let options = read_req::Options {
        stream_option: Some(StreamOption::All(AllOptions {
            all_option: Some(place),
        })),
        count_option: Some(CountOption::Subscription(empty)),
        filter_option: Some(FilterOption::NoFilter(empty)),
        uuid_option: Some(v1::UuidOption {
            content: Some(v1::uuid_option::Content::Structured(empty)),
        }),
        ..Default::default()
    };
    let request = ReadReq { options: Some(options) };
    let mut client = StreamsClient::new(channel.clone());
    client.read(request).await.expect("is served").into_inner()
}

/// An event as a subscription gives it out, about as large as a check-in.
pub(crate) fn sample(position: u64) -> ReadResp {
    let property = |key: &'static str, value: &'static str| v1::Property {
        key: key.into(),
        value: value.into(),
    };
    let event = v1::RecordedEvent {
        id: Some(v1::Uuid {
            value: Some(v1::uuid::Value::Structured(v1::uuid::Structured {
                most_significant_bits: i64::MIN + 7,
                least_significant_bits: position as i64,
            })),
        }),
        stream_identifier: Some(v1::StreamIdentifier {
            stream_name: "case-bench-000001".into(),
        }),
        stream_revision: position,
        prepare_position: position,
        commit_position: position,
        metadata: vec![
            property("type", "case.check_in_recorded.v1"),
            property("content-type", "application/json"),
            property("created", "17638000000000000"),
        ],
        custom_metadata: METADATA.into(),
        data: DATA.into(),
    };
    ReadResp {
        content: Some(read_resp::Content::Event(read_resp::ReadEvent {
            event: Some(event),
            link: None,
            position: Some(read_resp::read_event::Position::CommitPosition(position)),
        })),
    }
}

/// Such events a second from a floor, at least so many.
pub(crate) async fn stream_floor(channel: &Channel, count: u64) -> f64 {
    let options = read_req::Options {
        count_option: Some(CountOption::Count(count)),
        ..Default::default()
    };
    let mut grpc = tonic::client::Grpc::new(channel.clone());
    grpc.ready().await.expect("is ready");
    let codec = ProstCodec::<ReadReq, ReadResp>::default();
    let path = tonic::codegen::http::uri::PathAndQuery::from_static(floor::STREAM);
    let begun = Instant::now();
    let request = tonic::Request::new(ReadReq { options: Some(options) });
    let answers = grpc.server_streaming(request, path, codec).await.expect("is served");
    let mut answers = answers.into_inner();
    let mut events = 0_u64;
    while let Some(answer) = answers.next().await {
        assert!(matches!(
            answer.expect("goes on").content,
            Some(read_resp::Content::Event(_))
        ));
        events += 1;
    }
    assert!(events >= count, "{events} of {count}");
    events as f64 / begun.elapsed().as_secs_f64()
}

/// Events a second of a subscription to everything and of its floor, which is that so many events are read, raw, and streamed;
/// in turns. And who had the processors during the subscription.
pub(crate) async fn in_turns(url: &str, rounds: usize) -> Vec<(f64, f64, String)> {
    let server = Process::waystation(url);
    let channel = server.connect().await;
    let floor = Process::floor(&format!("{}{url}", floor::READ));
    let reading = floor.connect().await;
    // The first of both have to fetch the file, and memory for it.
    let (_, events) = history(&channel).await;
    stream_floor(&reading, events).await;
    let mut rates = Vec::new();
    for round in 0..rounds {
        let (mut subscribed, mut streamed, mut each) = (0.0, 0.0, String::new());
        for of_floor in [round % 2 == 1, round % 2 == 0] {
            if of_floor {
                streamed = stream_floor(&reading, events).await;
            } else {
                let spent = Spent::from_now(server.id());
                subscribed = history(&channel).await.0;
                each = spent.each(events as usize);
            }
        }
        rates.push((subscribed, streamed, each));
    }
    rates
}

/// Events a second, and how many, of a subscription to everything, from the beginning until it has caught up.
async fn history(channel: &Channel) -> (f64, u64) {
    let begun = Instant::now();
    let mut answers = subscribe(channel, false).await;
    let (mut events, mut last) = (0_u64, 0);
    while let Some(answer) = answers.next().await {
        match answer.expect("goes on").content {
            Some(read_resp::Content::Event(event)) => {
                let position = event.event.expect("is there").commit_position;
                assert_eq!(position, last + 1, "a position is missing");
                last = position;
                events += 1;
            }
            Some(read_resp::Content::CaughtUp(_)) => return (events as f64 / begun.elapsed().as_secs_f64(), events),
            _ => {}
        }
    }
    panic!("ended before it had caught up");
}

/// Processor time, in milliseconds a second, that a server needs for so many subscriptions to which nothing comes.
pub(crate) async fn idle(channels: &[Channel], count: usize, process: u32) -> f64 {
    let mut waiting = Vec::new();
    for number in 0..count {
        let mut answers = subscribe(&channels[number % channels.len()], true).await;
        // Confirmed and caught up.
        for _ in 0..2 {
            answers.next().await.expect("says so").expect("is no error");
        }
        waiting.push(answers);
    }
    let before = processor_ms(process);
    let time = Duration::from_secs(4);
    tokio::time::sleep(time).await;
    (processor_ms(process) - before) / time.as_secs_f64()
}
