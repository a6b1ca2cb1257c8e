//! Which event goes to which consumer, and what has been settled. Nothing here waits, reads or writes.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use tokio::time::Instant;
use waystation_app::RecordedEvent;

use super::super::links::Shown;
use super::settings::Strategy;

/// Acknowledgement times that are remembered of each consumer.
const LATENCIES_MAX: usize = 1_000;
/// Events that are looked at for one whose consumer has room.
const LOOK_AHEAD_MAX: usize = 1_024;

/// Why an event is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// It is new: its revision in the stream, or its position in everything.
    Source(u64),
    /// It was parked and is to be tried again: its revision in the stream of parked events.
    Parked(u64),
}

/// An event on its way through the group.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) shown: Shown,
    pub(super) origin: Origin,
    pub(super) retries: i32,
}

impl Item {
    fn id(&self) -> [u8; 16] {
        self.shown.original.event_id
    }

    fn bytes(&self) -> usize {
        let size = |event: &RecordedEvent| event.header().len() + event.metadata().len() + event.data().len();
        size(&self.shown.original) + self.shown.target.iter().flatten().map(size).sum::<usize>()
    }
}

/// An event that a consumer has.
struct Held {
    item: Item,
    consumer: u64,
    since: Instant,
}

/// One who consumes.
pub(super) struct Consumer {
    pub(super) credit: usize,
    pub(super) in_flight: usize,
    pub(super) total: i64,
    pub(super) since_measured: i64,
    pub(super) per_second: i32,
    pub(super) latencies: VecDeque<Duration>,
}

/// See the module.
pub(super) struct Queue {
    strategy: Strategy,
    /// To be tried again; before anything new.
    retry: VecDeque<Item>,
    fresh: VecDeque<Item>,
    held: BTreeMap<u64, Held>,
    by_id: HashMap<(u64, [u8; 16]), VecDeque<u64>>,
    next_held: u64,
    /// In the order in which they connected.
    consumers: BTreeMap<u64, Consumer>,
    last_served: u64,
    /// Places of new events that are not settled.
    unsettled: BTreeSet<u64>,
    /// The same of parked events that are tried again.
    replayed: BTreeSet<u64>,
    bytes: usize,
    /// Place of the newest event that came in.
    seen: Option<u64>,
    /// New events settled since the last checkpoint.
    pub(super) settled: i64,
}

impl Queue {
    pub(super) fn new(strategy: Strategy) -> Self {
        Self {
            strategy,
            retry: VecDeque::new(),
            fresh: VecDeque::new(),
            held: BTreeMap::new(),
            by_id: HashMap::new(),
            next_held: 0,
            consumers: BTreeMap::new(),
            last_served: 0,
            unsettled: BTreeSet::new(),
            replayed: BTreeSet::new(),
            bytes: 0,
            seen: None,
            settled: 0,
        }
    }

    /// A new event, which is later than all before.
    pub(super) fn push(&mut self, shown: Shown, place: u64) {
        self.seen = Some(place);
        self.unsettled.insert(place);
        let item = Item {
            shown,
            origin: Origin::Source(place),
            retries: 0,
        };
        self.bytes += item.bytes();
        self.fresh.push_back(item);
    }

    /// A new event that the group does not want.
    pub(super) fn pass(&mut self, place: u64, counts: bool) {
        self.seen = Some(place);
        self.settled += i64::from(counts);
    }

    /// A parked event, to be tried again. False when it is already.
    pub(super) fn replay(&mut self, shown: Shown, revision: u64) -> bool {
        if !self.replayed.insert(revision) {
            return false;
        }
        let item = Item {
            shown,
            origin: Origin::Parked(revision),
            retries: 0,
        };
        self.bytes += item.bytes();
        self.retry.push_back(item);
        true
    }

    /// Somebody connects.
    pub(super) fn connect(&mut self, id: u64, credit: usize) {
        let consumer = Consumer {
            credit,
            in_flight: 0,
            total: 0,
            since_measured: 0,
            per_second: 0,
            latencies: VecDeque::new(),
        };
        self.consumers.insert(id, consumer);
    }

    /// Somebody is gone; what it had goes to others, as often tried as before.
    pub(super) fn disconnect(&mut self, id: u64) {
        self.consumers.remove(&id);
        let lost: Vec<u64> = self
            .held
            .iter()
            .filter(|(_, held)| held.consumer == id)
            .map(|(number, _)| *number)
            .collect();
        for number in lost.into_iter().rev() {
            if let Some(held) = self.take(number) {
                self.retry.push_front(held.item);
            }
        }
    }

    /// Those who consume.
    pub(super) fn consumers(&self) -> &BTreeMap<u64, Consumer> {
        &self.consumers
    }

    /// As [`Queue::consumers`].
    pub(super) fn consumers_mut(&mut self) -> impl Iterator<Item = &mut Consumer> {
        self.consumers.values_mut()
    }

    /// The next event to send and to whom; `None` when nobody who may get it has room.
    pub(super) fn next(&mut self, now: Instant) -> Option<(u64, Item)> {
        let from_retry = self.pick(&self.retry);
        let (retry, index, consumer) = match from_retry {
            Some((index, consumer)) => (true, index, consumer),
            None => {
                let (index, consumer) = self.pick(&self.fresh)?;
                (false, index, consumer)
            }
        };
        let queue = if retry { &mut self.retry } else { &mut self.fresh };
        let item = queue.remove(index)?;
        self.last_served = consumer;
        let entry = self.consumers.get_mut(&consumer)?;
        entry.in_flight += 1;
        entry.total += 1;
        entry.since_measured += 1;
        let number = self.next_held;
        self.next_held += 1;
        self.by_id.entry((consumer, item.id())).or_default().push_back(number);
        let sent = item.clone();
        self.held.insert(
            number,
            Held {
                item,
                consumer,
                since: now,
            },
        );
        Some((consumer, sent))
    }

    fn pick(&self, queue: &VecDeque<Item>) -> Option<(usize, u64)> {
        let has_room = |consumer: &Consumer| consumer.in_flight < consumer.credit;
        let with_room = |range: (std::ops::Bound<u64>, std::ops::Bound<u64>)| {
            let mut found = self.consumers.range(range).filter(|(_, consumer)| has_room(consumer));
            found.next().map(|(id, _)| *id)
        };
        use std::ops::Bound::{Excluded, Included, Unbounded};
        match self.strategy {
            _ if queue.is_empty() || !self.consumers.values().any(has_room) => None,
            Strategy::DispatchToSingle => Some((0, with_room((Unbounded, Unbounded))?)),
            Strategy::RoundRobin => {
                let after = with_room((Excluded(self.last_served), Unbounded));
                Some((0, after.or_else(|| with_room((Unbounded, Included(self.last_served))))?))
            }
            Strategy::Pinned | Strategy::PinnedByCorrelation => {
                // Later events of a stream must not overtake one that waits for its consumer.
                let mut waiting = HashSet::new();
                for (index, item) in queue.iter().take(LOOK_AHEAD_MAX).enumerate() {
                    let pin = self.pin(item);
                    let consumer = self.pinned(pin)?;
                    if !waiting.contains(&pin) && self.consumers.get(&consumer).is_some_and(has_room) {
                        return Some((index, consumer));
                    }
                    waiting.insert(pin);
                }
                None
            }
        }
    }

    fn pin(&self, item: &Item) -> u64 {
        let event = item.shown.event();
        let mut hasher = DefaultHasher::new();
        match correlation(event).filter(|_| self.strategy == Strategy::PinnedByCorrelation) {
            Some(correlation) => correlation.hash(&mut hasher),
            None => event.stream().hash(&mut hasher),
        }
        hasher.finish()
    }

    /// The consumer with the highest score for this pin: when others come or go, most pins stay where they are.
    fn pinned(&self, pin: u64) -> Option<u64> {
        self.consumers.keys().copied().max_by_key(|consumer| {
            let mut hasher = DefaultHasher::new();
            (pin, consumer).hash(&mut hasher);
            hasher.finish()
        })
    }

    /// Takes back what a consumer has under an id.
    pub(super) fn answered(&mut self, consumer: u64, id: [u8; 16], now: Instant) -> Option<Item> {
        let number = *self.by_id.get(&(consumer, id))?.front()?;
        let held = self.take(number)?;
        if let Some(consumer) = self.consumers.get_mut(&consumer) {
            if consumer.latencies.len() >= LATENCIES_MAX {
                consumer.latencies.pop_front();
            }
            consumer.latencies.push_back(now - held.since);
        }
        Some(held.item)
    }

    /// Takes back what has been out for too long.
    pub(super) fn overdue(&mut self, timeout: Duration, now: Instant) -> Vec<Item> {
        let late: Vec<u64> = self
            .held
            .iter()
            .filter(|(_, held)| now - held.since >= timeout)
            .map(|(number, _)| *number)
            .collect();
        late.into_iter()
            .filter_map(|number| Some(self.take(number)?.item))
            .collect()
    }

    fn take(&mut self, number: u64) -> Option<Held> {
        let held = self.held.remove(&number)?;
        let key = (held.consumer, held.item.id());
        if let Some(numbers) = self.by_id.get_mut(&key) {
            numbers.retain(|other| *other != number);
            if numbers.is_empty() {
                self.by_id.remove(&key);
            }
        }
        if let Some(consumer) = self.consumers.get_mut(&held.consumer) {
            consumer.in_flight -= 1;
        }
        Some(held)
    }

    /// To be tried again, after what already waits for that.
    pub(super) fn again(&mut self, mut item: Item) {
        item.retries = item.retries.saturating_add(1);
        self.retry.push_back(item);
    }

    /// As it was; nothing became of it.
    pub(super) fn put_back(&mut self, item: Item) {
        self.retry.push_front(item);
    }

    /// An event needs no more work.
    pub(super) fn settle(&mut self, item: &Item) {
        self.bytes -= item.bytes();
        match item.origin {
            Origin::Source(place) => {
                self.unsettled.remove(&place);
                self.settled += 1;
            }
            Origin::Parked(revision) => {
                self.replayed.remove(&revision);
            }
        }
    }

    /// The last place up to which everything new is settled, if that is beyond where the group began.
    pub(super) fn settled_to(&self) -> Option<u64> {
        match self.unsettled.first() {
            Some(first) => first.checked_sub(1),
            None => self.seen,
        }
    }

    /// First parked event that is being tried again and not settled.
    pub(super) fn first_replayed(&self) -> Option<u64> {
        self.replayed.first().copied()
    }

    /// Parked events that are being tried again.
    pub(super) fn replaying(&self) -> usize {
        self.replayed.len()
    }

    /// Events that wait to be sent, those to be tried again first.
    pub(super) fn waiting(&self) -> (usize, usize) {
        (self.retry.len(), self.fresh.len())
    }

    /// Events that consumers have.
    pub(super) fn in_flight(&self) -> usize {
        self.held.len()
    }

    /// Bytes of all events here.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Place of the newest event that came in.
    pub(super) fn seen(&self) -> Option<u64> {
        self.seen
    }
}

/// What an event's metadata says it belongs to.
fn correlation(event: &RecordedEvent) -> Option<String> {
    let metadata: serde_json::Value = serde_json::from_slice(event.metadata()).ok()?;
    metadata.get("$correlationId")?.as_str().map(str::to_owned)
}
