//! `waystation agenda`: what is due and overdue, now or as it was known then.

use std::process::ExitCode;

use clap::Args;
use comfy_table::Table;
use waystation_app::views::AgendaEntry;
use waystation_app::{AgendaQuery, PageRequest};
use waystation_domain::Date;
use waystation_domain::case::{Debtor, ObligationKind};

use crate::codes::{cell, named};
use crate::lang::say;
use crate::moment::Moment;

#[derive(Args)]
pub(crate) struct Agenda {
    /// sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE
    #[arg(long)]
    database: String,
    /// What this station's participants, it and the police still owe
    #[arg(long, default_value = "station-qinglongshan")]
    station: String,
    /// Everything that was ever owed in this case instead
    #[arg(long)]
    case: Option<String>,
    /// Only of this kind, such as URINE_TEST, MONTHLY_MEETING, POLICE_REPORT or DISCHARGE_NOTICE_WATCH
    #[arg(long)]
    kind: Option<String>,
    /// Only due by this day
    #[arg(long)]
    due_by: Option<Date>,
    /// Only past due
    #[arg(long)]
    past_due: bool,
    /// Only what PARTICIPANT, STATION or POLICE owes
    #[arg(long)]
    debtor: Option<String>,
    /// How many, at most 1000
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
    #[command(flatten)]
    moment: Moment,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

impl Agenda {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let kind = named(self.kind.as_deref(), &ObligationKind::ALL)?;
        let query = AgendaQuery {
            station: if self.case.is_some() {
                String::new()
            } else {
                self.station
            },
            case: self.case,
            due_by: self.due_by,
            past_due: self.past_due,
            kind,
            debtor: named(self.debtor.as_deref(), &Debtor::ALL)?,
        };
        let page = PageRequest {
            size: usize::from(self.limit),
            token: String::new(),
        };
        let app = crate::open_app(&self.database).await?;
        let found = app.list_agenda(&query, &page, self.moment.read()).await;
        app.close().await;
        let found = found?;
        if self.json {
            let owed: Vec<_> = found.rows.iter().map(|(_, entry)| json(entry)).collect();
            println!(
                "{}",
                serde_json::json!({ "position": found.position, "obligations": owed, "more": !found.next.is_empty() })
            );
            return Ok(ExitCode::SUCCESS);
        }
        let mut table = Table::new();
        table.set_header([
            say("case", "案件"),
            say("no.", "编号"),
            say("what", "事项"),
            say("who", "责任方"),
            say("from", "开始"),
            say("to", "截止"),
            say("state", "状态"),
            say("told", "告知"),
            say("noticed", "发现"),
            say("source", "依据"),
        ]);
        for (_, entry) in &found.rows {
            table.add_row(row(entry));
        }
        println!("{table}");
        let more = if found.next.is_empty() { "" } else { " …" };
        println!("{} {}{more}", say("as of position", "截至位置"), found.position);
        Ok(ExitCode::SUCCESS)
    }
}

fn row(entry: &AgendaEntry) -> [String; 10] {
    [
        entry.case.clone(),
        entry.number.to_string(),
        entry.kind.as_str().to_owned(),
        entry.debtor.as_str().to_owned(),
        entry.window_from.to_string(),
        entry.window_to.to_string(),
        entry.state.as_str().to_owned(),
        cell(entry.notified_on),
        cell(entry.detected_on),
        entry.source.clone(),
    ]
}

fn json(entry: &AgendaEntry) -> serde_json::Value {
    let day = |day: Option<Date>| day.map(|day| day.to_string());
    serde_json::json!({
        "case": entry.case, "number": entry.number, "kind": entry.kind.as_str(), "debtor": entry.debtor.as_str(),
        "window_from": entry.window_from.to_string(), "window_to": entry.window_to.to_string(),
        "state": entry.state.as_str(), "notified_on": day(entry.notified_on), "detected_on": day(entry.detected_on),
        "fulfilled_on": day(entry.fulfilled_on), "source": entry.source,
    })
}
