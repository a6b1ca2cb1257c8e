//! The tour of the EventStoreDB protocol with the published Rust clients.
//!
//! `waystation-client-tour CLIENT URI`, where CLIENT is `kurrentdb` or `eventstore`. Writes RESTART to standard output
//! when the server is to be killed and started again, and reads a line when it is.
//!
//! `waystation-client-tour follow URI` writes the position of each event of everything, as it comes.

use std::io::BufRead;

macro_rules! client {
    ($module:ident, $crate_name:ident, $expectation:ident::$exactly:ident, $expect:ident) => {
        mod $module {
            use db::$expectation as Expected;
            use $crate_name as db;

            fn exactly(revision: u64) -> Expected {
                Expected::$exactly(revision)
            }

            fn appending(expected: Expected) -> db::AppendToStreamOptions {
                db::AppendToStreamOptions::default().$expect(expected)
            }

            fn soft_deleting(expected: Expected) -> db::DeleteStreamOptions {
                db::DeleteStreamOptions::default().$expect(expected)
            }

            fn closing(expected: Expected) -> db::TombstoneStreamOptions {
                db::TombstoneStreamOptions::default().$expect(expected)
            }

            include!("tour.rs");
        }
    };
}

client!(with_kurrentdb, kurrentdb, StreamState::StreamRevision, stream_state);
client!(with_eventstore, eventstore, ExpectedRevision::Exact, expected_revision);

/// Has the server killed and started again.
fn restart() {
    println!("RESTART");
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).expect("reads");
}

/// Ends when the server does.
async fn follow(uri: &str) {
    let settings = uri.parse().expect("is a connection string");
    let client = kurrentdb::Client::new(settings).expect("connects");
    let options = kurrentdb::SubscribeToAllOptions::default().position(kurrentdb::StreamPosition::Start);
    let mut subscription = client.subscribe_to_all(&options).await;
    let mut seen = std::collections::HashSet::new();
    while let Ok(found) = subscription.next().await {
        let event = found.get_original_event();
        assert!(seen.insert(event.id), "an event came twice");
        println!("{}", event.position.commit);
    }
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments[1].as_str() {
        "follow" => follow(&arguments[2]).await,
        "kurrentdb" => with_kurrentdb::tour(&arguments[2]).await,
        _ => with_eventstore::tour(&arguments[2]).await,
    }
    println!("DONE");
}
