//! `waystation verify`: exit code 0 when the logs agree with their own hashes and the views with the log, 3 when not.

use std::process::ExitCode;

use clap::Args;
use comfy_table::Table;
use waystation_app::LogName;

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
        let store = crate::open(&self.database, false).await?;
        let mut parts = Vec::new();
        for name in LogName::ALL {
            let mut progress = Progress::new(name.as_str());
            let report = store.log(name).verify(|done, total| progress.set(done, total)).await?;
            parts.push(Part {
                name: name.as_str(),
                looked_at: report.events,
                root: report.computed.root.iter().map(|byte| format!("{byte:02x}")).collect(),
                found: report.findings.len() as u64,
                findings: report.findings.iter().map(ToString::to_string).collect(),
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
