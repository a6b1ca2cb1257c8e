//! Reading everything: raw, as fast as the database gives it, and as a catch-up with contiguity and typed decode.

use std::time::Instant;

use sqlx::Row;
use tokio_stream::StreamExt;
use waystation_app::Clock;
use waystation_app::{LogName, Recorded, Store, StoreOptions, SystemClock};

/// Events per second of catch-ups and of plain reads, so often one after the other.
pub(crate) async fn in_turns(database: &'static str, url: &str, rounds: usize) -> Vec<(f64, f64)> {
    let mut rates = Vec::new();
    for _ in 0..rounds {
        let raw = raw(database, url).await;
        rates.push((catch_up(url).await, raw));
    }
    rates
}

/// Events per second of the fastest plain read.
async fn raw(database: &'static str, url: &str) -> f64 {
    let begun;
    let mut bytes = 0_usize;
    let mut count = 0_u64;
    if database == "postgres" {
        let pool = sqlx::postgres::PgPoolOptions::new()
            .max_connections(1)
            .connect(url)
            .await
            .expect("connects");
        begun = Instant::now();
        let mut rows =
            sqlx::query("SELECT position, header, body, leaf FROM main_event ORDER BY position").fetch(&pool);
        while let Some(row) = rows.next().await {
            let row = row.expect("reads");
            for column in 1..4 {
                bytes += row.get::<&[u8], _>(column).len();
            }
            count += 1;
        }
    } else {
        let path = url.trim_start_matches("sqlite:");
        let connection = rusqlite::Connection::open(path).expect("opens");
        begun = Instant::now();
        let sql = "SELECT position, header, body, leaf FROM main_event ORDER BY position";
        let mut statement = connection.prepare(sql).expect("prepares");
        let mut rows = statement.query([]).expect("queries");
        while let Some(row) = rows.next().expect("reads") {
            for column in 1..4 {
                bytes += row
                    .get_ref(column)
                    .expect("is there")
                    .as_blob()
                    .expect("is bytes")
                    .len();
            }
            count += 1;
        }
    }
    assert!(bytes > 0);
    count as f64 / begun.elapsed().as_secs_f64()
}

/// Events per second of a subscription from the beginning that decodes every event into its type.
async fn catch_up(url: &str) -> f64 {
    let options = StoreOptions {
        keys: None,
        url: url.to_owned(),
        migrate: false,
        time: std::sync::Arc::new(|| SystemClock.now_us()),
    };
    let store = Store::open(options).await.expect("opens");
    let log = store.log(LogName::Main);
    let head = log.head().size;
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
