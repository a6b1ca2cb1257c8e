//! The summary of the year: what is in the views, and whether everything can be proved.

use std::time::Duration;

use comfy_table::Table;
use serde_json::json;
use waystation_app::{App, LogName, PageRequest, ReadOptions};

use super::STATION;
use super::trust::Shown;
use crate::lang::say;
use crate::progress::Progress;

/// Prints the summary; says whether the log and the views were proved.
pub(super) async fn print(app: &App, took: Duration, shown: Option<&Shown>, as_json: bool) -> anyhow::Result<bool> {
    let log = app.store().log(LogName::Main);
    let head = log.head();
    let read = ReadOptions {
        min_position: Some(head.size),
        as_of: None,
    };
    let now = app.station_now(STATION, read).await?;
    let months = app
        .station_months(
            STATION,
            &PageRequest {
                size: 1_000,
                token: String::new(),
            },
            read,
        )
        .await?;
    let mut bar = Progress::new(say("verifying", "校验"));
    let verified = log.verify(|done, total| bar.set(done, total)).await?;
    let views = app.verify_views(|done, total| bar.set(done, total)).await?;
    let replay = app
        .replay(None, head.size / 2, |done, total| bar.set(done, total))
        .await?;
    drop(bar);
    let proved = verified.findings.is_empty() && views.different == 0 && replay.different == 0;
    let healthy = proved && shown.is_none_or(Shown::holds);
    let root: String = head.root.iter().map(|byte| format!("{byte:02x}")).collect();
    if as_json {
        let stages: serde_json::Map<_, _> = now
            .stages
            .iter()
            .map(|(stage, cases)| (stage.as_str().to_owned(), json!(cases)))
            .collect();
        let summary = json!({
            "station": STATION, "events": head.size, "root": root, "seconds": took.as_secs_f64(),
            "cases_by_stage": stages, "months": months.rows,
            "verify": { "log_findings": verified.findings.len(), "view_versions_and_keys": views.compared,
                        "view_differences": views.different, "replay_at": head.size / 2,
                        "replay_differences": replay.different },
            "trust": shown.map(Shown::json),
            "healthy": healthy,
        });
        println!("{summary}");
        return Ok(healthy);
    }
    println!("{} {STATION}", say("A year of", "一年记录："));
    let mut table = Table::new();
    table.set_header([say("cases", "案件"), say("number", "数量")]);
    for (stage, cases) in now.stages.iter().filter(|(_, cases)| *cases > 0) {
        table.add_row([stage.as_str(), &cases.to_string()]);
    }
    println!("{table}");
    let mut table = Table::new();
    table.set_header([
        say("month", "月份"),
        say("check-ins", "见面"),
        say("talks", "谈话"),
        say("met", "按期完成"),
        say("past due", "逾期"),
        say("points given", "奖励积分"),
        say("spent", "兑换"),
    ]);
    // The year has thirteen months when it begins inside one; what lies before is history taken over.
    for month in months.rows.iter().rev().take(13).rev() {
        table.add_row([
            month.month.clone(),
            month.check_ins.to_string(),
            month.talks.to_string(),
            month.met.to_string(),
            month.past_due.to_string(),
            month.points_awarded.to_string(),
            month.points_redeemed.to_string(),
        ]);
    }
    println!("{table}");
    let mut table = Table::new();
    table.set_header([say("proof", "证明"), say("result", "结果")]);
    let result = |count: u64| match count {
        0 => say("ok", "通过").to_owned(),
        count => format!("{count} {}", say("findings", "处不符")),
    };
    table.add_row([
        format!(
            "{} ({})",
            say("log: digests, leaves, tiles, root", "日志：摘要、叶、块、根"),
            verified.events
        ),
        result(verified.findings.len() as u64),
    ]);
    table.add_row([
        format!(
            "{} ({})",
            say(
                "views: every version and key equals its replay",
                "视图：每个版本与键等于重放"
            ),
            views.compared
        ),
        result(views.different),
    ]);
    table.add_row([
        format!("{} {}", say("replay to position", "重放至位置"), head.size / 2),
        result(replay.different),
    ]);
    println!("{table}");
    if let Some(shown) = shown {
        shown.print();
    }
    println!(
        "{} {} · {} {} · {:.1} s",
        head.size,
        say("events", "条事件"),
        say("root", "根"),
        &root[..16],
        took.as_secs_f64()
    );
    for finding in &verified.findings {
        println!("main {finding}");
    }
    for difference in views.differences.iter().chain(&replay.differences) {
        println!("{} {}: {}", difference.view, difference.id, difference.what);
    }
    Ok(healthy)
}
