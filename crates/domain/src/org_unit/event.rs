//! What can have happened to a unit.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::kernel::events;
use crate::personal::{Field, Personal};
use crate::policy::Layer;

events! {
    /// Every fact of a unit.
    OrgUnitEvent {
        /// There is a unit.
        "orgunit.registered.v1" => OrgUnitRegistered,
        /// It went into another.
        "orgunit.merged.v1" => OrgUnitMerged,
        /// It is no more.
        "orgunit.closed.v1" => OrgUnitClosed,
    }
}

impl OrgUnitEvent {
    fn sealed_fields(&self) -> Vec<(Field, &Personal)> {
        Vec::new()
    }
}

/// What a unit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OrgUnitKind {
    /// 区县.
    District,
    /// 省、自治区、直辖市.
    Province,
    /// 设区的市.
    City,
    /// 街道、乡镇.
    SubDistrict,
    /// 阳光驿站.
    Station,
    /// 分站.
    Branch,
    /// 社区居委会、村委会.
    Committee,
    /// 网格.
    Grid,
}

impl OrgUnitKind {
    /// A branch, a committee, a grid: what a station may have within it.
    pub fn is_within_station(self) -> bool {
        matches!(self, OrgUnitKind::Branch | OrgUnitKind::Committee | OrgUnitKind::Grid)
    }

    /// All kinds, in the order of their numbers in the API.
    pub const ALL: [OrgUnitKind; 8] = [
        OrgUnitKind::District,
        OrgUnitKind::SubDistrict,
        OrgUnitKind::Station,
        OrgUnitKind::Branch,
        OrgUnitKind::Committee,
        OrgUnitKind::Grid,
        OrgUnitKind::Province,
        OrgUnitKind::City,
    ];

    /// The layer of the rules that it sets for what belongs to it.
    pub fn layer(self) -> Layer {
        match self {
            OrgUnitKind::Province => Layer::Province,
            OrgUnitKind::City => Layer::City,
            OrgUnitKind::District => Layer::District,
            OrgUnitKind::SubDistrict => Layer::SubDistrict,
            OrgUnitKind::Station | OrgUnitKind::Branch | OrgUnitKind::Committee | OrgUnitKind::Grid => Layer::Station,
        }
    }
}

/// See [`OrgUnitEvent::OrgUnitRegistered`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrgUnitRegistered {
    /// What it is.
    pub kind: OrgUnitKind,
    /// The unit it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// First day.
    pub from: Date,
}

/// See [`OrgUnitEvent::OrgUnitMerged`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrgUnitMerged {
    /// The unit it went into.
    pub into: String,
    /// First day there.
    pub on: Date,
}

/// See [`OrgUnitEvent::OrgUnitClosed`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrgUnitClosed {
    /// First day without it.
    pub on: Date,
}
