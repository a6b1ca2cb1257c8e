//! What can have happened in a points account.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::kernel::events;
use crate::personal::{Field, Personal};

events! {
    /// Every fact of a points account's stream.
    PointsEvent {
        /// Points were given: `ISSUE` → person.
        "points.awarded.v1" => PointsAwarded,
        /// An award was taken back as far as it was unspent: person → `ISSUE`; the rest `WRITE_OFF` → `ISSUE`.
        "points.award_reversed.v2" | "points.award_reversed.v1" => PointsAwardReversed,
        /// Points were spent: person → `REDEEMED`.
        "points.redeemed.v1" => PointsRedeemed,
        /// A redemption was undone: `REDEEMED` → person (or `EXPIRED`, for lots that have expired since).
        "points.redemption_cancelled.v1" => RedemptionCancelled,
        /// A lot's last day passed: person → `EXPIRED`.
        "points.expired.v1" => PointsExpired,
    }
}

impl PointsEvent {
    fn sealed_fields(&self) -> Vec<(Field, &Personal)> {
        match self {
            PointsEvent::PointsAwarded(fact) => vec![(Field::Reason, &fact.reason)],
            PointsEvent::PointsAwardReversed(fact) => vec![(Field::Reason, &fact.reason)],
            PointsEvent::PointsRedeemed(_) | PointsEvent::RedemptionCancelled(_) | PointsEvent::PointsExpired(_) => {
                Vec::new()
            }
        }
    }
}

/// See [`PointsEvent::PointsAwarded`]. The award's number is also its lot's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PointsAwarded {
    /// Number of the award within the account, from 1.
    pub award: u32,
    /// Person, named by the first award.
    pub person: String,
    /// Day of what is rewarded.
    pub on: Date,
    /// Points, 1 or more.
    pub amount: i64,
    /// Rule: a policy key's last part, or `MANUAL`.
    pub rule: String,
    /// Event that is rewarded, as `case-<id>/<revision>`; none for a manual award.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basis: Option<String>,
    /// Reason of a manual award.
    #[serde(default, skip_serializing)]
    pub reason: Personal,
    /// Who approved a manual award above the limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<String>,
    /// Last day on which the lot can be spent.
    pub expires_on: Date,
    /// Policy pack that gave the amount, cap or limit.
    pub source: String,
}

/// See [`PointsEvent::PointsAwardReversed`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PointsAwardReversed {
    /// Which award.
    pub award: u32,
    /// Day of the reversal.
    pub on: Date,
    /// Unspent points taken back.
    pub amount: i64,
    /// Spent points that cannot be taken back.
    pub written_off: i64,
    /// Reason.
    #[serde(default, skip_serializing)]
    pub reason: Personal,
}

/// Points taken from one lot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LotUse {
    /// Which lot.
    pub lot: u32,
    /// How many.
    pub amount: i64,
}

/// One line of a redemption.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemLine {
    /// Stock-keeping unit.
    pub sku: String,
    /// Kind of item, as a code; some kinds are banned by policy.
    pub kind: String,
    /// Pieces.
    pub quantity: i64,
    /// Points for the whole line.
    pub points: i64,
}

/// See [`PointsEvent::PointsRedeemed`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PointsRedeemed {
    /// Number of the redemption within the account, from 1.
    pub redemption: u32,
    /// Day.
    pub on: Date,
    /// What for.
    pub lines: Vec<ItemLine>,
    /// From which lots, first-expiring first.
    pub lots: Vec<LotUse>,
    /// Points in all.
    pub amount: i64,
}

/// See [`PointsEvent::RedemptionCancelled`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedemptionCancelled {
    /// Which redemption.
    pub redemption: u32,
    /// Day.
    pub on: Date,
    /// Points back in their original lots.
    pub returned: i64,
    /// Points whose lot has expired since.
    pub expired: i64,
}

/// See [`PointsEvent::PointsExpired`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PointsExpired {
    /// Which lot.
    pub lot: u32,
    /// The lot's last day.
    pub expired_on: Date,
    /// Points left in it.
    pub amount: i64,
    /// Day the clock noticed.
    pub detected_on: Date,
}
