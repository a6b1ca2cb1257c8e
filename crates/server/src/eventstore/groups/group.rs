//! A group at work: one task that feeds events to consumers, hears what became of them, and notes how far it is.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;
use tonic::Status;
use waystation_api::event_store::client::persistent_subscriptions::read_req::nack::Action;
use waystation_api::event_store::client::persistent_subscriptions::{ReadResp, SubscriptionInfo, read_resp};

use super::super::failure::Failure;
use super::super::feed::{Fed, Feed};
use super::super::filter::Filter;
use super::super::name;
use super::super::wire::IdForm;
use super::super::{EventStore, down};
use super::ledger::Ledger;
use super::queue::{Item, Queue};
use super::settings::{Key, Settings};

/// How often timeouts and checkpoints are looked at. Clients gather acknowledgements for a while; a prompter clock would
/// send again what is already done.
const TICK: Duration = Duration::from_secs(1);
/// Requests that may wait for the group.
pub(super) const REQUESTS_MAX: usize = 1_024;
/// Consumers of a group that names no bound.
const CONSUMERS_MAX: usize = 1_000;
/// Bytes of events in the group before it reads no more.
const BYTES_MAX: usize = 64 * 1024 * 1024;
/// Parked events that are taken up at once.
const REPLAY_PAGE: usize = 256;

/// Answers to one consumer.
pub(super) type Replies = mpsc::Sender<Result<ReadResp, Status>>;

/// One who wants to consume.
pub(super) struct Joining {
    pub(super) credit: usize,
    pub(super) ids: IdForm,
    pub(super) from: String,
    pub(super) name: String,
    pub(super) replies: Replies,
    /// Goes away with the consumer's place in the group.
    pub(super) place: oneshot::Sender<Infallible>,
}

/// What is asked of a group.
pub(super) enum Ask {
    Join(Joining, oneshot::Sender<Result<u64, Failure>>),
    Leave(u64),
    Ack(u64, Vec<[u8; 16]>),
    Nack(u64, Vec<[u8; 16]>, Action, String),
    Info(oneshot::Sender<Result<SubscriptionInfo, Failure>>),
    /// Try parked events again, up to a revision of theirs.
    Replay(Option<u64>, oneshot::Sender<Result<(), Failure>>),
    /// Forget parked events, up to a revision of theirs.
    Truncate(Option<u64>, oneshot::Sender<Result<(), Failure>>),
    /// Send consumers away and stop; forget what was kept, if the group is gone for good.
    Stop {
        forget: bool,
        done: oneshot::Sender<Result<(), Failure>>,
    },
}

/// Where to answer one consumer, and in which form.
pub(super) struct Door {
    ids: IdForm,
    pub(super) from: String,
    pub(super) name: String,
    replies: Replies,
    _place: oneshot::Sender<Infallible>,
}

/// See the module.
pub(super) struct Group {
    pub(super) service: EventStore,
    pub(super) key: Key,
    pub(super) settings: Settings,
    filter: Option<Filter>,
    pub(super) ledger: Ledger,
    pub(super) queue: Queue,
    pub(super) doors: BTreeMap<u64, Door>,
    next_consumer: u64,
    feed: Option<Feed>,
    /// Reading history.
    pub(super) behind: bool,
    /// The stream is closed for good.
    closed: bool,
    /// The log could not be read; not before the next tick.
    paused: bool,
    /// Parked events before this revision were taken up again.
    unparked_to: u64,
    /// When a checkpoint was last thought of.
    checked: Instant,
    pub(super) measured: Instant,
}

impl Group {
    /// A group as the log knows it.
    pub(super) async fn open(service: &EventStore, key: Key, settings: Settings) -> Result<Self, Failure> {
        let filter = settings.filter.as_ref().map(|wanted| wanted.filter()).transpose()?;
        let ledger = Ledger::open(service, &key).await?;
        Ok(Self {
            service: service.clone(),
            queue: Queue::new(settings.strategy),
            key,
            settings,
            filter,
            ledger,
            doors: BTreeMap::new(),
            next_consumer: 0,
            feed: None,
            behind: true,
            closed: false,
            paused: false,
            unparked_to: 0,
            checked: Instant::now(),
            measured: Instant::now(),
        })
    }

    /// Works until it is told to stop.
    pub(super) async fn run(mut self, mut asks: mpsc::Receiver<Ask>, mut stopped: watch::Receiver<bool>) {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            self.send();
            let hungry = self.hungry();
            if hungry && self.feed.is_none() {
                self.feed = Some(self.begin());
            }
            let limit = usize::try_from(self.settings.read_batch_size).unwrap_or(1);
            let result = tokio::select! {
                biased;
                () = down(&mut stopped) => break,
                ask = asks.recv() => match ask {
                    Some(Ask::Stop { forget, done }) => {
                        let result = self.stop(forget).await;
                        // Whoever asked may have gone.
                        let _ = done.send(result);
                        return;
                    }
                    Some(ask) => self.answer(ask).await,
                    None => break,
                },
                _ = ticks.tick() => self.tick().await,
                fed = next(&mut self.feed, limit), if hungry => match fed {
                    Ok(fed) => self.take_in(fed).await,
                    Err(failure) => Err(failure),
                },
            };
            if let Err(failure) = result {
                self.failed(&failure);
            }
            if self.queue.settled >= i64::from(self.settings.max_checkpoint_count.max(1)) {
                self.check().await;
            }
        }
        self.check().await;
        for door in std::mem::take(&mut self.doors).into_values() {
            // Room is kept for it; a consumer that has gone does not care.
            let _ = door.replies.try_send(Err(Failure::Stopping.status()));
        }
    }

    fn begin(&self) -> Feed {
        let done = self.queue.seen().or(self.ledger.checkpoint);
        match done {
            Some(done) if self.key.is_all() => Feed::all(&self.service, done),
            None if self.key.is_all() => Feed::all(&self.service, self.settings.from),
            Some(done) => Feed::stream(&self.service, &self.key.stream, done + 1),
            None => Feed::stream(&self.service, &self.key.stream, self.settings.from),
        }
    }

    /// Whether to read on.
    fn hungry(&self) -> bool {
        let (retry, fresh) = self.queue.waiting();
        let buffer = usize::try_from(self.settings.history_buffer_size).unwrap_or(1);
        !self.closed
            && !self.paused
            && !self.doors.is_empty()
            && retry + fresh < buffer
            && self.queue.bytes() < BYTES_MAX
    }

    async fn take_in(&mut self, fed: Fed) -> Result<(), Failure> {
        let events = match fed {
            Fed::CaughtUp => {
                self.behind = false;
                return Ok(());
            }
            Fed::Events(events) => events,
        };
        let all = self.key.is_all();
        for shown in self.service.shown(events, self.settings.resolve_links).await? {
            let event = &shown.original;
            let place = if all { event.position } else { event.revision };
            let own = all && name::is_hidden(event.stream());
            let wanted = match &self.filter {
                _ if own => false,
                Some(filter) => filter.wants(event)?,
                None => true,
            };
            if wanted {
                self.queue.push(shown, place);
            } else {
                self.queue.pass(place, !own);
            }
        }
        Ok(())
    }

    /// Gives out what can be given out.
    fn send(&mut self) {
        let now = Instant::now();
        while let Some((consumer, item)) = self.queue.next(now) {
            let sent = self.doors.get(&consumer).is_some_and(|door| {
                let reply = event(&item, door.ids);
                // There is room for as many as it may have at once.
                door.replies.try_send(Ok(reply)).is_ok()
            });
            if !sent {
                self.leave(consumer);
            }
        }
    }

    fn leave(&mut self, consumer: u64) {
        self.doors.remove(&consumer);
        self.queue.disconnect(consumer);
    }

    async fn answer(&mut self, ask: Ask) -> Result<(), Failure> {
        let now = Instant::now();
        match ask {
            Ask::Join(joining, reply) => {
                let result = self.join(joining);
                if let Err(Ok(consumer)) = reply.send(result) {
                    self.leave(consumer);
                }
            }
            Ask::Leave(consumer) => self.leave(consumer),
            Ask::Ack(consumer, ids) => {
                for id in ids {
                    // Ids that the consumer does not have are nothing to us.
                    if let Some(item) = self.queue.answered(consumer, id, now) {
                        self.queue.settle(&item);
                    }
                }
                self.unpark().await?;
            }
            Ask::Nack(_, _, Action::Stop, _) => {}
            Ask::Nack(consumer, ids, action, reason) => {
                let items: Vec<Item> = ids
                    .into_iter()
                    .filter_map(|id| self.queue.answered(consumer, id, now))
                    .collect();
                match action {
                    Action::Park => self.park(items, &reason).await?,
                    Action::Skip => items.iter().for_each(|item| self.queue.settle(item)),
                    Action::Unknown | Action::Retry | Action::Stop => self.again(items).await?,
                }
                self.unpark().await?;
            }
            Ask::Info(reply) => drop(reply.send(self.info().await)),
            Ask::Replay(stop, reply) => drop(reply.send(self.replay(stop).await)),
            Ask::Truncate(stop, reply) => {
                let before = stop.unwrap_or(u64::MAX).min(self.ledger.parked.end);
                drop(reply.send(self.ledger.unpark_before(before).await));
            }
            Ask::Stop { .. } => {}
        }
        Ok(())
    }

    fn join(&mut self, joining: Joining) -> Result<u64, Failure> {
        let max = match usize::try_from(self.settings.max_subscriber_count) {
            Ok(0) | Err(_) => CONSUMERS_MAX,
            Ok(max) => max.min(CONSUMERS_MAX),
        };
        if self.doors.len() >= max {
            return Err(self.key.full());
        }
        self.next_consumer += 1;
        let consumer = self.next_consumer;
        let subscription_id = self.key.subscription();
        let confirmation = read_resp::SubscriptionConfirmation { subscription_id };
        let content = Some(read_resp::Content::SubscriptionConfirmation(confirmation));
        if joining.replies.try_send(Ok(ReadResp { content })).is_err() {
            return Err(Failure::Stopping);
        }
        self.queue.connect(consumer, joining.credit);
        let door = Door {
            ids: joining.ids,
            from: joining.from,
            name: joining.name,
            replies: joining.replies,
            _place: joining.place,
        };
        self.doors.insert(consumer, door);
        Ok(consumer)
    }

    /// Sends events again, or puts them aside when they were sent too often.
    async fn again(&mut self, items: Vec<Item>) -> Result<(), Failure> {
        let max = self.settings.max_retry_count;
        let (often, rest): (Vec<_>, Vec<_>) = items.into_iter().partition(|item| item.retries >= max);
        for item in rest {
            self.queue.again(item);
        }
        self.park(often, &format!("Reached retry count of {max}")).await
    }

    async fn park(&mut self, items: Vec<Item>, reason: &str) -> Result<(), Failure> {
        if items.is_empty() {
            return Ok(());
        }
        match self.ledger.park(&items, reason).await {
            Ok(()) => {
                items.iter().for_each(|item| self.queue.settle(item));
                Ok(())
            }
            Err(failure) => {
                items.into_iter().rev().for_each(|item| self.queue.put_back(item));
                Err(failure)
            }
        }
    }

    /// Takes up parked events before a revision of theirs. They stay parked until they are settled.
    async fn replay(&mut self, stop: Option<u64>) -> Result<(), Failure> {
        let stop = stop.unwrap_or(u64::MAX).min(self.ledger.parked.end);
        let mut next = self.ledger.parked.start;
        while next < stop {
            let page = self.ledger.parked_from(next, REPLAY_PAGE).await?;
            let Some(last) = page.last() else { break };
            next = last.revision + 1;
            for link in self.service.shown(page, true).await? {
                let revision = link.original.revision;
                if revision >= stop {
                    break;
                }
                if let Some(Some(event)) = link.target {
                    let mut shown = self.service.shown(vec![event], self.settings.resolve_links).await?;
                    if let Some(shown) = shown.pop() {
                        self.queue.replay(shown, revision);
                    }
                }
            }
        }
        self.unparked_to = self.unparked_to.max(stop);
        self.unpark().await
    }

    /// Forgets parked events that were tried again and are settled.
    async fn unpark(&mut self) -> Result<(), Failure> {
        let settled = self.queue.first_replayed().unwrap_or(u64::MAX).min(self.unparked_to);
        if settled > self.ledger.parked.start {
            self.ledger.unpark_before(settled).await?;
        }
        Ok(())
    }

    async fn tick(&mut self) -> Result<(), Failure> {
        self.paused = false;
        let gone: Vec<u64> = self
            .doors
            .iter()
            .filter(|(_, door)| door.replies.is_closed())
            .map(|(consumer, _)| *consumer)
            .collect();
        gone.into_iter().for_each(|consumer| self.leave(consumer));
        self.measure();
        let after = Duration::from_millis(self.settings.checkpoint_after_ms.unsigned_abs());
        let enough = self.queue.settled >= i64::from(self.settings.min_checkpoint_count.max(1));
        if enough && self.checked.elapsed() >= after {
            self.check().await;
        }
        let timeout = Duration::from_millis(self.settings.message_timeout_ms.unsigned_abs());
        // No timeout means that consumers may take for ever.
        if timeout > Duration::ZERO {
            let late = self.queue.overdue(timeout, Instant::now());
            self.again(late).await?;
            self.unpark().await?;
        }
        Ok(())
    }

    /// Notes how far everything is settled. When that fails it is tried again; what is not noted is sent again.
    async fn check(&mut self) {
        let Some(to) = self.queue.settled_to() else { return };
        let further = match self.ledger.checkpoint {
            Some(checkpoint) => to > checkpoint,
            None if self.key.is_all() => to > self.settings.from,
            None => to >= self.settings.from,
        };
        self.checked = Instant::now();
        self.queue.settled = 0;
        if further && let Err(failure) = self.ledger.check(to).await {
            self.queue.settled = 1;
            self.failed(&failure);
        }
    }

    /// What a failure means for the group.
    fn failed(&mut self, failure: &Failure) {
        self.feed = None;
        match failure {
            // There will be no more events; those that are here are still consumed.
            Failure::StreamDeleted(_) => self.closed = true,
            Failure::Invalid(reason) => {
                for door in std::mem::take(&mut self.doors).into_values() {
                    let _ = door.replies.try_send(Err(self.key.invalid(reason.as_str()).status()));
                }
                let consumers: Vec<u64> = self.queue.consumers().keys().copied().collect();
                consumers
                    .into_iter()
                    .for_each(|consumer| self.queue.disconnect(consumer));
            }
            other => {
                self.paused = true;
                let why = other.status();
                tracing::warn!(
                    failure = why.message(),
                    "a group of consumers could not go on; trying again"
                );
            }
        }
    }

    async fn stop(&mut self, forget: bool) -> Result<(), Failure> {
        let result = if forget {
            self.ledger.forget().await
        } else {
            self.check().await;
            Ok(())
        };
        for door in std::mem::take(&mut self.doors).into_values() {
            // Room is kept for it; a consumer that has gone does not care.
            let _ = door.replies.try_send(Err(self.key.dropped().status()));
        }
        result
    }
}

async fn next(feed: &mut Option<Feed>, limit: usize) -> Result<Fed, Failure> {
    match feed {
        Some(feed) => feed.next(limit).await,
        None => std::future::pending().await,
    }
}

fn event(item: &Item, ids: IdForm) -> ReadResp {
    let (event, link) = item.shown.wire(ids);
    let content = read_resp::Content::Event(read_resp::ReadEvent {
        event,
        link,
        position: Some(read_resp::read_event::Position::CommitPosition(
            item.shown.original.position,
        )),
        count: Some(read_resp::read_event::Count::RetryCount(item.retries)),
    });
    ReadResp { content: Some(content) }
}
