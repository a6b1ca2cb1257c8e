//! The newest events, read once for everybody who waits for them: a thousand idle subscriptions cost one reader.
//!
//! The log keeps its newest events too, but knows no waiting by stream, which is what this is for.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use waystation_app::{Log, RecordedEvent};

/// Events that are kept.
const EVENTS_MAX: usize = 4_096;
/// Bytes of events that are kept.
const BYTES_MAX: usize = 16 * 1024 * 1024;
/// Events that are read at once.
const PAGE: usize = 256;
/// How long to wait after the log could not be read.
const RETRY: Duration = Duration::from_millis(500);
/// Registrations after which streams that nobody waits for are forgotten.
const SWEEP_EVERY: usize = 1_024;

/// What the tail has after a position.
pub(super) enum Taken {
    /// Events, possibly none of those asked for, and how far the tail was searched.
    Events(Vec<RecordedEvent>, u64),
    /// It no longer reaches back so far; read the log.
    Gone,
}

/// See the module.
pub(super) struct Tail {
    ring: Mutex<Ring>,
    position: watch::Sender<u64>,
    streams: Mutex<Waiting>,
}

#[derive(Default)]
struct Ring {
    events: VecDeque<RecordedEvent>,
    bytes: usize,
}

#[derive(Default)]
struct Waiting {
    streams: HashMap<String, watch::Sender<u64>>,
    registered: usize,
}

fn size(event: &RecordedEvent) -> usize {
    event.header().len() + event.metadata().len() + event.data().len()
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Tail {
    /// A tail of a log that ends here.
    pub(super) fn new(position: u64) -> Self {
        Self {
            ring: Mutex::default(),
            position: watch::Sender::new(position),
            streams: Mutex::default(),
        }
    }

    /// Follows the log until the server stops; `saw` hears of every event before anybody is given it.
    pub(super) async fn follow(&self, log: &Log, saw: impl Fn(&RecordedEvent), mut stopped: watch::Receiver<bool>) {
        let mut subscription = log.subscribe(self.position());
        loop {
            let page = tokio::select! {
                page = subscription.next(PAGE) => page,
                () = super::down(&mut stopped) => return,
            };
            match page {
                Ok(events) => {
                    events.iter().for_each(&saw);
                    self.add(events);
                }
                Err(error) => {
                    tracing::warn!(%error, "the log could not be read; trying again");
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
    }

    fn add(&self, events: Vec<RecordedEvent>) {
        let Some(last) = events.last().map(|event| event.position) else {
            return;
        };
        let mut touched: HashMap<String, u64> = HashMap::new();
        {
            let waiting = locked(&self.streams);
            if !waiting.streams.is_empty() {
                for event in &events {
                    if waiting.streams.contains_key(event.stream()) {
                        touched.insert(event.stream().to_owned(), event.position);
                    }
                }
            }
        }
        {
            let mut ring = locked(&self.ring);
            for event in events {
                ring.bytes += size(&event);
                ring.events.push_back(event);
            }
            while ring.events.len() > EVENTS_MAX || ring.bytes > BYTES_MAX {
                let Some(oldest) = ring.events.pop_front() else { break };
                ring.bytes -= size(&oldest);
            }
        }
        // Only now may anybody look.
        self.position.send_replace(last);
        let waiting = locked(&self.streams);
        for (stream, position) in touched {
            if let Some(signal) = waiting.streams.get(&stream) {
                signal.send_replace(position);
            }
        }
    }

    /// How far the tail has come.
    pub(super) fn position(&self) -> u64 {
        *self.position.borrow()
    }

    /// Notices every event.
    pub(super) fn watch_all(&self) -> watch::Receiver<u64> {
        self.position.subscribe()
    }

    /// Notices the events of one stream.
    pub(super) fn watch_stream(&self, stream: &str) -> watch::Receiver<u64> {
        let mut waiting = locked(&self.streams);
        waiting.registered += 1;
        if waiting.registered >= SWEEP_EVERY {
            waiting.registered = 0;
            waiting.streams.retain(|_, signal| signal.receiver_count() > 0);
        }
        match waiting.streams.get(stream) {
            Some(signal) => signal.subscribe(),
            None => {
                let (signal, receiver) = watch::channel(0);
                waiting.streams.insert(stream.to_owned(), signal);
                receiver
            }
        }
    }

    /// Up to `limit` events after a position, of one stream or of all.
    pub(super) fn after(&self, position: u64, stream: Option<&str>, limit: usize) -> Taken {
        let ring = locked(&self.ring);
        let end = self.position();
        if position >= end {
            return Taken::Events(Vec::new(), position);
        }
        let Some(first) = ring
            .events
            .front()
            .map(|event| event.position)
            .filter(|first| *first <= position + 1)
        else {
            return Taken::Gone;
        };
        let mut searched = position;
        let mut taken = Vec::new();
        for event in ring.events.range((position + 1 - first) as usize..) {
            if taken.len() >= limit {
                break;
            }
            searched = event.position;
            if stream.is_none_or(|stream| stream == event.stream()) {
                taken.push(event.clone());
            }
        }
        Taken::Events(taken, searched)
    }
}
