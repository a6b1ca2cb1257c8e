//! The client's side: calls in flight, streams of commands, and how long they took.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio_stream::StreamExt;
use tonic::transport::Channel;
use waystation_api::v1;
use waystation_api::v1::execute_commands_request::Command;
use waystation_api::v1::execute_commands_response::Result as Outcome;
use waystation_tests::{Clients, check_in, order};

/// How long each rate is measured.
#[derive(Clone, Copy)]
pub(crate) struct For(pub(crate) Duration);

/// Calls per second, and the time of each.
pub(crate) struct Measured {
    pub(crate) rate: f64,
    micros: Vec<u64>,
}

impl Measured {
    pub(crate) fn calls(&self) -> usize {
        self.micros.len()
    }

    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        let at = (self.micros.len() * percent / 100).min(self.micros.len().saturating_sub(1));
        self.micros.get(at).map_or(f64::NAN, |micros| *micros as f64)
    }

    pub(crate) fn of(mut micros: Vec<u64>, took: Duration) -> Self {
        micros.sort_unstable();
        Self {
            rate: micros.len() as f64 / took.as_secs_f64(),
            micros,
        }
    }
}

/// Makes calls with so many in flight for a while; `call` gets the number of the call.
pub(crate) async fn in_flight<F: Future<Output = ()> + Send>(
    count: usize,
    For(time): For,
    call: impl Fn(u64) -> F + Clone + Send + Sync + 'static,
) -> Measured {
    let next = Arc::new(AtomicU64::new(0));
    let begun = Instant::now();
    let tasks: Vec<_> = (0..count)
        .map(|_| {
            let (next, call) = (Arc::clone(&next), call.clone());
            tokio::spawn(async move {
                let mut micros = Vec::new();
                while begun.elapsed() < time {
                    let before = Instant::now();
                    call(next.fetch_add(1, Ordering::Relaxed)).await;
                    micros.push(before.elapsed().as_micros() as u64);
                }
                micros
            })
        })
        .collect();
    let mut micros = Vec::new();
    for task in tasks {
        micros.extend(task.await.expect("does not panic"));
    }
    Measured::of(micros, begun.elapsed())
}

/// A pseudo-random walk over the cases.
pub(crate) fn pick(number: u64, of: u64) -> u64 {
    number
        .wrapping_add(1)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .rotate_left(29)
        % of
}

pub(crate) fn case_id(number: u64) -> String {
    format!("bench-{number:06}")
}

/// Commands of one kind through one stream, so many in flight; returns the last position.
pub(crate) async fn stream(clients: &Clients, commands: impl Iterator<Item = Command> + Send + 'static) -> (u64, i64) {
    let requests = commands.zip(0..).map(|(command, sequence)| v1::ExecuteCommandsRequest {
        sequence,
        command: Some(command),
    });
    let replies = clients
        .commands
        .clone()
        .execute_commands(tokio_stream::iter(requests))
        .await
        .expect("is served");
    let mut replies = replies.into_inner();
    let (mut count, mut last) = (0, 0);
    while let Some(reply) = replies.next().await {
        match reply.expect("is no error").result.expect("has a result") {
            Outcome::Receipt(receipt) => {
                count += 1;
                last = last.max(receipt.position);
            }
            Outcome::Error(error) => panic!("{}: {}", error.code, error.message),
        }
    }
    (count, last)
}

/// Brings cases `from..to` under agreement and gives each so many check-ins, in the order of days, not of cases.
pub(crate) async fn fill(channel: &Channel, from: u64, to: u64, check_ins: u64, on: &str) -> i64 {
    let worker = Clients::over(channel, "worker-1", "CASE_WORKER");
    let registered = (from..to).map({
        let on = on.to_owned();
        move |number| Command::RegisterOrder(order(&case_id(number), &on))
    });
    stream(&worker, registered).await;
    for step in 0..3 {
        let on = on.to_owned();
        let commands = (from..to).map(move |number| {
            let name = format!("cases/{}", case_id(number));
            let on = on.clone();
            match step {
                0 => Command::RecordService(v1::RecordServiceRequest {
                    name,
                    on,
                    ..Default::default()
                }),
                1 => Command::ReportIn(v1::ReportInRequest {
                    name,
                    on,
                    identity_checked: true,
                    ..Default::default()
                }),
                _ => Command::SignAgreement(v1::SignAgreementRequest {
                    name,
                    on,
                    agreement_no: "A".into(),
                    clauses: ["MEASURES", "RULES", "LIABILITY"].map(String::from).to_vec(),
                    ..Default::default()
                }),
            }
        });
        stream(&worker, commands).await;
    }
    check_all(channel, from, to, check_ins, on).await
}

/// So many check-ins for each of the cases.
pub(crate) async fn check_all(channel: &Channel, from: u64, to: u64, check_ins: u64, on: &str) -> i64 {
    let worker = Clients::over(channel, "worker-1", "CASE_WORKER");
    let on = on.to_owned();
    let commands = (0..check_ins * (to - from))
        .map(move |number| Command::RecordCheckIn(check_in(&case_id(from + number % (to - from)), &on)));
    stream(&worker, commands).await.1
}
