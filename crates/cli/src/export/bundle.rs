//! Writes a bundle: a C2SP tlog-tiles directory, the blobs its headers are digests of, and a script that verifies them.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use waystation_app::bundle::{self, Blob};
use waystation_app::{DISCLOSED_KEYS, KeptCheckpoint, Log, LogName, Signer, Store};

use super::for_person::check_new;
use crate::key;
use crate::lang::say;
use crate::progress::Progress;

/// Leaves of one file.
const WIDTH: u64 = 256;
/// The verifier that is put into the bundle.
const VERIFIER: &str = include_str!("verify.py");
/// Name of the file with the log's key, for the inspector to compare with the one she has.
const KEY_FILE: &str = "log.vkey";

#[derive(Args)]
pub(super) struct Bundle {
    /// sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE
    #[arg(long)]
    database: String,
    /// The key that signs the log's checkpoints
    #[arg(long, value_name = "FILE")]
    signing_key: PathBuf,
    /// The directory to write; it must not exist
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Leave what was recorded out and give only headers and tiles: enough to prove that nothing was changed
    #[arg(long)]
    headers_only: bool,
    /// Give the keys of these people too, encrypted to the inspector; each is put on record as read
    #[arg(long, value_name = "PERSON", requires_all = ["recipient", "inspector"], conflicts_with = "headers_only")]
    person: Vec<String>,
    /// The inspector's age recipient, age1…
    #[arg(long, value_name = "RECIPIENT", requires = "person")]
    recipient: Option<String>,
    /// Account of the inspector, as whose reading it goes on record
    #[arg(long, value_name = "ACCOUNT", requires = "person")]
    inspector: Option<String>,
}

pub(super) fn write(root: &Path, path: &str, bytes: &[u8]) -> anyhow::Result<()> {
    let file = root.join(path);
    if let Some(directory) = file.parent() {
        std::fs::create_dir_all(directory)?;
    }
    std::fs::write(&file, bytes).with_context(|| format!("cannot write {}", file.display()))
}

impl Bundle {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let signer = key::read(&self.signing_key)?;
        check_new(&self.out)?;
        let size = match (&self.recipient, &self.inspector) {
            (Some(recipient), Some(inspector)) => {
                let app = crate::open_app_as_it_is(&self.database).await?;
                // First: what is refused must leave no half of a bundle.
                let written = match app.disclose_keys(&self.person, recipient, inspector).await {
                    Ok(keys) => self.write_from(app.store(), &signer, Some(&keys)).await,
                    Err(error) => Err(error.into()),
                };
                app.close().await;
                written?
            }
            _ => {
                let store = crate::open(&self.database, false).await?;
                let written = self.write_from(&store, &signer, None).await;
                store.close().await;
                written?
            }
        };
        println!("{} {}", say("events", "事件"), size);
        println!(
            "{} python3 {}/verify.py --key '{}' {}",
            say("verify it with:", "校验命令："),
            self.out.display(),
            signer.verifier(),
            self.out.display()
        );
        Ok(ExitCode::SUCCESS)
    }

    async fn write_from(&self, store: &Store, signer: &Signer, keys: Option<&[u8]>) -> anyhow::Result<u64> {
        let log = store.log(LogName::Main);
        let head = log.head();
        let mut progress = Progress::new("bundle");
        for number in 0..head.size.div_ceil(WIDTH) {
            self.leaves(log, number, head.size).await?;
            progress.set(head.size.min((number + 1) * WIDTH), head.size);
        }
        self.tiles(log, head.size).await?;
        let note = signer.sign(head.size, head.root);
        let kept = KeptCheckpoint {
            size: head.size,
            witnesses: 0,
            note: note.clone(),
        };
        log.keep_checkpoint(&kept).await?;
        write(&self.out, bundle::CHECKPOINT, note.as_bytes())?;
        write(&self.out, KEY_FILE, format!("{}\n", signer.verifier()).as_bytes())?;
        write(&self.out, "verify.py", VERIFIER.as_bytes())?;
        if let Some(keys) = keys {
            write(&self.out, DISCLOSED_KEYS, keys)?;
        }
        Ok(head.size)
    }

    /// The headers and blobs of 256 leaves.
    async fn leaves(&self, log: &Log, number: u64, size: u64) -> anyhow::Result<()> {
        let first = number * WIDTH;
        let width = (size - first).min(WIDTH) as usize;
        let events = log.stored(first + 1).await?;
        let (mut entries, mut blobs) = (Vec::new(), Vec::new());
        for (offset, event) in events.iter().take(width).enumerate() {
            if event.position != first + offset as u64 + 1 {
                break;
            }
            bundle::put_entry(&mut entries, &event.header);
            let blob = Blob {
                salt: event.salt,
                body: &event.body,
                envelopes: event.envelopes.iter().map(AsRef::as_ref).collect(),
            };
            bundle::put_blob(&mut blobs, (!self.headers_only).then_some(&blob));
        }
        write(&self.out, &bundle::entries_path(number, width), &entries)?;
        write(&self.out, &bundle::blobs_path(number, width), &blobs)
    }

    async fn tiles(&self, log: &Log, size: u64) -> anyhow::Result<()> {
        for level in 0..8 {
            let complete = size >> (8 * level);
            for number in 0..complete.div_ceil(WIDTH) {
                let width = (complete - number * WIDTH).min(WIDTH) as usize;
                let mut hashes = log.tile(level, number).await?;
                // The log may have grown meanwhile.
                hashes.truncate(width);
                write(&self.out, &bundle::tile_path(level, number, width), &hashes.concat())?;
            }
        }
        Ok(())
    }
}
