//! `waystation draw`: a random sample of a station's cases that anybody can draw again; `waystation roles`: who held which role.

use std::process::ExitCode;

use clap::Args;
use comfy_table::Table;
use waystation_domain::Date;
use waystation_domain::finding::{Candidate, draw};

use crate::lang::say;
use crate::moment::Moment;

#[derive(Args)]
pub(crate) struct Draw {
    /// sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE
    #[arg(long)]
    database: String,
    /// The station
    #[arg(long, default_value = "station-qinglongshan")]
    station: String,
    /// How many
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1000))]
    size: u16,
    /// Anything that is agreed on before
    #[arg(long)]
    seed: String,
    #[command(flatten)]
    moment: Moment,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

impl Draw {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let app = crate::open_app(&self.database).await?;
        let found = app.cases_of_station(&self.station, self.moment.read()).await;
        app.close().await;
        let (cases, position) = found?;
        let candidates = cases.into_iter().map(|(case, summary)| Candidate {
            case,
            stage: summary.stage,
        });
        let drawn = draw(candidates.collect(), usize::from(self.size), &self.seed);
        let json = |one: &Candidate| serde_json::json!({ "case": one.case, "stage": one.stage.as_str() });
        if self.json {
            let (sample, excluded): (Vec<_>, Vec<_>) = (
                drawn.sample.iter().map(json).collect(),
                drawn.excluded.iter().map(json).collect(),
            );
            println!(
                "{}",
                serde_json::json!({
                    "position": position, "from": drawn.from, "sample": sample, "excluded": excluded,
                })
            );
            return Ok(ExitCode::SUCCESS);
        }
        let mut table = Table::new();
        table.set_header([say("drawn", "抽中"), say("state", "状态")]);
        for one in &drawn.sample {
            table.add_row([one.case.as_str(), one.stage.as_str()]);
        }
        println!("{table}");
        println!(
            "{} {}, {} {}, {} {position}",
            say("from", "抽样总体"),
            drawn.from,
            say("excluded", "排除"),
            drawn.excluded.len(),
            say("as of position", "截至位置"),
        );
        Ok(ExitCode::SUCCESS)
    }
}

#[derive(Args)]
pub(crate) struct Roles {
    /// sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE
    #[arg(long)]
    database: String,
    /// The station
    #[arg(long, default_value = "station-qinglongshan")]
    station: String,
    /// The day; the day of the moment when not given
    #[arg(long)]
    on: Option<Date>,
    #[command(flatten)]
    moment: Moment,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

impl Roles {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let app = crate::open_app(&self.database).await?;
        let found = app.roles_on(self.on, self.moment.read()).await;
        app.close().await;
        let (mut roles, position) = found?;
        roles.retain(|role| role.station == self.station);
        let day = |day: Option<Date>| day.map_or_else(String::new, |day| day.to_string());
        if self.json {
            let roles: Vec<_> = roles
                .iter()
                .map(|role| {
                    serde_json::json!({
                        "account": role.account, "role": role.role.as_str(), "from": role.from.to_string(),
                        "to": day(role.to), "position": role.position,
                    })
                })
                .collect();
            println!("{}", serde_json::json!({ "position": position, "roles": roles }));
            return Ok(ExitCode::SUCCESS);
        }
        let mut table = Table::new();
        table.set_header([
            say("account", "账户"),
            say("role", "角色"),
            say("from", "开始"),
            say("to", "结束"),
            say("event", "事件"),
        ]);
        for role in &roles {
            table.add_row([
                role.account.clone(),
                role.role.as_str().to_owned(),
                role.from.to_string(),
                day(role.to),
                role.position.to_string(),
            ]);
        }
        println!("{table}");
        println!("{} {position}", say("as of position", "截至位置"));
        Ok(ExitCode::SUCCESS)
    }
}
