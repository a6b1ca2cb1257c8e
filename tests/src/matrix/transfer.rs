//! Transfers, dual control, rules, organisations and inspections in the matrix.

use std::collections::BTreeMap;

use waystation_api::v1;

use super::permitted;
use crate::{Clients, today};

/// Whether each method is permitted on a case. Commands are only tried, not carried out.
pub(super) async fn tried(
    clients: &mut Clients,
    (case, station): (&str, &str),
    read: Option<v1::ReadOptions>,
) -> BTreeMap<&'static str, bool> {
    let (name, day) = (case.to_owned(), today());
    let mut table = BTreeMap::new();
    macro_rules! command {
        ($method:ident, $rpc:literal, $message:ident { $($field:ident: $value:expr),* $(,)? }) => {
            let request = v1::$message {
                name: name.clone(),
                $($field: $value,)*
                validate_only: true,
                ..Default::default()
            };
            table.insert($rpc, permitted(clients.transfers.$method(request).await));
        };
    }
    command!(
        propose_transfer,
        "TransferService/ProposeTransfer",
        ProposeTransferRequest {
            on: day.clone(),
            to_station: "station-third".into(),
            reason: "迁移".into()
        }
    );
    command!(
        send_transfer_materials,
        "TransferService/SendTransferMaterials",
        SendTransferMaterialsRequest {
            on: day.clone(),
            documents: vec!["AGREEMENT".into()]
        }
    );
    command!(
        accept_transfer,
        "TransferService/AcceptTransfer",
        AcceptTransferRequest {
            on: day.clone(),
            effective_on: day.clone()
        }
    );
    command!(
        reject_transfer,
        "TransferService/RejectTransfer",
        RejectTransferRequest {
            reason: "未居住".into()
        }
    );
    command!(
        withdraw_transfer,
        "TransferService/WithdrawTransfer",
        WithdrawTransferRequest {
            reason: "撤回".into()
        }
    );
    command!(
        report_in_after_transfer,
        "TransferService/ReportInAfterTransfer",
        ReportInAfterTransferRequest {
            on: day.clone(),
            identity_checked: true
        }
    );
    command!(
        start_dual_control,
        "TransferService/StartDualControl",
        StartDualControlRequest {
            on: day.clone(),
            residence_station: "station-third".into(),
            letter_no: "1".into()
        }
    );
    command!(
        answer_dual_control,
        "TransferService/AnswerDualControl",
        AnswerDualControlRequest {
            on: day.clone(),
            letter_no: "1".into()
        }
    );
    command!(
        end_dual_control,
        "TransferService/EndDualControl",
        EndDualControlRequest { on: day.clone() }
    );
    let list = v1::ListTransfersRequest {
        station: station.into(),
        read,
        ..Default::default()
    };
    table.insert(
        "TransferService/ListTransfers",
        permitted(clients.transfers.list_transfers(list).await),
    );
    macro_rules! policy {
        ($method:ident, $rpc:literal, $message:ident { $($field:ident: $value:expr),* $(,)? }) => {
            let request = v1::$message {
                name: format!("policies/{station}"),
                pack: "tried/1".into(),
                $($field: $value,)*
                validate_only: true,
                ..Default::default()
            };
            table.insert($rpc, permitted(clients.policies.$method(request).await));
        };
    }
    policy!(
        draft_policy_pack,
        "PolicyService/DraftPolicyPack",
        DraftPolicyPackRequest {
            valid_from: day.clone()
        }
    );
    policy!(
        review_policy_pack,
        "PolicyService/ReviewPolicyPack",
        ReviewPolicyPackRequest {}
    );
    policy!(
        publish_policy_pack,
        "PolicyService/PublishPolicyPack",
        PublishPolicyPackRequest {}
    );
    let list = v1::ListPolicyValuesRequest {
        station: station.into(),
        read,
        ..Default::default()
    };
    table.insert(
        "PolicyService/ListPolicyValues",
        permitted(clients.policies.list_policy_values(list).await),
    );
    macro_rules! unit {
        ($method:ident, $rpc:literal, $message:ident { $($field:ident: $value:expr),* $(,)? }) => {
            let request = v1::$message {
                name: format!("orgUnits/{station}"),
                $($field: $value,)*
                validate_only: true,
                ..Default::default()
            };
            table.insert($rpc, permitted(clients.org.$method(request).await));
        };
    }
    unit!(
        register_org_unit,
        "OrgService/RegisterOrgUnit",
        RegisterOrgUnitRequest {
            kind: 3,
            parent: crate::STATION.into(),
            from: day.clone()
        }
    );
    unit!(
        merge_org_unit,
        "OrgService/MergeOrgUnit",
        MergeOrgUnitRequest {
            into: "station-third".into(),
            on: day.clone()
        }
    );
    unit!(
        close_org_unit,
        "OrgService/CloseOrgUnit",
        CloseOrgUnitRequest { on: day.clone() }
    );
    let under = v1::GetStatisticsUnderRequest {
        station: station.into(),
        tree_on: day.clone(),
        read,
    };
    table.insert(
        "OrgService/GetStatisticsUnder",
        permitted(clients.org.get_statistics_under(under).await),
    );
    let sample = v1::DrawSampleRequest {
        station: station.into(),
        size: 1,
        seed: "1".into(),
        read,
    };
    table.insert(
        "InspectionService/DrawSample",
        permitted(clients.inspection.draw_sample(sample).await),
    );
    let list = v1::ListRolesRequest {
        station: station.into(),
        on: day.clone(),
        read,
    };
    table.insert(
        "InspectionService/ListRoles",
        permitted(clients.inspection.list_roles(list).await),
    );
    // Readings are looked for by who may read their record.
    for (check, rpc) in [
        (v1::Check::RecordedLate, "InspectionService/ListFindings"),
        (v1::Check::ReadInConflict, "InspectionService/ListFindings of readings"),
    ] {
        let list = v1::ListFindingsRequest {
            station: station.into(),
            check: check.into(),
            read,
            ..Default::default()
        };
        table.insert(rpc, permitted(clients.inspection.list_findings(list).await));
    }
    table
}
