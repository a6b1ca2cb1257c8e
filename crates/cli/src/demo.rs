//! `waystation demo`: a year of one sub-district, made up from a seed and sent through the real command path.

mod clock;
mod conduct;
mod faults;
mod papers;
mod person;
mod plan;
mod story;
mod summary;
mod trust;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use futures::{StreamExt, TryStreamExt};
use waystation_app::{App, AppOptions, Clock};
use waystation_domain::{Date, calendar};
use waystation_server::ServeOptions;

use crate::lang::say;
use crate::progress::Progress;
use crate::serve::{DEFAULT_LISTEN, Serving, listen};
use clock::DemoClock;
use person::Person;

/// Station of the made-up year.
pub(crate) const STATION: &str = "station-qinglongshan";
/// Participants at scale 1.
const PARTICIPANTS: u32 = 200;
/// Participants whose day is carried out at once; each one's commands keep their order.
const AT_ONCE: usize = 64;

#[derive(Args)]
pub(crate) struct Demo {
    /// Make the year, verify it, print the summary and exit
    #[arg(long)]
    once: bool,
    /// Keep the data in this directory (otherwise it is thrown away)
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Multiplies the number of participants (200 at scale 1)
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    scale: u32,
    /// The same seed makes the same year
    #[arg(long, default_value_t = 20_201_127)]
    seed: u64,
    /// Last day of the year; yesterday when not given
    #[arg(long)]
    until: Option<Date>,
    /// Address to serve on; loopback only
    #[arg(long, default_value = DEFAULT_LISTEN)]
    listen: String,
    /// Print one JSON object instead of tables
    #[arg(long)]
    json: bool,
}

impl Demo {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        // Bound first: a port in use must not cost a year.
        let listener = if self.once {
            None
        } else {
            Some(listen(&self.listen, false).await?)
        };
        let (directory, scrap) = match &self.dir {
            Some(directory) => {
                std::fs::create_dir_all(directory)?;
                (directory.clone(), None)
            }
            None => {
                let scrap = tempfile::tempdir()?;
                (scrap.path().to_owned(), Some(scrap))
            }
        };
        let file = directory.join("demo.db");
        let database = format!("sqlite:{}", file.display());
        let clock = Arc::new(DemoClock::default());
        let last = self
            .until
            .unwrap_or_else(|| calendar::add_days(calendar::day_of(clock.now_us()), -1));
        let first = calendar::add_days(last, -364);
        if !file.exists() {
            // Before anything is recorded: the log never lets time go backwards, and the year is to be asked about by its days.
            clock.set_morning(first);
        }
        let options = AppOptions {
            database: database.clone(),
            keys: crate::keys::database(),
            keyring: crate::keys::keyring()?,
            migrate: true,
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
        };
        let app = Arc::new(App::open(options).await?);
        // Whoever wants to may watch the year go by.
        let serving = listener
            .map(|listener| {
                Serving::start(
                    &app,
                    listener,
                    ServeOptions {
                        insecure: true,
                        ..ServeOptions::default()
                    },
                )
            })
            .transpose()?;
        let begun = std::time::Instant::now();
        let shown = if app.is_new() {
            let people = plan::population(self.seed, PARTICIPANTS * self.scale, first);
            live_the_year(&app, &clock, people, last).await?;
            let shown = trust::show(&app, &file).await?;
            clock.release();
            Some(shown)
        } else {
            // It was shown, and its tokens were printed, when the year was made.
            None
        };
        let healthy = summary::print(&app, begun.elapsed(), shown.as_ref(), self.json).await?;
        if let Some(serving) = serving {
            if !self.json {
                print_next(&self.listen, shown.as_ref().map(trust::Shown::token));
            }
            serving.until_interrupted(app).await?;
        } else if let Some(app) = Arc::into_inner(app) {
            app.close().await;
        }
        drop(scrap);
        Ok(if healthy {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(crate::exit::INTEGRITY)
        })
    }
}

async fn live_the_year(app: &App, clock: &DemoClock, mut people: Vec<Person>, last: Date) -> anyhow::Result<()> {
    let mut progress = Progress::new(say("the year", "一年"));
    let first = calendar::add_days(last, -364);
    for number in 0..365 {
        let today = calendar::add_days(first, number);
        clock.set_morning(today);
        app.tick().await?;
        people = futures::stream::iter(people)
            .map(|mut person| async move {
                person.live(app, today).await?;
                Ok::<_, anyhow::Error>(person)
            })
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        story::live(app, today, number).await?;
        faults::live(app, today, number).await?;
        papers::live(app, today, number).await?;
        progress.set(number as u64 + 1, 365);
    }
    Ok(())
}

fn print_next(listen: &str, token: Option<&str>) {
    println!(
        "\n{}",
        say(
            "What to try next (in another terminal):",
            "接下来可以试试（另开一个终端）："
        )
    );
    let who = token.map_or_else(
        || {
            format!(
                "-H 'waystation-actor: worker-1' -H 'waystation-role: CASE_WORKER' -H 'waystation-station: {STATION}'"
            )
        },
        |token| format!("-H 'authorization: Bearer {token}'"),
    );
    println!("  grpcurl -plaintext {listen} list");
    println!(
        "  grpcurl -plaintext {who} -d '{{\"name\":\"cases/xiaolin\"}}' {listen} waystation.v1.CaseService/GetCase"
    );
    println!(
        "  grpcurl -plaintext {who} -d '{{\"record\":\"cases/xiaolin\"}}' {listen} \
         waystation.v1.AuditService/ListAuditEntries"
    );
    println!(
        "  grpcurl -plaintext {who} -d '{{\"name\":\"cases/ahong\"}}' {listen} waystation.v1.AuditService/ReplayCase"
    );
    println!("{}", say("Ctrl-C ends it.", "按 Ctrl-C 结束。"));
}
