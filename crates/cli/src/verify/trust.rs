//! Whom to believe: the log's key or a policy file, and a checkpoint that was kept outside.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use waystation_app::{Checkpoint, StorageError, TrustPolicy, Verifier};

/// Largest file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 256 * 1024;

#[derive(Args)]
pub(super) struct Trust {
    /// The key that verifies the log's checkpoints, as `waystation key new` printed it
    #[arg(long, value_name = "KEY", conflicts_with = "policy")]
    verifier: Option<String>,
    /// Logs, witnesses and how many of them it takes, as a C2SP tlog-policy
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// A checkpoint kept outside from an earlier day, a signed note: the log must still begin with what it covers
    #[arg(long, value_name = "FILE")]
    anchor: Option<PathBuf>,
}

fn wrong(what: impl std::fmt::Display) -> anyhow::Error {
    StorageError::Url(what.to_string()).into()
}

/// A small text file.
pub(super) fn text(path: &Path) -> anyhow::Result<String> {
    let about = std::fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
    if about.len() > FILE_BYTES_MAX {
        return Err(wrong(format!("{}: longer than 256 KiB", path.display())));
    }
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

impl Trust {
    /// Whom to believe, if anybody was named.
    pub(super) fn policy(&self) -> anyhow::Result<Option<TrustPolicy>> {
        if let Some(path) = &self.policy {
            let policy = TrustPolicy::parse(&text(path)?);
            return policy.map(Some).map_err(|error| wrong(format!("--policy: {error}")));
        }
        let Some(verifier) = &self.verifier else {
            return Ok(None);
        };
        let verifier = Verifier::parse(verifier).map_err(|error| wrong(format!("--verifier: {error}")))?;
        Ok(Some(TrustPolicy::of_log(verifier)))
    }

    /// Whom to believe; it is an error to have named nobody.
    pub(super) fn policy_needed(&self) -> anyhow::Result<TrustPolicy> {
        self.policy()?
            .ok_or_else(|| wrong("--verifier KEY or --policy FILE is needed"))
    }

    /// The checkpoint to hold the log to, once it is proved to be the log's.
    pub(super) fn anchor(&self) -> anyhow::Result<Option<Checkpoint>> {
        let Some(path) = &self.anchor else { return Ok(None) };
        let policy = self.policy_needed()?;
        let anchor = policy.accept(&text(path)?);
        anchor
            .map(|accepted| Some(accepted.checkpoint))
            .map_err(|error| wrong(format!("--anchor: {error}")))
    }
}
