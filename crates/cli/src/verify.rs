//! `waystation verify`: recomputes everything from stored bytes and names what contradicts. Each kind of contradiction has
//! an exit code of its own; where several are found, the smallest is the answer.

mod bundle;
mod database;
mod keys;
mod proof;
mod trust;
mod views;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use comfy_table::Table;
use waystation_app::bundle::{Contradiction, Kind};
use waystation_app::{App, Finding};

use crate::lang::say;
use crate::progress::Progress;

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Verify {
    #[command(subcommand)]
    part: Option<Part>,
    #[command(flatten)]
    whole: database::Whole,
}

#[derive(Subcommand)]
enum Part {
    /// The logs, their kept checkpoints, and an outside checkpoint to hold them to
    Db(database::Db),
    /// Every version of every view, folded again from the log
    Views(views::Views),
    /// Every key against what the log committed to
    Keys(keys::Keys),
    /// Every unwrapping of a key against the access record that allowed it
    Access(keys::Access),
    /// One receipt, without a database
    Proof(proof::Proof),
    /// A bundle that was exported for an inspection, without a database
    Bundle(bundle::Bundle),
}

impl Verify {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        match self.part {
            None => self.whole.run().await,
            Some(Part::Db(db)) => db.run().await,
            Some(Part::Views(views)) => views.run().await,
            Some(Part::Keys(keys)) => keys.run().await,
            Some(Part::Access(access)) => access.run().await,
            Some(Part::Proof(proof)) => proof.run(),
            Some(Part::Bundle(bundle)) => bundle.run(),
        }
    }
}

/// Exit codes of a verification.
mod code {
    pub(super) const ROW: u8 = 10;
    pub(super) const TREE: u8 = 11;
    pub(super) const SIGNATURE: u8 = 12;
    pub(super) const FORK: u8 = 13;
    pub(super) const ROLLBACK: u8 = 14;
    pub(super) const DRIFT: u8 = 15;
    pub(super) const UNWITNESSED: u8 = 16;
    pub(super) const KEY: u8 = 17;
    pub(super) const BACKDATED: u8 = 18;
    pub(super) const NO_ANCHOR: u8 = 19;
    pub(super) const UNRECORDED: u8 = 20;
}

fn code_of(kind: Kind) -> u8 {
    match kind {
        Kind::Row => code::ROW,
        Kind::Tree => code::TREE,
        Kind::Signature => code::SIGNATURE,
        Kind::Fork => code::FORK,
        Kind::Rollback => code::ROLLBACK,
        Kind::Backdated => code::BACKDATED,
    }
}

/// One line of a report, with what contradicts: the exit code for it, and where and what.
struct Line {
    part: &'static str,
    looked_at: u64,
    root: String,
    /// How many contradictions there are; more than are named when there are very many.
    found: u64,
    named: Vec<(u8, String)>,
}

impl Line {
    fn of(part: &'static str, looked_at: u64, named: Vec<(u8, String)>) -> Self {
        Self {
            part,
            looked_at,
            root: String::new(),
            found: named.len() as u64,
            named,
        }
    }

    fn contradictions(part: &'static str, looked_at: u64, found: &[Contradiction]) -> Self {
        let named = found.iter().map(|one| (code_of(one.kind), one.to_string()));
        Self::of(part, looked_at, named.collect())
    }
}

fn code_of_finding(finding: &Finding) -> u8 {
    match finding {
        Finding::Row { .. } => code::ROW,
        Finding::Tile { .. } | Finding::Tree { .. } => code::TREE,
    }
}

fn hex(hash: &[u8]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Folds the views again and compares.
async fn compare_views(app: &App) -> anyhow::Result<Line> {
    let mut progress = Progress::new("views");
    let report = app.verify_views(|done, total| progress.set(done, total)).await?;
    let named = report
        .differences
        .iter()
        .map(|found| (code::DRIFT, format!("{} {}: {}", found.view, found.id, found.what)));
    let line = Line::of("views", report.compared, named.collect());
    Ok(Line {
        found: report.different,
        ..line
    })
}

/// Prints a report and says how it ends.
fn report(lines: &[Line], json: bool) -> ExitCode {
    let code = lines.iter().flat_map(|line| &line.named).map(|(code, _)| *code).min();
    if json {
        let rows: Vec<_> = lines
            .iter()
            .map(|line| {
                let findings: Vec<&String> = line.named.iter().map(|(_, text)| text).collect();
                serde_json::json!({ "part": line.part, "looked_at": line.looked_at, "root": line.root,
                                    "found": line.found, "findings": findings })
            })
            .collect();
        let exit = code.unwrap_or(0);
        println!(
            "{}",
            serde_json::json!({ "healthy": code.is_none(), "exit": exit, "parts": rows })
        );
    } else {
        print_table(lines);
    }
    code.map_or(ExitCode::SUCCESS, ExitCode::from)
}

fn print_table(lines: &[Line]) {
    let mut table = Table::new();
    table.set_header([
        say("part", "部分"),
        say("looked at", "检查数"),
        say("root", "根"),
        say("result", "结果"),
    ]);
    for line in lines {
        let result = match line.found {
            0 => say("ok", "通过").to_owned(),
            count => format!("{count} {}", say("findings", "处不符")),
        };
        let root: String = line.root.chars().take(16).collect();
        table.add_row([line.part, &line.looked_at.to_string(), &root, &result]);
    }
    println!("{table}");
    for line in lines {
        for (_, text) in &line.named {
            println!("{} {text}", line.part);
        }
    }
}
