//! Opening a database: where it is, whether its schema fits, and its logs and views.

use std::path::PathBuf;
use std::sync::Arc;

use crate::engine::{Engine, Postgres, Sqlite};
use crate::error::StorageError;
use crate::keys::KeyStore;
use crate::log::Log;
use crate::record::LogName;
use crate::schema::{self, Dialect, Part};
use crate::views::ViewStore;

/// Gives the time in microseconds since 1970 UTC; the log never lets it go backwards.
pub type TimeSource = Arc<dyn Fn() -> i64 + Send + Sync>;

/// How to open a store.
#[derive(Clone)]
pub struct StoreOptions {
    /// `sqlite:PATH`, or `postgres://USER:PASSWORD@HOST:PORT/DATABASE`.
    pub url: String,
    /// Where keys are kept, in the same form; beside the rest when `None`: `PATH-keys`, or the same PostgreSQL database.
    pub keys: Option<String>,
    /// Create what is missing and apply migrations; without it, a store that does not fit is refused.
    pub migrate: bool,
    /// What `recorded` means.
    pub time: TimeSource,
}

/// The path of a SQLite URL; `None` for a PostgreSQL URL.
fn sqlite_path(url: &str) -> Result<Option<&str>, StorageError> {
    if let Some(path) = url.strip_prefix("sqlite:") {
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.is_empty() {
            return Err(StorageError::Url("expected sqlite:PATH".into()));
        }
        return Ok(Some(path));
    }
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Ok(None);
    }
    Err(StorageError::Url(
        "expected a database URL of the form sqlite:PATH or postgres://USER@HOST/DATABASE".into(),
    ))
}

fn beside(path: &str, ending: &str) -> PathBuf {
    let mut path = PathBuf::from(path).into_os_string();
    path.push(ending);
    path.into()
}

/// An open database.
pub struct Store {
    main: Log,
    access: Log,
    views: ViewStore,
    keys: KeyStore,
    log_engine: Arc<dyn Engine>,
    view_engine: Arc<dyn Engine>,
    one_database: bool,
    migrated: Vec<i64>,
}

impl Store {
    /// Opens the database and recovers the logs' heads.
    ///
    /// # Errors
    /// [`StorageError::Url`], [`StorageError::Schema`], [`StorageError::Unavailable`], or [`StorageError::Corrupt`]
    /// when the stored tree does not continue.
    pub async fn open(options: StoreOptions) -> Result<Self, StorageError> {
        let (dialect, log_engine, view_engine): (Dialect, Arc<dyn Engine>, Arc<dyn Engine>) =
            if let Some(path) = sqlite_path(&options.url)? {
                let log = Sqlite::open(path.as_ref(), true, options.migrate)?;
                let views = Sqlite::open(&beside(path, "-views"), false, options.migrate)?;
                (Dialect::Sqlite, Arc::new(log), Arc::new(views))
            } else {
                let log = Postgres::open(&options.url, true).await?;
                let views = Postgres::open(&options.url, false).await?;
                (Dialect::Postgres, Arc::new(log), Arc::new(views))
            };
        let (key_dialect, key_engine): (Dialect, Arc<dyn Engine>) = match (&options.keys, sqlite_path(&options.url)?) {
            (None, None) => (Dialect::Postgres, Arc::clone(&log_engine)),
            (None, Some(path)) => {
                let keys = Sqlite::open_wiping(&beside(path, "-keys"), options.migrate)?;
                (Dialect::Sqlite, Arc::new(keys))
            }
            (Some(url), _) => match sqlite_path(url)? {
                Some(path) => (
                    Dialect::Sqlite,
                    Arc::new(Sqlite::open_wiping(path.as_ref(), options.migrate)?),
                ),
                None => (Dialect::Postgres, Arc::new(Postgres::open(url, true).await?)),
            },
        };
        let one_database = dialect == Dialect::Postgres;
        let mut migrated = Vec::new();
        if options.migrate {
            migrated.extend(schema::migrate(log_engine.as_ref(), dialect, &[Part::Log]).await?);
            migrated.extend(schema::migrate(view_engine.as_ref(), dialect, &[Part::Views]).await?);
            migrated.extend(schema::migrate(key_engine.as_ref(), key_dialect, &[Part::Keys]).await?);
        } else {
            schema::check(log_engine.as_ref(), dialect, &[Part::Log]).await?;
            schema::check(view_engine.as_ref(), dialect, &[Part::Views]).await?;
            schema::check(key_engine.as_ref(), key_dialect, &[Part::Keys]).await?;
        }
        let open_log = |name| Log::open(name, Arc::clone(&log_engine), Arc::clone(&options.time));
        Ok(Self {
            main: open_log(LogName::Main).await?,
            access: open_log(LogName::Access).await?,
            views: ViewStore::new(Arc::clone(&view_engine)),
            keys: KeyStore::new(key_engine),
            log_engine,
            view_engine,
            one_database,
            migrated,
        })
    }

    /// Opens the logs of a database to look at them, however damaged: nothing is recovered, nothing can be appended, and
    /// neither views nor keys need be there.
    ///
    /// # Errors
    /// [`StorageError::Url`], [`StorageError::Schema`], [`StorageError::Unavailable`].
    pub async fn open_to_verify(url: &str) -> Result<Self, StorageError> {
        let (dialect, engine): (Dialect, Arc<dyn Engine>) = match sqlite_path(url)? {
            Some(path) => (Dialect::Sqlite, Arc::new(Sqlite::open(path.as_ref(), true, false)?)),
            None => (Dialect::Postgres, Arc::new(Postgres::open(url, true).await?)),
        };
        schema::check(engine.as_ref(), dialect, &[Part::Log]).await?;
        Ok(Self {
            main: Log::open_to_verify(LogName::Main, Arc::clone(&engine)).await?,
            access: Log::open_to_verify(LogName::Access, Arc::clone(&engine)).await?,
            views: ViewStore::new(Arc::clone(&engine)),
            keys: KeyStore::new(Arc::clone(&engine)),
            log_engine: Arc::clone(&engine),
            view_engine: engine,
            one_database: true,
            migrated: Vec::new(),
        })
    }

    /// Stops the writers after what waits is committed and answered. Handles of the logs that are still around can
    /// read but no longer append.
    pub async fn close(self) {
        self.main.close().await;
        self.access.close().await;
    }

    /// Moves what SQLite has written ahead of the log's file into it, so that a copy of the file is whole. Nothing on
    /// PostgreSQL, where files are nobody's to copy.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn move_into_file(&self) -> Result<(), StorageError> {
        if !self.one_database {
            self.log_engine.scrub("main_event").await?;
        }
        Ok(())
    }

    /// One of the two logs.
    pub fn log(&self, name: LogName) -> &Log {
        match name {
            LogName::Main => &self.main,
            LogName::Access => &self.access,
        }
    }

    /// The views.
    pub fn views(&self) -> &ViewStore {
        &self.views
    }

    /// The keys of people.
    pub fn keys(&self) -> &KeyStore {
        &self.keys
    }

    /// Database and version, for people.
    pub fn describe(&self) -> &str {
        self.log_engine.describe()
    }

    /// Numbers of the migrations that opening applied.
    pub fn migrated(&self) -> &[i64] {
        &self.migrated
    }

    /// Bytes on disk: of the log and of the views; PostgreSQL reports one number for both, as the first.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn size_bytes(&self) -> Result<(u64, u64), StorageError> {
        let log = self.log_engine.size_bytes().await?;
        let views = if self.one_database {
            0
        } else {
            self.view_engine.size_bytes().await?
        };
        Ok((log, views))
    }
}
