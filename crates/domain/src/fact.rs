//! Every fact of the system, by aggregate.

use crate::case::CaseEvent;
use crate::kernel::{DecodeError, Event};
use crate::points::PointsEvent;

/// A fact of Waystation's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// About a care case or its obligations.
    Case(CaseEvent),
    /// About a points account.
    Points(PointsEvent),
    /// A claim on a unique value; nothing to fold.
    Claimed,
}

/// Stored type of a claim on a unique value.
pub const CLAIMED: &str = "claim.made.v1";

impl Fact {
    /// Reads a stored fact.
    ///
    /// # Errors
    /// [`DecodeError`]; a type of another tenant of the log is [`DecodeError::UnknownType`].
    pub fn decode(event_type: &str, data: &[u8]) -> Result<Fact, DecodeError> {
        match event_type.split('.').next() {
            Some("case" | "obligation") => CaseEvent::decode(event_type, data).map(Fact::Case),
            Some("points") => PointsEvent::decode(event_type, data).map(Fact::Points),
            _ if event_type == CLAIMED => Ok(Fact::Claimed),
            _ => Err(DecodeError::UnknownType(event_type.to_owned())),
        }
    }
}
