//! Catch-up subscriptions.

use futures::TryStreamExt;
use tokio::sync::watch;
use tonic::Status;
use waystation_api::event_store::client::streams::{ReadResp, read_resp};
use waystation_app::ids;

use super::failure::Failure;
use super::feed::{Fed, Feed};
use super::filter::Filter;
use super::name;
use super::read::{PAGE, Replies, Start, Visible, event, reply};
use super::wire::{self, IdForm};
use super::{EventStore, down};

/// A subscription under way. It ends only by a failure.
struct Subscriber {
    service: EventStore,
    feed: Feed,
    /// Of everything, not of a stream.
    all: Option<Considered>,
    resolve: bool,
    ids: IdForm,
    confirmed: bool,
    /// Revision of the last event that was sent.
    sent: Option<u64>,
    stopped: watch::Receiver<bool>,
}

/// How far a subscription to everything has come, and how far it has said that it has.
struct Considered {
    filter: Option<Filter>,
    position: u64,
    checkpoint: u64,
    since_checkpoint: u64,
}

impl EventStore {
    /// Subscribes to a stream; a revision is the last one that the client has.
    pub(super) async fn subscribe_stream(
        &self,
        name: &str,
        start: Start,
        form: (bool, IdForm),
    ) -> Result<Replies, Failure> {
        let visible = Visible::of(self, name).await?;
        let from = match start {
            Start::Beginning => 0,
            Start::At(revision) => revision.saturating_add(1),
            Start::End => visible.last.map_or(visible.lowest, |last| last + 1),
        };
        let feed = Feed::stream(self, name, from);
        Ok(self.subscribed(feed, None, form))
    }

    /// Subscribes to everything; a position is the last one that the client has.
    pub(super) fn subscribe_all(&self, filter: Option<Filter>, start: Start, form: (bool, IdForm)) -> Replies {
        let after = match start {
            Start::Beginning => 0,
            Start::At(position) => position,
            Start::End => self.log.head().size,
        };
        let considered = Considered {
            filter,
            position: after,
            checkpoint: after,
            since_checkpoint: 0,
        };
        self.subscribed(Feed::all(self, after), Some(considered), form)
    }

    fn subscribed(&self, feed: Feed, all: Option<Considered>, form: (bool, IdForm)) -> Replies {
        let (resolve, ids) = form;
        let subscriber = Subscriber {
            service: self.clone(),
            feed,
            all,
            resolve,
            ids,
            confirmed: false,
            sent: None,
            stopped: self.stopped.clone(),
        };
        let pages = futures::stream::try_unfold(subscriber, |mut subscriber| async move {
            let page = subscriber.next().await?;
            Ok::<_, Status>(Some((futures::stream::iter(page.into_iter().map(Ok)), subscriber)))
        });
        Box::pin(pages.try_flatten())
    }
}

impl Subscriber {
    async fn next(&mut self) -> Result<Vec<ReadResp>, Failure> {
        if !std::mem::replace(&mut self.confirmed, true) {
            let subscription_id = ids::random().to_string();
            let confirmation = read_resp::SubscriptionConfirmation { subscription_id };
            return Ok(vec![reply(read_resp::Content::Confirmation(confirmation))]);
        }
        let fed = tokio::select! {
            biased;
            () = down(&mut self.stopped) => return Err(Failure::Stopping),
            fed = self.feed.next(PAGE) => fed?,
        };
        let events = match fed {
            Fed::CaughtUp => return Ok(self.caught_up()),
            Fed::Events(events) => events,
        };
        let mut replies = Vec::with_capacity(events.len());
        let Some(all) = &mut self.all else {
            for shown in self.service.shown(events, self.resolve).await? {
                self.sent = Some(wire::revision(&shown.original));
                replies.push(event(&shown, self.ids));
            }
            return Ok(replies);
        };
        let mut wanted = Vec::with_capacity(events.len());
        let mut checkpoints = Vec::new();
        for event in events {
            all.position = event.position;
            if name::is_hidden(event.stream()) {
                continue;
            }
            all.since_checkpoint += 1;
            let wants = match &all.filter {
                Some(filter) => filter.wants(&event)?,
                None => true,
            };
            if wants {
                wanted.push(event);
            }
            if all
                .filter
                .as_ref()
                .is_some_and(|filter| all.since_checkpoint >= filter.interval)
            {
                checkpoints.push((wanted.len(), all.checkpoint(self.service.now_us())));
            }
        }
        let mut checkpoints = checkpoints.into_iter().peekable();
        for (number, shown) in self.service.shown(wanted, self.resolve).await?.iter().enumerate() {
            while let Some((_, checkpoint)) = checkpoints.next_if(|(after, _)| *after <= number) {
                replies.push(checkpoint);
            }
            replies.push(event(shown, self.ids));
        }
        replies.extend(checkpoints.map(|(_, checkpoint)| checkpoint));
        // A filter may have wanted none of many.
        tokio::task::yield_now().await;
        Ok(replies)
    }

    fn caught_up(&mut self) -> Vec<ReadResp> {
        let now_us = self.service.now_us();
        let mut replies = Vec::with_capacity(2);
        let mut position = None;
        if let Some(all) = &mut self.all {
            let here = all.position.min(self.service.log.head().size);
            position = (here > 0).then(|| wire::place(here));
            if all.filter.is_some() && all.position > all.checkpoint {
                replies.push(all.checkpoint(now_us));
            }
        }
        replies.push(reply(read_resp::Content::CaughtUp(read_resp::CaughtUp {
            timestamp: Some(wire::timestamp(now_us)),
            stream_revision: self.sent.and_then(|sent| i64::try_from(sent).ok()),
            position,
        })));
        replies
    }
}

impl Considered {
    fn checkpoint(&mut self, now_us: i64) -> ReadResp {
        self.since_checkpoint = 0;
        self.checkpoint = self.position;
        reply(read_resp::Content::Checkpoint(read_resp::Checkpoint {
            commit_position: self.position,
            prepare_position: self.position,
            timestamp: Some(wire::timestamp(now_us)),
        }))
    }
}
