//! The logs of a database: rows, tiles, what the log has claimed about itself, and what an outsider kept.

use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use waystation_app::{Checkpoint, KeptCheckpoint, Log, LogName, Mark, Store, TrustPolicy, VerifyReport};

use super::trust::{Anchors, Trust};
use super::{Line, code, code_of_finding, compare_views, hex, report};
use crate::lang::say;
use crate::progress::Progress;

/// Microseconds by which clocks of station and witness may differ.
const SLACK_US: i64 = waystation_app::bundle::CLOCK_SLACK_US;

#[derive(Args)]
pub(super) struct Whole {
    /// sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE
    #[arg(long, required = true)]
    database: Option<String>,
    /// Leave the views out
    #[arg(long)]
    log_only: bool,
    #[command(flatten)]
    trust: Trust,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub(super) struct Db {
    /// sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE
    #[arg(long)]
    database: String,
    #[command(flatten)]
    trust: Trust,
    /// Do without an outside checkpoint; whoever holds the database and the signing key can then deceive
    #[arg(long, conflicts_with = "anchor")]
    no_anchor: bool,
    /// Most seconds that events may have waited for a witness, when the policy asks for witnesses
    #[arg(long, default_value_t = 86_400)]
    unwitnessed_max: u64,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

impl Whole {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let database = self.database.as_deref().unwrap_or_default();
        let (policy, anchors) = (self.trust.policy()?, self.trust.anchors()?);
        let store = open(database).await?;
        let mut lines = logs(&store, policy.as_ref(), &anchors, None).await?;
        store.close().await;
        let sound = lines.iter().all(|line| line.found == 0);
        if sound && !self.log_only {
            // Views are proved by the log, so a broken log proves nothing.
            let app = crate::open_app(database).await?;
            lines.push(compare_views(&app).await?);
            app.close().await;
        }
        let exit = report(&lines, self.json);
        if !self.json && !sound && !self.log_only {
            println!(
                "{}",
                say(
                    "views were not looked at, because the log is damaged",
                    "日志已损坏，未校验视图"
                )
            );
        }
        if !self.json && anchors.main.is_none() {
            println!(
                "{}",
                say(
                    "no outside checkpoint was compared (--anchor): a log that was rewritten whole would look the same",
                    "未与外部检查点比对（--anchor）：整体改写的日志看起来也会一样"
                )
            );
        }
        Ok(exit)
    }
}

impl Db {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let (policy, anchors) = (self.trust.policy()?, self.trust.anchors()?);
        let store = open(&self.database).await?;
        let waited_max = i64::try_from(self.unwitnessed_max).unwrap_or(i64::MAX);
        let mut lines = logs(&store, policy.as_ref(), &anchors, Some(waited_max)).await?;
        store.close().await;
        if anchors.main.is_none() && !self.no_anchor {
            let what = "no outside checkpoint to hold the log to; give --anchor, or --no-anchor to do without";
            lines.push(Line::of("anchor", 0, vec![(code::NO_ANCHOR, what.to_owned())]));
        }
        Ok(report(&lines, self.json))
    }
}

/// Opens what is there, however damaged.
async fn open(url: &str) -> anyhow::Result<Store> {
    Store::open_to_verify(url).await.context("cannot open the database")
}

/// Verifies both logs, and the claims about them. `waited_max`: how long events may wait for a witness, in
/// seconds.
async fn logs(
    store: &Store,
    policy: Option<&TrustPolicy>,
    anchors: &Anchors,
    waited_max: Option<i64>,
) -> anyhow::Result<Vec<Line>> {
    let mut lines = Vec::new();
    for name in LogName::ALL {
        let log = store.log(name);
        let kept = match policy {
            Some(_) => all_kept(log).await?,
            None => Vec::new(),
        };
        let anchor = match name {
            LogName::Main => anchors.main.as_ref(),
            LogName::Access => anchors.access.as_ref(),
        };
        let ends = anchor.map(|anchor| anchor.size);
        let mut sizes: Vec<u64> = kept.iter().map(|kept| kept.size).chain(ends).collect();
        sizes.sort_unstable();
        let mut progress = Progress::new(name.as_str());
        let verified = log.verify_at(&sizes, |done, total| progress.set(done, total)).await?;
        let named = verified
            .findings
            .iter()
            .map(|finding| (code_of_finding(finding), finding.to_string()));
        let line = Line::of(name.as_str(), verified.events, named.collect());
        lines.push(Line {
            root: hex(&verified.computed.root),
            ..line
        });
        match (policy, name) {
            (Some(policy), LogName::Main) => lines.push(claims(&kept, anchor, policy, &verified, waited_max)),
            (Some(policy), LogName::Access) => {
                let line = claims(&kept, anchor, &policy.of_access(), &verified, None);
                lines.push(Line {
                    part: "access checkpoints",
                    ..line
                });
            }
            (None, _) => {}
        }
        if let Some(anchor) = anchor {
            lines.push(Line {
                root: hex(&anchor.root),
                ..against(anchor, &verified)
            });
        }
    }
    Ok(lines)
}

async fn all_kept(log: &Log) -> anyhow::Result<Vec<KeptCheckpoint>> {
    let mut kept: Vec<KeptCheckpoint> = Vec::new();
    loop {
        let after = kept.last().map(|last| (last.size, last.witnesses));
        let page = log.checkpoints(after).await?;
        if page.is_empty() {
            return Ok(kept);
        }
        kept.extend(page);
    }
}

fn mark(verified: &VerifyReport, size: u64) -> Option<&Mark> {
    verified.marks.iter().find(|mark| mark.size == size)
}

/// Holds the log to every checkpoint it has kept.
fn claims(
    kept: &[KeptCheckpoint],
    anchor: Option<&Checkpoint>,
    policy: &TrustPolicy,
    verified: &VerifyReport,
    waited_max: Option<i64>,
) -> Line {
    let mut named = Vec::new();
    // Size and time of the newest checkpoint that enough witnesses have cosigned.
    let mut witnessed: Option<(u64, i64, Option<i64>)> = None;
    for one in kept {
        let place = format!("checkpoint {}", one.size);
        let checkpoint = match policy.accept_unwitnessed(&one.note) {
            Ok(checkpoint) if checkpoint.size == one.size => checkpoint,
            Ok(_) => {
                named.push((code::SIGNATURE, format!("{place}: it covers another size")));
                continue;
            }
            Err(error) => {
                named.push((code::SIGNATURE, format!("{place}: {error}")));
                continue;
            }
        };
        let Some(mark) = mark(verified, one.size) else {
            named.push((code::SIGNATURE, format!("{place}: the log is shorter")));
            continue;
        };
        if mark.root != checkpoint.root {
            named.push((code::SIGNATURE, format!("{place}: it is signed over another tree")));
        }
        let times = policy.accept(&one.note).map(|accepted| accepted.witnessed);
        let Some(at) = times.ok().and_then(|times| times.first().copied()) else {
            continue;
        };
        let at = i64::try_from(at).unwrap_or(i64::MAX / 1_000_000) * 1_000_000;
        if mark.recorded_us > at + SLACK_US {
            let what = format!("event {}: recorded after the witnesses saw it", mark.size);
            named.push((code::BACKDATED, what));
        }
        if let Some((size, before, next)) = witnessed
            && size < one.size
            && next.is_some_and(|next| next < before - SLACK_US)
        {
            let what = format!(
                "event {}: recorded before the witnesses saw the log without it",
                size + 1
            );
            named.push((code::BACKDATED, what));
        }
        witnessed = Some((one.size, at, mark.next_recorded_us));
    }
    if let Some(anchor) = anchor
        && (1..=verified.events).contains(&anchor.size)
        && !kept.iter().any(|kept| kept.size == anchor.size)
    {
        let what = format!("checkpoint {}: the log has not kept what it gave out", anchor.size);
        named.push((code::SIGNATURE, what));
    }
    if let Some(waited_max) = waited_max.filter(|_| policy.asks_for_witnesses()) {
        let waits_since = match witnessed {
            Some((size, _, next)) if size < verified.events => next,
            Some(_) => None,
            None => Some(i64::MIN),
        };
        let oldest = now_us().saturating_sub(waited_max.saturating_mul(1_000_000));
        if verified.events > 0 && waits_since.is_some_and(|since| since < oldest) {
            let first = witnessed.map_or(1, |(size, ..)| size + 1);
            let what = format!("event {first}: no witness has seen it for too long");
            named.push((code::UNWITNESSED, what));
        }
    }
    Line::of("claims", kept.len() as u64, named)
}

fn now_us() -> i64 {
    waystation_app::Clock::now_us(&waystation_app::SystemClock)
}

/// What has become of the log since the checkpoint, if that is not simply more events.
fn against(anchor: &Checkpoint, verified: &VerifyReport) -> Line {
    let named = match mark(verified, anchor.size) {
        _ if anchor.size == 0 => None,
        None => Some((
            code::ROLLBACK,
            format!(
                "rollback: the log has {} events, the checkpoint covers {}",
                verified.events, anchor.size
            ),
        )),
        Some(mark) => (mark.root != anchor.root).then(|| {
            (
                code::FORK,
                format!("fork: the first {} events are not those of the checkpoint", anchor.size),
            )
        }),
    };
    Line::of("anchor", anchor.size, named.into_iter().collect())
}
