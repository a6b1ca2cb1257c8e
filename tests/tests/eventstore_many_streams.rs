//! Appends to many streams at once, the protocol's second generation: refused precisely, and known when repeated; on both
//! databases.

use tonic::Code;
use uuid::Uuid;
use waystation_api::kurrentdb::consistency_check::{StreamStateCheck, Type};
use waystation_api::kurrentdb::streams_service_client::StreamsServiceClient;
use waystation_api::kurrentdb::{
    AppendRecord, AppendRecordsRequest, AppendRequest, ConsistencyCheck, SchemaFormat, SchemaInfo,
};
use waystation_storage::testing::on_both;
use waystation_tests::Server;

const MIB: usize = 1024 * 1024;

fn record(name: &str, stream: &str, bytes: usize) -> AppendRecord {
    AppendRecord {
        stream: (!stream.is_empty()).then(|| stream.to_owned()),
        schema: Some(SchemaInfo {
            format: SchemaFormat::Bytes.into(),
            name: name.to_owned(),
            id: None,
        }),
        data: vec![0; bytes].into(),
        ..Default::default()
    }
}

/// A record with a property of so many bytes.
fn described(bytes: usize) -> AppendRecord {
    let value = prost_types::Value {
        kind: Some(prost_types::value::Kind::StringValue("x".repeat(bytes))),
    };
    AppendRecord {
        properties: std::collections::HashMap::from([("about".to_owned(), value)]),
        ..record("X", "", 1)
    }
}

#[test]
fn the_second_generation_refuses_as_precisely() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let mut client = StreamsServiceClient::new(server.connect().await).max_encoding_message_size(64 * MIB);
        let request = |stream: &str, records: Vec<AppendRecord>| AppendRequest {
            stream: stream.to_owned(),
            records,
            expected_revision: None,
        };
        for (what, requests, code) in [
            ("nothing", vec![], Code::InvalidArgument),
            // Properties count among the bytes of the whole.
            (
                "properties of 60 MiB",
                (0..6)
                    .map(|number| request(&format!("p-{number}"), vec![described(10 * MIB)]))
                    .collect(),
                Code::Aborted,
            ),
            (
                "1,025 streams",
                (0..1_025)
                    .map(|number| request(&format!("s-{number}"), vec![record("X", "", 1)]))
                    .collect(),
                Code::InvalidArgument,
            ),
            ("no records", vec![request("a-1", vec![])], Code::InvalidArgument),
            (
                "no type",
                vec![request("a-1", vec![record("", "", 1)])],
                Code::InvalidArgument,
            ),
            (
                "our stream",
                vec![request("case-1", vec![record("X", "", 1)])],
                Code::PermissionDenied,
            ),
            (
                "twice the same",
                vec![
                    request("a-1", vec![record("X", "", 1)]),
                    request("a-1", vec![record("X", "", 1)]),
                ],
                Code::Aborted,
            ),
            (
                "17 MiB",
                vec![request("a-1", vec![record("X", "", 17 * MIB)])],
                Code::InvalidArgument,
            ),
            (
                "a state there is not",
                vec![AppendRequest {
                    expected_revision: Some(-3),
                    ..request("a-1", vec![record("X", "", 1)])
                }],
                Code::InvalidArgument,
            ),
        ] {
            let status = client
                .append_session(tokio_stream::iter(requests))
                .await
                .expect_err(what);
            assert_eq!(status.code(), code, "{what}: {status}");
        }
        let unnamed = AppendRecordsRequest {
            records: vec![record("X", "", 1)],
            checks: Vec::new(),
        };
        let status = client.append_records(unnamed).await.expect_err("names no stream");
        assert_eq!(status.code(), Code::InvalidArgument, "{status}");
        let both = AppendRecordsRequest {
            records: vec![record("X", "a-1", 1), record("X", "b-1", 1), record("X", "a-1", 1)],
            checks: Vec::new(),
        };
        let done = client.append_records(both).await.expect("appends").into_inner();
        let revisions: Vec<_> = done
            .revisions
            .iter()
            .map(|one| (one.stream.as_str(), one.revision))
            .collect();
        assert_eq!(revisions, [("a-1", 1), ("b-1", 0)]);
    });
}

#[test]
fn a_repeat_of_records_is_known_though_its_checks_hold_no_more() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let mut client = StreamsServiceClient::new(server.connect().await);
        let other = |expected_state| ConsistencyCheck {
            r#type: Some(Type::StreamState(StreamStateCheck {
                stream: "other-1".into(),
                expected_state,
            })),
        };
        let one = AppendRecordsRequest {
            records: vec![AppendRecord {
                record_id: Some(Uuid::from_u128(77).to_string()),
                ..record("X", "a-1", 1)
            }],
            checks: vec![other(-1)],
        };
        let first = client.append_records(one.clone()).await.expect("appends").into_inner();
        assert_eq!(
            client.append_records(one.clone()).await.expect("is known").into_inner(),
            first
        );
        let moved = AppendRecordsRequest {
            records: vec![record("X", "other-1", 1)],
            checks: Vec::new(),
        };
        client.append_records(moved).await.expect("appends");
        assert_eq!(
            client.append_records(one.clone()).await.expect("is known").into_inner(),
            first
        );
        // Anything new under the same check is refused, and half of something new too.
        let new = AppendRecordsRequest {
            records: vec![record("X", "a-1", 1)],
            checks: vec![other(-1)],
        };
        let status = client.append_records(new).await.expect_err("the check does not hold");
        assert_eq!(status.code(), Code::FailedPrecondition, "{status}");
        let half = AppendRecordsRequest {
            records: vec![one.records[0].clone(), record("X", "b-1", 1)],
            checks: Vec::new(),
        };
        let status = client.append_records(half).await.expect_err("is neither new nor known");
        assert_eq!(status.code(), Code::FailedPrecondition, "{status}");
    });
}
