//! Random changes and reads from many clients of the EventStoreDB protocol, each compared with a small model of what the
//! protocol says, on both databases. `WAYSTATION_TEST_SEED` repeats a run.

use std::collections::HashMap;

use futures::future::join_all;
use tonic::transport::Channel;
use tonic::{Code, Status};
use uuid::Uuid;
use waystation_api::event_store::client as v1;
use waystation_api::event_store::client::streams::streams_client::StreamsClient;
use waystation_api::event_store::client::streams::{
    AppendReq, DeleteReq, ReadReq, append_req, append_resp, delete_resp, read_req, read_resp,
};
use waystation_api::event_store::client::target::Expected;
use waystation_storage::testing::on_both;
use waystation_tests::{Server, json, run};

const CLIENTS: u64 = 8;
const STEPS: usize = 250;
const STREAMS_OF_EACH: usize = 3;

/// Small, fast and good enough to choose what to do next.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    fn id(&mut self) -> Uuid {
        Uuid::from_u64_pair(self.below(u64::MAX), self.below(u64::MAX))
    }
}

/// A stream as the protocol's table has it.
#[derive(Default)]
struct Model {
    /// Ids and positions; the index is the revision.
    events: Vec<(Uuid, u64)>,
    metadata: Vec<Metadata>,
    tombstoned: bool,
}

#[derive(Clone, Copy, Default)]
struct Metadata {
    max_count: Option<u64>,
    before: Option<u64>,
}

const DELETED: u64 = i64::MAX as u64;

#[derive(Debug, PartialEq)]
enum Outcome {
    /// The last revision, and the position when it is known beforehand.
    Done(Option<u64>, Option<u64>),
    Wrong(Option<u64>),
    Deleted,
}

impl Model {
    fn last(&self) -> Option<u64> {
        (self.events.len() as u64).checked_sub(1)
    }

    fn now(&self) -> Metadata {
        self.metadata.last().copied().unwrap_or_default()
    }

    fn deleted(&self) -> bool {
        self.now().before == Some(DELETED)
    }

    fn known(&self) -> bool {
        !self.events.is_empty() || !self.metadata.is_empty()
    }

    /// What an append comes to; it is not carried out yet.
    fn append(&self, expected: &Expected, ids: &[Uuid]) -> Outcome {
        if self.tombstoned {
            return Outcome::Deleted;
        }
        let fits = Outcome::Done(Some(self.events.len() as u64 + ids.len() as u64 - 1), None);
        let wrong = Outcome::Wrong(self.last());
        let repeat = |from: usize| {
            let there = self.events.iter().skip(from);
            let same = there.zip(ids).take_while(|((id, _), asked)| id == *asked).count();
            (same == ids.len())
                .then(|| Outcome::Done(Some((from + same - 1) as u64), Some(self.events[from + same - 1].1)))
        };
        match expected {
            Expected::NoStream(_) if self.events.is_empty() => fits,
            Expected::NoStream(_) => match repeat(0) {
                Some(repeated) => repeated,
                None if self.deleted() && self.events[0].0 != ids[0] => fits,
                None => wrong,
            },
            Expected::Revision(revision) if self.last() == Some(*revision) => fits,
            Expected::Revision(revision) if Some(*revision) < self.last() => {
                repeat(*revision as usize + 1).unwrap_or(wrong)
            }
            Expected::Revision(_) => wrong,
            Expected::StreamExists(_) if self.deleted() => Outcome::Deleted,
            Expected::StreamExists(_) if !self.known() => Outcome::Wrong(None),
            Expected::Any(_) | Expected::StreamExists(_) => {
                let find = |id: &Uuid| self.events.iter().rposition(|(there, _)| there == id);
                match ids.iter().map(find).collect::<Vec<_>>()[..] {
                    [None, ..] | [] => fits,
                    ref found => match found.iter().copied().collect::<Option<Vec<usize>>>() {
                        Some(at) => {
                            let at = at[at.len() - 1];
                            Outcome::Done(Some(at as u64), Some(self.events[at].1))
                        }
                        None => wrong,
                    },
                }
            }
        }
    }

    fn appended(&mut self, ids: &[Uuid], last_position: u64) {
        let first = last_position + 1 - ids.len() as u64;
        if self.deleted() {
            self.revive();
        }
        let with_positions = ids.iter().enumerate().map(|(number, id)| (*id, first + number as u64));
        self.events.extend(with_positions);
    }

    fn revive(&mut self) {
        let mut metadata = self.now();
        metadata.before = Some(self.events.len() as u64);
        self.metadata.push(metadata);
    }

    /// Whether a delete or a tombstone goes through.
    fn removed(&self, expected: &Expected, for_good: bool) -> Outcome {
        if self.tombstoned {
            return Outcome::Deleted;
        }
        let wrong = Outcome::Wrong(self.last());
        match expected {
            _ if !for_good && !self.known() => Outcome::Wrong(None),
            Expected::StreamExists(_) if self.deleted() => Outcome::Deleted,
            Expected::StreamExists(_) if !self.known() => Outcome::Wrong(None),
            Expected::NoStream(_) if !self.events.is_empty() && !self.deleted() => wrong,
            Expected::Revision(revision) if self.last() != Some(*revision) => wrong,
            _ => Outcome::Done(None, None),
        }
    }

    /// Revisions that may be read.
    fn readable(&self) -> Vec<u64> {
        let Some(last) = self.last() else { return Vec::new() };
        let by_count = self.now().max_count.map_or(0, |count| (last + 1).saturating_sub(count));
        let lowest = by_count.max(self.now().before.unwrap_or(0));
        (lowest..=last).collect()
    }
}

fn target(stream: &str, expected: &Expected) -> v1::Target {
    v1::Target {
        stream_identifier: Some(v1::StreamIdentifier {
            stream_name: stream.to_owned().into(),
        }),
        expected: Some(*expected),
    }
}

fn message(id: Uuid, event_type: &str, data: String) -> AppendReq {
    let metadata = [("type", event_type), ("content-type", "application/json")];
    let message = v1::ProposedMessage {
        id: Some(v1::Uuid {
            value: Some(v1::uuid::Value::String(id.to_string())),
        }),
        metadata: metadata.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
        custom_metadata: Default::default(),
        data: data.into(),
    };
    AppendReq {
        content: Some(append_req::Content::ProposedMessage(message)),
    }
}

async fn append(
    client: &mut StreamsClient<Channel>,
    stream: &str,
    expected: &Expected,
    messages: Vec<AppendReq>,
) -> (Outcome, u64) {
    let mut requests = vec![AppendReq {
        content: Some(append_req::Content::Options(target(stream, expected))),
    }];
    requests.extend(messages);
    let answer = client.append(tokio_stream::iter(requests)).await;
    match answer.map(|answer| answer.into_inner().result.expect("is one of two")) {
        Ok(append_resp::Result::Success(success)) => {
            use append_resp::success::{CurrentRevisionOption, PositionOption};
            let revision = match success.current_revision_option.expect("is one of two") {
                CurrentRevisionOption::CurrentRevision(revision) => Some(revision),
                CurrentRevisionOption::NoStream(_) => None,
            };
            let position = match success.position_option.expect("is one of two") {
                PositionOption::Position(position) => position.commit_position,
                PositionOption::NoPosition(_) => 0,
            };
            (Outcome::Done(revision, None), position)
        }
        Ok(append_resp::Result::WrongExpectedVersion(conflict)) => {
            use append_resp::wrong_expected_version::Current;
            let actual = match conflict.current.expect("is one of two") {
                Current::CurrentRevision(revision) => Some(revision),
                Current::CurrentNoStream(_) => None,
            };
            (Outcome::Wrong(actual), 0)
        }
        Err(status) => (refusal(&status), 0),
    }
}

fn refusal(status: &Status) -> Outcome {
    let trailer = |name: &str| status.metadata().get(name).and_then(|value| value.to_str().ok());
    assert_eq!(status.code(), Code::FailedPrecondition, "{status:?}");
    match trailer("exception") {
        Some("stream-deleted") => Outcome::Deleted,
        Some("wrong-expected-version") => {
            let actual: i64 = trailer("actual-version")
                .expect("is there")
                .parse()
                .expect("is a number");
            Outcome::Wrong(u64::try_from(actual).ok())
        }
        other => panic!("{other:?}: {status:?}"),
    }
}

fn start(options: read_req::Options) -> ReadReq {
    ReadReq { options: Some(options) }
}

/// Revisions; `None` for a stream that is not found, and the outcome when it is closed.
async fn read(
    client: &mut StreamsClient<Channel>,
    stream: &str,
    backwards: bool,
    from: u64,
    count: u64,
) -> Result<Option<Vec<u64>>, Outcome> {
    use read_req::options::{CountOption, FilterOption, StreamOption};
    use v1::stream_start::RevisionOption;
    let options = read_req::Options {
        stream_option: Some(StreamOption::Stream(v1::StreamStart {
            stream_identifier: target(stream, &Expected::Any(v1::Empty {})).stream_identifier,
            revision_option: Some(RevisionOption::Revision(from)),
        })),
        read_direction: i32::from(backwards),
        count_option: Some(CountOption::Count(count)),
        filter_option: Some(FilterOption::NoFilter(v1::Empty {})),
        uuid_option: Some(v1::UuidOption {
            content: Some(v1::uuid_option::Content::String(v1::Empty {})),
        }),
        ..Default::default()
    };
    let mut found = Vec::new();
    let mut answers = match client.read(start(options)).await {
        Ok(answers) => answers.into_inner(),
        Err(status) => return Err(refusal(&status)),
    };
    while let Some(answer) = answers.message().await.expect("goes on") {
        match answer.content.expect("says something") {
            read_resp::Content::Event(event) => found.push(event.event.expect("is there").stream_revision),
            read_resp::Content::StreamNotFound(_) => return Ok(None),
            other => panic!("{other:?}"),
        }
    }
    Ok(Some(found))
}

/// One client at work on streams of its own.
async fn work(mut client: StreamsClient<Channel>, number: u64, seed: u64) {
    let mut dice = Dice(seed ^ (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut models: HashMap<String, Model> = (0..STREAMS_OF_EACH)
        .map(|stream| (format!("model-{number}-{stream}"), Model::default()))
        .collect();
    let mut names: Vec<String> = models.keys().cloned().collect();
    names.sort();
    for step in 0..STEPS {
        let at = dice.below(STREAMS_OF_EACH as u64) as usize;
        let stream = names[at].clone();
        let model = models.get_mut(&stream).expect("is there");
        let near = model.last().map_or(0, |last| (last + dice.below(4)).saturating_sub(2));
        let expected = match dice.below(6) {
            0 | 1 => Expected::Any(v1::Empty {}),
            2 => Expected::NoStream(v1::Empty {}),
            3 => Expected::StreamExists(v1::Empty {}),
            _ => Expected::Revision(near),
        };
        let told = format!("seed {seed}, client {number}, step {step}, {stream}, {expected:?}");
        match dice.below(20) {
            0..=9 => {
                let count = 1 + dice.below(3) as usize;
                let known = dice.below(3) == 0 && !model.events.is_empty();
                let mut ids: Vec<Uuid> = if known {
                    let from = dice.below(model.events.len() as u64) as usize;
                    model.events.iter().skip(from).take(count).map(|(id, _)| *id).collect()
                } else {
                    Vec::new()
                };
                while ids.len() < count {
                    ids.push(dice.id());
                }
                let mut unique = ids.clone();
                unique.sort();
                unique.dedup();
                if unique.len() < ids.len() {
                    continue;
                }
                let messages = ids.iter().map(|id| message(*id, "Happened", "{}".into())).collect();
                let foreseen = model.append(&expected, &ids);
                let (outcome, position) = append(&mut client, &stream, &expected, messages).await;
                match foreseen {
                    Outcome::Done(revision, Some(known)) => {
                        assert_eq!((outcome, position), (Outcome::Done(revision, None), known), "{told}");
                    }
                    Outcome::Done(..) => {
                        assert_eq!(outcome, foreseen, "{told}");
                        model.appended(&ids, position);
                    }
                    _ => assert_eq!(outcome, foreseen, "{told}"),
                }
            }
            10..=11 => {
                let foreseen = model.removed(&expected, false);
                let outcome = remove(&mut client, &stream, &expected, false).await;
                assert_eq!(outcome, foreseen, "delete, {told}");
                if matches!(outcome, Outcome::Done(..)) {
                    model.metadata.push(Metadata {
                        before: Some(DELETED),
                        max_count: None,
                    });
                }
            }
            // Now and then; a closed stream has little to tell.
            12 if dice.below(8) == 0 => {
                let foreseen = model.removed(&expected, true);
                let outcome = remove(&mut client, &stream, &expected, true).await;
                assert_eq!(outcome, foreseen, "tombstone, {told}");
                model.tombstoned |= matches!(outcome, Outcome::Done(..));
            }
            13..=14 => {
                let metadata = match dice.below(3) {
                    0 => Metadata::default(),
                    1 => Metadata {
                        max_count: Some(1 + dice.below(4)),
                        before: None,
                    },
                    _ => Metadata {
                        max_count: None,
                        before: Some(near),
                    },
                };
                let mut data = serde_json::Map::new();
                data.extend(metadata.max_count.map(|count| ("$maxCount".to_owned(), count.into())));
                data.extend(metadata.before.map(|before| ("$tb".to_owned(), before.into())));
                let data = serde_json::Value::Object(data).to_string();
                let any = Expected::Any(v1::Empty {});
                let events = vec![message(dice.id(), "$metadata", data)];
                let (outcome, _) = append(&mut client, &format!("$${stream}"), &any, events).await;
                assert_eq!(
                    outcome,
                    Outcome::Done(Some(model.metadata.len() as u64), None),
                    "metadata, {told}"
                );
                let revives = model.deleted() && !model.tombstoned;
                model.metadata.push(metadata);
                if revives {
                    model.revive();
                }
            }
            _ => {
                let backwards = dice.below(2) == 1;
                let (from, count) = (dice.below(model.events.len() as u64 + 2), dice.below(5));
                let found = read(&mut client, &stream, backwards, from, count).await;
                if model.tombstoned {
                    assert_eq!(found, Err(Outcome::Deleted), "{told}");
                    continue;
                }
                let exists = !model.events.is_empty() && !model.deleted();
                let mut readable = model.readable();
                if backwards {
                    readable.reverse();
                    readable.retain(|revision| *revision <= from);
                } else {
                    readable.retain(|revision| *revision >= from);
                }
                readable.truncate(count as usize);
                assert_eq!(
                    found,
                    Ok(exists.then_some(readable)),
                    "read {backwards} from {from}, {told}"
                );
            }
        }
    }
}

async fn remove(client: &mut StreamsClient<Channel>, stream: &str, expected: &Expected, for_good: bool) -> Outcome {
    let request = DeleteReq {
        options: Some(target(stream, expected)),
    };
    let answer = if for_good {
        client.tombstone(request).await
    } else {
        client.delete(request).await
    };
    match answer {
        Ok(answer) => {
            let position = answer.into_inner().position_option;
            assert!(matches!(position, Some(delete_resp::PositionOption::Position(_))));
            Outcome::Done(None, None)
        }
        Err(status) => refusal(&status),
    }
}

#[test]
fn every_interleaving_ends_as_the_protocol_says() {
    let seed = match std::env::var("WAYSTATION_TEST_SEED") {
        Ok(seed) => seed.parse().expect("is a number"),
        Err(_) => waystation_app::ids::random().as_u64_pair().0,
    };
    on_both(|database| async move {
        let mut server = Server::start(&database.url);
        let mut at_work = Vec::new();
        for number in 0..CLIENTS {
            let client = StreamsClient::new(server.connect().await);
            at_work.push(tokio::spawn(work(client, number, seed)));
        }
        for done in join_all(at_work).await {
            done.expect("agrees with the model");
        }
        server.kill();
        let verified = run(&["verify", "--database", &database.url, "--json"]);
        assert!(verified.status.success(), "{}", json(&verified));
    });
}
