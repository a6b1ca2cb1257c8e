//! Samples of transfers, dual control, teams and voids.

use waystation_domain::case::*;

use super::day;

pub(super) fn moves() -> Vec<CaseEvent> {
    let on = day("2026-04-10");
    vec![
        TransferProposed {
            on,
            from_station: "station-a".into(),
            to_station: "station-b".into(),
            reason: "户籍迁移".into(),
        }
        .into(),
        TransferMaterialsSent {
            on,
            documents: vec!["AGREEMENT".into()],
        }
        .into(),
        TransferAccepted {
            on,
            effective_on: day("2026-04-15"),
        }
        .into(),
        TransferRejected {
            reason: "并未居住本地".into(),
        }
        .into(),
        TransferWithdrawn {
            reason: "本人改变主意".into(),
        }
        .into(),
        TransferReportedIn {
            on: day("2026-05-02"),
            person: "p-1".into(),
            from_station: "station-a".into(),
            to_station: "station-b".into(),
            obligations: vec![3, 4],
            late: true,
            justification: "住院".into(),
        }
        .into(),
        DualControlStarted {
            on,
            residence_station: "station-b".into(),
            letter_no: "函-1".into(),
        }
        .into(),
        DualControlAnswered {
            on,
            letter_no: "复函-1".into(),
        }
        .into(),
        DualControlEnded { on }.into(),
        SupportTeamFormed {
            from: on,
            members: vec![
                TeamMember {
                    place: TeamPlace::CaseWorker,
                    staff: Some("worker-1".into()),
                },
                TeamMember {
                    place: TeamPlace::Family,
                    staff: None,
                },
            ],
        }
        .into(),
        ContactVoided {
            revision: 7,
            on,
            talk: true,
            station: "station-a".into(),
            last: Some(on),
            reason: "录错人".into(),
        }
        .into(),
        TestVoidProposed {
            test: 1,
            by: "worker-1".into(),
            reason: "登记错人".into(),
        }
        .into(),
        TestVoided { test: 1 }.into(),
        ObligationReopened {
            number: 3,
            kind: ObligationKind::UrineTest,
            window_to: day("2026-04-30"),
            station: "station-a".into(),
            met_on: on,
            late: false,
        }
        .into(),
    ]
}
