//! `waystation projections`: where every view is; with `--rebuild`, fills them anew.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use comfy_table::Table;
use waystation_app::{GenerationState, LogName};

use crate::lang::say;
use crate::progress::Progress;

#[derive(Args)]
pub(crate) struct Projections {
    /// sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE
    #[arg(long)]
    database: String,
    /// Rebuild this projection (or `all`) beside the live one, and wait until it has taken its place
    #[arg(long)]
    rebuild: Option<String>,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

impl Projections {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let app = crate::open_app_as_it_is(&self.database).await?;
        let head = app.store().log(LogName::Main).head().size;
        if let Some(name) = &self.rebuild {
            let begun = std::time::Instant::now();
            let names = app.rebuild(Some(name.as_str()).filter(|name| *name != "all")).await?;
            let mut progress = Progress::new(say("rebuild", "重建"));
            loop {
                let views = app.projections();
                let building = views
                    .iter()
                    .filter(|view| names.contains(&view.view))
                    .filter_map(|view| view.building.as_ref());
                let failed = building
                    .clone()
                    .find(|building| building.state == GenerationState::Halted);
                if let Some(failed) = failed {
                    let why = failed.failure.clone();
                    drop(progress);
                    app.close().await;
                    anyhow::bail!("{}: {why}", say("the rebuild halted", "重建中止"));
                }
                let Some(slowest) = building.map(|building| building.position).min() else {
                    break;
                };
                progress.set(slowest, head);
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            drop(progress);
            eprintln!(
                "{} {head}: {:.2} s",
                say("rebuilt to", "已重建至"),
                begun.elapsed().as_secs_f64()
            );
        }
        let views = app.projections();
        if self.json {
            let rows: Vec<_> = views
                .iter()
                .map(|view| {
                    let live = view.live.as_ref();
                    serde_json::json!({
                        "projection": view.view, "version": view.version, "head": head,
                        "state": live.map(|live| live.state.as_str()),
                        "generation": live.map(|live| live.generation),
                        "position": live.map(|live| live.position),
                        "failure": live.map(|live| live.failure.clone()),
                        "building": view.building.as_ref().map(|building| building.position),
                    })
                })
                .collect();
            println!("{}", serde_json::json!({ "projections": rows }));
        } else {
            let mut table = Table::new();
            table.set_header([
                say("projection", "视图"),
                say("version", "版本"),
                say("state", "状态"),
                say("position", "位置"),
                say("behind", "落后"),
                say("failure", "故障"),
            ]);
            for view in &views {
                let Some(live) = view.live.as_ref().or(view.building.as_ref()) else {
                    continue;
                };
                table.add_row([
                    view.view.to_owned(),
                    view.version.to_string(),
                    live.state.as_str().to_owned(),
                    live.position.to_string(),
                    head.saturating_sub(live.position).to_string(),
                    live.failure.clone(),
                ]);
            }
            println!("{table}");
        }
        app.close().await;
        Ok(ExitCode::SUCCESS)
    }
}
