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
    /// What there is to be synced, in numbers: transactions that have returned, and questions about what is visible.
    counted: Arc<AtomicU64>,
    /// How many of them are synced.
    synced: watch::Receiver<u64>,
    /// Holds at most one: a sync that has not begun is for everything that is counted when it does.
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
        Self::with(move || log.sync_data())
    }

    fn with(sync: impl FnMut() -> std::io::Result<()> + Send + 'static) -> std::io::Result<Self> {
        let counted = Arc::new(AtomicU64::new(0));
        let (done, synced) = watch::channel(0);
        let (wanted, wishes) = mpsc::sync_channel(1);
        let counter = Arc::clone(&counted);
        std::thread::Builder::new()
            .name("sqlite-sync".into())
            .spawn(move || work(sync, &counter, &done, &wishes))?;
        Ok(Self {
            counted,
            synced,
            wanted,
        })
    }

    /// Tells of a transaction that returns. Its sync begins as soon as the thread is free, before whoever waits for the
    /// transaction has heard of it: under load that takes longer than the sync.
    pub(super) fn returned(&self) {
        self.count();
    }

    /// Counts one more thing to be synced: everything that was written before the call.
    fn count(&self) -> u64 {
        let number = self.counted.fetch_add(1, Ordering::SeqCst) + 1;
        // Full: a sync that has not begun is wanted already. That nobody takes it any more is noticed by who waits.
        let _ = self.wanted.try_send(());
        number
    }

    /// Returns when every transaction that returned before is durable.
    pub(super) async fn sync_returned(&self) {
        self.until(self.counted.load(Ordering::SeqCst)).await;
    }

    /// Returns when everything that was visible before is durable: a transaction can be seen before it returns, so that
    /// only a sync that begins now is sure to be for it.
    pub(super) async fn sync(&self) {
        self.until(self.count()).await;
    }

    async fn until(&self, number: u64) {
        if self.synced.clone().wait_for(|synced| *synced >= number).await.is_err() {
            super::disk_failed(&"the thread that syncs has ended");
        }
    }
}

fn work(
    mut sync: impl FnMut() -> std::io::Result<()>,
    counted: &AtomicU64,
    synced: &watch::Sender<u64>,
    wishes: &mpsc::Receiver<()>,
) {
    while wishes.recv().is_ok() {
        // Before the sync: what is counted while it runs may not be in it.
        let number = counted.load(Ordering::SeqCst);
        if *synced.borrow() == number {
            continue;
        }
        if let Err(error) = sync() {
            super::disk_failed(&error);
        }
        synced.send_replace(number);
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::engine::{Engine, Sqlite, Write};

    const SOON: Duration = Duration::from_millis(100);
    const LONG: Duration = Duration::from_secs(10);

    /// A disk that says when a sync begins and ends it when it is told to.
    struct Disk {
        begun: mpsc::Receiver<()>,
        end: mpsc::Sender<()>,
    }

    fn slow() -> (Syncer, Disk) {
        let (begins, begun) = mpsc::channel();
        let (end, ends) = mpsc::channel();
        let sync = move || {
            begins.send(()).expect("is heard");
            ends.recv().expect("is told");
            Ok(())
        };
        (Syncer::with(sync).expect("starts"), Disk { begun, end })
    }

    async fn is_done(work: impl Future<Output = ()>, within: Duration) -> bool {
        tokio::time::timeout(within, work).await.is_ok()
    }

    #[tokio::test]
    async fn a_transaction_is_synced_before_anybody_asks() {
        let (syncer, disk) = slow();
        assert!(is_done(syncer.sync_returned(), LONG).await, "there was nothing");
        syncer.returned();
        disk.begun.recv_timeout(LONG).expect("begins by itself");
        assert!(!is_done(syncer.sync_returned(), SOON).await);
        disk.end.send(()).expect("is heard");
        assert!(is_done(syncer.sync_returned(), LONG).await);
        assert!(disk.begun.try_recv().is_err(), "one sync was enough");
    }

    #[tokio::test]
    async fn what_returns_during_a_sync_waits_for_the_next_and_all_of_it_for_one() {
        let (syncer, disk) = slow();
        syncer.returned();
        disk.begun.recv_timeout(LONG).expect("begins");
        for _ in 0..3 {
            syncer.returned();
        }
        disk.end.send(()).expect("is heard");
        disk.begun.recv_timeout(LONG).expect("begins again");
        assert!(!is_done(syncer.sync_returned(), SOON).await);
        disk.end.send(()).expect("is heard");
        assert!(is_done(syncer.sync_returned(), LONG).await);
        assert!(disk.begun.recv_timeout(SOON).is_err(), "one sync was enough");
    }

    #[tokio::test]
    async fn what_may_have_been_seen_waits_for_a_sync_that_begins_afterwards() {
        let (syncer, disk) = slow();
        syncer.returned();
        disk.begun.recv_timeout(LONG).expect("begins");
        // What is seen now, and has not returned, may have been written after the sync began.
        let seen = tokio::spawn({
            let syncer = syncer.clone();
            async move { syncer.sync().await }
        });
        while syncer.counted.load(Ordering::SeqCst) < 2 {
            tokio::task::yield_now().await;
        }
        disk.end.send(()).expect("is heard");
        disk.begun.recv_timeout(LONG).expect("begins again");
        assert!(is_done(syncer.until(1), LONG).await);
        assert!(!seen.is_finished());
        disk.end.send(()).expect("is heard");
        assert!(is_done(async { seen.await.expect("does not panic") }, LONG).await);
        // And when nothing has been counted since: another sync, not an answer at once.
        assert!(!is_done(syncer.sync(), SOON).await);
        disk.end.send(()).expect("is heard");
    }

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
        sqlite.sync_returned().await;
        assert_eq!(*sqlite.syncer.as_ref().expect("syncs beside").synced.borrow(), 1);
        sqlite.sync().await;
    }
}
