//! Refusals, revocations, warnings and objections in the matrix.

use std::collections::BTreeMap;

use waystation_api::v1;

use super::permitted;
use crate::{Clients, today};

/// Whether each method is permitted on a case. Commands are only tried, not carried out.
pub(super) async fn tried(clients: &mut Clients, case: &str) -> BTreeMap<&'static str, bool> {
    let (name, day) = (case.to_owned(), today());
    let mut table = BTreeMap::new();
    macro_rules! command {
        ($service:ident . $method:ident, $rpc:literal, $message:ident { $($field:ident: $value:expr),* $(,)? }) => {
            let request = v1::$message {
                name: name.clone(),
                $($field: $value,)*
                validate_only: true,
                ..Default::default()
            };
            table.insert($rpc, permitted(clients.$service.$method(request).await));
        };
    }
    command!(
        cases.revoke_order,
        "CaseService/RevokeOrder",
        RevokeOrderRequest {
            basis: 1,
            effective_on: day.clone(),
            document_no: "1".into()
        }
    );
    command!(
        cases.confirm_refusal,
        "CaseService/ConfirmRefusal",
        ConfirmRefusalRequest {
            attempts: vec![day.clone()]
        }
    );
    command!(
        cases.mark_lost_contact,
        "CaseService/MarkLostContact",
        MarkLostContactRequest {
            on: day.clone(),
            attempts: vec![day.clone()]
        }
    );
    command!(
        cases.mark_found,
        "CaseService/MarkFound",
        MarkFoundRequest { on: day.clone() }
    );
    command!(
        cases.end_dynamic_control,
        "CaseService/EndDynamicControl",
        EndDynamicControlRequest {
            on: day.clone(),
            anchor: 1,
            anchor_on: day.clone()
        }
    );
    command!(
        compliance.lodge_objection,
        "ComplianceService/LodgeObjection",
        LodgeObjectionRequest {
            test: 1,
            on: day.clone()
        }
    );
    command!(
        compliance.issue_warning,
        "ComplianceService/IssueWarning",
        IssueWarningRequest {
            on: day.clone(),
            step: 1,
            document_no: "1".into()
        }
    );
    command!(
        cases.record_home_visit,
        "CaseService/RecordHomeVisit",
        RecordHomeVisitRequest {
            on: day.clone(),
            visitors: vec!["worker-1".into(), "grid-1".into()],
            interviewee: 1
        }
    );
    command!(
        cases.record_phone_check,
        "CaseService/RecordPhoneCheck",
        RecordPhoneCheckRequest { on: day.clone() }
    );
    command!(
        compliance.extend_absence,
        "ComplianceService/ExtendAbsence",
        ExtendAbsenceRequest {
            absence: 1,
            reported_on: day.clone(),
            to: day.clone()
        }
    );
    command!(
        compliance.score_risk,
        "ComplianceService/ScoreRisk",
        ScoreRiskRequest {}
    );
    command!(
        compliance.confirm_risk_class,
        "ComplianceService/ConfirmRiskClass",
        ConfirmRiskClassRequest { class: 1 }
    );
    command!(
        compliance.contest_risk_class,
        "ComplianceService/ContestRiskClass",
        ContestRiskClassRequest {
            on: day.clone(),
            statement: "不同意".into()
        }
    );
    table
}
