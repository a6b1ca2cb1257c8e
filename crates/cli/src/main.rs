//! The `waystation` binary.

mod migrate;
mod verify;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::{Parser, Subcommand};
use waystation_app::{Clock, StorageError, Store, StoreOptions, SystemClock};

/// The record of community drug rehabilitation: an append-only log that can prove itself.
#[derive(Parser)]
#[command(name = "waystation", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Create a database, or bring its schema up to this release
    Migrate(migrate::Migrate),
    /// Recompute every digest, leaf, tile and root from stored bytes
    Verify(verify::Verify),
}

/// Exit codes, by kind of failure.
mod exit {
    pub(crate) const FAILED: u8 = 1;
    pub(crate) const INTEGRITY: u8 = 3;
    pub(crate) const CONFLICT: u8 = 5;
    pub(crate) const AWAY: u8 = 6;
    pub(crate) const CONFIG: u8 = 8;
}

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter("warn")
        .init();
    let result = match Arguments::parse().command {
        Command::Migrate(command) => command.run().await,
        Command::Verify(command) => command.run().await,
    };
    result.unwrap_or_else(|error| {
        eprintln!("waystation: {error:#}");
        ExitCode::from(exit_code(&error))
    })
}

fn exit_code(error: &anyhow::Error) -> u8 {
    match error.downcast_ref::<StorageError>() {
        Some(StorageError::Corrupt { .. }) => exit::INTEGRITY,
        Some(StorageError::WrongExpectedRevision { .. } | StorageError::RequestReused) => exit::CONFLICT,
        Some(StorageError::Unavailable(_) | StorageError::Unknown | StorageError::QueueFull) => exit::AWAY,
        Some(StorageError::Url(_) | StorageError::Schema { .. }) => exit::CONFIG,
        _ => exit::FAILED,
    }
}

async fn open(url: &str, migrate: bool) -> anyhow::Result<Store> {
    let options = StoreOptions {
        url: url.to_owned(),
        migrate,
        time: Arc::new(|| SystemClock.now_us()),
    };
    Store::open(options).await.context("cannot open the database")
}
