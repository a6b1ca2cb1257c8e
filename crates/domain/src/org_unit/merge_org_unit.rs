//! A unit goes into another.

use jiff::civil::Date;
use serde::Serialize;

use super::OrgUnit;
use super::event::{OrgUnitEvent, OrgUnitMerged};
use crate::case::rules::{check_code, check_day, check_role};
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Records that a unit went into another; figures are restated under either tree, and cases move by transfer.
#[derive(Clone, Debug, Serialize)]
pub struct MergeOrgUnit {
    /// The unit.
    pub unit: String,
    /// The unit it went into.
    pub into: String,
    /// First day there.
    pub on: Date,
}

/// The unit is there and not over, and the day is not before its first.
pub(super) fn check_there(unit: &OrgUnit, on: Date, context: &Context<'_>) -> Result<(), Rejection> {
    check_role(&[Role::DistrictOfficer], context)?;
    let from = unit.from.ok_or_else(|| Rejection::from(Reason::UnitNotFound))?;
    if unit.is_over() {
        return Err(Reason::UnitOver.into());
    }
    check_day("on", on, context)?;
    if on < from {
        return Err(Rejection::of(Reason::OccurredBeforeCase, "on").with("earliest", from));
    }
    Ok(())
}

impl Command for MergeOrgUnit {
    type Aggregate = OrgUnit;
    const NAME: &'static str = "MergeOrgUnit";

    fn decide(&self, unit: &OrgUnit, context: &Context<'_>) -> Result<Vec<OrgUnitEvent>, Rejection> {
        check_there(unit, self.on, context)?;
        check_code("into", &self.into)?;
        if self.into == self.unit {
            return Err(Rejection::of(Reason::FieldInvalid, "into").with("expected", "another unit"));
        }
        Ok(vec![
            OrgUnitMerged {
                into: self.into.clone(),
                on: self.on,
            }
            .into(),
        ])
    }
}
