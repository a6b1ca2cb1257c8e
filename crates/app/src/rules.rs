//! The rules that bind a station: what is shipped, and what it and the units that it belongs to have published.

use std::num::NonZeroUsize;
use std::sync::{Arc, PoisonError};

use lru::LruCache;
use waystation_domain::org_unit::{OrgUnit, OrgUnitKind};
use waystation_domain::policy::{Layer, PolicyValue};
use waystation_domain::policy_book::{OwnPack, PolicyBook};
use waystation_domain::{Command, Date, Policy};

use crate::aggregates::{load_until, stream_of};
use crate::app::App;
use crate::error::AppError;
use crate::execute::{Envelope, Receipt};
use crate::query::ReadOptions;

/// Stations whose rules are kept in memory.
const POLICIES_CACHED_MAX: NonZeroUsize = NonZeroUsize::new(1_024).expect("is not zero");

/// Most units that a station belongs to, one above the other, with itself.
const LEVELS_MAX: usize = 8;

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
        let policy = Arc::new(Box::pin(self.policy_as_of(station, u64::MAX)).await?);
        let mut policies = self.policies().lock().unwrap_or_else(PoisonError::into_inner);
        // What was published meanwhile may be missing from it.
        if policies.generation == generation {
            policies.kept.put(station.to_owned(), Arc::clone(&policy));
        }
        Ok(policy)
    }

    /// A station and the units that it belongs to, from below, each with the layer of its rules, as far as was known at a position.
    async fn units_of(&self, station: &str, position: u64) -> Result<Vec<(String, Layer)>, AppError> {
        let mut units = vec![(station.to_owned(), Layer::Station)];
        let (mut at, _) = load_until::<OrgUnit>(&stream_of::<OrgUnit>(station), self.main(), position).await?;
        while units.len() < LEVELS_MAX {
            let Some(parent) = at.parent.filter(|parent| units.iter().all(|(unit, _)| unit != parent)) else {
                break;
            };
            (at, _) = load_until::<OrgUnit>(&stream_of::<OrgUnit>(&parent), self.main(), position).await?;
            let layer = at.kind.map_or(Layer::District, OrgUnitKind::layer);
            // Whatever it calls itself, it is above.
            units.push((parent, layer.min(Layer::SubDistrict)));
        }
        Ok(units)
    }

    /// The packs of a unit's own as far as was known at a position.
    async fn book_as_of(&self, station: &str, position: u64) -> Result<PolicyBook, AppError> {
        let stream = stream_of::<PolicyBook>(station);
        let (book, _) = load_until(&stream, self.main(), position).await?;
        Ok(book)
    }

    /// The policy that bound a station as far as was known at a position.
    pub(crate) async fn policy_as_of(&self, station: &str, position: u64) -> Result<Policy, AppError> {
        let units = self.units_of(station, position).await?;
        let names: Vec<&str> = units.iter().map(|(unit, _)| unit.as_str()).collect();
        let mut policy = Policy::shipped_for(&names);
        for (unit, layer) in &units {
            let book = self.book_as_of(unit, position).await?;
            policy = policy.with_packs(*layer, book.published());
        }
        Ok(policy)
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
            values: self.policy_as_of(station, position).await?.values(on),
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

    /// Drafts, reviews or publishes a pack of a station, or of a unit that stations belong to.
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
