//! `waystation verify`: exit code 0 when both logs agree with their own hashes, 3 when not.

use std::process::ExitCode;

use clap::Args;
use comfy_table::Table;
use indicatif::{ProgressBar, ProgressStyle};
use waystation_app::{Finding, LogName, VerifyReport};

use crate::exit;

#[derive(Args)]
pub(crate) struct Verify {
    /// sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE
    #[arg(long)]
    database: String,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

impl Verify {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let store = crate::open(&self.database, false).await?;
        let mut reports = Vec::new();
        for name in LogName::ALL {
            // indicatif draws on a terminal only; elsewhere this is silent until the table.
            let style = ProgressStyle::with_template("{prefix:>8} [{bar:40}] {pos}/{len} {eta}")?;
            let bar = ProgressBar::new(0).with_style(style).with_prefix(name.as_str());
            let report = store
                .log(name)
                .verify(|done, total| {
                    bar.set_length(total);
                    bar.set_position(done);
                })
                .await?;
            bar.finish_and_clear();
            reports.push((name, report));
        }
        store.close().await;
        let healthy = reports.iter().all(|(_, report)| report.findings.is_empty());
        if self.json {
            let logs: Vec<_> = reports.iter().map(json).collect();
            println!("{}", serde_json::json!({ "healthy": healthy, "logs": logs }));
        } else {
            print_table(&reports);
        }
        Ok(if healthy {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(exit::INTEGRITY)
        })
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn place(finding: &Finding) -> (String, &'static str) {
    match finding {
        Finding::Row { position, what } => (format!("event {position}"), what),
        Finding::Tile { level, number, what } => (format!("tile {level}/{number}"), what),
        Finding::Tree { what } => ("tree".to_owned(), what),
    }
}

fn json((name, report): &(LogName, VerifyReport)) -> serde_json::Value {
    let findings: Vec<_> = report
        .findings
        .iter()
        .map(|finding| {
            let (place, what) = place(finding);
            serde_json::json!({ "place": place, "what": what })
        })
        .collect();
    serde_json::json!({
        "log": name.as_str(),
        "events": report.events,
        "root": hex(&report.computed.root),
        "findings": findings,
    })
}

fn print_table(reports: &[(LogName, VerifyReport)]) {
    let mut table = Table::new();
    table.set_header(["log", "events", "root", "result"]);
    for (name, report) in reports {
        let result = match report.findings.len() {
            0 => "ok".to_owned(),
            count => format!("{count} findings"),
        };
        let events = report.events.to_string();
        table.add_row([name.as_str(), &events, &hex(&report.computed.root[..8]), &result]);
    }
    println!("{table}");
    for (name, report) in reports {
        for finding in &report.findings {
            let (place, what) = place(finding);
            println!("{} {place}: {what}", name.as_str());
        }
    }
}
