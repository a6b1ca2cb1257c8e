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
use crate::peer::Peer;
use crate::process::{Process, Spent};
use crate::run::{IN_FLIGHT, say};

/// How often each is measured.
const ROUNDS: usize = 5;
/// What a database still does after the views are saved must not slow the next floor; and a server that was asked how far
/// its views are, saves them more often for as long.
const PAUSE: Duration = Duration::from_secs(2);
/// Connections and plans that are made once are not what is measured.
const WARM_UP: For = For(Duration::from_millis(500));

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
        floor_rate(self.cleared(), count, time, on).await.0
    }
}

/// Calls that are only answered.
pub(crate) async fn echo(count: usize, time: For, on: &str) -> Measured {
    floor_rate("echo", count, time, on).await.0
}

/// What a floor can do, and who had the processors.
async fn floor_rate(what: &str, count: usize, time: For, on: &str) -> (Measured, String) {
    let process = Process::floor(what);
    let channel = process.connect().await;
    let on = on.to_owned();
    let call = move |number| {
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
    };
    in_flight(count, WARM_UP, call.clone()).await;
    let spent = Spent::from_now(process.id());
    let measured = in_flight(count, time, call).await;
    let spent = spent.each(measured.calls());
    (measured, spent)
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

/// So many check-ins through one stream; how many a second.
pub(crate) async fn streamed(channel: &Channel, count: u64, cases: u64, on: &str) -> f64 {
    let begun = Instant::now();
    let clients = Clients::over(channel, "worker-1", "CASE_WORKER");
    let day = on.to_owned();
    let commands = (0..count).map(move |number| Any::RecordCheckIn(check_in(&case_id(pick(number, cases)), &day)));
    let (count, _) = stream(&clients, commands).await;
    count as f64 / begun.elapsed().as_secs_f64()
}

/// What one round has measured, each beside what it is compared with.
#[derive(Debug, Default)]
pub(crate) struct Round {
    /// Calls a second that group into commits.
    pub(crate) grouped: f64,
    /// Commands a second of the library, if it is there to be compared with.
    pub(crate) peer: Option<f64>,
    /// Commands a second, a call each.
    pub(crate) unary: f64,
    /// The same through one stream.
    pub(crate) streamed: f64,
    /// Microseconds of a commit of one row, nothing else running.
    pub(crate) single: f64,
    /// Microseconds of a command, nothing else running.
    pub(crate) alone: f64,
}

/// The floors and the commands, again and again one after the other, in both orders.
pub(crate) async fn in_turns(
    channel: &Channel,
    floor: &Place,
    mut peer: Option<Peer>,
    (count, time, cases): (usize, For, u64),
    on: &str,
) -> Vec<Round> {
    unary(channel, count, For(Duration::from_secs(1)), cases, on).await;
    let mut rounds = Vec::new();
    for number in 0..ROUNDS {
        let mut round = Round::default();
        for of_floors in [number % 2 == 0, number % 2 == 1] {
            if of_floors {
                at_rest(channel).await;
                round.single = floor.grouped(1, For(time.0 / 2), on).await.percentile(50);
                round.grouped = floor.grouped(count, time, on).await.rate;
                round.peer = peer.as_mut().map(|peer| {
                    peer.rate(count, WARM_UP);
                    peer.rate(count, time)
                });
            } else {
                round.unary = unary(channel, count, time, cases, on).await.rate;
                let as_many = (round.unary * time.0.as_secs_f64() * 2.0) as u64;
                round.streamed = streamed(channel, as_many, cases, on).await;
                at_rest(channel).await;
                round.alone = unary(channel, 1, For(time.0 / 2), cases, on).await.percentile(50);
            }
        }
        say(&format!("round {number}: {round:.0?}"));
        rounds.push(round);
    }
    rounds
}

/// Every view, none of which has halted.
pub(crate) async fn views(channel: &Channel) -> Vec<v1::Projection> {
    let mut admin = Clients::over(channel, "inspector-1", "INSPECTOR").admin;
    let listed = admin.list_projections(v1::ListProjectionsRequest {}).await;
    let views = listed.expect("lists").into_inner().projections;
    for live in views.iter().filter_map(|view| view.live.as_ref()) {
        assert!(live.failure.is_empty(), "{}", live.failure);
    }
    views
}

/// Returns when every view is saved up to the end of the log, and a while later.
pub(crate) async fn at_rest(channel: &Channel) {
    let is_saved = |view: &v1::Projection| view.live.as_ref().expect("answers").position >= view.head;
    while !views(channel).await.iter().all(is_saved) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    tokio::time::sleep(PAUSE).await;
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
    unary(&channel, IN_FLIGHT, WARM_UP, cases, &on).await;
    at_rest(&channel).await;
    for _ in 0..ROUNDS {
        let spent = Spent::from_now(server.id());
        let measured = unary(&channel, IN_FLIGHT, time, cases, &on).await;
        println!("unary {}", spent.each(measured.calls()));
        at_rest(&channel).await;
        let (floor, spent) = floor_rate(place.cleared(), IN_FLIGHT, time, &on).await;
        println!("floor {spent}");
        let ratio = measured.rate / floor.rate;
        println!(
            "unary {:.0} commands/s, floor {:.0}, ratio {ratio:.2}",
            measured.rate, floor.rate
        );
    }
}
