//! What is written for one person to keep: whose, from where, signed with what, and into which directory.

use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::Args;
use waystation_app::{App, Signer, StorageError};

use crate::key;

#[derive(Args)]
pub(super) struct ForPerson {
    /// sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE
    #[arg(long)]
    database: String,
    /// The key that signs the log's checkpoints
    #[arg(long, value_name = "FILE")]
    signing_key: PathBuf,
    /// The person's random id
    #[arg(long)]
    pub(super) person: String,
    /// The directory to write; it must not exist
    #[arg(long, value_name = "DIR")]
    pub(super) out: PathBuf,
}

impl ForPerson {
    /// Opens what is needed for writing, and closes it again.
    pub(super) async fn write<T>(
        &self,
        write: impl AsyncFnOnce(&App, &Signer) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let signer = key::read(&self.signing_key)?;
        check_new(&self.out)?;
        let app = crate::open_app_as_it_is(&self.database).await?;
        let written = write(&app, &signer).await;
        app.close().await;
        written
    }
}

/// Refuses a directory that is there: nothing is written over.
pub(super) fn check_new(out: &Path) -> anyhow::Result<()> {
    if out.exists() {
        bail!(StorageError::Url(format!("{}: it exists already", out.display())));
    }
    Ok(())
}
