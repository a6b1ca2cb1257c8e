//! Groups of consumers that share the events of a stream or of everything: persistent subscriptions.
//!
//! `settings` says what a group is to do; `group` is the task that does it, on a `queue` that decides and a `ledger`
//! that keeps what must outlive the server in the log. All groups are one event of the stream of groups: the newest.

mod group;
mod info;
mod ledger;
mod queue;
mod service;
mod settings;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::time::Instant;
use waystation_app::{Direction, ExpectedRevision, NewEvent, ids};

use super::caller::Caller;
use super::decide::{Change, Proposal};
use super::failure::Failure;
use super::name::GROUPS_STREAM;
use super::wire::JSON;
use super::{EventStore, WRITE_TIMEOUT};
use group::{Ask, Group, REQUESTS_MAX};
pub(super) use settings::ALL;
use settings::{Begin, Key, Settings};

/// Type of the event that holds all groups.
const GROUPS: &str = "$PersistentConfig1";
/// Most groups.
const GROUPS_MAX: usize = 1_000;

/// Groups at work.
#[derive(Default)]
pub(super) struct Groups {
    running: Mutex<Running>,
}

#[derive(Default)]
struct Running {
    groups: BTreeMap<Key, Handle>,
    /// Last revision of the stream of groups.
    revision: Option<u64>,
}

#[derive(Clone)]
struct Handle {
    settings: Settings,
    asks: mpsc::Sender<Ask>,
}

/// A group as it is kept.
#[derive(Serialize, Deserialize)]
struct Entry {
    #[serde(flatten)]
    key: Key,
    settings: Settings,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    version: u32,
    entries: Vec<Entry>,
}

impl Groups {
    /// How many there are.
    pub(super) async fn count(&self) -> usize {
        self.running.lock().await.groups.len()
    }
}

impl EventStore {
    /// Starts all groups that the log knows.
    pub(super) async fn start_groups(&self) -> Result<(), Failure> {
        let mut running = self.groups.running.lock().await;
        let newest = self
            .log
            .read_stream(GROUPS_STREAM, u64::MAX, Direction::Backwards, 1)
            .await?;
        let Some(event) = newest.first() else { return Ok(()) };
        running.revision = Some(event.revision);
        let kept: Kept = serde_json::from_slice(event.data())
            .map_err(|error| Failure::Invalid(format!("the stream of groups does not read: {error}")))?;
        for entry in kept.entries {
            let handle = self.start_group(entry.key.clone(), entry.settings).await?;
            running.groups.insert(entry.key, handle);
        }
        Ok(())
    }

    async fn start_group(&self, key: Key, settings: Settings) -> Result<Handle, Failure> {
        let group = Group::open(self, key, settings.clone()).await?;
        let (asks, asked) = mpsc::channel(REQUESTS_MAX);
        tokio::spawn(group.run(asked, self.stopped.clone()));
        Ok(Handle { settings, asks })
    }

    /// Makes a group.
    async fn create_group(&self, key: Key, mut settings: Settings) -> Result<(), Failure> {
        let mut running = self.groups.running.lock().await;
        if running.groups.contains_key(&key) {
            return Err(key.exists());
        }
        if running.groups.len() >= GROUPS_MAX {
            return Err(key.invalid(format!("there are {GROUPS_MAX} groups already")));
        }
        settings.from = self.begin(&key, settings.begin).await?;
        self.keep(&mut running, (&key, Some(&settings))).await?;
        let handle = self.start_group(key.clone(), settings).await?;
        running.groups.insert(key, handle);
        Ok(())
    }

    /// Changes a group. Its consumers are sent away; they come back to the changed one.
    async fn update_group(&self, key: Key, mut settings: Settings) -> Result<(), Failure> {
        let mut running = self.groups.running.lock().await;
        let handle = running.groups.get(&key).cloned().ok_or_else(|| key.missing())?;
        // What a group reads of everything never changes.
        settings.filter.clone_from(&handle.settings.filter);
        settings.from = if settings.begin == handle.settings.begin {
            handle.settings.from
        } else {
            self.begin(&key, settings.begin).await?
        };
        self.keep(&mut running, (&key, Some(&settings))).await?;
        stop(&handle, false).await?;
        let handle = self.start_group(key.clone(), settings).await?;
        running.groups.insert(key, handle);
        Ok(())
    }

    /// Deletes a group and hides what it kept.
    async fn delete_group(&self, key: &Key) -> Result<(), Failure> {
        let mut running = self.groups.running.lock().await;
        let handle = running.groups.get(key).cloned().ok_or_else(|| key.missing())?;
        self.keep(&mut running, (key, None)).await?;
        running.groups.remove(key);
        stop(&handle, true).await
    }

    /// Sends all consumers away and starts every group from its checkpoint.
    pub(super) async fn restart_groups(&self) -> Result<(), Failure> {
        let mut running = self.groups.running.lock().await;
        let all: Vec<(Key, Handle)> = running
            .groups
            .iter()
            .map(|(key, handle)| (key.clone(), handle.clone()))
            .collect();
        for (key, handle) in all {
            stop(&handle, false).await?;
            let handle = self.start_group(key.clone(), handle.settings).await?;
            running.groups.insert(key, handle);
        }
        Ok(())
    }

    /// Writes all groups as they will be when one of them has changed.
    async fn keep(&self, running: &mut Running, changed: (&Key, Option<&Settings>)) -> Result<(), Failure> {
        let mut all: BTreeMap<&Key, &Settings> = running
            .groups
            .iter()
            .map(|(key, handle)| (key, &handle.settings))
            .collect();
        match changed {
            (key, Some(settings)) => all.insert(key, settings),
            (key, None) => all.remove(key),
        };
        let entries = all.into_iter().map(|(key, settings)| Entry {
            key: key.clone(),
            settings: settings.clone(),
        });
        let kept = Kept {
            version: 1,
            entries: entries.collect(),
        };
        let data = serde_json::to_vec(&kept).map_err(|error| Failure::Invalid(error.to_string()))?;
        let event = NewEvent {
            sealed: Vec::new(),
            id: ids::random().into_bytes(),
            event_type: GROUPS.to_owned(),
            schema: 1,
            content_type: JSON,
            metadata: Default::default(),
            data: data.into(),
        };
        let proposal = Proposal {
            stream: GROUPS_STREAM.to_owned(),
            expected: running
                .revision
                .map_or(ExpectedRevision::NoStream, ExpectedRevision::Exact),
            change: Change::Append(vec![event]),
        };
        let done = self
            .write(&Caller::default(), &[proposal], Instant::now() + WRITE_TIMEOUT)
            .await?;
        running.revision = done.first().and_then(|done| done.revision);
        Ok(())
    }

    /// The first revision, or the position before the first, that a group is to read.
    async fn begin(&self, key: &Key, begin: Begin) -> Result<u64, Failure> {
        Ok(match begin {
            Begin::At(position) if key.is_all() => position.saturating_sub(1),
            Begin::At(revision) => revision,
            Begin::End if key.is_all() => self.log.head().size,
            Begin::End => self.log.last_revision(&key.stream).await?.map_or(0, |last| last + 1),
        })
    }

    async fn handle(&self, key: &Key) -> Result<Handle, Failure> {
        let running = self.groups.running.lock().await;
        running.groups.get(key).cloned().ok_or_else(|| key.missing())
    }

    async fn group(&self, key: &Key) -> Result<mpsc::Sender<Ask>, Failure> {
        Ok(self.handle(key).await?.asks)
    }

    /// Asks a group, or all of them in turn.
    async fn ask<T>(
        asks: &mpsc::Sender<Ask>,
        ask: impl FnOnce(oneshot::Sender<Result<T, Failure>>) -> Ask,
    ) -> Result<T, Failure> {
        let (reply, answer) = oneshot::channel();
        // Either way the group is gone: the server stops, or the group was deleted meanwhile.
        asks.send(ask(reply)).await.map_err(|_| Failure::Stopping)?;
        answer.await.map_err(|_| Failure::Stopping)?
    }
}

async fn stop(handle: &Handle, forget: bool) -> Result<(), Failure> {
    match EventStore::ask(&handle.asks, |done| Ask::Stop { forget, done }).await {
        // It has stopped already.
        Err(Failure::Stopping) => Ok(()),
        result => result,
    }
}
