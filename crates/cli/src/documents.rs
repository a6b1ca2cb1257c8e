//! `waystation documents`: the papers that a station issued, and the numbers that nobody used.

use std::process::ExitCode;

use clap::Args;
use comfy_table::Table;
use waystation_app::Issued;

use crate::lang::say;
use crate::moment::Moment;

/// Numbers of a gap that a table names.
const NAMED_MAX: usize = 20;

#[derive(Args)]
pub(crate) struct Documents {
    /// sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE
    #[arg(long)]
    database: String,
    /// The station
    #[arg(long, default_value = "station-qinglongshan")]
    station: String,
    /// Only of this year
    #[arg(long)]
    year: Option<i16>,
    /// Only what has not reached whom it is for
    #[arg(long)]
    unserved: bool,
    #[command(flatten)]
    moment: Moment,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

impl Documents {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let app = crate::open_app(&self.database).await?;
        let found = app.documents_of_station(&self.station, self.moment.read()).await;
        app.close().await;
        let mut register = found?;
        let in_year = |year: i16| self.year.is_none_or(|asked| asked == year);
        register.papers.retain(|paper| in_year(paper.on.year()));
        let gaps = register.gaps();
        register
            .papers
            .retain(|paper| !(self.unserved && paper.served.is_some()));
        if self.json {
            let papers: Vec<_> = register.papers.iter().map(json).collect();
            let gaps = gaps.iter().map(|((kind, year), serials)| {
                serde_json::json!({ "kind": kind.as_str(), "year": year, "serials": serials })
            });
            println!(
                "{}",
                serde_json::json!({
                    "position": register.position, "documents": papers, "gaps": gaps.collect::<Vec<_>>(),
                })
            );
            return Ok(ExitCode::SUCCESS);
        }
        let mut table = Table::new();
        table.set_header([
            say("what", "文书"),
            say("year", "年份"),
            say("no.", "编号"),
            say("case", "案件"),
            say("issued", "制发"),
            say("served", "送达"),
            say("signed", "签收"),
        ]);
        for paper in &register.papers {
            let (served, signed) = paper.served.map_or_else(
                || (String::new(), ""),
                |(on, _, signed)| (on.to_string(), if signed { say("yes", "是") } else { say("no", "否") }),
            );
            table.add_row([
                paper.kind.as_str().to_owned(),
                paper.on.year().to_string(),
                paper.serial.to_string(),
                paper.case.clone(),
                paper.on.to_string(),
                served,
                signed.to_owned(),
            ]);
        }
        println!("{table}");
        for ((kind, year), serials) in &gaps {
            let named: Vec<String> = serials.iter().take(NAMED_MAX).map(u32::to_string).collect();
            let more = if serials.len() > NAMED_MAX { " …" } else { "" };
            println!(
                "{} {} {year}: {}{more}",
                say("numbers that nobody used", "空号"),
                kind.as_str(),
                named.join(", ")
            );
        }
        println!("{} {}", say("as of position", "截至位置"), register.position);
        Ok(ExitCode::SUCCESS)
    }
}

fn json(paper: &Issued) -> serde_json::Value {
    serde_json::json!({
        "case": paper.case, "document": paper.document, "kind": paper.kind.as_str(), "serial": paper.serial,
        "issued_on": paper.on.to_string(), "served_on": paper.served.map(|(on, _, _)| on.to_string()),
        "signed": paper.served.map(|(_, _, signed)| signed), "position": paper.position,
    })
}
