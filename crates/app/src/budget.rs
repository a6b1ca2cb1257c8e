//! What an account may do so often and not more: searching for people by number, and reading what is sealed. The counts
//! are those of the access log, read when an account is first seen and kept up in memory, so that a restart resets
//! nothing. Whoever is refused is reported, once a day, in the stream of the account.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::Arc;

use lru::LruCache;
use tokio::sync::Mutex;
pub use waystation_domain::account::Budget;
use waystation_domain::account::ReportBudgetSpent;
use waystation_domain::{Channel, FieldClass, Principal};
use waystation_storage::{Direction, LogName, PAGE_EVENTS_MAX};

use crate::access::{AccessRecord, access_stream};
use crate::app::App;
use crate::error::AppError;
use crate::execute::Envelope;

/// The call that searches, as access records name it.
pub const SEARCH: &str = "PersonService/FindPeople";
/// The call that opens the fields of one entry.
pub const REVEAL_ENTRY: &str = "AuditService/RevealEntry";
/// Accounts whose counts are kept in memory.
const ACCOUNTS_KEPT_MAX: NonZeroUsize = NonZeroUsize::new(4_096).expect("is not zero");
/// Access records of an account that are looked at when it is first seen.
const SCANNED_MAX: usize = 100_000;
const HOUR_US: i64 = 3_600 * 1_000_000;
const DAY_US: i64 = 24 * HOUR_US;

/// How often, in how many microseconds.
fn bounds(budget: Budget) -> (usize, i64) {
    match budget {
        Budget::Searches => (300, DAY_US),
        Budget::Misses => (30, DAY_US),
        Budget::Reveals => (120, HOUR_US),
    }
}

/// Times of what an account did lately, newest last; a person's, the last.
#[derive(Default)]
struct Spent {
    searches: Vec<i64>,
    misses: Vec<i64>,
    reveals: HashMap<String, i64>,
}

impl Spent {
    /// When the next is within the budget again; `None` when it is now.
    fn until(&mut self, budget: Budget, persons: &[String], now: i64) -> Option<i64> {
        let (most, window) = bounds(budget);
        self.searches.retain(|at| now - at < DAY_US);
        self.misses.retain(|at| now - at < DAY_US);
        self.reveals.retain(|_, at| now - *at < HOUR_US);
        let others = self.reveals.iter().filter(|(person, _)| !persons.contains(person));
        let mut times: Vec<i64> = match budget {
            Budget::Searches => self.searches.clone(),
            Budget::Misses => self.misses.clone(),
            Budget::Reveals => others.map(|(_, at)| *at).collect(),
        };
        times.sort_unstable();
        let more = if budget == Budget::Reveals { persons.len() } else { 1 };
        let over = (times.len() + more).checked_sub(most).filter(|over| *over > 0)?;
        Some(times.get(over - 1).map_or(now, |at| at + window))
    }

    fn note(&mut self, record: &AccessRecord, at: i64) {
        if record.rpc == SEARCH {
            self.searches.push(at);
            if record.persons.is_empty() {
                self.misses.push(at);
            }
        }
        if reveals(&record.rpc, &record.classes) {
            for person in &record.persons {
                let last = self.reveals.entry(person.clone()).or_insert(at);
                *last = at.max(*last);
            }
        }
    }
}

/// Whether a reading opens fields whole; masked names and numbers do not count.
fn reveals(rpc: &str, classes: &[FieldClass]) -> bool {
    let whole = |class: &FieldClass| matches!(class, FieldClass::Document | FieldClass::Note);
    rpc == REVEAL_ENTRY || classes.iter().any(whole)
}

/// What accounts have spent, as far as it is in memory.
pub(crate) struct Budgets(std::sync::Mutex<LruCache<String, Arc<Mutex<Option<Spent>>>>>);

impl Default for Budgets {
    fn default() -> Self {
        Self(std::sync::Mutex::new(LruCache::new(ACCOUNTS_KEPT_MAX)))
    }
}

impl Budgets {
    fn of(&self, account: &str) -> Arc<Mutex<Option<Spent>>> {
        let mut kept = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        Arc::clone(kept.get_or_insert(account.to_owned(), Arc::default))
    }

    /// Counts what has just gone on record.
    pub(crate) async fn note(&self, record: &AccessRecord, at: i64) {
        if record.rpc != SEARCH && !reveals(&record.rpc, &record.classes) {
            return;
        }
        // What is not in memory is read from the log when it is asked for.
        if let Some(spent) = &mut *self.of(&record.principal).lock().await {
            spent.note(record, at);
        }
    }
}

impl App {
    /// Refuses more than an account may do, and reports it.
    ///
    /// # Errors
    /// [`AppError::BudgetSpent`]; [`AppError::Storage`].
    pub async fn within_budget(
        &self,
        principal: &Principal,
        budgets: &[Budget],
        persons: &[String],
    ) -> Result<(), AppError> {
        let slot = self.budgets().of(&principal.id);
        let mut spent = slot.lock().await;
        let mut counted = match spent.take() {
            Some(counted) => counted,
            None => self.spent_lately(&principal.id).await?,
        };
        let now = self.now_us();
        let over = budgets
            .iter()
            .find_map(|budget| Some((*budget, counted.until(*budget, persons, now)?)));
        *spent = Some(counted);
        drop(spent);
        let Some((budget, until_us)) = over else { return Ok(()) };
        let envelope = Envelope::of(self.system_principal(), Channel::SystemClock);
        let report = ReportBudgetSpent { budget };
        match self
            .run(self.accounts_of_staff(), &principal.id, &report, &envelope)
            .await
        {
            Ok(_) => tracing::warn!(account = principal.id, ?budget, "an account has spent its budget"),
            // Nobody's account: there is no stream to report it in.
            Err(AppError::Rejected(_)) => {}
            Err(error) => return Err(error),
        }
        Err(AppError::BudgetSpent { budget, until_us })
    }

    async fn spent_lately(&self, account: &str) -> Result<Spent, AppError> {
        let (now, log) = (self.now_us(), self.store().log(LogName::Access));
        let (mut spent, mut scanned) = (Spent::default(), 0);
        let (this, before) = (access_stream(account, now), access_stream(account, now - DAY_US));
        let streams = if this == before { vec![this] } else { vec![this, before] };
        for stream in streams {
            let mut from = u64::MAX;
            'stream: while scanned < SCANNED_MAX {
                let page = log
                    .read_stream(&stream, from, Direction::Backwards, PAGE_EVENTS_MAX)
                    .await?;
                scanned += page.len();
                for event in &page {
                    if now - event.recorded_us >= DAY_US {
                        break 'stream;
                    }
                    spent.note(&AccessRecord::read(event)?, event.recorded_us);
                }
                match page.last().and_then(|last| last.revision.checked_sub(1)) {
                    Some(next) => from = next,
                    None => break,
                }
            }
        }
        Ok(spent)
    }
}
