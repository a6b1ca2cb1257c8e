//! What a group of consumers is to do, and how that is kept in the log.

use serde::{Deserialize, Serialize};
use waystation_api::event_store::client::persistent_subscriptions::create_req::settings::{
    CheckpointAfter, MessageTimeout,
};
use waystation_api::event_store::client::persistent_subscriptions::create_req::{self, ConsumerStrategy};
use waystation_api::event_store::client::{self as v1, filter};

use super::super::failure::Failure;
use super::super::filter::Filter;
use super::super::name::{self, GROUP_PREFIX};

/// Longest time that a setting may ask for, in milliseconds: a day.
const MILLIS_MAX: i64 = 24 * 60 * 60 * 1_000;
/// Largest number of events that a setting may ask for.
const COUNT_MAX: i32 = 100_000;
/// How an event source that is everything is called.
pub(in crate::eventstore) const ALL: &str = "$all";

/// A group, by what it reads and what it is called.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Key {
    /// Stream name, or [`ALL`].
    pub(super) stream: String,
    pub(super) group: String,
}

impl Key {
    /// Reads the names in a request; no stream means everything.
    pub(super) fn of(stream: Option<v1::StreamIdentifier>, group: String) -> Result<Self, Failure> {
        let stream = match stream {
            Some(stream) => name::of(Some(stream))?,
            None => ALL.to_owned(),
        };
        let key = Self { stream, group };
        if key.group.is_empty() {
            return Err(Failure::Invalid("group_name: expected one".into()));
        }
        name::check(&name::metadata_of(&key.checkpoints()))
            .map_err(|_| Failure::Invalid("group_name: too long, together with the stream's name".into()))?;
        Ok(key)
    }

    /// Whether the group reads everything.
    pub(super) fn is_all(&self) -> bool {
        self.stream == ALL
    }

    /// Names consumers' subscriptions; clients check it.
    pub(super) fn subscription(&self) -> String {
        format!("{}::{}", self.stream, self.group)
    }

    /// The stream of checkpoints.
    pub(super) fn checkpoints(&self) -> String {
        format!("{GROUP_PREFIX}{}-checkpoint", self.subscription())
    }

    /// The stream of parked events.
    pub(super) fn parked(&self) -> String {
        format!("{GROUP_PREFIX}{}-parked", self.subscription())
    }

    pub(super) fn missing(&self) -> Failure {
        Failure::GroupMissing {
            stream: self.stream.clone(),
            group: self.group.clone(),
        }
    }

    pub(super) fn exists(&self) -> Failure {
        Failure::GroupExists {
            stream: self.stream.clone(),
            group: self.group.clone(),
        }
    }

    pub(super) fn full(&self) -> Failure {
        Failure::GroupFull {
            stream: self.stream.clone(),
            group: self.group.clone(),
        }
    }

    pub(super) fn dropped(&self) -> Failure {
        Failure::Dropped {
            stream: self.stream.clone(),
            group: self.group.clone(),
        }
    }

    pub(super) fn invalid(&self, reason: impl Into<String>) -> Failure {
        Failure::GroupInvalid {
            stream: self.stream.clone(),
            group: self.group.clone(),
            reason: reason.into(),
        }
    }
}

/// Which consumer gets the next event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Strategy {
    /// The one that connected first, until it is full.
    DispatchToSingle,
    /// Each in turn.
    RoundRobin,
    /// Always the same for one stream.
    Pinned,
    /// Always the same for one `$correlationId`.
    PinnedByCorrelation,
}

impl Strategy {
    /// As the protocol spells it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Strategy::DispatchToSingle => "DispatchToSingle",
            Strategy::RoundRobin => "RoundRobin",
            Strategy::Pinned => "Pinned",
            Strategy::PinnedByCorrelation => "PinnedByCorrelation",
        }
    }

    fn read(settings: &create_req::Settings) -> Option<Self> {
        match settings.consumer_strategy.as_str() {
            "" => Some(match settings.named_consumer_strategy() {
                ConsumerStrategy::DispatchToSingle => Strategy::DispatchToSingle,
                ConsumerStrategy::RoundRobin => Strategy::RoundRobin,
                ConsumerStrategy::Pinned => Strategy::Pinned,
            }),
            text => [
                Strategy::DispatchToSingle,
                Strategy::RoundRobin,
                Strategy::Pinned,
                Strategy::PinnedByCorrelation,
            ]
            .into_iter()
            .find(|strategy| strategy.name() == text),
        }
    }
}

/// Where a group begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Begin {
    /// What comes after the group was made.
    End,
    /// From a revision or position on, which is included.
    At(u64),
}

/// A filter, as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Wanted {
    by_type: bool,
    regex: String,
    prefixes: Vec<String>,
}

impl Wanted {
    fn read(filter: v1::Filter) -> Option<Self> {
        let (by_type, expression) = match filter.filter? {
            filter::Filter::StreamIdentifier(expression) => (false, expression),
            filter::Filter::EventType(expression) => (true, expression),
        };
        Some(Self {
            by_type,
            regex: expression.regex,
            prefixes: expression.prefix,
        })
    }

    /// Makes it usable.
    pub(super) fn filter(&self) -> Result<Filter, Failure> {
        let expression = filter::Expression {
            regex: self.regex.clone(),
            prefix: self.prefixes.clone(),
        };
        let filter = if self.by_type {
            filter::Filter::EventType(expression)
        } else {
            filter::Filter::StreamIdentifier(expression)
        };
        Filter::read(v1::Filter {
            filter: Some(filter),
            window: None,
            checkpoint_interval_multiplier: 1,
        })
    }
}

/// See the module. Times are in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Settings {
    pub(super) begin: Begin,
    /// Where that was when the group was made: the first revision, or the position before the first.
    pub(super) from: u64,
    pub(super) filter: Option<Wanted>,
    pub(super) resolve_links: bool,
    pub(super) extra_statistics: bool,
    pub(super) message_timeout_ms: i64,
    pub(super) max_retry_count: i32,
    pub(super) checkpoint_after_ms: i64,
    pub(super) min_checkpoint_count: i32,
    pub(super) max_checkpoint_count: i32,
    /// 0 for any number.
    pub(super) max_subscriber_count: i32,
    pub(super) live_buffer_size: i32,
    pub(super) read_batch_size: i32,
    pub(super) history_buffer_size: i32,
    pub(super) strategy: Strategy,
}

impl Settings {
    /// Reads and checks what is asked for; `from` is filled in by whoever knows the log.
    pub(super) fn read(
        key: &Key,
        settings: &create_req::Settings,
        begin: Begin,
        filter: Option<v1::Filter>,
    ) -> Result<Self, Failure> {
        let strategy =
            Strategy::read(settings).ok_or_else(|| key.invalid("the consumer strategy is not one of the four"))?;
        let message_timeout_ms = match settings.message_timeout {
            Some(MessageTimeout::MessageTimeoutMs(ms)) => i64::from(ms),
            Some(MessageTimeout::MessageTimeoutTicks(ticks)) => ticks / 10_000,
            None => 0,
        };
        let checkpoint_after_ms = match settings.checkpoint_after {
            Some(CheckpointAfter::CheckpointAfterMs(ms)) => i64::from(ms),
            Some(CheckpointAfter::CheckpointAfterTicks(ticks)) => ticks / 10_000,
            None => 0,
        };
        for (field, ms) in [
            ("message_timeout", message_timeout_ms),
            ("checkpoint_after", checkpoint_after_ms),
        ] {
            if !(0..=MILLIS_MAX).contains(&ms) {
                return Err(key.invalid(format!("{field}: expected 0 to {MILLIS_MAX} ms")));
            }
        }
        for (field, least, count) in [
            ("max_retry_count", 0, settings.max_retry_count),
            ("min_checkpoint_count", 0, settings.min_checkpoint_count),
            ("max_checkpoint_count", 0, settings.max_checkpoint_count),
            ("max_subscriber_count", 0, settings.max_subscriber_count),
            ("live_buffer_size", 1, settings.live_buffer_size),
            ("read_batch_size", 1, settings.read_batch_size),
            ("history_buffer_size", 1, settings.history_buffer_size),
        ] {
            if !(least..=COUNT_MAX).contains(&count) {
                return Err(key.invalid(format!("{field}: expected {least} to {COUNT_MAX}")));
            }
        }
        if settings.read_batch_size >= settings.history_buffer_size {
            return Err(key.invalid("history_buffer_size: expected more than read_batch_size"));
        }
        let filter = match filter.map(Wanted::read) {
            None => None,
            Some(wanted) => {
                let wanted = wanted.ok_or_else(|| Failure::Invalid("filter: expected one".into()))?;
                wanted.filter()?;
                Some(wanted)
            }
        };
        Ok(Self {
            begin,
            from: 0,
            filter,
            resolve_links: settings.resolve_links,
            extra_statistics: settings.extra_statistics,
            message_timeout_ms,
            max_retry_count: settings.max_retry_count,
            checkpoint_after_ms,
            min_checkpoint_count: settings.min_checkpoint_count,
            max_checkpoint_count: settings.max_checkpoint_count,
            max_subscriber_count: settings.max_subscriber_count,
            live_buffer_size: settings.live_buffer_size,
            read_batch_size: settings.read_batch_size,
            history_buffer_size: settings.history_buffer_size,
            strategy,
        })
    }
}
