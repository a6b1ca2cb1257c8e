//! `waystation cases`: the caseload, now or as it was known at a past moment.

use std::process::ExitCode;

use clap::Args;
use comfy_table::Table;
use waystation_app::views::CaseSummary;
use waystation_app::{CaseQuery, PageRequest};
use waystation_domain::Date;
use waystation_domain::case::{Programme, RiskClass, Stage};

use crate::codes::{cell, code, named};
use crate::lang::say;
use crate::moment::Moment;

#[derive(Args)]
pub(crate) struct Cases {
    /// sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE
    #[arg(long)]
    database: String,
    /// The station
    #[arg(long, default_value = "station-qinglongshan")]
    station: String,
    /// Only this worker's
    #[arg(long)]
    worker: Option<String>,
    /// Only of which nobody is in charge
    #[arg(long, conflicts_with = "worker")]
    unassigned: bool,
    /// Only in this stage, such as ACTIVE
    #[arg(long)]
    stage: Option<String>,
    /// Only of this programme: COMMUNITY_DETOX or COMMUNITY_REHAB
    #[arg(long)]
    programme: Option<String>,
    /// Only with something past due
    #[arg(long)]
    past_due: bool,
    /// Only whose term ends by this day, and that are not over
    #[arg(long)]
    ending_by: Option<Date>,
    /// Only that the agreement binds and that had no check-in or talk on this day or since
    #[arg(long)]
    no_contact_since: Option<Date>,
    /// Only who is on leave on this day
    #[arg(long)]
    on_leave_on: Option<Date>,
    /// Only who cannot be reached
    #[arg(long)]
    lost: bool,
    /// Only whom another station looks after too
    #[arg(long)]
    dual_control: bool,
    /// Only at this branch of the station
    #[arg(long)]
    branch: Option<String>,
    /// Only where this class of risk holds: LOW, MEDIUM or HIGH
    #[arg(long)]
    risk: Option<String>,
    /// By the next day something is due
    #[arg(long)]
    by_next_due: bool,
    /// How many, at most 1000
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
    #[command(flatten)]
    moment: Moment,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

impl Cases {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let query = CaseQuery {
            station: Some(self.station),
            worker: self.worker.or_else(|| self.unassigned.then(String::new)),
            stage: named(self.stage.as_deref(), &Stage::ALL)?,
            programme: named(
                self.programme.as_deref(),
                &[Programme::CommunityDetox, Programme::CommunityRehab],
            )?,
            person: None,
            past_due: self.past_due,
            ending_by: self.ending_by,
            no_contact_since: self.no_contact_since,
            on_leave_on: self.on_leave_on,
            lost: self.lost,
            dual_control: self.dual_control,
            branch: self.branch,
            risk: named(self.risk.as_deref(), &RiskClass::ALL)?,
            by_next_due: self.by_next_due,
            descending: false,
        };
        let mut page = PageRequest {
            size: usize::from(self.limit),
            token: String::new(),
        };
        let app = crate::open_app(&self.database).await?;
        let found = async {
            let mut found = app.list_cases(&query, &page, self.moment.read()).await?;
            // A page is cut short when a filter leaves much out.
            while !found.next.is_empty() && found.rows.len() < page.size {
                page = PageRequest {
                    size: page.size - found.rows.len(),
                    token: found.next,
                };
                let more = app.list_cases(&query, &page, self.moment.read()).await?;
                found.rows.extend(more.rows);
                found.next = more.next;
            }
            Ok::<_, waystation_app::AppError>(found)
        };
        let found = found.await;
        app.close().await;
        let found = found?;
        if self.json {
            let cases: Vec<_> = found.rows.iter().map(json).collect();
            println!(
                "{}",
                serde_json::json!({ "position": found.position, "cases": cases, "more": !found.next.is_empty() })
            );
            return Ok(ExitCode::SUCCESS);
        }
        let mut table = Table::new();
        table.set_header([
            say("case", "案件"),
            say("stage", "阶段"),
            say("worker", "专干"),
            say("term ends", "期满"),
            say("last contact", "最近联系"),
            say("next due", "下一事项"),
            say("past due", "逾期"),
            say("risk", "风险"),
            say("last test", "最近检测"),
            say("beside", "标注"),
        ]);
        for (id, case) in &found.rows {
            table.add_row(row(id, case));
        }
        println!("{table}");
        let more = if found.next.is_empty() { "" } else { " …" };
        println!(
            "{} {}, {} {}{more}",
            found.rows.len(),
            say("cases", "件"),
            say("as of position", "截至位置"),
            found.position
        );
        Ok(ExitCode::SUCCESS)
    }
}

fn row(id: &str, case: &CaseSummary) -> [String; 10] {
    let overlay = &case.overlay;
    let last_test = overlay.last_test();
    let last_test = last_test.map(|last| format!("{} {}", last.on, code(&last.standing)));
    let mut beside: Vec<String> = overlay.branch.iter().map(|branch| format!("BRANCH {branch}")).collect();
    let leaves = overlay.standing_leaves();
    let leaves = leaves.map(|leave| format!("LEAVE {} – {}", leave.from, leave.to));
    beside.extend(leaves);
    beside.extend(overlay.lost_since.map(|since| format!("LOST_CONTACT {since}")));
    let elsewhere = overlay.dual_control.as_ref();
    beside.extend(elsewhere.map(|control| format!("DUAL_CONTROL {}", control.residence_station)));
    [
        id.to_owned(),
        case.stage.as_str().to_owned(),
        case.worker.clone().unwrap_or_default(),
        cell(case.term_end),
        cell(case.last_contact),
        cell(case.next_due()),
        case.past_due().to_string(),
        code(&overlay.risk),
        last_test.unwrap_or_default(),
        beside.join(", "),
    ]
}

fn json((id, case): &(String, CaseSummary)) -> serde_json::Value {
    let overlay = &case.overlay;
    serde_json::json!({
        "case": id, "stage": case.stage.as_str(), "programme": case.programme, "worker": case.worker,
        "term_start": case.term_start, "term_end": case.term_end, "last_contact": case.last_contact,
        "next_due": case.next_due(), "past_due": case.past_due(), "risk": overlay.risk, "last_test": overlay.last_test(),
        "branch": overlay.branch, "leaves": overlay.leaves, "lost_since": overlay.lost_since, "dual_control": overlay.dual_control,
    })
}
