//! A receipt that somebody kept: does it prove that the event is in the log?

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use waystation_app::{Header, KeptReceipt, NoteError, StorageError, body_digest};

use super::trust::{Trust, text};
use super::{Line, code, hex, report};

#[derive(Args)]
pub(super) struct Proof {
    /// The receipt, a C2SP tlog-proof
    file: PathBuf,
    /// The event's canonical header, a file of raw bytes
    #[arg(long, value_name = "FILE")]
    header: PathBuf,
    /// What the event says, a file of its salt (16 bytes) and its body
    #[arg(long, value_name = "FILE")]
    body: Option<PathBuf>,
    #[command(flatten)]
    trust: Trust,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Whether a header commits to a body behind its salt.
fn is_body(header: &[u8], salted: &[u8]) -> bool {
    let header = Header::parse(header);
    let parts = salted.split_first_chunk::<16>();
    header.is_ok_and(|header| parts.is_some_and(|(salt, body)| header.body_digest == body_digest(salt, body)))
}

impl Proof {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let policy = self.trust.policy_needed()?;
        let header = read(&self.header)?;
        let receipt = KeptReceipt::parse(&text(&self.file)?)
            .map_err(|_| StorageError::Url(format!("{}: it is not a receipt", self.file.display())))?;
        let body = self.body.as_deref().map(read).transpose()?;
        let line = match receipt.verify(&header, &policy) {
            Ok(accepted) => {
                let holds = body.is_none_or(|body| is_body(&header, &body));
                let what = format!("event {}: the body is another", receipt.index + 1);
                let found = (!holds).then_some((code::ROW, what));
                Line {
                    root: hex(&accepted.checkpoint.root),
                    ..Line::of("proof", receipt.index + 1, found.into_iter().collect())
                }
            }
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
