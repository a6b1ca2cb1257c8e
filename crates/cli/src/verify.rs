//! `waystation verify`: exit code 0 when the logs agree with their own hashes and the views with the log, 3 when not.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use comfy_table::Table;
use waystation_app::{Checkpoint, Log, LogName, NoteError, StorageError, Verifier};

use crate::exit;
use crate::lang::say;
use crate::progress::Progress;

#[derive(Args)]
pub(crate) struct Verify {
    /// sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE
    #[arg(long)]
    database: String,
    /// Leave the views out
    #[arg(long)]
    log_only: bool,
    /// A checkpoint kept from an earlier day, a signed note: the log must still begin with what it covers
    #[arg(long, value_name = "FILE", requires = "verifier")]
    anchor: Option<PathBuf>,
    /// The key that verifies the checkpoint, as `waystation key new` printed it
    #[arg(long, value_name = "KEY", requires = "anchor")]
    verifier: Option<String>,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

/// One line of the report.
struct Part {
    name: &'static str,
    looked_at: u64,
    root: String,
    found: u64,
    findings: Vec<String>,
}

impl Verify {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let anchor = self.anchor()?;
        let store = crate::open(&self.database, false).await?;
        let mut parts = Vec::new();
        for name in LogName::ALL {
            let mut progress = Progress::new(name.as_str());
            let report = store.log(name).verify(|done, total| progress.set(done, total)).await?;
            parts.push(Part {
                name: name.as_str(),
                looked_at: report.events,
                root: hex(&report.computed.root),
                found: report.findings.len() as u64,
                findings: report.findings.iter().map(ToString::to_string).collect(),
            });
        }
        if let Some(anchor) = &anchor {
            let findings: Vec<String> = against(anchor, store.log(LogName::Main)).await?.into_iter().collect();
            parts.push(Part {
                name: "anchor",
                looked_at: anchor.size,
                root: hex(&anchor.root),
                found: findings.len() as u64,
                findings,
            });
        }
        store.close().await;
        let sound = parts.iter().all(|part| part.found == 0);
        if sound && !self.log_only {
            // Views are proved by the log, so a broken log proves nothing.
            let app = crate::open_app(&self.database).await?;
            let mut progress = Progress::new("views");
            let report = app.verify_views(|done, total| progress.set(done, total)).await?;
            let named = report
                .differences
                .iter()
                .map(|found| format!("{} {}: {}", found.view, found.id, found.what));
            parts.push(Part {
                name: "views",
                looked_at: report.compared,
                root: String::new(),
                found: report.different,
                findings: named.collect(),
            });
            app.close().await;
        }
        let healthy = parts.iter().all(|part| part.found == 0);
        if self.json {
            let rows: Vec<_> = parts
                .iter()
                .map(|part| {
                    serde_json::json!({ "part": part.name, "looked_at": part.looked_at, "root": part.root,
                                        "found": part.found, "findings": part.findings })
                })
                .collect();
            println!("{}", serde_json::json!({ "healthy": healthy, "parts": rows }));
        } else {
            print_table(&parts);
            if !sound && !self.log_only {
                println!(
                    "{}",
                    say(
                        "views were not looked at, because the log is damaged",
                        "日志已损坏，未校验视图"
                    )
                );
            }
        }
        Ok(if healthy {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(exit::INTEGRITY)
        })
    }
}

impl Verify {
    /// The checkpoint to compare with, once its signature is proved.
    fn anchor(&self) -> anyhow::Result<Option<Checkpoint>> {
        let (Some(path), Some(verifier)) = (&self.anchor, &self.verifier) else {
            return Ok(None);
        };
        let wrong = |what: &str, error: NoteError| StorageError::Url(format!("{what}: {error}"));
        let verifier = Verifier::parse(verifier).map_err(|error| wrong("--verifier", error))?;
        let note = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let checkpoint = verifier.open(&note).map_err(|error| wrong("--anchor", error))?;
        Ok(Some(checkpoint))
    }
}

fn hex(hash: &[u8]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What has become of the log since the checkpoint, if that is not simply more events.
async fn against(anchor: &Checkpoint, log: &Log) -> anyhow::Result<Option<String>> {
    let size = log.head().size;
    if size < anchor.size {
        return Ok(Some(format!(
            "rollback: the log has {size} events, the checkpoint covers {}",
            anchor.size
        )));
    }
    let fork = log.root_at(anchor.size).await? != anchor.root;
    Ok(fork.then(|| format!("fork: the first {} events are not those of the checkpoint", anchor.size)))
}

fn print_table(parts: &[Part]) {
    let mut table = Table::new();
    table.set_header([
        say("part", "部分"),
        say("looked at", "检查数"),
        say("root", "根"),
        say("result", "结果"),
    ]);
    for part in parts {
        let result = match part.found {
            0 => say("ok", "通过").to_owned(),
            count => format!("{count} {}", say("findings", "处不符")),
        };
        let root: String = part.root.chars().take(16).collect();
        table.add_row([part.name, &part.looked_at.to_string(), &root, &result]);
    }
    println!("{table}");
    for part in parts {
        for finding in &part.findings {
            println!("{} {finding}", part.name);
        }
    }
}
