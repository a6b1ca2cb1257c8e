//! `waystation register`: what a station lists: tests, contacts, leave, breaches, classes of risk and counters.

mod row;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use comfy_table::Table;
use serde::Serialize;
use waystation_app::{Asked, Listed, PAGE_MAX, PageRequest};
use waystation_domain::Date;
use waystation_domain::case::{ObligationKind, RiskClass};
use waystation_domain::register::{
    AbsenceEntry, AbsenceFilter, AbsenceStanding, BreachEntry, BreachFilter, BreachStanding, ContactEntry,
    ContactFilter, ContactKind, CounterEntry, CounterFilter, RiskEntry, RiskFilter, TestEntry, TestFilter,
    TestStanding, YearEntry, YearFilter,
};

use crate::codes::named;
use crate::lang::say;
use crate::moment::Moment;
use row::Row;

#[derive(Args)]
pub(crate) struct Register {
    #[command(subcommand)]
    which: Which,
}

#[derive(Subcommand)]
enum Which {
    /// Drug tests, by the day of the sample or refusal (尿检台账)
    Tests {
        #[command(flatten)]
        days: Days,
        /// Only where something was found and not ruled out since
        #[arg(long)]
        positive: bool,
        /// Only what somebody elsewhere is entrusted with
        #[arg(long)]
        entrusted: bool,
        /// Only tests that stand so, such as REFUSAL_COUNTED
        #[arg(long)]
        standing: Option<String>,
        #[command(flatten)]
        of: Of,
    },
    /// Check-ins, talks, visits and calls, by their day (谈话走访台账)
    Contacts {
        #[command(flatten)]
        days: Days,
        /// Only of this kind, such as TALK
        #[arg(long)]
        kind: Option<String>,
        #[command(flatten)]
        of: Of,
    },
    /// Leave and absence, by the first day away (请假外出台账)
    Absences {
        #[command(flatten)]
        days: Days,
        /// Only who is away at the moment
        #[arg(long)]
        out: bool,
        /// Only what stands so, such as COUNTED
        #[arg(long)]
        standing: Option<String>,
        #[command(flatten)]
        of: Of,
    },
    /// Breaches, relapses and refusals to report, and what the police made of them (违约与移送台账)
    Breaches {
        #[command(flatten)]
        days: Days,
        /// Only what stands so, such as AWAITING_POLICE
        #[arg(long)]
        standing: Option<String>,
        #[command(flatten)]
        of: Of,
    },
    /// The class of risk of each case that is not over (风险评估台账)
    Risks {
        #[command(flatten)]
        days: Days,
        /// Only where this class holds, such as HIGH
        #[arg(long)]
        class: Option<String>,
        /// Only where nobody has decided on the last score
        #[arg(long)]
        undecided: bool,
        /// Only where somebody decided otherwise than was proposed
        #[arg(long)]
        overridden: bool,
        /// Only what the participant contests
        #[arg(long)]
        contested: bool,
        /// Only where another class holds than on this day
        #[arg(long)]
        moved_since: Option<Date>,
        #[command(flatten)]
        of: Of,
    },
    /// What was owed in each programme year, and what became of it (履约统计)
    Years {
        #[command(flatten)]
        days: Days,
        /// Only of this kind, such as URINE_TEST
        #[arg(long)]
        kind: Option<String>,
        /// Only where something was late, past due or missed
        #[arg(long)]
        behind: bool,
        #[command(flatten)]
        of: Of,
    },
    /// How near each case that is not over is to a serious breach (违约计数)
    Counters {
        /// Only what is within one time, or five days, of its threshold
        #[arg(long)]
        near: bool,
        #[command(flatten)]
        of: Of,
    },
}

/// Which days.
#[derive(Args)]
struct Days {
    /// Only lines of this day or later
    #[arg(long)]
    from: Option<Date>,
    /// Only lines of this day or earlier
    #[arg(long)]
    to: Option<Date>,
}

/// What every register is asked.
#[derive(Args)]
struct Of {
    /// sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE
    #[arg(long)]
    database: String,
    /// The station
    #[arg(long, default_value = "station-qinglongshan")]
    station: String,
    /// Only of this case
    #[arg(long)]
    case: Option<String>,
    /// How many; all of them when not given
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    #[command(flatten)]
    moment: Moment,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

impl Register {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        match self.which {
            Which::Tests {
                days,
                positive,
                entrusted,
                standing,
                of,
            } => {
                let filter = TestFilter {
                    positive,
                    entrusted,
                    standing: named(standing.as_deref(), &TestStanding::ALL)?,
                };
                of.show::<TestEntry>(Some(days), filter).await
            }
            Which::Contacts { days, kind, of } => {
                let kind = named(kind.as_deref(), &ContactKind::ALL)?;
                of.show::<ContactEntry>(Some(days), ContactFilter { kind }).await
            }
            Which::Absences {
                days,
                out,
                standing,
                of,
            } => {
                let standing = named(standing.as_deref(), &AbsenceStanding::ALL)?;
                of.show::<AbsenceEntry>(Some(days), AbsenceFilter { out, standing })
                    .await
            }
            Which::Breaches { days, standing, of } => {
                let standing = named(standing.as_deref(), &BreachStanding::ALL)?;
                of.show::<BreachEntry>(Some(days), BreachFilter { standing }).await
            }
            Which::Risks {
                days,
                class,
                undecided,
                overridden,
                contested,
                moved_since,
                of,
            } => {
                let filter = RiskFilter {
                    class: named(class.as_deref(), &RiskClass::ALL)?,
                    undecided,
                    overridden,
                    contested,
                    moved_since,
                };
                of.show::<RiskEntry>(Some(days), filter).await
            }
            Which::Years { days, kind, behind, of } => {
                let kind = named(kind.as_deref(), &ObligationKind::ALL)?;
                of.show::<YearEntry>(Some(days), YearFilter { kind, behind }).await
            }
            Which::Counters { near, of } => of.show::<CounterEntry>(None, CounterFilter { near }).await,
        }
    }
}

impl Of {
    async fn show<E: Row>(self, days: Option<Days>, filter: E::Filter) -> anyhow::Result<ExitCode> {
        let (from, to) = days.map_or((None, None), |days| (days.from, days.to));
        let mut asked = Asked {
            station: self.station,
            from,
            to,
            page: PageRequest::default(),
            query: String::new(),
        };
        let (limit, case) = (
            self.limit.map_or(usize::MAX, |limit| limit as usize),
            self.case.as_deref(),
        );
        let app = crate::open_app(&self.database).await?;
        let found = async {
            let mut lines = Vec::new();
            loop {
                asked.page.size = PAGE_MAX.min(limit - lines.len());
                let read = asked.moment(self.moment.read())?;
                let (cases, position) = app.cases_of_register(&asked.station, case, read).await?;
                let found = app.register::<E>(&asked, &cases, (read, position), &filter).await?;
                lines.extend(found.page.rows);
                asked.page.token = found.page.next;
                if asked.page.token.is_empty() || lines.len() >= limit {
                    return Ok::<_, waystation_app::AppError>((lines, found.total, found.days, position));
                }
            }
        };
        let found = found.await;
        app.close().await;
        let (lines, total, days, position) = found?;
        if self.json {
            let lines: Vec<Line<'_, E>> = lines.iter().map(Line::of).collect();
            println!(
                "{}",
                serde_json::json!({
                    "position": position, "total": total, "days": days, "lines": lines,
                })
            );
            return Ok(ExitCode::SUCCESS);
        }
        let mut table = Table::new();
        let mut header = vec![say("case", "案件")];
        header.extend(E::header());
        table.set_header(header);
        for line in &lines {
            let mut cells = vec![line.case.clone()];
            cells.extend(line.entry.cells());
            table.add_row(cells);
        }
        println!("{table}");
        if days > 0 {
            println!("{} {}", say("days in all", "合计天数"), days);
        }
        println!(
            "{} {} {}, {} {}",
            lines.len(),
            say("of", "行，共"),
            total,
            say("as of position", "截至位置"),
            position
        );
        Ok(ExitCode::SUCCESS)
    }
}

/// A line as JSON.
#[derive(Serialize)]
struct Line<'a, E> {
    case: &'a str,
    #[serde(flatten)]
    entry: &'a E,
}

impl<'a, E> Line<'a, E> {
    fn of(line: &'a Listed<E>) -> Self {
        Self {
            case: &line.case,
            entry: &line.entry,
        }
    }
}
