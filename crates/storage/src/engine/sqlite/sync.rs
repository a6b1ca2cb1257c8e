//! Syncs the write-ahead log beside the writer: a transaction can be committed while those before it are being synced.
//!
//! SQLite itself syncs inside a commit (`synchronous=FULL`) or not at all until the next checkpoint (`NORMAL`). With
//! `NORMAL` and this, a commit is durable when the sync that began after it has returned: the same bytes are in the same
//! file as with `FULL`, and what a power cut leaves is a beginning of what was committed, which nobody was told the end of.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::mpsc;

use tokio::sync::oneshot;

use crate::engine::EngineError;

/// Syncs that may be asked for at once: one a log, and some to spare.
const WAITING_MAX: usize = 16;

/// Its thread ends with it.
pub(super) struct Syncer {
    wanted: mpsc::SyncSender<oneshot::Sender<()>>,
}

impl Syncer {
    /// For the database file at a path.
    pub(super) fn start(database: &Path) -> std::io::Result<Self> {
        let mut path = database.as_os_str().to_owned();
        path.push("-wal");
        let path = PathBuf::from(path);
        let (wanted, waiting) = mpsc::sync_channel(WAITING_MAX);
        std::thread::Builder::new()
            .name("sqlite-sync".into())
            .spawn(move || work(&path, &waiting))?;
        Ok(Self { wanted })
    }

    /// Returns when everything that was committed before is durable.
    pub(super) async fn sync(&self) -> Result<(), EngineError> {
        let (done, synced) = oneshot::channel();
        self.wanted
            .try_send(done)
            .map_err(|_| EngineError::Refused("too many wait for the disk, or it is not synced any more".into()))?;
        synced.await.map_err(|error| EngineError::Lost(error.into()))
    }
}

fn work(path: &Path, waiting: &mpsc::Receiver<oneshot::Sender<()>>) {
    let mut log: Option<File> = None;
    while let Ok(first) = waiting.recv() {
        let mut served = vec![first];
        served.extend(waiting.try_iter().take(WAITING_MAX));
        // The connection that commits keeps the file there; it is never another one while this process runs.
        let synced = match &log {
            Some(log) => log.sync_data(),
            None => File::open(path).and_then(|opened| log.insert(opened).sync_data()),
        };
        if let Err(error) = synced {
            super::disk_failed(&error);
        }
        for done in served {
            let _ = done.send(());
        }
    }
}
