//! From views and the log to answers, as of any moment, page by page.

mod agenda;
mod audit;
mod cases;
mod compliance;
mod documents;
mod inspect;
mod people;
mod points;
mod registers;
mod roles;
mod scan;
mod simulate;
mod stations;
mod token;
mod units;
mod workload;

use std::collections::HashMap;
use std::time::Duration;

use serde::de::DeserializeOwned;
use waystation_domain::{Date, calendar};
use waystation_storage::KeyRange;

use crate::app::App;
use crate::error::AppError;
use crate::view::{KEY_END, KEY_SEPARATOR, View, key};
use token::Token;

pub use agenda::AgendaQuery;
pub use audit::{AuditEntry, TimeRange};
pub use cases::CaseQuery;
pub use compliance::{Compliance, ComplianceCounter, Evidence};
pub use documents::{DocumentRegister, Issued};
pub use inspect::{CASES_INSPECTED_MAX, Found, Inspected};
pub use points::LedgerLine;
pub use registers::{Asked, Listed, Register};
pub use roles::RoleHeld;
pub use simulate::{Simulated, Simulation};
pub use stations::StationNow;
pub use workload::{Load, Workload};

/// Rows of a page when the caller does not say.
pub(crate) const PAGE_DEFAULT: usize = 50;
/// Most rows of a page.
pub const PAGE_MAX: usize = 1_000;
/// Rows looked at for one page; a page whose filter leaves out more comes back short, with a token to go on.
const SCAN_MAX: usize = 5_000;
/// How long a query waits for a view to reach the position it asks for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// How often a query asks for a position that this process has not heard of.
const HEAD_POLL: Duration = Duration::from_millis(100);

/// A past moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AsOf {
    /// After the event at this position, and before the next.
    Position(u64),
    /// What had been recorded by then, microseconds since 1970 UTC.
    Recorded(i64),
}

/// When to look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// The answer must include this position (from a [`Receipt`](crate::Receipt)), else the query fails.
    pub min_position: Option<u64>,
    /// The moment to answer for; now when absent.
    pub as_of: Option<AsOf>,
}

/// Which piece of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageRequest {
    /// Rows, at most 1,000; 0 for 50.
    pub size: usize,
    /// Where to go on; empty for the beginning.
    pub token: String,
}

impl PageRequest {
    /// Rows that a page has at most: 50 unless another number is asked for, and never more than 1,000.
    pub fn rows(&self) -> usize {
        if self.size == 0 {
            PAGE_DEFAULT
        } else {
            self.size.min(PAGE_MAX)
        }
    }
}

/// A piece of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// Rows.
    pub rows: Vec<T>,
    /// Where to go on; empty at the end.
    pub next: String,
    /// The moment the answer is for.
    pub position: u64,
}

impl App {
    /// The day it was at a moment: of the time that was asked for, or of the event at the position.
    pub(crate) async fn day_of(&self, options: ReadOptions, position: u64) -> Result<Date, AppError> {
        Ok(match options.as_of {
            None => self.today(),
            Some(AsOf::Recorded(us)) => calendar::day_of(us),
            Some(AsOf::Position(_)) => {
                let event = self.main().event_at(position).await?;
                event.map_or_else(|| self.today(), |event| calendar::day_of(event.recorded_us))
            }
        })
    }

    /// The position that a moment means.
    ///
    /// # Errors
    /// [`AppError::AsOfInFuture`] for a position beyond the log's end, [`AppError::ProjectionBehind`] when a
    /// `min_position` does not come within 5 s.
    pub async fn moment(&self, options: ReadOptions) -> Result<Option<u64>, AppError> {
        if let Some(wanted) = options.min_position {
            // Another process may have written it; this one learns of it by asking.
            let wait = async {
                let mut head = self.main().watch_head();
                while self.main().head().size < wanted {
                    self.main().refresh_head().await?;
                    let changed = head.wait_for(|head| head.size >= wanted);
                    // A timeout only says that asking again is worth it.
                    let _ = tokio::time::timeout(HEAD_POLL, changed).await;
                }
                Ok::<_, AppError>(())
            };
            if tokio::time::timeout(PATIENCE, wait).await.is_err() {
                let position = self.main().head().size;
                return Err(AppError::ProjectionBehind {
                    view: "log",
                    position,
                    wanted,
                });
            }
        }
        if let Some(AsOf::Position(asked)) = options.as_of {
            if asked > self.main().head().size {
                self.main().refresh_head().await?;
            }
            let head = self.main().head().size;
            if asked > head {
                return Err(AppError::AsOfInFuture { head, asked });
            }
        }
        Ok(match options.as_of {
            None => None,
            Some(AsOf::Position(position)) => Some(position),
            Some(AsOf::Recorded(time)) => Some(self.main().position_at(time).await?),
        })
    }

    /// The generation that answers for a view, and the position to ask it for.
    async fn generation<V: View>(&self, options: ReadOptions) -> Result<(i64, u64), AppError> {
        let at = self.moment(options).await?;
        let wanted = at.unwrap_or(0).max(options.min_position.unwrap_or(0));
        match at {
            Some(at) => Ok((self.board().wait(V::NAME, wanted, PATIENCE).await?.0, at)),
            None => self.board().now(V::NAME, wanted, PATIENCE).await,
        }
    }

    /// What documents of a view say now, of those that are there; for permission to read what they said.
    pub(crate) async fn now_of<V: View>(&self, ids: &[String]) -> Result<HashMap<String, V::Document>, AppError> {
        let (generation, at) = self.generation::<V>(ReadOptions::default()).await?;
        let mut now = HashMap::new();
        for some in ids.chunks(PAGE_MAX) {
            for stored in self.views().documents(generation, some, at).await? {
                now.insert(stored.id.clone(), decode(&stored.body, stored.from_position)?);
            }
        }
        Ok(now)
    }

    /// One document of a view.
    async fn document<V: View>(
        &self,
        id: &str,
        kind: &'static str,
        options: ReadOptions,
    ) -> Result<(V::Document, u64), AppError> {
        let (generation, at) = self.generation::<V>(options).await?;
        let found = self.views().documents(generation, &[id.to_owned()], at).await?;
        let stored = found.first().ok_or(AppError::NotFound { kind })?;
        Ok((decode(&stored.body, stored.from_position)?, at))
    }

    /// A page of documents: the keys of a range that hold at the moment, in order, as far as the filter lets through.
    async fn list<V: View>(
        &self,
        range: KeyRange,
        query: &[&str],
        page: &PageRequest,
        options: ReadOptions,
        wanted: impl Fn(&V::Document) -> bool + Send,
    ) -> Result<Page<(String, V::Document)>, AppError> {
        let name = range.name.to_string();
        let direction = if range.descending { "desc" } else { "asc" };
        let mut parts = vec![V::NAME, name.as_str(), &range.low, &range.high, direction];
        parts.extend(query);
        let token = Token::read(&page.token, &parts)?;
        let options = match &token {
            Some(token) => ReadOptions {
                min_position: None,
                as_of: Some(AsOf::Position(token.at)),
            },
            None => options,
        };
        let (generation, at) = self.generation::<V>(options).await?;
        let mut after = token.map(|token| (token.value, token.id));
        let mut rows = Vec::new();
        let mut scanned = 0;
        let size = page.rows();
        loop {
            let limit = (size - rows.len() + 1).min(SCAN_MAX);
            let keys = self.views().list(generation, &range, after.as_ref(), at, limit).await?;
            let ids: Vec<String> = keys.iter().map(|(_, id)| id.clone()).collect();
            let mut found: HashMap<_, _> = self
                .views()
                .documents(generation, &ids, at)
                .await?
                .into_iter()
                .map(|stored| (stored.id.clone(), stored))
                .collect();
            let exhausted = keys.len() < limit;
            scanned += keys.len();
            for (value, id) in keys {
                if rows.len() == size {
                    // One more key than fits: there is a next page, and it begins after the last row looked at.
                    return Ok(self.short(rows, at, after, &parts));
                }
                if let Some(stored) = found.remove(&id) {
                    let document = decode(&stored.body, stored.from_position)?;
                    if wanted(&document) {
                        rows.push((id.clone(), document));
                    }
                }
                after = Some((value, id));
            }
            if exhausted {
                return Ok(Page {
                    rows,
                    next: String::new(),
                    position: at,
                });
            }
            if scanned >= SCAN_MAX {
                return Ok(self.short(rows, at, after, &parts));
            }
        }
    }

    fn short<T>(&self, rows: Vec<T>, at: u64, after: Option<(String, String)>, parts: &[&str]) -> Page<T> {
        let (value, id) = after.unwrap_or_default();
        Page {
            rows,
            next: Token { at, value, id }.write(parts),
            position: at,
        }
    }
}

/// A stored document, as it was at `position`.
pub(crate) fn decode<D: DeserializeOwned>(body: &[u8], position: u64) -> Result<D, AppError> {
    serde_json::from_slice(body).map_err(|_| AppError::Undecodable {
        position,
        what: "a stored document does not read".into(),
    })
}

/// All values of a key that begin with these parts, with at least one more part.
fn under(name: u16, parts: &[&str]) -> KeyRange {
    let prefix = key(parts);
    KeyRange {
        name,
        low: format!("{prefix}{KEY_SEPARATOR}"),
        high: format!("{prefix}{KEY_END}"),
        descending: false,
    }
}

/// All values of a key.
fn everything(name: u16) -> KeyRange {
    KeyRange {
        name,
        low: String::new(),
        high: "\u{10ffff}".to_owned(),
        descending: false,
    }
}
