//! Syncs the write-ahead log beside the writer: a transaction can be committed while those before it are being synced.
//!
//! SQLite itself syncs inside a commit (`synchronous=FULL`) or not at all until the next checkpoint (`NORMAL`). With
//! `NORMAL` and this, a commit is durable when the sync that began after it has returned: the same bytes are in the same
//! file as with `FULL`, and what a power cut leaves is a beginning of what was committed, which nobody was told the end of.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;

use tokio::sync::watch;

/// Its thread ends with the last clone of it.
#[derive(Clone)]
pub(super) struct Syncer {
    /// Commits so far.
    committed: Arc<AtomicU64>,
    /// How many of them are durable.
    synced: watch::Receiver<u64>,
    /// Holds at most one: a sync that has not begun is for everything that is committed when it does.
    wanted: mpsc::SyncSender<()>,
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
        // What an earlier process has left counts as one commit.
        let committed = Arc::new(AtomicU64::new(1));
        let (synced, durable) = watch::channel(0);
        let (wanted, wishes) = mpsc::sync_channel(1);
        let counter = Arc::clone(&committed);
        std::thread::Builder::new()
            .name("sqlite-sync".into())
            .spawn(move || work(&log, &counter, &synced, &wishes))?;
        Ok(Self {
            committed,
            synced: durable,
            wanted,
        })
    }

    /// Tells of a commit. Its sync begins now, before whoever waits for the commit has heard of it: under load that takes
    /// longer than the sync.
    pub(super) fn committed(&self) {
        self.committed.fetch_add(1, Ordering::SeqCst);
        self.want();
    }

    fn want(&self) {
        // Full: one that has not begun is wanted already. That nobody takes it any more is noticed by who waits.
        let _ = self.wanted.try_send(());
    }

    /// Returns when everything that was committed before is durable.
    pub(super) async fn sync(&self) {
        let committed = self.committed.load(Ordering::SeqCst);
        let mut synced = self.synced.clone();
        if *synced.borrow() < committed {
            self.want();
        }
        if synced.wait_for(|synced| *synced >= committed).await.is_err() {
            super::disk_failed(&"the thread that syncs has ended");
        }
    }
}

fn work(log: &File, committed: &AtomicU64, synced: &watch::Sender<u64>, wishes: &mpsc::Receiver<()>) {
    while wishes.recv().is_ok() {
        let commits = committed.load(Ordering::SeqCst);
        if *synced.borrow() == commits {
            continue;
        }
        if let Err(error) = log.sync_data() {
            super::disk_failed(&error);
        }
        synced.send_replace(commits);
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::time::Duration;

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

    #[tokio::test]
    async fn a_commit_is_synced_before_anybody_asks() {
        let directory = tempfile::tempdir().expect("a directory");
        let sqlite = Sqlite::open(&directory.path().join("file.db"), true, true).expect("opens");
        let mut synced = sqlite.syncer.as_ref().expect("syncs beside").synced.clone();
        for commits in 2..=4 {
            assert!(sqlite.write_ahead(Write::default()).await.expect("is committed"));
            let durable = tokio::time::timeout(Duration::from_secs(10), synced.wait_for(|synced| *synced >= commits));
            assert!(durable.await.is_ok_and(|synced| synced.is_ok()), "commit {commits}");
        }
        sqlite.sync().await;
    }

    #[tokio::test]
    async fn what_was_there_before_is_synced_when_somebody_asks() {
        let directory = tempfile::tempdir().expect("a directory");
        let sqlite = Sqlite::open(&directory.path().join("file.db"), true, true).expect("opens");
        let synced = sqlite.syncer.as_ref().expect("syncs beside").synced.clone();
        assert_eq!(*synced.borrow(), 0);
        sqlite.sync().await;
        assert_eq!(*synced.borrow(), 1);
    }
}
