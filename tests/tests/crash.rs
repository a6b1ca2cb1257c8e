//! kill -9 under load, again and again, and storage that fails, on both databases. A journal outside the server says what was acknowledged.
//!
//! `cargo xtask test --test crash -- --nocapture` prints the journal.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tonic::Code;
use tonic::transport::Channel;
use waystation_api::v1;
use waystation_storage::Direction;
use waystation_storage::LogName;
use waystation_storage::testing::{TestDatabase, on_both};
use waystation_tests::{Server, check_in, json, run, today};

const KILLS: usize = 10;
/// Times that storage fails.
const FAILURES: usize = 6;
/// Times that all connections to the database are cut, each of those times.
const CUTS: usize = 5;
/// Tenths of a second within which a disk is full.
const ENDS_WITHIN_TENTHS: usize = 200;
const ACKED_MIN: usize = 1_000;
const WORKERS: u64 = 16;
const CASES: u64 = 8;

/// What the outside world knows of a command.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Entry {
    /// Sent; no answer yet.
    Unknown,
    /// Answered, with the position of its last event.
    Acked(i64),
}

type Journal = Arc<Mutex<HashMap<u64, Entry>>>;

/// Command number `n`, always with the same request id, and a reason that is sealed.
fn command(number: u64, day: &str) -> v1::RecordCheckInRequest {
    v1::RecordCheckInRequest {
        request_id: uuid::Uuid::from_u64_pair(7, number + 1).to_string(),
        late_reason: format!("MARK-{number}"),
        ..check_in(&format!("c{}", number % CASES), day)
    }
}

/// What happens to the server.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Trouble {
    /// Killed.
    Kill,
    /// Its disk takes no more, or its connections to the database are cut, while commits are under way.
    Storage,
}

#[test]
fn what_was_acknowledged_survives_every_kill_once() {
    on_both(|database| survives(database, Trouble::Kill, KILLS));
}

#[test]
fn what_was_acknowledged_survives_failures_of_the_database_once() {
    // T-10
    on_both(|database| survives(database, Trouble::Storage, FAILURES));
}

async fn survives(database: TestDatabase, trouble: Trouble, rounds: usize) {
    let day = today();
    let mut server = Server::start(&database.url);
    let mut clients = server.clients("worker-1", "CASE_WORKER").await;
    for case in 0..CASES {
        clients
            .active_case(&format!("c{case}"), &day)
            .await
            .expect("becomes active");
    }
    let journal = Journal::default();
    let next = Arc::new(AtomicU64::new(0));
    let mut done = 0;
    while done < rounds || acked(&journal) < ACKED_MIN {
        if trouble == Trouble::Storage && database.kind == "sqlite" {
            server.kill();
            // Not a round number: files come to their end in all phases of a commit.
            server =
                Server::serve_on_a_bad_disk(&database.url, largest(&database) / 1_024 + 300 + 37 * (done as u64 % 7));
        }
        let channel = server.connect().await;
        let over = Arc::new(AtomicBool::new(false));
        let load: Vec<_> = (0..WORKERS)
            .map(|_| {
                tokio::spawn(work(
                    channel.clone(),
                    Arc::clone(&journal),
                    Arc::clone(&next),
                    day.clone(),
                    Arc::clone(&over),
                ))
            })
            .collect();
        // Kills land in all phases of a commit, too.
        tokio::time::sleep(Duration::from_millis(137 + 41 * (done as u64 % 7))).await;
        match trouble {
            Trouble::Kill => server.kill(),
            Trouble::Storage => fail(&database, &mut server).await,
        }
        done += 1;
        // A server that was only disturbed may have refused nobody.
        over.store(true, Ordering::Relaxed);
        for task in load {
            task.await.expect("does not panic");
        }
        if trouble == Trouble::Kill || database.kind == "sqlite" {
            server = Server::serve(&database.url);
        }
        ask_again(&server, &journal, &day).await;
    }
    server.kill();
    compare(&database, &journal, done).await;
    let verified = run(&["verify", "--database", &database.url, "--json"]);
    assert!(verified.status.success(), "views equal replay: {}", json(&verified));
}

/// Bytes of the largest file of a database.
fn largest(database: &TestDatabase) -> u64 {
    let path = database.path().expect("is a file");
    let directory = path.parent().expect("has one").read_dir().expect("is there");
    directory
        .map(|entry| entry.expect("is there").metadata().expect("has one").len())
        .max()
        .unwrap_or_default()
}

/// Lets storage fail. A disk that fails during a commit ends the server, which cannot know what the disk holds; a
/// database that cuts connections is asked again.
async fn fail(database: &TestDatabase, server: &mut Server) {
    if database.kind == "postgres" {
        for _ in 0..CUTS {
            let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                       WHERE datname = current_database() AND pid <> pg_backend_pid()";
            database.tamper("log", cut).await.expect("is done");
            tokio::time::sleep(Duration::from_millis(43)).await;
        }
        return;
    }
    for _ in 0..ENDS_WITHIN_TENTHS {
        if server.has_ended() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the disk took everything");
}

/// Records until it is refused, which a server in trouble does, or the trouble is over.
async fn work(channel: Channel, journal: Journal, next: Arc<AtomicU64>, day: String, over: Arc<AtomicBool>) {
    let mut clients = waystation_tests::Clients::over(&channel, "worker-1", "CASE_WORKER");
    while !over.load(Ordering::Relaxed) {
        let number = next.fetch_add(1, Ordering::Relaxed);
        journal.lock().expect("is whole").insert(number, Entry::Unknown);
        match clients.cases.record_check_in(command(number, &day)).await {
            Ok(receipt) => {
                let entry = Entry::Acked(receipt.into_inner().position);
                journal.lock().expect("is whole").insert(number, entry);
            }
            Err(_) => return,
        }
    }
}

/// Whoever got no answer asks again, as a client should; every second one does.
async fn ask_again(server: &Server, journal: &Journal, day: &str) {
    let mut clients = server.clients("worker-1", "CASE_WORKER").await;
    let unknown: Vec<u64> = {
        let journal = journal.lock().expect("is whole");
        let unknown = journal.iter().filter(|(_, entry)| **entry == Entry::Unknown);
        unknown.map(|(number, _)| *number).collect()
    };
    for number in unknown.into_iter().filter(|number| number % 2 == 0) {
        match clients.cases.record_check_in(command(number, day)).await {
            Ok(receipt) => {
                let entry = Entry::Acked(receipt.into_inner().position);
                journal.lock().expect("is whole").insert(number, entry);
            }
            Err(status) => assert_eq!(status.code(), Code::Unavailable, "{status:?}"),
        }
    }
}

/// Compares the journal with what is stored.
async fn compare(database: &TestDatabase, journal: &Journal, rounds: usize) {
    let store = database.open().await.expect("opens");
    let log = store.log(LogName::Main);
    let head = log.head().size;
    let mut stored: HashMap<u64, Vec<i64>> = HashMap::new();
    let (mut from, mut holes) = (1, 0);
    while from <= head {
        let page = log.read_all(from, Direction::Forwards, 4_096).await.expect("reads");
        for event in &page {
            holes += u64::from(event.position != from);
            from = event.position + 1;
            if event.event_type() != "case.check_in_recorded.v1" {
                continue;
            }
            // What the event says is sealed; which request caused it is in its header.
            let (mark, number) = uuid::Uuid::from_bytes(event.causation).as_u64_pair();
            assert_eq!(mark, 7, "is one of ours");
            let number = number - 1;
            stored.entry(number).or_default().push(event.position as i64);
        }
    }
    store.close().await;
    let journal = journal.lock().expect("is whole");
    let acked: Vec<_> = journal
        .iter()
        .filter_map(|(number, entry)| match entry {
            Entry::Acked(position) => Some((number, *position)),
            Entry::Unknown => None,
        })
        .collect();
    let lost = acked.iter().filter(|(number, _)| !stored.contains_key(number)).count();
    let duplicated = stored.values().filter(|positions| positions.len() > 1).count();
    // A receipt names the last event of its command; the check-in is that event or shortly before it.
    let moved = acked
        .iter()
        .filter(|(number, position)| {
            stored
                .get(number)
                .is_some_and(|found| !(0..=2).contains(&(position - found[0])))
        })
        .count();
    let strange = stored.keys().filter(|number| !journal.contains_key(number)).count();
    println!(
        "{}: rounds {rounds}, acked {}, lost {lost}, duplicated {duplicated}, unknown {}, holes {holes}, stored {}",
        database.kind,
        acked.len(),
        journal.len() - acked.len(),
        stored.len()
    );
    assert!(acked.len() >= ACKED_MIN);
    assert_eq!((lost, duplicated, holes, moved, strange), (0, 0, 0, 0, 0));
}

fn acked(journal: &Journal) -> usize {
    journal
        .lock()
        .expect("is whole")
        .values()
        .filter(|entry| matches!(entry, Entry::Acked(_)))
        .count()
}
