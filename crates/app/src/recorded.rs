//! A fact with everything the log knows about it; what views fold.

use waystation_domain::{Aggregate, Fact, Metadata};
use waystation_domain::{case::Case, points::PointsAccount};
use waystation_storage::RecordedEvent;

use crate::error::AppError;

/// Stream category of claims on order numbers.
pub(crate) const ORDER_CATEGORY: &str = "order";

/// Stream categories that only commands may write.
pub const RESERVED_CATEGORIES: [&str; 3] = [Case::CATEGORY, PointsAccount::CATEGORY, ORDER_CATEGORY];

/// A decoded event of Waystation's own.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// The stored event.
    pub event: RecordedEvent,
    /// What happened.
    pub fact: Fact,
    /// Who, how, under which rules.
    pub metadata: Metadata,
}

impl Recorded {
    /// Decodes an event; `None` for an event of another tenant of the log.
    ///
    /// # Errors
    /// [`AppError::Undecodable`] when an event of a reserved stream does not read.
    pub fn decode(event: RecordedEvent) -> Result<Option<Recorded>, AppError> {
        let category = event.stream().split('-').next().unwrap_or_default();
        if !RESERVED_CATEGORIES.contains(&category) {
            return Ok(None);
        }
        let undecodable = |what: String| AppError::Undecodable {
            position: event.position,
            what,
        };
        let fact = Fact::decode(event.event_type(), event.data()).map_err(|error| undecodable(error.to_string()))?;
        let metadata = serde_json::from_slice(event.metadata())
            .map_err(|error| undecodable(format!("the metadata does not read at column {}", error.column())))?;
        Ok(Some(Recorded { event, fact, metadata }))
    }

    /// The aggregate's id: the stream name after the first dash.
    pub fn id(&self) -> &str {
        self.event.stream().split_once('-').map_or("", |(_, id)| id)
    }

    /// Place in the log.
    pub fn position(&self) -> u64 {
        self.event.position
    }
}
