//! Migrations: numbered files, applied in order, never edited once released.

use crate::engine::{Engine, EngineError};
use crate::error::StorageError;

/// Which part of a store a migration belongs to; SQLite keeps the parts in three files.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Log,
    Views,
    Keys,
}

struct Migration {
    number: i64,
    part: Part,
    sqlite: &'static str,
    postgres: &'static str,
}

macro_rules! migration {
    ($number:literal, $part:expr, $file:literal) => {
        Migration {
            number: $number,
            part: $part,
            sqlite: include_str!(concat!("../../../migrations/sqlite/", $file)),
            postgres: include_str!(concat!("../../../migrations/postgres/", $file)),
        }
    };
}

const MIGRATIONS: [Migration; 10] = [
    migration!(1, Part::Log, "0001_log.sql"),
    migration!(2, Part::Views, "0002_views.sql"),
    migration!(3, Part::Log, "0003_checkpoint.sql"),
    migration!(4, Part::Keys, "0004_keys.sql"),
    migration!(5, Part::Keys, "0005_credentials.sql"),
    migration!(6, Part::Keys, "0006_sealed_keys.sql"),
    migration!(7, Part::Keys, "0007_logins.sql"),
    migration!(8, Part::Views, "0008_packed_versions.sql"),
    migration!(9, Part::Log, "0009_statistics.sql"),
    migration!(10, Part::Log, "0010_places.sql"),
];

/// Newest migration this binary knows.
pub(crate) const NEWEST: i64 = MIGRATIONS[MIGRATIONS.len() - 1].number;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

/// Numbers of the migrations a database part has; empty for a fresh one.
async fn applied(engine: &dyn Engine, dialect: Dialect) -> Result<Vec<i64>, EngineError> {
    let exists = match dialect {
        Dialect::Sqlite => "SELECT 1 FROM sqlite_master WHERE name = 'schema_migration'",
        Dialect::Postgres => "SELECT 1::bigint FROM pg_class WHERE oid = to_regclass('schema_migration')",
    };
    if engine.query(exists, Vec::new()).await?.is_empty() {
        return Ok(Vec::new());
    }
    let rows = engine
        .query("SELECT number FROM schema_migration ORDER BY number", Vec::new())
        .await?;
    Ok((0..rows.len()).map(|row| rows.i64(row, 0)).collect())
}

/// Brings one engine to the newest schema. Returns the numbers of the migrations it applied.
pub(crate) async fn migrate(engine: &dyn Engine, dialect: Dialect, parts: &[Part]) -> Result<Vec<i64>, StorageError> {
    let done = applied(engine, dialect).await?;
    if let Some(found) = done.last().copied().filter(|found| *found > NEWEST) {
        return Err(StorageError::Schema { found, known: NEWEST });
    }
    let mut now_done = Vec::new();
    for migration in MIGRATIONS.iter().filter(|migration| parts.contains(&migration.part)) {
        if done.contains(&migration.number) {
            continue;
        }
        let body = match dialect {
            Dialect::Sqlite => migration.sqlite,
            Dialect::Postgres => migration.postgres,
        };
        let number = migration.number;
        let script = format!(
            "CREATE TABLE IF NOT EXISTS schema_migration (number BIGINT PRIMARY KEY);
             {body};
             INSERT INTO schema_migration (number) VALUES ({number})"
        );
        engine.script(&script).await?;
        now_done.push(number);
    }
    Ok(now_done)
}

/// Refuses a database that is behind or ahead of this binary.
pub(crate) async fn check(engine: &dyn Engine, dialect: Dialect, parts: &[Part]) -> Result<(), StorageError> {
    let done = applied(engine, dialect).await?;
    let wanted = MIGRATIONS.iter().filter(|migration| parts.contains(&migration.part));
    let found = done.last().copied().unwrap_or(0);
    if found > NEWEST
        || wanted
            .map(|migration| migration.number)
            .any(|number| !done.contains(&number))
    {
        return Err(StorageError::Schema { found, known: NEWEST });
    }
    Ok(())
}
