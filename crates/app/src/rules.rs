//! The rules that bind a station: what is shipped, and what it has published.

use std::num::NonZeroUsize;
use std::sync::{Arc, PoisonError};

use lru::LruCache;
use waystation_domain::policy::PolicyValue;
use waystation_domain::policy_book::{OwnPack, PolicyBook};
use waystation_domain::{Command, Date, Policy};

use crate::aggregates::{load, load_until, stream_of};
use crate::app::App;
use crate::error::AppError;
use crate::execute::{Envelope, Receipt};
use crate::query::ReadOptions;

/// Stations whose rules are kept in memory.
const POLICIES_CACHED_MAX: NonZeroUsize = NonZeroUsize::new(1_024).expect("is not zero");

/// The rules of stations, as this process last read them.
pub(crate) struct Policies {
    kept: LruCache<String, Arc<Policy>>,
    /// How often they were forgotten.
    generation: u64,
}

impl Policies {
    pub(crate) fn new() -> Self {
        Self {
            kept: LruCache::new(POLICIES_CACHED_MAX),
            generation: 0,
        }
    }
}

/// What binds a station on a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Every value, by key.
    pub values: Vec<PolicyValue>,
    /// The station's own packs, oldest first.
    pub packs: Vec<OwnPack>,
    /// The moment the answer is for.
    pub position: u64,
}

impl App {
    /// The policy that binds a station, as this process last read it: at every look of the clock, and whenever it has changed it
    /// itself. What was in force is recorded with every event.
    pub(crate) async fn policy(&self, station: &str) -> Result<Arc<Policy>, AppError> {
        let generation = {
            let mut policies = self.policies().lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(policy) = policies.kept.get(station) {
                return Ok(Arc::clone(policy));
            }
            policies.generation
        };
        let (book, _) = load::<PolicyBook>(&stream_of::<PolicyBook>(station), self.main()).await?;
        let policy = Arc::new(Policy::shipped(station).with_packs(book.published()));
        let mut policies = self.policies().lock().unwrap_or_else(PoisonError::into_inner);
        // What was published meanwhile may be missing from it.
        if policies.generation == generation {
            policies.kept.put(station.to_owned(), Arc::clone(&policy));
        }
        Ok(policy)
    }

    /// The packs of a station's own as far as was known at a position.
    async fn book_as_of(&self, station: &str, position: u64) -> Result<PolicyBook, AppError> {
        let stream = stream_of::<PolicyBook>(station);
        let (book, _) = load_until(&stream, self.main(), position).await?;
        Ok(book)
    }

    /// The policy that bound a station as far as was known at a position.
    pub(crate) async fn policy_as_of(&self, station: &str, position: u64) -> Result<Policy, AppError> {
        let book = self.book_as_of(station, position).await?;
        Ok(Policy::shipped(station).with_packs(book.published()))
    }

    /// Every value that binds a station on a day, and its own packs, as far as was known at a moment.
    ///
    /// # Errors
    /// As [`App::moment`]; [`AppError::Undecodable`].
    pub async fn rules(&self, station: &str, on: Option<Date>, options: ReadOptions) -> Result<Rules, AppError> {
        let position = self.moment(options).await?.unwrap_or(self.main().head().size);
        let book = self.book_as_of(station, position).await?;
        let on = match on {
            Some(on) => on,
            None => self.day_of(options, position).await?,
        };
        Ok(Rules {
            values: Policy::shipped(station).with_packs(book.published()).values(on),
            packs: book.packs,
            position,
        })
    }

    /// Forgets the rules of every station, so that they are read again.
    pub(crate) fn reread_policies(&self) {
        let mut policies = self.policies().lock().unwrap_or_else(PoisonError::into_inner);
        policies.kept.clear();
        policies.generation += 1;
    }

    /// Drafts, reviews or publishes a pack of a station.
    ///
    /// # Errors
    /// As [`App::case`].
    pub async fn policy_pack<C: Command<Aggregate = PolicyBook>>(
        &self,
        station: &str,
        command: &C,
        envelope: &Envelope,
    ) -> Result<Receipt, AppError> {
        let receipt = self.run(self.books(), station, command, envelope).await;
        self.reread_policies();
        receipt
    }
}
