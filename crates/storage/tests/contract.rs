//! What every log promises, on both databases.

use std::sync::Arc;

use waystation_storage::testing::{TestDatabase, event, on_both, to};
use waystation_storage::{
    Append, Appended, Direction, ExpectedRevision, Finding, LogName, NewEvent, Request, StorageError, Store,
};
use waystation_trust::{verify_consistency, verify_inclusion};

fn asked(id: u8, fingerprint: u8, append: Append) -> Append {
    Append {
        request: Some(Request {
            id: [id; 16],
            fingerprint: [fingerprint; 16],
        }),
        ..append
    }
}

async fn numbers(store: &Store) -> Vec<String> {
    let events = store
        .log(LogName::Main)
        .read_all(1, Direction::Forwards, 4096)
        .await
        .expect("reads");
    events
        .iter()
        .map(|event| String::from_utf8_lossy(event.data()).into_owned())
        .collect()
}

#[test]
fn expected_revisions_are_kept() {
    on_both(|database| async move {
        let store = database.open().await.expect("opens");
        let log = store.log(LogName::Main);
        use ExpectedRevision::{Any, Exact, NoStream, StreamExists};
        let cases: [(ExpectedRevision, bool, Option<u64>); 8] = [
            (StreamExists, false, None),
            (Exact(0), false, None),
            (NoStream, true, None),
            (NoStream, false, Some(0)),
            (Exact(1), false, Some(0)),
            (Exact(0), true, Some(0)),
            (StreamExists, true, Some(1)),
            (Any, true, Some(2)),
        ];
        for (number, (expected, fits, before)) in cases.into_iter().enumerate() {
            match log.append(to("case-1", expected, &[number as u64])).await {
                Ok(appended) => {
                    assert!(fits, "{expected:?} was accepted at {before:?}");
                    assert_eq!(appended.revision, before.map_or(0, |revision| revision + 1));
                }
                Err(StorageError::WrongExpectedRevision { actual, .. }) => {
                    assert!(!fits, "{expected:?} was refused at {before:?}");
                    assert_eq!(actual, before);
                }
                Err(other) => panic!("{other}"),
            }
        }
        assert_eq!(log.head().size, 4, "a refused append takes no position");
    });
}

#[test]
fn an_append_to_several_streams_happens_whole_or_not_at_all() {
    on_both(|database| async move {
        let store = database.open().await.expect("opens");
        let log = store.log(LogName::Main);
        let mut both = to("case-1", ExpectedRevision::NoStream, &[1, 2]);
        both.streams
            .extend(to("order-1", ExpectedRevision::NoStream, &[3]).streams);
        let appended = log.append(both.clone()).await.expect("fits");
        assert_eq!(
            (appended.first_position, appended.last_position, appended.revision),
            (1, 3, 1)
        );
        both.streams[0].stream = "case-2".into();
        let refused = log.append(both).await;
        assert!(matches!(refused, Err(StorageError::WrongExpectedRevision { stream, .. }) if stream == "order-1"));
        let case_2 = log
            .read_stream("case-2", 0, Direction::Forwards, 10)
            .await
            .expect("reads");
        assert!(case_2.is_empty(), "nothing of a refused append is there");
    });
}

#[test]
fn a_repeated_request_gets_the_first_answer_also_after_a_restart_and_a_clash_is_refused() {
    on_both(|database| async move {
        let store = database.open().await.expect("opens");
        let first = asked(7, 1, to("case-1", ExpectedRevision::NoStream, &[1, 2]));
        let appended = store.log(LogName::Main).append(first.clone()).await.expect("fits");
        let again = store
            .log(LogName::Main)
            .append(first.clone())
            .await
            .expect("is a repeat");
        assert_eq!(
            again,
            Appended {
                replayed: true,
                ..appended.clone()
            }
        );
        store.close().await;
        let store = database.open().await.expect("opens again");
        let log = store.log(LogName::Main);
        let again = log.append(first.clone()).await.expect("is a repeat from the log");
        assert_eq!(
            again,
            Appended {
                replayed: true,
                ..appended.clone()
            }
        );
        // An expectation that would fit must not let a repeat through either.
        let any = asked(7, 1, to("case-1", ExpectedRevision::Any, &[1, 2]));
        store.close().await;
        let store = database.open().await.expect("opens again");
        let again = store
            .log(LogName::Main)
            .append(any)
            .await
            .expect("is a repeat found by the database");
        assert_eq!(
            again,
            Appended {
                replayed: true,
                ..appended
            }
        );
        let clash = asked(7, 2, to("case-9", ExpectedRevision::Any, &[9]));
        assert!(matches!(
            store.log(LogName::Main).append(clash).await,
            Err(StorageError::RequestReused)
        ));
        assert_eq!(numbers(&store).await.len(), 2);
    });
}

#[test]
fn many_writers_at_once_leave_no_hole_and_readers_see_every_event_once_and_in_order() {
    on_both(|database| async move {
        let store = database.open().await.expect("opens");
        let log = store.log(LogName::Main).clone();
        let mut subscription = log.subscribe(0);
        let reader = tokio::spawn(async move {
            let mut seen = Vec::new();
            while seen.len() < 1_000 {
                let events = subscription.next(64).await.expect("reads");
                seen.extend(events.iter().map(|event| event.position));
            }
            seen
        });
        let log = Arc::new(log);
        let writers = (0..20_u64).map(|writer| {
            let log = Arc::clone(&log);
            tokio::spawn(async move {
                for number in 0..50 {
                    let stream = format!("case-{}", (writer + number) % 7);
                    log.append(to(&stream, ExpectedRevision::Any, &[writer * 50 + number]))
                        .await
                        .expect("fits");
                }
            })
        });
        for writer in writers.collect::<Vec<_>>() {
            writer.await.expect("does not panic");
        }
        assert_eq!(reader.await.expect("does not panic"), (1..=1_000).collect::<Vec<u64>>());
        let report = log.verify(|_, _| {}).await.expect("reads");
        assert_eq!((report.events, report.findings), (1_000, vec![]));
        assert_eq!(report.computed, log.head());
        let backwards = log.read_all(u64::MAX, Direction::Backwards, 3).await.expect("reads");
        assert_eq!(
            backwards.iter().map(|event| event.position).collect::<Vec<_>>(),
            [1_000, 999, 998]
        );
    });
}

#[test]
fn proofs_made_from_stored_tiles_hold_before_and_after_a_restart() {
    on_both(|database| async move {
        let store = database.open().await.expect("opens");
        let log = store.log(LogName::Main);
        let mut roots = vec![log.head()];
        for batch in 0..40_u64 {
            let batch: Vec<u64> = (batch * 17..batch * 17 + 17).collect();
            log.append(to("case-1", ExpectedRevision::Any, &batch))
                .await
                .expect("fits");
            roots.push(log.head());
        }
        store.close().await;
        let store = database.open().await.expect("opens again");
        let log = store.log(LogName::Main);
        let head = log.head();
        assert_eq!(Some(&head), roots.last(), "the tree continues where it stopped");
        for old in &roots {
            assert_eq!(log.root_at(old.size).await.expect("provable"), old.root);
            let proof = log.consistency_proof(old.size, head.size).await.expect("provable");
            assert!(
                verify_consistency(old.size, head.size, &proof, &old.root, &head.root),
                "from {}",
                old.size
            );
        }
        for position in [1, 2, 255, 256, 257, 511, 512, 600, 679, 680] {
            let event = log.event_at(position).await.expect("reads").expect("is there");
            let proof = log.inclusion_proof(position, head.size).await.expect("provable");
            let leaf = event.leaf().expect("is a hash");
            assert!(
                verify_inclusion(&leaf, position - 1, head.size, &proof, &head.root),
                "position {position}"
            );
        }
        assert!(matches!(
            log.inclusion_proof(681, 681).await,
            Err(StorageError::Invalid(_))
        ));
    });
}

#[test]
fn two_stores_on_one_postgres_never_fork_the_log() {
    let database = TestDatabase::postgres();
    let runtime = tokio::runtime::Runtime::new().expect("starts");
    runtime.block_on(async {
        let one = database.open().await.expect("opens");
        let other = database.open().await.expect("opens twice");
        for number in 0..20_u64 {
            let store = if number % 2 == 0 { &one } else { &other };
            let appended = store
                .log(LogName::Main)
                .append(to("case-1", ExpectedRevision::Any, &[number]))
                .await;
            assert_eq!(appended.expect("fits").last_position, number + 1);
        }
        // Neither has committed all of it; both read all of it.
        for store in [&one, &other] {
            store.log(LogName::Main).refresh_head().await.expect("asks");
            let expected: Vec<String> = (0..20).map(|number| format!("{{\"number\":{number}}}")).collect();
            assert_eq!(numbers(store).await, expected);
        }
        let report = one.log(LogName::Main).verify(|_, _| {}).await.expect("reads");
        assert_eq!((report.events, report.findings), (20, vec![]));
    });
}

async fn read(store: &Store, from: u64, limit: usize) -> Vec<(u64, Vec<u8>, Vec<u8>)> {
    let log = store.log(LogName::Main);
    let events = log.read_all(from, Direction::Forwards, limit).await.expect("reads");
    let bytes =
        |event: &waystation_storage::RecordedEvent| (event.position, event.header().to_vec(), event.data().to_vec());
    events.iter().map(bytes).collect()
}

#[test]
fn what_memory_gives_out_is_what_the_database_holds() {
    on_both(|database| async move {
        let store = database.open().await.expect("opens");
        for number in 0..300 {
            let append = to(&format!("case-{}", number % 7), ExpectedRevision::Any, &[number]);
            store.log(LogName::Main).append(append).await.expect("fits");
        }
        let (whole, middle) = (read(&store, 1, 4_096).await, read(&store, 100, 50).await);
        assert_eq!((whole.len(), &middle[..]), (300, &whole[99..149]));
        store.close().await;
        let again = database.open().await.expect("opens again");
        assert_eq!(read(&again, 1, 4_096).await, whole);
        // What is read now begins in the database and ends in memory.
        let more = to("case-0", ExpectedRevision::Any, &[300]);
        again.log(LogName::Main).append(more).await.expect("fits");
        let straddling = read(&again, 299, 10).await;
        assert_eq!((straddling.len(), &straddling[..2]), (3, &whole[298..]));
    });
}

#[test]
fn verify_names_the_place_of_one_changed_byte() {
    // SQL, then the finding it must lead to. SQLite and PostgreSQL spell a changed byte differently.
    type IsExpected = fn(&Finding) -> bool;
    let attacks: [(&str, IsExpected); 6] = [
        (
            "UPDATE main_event SET body = @body WHERE position = 123",
            |finding| matches!(finding, Finding::Row { position: 123, what } if what.contains("body")),
        ),
        (
            "UPDATE main_event SET header = @header WHERE position = 124",
            |finding| matches!(finding, Finding::Row { position: 124, .. }),
        ),
        (
            "UPDATE main_tile SET hashes = @hashes WHERE level = 0 AND number = 0",
            |finding| {
                matches!(
                    finding,
                    Finding::Tile {
                        level: 0,
                        number: 0,
                        ..
                    }
                )
            },
        ),
        (
            "UPDATE main_tree SET root = @root",
            |finding| matches!(finding, Finding::Tree { what } if what.contains("root")),
        ),
        (
            "DELETE FROM main_event WHERE position = 130",
            |finding| matches!(finding, Finding::Row { position: 130, what } if what.contains("missing")),
        ),
        (
            "DELETE FROM main_event WHERE position > 290",
            |finding| matches!(finding, Finding::Tree { what } if what.contains("size")),
        ),
    ];
    for (sql, is_expected) in attacks {
        on_both(|database| async move {
            let store = database.open().await.expect("opens");
            for batch in 0..3_u64 {
                let batch: Vec<u64> = (batch * 100..batch * 100 + 100).collect();
                store
                    .log(LogName::Main)
                    .append(to("case-1", ExpectedRevision::Any, &batch))
                    .await
                    .expect("fits");
            }
            let log = store.log(LogName::Main).clone();
            assert_eq!(log.verify(|_, _| {}).await.expect("reads").findings, vec![]);
            let mut sql = sql.to_owned();
            for column in ["body", "header", "hashes", "root"] {
                let changed = if database.kind == "sqlite" {
                    format!("CAST(substr({column}, 1, 8) || x'a5a5a5a5a5a5a5a5' || substr({column}, 17) AS BLOB)")
                } else {
                    format!("set_byte({column}, 20, (get_byte({column}, 20) + 1) % 256)")
                };
                sql = sql.replace(&format!("@{column}"), &changed);
            }
            database.tamper("log", &sql).await.expect("tampering works");
            let findings = log.verify(|_, _| {}).await.expect("reads").findings;
            assert!(
                findings.iter().any(is_expected),
                "{}: {sql}: {findings:?}",
                database.kind
            );
        });
    }
}

#[test]
fn what_breaks_a_bound_is_refused_and_writes_nothing() {
    on_both(|database| async move {
        let store = database.open().await.expect("opens");
        let log = store.log(LogName::Main);
        let mut big = to("case-1", ExpectedRevision::Any, &[1]);
        big.streams[0].events[0].data = vec![0; waystation_storage::EVENT_BYTES_MAX + 1].into();
        let long_name = "x".repeat(waystation_storage::STREAM_BYTES_MAX + 1);
        let bad = [
            to("", ExpectedRevision::Any, &[1]),
            to(&long_name, ExpectedRevision::Any, &[1]),
            to("case-1", ExpectedRevision::Any, &[]),
            to("case-1", ExpectedRevision::Any, &[5, 5]),
            big,
        ];
        for append in bad {
            assert!(matches!(log.append(append).await, Err(StorageError::Invalid(_))));
        }
        assert_eq!(log.head().size, 0);
    });
}

#[test]
fn a_sqlite_file_has_one_process_and_a_missing_or_newer_database_is_refused() {
    on_both(|database| async move {
        let options = |migrate| waystation_storage::StoreOptions {
            keys: None,
            url: database.url.clone(),
            migrate,
            time: Arc::new(|| 0),
        };
        assert!(
            Store::open(options(false)).await.is_err(),
            "a database without our schema is refused"
        );
        let store = database.open().await.expect("opens");
        if database.kind == "sqlite" {
            assert!(matches!(database.open().await, Err(StorageError::Unavailable(_))));
        }
        store.close().await;
        database
            .tamper("log", "INSERT INTO schema_migration (number) VALUES (999)")
            .await
            .expect("works");
        let newer = Store::open(options(true)).await;
        assert!(matches!(newer, Err(StorageError::Schema { found: 999, .. })));
    });
}

#[test]
fn the_position_of_a_time_is_the_last_event_recorded_by_then() {
    on_both(|database| async move {
        let store = database.open().await.expect("opens");
        let log = store.log(LogName::Main);
        for number in 0..9 {
            log.append(to("case-1", ExpectedRevision::Any, &[number]))
                .await
                .expect("fits");
        }
        let events = log.read_all(1, Direction::Forwards, 100).await.expect("reads");
        assert_eq!(log.position_at(events[0].recorded_us - 1).await.expect("reads"), 0);
        for event in &events {
            assert_eq!(log.position_at(event.recorded_us).await.expect("reads"), event.position);
        }
        assert_eq!(log.position_at(i64::MAX).await.expect("reads"), 9);
    });
}

#[test]
fn a_page_that_ends_by_its_bytes_is_no_hole() {
    const EVENTS: u64 = 3_500;
    on_both(|database| async move {
        let large = |number: u64| NewEvent {
            data: vec![b'x'; 3 * 1_024].into(),
            ..event(number)
        };
        let store = database.open().await.expect("opens");
        for numbers in (1..=EVENTS).collect::<Vec<_>>().chunks(500) {
            let mut append = to("bulk-1", ExpectedRevision::Any, &[]);
            append.streams[0].events = numbers.iter().copied().map(large).collect();
            store.log(LogName::Main).append(append).await.expect("fits");
        }
        store.close().await;
        // Opened anew, it has nothing in memory and asks the database.
        let store = database.open().await.expect("opens");
        let log = store.log(LogName::Main);
        let page = log.page_all(1, Direction::Forwards, 4_096).await.expect("is no hole");
        assert!(page.len() < 3_000, "8 MiB hold {} events of 3 KiB", page.len());
        let rest = log.page_all(page.len() as u64 + 1, Direction::Forwards, 4_096).await;
        assert_eq!((page.len() + rest.expect("reads").len()) as u64, EVENTS);
        let page = log
            .page_all(u64::MAX, Direction::Backwards, 4_096)
            .await
            .expect("is no hole");
        assert_eq!(
            page.last().map(|event| event.position),
            Some(EVENTS + 1 - page.len() as u64)
        );
        store.close().await;
    });
}
