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
    /// A checkpoint kept outside from an earlier day, a signed note: the log must still begin with what it covers. Once more
    /// for one of the log of readings
    #[arg(long, value_name = "FILE")]
    anchor: Vec<PathBuf>,
}

/// Checkpoints that were kept outside, by log.
#[derive(Default)]
pub(super) struct Anchors {
    pub(super) main: Option<Checkpoint>,
    pub(super) access: Option<Checkpoint>,
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

    /// The checkpoints to hold the logs to, once they are proved to be theirs.
    pub(super) fn anchors(&self) -> anyhow::Result<Anchors> {
        let mut anchors = Anchors::default();
        for path in &self.anchor {
            let policy = self.policy_needed()?;
            let note = text(path)?;
            let (place, accepted) = match policy.of_access().accept(&note) {
                Ok(accepted) => (&mut anchors.access, Ok(accepted)),
                Err(_) => (&mut anchors.main, policy.accept(&note)),
            };
            let accepted = accepted.map_err(|error| wrong(format!("--anchor: {error}")))?;
            if place.replace(accepted.checkpoint).is_some() {
                return Err(wrong("--anchor: at most one of each log"));
            }
        }
        Ok(anchors)
    }
}
