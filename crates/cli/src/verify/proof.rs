//! A receipt that somebody kept: does it prove that the event is in the log?

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use waystation_app::{KeptReceipt, NoteError, StorageError};

use super::trust::{Trust, text};
use super::{Line, code, hex, report};

#[derive(Args)]
pub(super) struct Proof {
    /// The receipt, a C2SP tlog-proof
    file: PathBuf,
    /// The event's canonical header, a file of raw bytes
    #[arg(long, value_name = "FILE")]
    header: PathBuf,
    #[command(flatten)]
    trust: Trust,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

impl Proof {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let policy = self.trust.policy_needed()?;
        let header = std::fs::read(&self.header).with_context(|| format!("cannot read {}", self.header.display()))?;
        let receipt = KeptReceipt::parse(&text(&self.file)?)
            .map_err(|_| StorageError::Url(format!("{}: it is not a receipt", self.file.display())))?;
        let line = match receipt.verify(&header, &policy) {
            Ok(accepted) => Line {
                root: hex(&accepted.checkpoint.root),
                ..Line::of("proof", receipt.index + 1, Vec::new())
            },
            Err(error) => {
                let code = match error {
                    NoteError::NotIncluded => code::TREE,
                    NoteError::Unwitnessed => code::UNWITNESSED,
                    _ => code::SIGNATURE,
                };
                let what = format!("event {}: {error}", receipt.index.saturating_add(1));
                Line::of("proof", receipt.index.saturating_add(1), vec![(code, what)])
            }
        };
        Ok(report(&[line], self.json))
    }
}
