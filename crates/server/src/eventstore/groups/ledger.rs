//! What a group keeps in the log: how far it has come, and what it has put aside.

use tokio::time::Instant;
use waystation_app::{Direction, ExpectedRevision, NewEvent, RecordedEvent, ids};

use super::super::caller::Caller;
use super::super::decide::{Change, Done, Proposal};
use super::super::failure::Failure;
use super::super::metadata::readable_from;
use super::super::read::Visible;
use super::super::wire::{JSON, LINK, METADATA, OCTETS};
use super::super::{EventStore, WRITE_TIMEOUT, name};
use super::queue::Item;
use super::settings::Key;

/// Type of checkpoints: a JSON string.
const CHECKPOINT: &str = "$SubscriptionCheckpoint";
/// Longest reason that is kept with a parked event, in characters.
const REASON_CHARS_MAX: usize = 1_024;

/// See the module.
pub(super) struct Ledger {
    service: EventStore,
    key: Key,
    /// The last checkpoint.
    pub(super) checkpoint: Option<u64>,
    /// Revisions of the parked events, of which the last is not included.
    pub(super) parked: std::ops::Range<u64>,
}

/// A place as clients read it.
pub(super) fn place(all: bool, place: u64) -> String {
    if all {
        format!("C:{place}/P:{place}")
    } else {
        place.to_string()
    }
}

fn parse(text: &str) -> Option<u64> {
    match text.strip_prefix("C:") {
        Some(rest) => rest.split('/').next()?.parse().ok(),
        None => text.parse().ok(),
    }
}

fn event(event_type: &str, content_type: &'static str, metadata: Vec<u8>, data: Vec<u8>) -> NewEvent {
    NewEvent {
        sealed: Vec::new(),
        id: ids::random().into_bytes(),
        event_type: event_type.to_owned(),
        schema: 0,
        content_type,
        metadata: metadata.into(),
        data: data.into(),
    }
}

impl Ledger {
    /// Reads what the log holds.
    pub(super) async fn open(service: &EventStore, key: &Key) -> Result<Self, Failure> {
        let checkpoints = key.checkpoints();
        let mut checkpoint = None;
        if Visible::of(service, &checkpoints).await?.last.is_some() {
            let newest = service
                .log
                .read_stream(&checkpoints, u64::MAX, Direction::Backwards, 1)
                .await?;
            let text = newest
                .first()
                .and_then(|event| serde_json::from_slice::<String>(event.data()).ok());
            checkpoint = text.as_deref().and_then(parse);
        }
        let parked = Visible::of(service, &key.parked()).await?;
        Ok(Self {
            service: service.clone(),
            key: key.clone(),
            checkpoint,
            parked: match parked.last {
                Some(last) => parked.lowest..last + 1,
                None => parked.lowest..parked.lowest,
            },
        })
    }

    async fn write(&self, proposal: Proposal) -> Result<Vec<Done>, Failure> {
        let deadline = Instant::now() + WRITE_TIMEOUT;
        self.service.write(&Caller::default(), &[proposal], deadline).await
    }

    async fn append(&self, stream: String, events: Vec<NewEvent>) -> Result<Option<u64>, Failure> {
        let proposal = Proposal {
            stream,
            expected: ExpectedRevision::Any,
            change: Change::Append(events),
        };
        let done = self.write(proposal).await?;
        Ok(done.first().and_then(|done| done.revision))
    }

    /// Notes how far the group has come.
    pub(super) async fn check(&mut self, settled_to: u64) -> Result<(), Failure> {
        let text = place(self.key.is_all(), settled_to);
        let data = serde_json::Value::String(text).to_string().into_bytes();
        self.append(self.key.checkpoints(), vec![event(CHECKPOINT, JSON, Vec::new(), data)])
            .await?;
        self.checkpoint = Some(settled_to);
        Ok(())
    }

    /// Puts events aside.
    pub(super) async fn park(&mut self, items: &[Item], reason: &str) -> Result<(), Failure> {
        let reason: String = reason.chars().take(REASON_CHARS_MAX).collect();
        let link = |item: &Item| {
            let original = &item.shown.original;
            let metadata = serde_json::json!({
                "added": self.service.now_us(),
                "reason": reason,
                "subscriptionEventNumber": original.revision,
            });
            let data = format!("{}@{}", original.revision, original.stream());
            event(LINK, OCTETS, metadata.to_string().into_bytes(), data.into_bytes())
        };
        let last = self.append(self.key.parked(), items.iter().map(link).collect()).await?;
        if let Some(last) = last {
            if self.parked.is_empty() {
                self.parked.start = last + 1 - items.len() as u64;
            }
            self.parked.end = last + 1;
        }
        Ok(())
    }

    /// Parked events from a revision on, each as the link that it is.
    pub(super) async fn parked_from(&self, revision: u64, limit: usize) -> Result<Vec<RecordedEvent>, Failure> {
        let page = self
            .service
            .log
            .page_stream(&self.key.parked(), revision, Direction::Forwards, limit)
            .await?;
        Ok(page)
    }

    /// Forgets parked events before a revision.
    pub(super) async fn unpark_before(&mut self, revision: u64) -> Result<(), Failure> {
        let metadata = readable_from(b"{}", revision);
        let stream = name::metadata_of(&self.key.parked());
        self.append(stream, vec![event(METADATA, JSON, Vec::new(), metadata)])
            .await?;
        self.parked.start = revision.min(self.parked.end);
        Ok(())
    }

    /// Hides everything that the group kept.
    pub(super) async fn forget(&self) -> Result<(), Failure> {
        for stream in [self.key.checkpoints(), self.key.parked()] {
            let proposal = Proposal {
                stream,
                expected: ExpectedRevision::Any,
                change: Change::Delete,
            };
            match self.write(proposal).await {
                // Never written.
                Ok(_) | Err(Failure::WrongVersion { .. }) => {}
                Err(failure) => return Err(failure),
            }
        }
        Ok(())
    }
}
