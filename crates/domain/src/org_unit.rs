//! Organisations over time: stations and what they belong to, with the days from which that holds. What was recorded at a station
//! stays there; a tree says under whom it is counted.

mod close_org_unit;
pub mod event;
mod merge_org_unit;
mod register_org_unit;

pub use close_org_unit::CloseOrgUnit;
pub use event::{OrgUnitClosed, OrgUnitEvent, OrgUnitKind, OrgUnitMerged, OrgUnitRegistered};
pub use merge_org_unit::MergeOrgUnit;
pub use register_org_unit::RegisterOrgUnit;

use std::collections::BTreeMap;

use jiff::civil::Date;

use crate::kernel::Aggregate;

/// The state of a unit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrgUnit {
    /// What it is; `None` before it is registered.
    pub kind: Option<OrgUnitKind>,
    /// First day; `None` before it is registered.
    pub from: Option<Date>,
    /// The unit it belongs to.
    pub parent: Option<String>,
    /// The unit it went into, and the first day there.
    pub merged: Option<(String, Date)>,
    /// First day without it.
    pub closed_on: Option<Date>,
}

impl OrgUnit {
    /// It has ended by a day.
    pub fn is_over(&self) -> bool {
        self.merged.is_some() || self.closed_on.is_some()
    }
}

impl Aggregate for OrgUnit {
    const CATEGORY: &'static str = "orgunit";
    type Event = OrgUnitEvent;

    fn subject<'a>(&'a self, id: &'a str) -> &'a str {
        id
    }

    fn evolve(&mut self, event: &OrgUnitEvent) {
        match event {
            OrgUnitEvent::OrgUnitRegistered(fact) => {
                self.kind = Some(fact.kind);
                self.from = Some(fact.from);
                self.parent.clone_from(&fact.parent);
            }
            OrgUnitEvent::OrgUnitMerged(fact) => self.merged = Some((fact.into.clone(), fact.on)),
            OrgUnitEvent::OrgUnitClosed(fact) => self.closed_on = Some(fact.on),
        }
    }
}

/// Most units in a row of mergers and belongings.
const MERGERS_MAX: usize = 64;

/// The units that are counted under one on a day: itself, all that belong to it, and all that went into it by then, straight or
/// by way of others.
pub fn counted_under(units: &BTreeMap<String, OrgUnit>, unit: &str, on: Date) -> Vec<String> {
    let successor = |name: &str| {
        let there = units.get(name)?;
        let merged = there.merged.as_ref().filter(|(_, from)| *from <= on);
        merged
            .map(|(into, _)| into)
            .or(there.parent.as_ref())
            .map(String::as_str)
    };
    let goes_to_unit = |name: &str| {
        let mut at = name;
        for _ in 0..MERGERS_MAX {
            match successor(at) {
                Some(next) if next == unit => return true,
                Some(next) => at = next,
                None => return false,
            }
        }
        false
    };
    let mut under = vec![unit.to_owned()];
    under.extend(units.keys().filter(|name| *name != unit && goes_to_unit(name)).cloned());
    under
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::kernel::Role;
    use crate::rejection::Reason;
    use crate::spec::{Given, given};

    fn officer() -> Given<OrgUnit> {
        given::<OrgUnit>([]).at("officer-1", Role::DistrictOfficer, "guanshanhu")
    }

    fn register(unit: &str) -> RegisterOrgUnit {
        RegisterOrgUnit {
            unit: unit.into(),
            kind: OrgUnitKind::Station,
            parent: Some("guanshanhu".into()),
            from: date(2026, 3, 1),
        }
    }

    fn merge(into: &str) -> MergeOrgUnit {
        MergeOrgUnit {
            unit: "community-1".into(),
            into: into.into(),
            on: date(2026, 3, 2),
        }
    }

    #[test]
    fn a_supervisor_says_what_is_within_their_station_and_no_more() {
        let here = given::<OrgUnit>([]).at("leader-1", Role::Supervisor, "station-new");
        let branch = |kind, parent: Option<&str>| RegisterOrgUnit {
            kind,
            parent: parent.map(str::to_owned),
            ..register("station-new.tashan")
        };
        let own = Some("station-new");
        assert!(here.when(&branch(OrgUnitKind::Branch, own)).is_ok());
        assert_eq!(here.reason(&branch(OrgUnitKind::Station, own)), Reason::RoleRequired);
        assert_eq!(here.reason(&branch(OrgUnitKind::Branch, None)), Reason::RoleRequired);
        let taken = RegisterOrgUnit {
            unit: "station-old".into(),
            ..branch(OrgUnitKind::Branch, own)
        };
        assert_eq!(here.reason(&taken), Reason::FieldInvalid, "is another station's code");
        assert_eq!(
            here.reason(&branch(OrgUnitKind::Grid, Some("station-old"))),
            Reason::StationOutOfScope
        );
    }

    #[test]
    fn a_unit_begins_once_and_ends_once() {
        assert_eq!(officer().reason(&merge("station-new")), Reason::UnitNotFound);
        let there = officer().then(&register("community-1"));
        assert_eq!(there.reason(&register("community-1")), Reason::UnitExists);
        assert_eq!(there.reason(&merge("community-1")), Reason::FieldInvalid);
        let merged = there.then(&merge("station-new"));
        assert_eq!(merged.reason(&merge("station-new")), Reason::UnitOver);
        let close = CloseOrgUnit {
            unit: "community-1".into(),
            on: date(2026, 3, 2),
        };
        assert_eq!(merged.reason(&close), Reason::UnitOver);
        let other = given::<OrgUnit>([]).at("officer-2", Role::DistrictOfficer, "baiyun");
        assert_eq!(other.reason(&register("community-1")), Reason::StationOutOfScope);
        let worker = given::<OrgUnit>([]);
        assert_eq!(worker.reason(&register("community-1")), Reason::RoleRequired);
    }

    #[test]
    fn four_communities_that_became_one_are_counted_under_it_from_that_day_on() {
        let merged = |into: &str, on| OrgUnit {
            merged: Some((into.to_owned(), on)),
            ..OrgUnit::default()
        };
        let first = date(2020, 7, 1);
        let mut units: BTreeMap<String, OrgUnit> =
            ["a", "b", "c"].map(|name| (name.to_owned(), merged("d", first))).into();
        units.insert("d".into(), merged("one", date(2021, 1, 1)));
        units.insert("one".into(), OrgUnit::default());
        assert_eq!(counted_under(&units, "d", date(2020, 6, 30)), ["d"]);
        assert_eq!(counted_under(&units, "d", first), ["d", "a", "b", "c"]);
        assert_eq!(counted_under(&units, "one", first), ["one"]);
        assert_eq!(
            counted_under(&units, "one", date(2021, 1, 1)),
            ["one", "a", "b", "c", "d"]
        );
        // What belongs to a unit is counted under it, too.
        if let Some(one) = units.get_mut("one") {
            one.parent = Some("district".into());
        }
        assert_eq!(counted_under(&units, "district", date(2021, 1, 1)).len(), 6);
        // A ring, which nobody meant, ends.
        units.insert("one".into(), merged("d", first));
        assert!(counted_under(&units, "x", date(2022, 1, 1)).len() == 1);
    }
}
