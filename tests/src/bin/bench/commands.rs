//! Commands against their floors, in turns: a machine that gets slower for a minute slows both.

use std::time::{Duration, Instant};

use tonic::client::Grpc;
use tonic::transport::Channel;
use tonic_prost::ProstCodec;
use waystation_api::v1;
use waystation_api::v1::execute_commands_request::Command as Any;
use waystation_tests::{Clients, check_in, today};

use crate::floor;
use crate::load::{For, Measured, case_id, fill, in_flight, pick, stream};
use crate::process::{Process, Spent};
use crate::run::{IN_FLIGHT, say};

/// How often each is measured; what counts is the median.
const ROUNDS: usize = 3;
/// What one round leaves behind (views that are still saved) must not slow the next one's floor.
const PAUSE: Duration = Duration::from_secs(3);

/// Where a floor may write.
pub(crate) struct Place(String);

impl Place {
    /// A database for floors: a PostgreSQL URL, or `sqlite:PATH` of a file that each floor makes anew.
    pub(crate) fn new(url: impl Into<String>) -> Self {
        Self(url.into())
    }

    fn cleared(&self) -> &str {
        if let Some(path) = self.0.strip_prefix("sqlite:") {
            for end in ["", "-wal", "-shm"] {
                let _ = std::fs::remove_file(format!("{path}{end}"));
            }
        }
        &self.0
    }

    /// Calls that group into commits, with so many in flight.
    pub(crate) async fn grouped(&self, count: usize, time: For, on: &str) -> Measured {
        floor_rate(self.cleared(), count, time, on).await
    }
}

/// Calls that are only answered.
pub(crate) async fn echo(count: usize, time: For, on: &str) -> Measured {
    floor_rate("echo", count, time, on).await
}

async fn floor_rate(what: &str, count: usize, time: For, on: &str) -> Measured {
    let process = Process::floor(what);
    let channel = process.connect().await;
    let on = on.to_owned();
    in_flight(count, time, move |number| {
        let (channel, request) = (channel.clone(), check_in(&case_id(pick(number, 10_000)), &on));
        async move {
            let mut grpc = Grpc::new(channel);
            grpc.ready().await.expect("is ready");
            let codec = ProstCodec::<v1::RecordCheckInRequest, v1::CommandReceipt>::default();
            let path = tonic::codegen::http::uri::PathAndQuery::from_static(floor::PATH);
            grpc.unary(tonic::Request::new(request), path, codec)
                .await
                .expect("answers");
        }
    })
    .await
}

/// Check-ins, one call each.
pub(crate) async fn unary(channel: &Channel, count: usize, time: For, cases: u64, on: &str) -> Measured {
    // One client, as the floor has: to clone those of all services for a call would be measured too.
    let client = Clients::over(channel, "worker-1", "CASE_WORKER").cases;
    let on = on.to_owned();
    in_flight(count, time, move |number| {
        let (mut client, request) = (client.clone(), check_in(&case_id(pick(number, cases)), &on));
        async move {
            client.record_check_in(request).await.expect("is recorded");
        }
    })
    .await
}

/// As many check-ins through one stream; how many a second.
async fn streamed(channel: &Channel, count: u64, cases: u64, on: &str) -> f64 {
    let begun = Instant::now();
    let clients = Clients::over(channel, "worker-1", "CASE_WORKER");
    let day = on.to_owned();
    let commands = (0..count).map(move |number| Any::RecordCheckIn(check_in(&case_id(pick(number, cases)), &day)));
    let (count, _) = stream(&clients, commands).await;
    count as f64 / begun.elapsed().as_secs_f64()
}

/// Medians of what was measured in turns, calls or commands a second.
pub(crate) struct Rates {
    pub(crate) grouped: f64,
    pub(crate) unary: f64,
    pub(crate) streamed: f64,
}

/// The floor, single calls and a stream, again and again one after the other.
pub(crate) async fn in_turns(
    channel: &Channel,
    floor: &Place,
    (count, time, cases): (usize, For, u64),
    on: &str,
) -> Rates {
    unary(channel, count, For(Duration::from_secs(1)), cases, on).await;
    let (mut floors, mut calls, mut streams) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        tokio::time::sleep(PAUSE).await;
        floors.push(floor.grouped(count, time, on).await.rate);
        let called = unary(channel, count, time, cases, on).await.rate;
        calls.push(called);
        let as_long = (called * time.0.as_secs_f64() * 2.0) as u64;
        streams.push(streamed(channel, as_long, cases, on).await);
    }
    say(&format!(
        "floors {floors:.0?}, calls {calls:.0?}, streams {streams:.0?}"
    ));
    Rates {
        grouped: median(floors),
        unary: median(calls),
        streamed: median(streams),
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// For whoever works on commands: the unary rate against its floor, long enough to look at, on a log that begins with so
/// many cases of so many check-ins.
pub(crate) async fn load(url: &str, cases: u64, check_ins: u64) {
    assert!(waystation_tests::run(&["migrate", "--database", url]).status.success());
    let on = today();
    let server = Process::waystation(url);
    println!("server {}", server.id());
    let channel = server.connect().await;
    fill(&channel, 0, cases, check_ins, &on).await;
    let place = Place::new(match url.strip_prefix("sqlite:") {
        Some(path) => format!("sqlite:{path}-floor"),
        None => url.to_owned(),
    });
    let time = For(Duration::from_secs(8));
    for _ in 0..ROUNDS {
        let spent = Spent::from_now(server.id());
        let measured = unary(&channel, IN_FLIGHT, time, cases, &on).await;
        println!("{}", spent.each(measured.calls()));
        tokio::time::sleep(PAUSE).await;
        let floor = place.grouped(IN_FLIGHT, time, &on).await;
        let ratio = measured.rate / floor.rate;
        println!(
            "unary {:.0} commands/s, floor {:.0}, ratio {ratio:.2}",
            measured.rate, floor.rate
        );
    }
}
