//! Streams read the same, whether the index of streams knows their events already or memory does.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use waystation_storage::testing::{TestDatabase, on_both, to};
use waystation_storage::{Append, Direction, ExpectedRevision, Finding, Log, LogName, StorageError};

/// Events from one filling of SQLite's table of places to the next, as migration 10 says.
const STEP: u64 = 16_384;

/// The positions of each stream's events.
type Written = BTreeMap<String, Vec<u64>>;

/// So many events for a stream that has some.
fn events(stream: &str, before: u64, count: u64) -> Append {
    let expected = match before {
        0 => ExpectedRevision::NoStream,
        before => ExpectedRevision::Exact(before - 1),
    };
    to(stream, expected, &(0..count).collect::<Vec<_>>())
}

/// Appends so many events to a stream at once.
async fn add(log: &Log, written: &mut Written, stream: &str, count: u64) {
    let positions = written.entry(stream.to_owned()).or_default();
    let append = events(stream, positions.len() as u64, count);
    let appended = log.append(append).await.expect("fits");
    positions.extend(appended.first_position..=appended.last_position);
}

/// Appends to three streams, in turns of many lengths, until the log has a size.
async fn grow(log: &Log, written: &mut Written, size: u64) {
    let mut turn = 0;
    while log.head().size < size {
        turn += 1;
        let count = (turn * turn % 61 + 1).min(size - log.head().size);
        add(log, written, &format!("stream-{}", turn * turn % 5), count).await;
    }
}

/// Reads every stream in both directions, in pages of several sizes and from several places.
async fn agrees(log: &Log, written: &Written) {
    for (stream, positions) in written {
        let last = positions.len() as u64 - 1;
        assert_eq!(log.last_revision(stream).await.expect("asks"), Some(last));
        for limit in [70, 4_096] {
            // The places around which a page begins on one side and ends on the other.
            let newest = positions.partition_point(|position| *position <= log.head().size / STEP * STEP) as u64;
            for from in [0, newest.saturating_sub(50), newest, u64::MAX] {
                for direction in [Direction::Forwards, Direction::Backwards] {
                    let events = log.read_stream(stream, from, direction, limit).await.expect("reads");
                    let found: Vec<(u64, u64)> = events.iter().map(|event| (event.revision, event.position)).collect();
                    let all = (0..).zip(positions.iter().copied());
                    let expected: Vec<(u64, u64)> = match direction {
                        Direction::Forwards => all.skip_while(|(revision, _)| *revision < from).take(limit).collect(),
                        Direction::Backwards => {
                            let mut until: Vec<_> = all.take_while(|(revision, _)| *revision <= from).collect();
                            until.reverse();
                            until.truncate(limit);
                            until
                        }
                    };
                    assert!(
                        found == expected,
                        "{stream} from {from}, {direction:?}, at most {limit}"
                    );
                }
            }
        }
    }
}

async fn is_sound(log: &Log) -> bool {
    log.verify(|_, _| {}).await.expect("reads").findings.is_empty()
}

#[test]
fn a_stream_reads_the_same_before_and_after_its_index_is_filled() {
    on_both(|database| async move {
        let mut written = Written::new();
        // Just before a step; just after it, with an append across it; later, when memory has let go of what followed.
        for size in [STEP - 1, STEP + 40, 2 * STEP - 3_000, 2 * STEP + 1] {
            let store = database.open().await.expect("opens");
            let log = store.log(LogName::Main);
            agrees(log, &written).await;
            grow(log, &mut written, size.saturating_sub(30)).await;
            add(log, &mut written, "stream-1", size - log.head().size).await;
            agrees(log, &written).await;
            assert!(is_sound(log).await, "{}: at {size}", database.kind);
            store.close().await;
        }
        let store = database.open().await.expect("opens");
        // What a stream's last event is, is known after that, too.
        for stream in ["stream-0", "stream-1", "stream-new"] {
            add(store.log(LogName::Main), &mut written, stream, 2).await;
        }
        agrees(store.log(LogName::Main), &written).await;
    });
}

#[test]
fn an_append_as_large_as_a_step_is_found_again() {
    on_both(|database| async move {
        let store = database.open().await.expect("opens");
        let log = store.log(LogName::Main);
        let mut written = Written::new();
        add(log, &mut written, "stream-1", STEP - 1).await;
        add(log, &mut written, "stream-2", STEP).await;
        agrees(log, &written).await;
        assert!(is_sound(log).await);
    });
}

#[test]
fn an_index_of_streams_that_was_changed_is_found_out() {
    type IsExpected = fn(&Finding) -> bool;
    let attacks: [(&str, IsExpected); 5] = [
        (
            "UPDATE main_place SET position = (SELECT position FROM main_place WHERE stream = 2 AND revision = 5) \
             WHERE stream = 1 AND revision = 5",
            |finding| matches!(finding, Finding::Row { what, .. } if what.contains("index of streams")),
        ),
        (
            "DELETE FROM main_place WHERE stream = 1 AND revision = 5",
            |finding| matches!(finding, Finding::Tree { what } if what.contains("index of streams")),
        ),
        (
            "DELETE FROM main_place WHERE stream = 1 AND revision < 3",
            |finding| matches!(finding, Finding::Row { position: 1, what } if what.contains("index of streams")),
        ),
        (
            // Nothing tells a reader that there was more.
            "DELETE FROM main_place WHERE stream = 1 AND revision > 8180",
            |finding| matches!(finding, Finding::Row { position: 8182, what } if what.contains("index of streams")),
        ),
        (
            "INSERT INTO main_place (stream, revision, position) VALUES (1, 999999, 5)",
            |finding| matches!(finding, Finding::Tree { what } if what.contains("index of streams")),
        ),
    ];
    for (sql, is_expected) in attacks {
        // PostgreSQL's own index is not a table of ours.
        let database = TestDatabase::sqlite();
        let runtime = tokio::runtime::Runtime::new().expect("starts");
        runtime.block_on(async {
            let store = database.open().await.expect("opens");
            let log = store.log(LogName::Main);
            let mut written = Written::new();
            add(log, &mut written, "stream-1", STEP / 2).await;
            add(log, &mut written, "stream-2", STEP / 2).await;
            database.tamper("log", sql).await.expect("tampering works");
            let findings = log.verify(|_, _| {}).await.expect("reads").findings;
            assert!(findings.iter().any(is_expected), "{sql}: {findings:?}");
            let read = log.read_stream("stream-1", 0, Direction::Forwards, 10).await;
            match read {
                Ok(events) => assert!(
                    events.len() == 10 && (sql.starts_with("INSERT") || sql.contains("8180")),
                    "{sql}"
                ),
                Err(error) => assert!(matches!(error, StorageError::Corrupt { .. }), "{sql}: {error}"),
            }
        });
    }
}

#[test]
fn nothing_is_decided_on_an_index_that_misses_events() {
    let database = TestDatabase::sqlite();
    let runtime = tokio::runtime::Runtime::new().expect("starts");
    runtime.block_on(async {
        let store = database.open().await.expect("opens");
        add(store.log(LogName::Main), &mut Written::new(), "stream-1", STEP).await;
        let more = events("stream-1", STEP, 2);
        store.log(LogName::Main).append(more).await.expect("fits");
        store.close().await;
        let sql = "DELETE FROM main_place WHERE stream = 1 AND revision > 8180";
        database.tamper("log", sql).await.expect("tampering works");

        let store = database.open().await.expect("opens again");
        for _ in 0..2 {
            let refused = store.log(LogName::Main).append(events("stream-1", STEP + 2, 1)).await;
            assert!(
                matches!(&refused, Err(StorageError::Unavailable(why)) if why.contains("index of streams")),
                "{refused:?}"
            );
        }
        assert_eq!(store.log(LogName::Main).head().size, STEP + 2);
    });
}

#[test]
fn a_reader_during_a_filling_sees_appends_whole() {
    on_both(|database| async move {
        let store = database.open().await.expect("opens");
        let log = store.log(LogName::Main);
        let mut written = Written::new();
        grow(log, &mut written, STEP - 101).await;
        let done = Arc::new(AtomicBool::new(false));
        let reader = tokio::spawn({
            let (log, done) = (log.clone(), Arc::clone(&done));
            async move {
                let mut last = 0;
                while !done.load(Ordering::SeqCst) {
                    let events = log
                        .read_stream("pairs", 0, Direction::Forwards, 4_096)
                        .await
                        .expect("reads");
                    let revision = log.last_revision("pairs").await.expect("asks");
                    assert!(events.len() % 2 == 0, "half an append: {} events", events.len());
                    assert!(
                        revision.is_none_or(|revision| revision % 2 == 1),
                        "half an append: {revision:?}"
                    );
                    assert!(events.len() >= last, "{} events after {last}", events.len());
                    last = events.len();
                }
            }
        });
        // One of them lies on both sides of the step.
        for _ in 0..150 {
            add(log, &mut written, "pairs", 2).await;
            let read = log.last_revision("pairs").await.expect("asks");
            assert_eq!(
                read,
                Some(written["pairs"].len() as u64 - 1),
                "what was acknowledged is seen"
            );
        }
        done.store(true, Ordering::SeqCst);
        reader.await.expect("saw nothing wrong");
        assert!(log.head().size > STEP);
    });
}

#[test]
fn a_log_from_before_its_index_was_a_table_is_brought_along() {
    const BEFORE: &str =
        "CREATE UNIQUE INDEX main_event_stream ON main_event (stream, revision); DROP TABLE main_place;
        CREATE UNIQUE INDEX access_event_stream ON access_event (stream, revision); DROP TABLE access_place;
        DELETE FROM schema_migration WHERE number = 10";
    let runtime = tokio::runtime::Runtime::new().expect("starts");
    for size in [0, STEP - 1, STEP, STEP + 1] {
        let database = TestDatabase::sqlite();
        runtime.block_on(async {
            let mut written = Written::new();
            let store = database.open().await.expect("opens");
            grow(store.log(LogName::Main), &mut written, size).await;
            store.close().await;
            database.tamper("log", BEFORE).await.expect("is as it was");

            let store = database.open().await.expect("migrates");
            let log = store.log(LogName::Main);
            assert!(is_sound(log).await, "of {size}");
            agrees(log, &written).await;
            add(log, &mut written, "stream-1", 3).await;
            agrees(log, &written).await;
            assert!(is_sound(log).await, "of {size}, and more");
        });
    }
}
