//! The `waystation` binary.

mod accounts;
mod agenda;
mod cases;
mod codes;
mod demo;
mod documents;
mod draw;
mod events;
mod explain;
mod export;
mod import;
mod inspect;
mod key;
mod keys;
mod lang;
mod memory;
mod migrate;
mod moment;
mod policy;
mod progress;
mod projections;
mod register;
mod replay;
mod serve;
mod statistics;
mod verify;
mod witness;
mod workload;

use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::{CommandFactory, Parser, Subcommand};
use waystation_app::{App, AppError, AppOptions, Clock, StorageError, Store, StoreOptions, SystemClock};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The record of community drug rehabilitation: an append-only log that can prove itself. 阳光驿站：社区戒毒康复工作记录
#[derive(Parser)]
#[command(name = "waystation", version)]
struct Arguments {
    /// Language of what is printed; the environment's when not given
    #[arg(long, global = true)]
    lang: Option<lang::Language>,
    #[command(flatten)]
    keys: keys::KeyPlace,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// A made-up year of one sub-district, served on a loopback port
    Demo(demo::Demo),
    /// Serve gRPC over a database
    Serve(serve::Serve),
    /// Create a database, or bring its schema up to this release
    Migrate(migrate::Migrate),
    /// Record a station's day-book from a CSV file
    Import(import::Import),
    /// Fold the log from nothing and compare with the stored views
    Replay(replay::Replay),
    /// List a station's cases, now or as they were known at a past moment
    Cases(cases::Cases),
    /// List what is due and overdue, now or as it was known at a past moment
    Agenda(agenda::Agenda),
    /// Look for something in every case of a station, now or as it was known at a past moment
    Inspect(inspect::Inspect),
    /// Say what happened in a station month by month, now or as it was known at a past moment
    Statistics(statistics::Statistics),
    /// List tests, contacts, leave, breaches, classes of risk or counters of a station
    Register(register::Register),
    /// List the papers that a station issued, and the numbers that nobody used
    Documents(documents::Documents),
    /// Count the open cases of each worker against what policy would have
    Workload(workload::Workload),
    /// Draw a random sample of a station's cases that anybody can draw again
    Draw(draw::Draw),
    /// List who held which role in a station on a day
    Roles(draw::Roles),
    /// Say what counts towards a serious breach in a case, and why
    Explain(explain::Explain),
    /// Policy packs: try other values on history
    Policy(policy::Policy),
    /// Recompute every digest, leaf, tile and root from stored bytes, and every view from the log
    Verify(verify::Verify),
    /// Keys that sign and verify the log's checkpoints
    Key(key::Key),
    /// Who may work here
    Accounts(accounts::Accounts),
    /// Chores on the keys that seal what is personal
    Keys(keys::Keys),
    /// Write what an inspector takes home
    Export(export::Export),
    /// Cosign the checkpoints of logs that only grow
    Witness(witness::Witness),
    /// Look at events
    Events(events::Events),
    /// Show, or rebuild, the projections
    Projections(projections::Projections),
    /// Print a completion script for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

/// Exit codes, by kind of failure.
/// Threads for what blocks: reads of SQLite, stretching of passwords, keyed hashes, folding of large pages. Work waits for a
/// free one. Each keeps memory of its own after it was used, so that many cost far more than they do.
const BLOCKING_THREADS_MAX: usize = 16;

mod exit {
    pub(crate) const FAILED: u8 = 1;
    pub(crate) const INTEGRITY: u8 = 3;
    pub(crate) const REJECTED: u8 = 4;
    pub(crate) const CONFLICT: u8 = 5;
    pub(crate) const AWAY: u8 = 6;
    pub(crate) const NOT_FOUND: u8 = 7;
    pub(crate) const CONFIG: u8 = 8;
}

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS_MAX)
        .build();
    match runtime {
        Ok(runtime) => runtime.block_on(run()),
        Err(error) => {
            eprintln!("waystation: {error}");
            ExitCode::from(exit::FAILED)
        }
    }
}

async fn run() -> ExitCode {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_env_filter("warn")
        .init();
    memory::keep_to_ourselves();
    let arguments = Arguments::parse();
    lang::choose(arguments.lang);
    keys::choose(arguments.keys);
    let result = match arguments.command {
        Command::Demo(command) => command.run().await,
        Command::Serve(command) => command.run().await,
        Command::Migrate(command) => command.run().await,
        Command::Import(command) => command.run().await,
        Command::Replay(command) => command.run().await,
        Command::Cases(command) => command.run().await,
        Command::Agenda(command) => command.run().await,
        Command::Inspect(command) => command.run().await,
        Command::Statistics(command) => command.run().await,
        Command::Register(command) => command.run().await,
        Command::Documents(command) => command.run().await,
        Command::Workload(command) => command.run().await,
        Command::Draw(command) => command.run().await,
        Command::Roles(command) => command.run().await,
        Command::Explain(command) => command.run().await,
        Command::Policy(command) => command.run().await,
        Command::Verify(command) => command.run().await,
        Command::Key(command) => command.run(),
        Command::Keys(command) => command.run().await,
        Command::Accounts(command) => command.run().await,
        Command::Export(command) => command.run().await,
        Command::Witness(command) => command.run().await,
        Command::Events(command) => command.run().await,
        Command::Projections(command) => command.run().await,
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Arguments::command(), "waystation", &mut std::io::stdout());
            Ok(ExitCode::SUCCESS)
        }
    };
    result.unwrap_or_else(|error| {
        eprintln!("waystation: {error:#}");
        ExitCode::from(exit_code(&error))
    })
}

fn exit_code(error: &anyhow::Error) -> u8 {
    if let Some(error) = error.downcast_ref::<AppError>() {
        return match error {
            AppError::Storage(error) => storage_exit_code(error),
            AppError::Rejected(_)
            | AppError::AsOfInFuture { .. }
            | AppError::BudgetSpent { .. }
            | AppError::TooManyAttempts { .. } => exit::REJECTED,
            AppError::RevisionMismatch { .. } | AppError::RequestReused | AppError::InProgress(_) => exit::CONFLICT,
            AppError::NotFound { .. } => exit::NOT_FOUND,
            AppError::Undecodable { .. } => exit::INTEGRITY,
            AppError::ProjectionBehind { .. } | AppError::Contention => exit::AWAY,
            AppError::Keyring(_) | AppError::KeyringFile(_) | AppError::ForeignKeys => exit::CONFIG,
            AppError::ProjectionHalted { .. } | AppError::PageTokenMismatch | AppError::Internal(_) => exit::FAILED,
        };
    }
    error
        .downcast_ref::<StorageError>()
        .map_or(exit::FAILED, storage_exit_code)
}

fn storage_exit_code(error: &StorageError) -> u8 {
    match error {
        StorageError::Corrupt { .. } => exit::INTEGRITY,
        StorageError::WrongExpectedRevision { .. } | StorageError::RequestReused => exit::CONFLICT,
        StorageError::ReadOnly(_) | StorageError::Unavailable(_) | StorageError::Unknown | StorageError::QueueFull => {
            exit::AWAY
        }
        StorageError::Url(_) | StorageError::Schema { .. } => exit::CONFIG,
        StorageError::Invalid(_) | StorageError::Database(_) => exit::FAILED,
    }
}

async fn open(url: &str, migrate: bool) -> anyhow::Result<Store> {
    let options = StoreOptions {
        keys: keys::database(),
        url: url.to_owned(),
        migrate,
        time: Arc::new(|| SystemClock.now_us()),
    };
    Store::open(options).await.context("cannot open the database")
}

/// The app as the database has it, whatever its views are doing.
async fn open_app_as_it_is(url: &str) -> anyhow::Result<App> {
    let options = AppOptions {
        database: url.to_owned(),
        keys: keys::database(),
        keyring: keys::keyring()?,
        migrate: false,
        clock: Arc::new(SystemClock),
    };
    App::open(options).await.context("cannot open the database")
}

/// The app with its views caught up.
async fn open_app(url: &str) -> anyhow::Result<App> {
    let app = open_app_as_it_is(url).await?;
    let mut progress = progress::Progress::new(lang::say("catching up", "追赶"));
    app.catch_up(|done, total| progress.set(done, total)).await;
    Ok(app)
}
