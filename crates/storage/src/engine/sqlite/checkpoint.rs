//! Moves committed pages from the write-ahead log into the database file beside the writer: a checkpoint syncs the
//! whole file, and every caller would wait for it if it ran inside a commit.

use std::cell::Cell;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::EngineError;
use super::classify;
use super::synced;

/// Pages of write-ahead log after which the next checkpoint begins.
const PAGES: i32 = 4_096;
/// Pages at which the writer itself finishes checkpoints, so that the log begins again from its start: under load one
/// beside the writer never reaches the end of a log that grows. A target, not a bound: a reader that is in the middle of
/// a page keeps the log from beginning again, and then it is tried anew after [`PAGES`] more.
const PAGES_MAX: i32 = 32_768;
/// How long the writer waits for readers to finish then, and for everything else.
const READERS_WAIT: Duration = Duration::from_millis(50);
const BUSY_WAIT: Duration = Duration::from_secs(5);

thread_local! {
    /// Pages in the write-ahead log after this thread's last commit.
    static LOGGED: Cell<i32> = const { Cell::new(0) };
}

/// Belongs to the writer's thread. Its own thread ends with it.
pub(super) struct Checkpointer {
    wake: mpsc::SyncSender<()>,
    /// Pages in the log when the last checkpoint was asked for.
    asked: i32,
}

impl Checkpointer {
    /// Takes over from SQLite's own checkpoints inside commits, unless its thread cannot be started. Must run on the
    /// thread that commits.
    pub(super) fn start(path: &Path, writer: &Connection) -> std::io::Result<Self> {
        // One wake-up may wait: it stands for all that come while a checkpoint runs.
        let (wake, woken) = mpsc::sync_channel(1);
        let path = path.to_owned();
        std::thread::Builder::new()
            .name("sqlite-checkpoint".into())
            .spawn(move || work(&path, &woken))?;
        // SQLite's own checkpoints are a hook too, which this one replaces.
        writer.wal_hook(Some(|_, pages| {
            LOGGED.set(pages);
            Ok(())
        }));
        Ok(Self { wake, asked: 0 })
    }

    /// After each commit.
    pub(super) fn committed(&mut self, writer: &Connection) {
        let pages = LOGGED.get();
        if pages < self.asked {
            self.asked = 0; // the log began again from its start
        }
        if pages - self.asked < PAGES {
            return;
        }
        self.asked = pages;
        if pages >= PAGES_MAX {
            report(begin_again(writer));
        } else {
            // A full channel means that it will be woken anyway.
            let _ = self.wake.try_send(());
        }
    }
}

fn work(path: &Path, woken: &mpsc::Receiver<()>) {
    let mut connection = None;
    while woken.recv().is_ok() {
        let open = match connection.take() {
            Some(open) => Ok(open),
            // Never made: a file that is gone must not come back empty.
            None => Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(classify),
        };
        report(open.and_then(|open| {
            checkpoint(&open)?;
            connection = Some(open);
            Ok(())
        }));
    }
}

/// Copies everything, waits a moment for readers, and lets the log begin again from its start.
fn begin_again(writer: &Connection) -> Result<(), EngineError> {
    writer.busy_timeout(READERS_WAIT).map_err(classify)?;
    let pragma = writer.query_row("PRAGMA wal_checkpoint(RESTART)", [], |_| Ok(()));
    writer.busy_timeout(BUSY_WAIT).map_err(classify)?;
    pragma.map_err(synced)
}

/// Copies what it can without making anybody wait.
fn checkpoint(connection: &Connection) -> Result<(), EngineError> {
    let pragma = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
    pragma.map_err(synced)
}

/// Nothing is lost when a checkpoint is refused: the pages stay in the log until one succeeds.
fn report(outcome: Result<(), EngineError>) {
    if let Err(error) = outcome {
        tracing::warn!(error = %error, "a checkpoint of SQLite failed and will be tried again");
    }
}
