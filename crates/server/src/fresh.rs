//! Files that other programs replace while the server runs: certificates, lists of revoked ones, keys of identity providers.
//!
//! They are looked at every few seconds. What reads well takes the place of what was there; what does not is said in the
//! program's log once, and what was there stays.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::watch;
use zeroize::Zeroizing;

/// How often the files are looked at.
const LOOKED_AT_EVERY: Duration = Duration::from_secs(2);
/// Largest file that is read, in bytes; a list of revoked certificates may be long.
const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Why files do not serve.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// A file cannot be read.
    #[error("{file}: cannot be read")]
    Unreadable {
        /// The file.
        file: String,
        /// Why.
        source: io::Error,
    },
    /// A file is not what it should be.
    #[error("{file}: expected {expected}")]
    Content {
        /// The file.
        file: String,
        /// What should be there.
        expected: &'static str,
    },
    /// The files are good each and do not fit together.
    #[error("{0}")]
    Unfit(String),
}

/// The failure of one file.
pub(crate) fn content(path: &Path, expected: &'static str) -> FileError {
    FileError::Content {
        file: path.display().to_string(),
        expected,
    }
}

type Files = Vec<Zeroizing<Vec<u8>>>;
type Parse<T> = Box<dyn Fn(&Files) -> Result<T, FileError> + Send + Sync>;

/// What some files say, as they are now.
pub(crate) struct Fresh<T> {
    paths: Vec<PathBuf>,
    parse: Parse<T>,
    current: RwLock<(Files, Arc<T>)>,
    generation: AtomicU64,
}

impl<T: Send + Sync + 'static> Fresh<T> {
    /// Reads the files for the first time.
    ///
    /// # Errors
    /// [`FileError`], which names the file.
    pub(crate) fn open(
        paths: Vec<PathBuf>,
        parse: impl Fn(&Files) -> Result<T, FileError> + Send + Sync + 'static,
    ) -> Result<Arc<Self>, FileError> {
        let files = read(&paths)?;
        let first = Arc::new(parse(&files)?);
        Ok(Arc::new(Self {
            paths,
            parse: Box::new(parse),
            current: RwLock::new((files, first)),
            generation: AtomicU64::new(0),
        }))
    }

    /// What they say.
    pub(crate) fn current(&self) -> Arc<T> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner).1)
    }

    /// Grows whenever they say something else; read it before [`Fresh::current`].
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Takes the files as they are now; whether they have changed.
    fn refresh(&self) -> Result<bool, FileError> {
        let files = read(&self.paths)?;
        if files == self.current.read().unwrap_or_else(PoisonError::into_inner).0 {
            return Ok(false);
        }
        let parsed = Arc::new((self.parse)(&files)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = (files, parsed);
        self.generation.fetch_add(1, Ordering::Release);
        Ok(true)
    }

    /// Looks at the files until `stopped`.
    pub(crate) async fn keep(self: Arc<Self>, mut stopped: watch::Receiver<bool>) {
        let mut said = String::new();
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOKED_AT_EVERY) => {}
                _ = stopped.wait_for(|stopped| *stopped) => return,
            }
            let this = Arc::clone(&self);
            let failure = match tokio::task::spawn_blocking(move || this.refresh()).await {
                Ok(Ok(changed)) => {
                    if changed {
                        tracing::info!(files = ?self.paths, "files were replaced");
                    }
                    String::new()
                }
                Ok(Err(error)) => error.to_string(),
                Err(error) => error.to_string(),
            };
            if failure != said && !failure.is_empty() {
                tracing::error!(failure, "replaced files do not serve; what was there before stays");
            }
            said = failure;
        }
    }
}

fn read(paths: &[PathBuf]) -> Result<Files, FileError> {
    let read = |path: &PathBuf| {
        let failed = |source| FileError::Unreadable {
            file: path.display().to_string(),
            source,
        };
        if fs::metadata(path).map_err(failed)?.len() > FILE_BYTES_MAX {
            return Err(content(path, "at most 16 MiB"));
        }
        fs::read(path).map(Zeroizing::new).map_err(failed)
    };
    paths.iter().map(read).collect()
}
