//! Syncs the write-ahead log beside the writer: a transaction can be committed while those before it are being synced.
//!
//! SQLite itself syncs inside a commit (`synchronous=FULL`) or not at all until the next checkpoint (`NORMAL`). With
//! `NORMAL` and this, a commit is durable when the sync that began after it has returned: the same bytes are in the same
//! file as with `FULL`, and what a power cut leaves is a beginning of what was committed, which nobody was told the end of.

use std::fs::File;
use std::path::Path;

use tokio::sync::{mpsc, oneshot};

/// Syncs that may be asked for at once; who comes then waits for a place.
const WAITING_MAX: usize = 16;

/// Its thread ends with it.
pub(super) struct Syncer {
    wanted: mpsc::Sender<oneshot::Sender<()>>,
}

impl Syncer {
    /// For a database file whose write-ahead log is there: a connection that is kept has read from it.
    pub(super) fn start(database: &Path) -> std::io::Result<Self> {
        // SQLite follows links before it names the log, so the log is beside what the path leads to.
        let mut path = database.canonicalize()?.into_os_string();
        path.push("-wal");
        // Opened now, so that a write that fails from here on is reported here too. It is never another file while this
        // process runs: only the last connection to close would take it away.
        let log = File::open(path)?;
        let (wanted, waiting) = mpsc::channel(WAITING_MAX);
        std::thread::Builder::new()
            .name("sqlite-sync".into())
            .spawn(move || work(&log, waiting))?;
        Ok(Self { wanted })
    }

    /// Returns when everything that was committed before is durable.
    pub(super) async fn sync(&self) {
        let (done, synced) = oneshot::channel();
        let asked = self.wanted.send(done).await.is_ok();
        if !asked || synced.await.is_err() {
            super::disk_failed(&"the thread that syncs has ended");
        }
    }
}

fn work(log: &File, mut waiting: mpsc::Receiver<oneshot::Sender<()>>) {
    while let Some(first) = waiting.blocking_recv() {
        let mut served = vec![first];
        while served.len() < WAITING_MAX
            && let Ok(next) = waiting.try_recv()
        {
            served.push(next);
        }
        if let Err(error) = log.sync_data() {
            super::disk_failed(&error);
        }
        for done in served {
            let _ = done.send(());
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use crate::engine::{Engine, Sqlite, Write};

    #[tokio::test]
    async fn the_log_that_is_synced_is_beside_what_a_link_leads_to() {
        let directory = tempfile::tempdir().expect("a directory");
        let (link, file) = (directory.path().join("link.db"), directory.path().join("file.db"));
        std::fs::write(&file, b"").expect("is made");
        std::os::unix::fs::symlink(&file, &link).expect("is linked");
        let sqlite = Sqlite::open(&link, true, true).expect("opens");
        assert!(directory.path().join("file.db-wal").exists());
        assert!(!directory.path().join("link.db-wal").exists());
        assert!(sqlite.write_ahead(Write::default()).await.expect("is committed"));
        sqlite.sync().await;
    }
}
