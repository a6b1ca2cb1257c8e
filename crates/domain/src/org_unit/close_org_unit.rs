//! A unit is no more.

use jiff::civil::Date;
use serde::Serialize;

use super::OrgUnit;
use super::event::{OrgUnitClosed, OrgUnitEvent};
use super::merge_org_unit::check_there;
use crate::kernel::{Command, Context};
use crate::rejection::Rejection;

/// Closes a unit.
#[derive(Clone, Debug, Serialize)]
pub struct CloseOrgUnit {
    /// The unit.
    pub unit: String,
    /// First day without it.
    pub on: Date,
}

impl Command for CloseOrgUnit {
    type Aggregate = OrgUnit;
    const NAME: &'static str = "CloseOrgUnit";

    fn decide(&self, unit: &OrgUnit, context: &Context<'_>) -> Result<Vec<OrgUnitEvent>, Rejection> {
        check_there(unit, self.on, context)?;
        Ok(vec![OrgUnitClosed { on: self.on }.into()])
    }
}
