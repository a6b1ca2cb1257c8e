//! The narrow waist between Waystation's SQL and the two databases.
//!
//! Every statement of this crate is written once, in the dialect both databases share, and runs through [`Engine`].
//! Writes are described as data ([`Write`]): a guard that must hold, then rows to insert and rows to update. SQLite
//! executes them as one transaction on its writer thread; PostgreSQL as *one statement*, so an append costs one round
//! trip and there is no moment in which a half-done transaction waits for us.

mod postgres;
mod rows;
mod sqlite;

use async_trait::async_trait;
use bytes::Bytes;

pub(crate) use postgres::Postgres;
pub(crate) use rows::Rows;
pub(crate) use sqlite::Sqlite;

/// A parameter of a statement.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    I64(i64),
    Text(String),
    Bytes(Bytes),
}

/// The values of one column for many rows.
#[derive(Clone, Debug)]
pub(crate) enum Column {
    I64(Vec<i64>),
    OptionI64(Vec<Option<i64>>),
    Text(Vec<String>),
    Bytes(Vec<Bytes>),
    OptionBytes(Vec<Option<Bytes>>),
}

impl Column {
    fn len(&self) -> usize {
        match self {
            Column::I64(values) => values.len(),
            Column::OptionI64(values) => values.len(),
            Column::Text(values) => values.len(),
            Column::Bytes(values) => values.len(),
            Column::OptionBytes(values) => values.len(),
        }
    }

    /// Null in every row.
    fn is_null(&self) -> bool {
        match self {
            Column::I64(_) | Column::Text(_) | Column::Bytes(_) => false,
            Column::OptionI64(values) => values.iter().all(Option::is_none),
            Column::OptionBytes(values) => values.iter().all(Option::is_none),
        }
    }
}

/// Rows to insert; a row that is already there is an error, never skipped.
#[derive(Clone, Debug)]
pub(crate) struct Insert {
    pub(crate) table: String,
    pub(crate) columns: &'static [&'static str],
    pub(crate) values: Vec<Column>,
}

/// Rows to update by key: the first `set` columns are new values, the rest find the row.
#[derive(Clone, Debug)]
pub(crate) struct Update {
    pub(crate) table: String,
    pub(crate) columns: &'static [&'static str],
    pub(crate) set: usize,
    /// A further condition on the row `t`, such as `t.to_position = 7`; empty for none.
    pub(crate) only: &'static str,
    pub(crate) values: Vec<Column>,
}

/// One transaction: if the guard returns a row, everything else happens; if not, nothing does.
#[derive(Clone, Debug, Default)]
pub(crate) struct Write {
    /// A SELECT, or an UPDATE … RETURNING.
    pub(crate) guard: Option<(String, Vec<Value>)>,
    pub(crate) inserts: Vec<Insert>,
    pub(crate) updates: Vec<Update>,
}

/// Things that one question asks for.
pub(crate) const ASKED_MAX: usize = 64;

/// For how many things a question is written that asks for one to [`ASKED_MAX`]: the databases keep a few prepared statements
/// instead of 64.
pub(crate) fn padded(count: usize) -> usize {
    match count {
        1 => 1,
        2..=8 => 8,
        _ => ASKED_MAX,
    }
}

/// The inside of an `IN (…)` for one to [`ASKED_MAX`] values, and its parameters: the last is repeated up to the padded length.
pub(crate) fn in_list(values: &[Value]) -> (String, Vec<Value>) {
    let width = padded(values.len());
    let marks: Vec<String> = (1..=width).map(|number| format!("${number}")).collect();
    let padding = std::iter::repeat(&values[values.len() - 1]);
    (
        marks.join(", "),
        values.iter().chain(padding).take(width).cloned().collect(),
    )
}

fn also(only: &str) -> String {
    if only.is_empty() {
        String::new()
    } else {
        format!(" AND {only}")
    }
}

/// How a statement failed, as far as callers must tell apart.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EngineError {
    /// A row with this key is already there; nothing was written.
    #[error("unique constraint {constraint} is violated")]
    Unique { constraint: String },
    /// The connection was lost: a write may or may not have happened.
    #[error("the connection to the database was lost")]
    Lost(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The database refuses for now (full, read-only, locked, shutting down); nothing was written.
    #[error("the database cannot do this now: {0}")]
    Refused(String),
    /// Anything else; nothing was written.
    #[error("the database failed")]
    Other(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A database, or the part of one that holds the log or the views.
#[async_trait]
pub(crate) trait Engine: Send + Sync {
    /// Runs a SELECT and returns all its rows.
    async fn query(&self, sql: &str, parameters: Vec<Value>) -> Result<Rows, EngineError> {
        self.query_within(sql, parameters, usize::MAX).await
    }

    /// Runs a SELECT and returns its first rows: at least one if there is any, and no more after these many bytes.
    async fn query_within(&self, sql: &str, parameters: Vec<Value>, bytes_max: usize) -> Result<Rows, EngineError>;

    /// Runs a transaction and returns once it is durable. `false`: the guard did not hold and nothing was written.
    async fn write(&self, write: Write) -> Result<bool, EngineError>;

    /// As [`Engine::write`], but where the engine [`Engine::writes_ahead`], it may return as soon as the transaction is
    /// visible. Nobody may be told of it before [`Engine::sync_returned`] or [`Engine::sync`] has returned.
    async fn write_ahead(&self, write: Write) -> Result<bool, EngineError> {
        self.write(write).await
    }

    /// Returns once every transaction that returned before is durable.
    async fn sync_returned(&self) {}

    /// Returns once everything that a query can have found before is durable, also a transaction that was visible and had
    /// not returned.
    async fn sync(&self) {}

    /// Whether transactions can be visible before they are durable. Then this process has the database to itself.
    fn writes_ahead(&self) -> bool {
        false
    }

    /// Whether a log's index of streams is a table that its writer fills, in steps; otherwise the database keeps an index.
    /// Then, too, this process has the database to itself.
    fn fills_places(&self) -> bool {
        false
    }

    /// Runs statements separated by semicolons, in one transaction.
    async fn script(&self, sql: &str) -> Result<(), EngineError>;

    /// Makes the database let go of the bytes of deleted and replaced rows of a table, as far as it can.
    async fn scrub(&self, table: &str) -> Result<(), EngineError>;

    /// Name and version, for people: `SQLite 3.51.3`.
    fn describe(&self) -> &str;

    /// Bytes the database uses on disk, tables and indexes.
    async fn size_bytes(&self) -> Result<u64, EngineError>;
}
