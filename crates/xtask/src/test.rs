//! `cargo xtask test`: every test, with SQLite and a real PostgreSQL; the last line says what ran on what.

use std::process::Command;

use crate::{clients, deny, postgres, softhsm};

/// What is tested beyond what is built by itself.
const FEATURES: [&str; 2] = ["--features", "waystation-cli/pkcs11"];

/// How many tests run at once; what the caller sets is kept.
const THREADS: &str = "RUST_TEST_THREADS";
/// Tests wait for servers and clients more than they compute.
const THREADS_PER_CORE: usize = 2;
/// Of a PostgreSQL that is started here; erasure is only complete where the write-ahead log is not recycled.
const SETTINGS: &str = "-c shared_buffers=256MB -c max_wal_size=4GB -c wal_recycle=off";

pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let postgres = postgres::find_or_start(SETTINGS)?;
    eprintln!("xtask: PostgreSQL: {}", postgres.origin);
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let tally = std::env::temp_dir().join(format!("waystation-test-tally-{}", std::process::id()));
    std::fs::create_dir_all(&tally).map_err(|error| format!("cannot create {}: {error}", tally.display()))?;
    // `cargo test` builds programs only for the integration tests of their own package; ours lie in another.
    let built = Command::new(&cargo)
        .args(["build", "--workspace", "--bins"])
        .args(FEATURES)
        .status()
        .map_err(|error| format!("cargo build: {error}"))?;
    if !built.success() {
        return Err("the programs do not build".into());
    }
    let denied = deny::check(&cargo)?;
    let clients = clients::install(&cargo)?;
    let softhsm = softhsm::find_or_install()?;
    let mut tests = Command::new(cargo);
    if let Some(module) = &softhsm.module {
        tests
            .env("WAYSTATION_TEST_PKCS11", module)
            .env("SOFTHSM2_CONF", &softhsm.configuration);
    }
    if std::env::var_os(THREADS).is_none() {
        let cores = std::thread::available_parallelism().map_or(2, |cores| cores.get());
        tests.env(THREADS, (cores * THREADS_PER_CORE).to_string());
    }
    let status = tests
        .args(["test", "--workspace"])
        // Whoever names a target wants that one and not every other besides.
        .args(arguments.is_empty().then_some("--all-targets"))
        .args(FEATURES)
        .args(arguments)
        .env("WAYSTATION_TEST_POSTGRES_URL", &postgres.url)
        .env("WAYSTATION_TEST_TALLY", &tally)
        .env("WAYSTATION_TEST_CLIENTS", &clients.directory)
        .status()
        .map_err(|error| format!("cargo test: {error}"))?;
    let count = |database: &str| std::fs::read_to_string(tally.join(database)).map_or(0, |marks| marks.lines().count());
    let (sqlite, postgres_count) = (count("sqlite"), count("postgres"));
    let _ = std::fs::remove_dir_all(&tally);
    if !status.success() {
        return Err("tests failed".into());
    }
    if arguments.is_empty() && (sqlite == 0 || postgres_count == 0) {
        return Err(format!(
            "storage tests ran {sqlite} times on SQLite and {postgres_count} times on PostgreSQL"
        ));
    }
    println!(
        "storage-touching tests: {sqlite} on SQLite, {postgres_count} on PostgreSQL ({}); EventStoreDB clients: {}; \
         PKCS #11: {}; dependencies: {denied}",
        postgres.origin,
        clients.said,
        softhsm.said()
    );
    Ok(())
}
