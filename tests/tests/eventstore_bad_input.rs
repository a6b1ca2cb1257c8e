//! Bad input through the EventStoreDB protocol gets the right code and changes nothing; figures and chores are served;
//! what is not served says so. On both databases.

use std::time::Duration;

use tokio_stream::StreamExt;
use tonic::transport::Channel;
use tonic::{Code, Status};
use uuid::Uuid;
use waystation_api::event_store::client as v1;
use waystation_api::event_store::client::monitoring::StatsReq;
use waystation_api::event_store::client::monitoring::monitoring_client::MonitoringClient;
use waystation_api::event_store::client::operations::operations_client::OperationsClient;
use waystation_api::event_store::client::persistent_subscriptions::persistent_subscriptions_client::PersistentSubscriptionsClient;
use waystation_api::event_store::client::persistent_subscriptions::{
    DeleteReq as DeleteGroup, GetInfoReq, ReadReq as JoinReq, delete_req, get_info_req, read_req as join_req,
};
use waystation_api::event_store::client::streams::read_req::options::{CountOption, FilterOption, StreamOption};
use waystation_api::event_store::client::streams::streams_client::StreamsClient;
use waystation_api::event_store::client::streams::{
    AppendReq, BatchAppendReq, ReadReq, append_req, batch_append_req, read_req, read_resp,
};
use waystation_api::kurrentdb::AppendRequest;
use waystation_storage::testing::on_both;
use waystation_tests::{Server, json, run};

const MIB: usize = 1024 * 1024;

fn named(name: &[u8]) -> Option<v1::StreamIdentifier> {
    Some(v1::StreamIdentifier {
        stream_name: name.to_vec().into(),
    })
}

fn options(name: &[u8]) -> AppendReq {
    let target = v1::Target {
        stream_identifier: named(name),
        expected: Some(v1::target::Expected::Any(v1::Empty {})),
    };
    AppendReq {
        content: Some(append_req::Content::Options(target)),
    }
}

fn text_id(text: &str) -> Option<v1::Uuid> {
    Some(v1::Uuid {
        value: Some(v1::uuid::Value::String(text.to_owned())),
    })
}

fn message(id: &str, metadata: &[(&str, &str)], bytes: usize) -> AppendReq {
    let metadata = metadata
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    AppendReq {
        content: Some(append_req::Content::ProposedMessage(v1::ProposedMessage {
            id: text_id(id),
            metadata: metadata.collect(),
            data: vec![b'x'; bytes].into(),
            ..Default::default()
        })),
    }
}

const WHOLE: &[(&str, &str)] = &[("type", "Thing"), ("content-type", "application/octet-stream")];

fn fresh() -> String {
    Uuid::from_u128(
        u128::from(std::process::id()) << 64 | u128::from(NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)),
    )
    .to_string()
}

static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);

async fn append(channel: &Channel, requests: Vec<AppendReq>) -> Status {
    let mut client = StreamsClient::new(channel.clone()).max_encoding_message_size(64 * MIB);
    let answer = client.append(tokio_stream::iter(requests)).await;
    answer.expect_err("is refused")
}

fn exception(status: &Status) -> &str {
    let value = status.metadata().get("exception");
    value.and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn everything(count: CountOption, filter: Option<v1::Filter>) -> read_req::Options {
    let all = read_req::options::AllOptions {
        all_option: Some(read_req::options::all_options::AllOption::Start(v1::Empty {})),
    };
    read_req::Options {
        stream_option: Some(StreamOption::All(all)),
        count_option: Some(count),
        filter_option: Some(filter.map_or(FilterOption::NoFilter(v1::Empty {}), FilterOption::Filter)),
        uuid_option: Some(v1::UuidOption {
            content: Some(v1::uuid_option::Content::String(v1::Empty {})),
        }),
        ..Default::default()
    }
}

fn matching(regex: &str) -> v1::Filter {
    v1::Filter {
        filter: Some(v1::filter::Filter::EventType(v1::filter::Expression {
            regex: regex.to_owned(),
            prefix: Vec::new(),
        })),
        window: Some(v1::filter::Window::Max(32)),
        checkpoint_interval_multiplier: 1,
    }
}

/// How many events a read gives, or how it ends.
async fn read(channel: &Channel, options: Option<read_req::Options>) -> Result<usize, Status> {
    let mut client = StreamsClient::new(channel.clone());
    let mut answers = client.read(ReadReq { options }).await?.into_inner();
    let mut events = 0;
    while let Some(answer) = answers.next().await {
        events += usize::from(matches!(answer?.content, Some(read_resp::Content::Event(_))));
    }
    Ok(events)
}

#[test]
fn bad_appends_and_reads_are_refused_and_change_nothing() {
    on_both(|database| async move {
        let mut server = Server::start(&database.url);
        let channel = server.connect().await;
        // Of a type that takes some patterns for ever.
        let kind = [
            ("type", "a".repeat(60)),
            ("content-type", "application/octet-stream".to_owned()),
        ];
        let kind = kind.each_ref().map(|(key, value)| (*key, value.as_str()));
        let good = vec![options(b"thing-1"), message(&fresh(), &kind, 10)];
        let mut client = StreamsClient::new(channel.clone());
        client.append(tokio_stream::iter(good)).await.expect("appends");
        let before = read(&channel, Some(everything(CountOption::Count(u64::MAX), None))).await;
        let before = before.expect("reads everything, though the count is endless");

        for (what, requests, code, says) in [
            (
                "no options first",
                vec![message(&fresh(), WHOLE, 1)],
                Code::InvalidArgument,
                "",
            ),
            ("nothing at all", vec![AppendReq::default()], Code::InvalidArgument, ""),
            (
                "a name that is no UTF-8",
                vec![options(b"a\xff-1")],
                Code::InvalidArgument,
                "",
            ),
            ("no name", vec![options(b"")], Code::InvalidArgument, ""),
            (
                "the metadata of nothing",
                vec![options(b"$$")],
                Code::InvalidArgument,
                "",
            ),
            (
                "one of our streams",
                vec![options(b"case-1"), message(&fresh(), WHOLE, 1)],
                Code::PermissionDenied,
                "access-denied",
            ),
            (
                "its metadata",
                vec![options(b"$$points-1"), message(&fresh(), WHOLE, 1)],
                Code::PermissionDenied,
                "access-denied",
            ),
            (
                "the stream of groups",
                vec![options(b"$persistentSubscriptionConfig"), message(&fresh(), WHOLE, 1)],
                Code::PermissionDenied,
                "access-denied",
            ),
            (
                "an id of another form",
                vec![options(b"thing-2"), message("12345", WHOLE, 1)],
                Code::InvalidArgument,
                "",
            ),
            (
                "no id",
                vec![options(b"thing-2"), message("", WHOLE, 1)],
                Code::InvalidArgument,
                "",
            ),
            (
                "no type",
                vec![options(b"thing-2"), message(&fresh(), &WHOLE[1..], 1)],
                Code::InvalidArgument,
                "missing-required-metadata-property",
            ),
            (
                "no content type",
                vec![options(b"thing-2"), message(&fresh(), &WHOLE[..1], 1)],
                Code::InvalidArgument,
                "missing-required-metadata-property",
            ),
            (
                "17 MiB",
                vec![options(b"thing-2"), message(&fresh(), WHOLE, 17 * MIB)],
                Code::InvalidArgument,
                "maximum-append-event-size-exceeded",
            ),
        ] {
            let status = append(&channel, requests).await;
            assert_eq!((status.code(), exception(&status)), (code, says), "{what}: {status}");
        }
        let endless = CountOption::Count((1 << 63) - 1);
        for (what, asked) in [
            ("no options", None),
            (
                "no form of ids",
                Some(read_req::Options {
                    uuid_option: None,
                    ..everything(endless, None)
                }),
            ),
            (
                "a pattern that does not read",
                Some(everything(endless, Some(matching("(")))),
            ),
            (
                "a pattern that explodes",
                Some(everything(endless, Some(matching(r"^(a|aa)+\1b$")))),
            ),
            (
                "a stream with a filter",
                Some(read_req::Options {
                    stream_option: Some(StreamOption::Stream(v1::StreamStart {
                        stream_identifier: named(b"thing-1"),
                        revision_option: Some(v1::stream_start::RevisionOption::Start(v1::Empty {})),
                    })),
                    ..everything(endless, Some(matching("x")))
                }),
            ),
        ] {
            let status = read(&channel, asked).await.expect_err(what);
            assert_eq!(status.code(), Code::InvalidArgument, "{what}: {status}");
        }
        let beyond = read_req::options::AllOptions {
            all_option: Some(read_req::options::all_options::AllOption::Position(
                v1::AllStreamPosition {
                    commit_position: u64::MAX - 1,
                    prepare_position: u64::MAX - 1,
                },
            )),
        };
        let asked = read_req::Options {
            stream_option: Some(StreamOption::All(beyond)),
            ..everything(endless, None)
        };
        assert_eq!(read(&channel, Some(asked)).await.expect("is empty"), 0);
        let after = read(&channel, Some(everything(endless, None))).await.expect("reads");
        assert_eq!(after, before, "nothing was written");

        // Many that subscribe and never read hold up nobody on another connection.
        let (aside, mut silent) = (server.connect().await, Vec::new());
        for _ in 0..50 {
            let asked = everything(CountOption::Subscription(v1::Empty {}), None);
            let mut client = StreamsClient::new(aside.clone());
            let request = ReadReq { options: Some(asked) };
            silent.push(client.read(request).await.expect("is confirmed").into_inner());
        }
        for _ in 0..20 {
            let requests = vec![options(b"thing-3"), message(&fresh(), WHOLE, MIB)];
            client.append(tokio_stream::iter(requests)).await.expect("appends");
        }
        drop(silent);
        drop((client, channel, aside));
        server.kill();
        let verified = run(&["verify", "--database", &database.url, "--json"]);
        assert!(verified.status.success(), "{}", json(&verified));
    });
}

#[test]
fn frames_that_do_not_read_and_calls_that_end_early_are_the_callers_mistake() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let channel = server.connect().await;
        let mut grpc = tonic::client::Grpc::new(channel.clone());
        grpc.ready().await.expect("is ready");
        // Text where the protocol has a message.
        let codec = tonic_prost::ProstCodec::<AppendRequest, v1::Empty>::default();
        let garbage = AppendRequest {
            stream: "garbage".into(),
            ..Default::default()
        };
        let path = tonic::codegen::http::uri::PathAndQuery::from_static("/event_store.client.streams.Streams/Delete");
        let status = grpc.unary(tonic::Request::new(garbage), path, codec).await;
        assert_eq!(status.expect_err("does not read").code(), Code::InvalidArgument);
        // Half-closed before anything was said.
        let status = append(&channel, Vec::new()).await;
        assert_eq!(status.code(), Code::InvalidArgument, "{status}");
        let mut client = StreamsClient::new(channel.clone());
        let silent = client.batch_append(tokio_stream::empty::<BatchAppendReq>()).await;
        let mut answers = silent.expect("is served").into_inner();
        assert!(answers.next().await.is_none(), "nothing was asked, so it ends well");
        // Half-closed in the middle of an append: its first half is written nowhere.
        let begun = BatchAppendReq {
            correlation_id: text_id(&fresh()),
            options: Some(batch_append_req::Options {
                stream_identifier: named(b"thing-half"),
                expected: Some(batch_append_req::options::Expected::Any(())),
                deadline_option: None,
            }),
            proposed_messages: vec![v1::ProposedMessage {
                id: text_id(&fresh()),
                metadata: WHOLE
                    .iter()
                    .map(|(key, value)| ((*key).into(), (*value).into()))
                    .collect(),
                ..Default::default()
            }],
            is_final: false,
        };
        let half = client.batch_append(tokio_stream::iter([begun])).await;
        assert!(half.expect("is served").into_inner().next().await.is_none());
        let all = read(&channel, Some(everything(CountOption::Count(1_000), None))).await;
        assert_eq!(all.expect("reads"), 1, "only the event with which a log begins");
    });
}

#[test]
fn unknown_groups_are_named_and_unknown_acks_are_ignored() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let mut groups = PersistentSubscriptionsClient::new(server.connect().await);
        let stream = || named(b"thing-1");
        let missing = |status: Status| {
            assert_eq!(status.code(), Code::NotFound, "{status}");
            assert_eq!(exception(&status), "persistent-subscription-does-not-exist");
            assert_eq!(
                status.metadata().get("group-name").and_then(|name| name.to_str().ok()),
                Some("nobody")
            );
        };
        let options = get_info_req::Options {
            stream_option: stream().map(get_info_req::options::StreamOption::StreamIdentifier),
            group_name: "nobody".into(),
        };
        missing(
            groups
                .get_info(GetInfoReq { options: Some(options) })
                .await
                .expect_err("is not there"),
        );
        let options = delete_req::Options {
            stream_option: stream().map(delete_req::options::StreamOption::StreamIdentifier),
            group_name: "nobody".into(),
        };
        missing(
            groups
                .delete(DeleteGroup { options: Some(options) })
                .await
                .expect_err("is not there"),
        );
        let options = join_req::Options {
            stream_option: stream().map(join_req::options::StreamOption::StreamIdentifier),
            group_name: "nobody".into(),
            buffer_size: 10,
            uuid_option: Some(v1::UuidOption {
                content: Some(v1::uuid_option::Content::String(v1::Empty {})),
            }),
        };
        let join = JoinReq {
            content: Some(join_req::Content::Options(options)),
        };
        missing(groups.read(tokio_stream::iter([join])).await.expect_err("is not there"));
        // The first message must say which group.
        let ack = JoinReq {
            content: Some(join_req::Content::Ack(join_req::Ack {
                ids: vec![text_id(&fresh()).expect("is one")],
                ..Default::default()
            })),
        };
        let status = groups.read(tokio_stream::iter([ack])).await.expect_err("is refused");
        assert_eq!(status.code(), Code::InvalidArgument, "{status}");
    });
}

#[test]
fn figures_and_chores_are_served_and_the_rest_says_that_it_is_not() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let channel = server.connect().await;
        let mut monitoring = MonitoringClient::new(channel.clone());
        let asked = |refresh_time_period_in_ms| StatsReq {
            use_metadata: false,
            refresh_time_period_in_ms,
        };
        let mut figures = monitoring.stats(asked(100)).await.expect("is served").into_inner();
        for _ in 0..2 {
            let next = tokio::time::timeout(Duration::from_secs(10), figures.next())
                .await
                .expect("comes");
            let stats = next.expect("goes on").expect("is no error").stats;
            assert_eq!(stats["waystation-log-position"], "1");
        }
        let status = monitoring.stats(asked(0)).await.expect_err("is too often");
        assert_eq!(status.code(), Code::InvalidArgument, "{status}");
        let mut operations = OperationsClient::new(channel.clone());
        operations
            .restart_persistent_subscriptions(v1::Empty {})
            .await
            .expect("is done");
        // A service of the original that is not served here.
        let mut grpc = tonic::client::Grpc::new(channel);
        grpc.ready().await.expect("is ready");
        let codec = tonic_prost::ProstCodec::<v1::Empty, v1::Empty>::default();
        let path = tonic::codegen::http::uri::PathAndQuery::from_static(
            "/event_store.client.projections.Projections/RestartSubsystem",
        );
        let status = grpc
            .unary(tonic::Request::new(v1::Empty {}), path, codec)
            .await
            .expect_err("is not there");
        assert_eq!(status.code(), Code::Unimplemented, "{status}");
    });
}
