//! Samples of a station's own rules, and of organisations.

use waystation_domain::policy_book::{
    PackValue, PolicyEvent, PolicyPackDrafted, PolicyPackPublished, PolicyPackReviewed,
};

use waystation_domain::org_unit::{OrgUnitClosed, OrgUnitEvent, OrgUnitKind, OrgUnitMerged, OrgUnitRegistered};

use super::day;

pub(super) fn org_units() -> Vec<OrgUnitEvent> {
    vec![
        OrgUnitRegistered {
            kind: OrgUnitKind::Station,
            parent: Some("guanshanhu".into()),
            from: day("2020-07-01"),
        }
        .into(),
        OrgUnitMerged {
            into: "station-b".into(),
            on: day("2026-07-01"),
        }
        .into(),
        OrgUnitClosed { on: day("2026-07-01") }.into(),
    ]
}

pub(super) fn policies() -> Vec<PolicyEvent> {
    let pack = || "qinglongshan/2026-04".to_owned();
    vec![
        PolicyPackDrafted {
            pack: pack(),
            valid_from: day("2026-04-01"),
            valid_to: Some(day("2027-03-31")),
            retroactive: false,
            values: vec![PackValue {
                key: "tests.urine.per_year.CD".into(),
                value: "6,4,2".into(),
                source: "贵阳市社区戒毒康复条例".into(),
                certainty: "B".into(),
            }],
            by: "leader-1".into(),
        }
        .into(),
        PolicyPackReviewed {
            pack: pack(),
            approved: true,
        }
        .into(),
        PolicyPackPublished { pack: pack() }.into(),
    ]
}
