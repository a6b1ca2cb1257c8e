//! Keeps the streams of links: `$ce-` with a link to each event of a category, `$et-` to each of a type.
//!
//! Links and checkpoint go into the log in one append, which states where the checkpoint ends: whatever happens, and
//! however many servers do this, every event is linked once and in order.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use waystation_app::{
    Append, Direction, ExpectedRevision, NewEvent, RecordedEvent, STREAM_BYTES_MAX, StorageError, StreamAppend, ids,
};

use super::name::{LINKS_BY_CATEGORY, LINKS_BY_TYPE, LINKS_CHECKPOINT};
use super::wire::{self, JSON, LINK, OCTETS};
use super::{EventStore, down};

/// Events that are linked in one append.
const PAGE: usize = 512;
/// How long to wait after the log could not be read or written.
const RETRY: Duration = Duration::from_millis(500);
/// How long to wait for room in the writer's queue.
const QUEUE_WAIT: Duration = Duration::from_millis(5);
/// Type of checkpoints.
const CHECKPOINT: &str = "$ProjectionCheckpoint";
/// Principal of what the system does by itself.
const SYSTEM: &str = "system";
/// Header category of the system's own events.
const CATEGORY_SYSTEM: u8 = 5;

/// How far links have been made.
#[derive(Serialize, Deserialize)]
struct Checkpoint {
    position: u64,
}

impl EventStore {
    /// Links what is in the log and what comes, until the server stops.
    pub(super) async fn keep_links(&self, mut stopped: watch::Receiver<bool>) {
        loop {
            let failed = tokio::select! {
                result = self.link_on() => result.err(),
                () = down(&mut stopped) => return,
            };
            // Another server that links is no trouble: what it has done need not be done again.
            let lost = |error: &StorageError| matches!(error, StorageError::WrongExpectedRevision { .. });
            if let Some(error) = failed.filter(|error| !lost(error)) {
                tracing::warn!(error = %error, "link streams are not kept for now");
            }
            tokio::select! {
                () = tokio::time::sleep(RETRY) => {}
                () = down(&mut stopped) => return,
            }
        }
    }

    /// From the checkpoint on; ends when something fails, or when another server was faster.
    async fn link_on(&self) -> Result<(), StorageError> {
        let newest = self
            .log
            .read_stream(LINKS_CHECKPOINT, u64::MAX, Direction::Backwards, 1)
            .await?;
        let newest = newest.first();
        let done = match newest {
            None => 0,
            // Beginning anew would link everything twice.
            Some(event) => {
                let read = serde_json::from_slice::<Checkpoint>(event.data());
                let read = read.map_err(|_| StorageError::Corrupt {
                    position: event.position,
                    what: "the checkpoint of links does not read".into(),
                })?;
                read.position
            }
        };
        let mut expected = newest.map_or(ExpectedRevision::NoStream, |event| {
            ExpectedRevision::Exact(event.revision)
        });
        let mut subscription = self.log.subscribe(done);
        loop {
            let page = subscription.next(PAGE).await?;
            let links = links(&page);
            if links.is_empty() {
                // What the system writes, these links among it, is not linked; after a restart it is passed over again.
                continue;
            }
            let append = append(links, subscription.position(), expected);
            let appended = loop {
                match self.log.append(append.clone()).await {
                    Err(StorageError::QueueFull) => tokio::time::sleep(QUEUE_WAIT).await,
                    outcome => break outcome?,
                }
            };
            expected = ExpectedRevision::Exact(appended.revision);
        }
    }
}

/// The streams that an event is linked from.
fn linked_from(event: &RecordedEvent) -> impl Iterator<Item = String> {
    let (stream, event_type) = (event.stream(), event.event_type());
    let of_users = !stream.starts_with('$') && event_type != LINK;
    let category = stream
        .split_once('-')
        .map(|(category, _)| format!("{LINKS_BY_CATEGORY}{category}"));
    let by_type = Some(format!("{LINKS_BY_TYPE}{event_type}"));
    [category, by_type]
        .into_iter()
        .flatten()
        .filter(move |name| of_users && name.len() <= STREAM_BYTES_MAX)
}

/// What each stream of links gets from a page.
fn links(page: &[RecordedEvent]) -> BTreeMap<String, Vec<NewEvent>> {
    let mut links: BTreeMap<String, Vec<NewEvent>> = BTreeMap::new();
    for event in page {
        for stream in linked_from(event) {
            let id = ids::named(&[&stream, &event.position.to_string()]).into_bytes();
            links.entry(stream).or_default().push(NewEvent {
                sealed: Vec::new(),
                id,
                event_type: LINK.to_owned(),
                schema: 0,
                content_type: OCTETS,
                metadata: Default::default(),
                data: format!("{}@{}", wire::revision(event), event.stream()).into(),
            });
        }
    }
    links
}

fn append(links: BTreeMap<String, Vec<NewEvent>>, position: u64, expected: ExpectedRevision) -> Append {
    let data = serde_json::to_vec(&Checkpoint { position }).expect("a number becomes JSON");
    // First, because the log answers with the revision of the first stream.
    let mut streams = vec![StreamAppend {
        stream: LINKS_CHECKPOINT.to_owned(),
        expected,
        events: vec![NewEvent {
            sealed: Vec::new(),
            id: ids::random().into_bytes(),
            event_type: CHECKPOINT.to_owned(),
            schema: 1,
            content_type: JSON,
            metadata: Default::default(),
            data: data.into(),
        }],
    }];
    streams.extend(links.into_iter().map(|(stream, events)| StreamAppend {
        stream,
        expected: ExpectedRevision::Any,
        events,
    }));
    Append {
        request: None,
        category: CATEGORY_SYSTEM,
        actor: ids::principal(SYSTEM),
        causation: [0; 16],
        streams,
    }
}
