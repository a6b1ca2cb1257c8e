//! What can have happened to the packs of a station.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::kernel::events;
use crate::personal::{Field, Personal};

events! {
    /// Every fact of a station's own rules.
    PolicyEvent {
        /// A pack was written.
        "policy.pack_drafted.v1" => PolicyPackDrafted,
        /// Somebody else looked at it.
        "policy.pack_reviewed.v1" => PolicyPackReviewed,
        /// It is in force in its time.
        "policy.pack_published.v1" => PolicyPackPublished,
    }
}

impl PolicyEvent {
    fn sealed_fields(&self) -> Vec<(Field, &Personal)> {
        Vec::new()
    }
}

/// A value of a pack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackValue {
    /// Key that a shipped pack has.
    pub key: String,
    /// A number, numbers or codes with commas between them, `true` or `false`.
    pub value: String,
    /// Notice or practice behind it.
    pub source: String,
    /// `A` read in full, `B` second hand, `C` a default that a person must confirm.
    pub certainty: String,
}

/// See [`PolicyEvent::PolicyPackDrafted`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyPackDrafted {
    /// Name of the pack.
    pub pack: String,
    /// First day.
    pub valid_from: Date,
    /// Last day; no end when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_to: Option<Date>,
    /// It is meant to hold for days that had passed.
    #[serde(default, skip_serializing_if = "is_false")]
    pub retroactive: bool,
    /// What it says.
    pub values: Vec<PackValue>,
    /// Who wrote it.
    pub by: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// See [`PolicyEvent::PolicyPackReviewed`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyPackReviewed {
    /// Which.
    pub pack: String,
    /// They agree.
    pub approved: bool,
}

/// See [`PolicyEvent::PolicyPackPublished`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyPackPublished {
    /// Which.
    pub pack: String,
}
