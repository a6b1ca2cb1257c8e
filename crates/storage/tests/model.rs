//! Any series of appends, repeats, reads and restarts gives what a model of a log, a few lines long, says it gives; on
//! both databases.

use std::collections::HashMap;

use bytes::Bytes;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use waystation_storage::testing::{self, on_both};
use waystation_storage::{Append, Direction, ExpectedRevision, LogName, NewEvent, Request, StorageError, StreamAppend};

/// Histories tried on each database.
const HISTORIES: u32 = 12;

#[derive(Clone, Debug)]
enum Operation {
    /// Stream, belief, events, request.
    Append(u8, Belief, u8, Option<u8>),
    /// Two streams at once, both new or not.
    Both(u8, u8),
    /// The process ends and another begins.
    Restart,
}

#[derive(Clone, Copy, Debug)]
enum Belief {
    Any,
    NoStream,
    StreamExists,
    /// What it is, or off by one.
    Exact(bool),
}

fn operation() -> impl Strategy<Value = Operation> {
    let belief = prop_oneof![
        3 => Just(Belief::Any),
        2 => Just(Belief::NoStream),
        2 => Just(Belief::StreamExists),
        3 => any::<bool>().prop_map(Belief::Exact),
    ];
    prop_oneof![
        12 => (0..5_u8, belief, 1..4_u8, proptest::option::of(0..6_u8))
            .prop_map(|(stream, belief, events, request)| Operation::Append(stream, belief, events, request)),
        3 => (0..5_u8, 0..5_u8).prop_filter("two streams", |(one, other)| one != other)
            .prop_map(|(one, other)| Operation::Both(one, other)),
        1 => Just(Operation::Restart),
    ]
}

/// A log, as simple as it can be.
#[derive(Default)]
struct Model {
    /// Stream and data of every event.
    log: Vec<(String, u64)>,
    /// First and last position, and what was asked, by request.
    requests: HashMap<u8, (u64, u64, [u8; 16])>,
}

impl Model {
    fn revision(&self, stream: &str) -> Option<u64> {
        (self.log.iter().filter(|(name, _)| name == stream).count() as u64).checked_sub(1)
    }
}

/// Bytes of any kind, without metadata.
fn event(number: u64) -> NewEvent {
    NewEvent {
        content_type: "application/octet-stream",
        metadata: Bytes::new(),
        data: Bytes::from(number.to_be_bytes().to_vec()),
        ..testing::event(number)
    }
}

#[test]
fn a_log_does_what_its_model_says() {
    let mut runner = TestRunner::new(Config {
        cases: HISTORIES,
        failure_persistence: None,
        ..Config::default()
    });
    let histories = proptest::collection::vec(operation(), 1..60);
    let mut tried = Vec::new();
    for _ in 0..HISTORIES {
        tried.push(histories.new_tree(&mut runner).expect("makes a history").current());
    }
    for history in &tried {
        on_both(|database| async move {
            let mut store = database.open().await.expect("opens");
            let mut model = Model::default();
            let mut next = 0_u64;
            for operation in history.clone() {
                let (streams, request) = match operation.clone() {
                    Operation::Restart => {
                        store.close().await;
                        store = database.open().await.expect("opens again");
                        continue;
                    }
                    Operation::Append(stream, belief, events, request) => {
                        let stream = format!("s-{stream}");
                        let actual = model.revision(&stream);
                        let expected = match belief {
                            Belief::Any => ExpectedRevision::Any,
                            Belief::NoStream => ExpectedRevision::NoStream,
                            Belief::StreamExists => ExpectedRevision::StreamExists,
                            Belief::Exact(true) => ExpectedRevision::Exact(actual.unwrap_or(0)),
                            Belief::Exact(false) => ExpectedRevision::Exact(actual.map_or(1, |last| last + 1)),
                        };
                        let numbers: Vec<u64> = (next..next + u64::from(events)).collect();
                        (vec![(stream, expected, numbers)], request)
                    }
                    Operation::Both(one, other) => {
                        let part = |stream: u8, number| (format!("s-{stream}"), ExpectedRevision::Any, vec![number]);
                        (vec![part(one, next), part(other, next + 1)], None)
                    }
                };
                next += 10;
                let fingerprint = [streams[0].2.len() as u8; 16];
                let append = Append {
                    request: request.map(|id| Request {
                        id: [id + 1; 16],
                        fingerprint,
                    }),
                    category: 1,
                    actor: [1; 16],
                    causation: [2; 16],
                    streams: streams
                        .iter()
                        .map(|(stream, expected, numbers)| StreamAppend {
                            stream: stream.clone(),
                            expected: *expected,
                            events: numbers.iter().map(|number| event(*number)).collect(),
                        })
                        .collect(),
                };
                let result = store.log(LogName::Main).append(append).await;
                if let Some((first, last, asked)) = request.and_then(|id| model.requests.get(&id)) {
                    match result {
                        Ok(again) => {
                            assert!(again.replayed && *asked == fingerprint, "{operation:?}");
                            assert_eq!((again.first_position, again.last_position), (*first, *last));
                        }
                        Err(StorageError::RequestReused) => assert_ne!(*asked, fingerprint, "{operation:?}"),
                        Err(error) => panic!("{operation:?}: {error}"),
                    }
                    continue;
                }
                let fits = streams
                    .iter()
                    .all(|(stream, expected, _)| match (expected, model.revision(stream)) {
                        (ExpectedRevision::Any, _) => true,
                        (ExpectedRevision::NoStream, actual) => actual.is_none(),
                        (ExpectedRevision::StreamExists, actual) => actual.is_some(),
                        (ExpectedRevision::Exact(expected), actual) => actual == Some(*expected),
                    });
                match result {
                    Ok(appended) => {
                        assert!(fits && !appended.replayed, "{operation:?}");
                        let first = model.log.len() as u64 + 1;
                        for (stream, _, numbers) in &streams {
                            model.log.extend(numbers.iter().map(|number| (stream.clone(), *number)));
                        }
                        let last = model.log.len() as u64;
                        assert_eq!((appended.first_position, appended.last_position), (first, last));
                        assert_eq!(Some(appended.revision), model.revision(&streams[0].0));
                        if let Some(id) = request {
                            model.requests.insert(id, (first, last, fingerprint));
                        }
                    }
                    Err(StorageError::WrongExpectedRevision { actual, stream, .. }) => {
                        assert!(!fits, "{operation:?}");
                        assert_eq!(actual, model.revision(&stream));
                    }
                    Err(error) => panic!("{operation:?}: {error}"),
                }
            }
            let log = store.log(LogName::Main);
            let stored = log.read_all(1, Direction::Forwards, 4_096).await.expect("reads");
            let stored: Vec<(String, u64)> = stored
                .iter()
                .map(|event| {
                    let number = event.data().try_into().map(u64::from_be_bytes).expect("is a number");
                    (event.stream().to_owned(), number)
                })
                .collect();
            assert_eq!(stored, model.log);
            let report = log.verify(|_, _| {}).await.expect("verifies");
            assert_eq!((report.events, report.findings), (model.log.len() as u64, Vec::new()));
            store.close().await;
        });
    }
}
