//! What happens to a person's record.

use waystation_domain::Personal;
use waystation_domain::person::*;

use super::day;

pub(super) fn people() -> Vec<PersonEvent> {
    let on = day("2026-03-02");
    vec![
        PersonRegistered {
            station: "station-a".into(),
            household_org: "QINGZHEN".into(),
            name: "王小明".into(),
            id_number: "11010519491231002X".into(),
            phone: "13800138000".into(),
            address: "青龙山街道1号".into(),
        }
        .into(),
        ContactUpdated {
            verified_by: VerifiedBy::Visit,
            phone: "13800138001".into(),
            address: Personal::default(),
        }
        .into(),
        ProtectiveFactRecorded {
            kind: ProtectiveKind::NursingUnder1Y.as_str().into(),
            from: on,
            to: None,
            document_no: "诊断-1".into(),
        }
        .into(),
        PersonMoved {
            from: "station-a".into(),
            station: "station-b".into(),
        }
        .into(),
        DeathRecorded {
            on,
            document_no: "死亡-1".into(),
        }
        .into(),
        PersonRestricted {
            basis: "PIPL-47".into(),
        }
        .into(),
        RestrictionLifted {
            basis: "PIPL-47".into(),
        }
        .into(),
        ActProposed {
            proposal: 1,
            act: Act::Merge,
            other: Some("p-2".into()),
            basis: "DUPLICATE".into(),
            by: "leader-1".into(),
            reason: "同一人".into(),
        }
        .into(),
        ActDeclined { proposal: 1 }.into(),
        RecordsSealed { proposal: 1 }.into(),
        SealLifted { proposal: 2 }.into(),
        ErasureCommitted { proposal: 3 }.into(),
        IdentityKeyDestroyed { key_versions: vec![1] }.into(),
        PersonsMerged {
            proposal: 1,
            survivor: "p-2".into(),
        }
        .into(),
        PersonSplit {
            proposal: 2,
            from: "p-2".into(),
        }
        .into(),
        SubjectRequestRegistered {
            request: 1,
            kind: SubjectRequestKind::Copy,
            on,
        }
        .into(),
        SubjectRequestAnswered {
            request: 1,
            granted: true,
            reason: "已提供".into(),
        }
        .into(),
        GlassBroken {
            glass: 1,
            by: "worker-2".into(),
            emergency: Emergency::Medical,
            until_us: 1_772_500_000_000_000,
            reason: "昏迷".into(),
        }
        .into(),
        GlassReviewed {
            glass: 1,
            justified: true,
        }
        .into(),
    ]
}
