//! The chores of the protocol that are served: figures, and a new start for the groups of consumers.

use std::collections::HashMap;
use std::pin::Pin;
use std::time::Duration;

use futures::Stream;
use tonic::{Request, Response, Status};
use waystation_api::event_store::client as v1;
use waystation_api::event_store::client::monitoring::monitoring_server::Monitoring;
use waystation_api::event_store::client::monitoring::{StatsReq, StatsResp};
use waystation_api::event_store::client::operations::operations_server::Operations;

use super::failure::Failure;
use super::{EventStore, down};

/// Shortest and longest time between two sets of figures.
const REFRESH_MIN: Duration = Duration::from_millis(100);
const REFRESH_MAX: Duration = Duration::from_secs(24 * 60 * 60);

#[async_trait::async_trait]
impl Operations for EventStore {
    async fn restart_persistent_subscriptions(&self, _: Request<v1::Empty>) -> Result<Response<v1::Empty>, Status> {
        self.restart_groups().await?;
        Ok(Response::new(v1::Empty {}))
    }
}

#[async_trait::async_trait]
impl Monitoring for EventStore {
    type StatsStream = Pin<Box<dyn Stream<Item = Result<StatsResp, Status>> + Send>>;

    /// Figures at once, and again each time the period is over.
    async fn stats(&self, request: Request<StatsReq>) -> Result<Response<Self::StatsStream>, Status> {
        let period = Duration::from_millis(request.into_inner().refresh_time_period_in_ms);
        if !(REFRESH_MIN..=REFRESH_MAX).contains(&period) {
            let what = format!(
                "refresh_time_period_in_ms: expected {} to {}",
                REFRESH_MIN.as_millis(),
                REFRESH_MAX.as_millis()
            );
            return Err(Failure::Invalid(what).status());
        }
        let mut ticks = tokio::time::interval(period);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let service = self.clone();
        let figures = futures::stream::try_unfold((service, ticks), |(service, mut ticks)| async move {
            let mut stopped = service.stopped.clone();
            tokio::select! {
                _ = ticks.tick() => {}
                () = down(&mut stopped) => return Err(Failure::Stopping.status()),
            }
            let stats = service.figures().await;
            Ok(Some((StatsResp { stats }, (service, ticks))))
        });
        Ok(Response::new(Box::pin(figures)))
    }
}

impl EventStore {
    /// What this server can say of itself truthfully; the original's figures about its own machinery have no meaning
    /// here.
    async fn figures(&self) -> HashMap<String, String> {
        let text = |key: &str, value: &dyn ToString| (key.to_owned(), value.to_string());
        HashMap::from([
            text("proc-id", &std::process::id()),
            text("waystation-version", &env!("CARGO_PKG_VERSION")),
            text("waystation-log-position", &self.log.head().size),
            text("waystation-streams-in-memory", &self.streams.len()),
            text("waystation-consumer-groups", &self.groups.count().await),
        ])
    }
}
