//! The order of the police, and what can become of it.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::personal::Personal;

/// Which of the two programmes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Programme {
    /// 社区戒毒.
    #[serde(rename = "CD")]
    CommunityDetox,
    /// 社区康复.
    #[serde(rename = "CR")]
    CommunityRehab,
}

impl Programme {
    /// `CD` or `CR`, as in policy keys and storage.
    pub fn as_str(self) -> &'static str {
        match self {
            Programme::CommunityDetox => "CD",
            Programme::CommunityRehab => "CR",
        }
    }
}

/// Why this station carries the order out (禁毒法 33).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PlaceBasis {
    /// Household registration.
    Household,
    /// A fixed home here.
    Residence,
}

/// An order of the police was put on file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderRegistered {
    /// Random id of the person.
    pub person: String,
    /// Station that carries the order out.
    pub station: String,
    /// Programme.
    pub programme: Programme,
    /// Number of the order document.
    #[serde(default, skip_serializing)]
    pub order_no: Personal,
    /// Deciding authority, as a code.
    pub authority: String,
    /// Day of the decision.
    pub decided_on: Date,
    /// Day the station was told.
    pub notified_on: Date,
    /// Months of the programme.
    pub term_months: i32,
    /// Days already served elsewhere that count (戒毒条例 31).
    pub offset_days: i32,
    /// Why here.
    pub place_basis: PlaceBasis,
    /// Number of the release certificate; community rehabilitation only.
    #[serde(default, skip_serializing)]
    pub release_no: Personal,
}

/// Who changed an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum VariationBasis {
    /// Administrative reconsideration.
    Reconsideration,
    /// A court.
    Court,
    /// The authority that made it.
    Authority,
}

/// The order was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderVaried {
    /// Months of the programme.
    pub term_months: i32,
    /// Days served elsewhere that count.
    pub offset_days: i32,
    /// Day from which it holds.
    pub effective_on: Date,
    /// By whom.
    pub basis: VariationBasis,
    /// Number of the document.
    #[serde(default, skip_serializing)]
    pub document_no: Personal,
}

/// The place of compulsory isolation handed the person over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseHandoverReceived {
    /// Day of the release.
    pub released_on: Date,
    /// Day of the handover.
    pub received_on: Date,
    /// Place of compulsory isolation, as a code.
    pub facility: String,
    /// Papers that came along, as codes.
    pub papers: Vec<String>,
}

/// The order was revoked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderRevoked {
    /// Day from which it does not hold.
    pub effective_on: Date,
    /// By whom.
    pub basis: VariationBasis,
    /// Number of the document.
    #[serde(default, skip_serializing)]
    pub document_no: Personal,
}

/// The order was served on the person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderServed {
    /// Day of service on the person.
    pub on: Date,
}
