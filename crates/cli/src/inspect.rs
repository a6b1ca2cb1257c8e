//! `waystation inspect`: what an inspection looks for, in every case of a station as of a moment.

use std::process::ExitCode;

use clap::Args;
use comfy_table::Table;
use waystation_app::{Found, Inspected, StorageError};
use waystation_domain::Date;
use waystation_domain::finding::Check;

use crate::codes::cell;
use crate::lang::say;
use crate::moment::Moment;

#[derive(Args)]
pub(crate) struct Inspect {
    /// What to look for, such as RECORDED_LATE; without it, the list of checks
    check: Option<String>,
    /// sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE
    #[arg(long, required_unless_present = "checks")]
    database: Option<String>,
    /// List the checks
    #[arg(long, conflicts_with = "check")]
    checks: bool,
    /// The station
    #[arg(long, default_value = "station-qinglongshan")]
    station: String,
    /// First day asked about
    #[arg(long)]
    from: Option<Date>,
    /// Last day asked about; what came later has not happened
    #[arg(long)]
    to: Option<Date>,
    /// How many, at most 1000
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
    #[command(flatten)]
    moment: Moment,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

impl Inspect {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let (Some(name), Some(database)) = (&self.check, &self.database) else {
            println!("{}", checks());
            return Ok(ExitCode::SUCCESS);
        };
        let check = Check::ALL.iter().find(|check| check.as_str() == name);
        let check =
            *check.ok_or_else(|| StorageError::Url(format!("{name} is no check; `inspect --checks` lists them")))?;
        let app = crate::open_app(database).await?;
        let read = self.moment.read();
        let found = async {
            let (cases, position) = app.cases_of_station(&self.station, read).await?;
            let inspected = Inspected {
                check,
                from: self.from,
                to: self.to,
                station: &self.station,
            };
            let found = app.inspect(&inspected, &cases, (read, position)).await?;
            Ok::<_, waystation_app::AppError>((found, cases.len(), position))
        };
        let found = found.await;
        app.close().await;
        let (found, cases, position) = found?;
        let shown = &found[..found.len().min(usize::from(self.limit))];
        if self.json {
            let findings: Vec<_> = shown.iter().map(json).collect();
            println!(
                "{}",
                serde_json::json!({
                    "check": check.as_str(), "position": position, "cases": cases, "total": found.len(),
                    "findings": findings,
                })
            );
            return Ok(ExitCode::SUCCESS);
        }
        let mut table = Table::new();
        table.set_header([
            say("case", "案件"),
            say("from", "开始"),
            say("to", "结束"),
            say("days", "天数"),
            say("staff", "工作人员"),
            say("second", "第二人"),
            say("detail", "详情"),
            say("events", "事件"),
        ]);
        for one in shown {
            table.add_row(row(one));
        }
        println!("{table}");
        let (english, chinese) = check.label();
        println!(
            "{}: {} {} {} {}, {} {position}",
            say(english, chinese),
            found.len(),
            say("found in", "项，核查"),
            cases,
            say("cases", "件"),
            say("as of position", "截至位置"),
        );
        Ok(ExitCode::SUCCESS)
    }
}

fn checks() -> Table {
    let mut table = Table::new();
    table.set_header([say("check", "检查"), say("finds", "内容")]);
    for check in Check::ALL {
        let (english, chinese) = check.label();
        table.add_row([check.as_str(), say(english, chinese)]);
    }
    table
}

fn row(found: &Found) -> [String; 8] {
    let finding = &found.finding;
    let positions: Vec<String> = finding.positions.iter().map(u64::to_string).collect();
    [
        found.case.clone(),
        finding.from.to_string(),
        cell(finding.to),
        finding.days.to_string(),
        finding.staff.clone().unwrap_or_default(),
        finding.second.clone().unwrap_or_default(),
        finding.detail.clone(),
        positions.join(" "),
    ]
}

fn json(found: &Found) -> serde_json::Value {
    let finding = &found.finding;
    serde_json::json!({
        "case": found.case, "from": finding.from.to_string(), "to": finding.to.map(|day| day.to_string()),
        "days": finding.days, "staff": finding.staff, "second": finding.second, "detail": finding.detail,
        "positions": finding.positions,
    })
}
