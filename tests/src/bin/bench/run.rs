//! All rows for one database, in the order that lets one fill serve many measurements.

use std::time::{Duration, Instant};

use sqlx::Connection;
use tonic::transport::Channel;
use waystation_api::v1;
use waystation_tests::{Clients, as_of, check_in, today};

use crate::commands::{Place, Round, at_rest, echo, in_turns, streamed, unary, views};
use crate::load::{For, Measured, case_id, check_all, fill, in_flight, pick};
use crate::peer::Peer;
use crate::process::Process;
use crate::report::Row;
use crate::{cost, eventstore, read};

/// Calls at once.
pub(crate) const IN_FLIGHT: usize = 64;
/// How often appends and commands take turns.
const APPEND_ROUNDS: u64 = 3;
/// How often pages of the past are read, of a small log and of a large one.
const PAGE_ROUNDS: usize = 5;
/// How often the log is read, raw and as a catch-up, and through a subscription.
const READ_ROUNDS: usize = 5;
/// Subscriptions that wait.
const IDLE: usize = 2_000;

/// How much to do.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    cases: u64,
    events_each: u64,
    log: u64,
    time: For,
}

impl Size {
    pub(crate) fn full() -> Self {
        Self {
            cases: 10_000,
            events_each: 50,
            log: 1_000_000,
            time: For(Duration::from_secs(8)),
        }
    }

    pub(crate) fn quick() -> Self {
        Self {
            cases: 1_000,
            events_each: 50,
            log: 100_000,
            time: For(Duration::from_secs(3)),
        }
    }
}

/// Median microseconds of a caseload page at random past positions.
async fn as_of_page(channel: &Channel, head: i64) -> f64 {
    let client = Clients::over(channel, "inspector-1", "INSPECTOR").cases;
    let measured = in_flight(1, For(Duration::from_secs(2)), move |number| {
        let mut client = client.clone();
        // From the last nine tenths: a page needs cases to show.
        let at = head / 10 + pick(number, (head * 9 / 10) as u64) as i64;
        let request = v1::ListCasesRequest {
            station: waystation_tests::STATION.into(),
            page_size: 50,
            read: as_of(at),
            ..Default::default()
        };
        async move {
            let page = client.list_cases(request).await.expect("lists").into_inner();
            assert_eq!(page.cases.len(), 50);
        }
    })
    .await;
    measured.percentile(50)
}

/// How long after its receipt a command is in the views, under load; microseconds.
async fn lag(channel: &Channel, time: For, on: &str) -> Measured {
    let client = Clients::over(channel, "worker-2", "CASE_WORKER").cases;
    let on = on.to_owned();
    in_flight(1, time, move |number| {
        let (mut client, on) = (client.clone(), on.clone());
        async move {
            let name = format!("cases/{}", case_id(number % 10));
            let receipt = client
                .record_check_in(check_in(&case_id(number % 10), &on))
                .await
                .expect("is recorded");
            let read = waystation_tests::after(&receipt.into_inner());
            let before = Instant::now();
            client
                .get_case(v1::GetCaseRequest {
                    name,
                    read,
                    reveal: false,
                })
                .await
                .expect("is there");
            LAGS.lock().expect("is whole").push(before.elapsed().as_micros() as u64);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    Measured::of(std::mem::take(&mut *LAGS.lock().expect("is whole")), time.0)
}

static LAGS: std::sync::Mutex<Vec<u64>> = std::sync::Mutex::new(Vec::new());

async fn rebuild(channel: &Channel, events: i64) -> f64 {
    let mut admin = Clients::over(channel, "inspector-1", "INSPECTOR").admin;
    let begun = Instant::now();
    let all = v1::RebuildProjectionRequest {
        name: "projections/-".into(),
    };
    admin.rebuild_projection(all).await.expect("begins");
    loop {
        tokio::time::sleep(Duration::from_millis(50)).await;
        if views(channel).await.iter().all(|view| view.building.is_none()) {
            return events as f64 / begun.elapsed().as_secs_f64();
        }
    }
}

/// Bytes of the log on disk, tables and indexes.
async fn log_bytes(database: &str, url: &str) -> f64 {
    if database == "postgres" {
        let mut connection = sqlx::PgConnection::connect(url).await.expect("connects");
        let sql = "SELECT sum(pg_total_relation_size(oid))::bigint FROM pg_class WHERE relname LIKE 'main\\_%' AND relkind = 'r'";
        return sqlx::query_scalar::<_, i64>(sql)
            .fetch_one(&mut connection)
            .await
            .expect("sums") as f64;
    }
    std::fs::metadata(url.trim_start_matches("sqlite:"))
        .expect("is there")
        .len() as f64
}

pub(crate) fn say(text: &str) {
    eprintln!("bench: {text}");
}

/// Where a run writes.
struct Databases {
    /// What is measured.
    url: String,
    /// The floors; and the library.
    floor: String,
    /// The log that stays small.
    small: String,
}

/// Databases of their own for the run.
async fn fresh(database: &str, postgres: &str, directory: &std::path::Path) -> Databases {
    if database == "sqlite" {
        let file = |name: &str| format!("sqlite:{}", directory.join(name).display());
        return Databases {
            url: file("bench.db"),
            floor: file("floor.db"),
            small: file("small.db"),
        };
    }
    let mut connection = sqlx::PgConnection::connect(postgres).await.expect("connects");
    for setting in ["fsync", "synchronous_commit"] {
        let sql = "SELECT setting FROM pg_settings WHERE name = $1";
        let value: String = sqlx::query_scalar(sql)
            .bind(setting)
            .fetch_one(&mut connection)
            .await
            .expect("asks");
        assert_eq!(value, "on", "{setting} must be on");
    }
    for statement in [
        "DROP DATABASE IF EXISTS waystation_bench WITH (FORCE)",
        "CREATE DATABASE waystation_bench TEMPLATE template0",
        "DROP DATABASE IF EXISTS waystation_bench_small WITH (FORCE)",
        "CREATE DATABASE waystation_bench_small TEMPLATE template0",
    ] {
        sqlx::query(statement)
            .execute(&mut connection)
            .await
            .expect("makes it anew");
    }
    let (base, _) = postgres.rsplit_once('/').expect("a database URL names a database");
    Databases {
        url: format!("{base}/waystation_bench"),
        floor: format!("{base}/waystation_bench"),
        small: format!("{base}/waystation_bench_small"),
    }
}

/// What filling left to the database would otherwise be done while commands are measured; the library does the same.
async fn vacuum(url: &str) {
    let mut connection = sqlx::PgConnection::connect(url).await.expect("connects");
    let vacuum = sqlx::query("VACUUM ANALYZE").execute(&mut connection).await;
    vacuum.expect("vacuums");
}

/// A server with a log of its own, of so many cases.
async fn served(url: &str, cases: u64, check_ins: u64, on: &str) -> (Process, Channel, i64) {
    assert!(waystation_tests::run(&["migrate", "--database", url]).status.success());
    let server = Process::waystation(url);
    let channel = server.connect().await;
    let head = fill(&channel, 0, cases, check_ins, on).await;
    (server, channel, head)
}

pub(crate) async fn run(database: &'static str, postgres: &str, peer: &str, size: Size) -> Vec<Row> {
    let directory = tempfile::tempdir().expect("a directory");
    let databases = fresh(database, postgres, directory.path()).await;
    let url = databases.url;
    let on = today();
    let mut rows = Vec::new();
    let row = |work: &str, value: f64, unit: &'static str| Row::new(database, work, value, unit);
    let of_rounds = |work: &str, unit, floor, rounds| Row::of_rounds(database, work, unit, floor, rounds);

    say(&format!("{database}: floors"));
    let floor = Place::new(databases.floor);
    let echoed = echo(IN_FLIGHT, size.time, &on).await;
    rows.push(row("floor: unary gRPC echo, 64 in flight", echoed.rate, "calls/s"));
    // With nothing beside it, to see what the floor taken in turns with the commands suffers from them.
    let quiet = floor.grouped(IN_FLIGHT, size.time, &on).await;
    let work = "floor: unary gRPC → group commit, 64 in flight, before all";
    rows.push(row(work, quiet.rate, "calls/s"));

    let tenth = size.cases / 5;
    say(&format!("{database}: filling {} events", tenth * size.events_each));
    // Registering to signing is 15 events of a case.
    let check_ins = size.events_each - 15;
    let (small_server, small, small_head) = served(&databases.small, tenth, check_ins, &on).await;
    say(&format!("{database}: filling {} events", size.cases * size.events_each));
    let (server, channel, _) = served(&url, size.cases, check_ins, &on).await;
    let memory_warm = server.memory();
    if database == "postgres" {
        at_rest(&channel).await;
        vacuum(&url).await;
        vacuum(&databases.small).await;
    }

    let library = (database == "postgres").then(|| {
        say("postgres: filling the library");
        Peer::filled(peer, &url, size.cases, size.events_each)
    });
    say(&format!("{database}: commands"));
    let cases = size.cases;
    let each = (IN_FLIGHT, size.time, cases);
    let rounds = in_turns(&channel, &floor, library, each, &on).await;
    let both = |value: fn(&Round) -> f64, floor: fn(&Round) -> f64| -> Vec<(f64, f64)> {
        rounds.iter().map(|round| (value(round), floor(round))).collect()
    };
    let bar = if database == "postgres" { 0.6 } else { 0.5 };
    let work = "one command, one event, 10,000 × 50 events, unary, 64 in flight";
    rows.push(
        of_rounds(
            work,
            "commands/s",
            "group commit",
            both(|round| round.unary, |round| round.grouped),
        )
        .at_least(bar),
    );
    if database == "postgres" {
        let work = "the same against cqrs-es with postgres-es, in process";
        let beside = both(|round| round.unary, |round| round.peer.expect("was measured"));
        rows.push(of_rounds(work, "commands/s", "library", beside).at_least(5.0));
    }
    let work = "the same through ExecuteCommands";
    rows.push(
        of_rounds(
            work,
            "commands/s",
            "unary",
            both(|round| round.streamed, |round| round.unary),
        )
        .at_least(2.0),
    );
    let work = "one command, nothing else running, p50";
    rows.push(
        of_rounds(
            work,
            "µs",
            "one-row commit",
            both(|round| round.alone, |round| round.single),
        )
        .at_most(2.0),
    );

    say(&format!("{database}: what privacy costs"));
    rows.extend(cost::commands(database, &channel, each, &on).await);
    rows.extend(cost::reads(database, &channel, each).await);

    say(&format!("{database}: lag under load"));
    let (load_channel, load_on) = (server.connect().await, on.clone());
    let load = tokio::spawn(async move { unary(&load_channel, IN_FLIGHT, size.time, cases, &load_on).await });
    let lagged = lag(&channel, size.time, &on).await;
    load.await.expect("does not panic");
    rows.push(
        row(
            "projection lag under that load, p99",
            lagged.percentile(99) / 1_000.0,
            "ms",
        )
        .at_most(250.0),
    );

    let head = check_all(&channel, 0, 1, 1, &on).await;
    let missing = (size.log as i64 - head).max(0) as u64;
    say(&format!("{database}: filling {} events", size.log));
    let head = check_all(&channel, 0, size.cases, missing / size.cases + 1, &on).await;
    at_rest(&channel).await;
    let mut pages = Vec::new();
    for _ in 0..PAGE_ROUNDS {
        let beside = as_of_page(&small, small_head).await;
        pages.push((as_of_page(&channel, head).await, beside));
    }
    drop(small_server);
    let work = format!("as-of page of the caseload, {head} events, p50");
    rows.push(of_rounds(&work, "µs", "small log", pages).at_most(1.3));

    say(&format!("{database}: rebuild"));
    let memory_full = server.memory();
    let rate = rebuild(&channel, head).await;
    rows.push(row("rebuild of all views, every version kept", rate, "events/s").at_least(30_000.0));
    rows.push(row("server memory after the first fill", memory_warm, "MiB"));
    rows.push(row("server memory after all commands", memory_full, "MiB"));
    rows.push(row("server memory after the rebuild", server.memory(), "MiB"));
    drop(server);

    say(&format!("{database}: reading"));
    // The first has to fetch the file, and memory for it.
    read::in_turns(&url, 1).await;
    let reads = read::in_turns(&url, READ_ROUNDS).await;
    let work = "catch-up read, contiguity checked, typed decode";
    rows.push(of_rounds(work, "events/s", "raw read", reads).at_least(0.6));
    let bytes = log_bytes(database, &url).await / head as f64;
    rows.push(
        row("bytes stored per event, header and tree included", bytes, "bytes")
            .floor("peers", 700.0)
            .at_most(1.3),
    );

    say(&format!("{database}: EventStoreDB clients"));
    let process = Process::floor("echo");
    let from_memory = eventstore::stream_floor(&process.connect().await, head as u64).await;
    drop(process);
    rows.push(row(
        "floor: such a stream of events from memory",
        from_memory,
        "events/s",
    ));
    let turns = eventstore::in_turns(&url, READ_ROUNDS).await;
    let turns = turns.into_iter().map(|(history, floor, _)| (history, floor)).collect();
    let work = "history of everything through a subscription";
    rows.push(of_rounds(work, "events/s", "raw read, streamed", turns).at_least(0.6));
    let server = Process::waystation(&url);
    let channel = server.connect().await;
    // Appends find their streams in memory, and commands their cases.
    eventstore::batch_append(&channel, 0, For(Duration::from_secs(2))).await;
    check_all(&channel, 0, size.cases, 1, &on).await;
    // About as long as the appends.
    let as_many = (rounds[0].streamed * size.time.0.as_secs_f64()) as u64;
    let mut appends = Vec::new();
    for round in 1..=APPEND_ROUNDS {
        at_rest(&channel).await;
        let appended = eventstore::batch_append(&channel, round << 40, size.time).await;
        at_rest(&channel).await;
        appends.push((appended, streamed(&channel, as_many, size.cases, &on).await));
    }
    let work = "appends through BatchAppend, one event each";
    rows.push(of_rounds(work, "appends/s", "ExecuteCommands", appends).at_least(1.0));
    let mut channels = Vec::new();
    for _ in 0..IDLE / 500 {
        channels.push(server.connect().await);
    }
    // What the views still have to pass over is not idleness.
    tokio::time::sleep(Duration::from_secs(5)).await;
    let quiet = eventstore::idle(&channels, 0, server.id()).await;
    rows.push(row("server, nobody subscribed, nothing to do", quiet, "ms CPU/s"));
    let idle = eventstore::idle(&channels, IDLE, server.id()).await;
    rows.push(row(&format!("server, {IDLE} idle subscriptions"), idle, "ms CPU/s"));
    drop(server);
    rows.extend(cost::records(database, &url, each).await);
    rows
}
