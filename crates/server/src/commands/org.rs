//! Commands about organisations.

use waystation_domain::org_unit::{CloseOrgUnit, MergeOrgUnit, OrgUnitKind, RegisterOrgUnit};

use super::command;
use crate::fields::optional;

command!(
    register_unit,
    "orgUnits",
    RegisterOrgUnitRequest,
    |m, fields, id, app| {
        RegisterOrgUnit {
            unit: id.clone(),
            kind: fields
                .choice("kind", m.kind, &OrgUnitKind::ALL)
                .unwrap_or(OrgUnitKind::Station),
            parent: optional(m.parent),
            from: fields.day("from", &m.from),
        }
    }
);

command!(merge_unit, "orgUnits", MergeOrgUnitRequest, |m, fields, id, app| {
    MergeOrgUnit {
        unit: id.clone(),
        into: m.into,
        on: fields.day("on", &m.on),
    }
});

command!(org_unit, "orgUnits", CloseOrgUnitRequest, |m, fields, id, app| {
    CloseOrgUnit {
        unit: id.clone(),
        on: fields.day("on", &m.on),
    }
});
