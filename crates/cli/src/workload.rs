//! `waystation workload`: how many cases each worker has.

use std::process::ExitCode;

use clap::Args;
use comfy_table::Table;

use crate::lang::say;
use crate::moment::Moment;

#[derive(Args)]
pub(crate) struct Workload {
    /// sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE
    #[arg(long)]
    database: String,
    /// The station
    #[arg(long, default_value = "station-qinglongshan")]
    station: String,
    #[command(flatten)]
    moment: Moment,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

impl Workload {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let app = crate::open_app(&self.database).await?;
        let found = app.workload(&self.station, self.moment.read()).await;
        app.close().await;
        let load = found?;
        if self.json {
            let workers = load
                .workers
                .iter()
                .map(|one| serde_json::json!({ "worker": one.worker, "cases": one.cases, "over": one.over }));
            println!(
                "{}",
                serde_json::json!({
                    "position": load.position, "limit": load.limit.value, "source": load.limit.pack,
                    "legal_source": load.limit.source, "certainty": load.limit.certainty,
                    "workers": workers.collect::<Vec<_>>(),
                })
            );
            return Ok(ExitCode::SUCCESS);
        }
        let mut table = Table::new();
        table.set_header([
            say("worker", "专干"),
            say("open cases", "在管人数"),
            say("over", "超额"),
        ]);
        for one in &load.workers {
            let worker = if one.worker.is_empty() {
                say("nobody", "未指派")
            } else {
                &one.worker
            };
            let over = if one.over { say("yes", "是") } else { "" };
            table.add_row([worker, &one.cases.to_string(), over]);
        }
        println!("{table}");
        println!(
            "{} {} ({}, {} {}), {} {}",
            say("at most", "上限"),
            load.limit.value,
            load.limit.source,
            say("certainty", "可信度"),
            load.limit.certainty,
            say("as of position", "截至位置"),
            load.position
        );
        Ok(ExitCode::SUCCESS)
    }
}
