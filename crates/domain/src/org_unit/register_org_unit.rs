//! There is a unit.

use jiff::civil::Date;
use serde::Serialize;

use super::OrgUnit;
use super::event::{OrgUnitEvent, OrgUnitKind, OrgUnitRegistered};
use crate::case::rules::{check_code, check_day, check_role};
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Registers a unit under its code, which is the station of accounts and cases.
#[derive(Clone, Debug, Serialize)]
pub struct RegisterOrgUnit {
    /// Its code; of a unit that a supervisor registers, the station's own, a full stop, and more.
    pub unit: String,
    /// What it is.
    pub kind: OrgUnitKind,
    /// The unit it belongs to: that of the officer, or the station of the supervisor for what is within it, whose rules bind it from
    /// then on; none of the officer's own.
    pub parent: Option<String>,
    /// First day.
    pub from: Date,
}

impl Command for RegisterOrgUnit {
    type Aggregate = OrgUnit;
    const NAME: &'static str = "RegisterOrgUnit";

    fn decide(&self, unit: &OrgUnit, context: &Context<'_>) -> Result<Vec<OrgUnitEvent>, Rejection> {
        check_role(&[Role::DistrictOfficer, Role::Supervisor], context)?;
        // What is within a station is also its supervisor's to say.
        if context.actor.role == Role::Supervisor && !(self.kind.is_within_station() && self.parent.is_some()) {
            return Err(Rejection::from(Reason::RoleRequired).with("roles", Role::DistrictOfficer.as_str()));
        }
        let within = format!("{}.", context.actor.station);
        if context.actor.role == Role::Supervisor && !self.unit.starts_with(&within) {
            // Nobody takes the code of another station.
            let expected = format!("a code that begins with {within}");
            return Err(Rejection::of(Reason::FieldInvalid, "name").with("expected", expected));
        }
        if unit.from.is_some() {
            return Err(Reason::UnitExists.into());
        }
        check_day("from", self.from, context)?;
        if let Some(parent) = &self.parent {
            check_code("parent", parent)?;
        }
        // It says whose rules bind: nobody puts a unit under another's, or says what another's is.
        let owner = self.parent.as_ref().unwrap_or(&self.unit);
        if context.actor.role != Role::System && context.actor.station != *owner {
            return Err(Rejection::from(Reason::StationOutOfScope).with("parent", owner));
        }
        Ok(vec![
            OrgUnitRegistered {
                kind: self.kind,
                parent: self.parent.clone().filter(|parent| *parent != self.unit),
                from: self.from,
            }
            .into(),
        ])
    }
}
