//! `cargo xtask bench`: how fast, as ratios against floors taken in the same run on the same machine.
//!
//! Everything goes through real gRPC on loopback; this process is the client, the servers are processes of their own:
//! the `waystation` binary, and this binary again as the floor (`bench floor …`): a bare gRPC service that only echoes,
//! or only groups what waits into one insert and one commit, or only reads rows. On PostgreSQL a library does the same
//! work beside them, in a process that is its own client ([`peer`]).

mod commands;
mod cost;
mod eventstore;
mod floor;
mod load;
mod peer;
mod process;
mod read;
mod report;
mod run;

use std::process::ExitCode;

/// The same allocator as the product's, so that the floors are not handicapped.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How often `bench read` and `bench history` read.
const READS: usize = 10;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["floor", what] => floor::serve(what).await,
        // For whoever works on reading: the two rates of a store that is there already, again and again; the first time
        // the file has to be fetched and memory to be had.
        ["read", url] => {
            for (read, raw) in read::in_turns(url, READS).await {
                println!(
                    "raw {raw:.0} events/s, catch-up {read:.0} events/s, ratio {:.2}",
                    read / raw
                );
            }
        }
        // For whoever works on subscriptions: such a store through a subscription and as its floor.
        ["history", url] => {
            for (history, floor, spent) in eventstore::in_turns(url, READS).await {
                println!(
                    "floor {floor:.0} events/s, history {history:.0} events/s, ratio {:.2}, {spent}",
                    history / floor
                );
            }
        }
        // For whoever works on commands: `bench load URL [CASES [CHECK-INS EACH]]`.
        ["load", url, ref size @ ..] => {
            let number = |at: usize| size.get(at).and_then(|size| size.parse::<u64>().ok());
            commands::load(url, number(0).unwrap_or(2_000), number(1).unwrap_or(5)).await;
        }
        _ => return everything(&arguments).await,
    }
    ExitCode::SUCCESS
}

/// All rows, as a table or as JSON.
async fn everything(arguments: &[String]) -> ExitCode {
    let flag = |name: &str| arguments.iter().any(|argument| argument == name);
    let value = |name: &str| arguments.iter().find_map(|argument| argument.strip_prefix(name));
    let (Some(postgres), Some(peer)) = (value("--postgres="), value("--peer=")) else {
        eprintln!("usage: bench --postgres=URL --peer=PROGRAM [--quick] [--json] [--only=sqlite|postgres]");
        return ExitCode::FAILURE;
    };
    let only = value("--only=");
    let size = if flag("--quick") {
        run::Size::quick()
    } else {
        run::Size::full()
    };
    let mut rows = Vec::new();
    for database in ["postgres", "sqlite"] {
        if only.is_none_or(|only| only == database) {
            rows.extend(run::run(database, postgres, peer, size).await);
        }
    }
    if flag("--json") {
        println!("{}", report::json(&rows));
    } else {
        report::print(&rows);
    }
    ExitCode::SUCCESS
}
