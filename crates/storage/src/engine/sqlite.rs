//! SQLite: one writer thread with the only write connection, and a few read connections.
//!
//! rusqlite is used instead of sqlx because sqlx's row path costs five times what SQLite itself does (ARCHITECTURE.md,
//! "Decisions"). WAL with `synchronous=FULL`, or a sync beside the writer, for the log; the views file needs no sync,
//! because a lost tail is folded again.

mod checkpoint;
mod sync;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use async_trait::async_trait;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags, ToSql};
use tokio::sync::{Semaphore, oneshot};

use super::rows::RowsBuilder;
use super::{Column, Engine, EngineError, Rows, Value, Write, also};
use checkpoint::Checkpointer;
use sync::Syncer;

/// Read connections per file: bounds memory (each has a page cache) and threads.
const READERS_MAX: usize = 4;
/// Writes handed to the writer thread; further callers wait for a place, as many as commands may be in flight.
const WRITE_QUEUE_MAX: usize = 64;
/// Page cache of the writer and of each reader, in KiB. SQLite walks through the writer's at every commit that balanced a
/// tree, so a larger one costs more than reading pages again from the system's cache; and a reader of history fills whatever
/// it is given with pages that nobody reads twice.
const WRITER_CACHE_KIB: i64 = 1_024;
const READER_CACHE_KIB: i64 = 2_048;
/// First release with the WAL-reset corruption fix.
const SQLITE_VERSION_MIN: i32 = 3_051_003;

type Job = Box<dyn FnOnce(&mut Writing) + Send>;

/// One SQLite file.
pub(crate) struct Sqlite {
    path: PathBuf,
    jobs: mpsc::SyncSender<Job>,
    places: Arc<Semaphore>,
    readers: Arc<Mutex<Vec<Connection>>>,
    permits: Arc<Semaphore>,
    /// Absent: commits need no sync, or do it themselves.
    syncer: Option<Syncer>,
    description: String,
    _lock: std::fs::File,
}

impl Sqlite {
    /// Opens or creates the file. `durable`: whether commits are synced, inside or beside them.
    pub(crate) fn open(path: &Path, durable: bool, create: bool) -> Result<Self, EngineError> {
        let mut opened = Self::open_with(path, durable, create, false)?;
        if durable {
            opened.syncer = Some(Syncer::start(path).map_err(|error| EngineError::Other(error.into()))?);
        }
        Ok(opened)
    }

    /// Opens or creates a file in which deleted rows are overwritten with zeros.
    pub(crate) fn open_wiping(path: &Path, create: bool) -> Result<Self, EngineError> {
        Self::open_with(path, true, create, true)
    }

    fn open_with(path: &Path, durable: bool, create: bool, wipe: bool) -> Result<Self, EngineError> {
        let version = rusqlite::version_number();
        assert!(
            version >= SQLITE_VERSION_MIN,
            "SQLite {version} has the WAL-reset bug; this build must bundle {SQLITE_VERSION_MIN} or newer"
        );
        if !create && !path.exists() {
            return Err(EngineError::Refused("the database file does not exist".into()));
        }
        // One file has one lock, whichever links lead to it; one that is not there yet has no links.
        let path = &path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let lock = lock_beside(path)?;
        let connection = Connection::open(path).map_err(classify)?;
        // NORMAL syncs at checkpoints only: a crash may lose the newest commits, never the order of what is there.
        let sync = if durable { "FULL" } else { "NORMAL" };
        connection
            .execute_batch(&format!(
                "PRAGMA journal_mode=WAL; PRAGMA synchronous={sync}; PRAGMA mmap_size=0;
                 PRAGMA cache_size=-{WRITER_CACHE_KIB};
                 PRAGMA busy_timeout=5000; PRAGMA temp_store=MEMORY;
                 PRAGMA secure_delete={};",
                if wipe { "ON" } else { "OFF" }
            ))
            .map_err(classify)?;
        // The first reading opens the write-ahead log.
        connection
            .query_row("SELECT count(*) FROM sqlite_master", [], |_| Ok(()))
            .map_err(classify)?;
        connection.set_prepared_statement_cache_capacity(64);
        let (jobs, queue) = mpsc::sync_channel::<Job>(WRITE_QUEUE_MAX);
        let file = path.to_owned();
        std::thread::Builder::new()
            .name("sqlite-writer".into())
            .spawn(move || {
                let mut writing = Writing {
                    connection,
                    syncs: None,
                };
                let mut checkpointer = Checkpointer::start(&file, &writing.connection)
                    .inspect_err(|error| tracing::warn!(error = %error, "SQLite checkpoints inside commits"))
                    .ok();
                while let Ok(job) = queue.recv() {
                    job(&mut writing);
                    if let Some(checkpointer) = &mut checkpointer {
                        checkpointer.committed(&writing.connection);
                    }
                }
            })
            .map_err(|error| EngineError::Other(error.into()))?;
        Ok(Self {
            path: path.to_owned(),
            jobs,
            places: Arc::new(Semaphore::new(WRITE_QUEUE_MAX)),
            readers: Arc::default(),
            permits: Arc::new(Semaphore::new(READERS_MAX)),
            syncer: None,
            description: format!("SQLite {}", rusqlite::version()),
            _lock: lock,
        })
    }

    async fn on_writer<T: Send + 'static>(
        &self,
        syncs: Syncs,
        work: impl FnOnce(&mut Connection) -> Result<T, EngineError> + Send + 'static,
    ) -> Result<T, EngineError> {
        let place = Arc::clone(&self.places)
            .acquire_owned()
            .await
            .map_err(|error| EngineError::Other(error.into()))?;
        let (reply, answer) = oneshot::channel();
        let chooses = self.syncer.is_some();
        let job: Job = Box::new(move |writing| {
            drop(place);
            let ready = if chooses { writing.choose(syncs) } else { Ok(()) };
            let result = ready.and_then(|()| work(&mut writing.connection));
            // The caller may have gone away; the work is done all the same.
            let _ = reply.send(result);
        });
        self.jobs
            .try_send(job)
            .map_err(|_| EngineError::Refused("the writer has stopped".into()))?;
        answer.await.map_err(|error| EngineError::Lost(error.into()))?
    }
}

/// Keeps a second process from opening the same file for writing.
fn lock_beside(path: &Path) -> Result<std::fs::File, EngineError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let file = std::fs::File::create(PathBuf::from(name))
        .map_err(|error| EngineError::Refused(format!("cannot create the lock file: {}", error.kind())))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => {
            Err(EngineError::Refused("another process has this database open".into()))
        }
        Err(std::fs::TryLockError::Error(error)) => Err(EngineError::Other(error.into())),
    }
}

fn open_reader(path: &Path) -> Result<Connection, EngineError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(classify)?;
    connection
        .execute_batch(&format!(
            "PRAGMA mmap_size=0; PRAGMA cache_size=-{READER_CACHE_KIB}; PRAGMA busy_timeout=5000;"
        ))
        .map_err(classify)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

fn run_query(connection: &Connection, sql: &str, parameters: &[Value], bytes_max: usize) -> Result<Rows, EngineError> {
    // To SQLite `$1` is a name, numbered by first appearance; `?1` is a number.
    let mut statement = connection.prepare_cached(&sql.replace('$', "?")).map_err(classify)?;
    let width = statement.column_count();
    let mut rows = statement
        .query(rusqlite::params_from_iter(parameters))
        .map_err(classify)?;
    let mut result = RowsBuilder::new(width);
    let mut cut = false;
    while let Some(row) = rows.next().map_err(classify)? {
        for column in 0..width {
            match row.get_ref(column).map_err(classify)? {
                ValueRef::Null => result.null(),
                ValueRef::Integer(value) => result.i64(value),
                ValueRef::Real(_) => result.null(),
                ValueRef::Text(bytes) | ValueRef::Blob(bytes) => result.bytes(bytes),
            }
        }
        cut = result.size() >= bytes_max;
        if cut {
            break;
        }
    }
    Ok(result.finish(cut))
}

fn run_write(connection: &mut Connection, write: &Write) -> Result<bool, EngineError> {
    let transaction = connection
        .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
        .map_err(classify)?;
    if let Some((sql, parameters)) = &write.guard
        && run_query(&transaction, sql, parameters, usize::MAX)?.is_empty()
    {
        return Ok(false); // dropping the transaction rolls it back
    }
    // Updates first: they are about rows that were there before, as in the one statement of PostgreSQL.
    let updates = write.updates.iter().map(|update| {
        let term = |(n, name): (usize, &&str)| format!("{name} = ?{}", n + 1);
        let terms: Vec<String> = update.columns.iter().enumerate().map(term).collect();
        let (set, key) = terms.split_at(update.set);
        let (set, key, only) = (set.join(", "), key.join(" AND "), also(update.only));
        let sql = format!("UPDATE {} AS t SET {set} WHERE {key}{only}", update.table);
        (sql, &update.values)
    });
    let inserts = write.inserts.iter().map(|insert| {
        let marks: Vec<String> = (1..=insert.columns.len()).map(|n| format!("?{n}")).collect();
        let columns = insert.columns.join(", ");
        let sql = format!("INSERT INTO {} ({columns}) VALUES ({})", insert.table, marks.join(", "));
        (sql, &insert.values)
    });
    for (sql, values) in updates.chain(inserts) {
        let mut statement = transaction.prepare_cached(&sql).map_err(classify)?;
        for row in 0..values.first().map_or(0, Column::len) {
            statement
                .execute(rusqlite::params_from_iter(
                    values.iter().map(|column| At { column, row }),
                ))
                .map_err(classify)?;
        }
    }
    transaction.commit().map_err(synced)?;
    Ok(true)
}

/// Who waits for the disk.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Syncs {
    /// The commit itself.
    InCommits,
    /// The [`Syncer`], which is told when the transaction has ended.
    Beside,
}

/// The writer's connection.
struct Writing {
    connection: Connection,
    /// What was chosen last; none yet when the file was opened.
    syncs: Option<Syncs>,
}

impl Writing {
    /// Before a transaction.
    fn choose(&mut self, syncs: Syncs) -> Result<(), EngineError> {
        if self.syncs == Some(syncs) {
            return Ok(());
        }
        let mode = match syncs {
            Syncs::InCommits => "FULL",
            Syncs::Beside => "NORMAL",
        };
        let chosen = self.connection.pragma_update(None, "synchronous", mode);
        self.syncs = chosen.is_ok().then_some(syncs);
        chosen.map_err(classify)
    }
}

/// As [`classify`], for what syncs: commits, and checkpoints, whose sync may be the first of what was committed ahead. The
/// system tells of a failed sync once; if that went unheard, the next one would seem to have saved everything.
fn synced(error: rusqlite::Error) -> EngineError {
    if error.sqlite_error_code() == Some(ErrorCode::SystemIoFailure) {
        disk_failed(&error);
    }
    classify(error)
}

/// A failed sync leaves memory and disk disagreeing about what is durable. Only a restart, which reads what the disk
/// really holds, can tell; answering anything else could lose an acknowledged event.
fn disk_failed(error: &dyn std::fmt::Display) -> ! {
    tracing::error!(error = %error, "the disk failed; stopping so that recovery can decide what was stored");
    std::process::abort();
}

#[async_trait]
impl Engine for Sqlite {
    async fn query_within(&self, sql: &str, parameters: Vec<Value>, bytes_max: usize) -> Result<Rows, EngineError> {
        let permit = Arc::clone(&self.permits)
            .acquire_owned()
            .await
            .map_err(|error| EngineError::Other(error.into()))?;
        let (readers, path, sql) = (Arc::clone(&self.readers), self.path.clone(), sql.to_owned());
        let task = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let idle = readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let connection = match idle {
                Some(connection) => connection,
                None => open_reader(&path)?,
            };
            let result = run_query(&connection, &sql, &parameters, bytes_max);
            if result.is_ok() {
                readers.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            }
            result
        });
        task.await.map_err(|error| EngineError::Other(error.into()))?
    }

    async fn write(&self, write: Write) -> Result<bool, EngineError> {
        self.on_writer(Syncs::InCommits, move |connection| run_write(connection, &write))
            .await
    }

    async fn write_ahead(&self, write: Write) -> Result<bool, EngineError> {
        let syncer = self.syncer.clone();
        self.on_writer(Syncs::Beside, move |connection| {
            let written = run_write(connection, &write);
            if let Some(syncer) = syncer {
                syncer.returned();
            }
            written
        })
        .await
    }

    async fn sync_returned(&self) {
        if let Some(syncer) = &self.syncer {
            syncer.sync_returned().await;
        }
    }

    async fn sync(&self) {
        if let Some(syncer) = &self.syncer {
            syncer.sync().await;
        }
    }

    fn writes_ahead(&self) -> bool {
        self.syncer.is_some()
    }

    fn fills_places(&self) -> bool {
        true
    }

    async fn script(&self, sql: &str) -> Result<(), EngineError> {
        let sql = format!("BEGIN IMMEDIATE; {sql}; COMMIT;");
        self.on_writer(Syncs::InCommits, move |connection| {
            connection.execute_batch(&sql).map_err(|error| {
                let _ = connection.execute_batch("ROLLBACK");
                classify(error)
            })
        })
        .await
    }

    async fn scrub(&self, _: &str) -> Result<(), EngineError> {
        // `secure_delete` has overwritten the rows; what is left is their older pages in the write-ahead log.
        self.on_writer(Syncs::InCommits, |connection| {
            connection
                .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
                .map_err(synced)
        })
        .await
    }

    fn describe(&self) -> &str {
        &self.description
    }

    async fn size_bytes(&self) -> Result<u64, EngineError> {
        let sql = "SELECT (SELECT page_count FROM pragma_page_count) * (SELECT page_size FROM pragma_page_size)";
        Ok(self.query(sql, Vec::new()).await?.u64(0, 0))
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Value::I64(value) => ValueRef::Integer(*value),
            Value::Text(value) => ValueRef::Text(value.as_bytes()),
            Value::Bytes(value) => ValueRef::Blob(value),
        }))
    }
}

struct At<'a> {
    column: &'a Column,
    row: usize,
}

impl ToSql for At<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.column {
            Column::I64(values) => ValueRef::Integer(values[self.row]),
            Column::OptionI64(values) => values[self.row].map_or(ValueRef::Null, ValueRef::Integer),
            Column::Text(values) => ValueRef::Text(values[self.row].as_bytes()),
            Column::Bytes(values) => ValueRef::Blob(&values[self.row]),
            Column::OptionBytes(values) => values[self.row]
                .as_ref()
                .map_or(ValueRef::Null, |bytes| ValueRef::Blob(bytes)),
        }))
    }
}

fn classify(error: rusqlite::Error) -> EngineError {
    match error.sqlite_error_code() {
        Some(ErrorCode::ConstraintViolation) => {
            // "UNIQUE constraint failed: main_event.position"
            let text = error.to_string();
            let constraint = text.split("failed: ").nth(1).unwrap_or(&text).to_owned();
            EngineError::Unique { constraint }
        }
        Some(ErrorCode::DiskFull) => EngineError::Refused("the disk is full".into()),
        Some(ErrorCode::ReadOnly) => EngineError::Refused("the database is read-only".into()),
        Some(ErrorCode::CannotOpen) => EngineError::Refused("the database file cannot be opened".into()),
        Some(ErrorCode::NotADatabase) => EngineError::Refused("the file is not a database".into()),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            EngineError::Refused("the database is locked by another process".into())
        }
        _ => EngineError::Other(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_share_no_lock() {
        let connection = Connection::open_in_memory().expect("opens");
        let mut options = connection.prepare("PRAGMA compile_options").expect("prepares");
        let options = options.query_map([], |row| row.get::<_, String>(0)).expect("lists");
        let options: Vec<String> = options.map(|option| option.expect("reads")).collect();
        assert!(
            !options.iter().any(|option| option == "ENABLE_MEMORY_MANAGEMENT")
                && options.iter().any(|option| option == "DEFAULT_MEMSTATUS=0"),
            "SQLite is compiled without the flags of .cargo/config.toml: {options:?}"
        );
    }
}
