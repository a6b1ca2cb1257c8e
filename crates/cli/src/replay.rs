//! `waystation replay`: folds the log from nothing and compares with the stored views.

use std::process::ExitCode;

use clap::Args;
use comfy_table::Table;
use waystation_app::{AsOf, LogName, PageRequest, ReadOptions};

use crate::lang::say;
use crate::moment::Moment;
use crate::progress::Progress;

#[derive(Args)]
pub(crate) struct Replay {
    /// sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE
    #[arg(long)]
    database: String,
    /// Only this case
    #[arg(long)]
    case: Option<String>,
    #[command(flatten)]
    moment: Moment,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

impl Replay {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let app = crate::open_app(&self.database).await?;
        let at = app
            .moment(self.moment.read())
            .await?
            .unwrap_or(app.store().log(LogName::Main).head().size);
        let mut progress = Progress::new(say("replay", "重放"));
        let report = app
            .replay(self.case.as_deref(), at, |done, total| progress.set(done, total))
            .await?;
        drop(progress);
        let moment = ReadOptions {
            min_position: None,
            as_of: Some(AsOf::Position(at)),
        };
        let entries = match &self.case {
            Some(case) => {
                let page = PageRequest {
                    size: 1_000,
                    token: String::new(),
                };
                app.audit_by_stream(&format!("case-{case}"), &page, moment).await?.rows
            }
            None => Vec::new(),
        };
        if self.json {
            let differences: Vec<_> = report
                .differences
                .iter()
                .map(|found| serde_json::json!({ "view": found.view, "id": found.id, "what": found.what }))
                .collect();
            let entries: Vec<_> = entries
                .iter()
                .map(|entry| {
                    serde_json::json!({ "position": entry.position, "type": entry.event_type,
                                        "occurred_on": entry.occurred_on.map(|day| day.to_string()),
                                        "recorded_us": entry.recorded_us, "actor": entry.metadata.actor })
                })
                .collect();
            println!(
                "{}",
                serde_json::json!({ "entries": entries, "position": at, "events": report.events, "compared": report.compared,
                                    "different": report.different, "differences": differences })
            );
        } else {
            if self.case.is_some() {
                let mut table = Table::new();
                table.set_header([
                    say("position", "位置"),
                    say("occurred", "发生"),
                    say("recorded", "记录"),
                    say("what", "事项"),
                    say("who", "谁"),
                ]);
                for entry in &entries {
                    let recorded = jiff::Timestamp::from_microsecond(entry.recorded_us)?;
                    table.add_row([
                        entry.position.to_string(),
                        entry.occurred_on.map_or_else(String::new, |day| day.to_string()),
                        recorded.to_string(),
                        say(entry.label.0, entry.label.1).to_owned(),
                        entry.metadata.actor.clone(),
                    ]);
                }
                println!("{table}");
            }
            println!(
                "{} {at}: {} {}, {} {}, {} {}",
                say("replayed to", "重放至"),
                report.events,
                say("events", "条事件"),
                report.compared,
                say("documents compared", "份文档比对"),
                report.different,
                say("different", "处不符")
            );
            for found in &report.differences {
                println!("{} {}: {}", found.view, found.id, found.what);
            }
        }
        let healthy = report.different == 0;
        app.close().await;
        Ok(if healthy {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(crate::exit::INTEGRITY)
        })
    }
}
