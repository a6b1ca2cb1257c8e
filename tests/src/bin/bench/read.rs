//! Reading everything: raw, as fast as the database gives it, and as a catch-up with contiguity and typed decode.

use std::time::Instant;

use futures::{Stream, StreamExt};
use sqlx::{Connection, Row};
use tokio::sync::mpsc;
use waystation_app::Clock;
use waystation_app::{LogName, Recorded, Store, StoreOptions, SystemClock};

/// Events per second of catch-ups and of plain reads, so often one after the other.
pub(crate) async fn in_turns(url: &str, rounds: usize) -> Vec<(f64, f64)> {
    let mut rates = Vec::new();
    for _ in 0..rounds {
        let (raw, events) = raw(url).await;
        rates.push((catch_up(url, events).await, raw));
    }
    rates
}

const ROWS: &str = "SELECT position, header, body, leaf FROM main_event ORDER BY position";
/// Positions of a page of [`pages`].
const PAGE: usize = 1_024;
/// Pages of it that are read before they are taken.
const PAGES_AHEAD: usize = 4;

/// Every event as fast as SQLite gives it: its position, and how many bytes it has.
fn sqlite(path: &str, mut each: impl FnMut(u64, usize)) {
    let connection = rusqlite::Connection::open(path).expect("opens");
    let mut statement = connection.prepare(ROWS).expect("prepares");
    let mut rows = statement.query([]).expect("queries");
    while let Some(row) = rows.next().expect("reads") {
        let length = |column| {
            row.get_ref(column)
                .expect("is there")
                .as_blob()
                .expect("is bytes")
                .len()
        };
        each(
            row.get::<_, i64>(0).expect("is a number") as u64,
            (1..4).map(length).sum(),
        );
    }
}

/// Every event as fast as PostgreSQL gives it: its position, and how many bytes it has.
fn postgres(connection: &mut sqlx::PgConnection) -> impl Stream<Item = (u64, usize)> {
    sqlx::query(ROWS).fetch(connection).map(|row| {
        let row = row.expect("reads");
        let bytes = (1..4).map(|column| row.get::<&[u8], _>(column).len()).sum();
        (row.get::<i64, _>(0) as u64, bytes)
    })
}

/// The positions of all events, a page after the other as the rows are read.
pub(crate) async fn pages(url: &str) -> mpsc::Receiver<Vec<u64>> {
    let (sender, pages) = mpsc::channel(PAGES_AHEAD);
    if let Some(path) = url.strip_prefix("sqlite:") {
        let path = path.to_owned();
        std::thread::spawn(move || {
            let mut page = Vec::with_capacity(PAGE);
            sqlite(&path, |position, _| {
                page.push(position);
                if page.len() == PAGE {
                    // Whoever takes no more is done with the process, too.
                    let _ = sender.blocking_send(std::mem::replace(&mut page, Vec::with_capacity(PAGE)));
                }
            });
            let _ = sender.blocking_send(page);
        });
    } else {
        let mut connection = sqlx::PgConnection::connect(url).await.expect("connects");
        tokio::spawn(async move {
            let positions = postgres(&mut connection).map(|(position, _)| position);
            let mut chunks = std::pin::pin!(positions.chunks(PAGE));
            while let Some(page) = chunks.next().await {
                if sender.send(page).await.is_err() {
                    return;
                }
            }
        });
    }
    pages
}

/// Events per second of the fastest plain read, and how many.
async fn raw(url: &str) -> (f64, u64) {
    let (mut count, mut bytes) = (0, 0);
    let mut tally = |_, length: usize| {
        count += 1;
        bytes += length;
    };
    let begun;
    if let Some(path) = url.strip_prefix("sqlite:") {
        begun = Instant::now();
        sqlite(path, tally);
    } else {
        let mut connection = sqlx::PgConnection::connect(url).await.expect("connects");
        begun = Instant::now();
        let mut rows = std::pin::pin!(postgres(&mut connection));
        while let Some((position, length)) = rows.next().await {
            tally(position, length);
        }
    }
    assert!(bytes > 0);
    (count as f64 / begun.elapsed().as_secs_f64(), count)
}

/// Events per second of a subscription from the beginning that decodes every event into its type.
async fn catch_up(url: &str, events: u64) -> f64 {
    let options = StoreOptions {
        keys: None,
        url: url.to_owned(),
        migrate: false,
        time: std::sync::Arc::new(|| SystemClock.now_us()),
    };
    let store = Store::open(options).await.expect("opens");
    let log = store.log(LogName::Main);
    let head = log.head().size;
    assert_eq!(head, events, "the plain read ended early");
    let mut subscription = log.subscribe(0);
    let begun = Instant::now();
    let mut ours = 0_u64;
    // One page is decoded while the next is read.
    let mut page = subscription.next(4_096).await.expect("reads");
    while subscription.position() < head {
        let decoding = tokio::task::spawn_blocking(move || decode(page));
        page = subscription.next(4_096).await.expect("reads");
        ours += decoding.await.expect("does not panic");
    }
    ours += decode(page);
    let rate = head as f64 / begun.elapsed().as_secs_f64();
    // A log begins with one event of the system's own.
    assert_eq!(ours + 1, head);
    store.close().await;
    rate
}

fn decode(page: Vec<waystation_app::RecordedEvent>) -> u64 {
    page.into_iter()
        .map(|event| u64::from(Recorded::decode(event).expect("decodes").is_some()))
        .sum()
}
