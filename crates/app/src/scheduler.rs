//! The clock actor: when a day passes, what was due becomes an event, once, however long the clock was away.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::sync::watch;
use waystation_domain::case::Review;
use waystation_domain::points::ExpirePoints;
use waystation_domain::{Channel, Principal, Role, calendar};
use waystation_storage::KeyRange;

use crate::app::App;
use crate::error::AppError;
use crate::execute::{Envelope, Receipt};
use crate::query::{PATIENCE, decode};
use crate::view::{KEY_END, View};
use crate::views::{Agenda, AgendaKey, PointsAccounts, PointsAccountsKey};

/// How often the clock looks at the schedule.
const TICK: Duration = Duration::from_secs(30);
/// Schedule entries read at a time.
const BATCH: usize = 500;
/// Principal id of the clock.
const CLOCK_ID: &str = "system-clock";

impl App {
    /// Looks at the schedule every 30 seconds until told to stop.
    pub async fn run_clock(&self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            if let Err(error) = self.tick().await {
                tracing::warn!(error = %error, "the clock could not look at the schedule");
            }
            tokio::select! {
                () = tokio::time::sleep(TICK) => {}
                changed = stop.changed() => if changed.is_err() { return },
            }
        }
    }

    /// Records everything that has passed its day by now. Says how many events that became.
    ///
    /// # Errors
    /// [`AppError::ProjectionBehind`] when the schedule cannot keep up, or the store failed; the next tick goes on.
    pub async fn tick(&self) -> Result<u64, AppError> {
        // What another process has published since binds from here on.
        self.reread_policies();
        // One schedule, or one record, that fails must not keep the others waiting.
        let (reviewed, expired) = (self.review_cases().await, self.expire_points().await);
        let (erased, sealed) = (self.finish_erasures().await, self.finish_sealings().await);
        Ok(reviewed? + expired? + erased? + sealed?)
    }

    async fn review_cases(&self) -> Result<u64, AppError> {
        let due = format!("{}{KEY_END}", calendar::day_of(self.now_us()));
        let mut tally = Tally::default();
        // A document id is `<case>/<number>`; several obligations of one case are reviewed once.
        for (station, case) in self
            .scheduled::<Agenda>(AgendaKey::Clock as u16, due, &mut tally)
            .await?
        {
            tally.count(&case, self.case(&case, &Review {}, &self.as_clock(station)).await);
        }
        tally.finish()
    }

    async fn expire_points(&self) -> Result<u64, AppError> {
        let before = calendar::day_of(self.now_us()).to_string();
        let mut tally = Tally::default();
        for (station, person) in self
            .scheduled::<PointsAccounts>(PointsAccountsKey::Expiry as u16, before, &mut tally)
            .await?
        {
            let expired = self.points(&person, &ExpirePoints {}, &self.as_clock(station)).await;
            tally.count(&person, expired);
        }
        tally.finish()
    }

    fn as_clock(&self, station: String) -> Envelope {
        let principal = Principal {
            id: CLOCK_ID.to_owned(),
            role: Role::System,
            station,
        };
        Envelope::of(principal, Channel::SystemClock)
    }

    /// Station and id of every aggregate whose key in the schedule is smaller than `high`; each once. An entry that does
    /// not read is a failure in the tally.
    async fn scheduled<V: Scheduled>(
        &self,
        name: u16,
        high: String,
        tally: &mut Tally,
    ) -> Result<BTreeSet<(String, String)>, AppError> {
        let head = self.main().head().size;
        let (generation, at) = self.board().wait(V::NAME, head, PATIENCE).await?;
        let range = KeyRange {
            name,
            low: String::new(),
            high,
            descending: false,
        };
        let mut after = None;
        let mut found = BTreeSet::new();
        loop {
            let keys = self.views().list(generation, &range, after.as_ref(), at, BATCH).await?;
            let ids: Vec<String> = keys.iter().map(|(_, id)| id.clone()).collect();
            for stored in self.views().documents(generation, &ids, at).await? {
                match decode(&stored.body, stored.from_position) {
                    Ok(document) => drop(found.insert(V::aggregate(&stored.id, &document))),
                    Err(error) => tally.fail(&stored.id, error),
                }
            }
            if keys.len() < BATCH {
                return Ok(found);
            }
            after = keys.into_iter().next_back();
        }
    }
}

/// How many events a schedule became, and the first failure on the way.
#[derive(Default)]
struct Tally {
    events: u64,
    failure: Option<AppError>,
}

impl Tally {
    fn count(&mut self, id: &str, reviewed: Result<Receipt, AppError>) {
        match reviewed {
            Ok(receipt) => self.events += receipt.events,
            Err(AppError::Rejected(no)) => tracing::warn!(id, reason = no.reason.code(), "the clock was refused"),
            Err(error) => self.fail(id, error),
        }
    }

    fn fail(&mut self, id: &str, error: AppError) {
        tracing::warn!(id, error = %error, "the clock could not review a record");
        self.failure.get_or_insert(error);
    }

    fn finish(self) -> Result<u64, AppError> {
        self.failure.map_or(Ok(self.events), Err)
    }
}

/// A view the clock works from.
trait Scheduled: View {
    /// Station and id of the aggregate that a document is about.
    fn aggregate(id: &str, document: &Self::Document) -> (String, String);
}

impl Scheduled for Agenda {
    fn aggregate(_: &str, entry: &Self::Document) -> (String, String) {
        (entry.station.clone(), entry.case.clone())
    }
}

impl Scheduled for PointsAccounts {
    fn aggregate(id: &str, account: &Self::Document) -> (String, String) {
        (account.station.clone(), id.to_owned())
    }
}
