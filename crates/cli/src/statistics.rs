//! `waystation statistics`: what happened in a station month by month, now or as it was known at a past moment.

use std::process::ExitCode;

use clap::Args;
use comfy_table::Table;
use waystation_app::PageRequest;
use waystation_app::views::StationMonth;
use waystation_domain::Date;

use crate::lang::say;
use crate::moment::Moment;

/// Months that are shown: ten years.
const MONTHS_MAX: usize = 120;

#[derive(Args)]
pub(crate) struct Statistics {
    /// sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE
    #[arg(long)]
    database: String,
    /// The station
    #[arg(long, default_value = "station-qinglongshan")]
    station: String,
    /// With the units that are counted under it by the tree of this day
    #[arg(long)]
    tree_on: Option<Date>,
    /// Only months from this one on, such as 2026-01
    #[arg(long, default_value = "")]
    from: String,
    #[command(flatten)]
    moment: Moment,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

impl Statistics {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let app = crate::open_app(&self.database).await?;
        let page = PageRequest {
            size: MONTHS_MAX,
            token: String::new(),
        };
        let read = self.moment.read();
        let found = match self.tree_on {
            Some(tree_on) => app.months_under(&self.station, tree_on, read).await,
            None => {
                let own = app.station_months(&self.station, &page, read).await;
                own.map(|own| (own.rows, vec![self.station.clone()], own.position))
            }
        };
        app.close().await;
        let (rows, units, position) = found?;
        let months = rows.into_iter().filter(|month| month.month >= self.from);
        let months: Vec<StationMonth> = months.collect();
        if self.json {
            println!(
                "{}",
                serde_json::json!({ "station": self.station, "units": units, "position": position, "months": months })
            );
            return Ok(ExitCode::SUCCESS);
        }
        let mut table = Table::new();
        table.set_header([
            say("month", "月份"),
            say("orders", "决定书"),
            say("reported", "报到"),
            say("agreements", "协议"),
            say("check-ins", "见面"),
            say("talks", "谈话"),
            say("met", "按期完成"),
            say("met late", "逾期完成"),
            say("past due", "逾期"),
            say("suspended", "中止"),
            say("terminated", "终止"),
            say("discharged", "解除"),
            say("points", "积分"),
        ]);
        for month in &months {
            table.add_row([
                month.month.clone(),
                month.orders.to_string(),
                month.reported.to_string(),
                month.agreements.to_string(),
                month.check_ins.to_string(),
                month.talks.to_string(),
                month.met.to_string(),
                month.met_late.to_string(),
                month.past_due.to_string(),
                month.suspended.to_string(),
                month.terminated.to_string(),
                month.discharged.to_string(),
                month.points_awarded.to_string(),
            ]);
        }
        println!("{table}");
        println!(
            "{}; {} {position}",
            units.join(" + "),
            say("as of position", "截至位置")
        );
        Ok(ExitCode::SUCCESS)
    }
}
