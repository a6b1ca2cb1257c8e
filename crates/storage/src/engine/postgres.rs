//! PostgreSQL through sqlx: every write is one statement, so one round trip and one autocommit.

use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::TryStreamExt;
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::{
    PgArgumentBuffer, PgArguments, PgConnectOptions, PgHasArrayType, PgPool, PgPoolOptions, PgRow, PgTypeInfo,
};
use sqlx::query::Query;
use sqlx::{Column as _, Encode, Executor, Row, Type, TypeInfo};

use super::rows::RowsBuilder;
use super::{Column, Engine, EngineError, Insert, Rows, Update, Value, Write, also};

/// Connections per engine (one engine for the log, one for the views).
const CONNECTIONS_MAX: u32 = 6;
/// Connections that write the log. One: everything of a log goes through its writer anyway, and a backend that does
/// all the commits has its plans and caches warm.
const LOG_WRITERS_MAX: u32 = 1;
/// How long to wait for a connection before saying the database is away.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// One PostgreSQL database, with or without waiting for syncs.
pub(crate) struct Postgres {
    pool: PgPool,
    writers: PgPool,
    description: String,
}

impl Postgres {
    /// Connects. `durable`: whether a commit waits for its bytes to be synced.
    pub(crate) async fn open(url: &str, durable: bool) -> Result<Self, EngineError> {
        // The parse error may quote the URL, which holds a password.
        let options = PgConnectOptions::from_str(url)
            .map_err(|_| EngineError::Refused("the PostgreSQL URL is malformed".into()))?
            .application_name("waystation")
            .options([("synchronous_commit", if durable { "on" } else { "off" })]);
        let connections = |most| {
            PgPoolOptions::new()
                .max_connections(most)
                .acquire_timeout(ACQUIRE_TIMEOUT)
                .test_before_acquire(false)
        };
        let pool = connections(CONNECTIONS_MAX)
            .connect_with(options.clone())
            .await
            .map_err(classify)?;
        let writers = if durable {
            connections(LOG_WRITERS_MAX).connect_lazy_with(options)
        } else {
            pool.clone()
        };
        let version: String = sqlx::query_scalar("SELECT split_part(current_setting('server_version'), ' ', 1)")
            .fetch_one(&pool)
            .await
            .map_err(classify)?;
        let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
        if major.is_none_or(|major| major < 15) {
            return Err(EngineError::Refused(format!(
                "PostgreSQL 15 or newer is needed, this is {version}"
            )));
        }
        Ok(Self {
            pool,
            writers,
            description: format!("PostgreSQL {version}"),
        })
    }
}

/// Text that sqlx takes although it is not a literal.
#[expect(
    clippy::disallowed_types,
    reason = "the one place; see `statement` and `script` for why it is safe"
)]
fn trusted(sql: &str) -> sqlx::AssertSqlSafe<String> {
    sqlx::AssertSqlSafe(sql.to_owned())
}

/// The only place where SQL text that is not a literal reaches sqlx. It is built from table and column names that are
/// literals of this crate; values are always parameters.
fn statement(sql: &str) -> Query<'_, sqlx::Postgres, PgArguments> {
    sqlx::query(trusted(sql))
}

/// Bytes that go out as they are, without a copy of their own first.
struct Shared(Bytes);

impl Type<sqlx::Postgres> for Shared {
    fn type_info() -> PgTypeInfo {
        <[u8] as Type<sqlx::Postgres>>::type_info()
    }
}

impl PgHasArrayType for Shared {
    fn array_type_info() -> PgTypeInfo {
        <&[u8] as PgHasArrayType>::array_type_info()
    }
}

impl Encode<'_, sqlx::Postgres> for Shared {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        buffer.extend_from_slice(&self.0);
        Ok(IsNull::No)
    }
}

fn bind(query: Query<'_, sqlx::Postgres, PgArguments>, value: Value) -> Query<'_, sqlx::Postgres, PgArguments> {
    match value {
        Value::I64(value) => query.bind(value),
        Value::Text(value) => query.bind(value),
        Value::Bytes(value) => query.bind(Shared(value)),
    }
}

fn bind_column(
    query: Query<'_, sqlx::Postgres, PgArguments>,
    column: Column,
) -> Query<'_, sqlx::Postgres, PgArguments> {
    match column {
        Column::I64(values) => query.bind(values),
        Column::OptionI64(values) => query.bind(values),
        Column::Text(values) => query.bind(values),
        Column::Bytes(values) => query.bind(values.into_iter().map(Shared).collect::<Vec<_>>()),
        Column::OptionBytes(values) => {
            query.bind(values.into_iter().map(|value| value.map(Shared)).collect::<Vec<_>>())
        }
    }
}

fn array_type(column: &Column) -> &'static str {
    match column {
        Column::I64(_) | Column::OptionI64(_) => "bigint[]",
        Column::Text(_) => "text[]",
        Column::Bytes(_) | Column::OptionBytes(_) => "bytea[]",
    }
}

/// An insert as it is sent: table, and name and values of each column.
type Sent = (String, Vec<&'static str>, Vec<Column>);

/// Leaves out columns of nothing but nulls: PostgreSQL unpacks every array for every row, one of nulls like any other, and a
/// column that is not named becomes null too, because none has a default.
fn without_nulls(insert: Insert) -> Sent {
    debug_assert_eq!(insert.columns.len(), insert.values.len());
    let named = insert.columns.iter().copied().zip(insert.values);
    let (columns, values) = named.filter(|(_, values)| !values.is_null()).unzip();
    (insert.table, columns, values)
}

/// One statement for a whole [`Write`], with its parameters' order: guard, inserts, updates.
fn compose(guard: Option<&(String, Vec<Value>)>, inserts: &[Sent], updates: &[Update]) -> String {
    let mut next = guard.map_or(0, |(_, parameters)| parameters.len());
    let mut unnest = |values: &[Column]| {
        let arrays: Vec<String> = values
            .iter()
            .map(|column| {
                next += 1;
                format!("${next}::{}", array_type(column))
            })
            .collect();
        arrays.join(", ")
    };
    let guard = guard.map_or("SELECT 1", |(sql, _)| sql.as_str());
    // An UPDATE … RETURNING must not be MATERIALIZED by keyword; data-modifying terms always are.
    let mut terms = vec![format!("guard AS ({guard})")];
    for (number, (table, columns, values)) in inserts.iter().enumerate() {
        let columns = columns.join(", ");
        let arrays = unnest(values);
        terms.push(format!(
            "insert_{number} AS (INSERT INTO {table} ({columns}) SELECT u.* FROM guard, unnest({arrays}) AS u({columns}))"
        ));
    }
    for (number, update) in updates.iter().enumerate() {
        let columns = update.columns.join(", ");
        let arrays = unnest(&update.values);
        let set: Vec<String> = update.columns[..update.set]
            .iter()
            .map(|c| format!("{c} = u.{c}"))
            .collect();
        let key: Vec<String> = update.columns[update.set..]
            .iter()
            .map(|c| format!("t.{c} = u.{c}"))
            .collect();
        terms.push(format!(
            "update_{number} AS (UPDATE {} AS t SET {} FROM guard, unnest({arrays}) AS u({columns}) WHERE {}{})",
            update.table,
            set.join(", "),
            key.join(" AND "),
            also(update.only)
        ));
    }
    format!("WITH {} SELECT count(*) FROM guard", terms.join(", "))
}

/// Bytes of a row's values.
fn size(row: &PgRow) -> Result<usize, EngineError> {
    (0..row.len()).try_fold(0, |sum, column| {
        let value = row.try_get_raw(column).map_err(classify)?;
        Ok(sum + value.as_bytes().map_or(0, <[u8]>::len))
    })
}

fn collect(fetched: &[PgRow], cut: bool) -> Result<Rows, EngineError> {
    let width = fetched.first().map_or(1, PgRow::len);
    let integer: Vec<bool> = fetched.first().map_or_else(Vec::new, |row| {
        row.columns()
            .iter()
            .map(|column| column.type_info().name() == "INT8")
            .collect()
    });
    let mut rows = RowsBuilder::new(width);
    for row in fetched {
        for (column, integer) in integer.iter().enumerate() {
            if *integer {
                match row.try_get_unchecked::<Option<i64>, _>(column).map_err(classify)? {
                    Some(value) => rows.i64(value),
                    None => rows.null(),
                }
            } else {
                match row.try_get_unchecked::<Option<&[u8]>, _>(column).map_err(classify)? {
                    Some(value) => rows.bytes(value),
                    None => rows.null(),
                }
            }
        }
    }
    Ok(rows.finish(cut))
}

#[async_trait]
impl Engine for Postgres {
    async fn query_within(&self, sql: &str, parameters: Vec<Value>, bytes_max: usize) -> Result<Rows, EngineError> {
        let query = parameters.into_iter().fold(statement(sql), bind);
        if bytes_max == usize::MAX {
            return collect(&query.fetch_all(&self.pool).await.map_err(classify)?, false);
        }
        let (mut fetched, mut cut) = (Vec::new(), false);
        let mut bytes = 0;
        let mut rows = query.fetch(&self.pool);
        while let Some(row) = rows.try_next().await.map_err(classify)? {
            bytes += size(&row)?;
            fetched.push(row);
            cut = bytes >= bytes_max;
            if cut {
                break;
            }
        }
        drop(rows);
        collect(&fetched, cut)
    }

    async fn write(&self, write: Write) -> Result<bool, EngineError> {
        let Write {
            guard,
            inserts,
            updates,
        } = write;
        let inserts: Vec<Sent> = inserts.into_iter().map(without_nulls).collect();
        let sql = compose(guard.as_ref(), &inserts, &updates);
        let mut query = statement(&sql);
        for value in guard.into_iter().flat_map(|(_, parameters)| parameters) {
            query = bind(query, value);
        }
        let inserts = inserts.into_iter().flat_map(|(_, _, values)| values);
        let updates = updates.into_iter().flat_map(|update| update.values);
        for column in inserts.chain(updates) {
            query = bind_column(query, column);
        }
        let row = query.fetch_one(&self.writers).await.map_err(classify)?;
        Ok(row.try_get::<i64, _>(0).map_err(classify)? == 1)
    }

    async fn script(&self, sql: &str) -> Result<(), EngineError> {
        // The simple protocol runs all statements of one message as one transaction.
        let result = self.pool.execute(sqlx::raw_sql(trusted(sql))).await;
        result.map(drop).map_err(classify)
    }

    async fn scrub(&self, table: &str) -> Result<(), EngineError> {
        // Alone in its message: VACUUM runs in no transaction. The write-ahead log keeps the bytes until its segments go.
        let sql = format!("VACUUM FULL {table}");
        let result = self.pool.execute(sqlx::raw_sql(trusted(&sql))).await;
        result.map(drop).map_err(classify)
    }

    fn describe(&self) -> &str {
        &self.description
    }

    async fn size_bytes(&self) -> Result<u64, EngineError> {
        let sql = "SELECT pg_database_size(current_database())::bigint";
        Ok(self.query(sql, Vec::new()).await?.u64(0, 0))
    }
}

fn classify(error: sqlx::Error) -> EngineError {
    match &error {
        sqlx::Error::Database(database) => {
            let code = database.code().unwrap_or_default().into_owned();
            match code.as_str() {
                "23505" => EngineError::Unique {
                    constraint: database.constraint().unwrap_or_default().to_owned(),
                },
                // Transaction rollback (deadlock, serialization): nothing happened, the same may be tried again.
                _ if code.starts_with("40") || code.starts_with("53") => {
                    EngineError::Refused(format!("PostgreSQL refused for now ({code})"))
                }
                "25006" => EngineError::Refused("the PostgreSQL server is read-only".into()),
                "57014" | "57P01" | "57P02" | "57P03" => EngineError::Lost(error.into()),
                "3D000" => EngineError::Refused("the PostgreSQL database does not exist".into()),
                "28P01" | "28000" => EngineError::Refused("PostgreSQL refused the user or password".into()),
                _ => EngineError::Other(error.into()),
            }
        }
        sqlx::Error::PoolTimedOut => EngineError::Refused("no connection to PostgreSQL within 5 s".into()),
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::PoolClosed => EngineError::Lost(error.into()),
        _ => EngineError::Other(error.into()),
    }
}
