//! Fresh databases for tests: every test that touches storage runs once on SQLite and once on PostgreSQL.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

use bytes::Bytes;

use crate::engine::{Engine, Postgres};
use crate::{Append, ExpectedRevision, NewEvent, StorageError, Store, StoreOptions, StreamAppend, TimeSource};

/// Where `cargo xtask test` (or a person) says PostgreSQL is.
pub const POSTGRES_URL_VARIABLE: &str = "WAYSTATION_TEST_POSTGRES_URL";
/// Directory in which each database counts the tests that ran on it.
const TALLY_VARIABLE: &str = "WAYSTATION_TEST_TALLY";

/// A database of its own for one test; gone when dropped.
pub struct TestDatabase {
    /// URL to open.
    pub url: String,
    /// `sqlite` or `postgres`.
    pub kind: &'static str,
    directory: Option<tempfile::TempDir>,
    server: Option<(String, String)>,
}

/// Runs a test once per database, each time on a fresh one.
///
/// # Panics
/// When no PostgreSQL is named in the environment: nothing is skipped silently.
pub fn on_both<F: Future<Output = ()>>(test: impl Fn(TestDatabase) -> F) {
    for make in [TestDatabase::sqlite as fn() -> TestDatabase, TestDatabase::postgres] {
        let database = make();
        eprintln!("on {}", database.kind);
        runtime().block_on(test(database));
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a test machine can start two threads")
}

fn tally(kind: &str) {
    if let Ok(directory) = std::env::var(TALLY_VARIABLE) {
        let path = std::path::Path::new(&directory).join(kind);
        let mut file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .expect("the tally is writable");
        writeln!(file, "ran").expect("the tally is writable");
    }
}

impl TestDatabase {
    /// A SQLite file in a directory of its own.
    pub fn sqlite() -> Self {
        tally("sqlite");
        let directory = tempfile::tempdir().expect("a test machine has a temporary directory");
        let url = format!("sqlite:{}", directory.path().join("test.db").display());
        Self {
            url,
            kind: "sqlite",
            directory: Some(directory),
            server: None,
        }
    }

    /// A new database on the server that the environment names.
    pub fn postgres() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let server = std::env::var(POSTGRES_URL_VARIABLE)
            .unwrap_or_else(|_| panic!("set {POSTGRES_URL_VARIABLE}, or run `cargo xtask test`, which does"));
        tally("postgres");
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("waystation_test_{}_{number}", std::process::id());
        administer(&server, &format!("CREATE DATABASE {name} TEMPLATE template0"));
        let (base, _) = server.rsplit_once('/').expect("a database URL names a database");
        Self {
            url: format!("{base}/{name}"),
            kind: "postgres",
            directory: None,
            server: Some((server, name)),
        }
    }

    /// Path of the SQLite log file, for tests that damage it.
    pub fn path(&self) -> Option<std::path::PathBuf> {
        self.directory
            .as_ref()
            .map(|directory| directory.path().join("test.db"))
    }

    /// Opens the database with a clock that ticks one millisecond a reading from 2026-01-01.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn open(&self) -> Result<Store, StorageError> {
        let now = AtomicI64::new(1_767_225_600_000_000);
        self.open_at(Arc::new(move || now.fetch_add(1_000, Ordering::Relaxed)))
            .await
    }

    /// Opens the database with a given clock.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn open_at(&self, time: TimeSource) -> Result<Store, StorageError> {
        Store::open(StoreOptions {
            url: self.url.clone(),
            keys: None,
            migrate: true,
            time,
        })
        .await
    }

    /// Runs SQL behind Waystation's back, as someone who tampers would. SQLite must not be open.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn tamper(&self, part: &str, sql: &str) -> Result<(), StorageError> {
        match self.path() {
            Some(path) => {
                let path = match part {
                    "views" | "keys" => path.with_file_name(format!("test.db-{part}")),
                    _ => path,
                };
                let connection = rusqlite::Connection::open(path).map_err(|e| StorageError::Database(e.into()))?;
                connection
                    .execute_batch(sql)
                    .map_err(|e| StorageError::Database(e.into()))
            }
            None => Ok(Postgres::open(&self.url, true).await?.script(sql).await?),
        }
    }
}

/// An event with a number in its id and its data.
pub fn event(number: u64) -> NewEvent {
    let mut id = [0; 16];
    id[8..].copy_from_slice(&number.to_be_bytes());
    NewEvent {
        sealed: Vec::new(),
        id,
        event_type: "test.happened.v1".into(),
        schema: 1,
        content_type: "application/json",
        metadata: Bytes::from_static(b"{}"),
        data: Bytes::from(format!("{{\"number\":{number}}}")),
    }
}

/// An append of numbered events to one stream.
pub fn to(stream: &str, expected: ExpectedRevision, numbers: &[u64]) -> Append {
    Append {
        request: None,
        category: 1,
        actor: [1; 16],
        causation: [2; 16],
        streams: vec![StreamAppend {
            stream: stream.into(),
            expected,
            events: numbers.iter().map(|number| event(*number)).collect(),
        }],
    }
}

fn administer(server: &str, sql: &str) {
    let (server, sql) = (server.to_owned(), sql.to_owned());
    let work = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("one thread");
        runtime.block_on(async {
            let engine = Postgres::open(&server, true)
                .await
                .expect("the test PostgreSQL answers");
            engine.script(&sql).await
        })
    });
    work.join()
        .expect("the thread does not panic")
        .expect("the test PostgreSQL obeys");
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if let Some((server, name)) = self.server.take() {
            administer(&server, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        }
    }
}
