//! `waystation import`: a station's day-book as CSV, one row one thing that happened.
//!
//! The whole file is rehearsed first, each row on what the rows before it would have made. Only a file without a
//! single error is recorded. Every row has a request id of its own made from its contents, so importing the same file
//! again, or a longer one that begins with it, records nothing twice.

mod carry;
mod row;

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use comfy_table::Table;
use waystation_app::{Envelope, Keyring};
use waystation_domain::{Channel, Principal};

use crate::exit;
use crate::lang::say;
use crate::progress::Progress;
use carry::{Door, carry_out};
use row::{Problem, Row};

/// Rows of one file.
const ROWS_MAX: usize = 100_000;
/// Errors that are listed; more are only counted.
const LISTED_MAX: usize = 100;

#[derive(Args)]
pub(crate) struct Import {
    /// CSV in UTF-8; headings in Chinese or English (see docs in `crates/cli/samples/day-book.csv`)
    file: PathBuf,
    /// sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE
    #[arg(long)]
    database: String,
    /// Station whose day-book it is
    #[arg(long)]
    station: String,
    /// Only rehearse: say what is wrong and what would be recorded
    #[arg(long)]
    dry_run: bool,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

/// What an import did, or would do.
#[derive(Default)]
struct Tally {
    rows: u64,
    new: u64,
    known: u64,
}

impl Import {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let rows = match read(&self.file)? {
            Ok(rows) => rows,
            Err(problems) => return Ok(self.report(&Tally::default(), &problems)),
        };
        let app = crate::open_app(&self.database).await?;
        // A row is known again by a keyed digest: it may hold personal data, and what it is stored as must not tell.
        let ring = app.keyring().await?;
        let mut problems = Vec::new();
        let mut rehearsal = app.rehearse();
        let mut tally = self
            .pass(&rows, (&mut rehearsal, &ring), "rehearsal", false, &mut problems)
            .await?;
        let rehearsed = problems.is_empty();
        if rehearsed && !self.dry_run {
            tally = self
                .pass(&rows, (&mut &app, &ring), "import", true, &mut problems)
                .await?;
        }
        if !rehearsed {
            tally = Tally::default();
        }
        app.close().await;
        Ok(self.report(&tally, &problems))
    }

    async fn pass(
        &self,
        rows: &[Row],
        (door, ring): (&mut impl Door, &Keyring),
        what: &str,
        stop_at_first: bool,
        problems: &mut Vec<Problem>,
    ) -> anyhow::Result<Tally> {
        let mut progress = Progress::new(what);
        let mut seen: HashMap<&str, u32> = HashMap::new();
        let mut tally = Tally::default();
        for row in rows {
            let again = seen.entry(row.text.as_str()).or_default();
            *again += 1;
            let request = ring.digest(&[
                b"day-book",
                self.station.as_bytes(),
                row.text.as_bytes(),
                &again.to_le_bytes(),
            ]);
            let station = self.station.clone();
            let principal = Principal {
                id: row.actor.clone(),
                role: row.role,
                station,
            };
            let envelope = Envelope {
                request: Some(uuid::Uuid::from_bytes(request)),
                ..Envelope::of(principal, Channel::Import)
            };
            tally.rows += 1;
            match carry_out(row, door, &envelope).await {
                Ok(true) => tally.known += 1,
                Ok(false) => tally.new += 1,
                Err(problem) => {
                    problems.push(problem.into_problem(row)?);
                    if stop_at_first {
                        tally.rows -= 1;
                        break;
                    }
                }
            }
            progress.set(tally.rows, rows.len() as u64);
        }
        Ok(tally)
    }

    fn report(&self, tally: &Tally, problems: &[Problem]) -> ExitCode {
        if self.json {
            let listed: Vec<_> = problems
                .iter()
                .take(LISTED_MAX)
                .map(|problem| {
                    serde_json::json!({ "row": problem.row, "column": problem.column, "problem": problem.what })
                })
                .collect();
            println!(
                "{}",
                serde_json::json!({ "dry_run": self.dry_run, "rows": tally.rows, "new": tally.new,
                                    "known": tally.known, "problems": problems.len(), "listed": listed })
            );
        } else if problems.is_empty() {
            println!(
                "{}: {} {} {}, {} {}",
                if self.dry_run {
                    say("rehearsed, nothing recorded", "仅演练，未写入")
                } else {
                    say("imported", "已导入")
                },
                tally.rows,
                say("rows,", "行，"),
                format_args!("{} {}", tally.new, say("new", "新增")),
                tally.known,
                say("recorded before", "此前已记录"),
            );
        } else {
            let mut table = Table::new();
            table.set_header([say("row", "行"), say("column", "列"), say("problem", "问题")]);
            for problem in problems.iter().take(LISTED_MAX) {
                table.add_row([problem.row.to_string(), problem.column.clone(), problem.what.clone()]);
            }
            println!("{table}");
            let nothing = say("problems; nothing was recorded", "处问题，未写入任何内容");
            let stopped = say(
                "problem that the rehearsal could not foresee; the rows before it are recorded, mend it and import again",
                "处演练未能预见的问题；此前各行已写入，请修正后重新导入",
            );
            println!("{} {}", problems.len(), if tally.rows == 0 { nothing } else { stopped });
        }
        if problems.is_empty() {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(exit::REJECTED)
        }
    }
}

fn read(path: &PathBuf) -> anyhow::Result<Result<Vec<Row>, Vec<Problem>>> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let text = String::from_utf8(bytes).map_err(|_| {
        anyhow::anyhow!(
            "{}",
            say(
                "the file is not UTF-8; save it as \"CSV UTF-8\"",
                "文件不是 UTF-8 编码，请另存为“CSV UTF-8”"
            )
        )
    })?;
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .flexible(true)
        .from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let columns = match row::Columns::find(reader.headers()?) {
        Ok(columns) => columns,
        Err(problem) => return Ok(Err(vec![problem])),
    };
    let (mut rows, mut problems) = (Vec::new(), Vec::new());
    for (number, record) in reader.records().enumerate() {
        if number >= ROWS_MAX {
            anyhow::bail!("{} {ROWS_MAX}", say("the file has more rows than", "文件行数超过"));
        }
        // People count the heading as row 1.
        match columns.read(number as u64 + 2, &record?) {
            Ok(row) => rows.push(row),
            Err(problem) => problems.push(problem),
        }
    }
    Ok(if problems.is_empty() { Ok(rows) } else { Err(problems) })
}
