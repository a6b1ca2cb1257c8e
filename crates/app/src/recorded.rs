//! A fact with everything the log knows about it; what views fold.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;

use lru::LruCache;
use waystation_domain::{Aggregate, Fact, Field, Metadata};
use waystation_domain::{
    account::Account, case::Case, org_unit::OrgUnit, person::Person, points::PointsAccount, policy_book::PolicyBook,
};
use waystation_storage::RecordedEvent;
use waystation_trust::Header;

use crate::error::AppError;
use crate::vault::KEY_CATEGORY;

/// Stream category of claims on order numbers.
pub(crate) const ORDER_CATEGORY: &str = "ordernumber";

/// Stream category of claims on numbers of papers.
const DOCUMENT_CATEGORY: &str = "documentnumber";

/// Stream categories that only commands may write.
pub const RESERVED_CATEGORIES: [&str; 9] = [
    Account::CATEGORY,
    Case::CATEGORY,
    PointsAccount::CATEGORY,
    Person::CATEGORY,
    PolicyBook::CATEGORY,
    OrgUnit::CATEGORY,
    ORDER_CATEGORY,
    DOCUMENT_CATEGORY,
    KEY_CATEGORY,
];

/// Metadata kept decoded on each thread: a worker's commands of one day all carry the same.
const METADATA_KEPT_MAX: NonZeroUsize = NonZeroUsize::new(256).expect("is not zero");

thread_local! {
    static METADATA: RefCell<LruCache<Box<[u8]>, Arc<Metadata>>> = RefCell::new(LruCache::new(METADATA_KEPT_MAX));
}

fn metadata(bytes: &[u8]) -> Result<Arc<Metadata>, serde_json::Error> {
    METADATA.with_borrow_mut(|kept| {
        // Most often that of the event before, which needs no looking up.
        if let Some((last, known)) = kept.peek_mru()
            && last.as_ref() == bytes
        {
            return Ok(Arc::clone(known));
        }
        if let Some(known) = kept.get(bytes) {
            return Ok(Arc::clone(known));
        }
        let read: Arc<Metadata> = Arc::new(serde_json::from_slice(bytes)?);
        kept.put(bytes.into(), Arc::clone(&read));
        Ok(read)
    })
}

/// A decoded event of Waystation's own.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// The stored event.
    pub event: RecordedEvent,
    /// What happened.
    pub fact: Fact,
    /// Who, how, under which rules.
    pub metadata: Arc<Metadata>,
}

impl Recorded {
    /// Decodes an event; `None` for an event of another tenant of the log.
    ///
    /// # Errors
    /// [`AppError::Undecodable`] when an event of a reserved stream does not read.
    pub fn decode(event: RecordedEvent) -> Result<Option<Recorded>, AppError> {
        let category = event.category();
        if !RESERVED_CATEGORIES
            .iter()
            .any(|reserved| reserved.as_bytes() == category)
        {
            return Ok(None);
        }
        let undecodable = |what: String| AppError::Undecodable {
            position: event.position,
            what,
        };
        let fact = Fact::decode(event.event_type(), event.data()).map_err(|error| undecodable(error.to_string()))?;
        let metadata = metadata(event.metadata())
            .map_err(|error| undecodable(format!("the metadata does not read at column {}", error.column())))?;
        Ok(Some(Recorded { event, fact, metadata }))
    }

    /// The aggregate's id: the stream name after the first dash.
    pub fn id(&self) -> &str {
        self.event.stream().split_once('-').map_or("", |(_, id)| id)
    }

    /// The sealed fields of the event, all at its position.
    pub(crate) fn sealed_fields(&self) -> BTreeMap<Field, u64> {
        let header = Header::parse(self.event.header())
            .map(|header| header.sealed)
            .unwrap_or_default();
        let field = |number: u16| Field::ALL.iter().copied().find(|field| field.number() == number);
        let fields = header
            .iter()
            .filter_map(|part| Some((field(part.field)?, self.position())));
        fields.collect()
    }

    /// Place in the log.
    pub fn position(&self) -> u64 {
        self.event.position
    }
}
