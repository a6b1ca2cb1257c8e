//! The newest events of a log, kept as this process committed them: whoever follows the present does not ask the
//! database. What is not here is read from there; nothing is lost when the tail is empty.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::record::RecordedEvent;

/// Events that are kept.
const EVENTS_MAX: usize = 8_192;
/// Bytes of events that are kept.
const BYTES_MAX: usize = 16 * 1024 * 1024;

/// See the module.
#[derive(Default)]
pub(super) struct Tail {
    ring: Mutex<Ring>,
}

#[derive(Default)]
struct Ring {
    /// Without gaps, so that a position says where it is.
    events: VecDeque<RecordedEvent>,
    bytes: usize,
}

impl Tail {
    fn lock(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets everything: memory is being read anew.
    pub(super) fn clear(&self) {
        *self.lock() = Ring::default();
    }

    /// Keeps events that are durable now.
    pub(super) fn push(&self, events: impl Iterator<Item = RecordedEvent>) {
        let mut ring = self.lock();
        for event in events {
            let follows = ring
                .events
                .back()
                .is_none_or(|last| last.position + 1 == event.position);
            if !follows {
                *ring = Ring::default();
            }
            ring.bytes += event.size();
            ring.events.push_back(event);
            while ring.events.len() > EVENTS_MAX || ring.bytes > BYTES_MAX {
                let Some(oldest) = ring.events.pop_front() else { break };
                ring.bytes -= oldest.size();
            }
        }
    }

    /// The events at these positions; `None` when they are not all here.
    pub(super) fn pick(&self, positions: &[u64]) -> Option<Vec<RecordedEvent>> {
        let ring = self.lock();
        let oldest = ring.events.front()?.position;
        let at = |position: &u64| usize::try_from(position.checked_sub(oldest)?).ok();
        positions
            .iter()
            .map(|position| ring.events.get(at(position)?).cloned())
            .collect()
    }

    /// The events from `first` to `last`, ended early by their bytes; `None` when they are not all here.
    pub(super) fn read(&self, first: u64, last: u64, bytes_max: usize) -> Option<Vec<RecordedEvent>> {
        let ring = self.lock();
        let oldest = ring.events.front()?.position;
        if first < oldest || last > ring.events.back()?.position {
            return None;
        }
        let at = |position: u64| usize::try_from(position - oldest).ok();
        let mut bytes = 0;
        let within = |event: &&RecordedEvent| {
            let room = bytes < bytes_max;
            bytes += event.size();
            room
        };
        let events = ring.events.range(at(first)?..=at(last)?);
        Some(events.take_while(within).cloned().collect())
    }
}
