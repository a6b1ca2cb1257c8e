//! `waystation explain`: what counts towards a serious breach in a case, by which pack, and on the strength of which events.

use std::process::ExitCode;

use clap::Args;
use comfy_table::Table;
use waystation_app::{ComplianceCounter, Evidence};
use waystation_domain::case::BreachGround;

use crate::lang::say;
use crate::moment::Moment;

#[derive(Args)]
pub(crate) struct Explain {
    /// sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE
    #[arg(long)]
    database: String,
    /// The case
    #[arg(long)]
    case: String,
    #[command(flatten)]
    moment: Moment,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

impl Explain {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let app = crate::open_app(&self.database).await?;
        let found = app.compliance(&self.case, self.moment.read()).await;
        app.close().await;
        let found = found?;
        if self.json {
            let counters: Vec<_> = found.counters.iter().map(json).collect();
            println!(
                "{}",
                serde_json::json!({ "case": self.case, "position": found.position, "counters": counters })
            );
        } else {
            let mut table = Table::new();
            table.set_header([
                say("counter", "累计项目"),
                say("count", "累计"),
                say("serious", "标准"),
                say("reached", "已达到"),
                say("source", "依据"),
                say("events", "事件"),
            ]);
            for counter in &found.counters {
                table.add_row(row(counter));
            }
            println!("{table}");
            println!("{} {}", say("as of position", "截至位置"), found.position);
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn name(ground: BreachGround) -> &'static str {
    match ground {
        BreachGround::TestRefusals => say("tests refused or evaded", "拒绝、逃避检测（次）"),
        BreachGround::Absences => say("absences without authority", "擅自外出（次）"),
        BreachGround::AbsenceDays => say("days of them", "擅自外出（天）"),
    }
}

fn row(found: &ComplianceCounter) -> [String; 6] {
    let counter = &found.counter;
    let beyond = match counter.ground {
        BreachGround::AbsenceDays => ">",
        BreachGround::TestRefusals | BreachGround::Absences => "≥",
    };
    let events: Vec<String> = found
        .evidence
        .iter()
        .map(|one| {
            let positions: Vec<String> = one.positions.iter().map(u64::to_string).collect();
            format!("{}: {}", one.number, positions.join(" "))
        })
        .collect();
    let threshold = &counter.threshold;
    [
        name(counter.ground).to_owned(),
        counter.count.to_string(),
        format!("{beyond} {}", threshold.value),
        if counter.reached {
            say("yes", "是")
        } else {
            say("no", "否")
        }
        .to_owned(),
        format!("{} · {} · {}", threshold.source, threshold.pack, threshold.certainty),
        events.join("\n"),
    ]
}

fn json(found: &ComplianceCounter) -> serde_json::Value {
    let (counter, threshold) = (&found.counter, &found.counter.threshold);
    let evidence =
        |one: &Evidence| serde_json::json!({ "number": one.number, "days": one.days, "positions": one.positions });
    let evidence: Vec<_> = found.evidence.iter().map(evidence).collect();
    serde_json::json!({
        "ground": counter.ground.as_str(), "count": counter.count, "threshold": threshold.value,
        "reached": counter.reached, "key": counter.key, "pack": threshold.pack, "source": threshold.source,
        "certainty": threshold.certainty, "evidence": evidence,
    })
}
