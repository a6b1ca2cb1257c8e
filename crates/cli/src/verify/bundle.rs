//! A bundle of files, without a database. The script `verify.py` in the bundle looks at the same with none of our code.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use waystation_app::{StorageError, bundle};

use super::trust::Trust;
use super::{Line, report};

#[derive(Args)]
pub(super) struct Bundle {
    /// The bundle's directory
    directory: PathBuf,
    #[command(flatten)]
    trust: Trust,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

impl Bundle {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let policy = self.trust.policy_needed()?;
        let anchor = self.trust.anchors()?.main;
        if !self.directory.is_dir() {
            let what = format!("{}: it is not a directory", self.directory.display());
            return Err(StorageError::Url(what).into());
        }
        let read = |path: &str| std::fs::read(self.directory.join(path)).ok();
        let verified = bundle::verify(read, &policy, anchor.as_ref());
        let line = Line::contradictions("bundle", verified.events, &verified.contradictions);
        Ok(report(&[line], self.json))
    }
}
