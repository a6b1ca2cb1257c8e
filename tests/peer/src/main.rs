//! One command that appends one event to one of many aggregates, by `cqrs-es` with `postgres-es`, in process.
//!
//! `waystation-peer URL AGGREGATES EVENTS` makes a table `events` in a PostgreSQL database, with so many aggregates of so
//! many events, writes `ready`, and then for every line `SECONDS COMMANDS-AT-ONCE` on standard input the rate a second that it
//! measured. It ends with its input.
//!
//! Every command loads and folds the events of its aggregate, as the library does by default. Its stores of snapshots and
//! of aggregates load less; there events are no longer the one thing that is believed.

use std::collections::HashMap;
use std::io::BufRead;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cqrs_es::event_sink::EventSink;
use cqrs_es::{Aggregate, AggregateError, DomainEvent};
use postgres_es::{PostgresCqrs, postgres_cqrs};
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgPoolOptions;

/// The product and the floors have it, too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Connections of the pool: of 5, 10, 16, 32 and 64, the number with which the library was fastest.
const CONNECTIONS: u32 = 16;
/// What the events are copies of.
const TEMPLATE: &str = "template";

/// A check-in as Waystation records it; its metadata, too, are the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct CheckInRecorded {
    on: String,
    mode: String,
}

impl DomainEvent for CheckInRecorded {
    fn event_type(&self) -> String {
        "case.check_in_recorded".into()
    }

    fn event_version(&self) -> String {
        "1".into()
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Case {
    check_ins: u64,
    last: Option<String>,
}

#[derive(Debug)]
struct IsEarlier;

impl std::fmt::Display for IsEarlier {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("the check-in is earlier than the last")
    }
}

impl std::error::Error for IsEarlier {}

impl Aggregate for Case {
    const TYPE: &'static str = "case";
    type Command = CheckInRecorded;
    type Event = CheckInRecorded;
    type Error = IsEarlier;
    type Services = ();

    async fn handle(&mut self, check_in: CheckInRecorded, (): &(), sink: &EventSink<Self>) -> Result<(), IsEarlier> {
        if self.last.as_ref().is_some_and(|last| check_in.on < *last) {
            return Err(IsEarlier);
        }
        sink.write(check_in, self).await;
        Ok(())
    }

    fn apply(&mut self, check_in: CheckInRecorded) {
        self.check_ins += 1;
        self.last = Some(check_in.on);
    }
}

/// Records one check-in, again when another was faster.
async fn record(library: &PostgresCqrs<Case>, id: &str) {
    loop {
        let check_in = CheckInRecorded {
            on: "2026-11-24".into(),
            mode: "IN_PERSON".into(),
        };
        let metadata = [
            ("actor", "worker-1"),
            ("role", "CASE_WORKER"),
            ("station", "station-qinglongshan"),
            ("channel", "API"),
            ("command", "RecordCheckIn"),
            (
                "policy",
                "waystation/defaults/1 national/2011-06-26 calendar/2026 guiyang/qinglongshan/2020-01-01",
            ),
        ];
        let metadata = HashMap::from(metadata.map(|(key, value)| (key.to_owned(), value.to_owned())));
        match library.execute_with_metadata(id, check_in, metadata).await {
            Ok(()) => return,
            Err(AggregateError::AggregateConflict) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

/// The table of the library's documentation, full of copies of an event that the library wrote, in the order of the
/// benchmark's own history: all aggregates get their first, then all their second.
async fn fill(pool: &sqlx::PgPool, library: &PostgresCqrs<Case>, aggregates: i64, events: i64) {
    let tables = "CREATE TABLE events (
        aggregate_type text NOT NULL, aggregate_id text NOT NULL, sequence bigint NOT NULL CHECK (sequence >= 0),
        event_type text NOT NULL, event_version text NOT NULL, payload json NOT NULL, metadata json NOT NULL,
        PRIMARY KEY (aggregate_type, aggregate_id, sequence))";
    sqlx::query(tables).execute(pool).await.expect("creates");
    record(library, TEMPLATE).await;
    let copies = "INSERT INTO events
        SELECT aggregate_type, 'case-' || number, nth, event_type, event_version, payload, metadata
        FROM events, generate_series(0, $2 - 1) number, generate_series(1, $3) nth
        WHERE aggregate_id = $1 ORDER BY nth, number";
    let query = sqlx::query(copies).bind(TEMPLATE).bind(aggregates).bind(events);
    query.execute(pool).await.expect("copies");
    // Which would otherwise be done while the library is measured.
    let query = sqlx::query("VACUUM ANALYZE events");
    query.execute(pool).await.expect("vacuums");
}

/// The next aggregate on the same walk as the benchmark's, that goes on from one measurement to the next.
fn pick(aggregates: u64) -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    number.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29) % aggregates
}

/// Commands a second, with so many at once.
async fn rate(library: &Arc<PostgresCqrs<Case>>, aggregates: u64, time: Duration, at_once: usize) -> f64 {
    let (begun, done) = (Instant::now(), Arc::new(AtomicU64::new(0)));
    let callers: Vec<_> = (0..at_once)
        .map(|_| {
            let (library, done) = (library.clone(), done.clone());
            tokio::spawn(async move {
                while begun.elapsed() < time {
                    record(&library, &format!("case-{}", pick(aggregates))).await;
                    done.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.expect("does not panic");
    }
    done.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64()
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, aggregates, events] = &arguments[..] else {
        panic!("usage: waystation-peer URL AGGREGATES EVENTS");
    };
    let (aggregates, events): (i64, i64) = (aggregates.parse().expect("a number"), events.parse().expect("a number"));
    // As in the product: a connection is not asked whether it lives before every use.
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .test_before_acquire(false);
    let pool = pool.connect(url).await.expect("connects");
    let library = Arc::new(postgres_cqrs::<Case>(pool.clone(), Vec::new(), ()));
    fill(&pool, &library, aggregates, events).await;
    println!("ready");
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("reads");
        let (seconds, at_once) = line.split_once(' ').expect("SECONDS COMMANDS-AT-ONCE");
        let time = Duration::from_secs_f64(seconds.parse().expect("seconds"));
        let at_once = at_once.parse().expect("a number");
        println!("{}", rate(&library, aggregates as u64, time, at_once).await);
    }
}
