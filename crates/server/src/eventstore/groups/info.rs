//! What a group says about itself.

use std::time::Duration;

use tokio::time::Instant;
use waystation_api::event_store::client::persistent_subscriptions::SubscriptionInfo;
use waystation_api::event_store::client::persistent_subscriptions::subscription_info::{ConnectionInfo, Measurement};

use super::super::failure::Failure;
use super::group::Group;
use super::ledger::place;
use super::queue::Consumer;
use super::settings::Begin;

fn count(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

impl Group {
    /// Counts events per second since it was last done.
    pub(super) fn measure(&mut self) {
        let elapsed = self.measured.elapsed().as_secs_f64().max(0.001);
        self.measured = Instant::now();
        for consumer in self.queue.consumers_mut() {
            consumer.per_second = (consumer.since_measured as f64 / elapsed).round() as i32;
            consumer.since_measured = 0;
        }
    }

    pub(super) async fn info(&self) -> Result<SubscriptionInfo, Failure> {
        let all = self.key.is_all();
        let last_known = if all {
            Some(self.service.log.head().size)
        } else {
            self.service.log.last_revision(&self.key.stream).await?
        };
        let (retry, fresh) = self.queue.waiting();
        let consumers = || self.queue.consumers().values();
        let settings = &self.settings;
        let begin = match settings.begin {
            Begin::End if all => "C:-1/P:-1".to_owned(),
            Begin::End => "-1".to_owned(),
            Begin::At(at) => place(all, at),
        };
        let connections = self.doors.iter().filter_map(|(id, door)| {
            let consumer = self.queue.consumers().get(id)?;
            Some(ConnectionInfo {
                from: door.from.clone(),
                username: String::new(),
                average_items_per_second: consumer.per_second,
                total_items: consumer.total,
                count_since_last_measurement: consumer.since_measured,
                observed_measurements: match settings.extra_statistics {
                    true => measurements(consumer),
                    false => Vec::new(),
                },
                available_slots: count(consumer.credit.saturating_sub(consumer.in_flight)),
                in_flight_messages: count(consumer.in_flight),
                connection_name: door.name.clone(),
            })
        });
        let parked = self.ledger.parked.end - self.ledger.parked.start;
        Ok(SubscriptionInfo {
            event_source: self.key.stream.clone(),
            group_name: self.key.group.clone(),
            status: if self.behind { "Behind" } else { "Live" }.to_owned(),
            connections: connections.collect(),
            average_per_second: consumers().map(|consumer| consumer.per_second).sum(),
            total_items: consumers().map(|consumer| consumer.total).sum(),
            count_since_last_measurement: consumers().map(|consumer| consumer.since_measured).sum(),
            last_checkpointed_event_position: self.ledger.checkpoint.map(|at| place(all, at)).unwrap_or_default(),
            last_known_event_position: last_known.map(|at| place(all, at)).unwrap_or_default(),
            resolve_link_tos: settings.resolve_links,
            start_from: begin,
            message_timeout_milliseconds: i32::try_from(settings.message_timeout_ms).unwrap_or(i32::MAX),
            extra_statistics: settings.extra_statistics,
            max_retry_count: settings.max_retry_count,
            live_buffer_size: settings.live_buffer_size,
            buffer_size: settings.history_buffer_size,
            read_batch_size: settings.read_batch_size,
            check_point_after_milliseconds: i32::try_from(settings.checkpoint_after_ms).unwrap_or(i32::MAX),
            min_check_point_count: settings.min_checkpoint_count,
            max_check_point_count: settings.max_checkpoint_count,
            read_buffer_count: count(fresh),
            live_buffer_count: 0,
            retry_buffer_count: count(retry),
            total_in_flight_messages: count(self.queue.in_flight()),
            outstanding_messages_count: count(self.queue.in_flight()),
            named_consumer_strategy: settings.strategy.name().to_owned(),
            max_subscriber_count: settings.max_subscriber_count,
            parked_message_count: i64::try_from(parked).unwrap_or(i64::MAX) - self.queue.replaying() as i64,
        })
    }
}

/// Milliseconds from an event to its acknowledgement, by the names that the protocol gives to quantiles.
fn measurements(consumer: &Consumer) -> Vec<Measurement> {
    let mut sorted: Vec<Duration> = consumer.latencies.iter().copied().collect();
    sorted.sort_unstable();
    let millis = |latency: Duration| i64::try_from(latency.as_millis()).unwrap_or(i64::MAX);
    let at = |share: f64| {
        let index = (share * sorted.len() as f64).ceil() as usize;
        sorted
            .get(index.saturating_sub(1).min(sorted.len().saturating_sub(1)))
            .copied()
    };
    let mean = sorted.iter().sum::<Duration>() / u32::try_from(sorted.len().max(1)).unwrap_or(u32::MAX);
    let named = [
        ("Mean", Some(mean)),
        ("Median", at(0.5)),
        ("Fastest", sorted.first().copied()),
        ("Quintile 1", at(0.2)),
        ("Quintile 2", at(0.4)),
        ("Quintile 3", at(0.6)),
        ("Quintile 4", at(0.8)),
        ("Quintile 5", at(1.0)),
        ("90%", at(0.9)),
        ("95%", at(0.95)),
        ("99%", at(0.99)),
        ("99.5%", at(0.995)),
        ("99.9%", at(0.999)),
        ("Highest", sorted.last().copied()),
    ];
    named
        .into_iter()
        .map(|(key, value)| Measurement {
            key: key.to_owned(),
            value: millis(value.unwrap_or_default()),
        })
        .collect()
}
