//! `waystation policy`: the values in force with what explains each, and other values tried on history. Writes nothing.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use comfy_table::Table;
use waystation_app::Simulated;
use waystation_domain::case::what_if::Standing;
use waystation_domain::policy::PolicyValue;
use waystation_domain::{Date, PolicyChange, calendar};

use crate::lang::say;
use crate::moment::Moment;

/// Cases that are shown in the table; `--json` has all.
const SHOWN_MAX: usize = 50;

#[derive(Args)]
pub(crate) struct Policy {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Try other values on the history of a station: who would move, which counts would change
    Simulate(Simulate),
    /// List every value in force on a day, with the pack, dates and source that explain it
    Values(Values),
}

#[derive(Args)]
struct Values {
    /// sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE
    #[arg(long)]
    database: String,
    /// The station
    #[arg(long, default_value = "station-qinglongshan")]
    station: String,
    /// The day; the day of the moment when not given
    #[arg(long)]
    on: Option<Date>,
    /// Only keys that begin with this
    #[arg(long, default_value = "")]
    key: String,
    #[command(flatten)]
    moment: Moment,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct Simulate {
    /// sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE
    #[arg(long)]
    database: String,
    /// The station
    #[arg(long, default_value = "station-qinglongshan")]
    station: String,
    /// A key and its value, such as tests.urine.per_year.CD=6,4,2; may be given again
    #[arg(long, required = true, value_parser = pair)]
    set: Vec<(String, String)>,
    /// First day of the values; as if they had always been when not given
    #[arg(long)]
    from: Option<Date>,
    #[command(flatten)]
    moment: Moment,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let found = text.split_once('=').ok_or("expected KEY=VALUE")?;
    Ok((found.0.to_owned(), found.1.to_owned()))
}

impl Values {
    async fn run(self) -> anyhow::Result<ExitCode> {
        let app = crate::open_app(&self.database).await?;
        let found = app.rules(&self.station, self.on, self.moment.read()).await;
        app.close().await;
        let mut found = found?;
        found.values.retain(|value| value.key.starts_with(&self.key));
        if self.json {
            let values: Vec<_> = found.values.iter().map(in_json).collect();
            println!(
                "{}",
                serde_json::json!({ "position": found.position, "values": values })
            );
            return Ok(ExitCode::SUCCESS);
        }
        let mut table = Table::new();
        table.set_header([
            say("key", "规则"),
            say("value", "取值"),
            say("pack", "政策包"),
            say("layer", "层级"),
            say("from", "生效"),
            say("source", "依据"),
            say("certainty", "可信度"),
        ]);
        for value in &found.values {
            table.add_row([
                value.key.as_str(),
                &value.value,
                &value.pack,
                value.layer.as_str(),
                &value.valid_from.to_string(),
                &value.source,
                &value.certainty,
            ]);
        }
        println!("{table}");
        println!("{} {}", say("as of position", "截至位置"), found.position);
        Ok(ExitCode::SUCCESS)
    }
}

fn in_json(value: &PolicyValue) -> serde_json::Value {
    serde_json::json!({
        "key": value.key, "value": value.value, "pack": value.pack, "layer": value.layer.as_str(),
        "valid_from": value.valid_from.to_string(), "valid_to": value.valid_to.map(|day| day.to_string()),
        "source": value.source, "certainty": value.certainty,
    })
}

impl Policy {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let command = match self.chore {
            Chore::Simulate(command) => command,
            Chore::Values(command) => return command.run().await,
        };
        let app = crate::open_app(&command.database).await?;
        let change = PolicyChange {
            valid_from: command.from.unwrap_or(calendar::FIRST_DAY),
            set: command.set,
        };
        let found = app.simulate(&command.station, &change, command.moment.read()).await;
        app.close().await;
        let found = found?;
        let (due, missed) = (found.total(|case| case.due), found.total(|case| case.missed));
        let moving = found.movers().count();
        if command.json {
            let movers: Vec<_> = found.movers().map(json).collect();
            println!(
                "{}",
                serde_json::json!({
                    "station": command.station, "position": found.position, "cases": found.cases.len(),
                    "due": { "before": due.0, "after": due.1 },
                    "missed": { "before": missed.0, "after": missed.1 }, "movers": movers,
                })
            );
            return Ok(ExitCode::SUCCESS);
        }
        let mut table = Table::new();
        table.set_header([
            say("case", "案件"),
            say("tests due", "应检"),
            say("missed", "未检"),
            say("in all", "全程"),
            say("next by", "下次截止"),
            say("serious breach", "严重违反协议"),
        ]);
        for mover in found.movers().take(SHOWN_MAX) {
            table.add_row(row(mover));
        }
        println!("{table}");
        if moving > SHOWN_MAX {
            println!("… {}", moving - SHOWN_MAX);
        }
        println!(
            "{} {} / {} · {} {} → {} · {} {} → {} · {} {}",
            say("cases that move", "受影响案件"),
            moving,
            found.cases.len(),
            say("tests due", "应检"),
            due.0,
            due.1,
            say("missed", "未检"),
            missed.0,
            missed.1,
            say("as of position", "截至位置"),
            found.position
        );
        Ok(ExitCode::SUCCESS)
    }
}

fn change(before: &impl ToString, after: &impl ToString) -> String {
    let (before, after) = (before.to_string(), after.to_string());
    if before == after {
        before
    } else {
        format!("{before} → {after}")
    }
}

fn row(mover: &Simulated) -> [String; 6] {
    let (before, after) = (&mover.before, &mover.after);
    let next = |standing: &Standing| standing.next.map_or_else(|| "–".to_owned(), |day| day.to_string());
    let breaches = |standing: &Standing| {
        let names: Vec<&str> = standing.breaches.iter().map(|ground| ground.as_str()).collect();
        if names.is_empty() {
            "–".to_owned()
        } else {
            names.join(" ")
        }
    };
    [
        mover.case.clone(),
        change(&before.due, &after.due),
        change(&before.missed, &after.missed),
        change(&before.planned, &after.planned),
        change(&next(before), &next(after)),
        change(&breaches(before), &breaches(after)),
    ]
}

fn json(mover: &Simulated) -> serde_json::Value {
    let standing = |standing: &Standing| {
        let breaches: Vec<&str> = standing.breaches.iter().map(|ground| ground.as_str()).collect();
        serde_json::json!({ "due": standing.due, "missed": standing.missed, "planned": standing.planned,
                            "next": standing.next.map(|day| day.to_string()), "breaches": breaches })
    };
    serde_json::json!({ "case": mover.case, "before": standing(&mover.before), "after": standing(&mover.after) })
}
