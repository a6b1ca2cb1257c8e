//! Absences, tests and breaches in the matrix.

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
            table.insert($rpc, permitted(clients.compliance.$method(request).await));
        };
    }
    command!(
        file_absence_report,
        "ComplianceService/FileAbsenceReport",
        FileAbsenceReportRequest {
            from: day.clone(),
            to: day.clone(),
            destination: "520181".into(),
            reported_on: day.clone()
        }
    );
    command!(
        report_return,
        "ComplianceService/ReportReturn",
        ReportReturnRequest {
            absence: 1,
            on: day.clone()
        }
    );
    command!(
        allege_absence,
        "ComplianceService/AllegeAbsence",
        AllegeAbsenceRequest {
            from: day.clone(),
            to: day.clone(),
            how_known: "家访".into()
        }
    );
    command!(
        confirm_absence,
        "ComplianceService/ConfirmAbsence",
        ConfirmAbsenceRequest { absence: 1 }
    );
    command!(
        withdraw_absence,
        "ComplianceService/WithdrawAbsence",
        WithdrawAbsenceRequest {
            absence: 1,
            reason: "住院".into()
        }
    );
    command!(
        serve_test_notice,
        "ComplianceService/ServeTestNotice",
        ServeTestNoticeRequest {
            on: day.clone(),
            due_on: day.clone(),
            mode: 1
        }
    );
    command!(
        record_sample,
        "ComplianceService/RecordSample",
        RecordSampleRequest {
            test: 1,
            on: day.clone(),
            kind: 1,
            site: 1
        }
    );
    command!(
        record_test_result,
        "ComplianceService/RecordTestResult",
        RecordTestResultRequest {
            test: 1,
            on: day.clone(),
            stage: 1,
            outcome: 1
        }
    );
    command!(
        record_test_refusal,
        "ComplianceService/RecordTestRefusal",
        RecordTestRefusalRequest {
            test: 1,
            on: day.clone(),
            facts: "拒绝".into()
        }
    );
    command!(
        confirm_test_refusal,
        "ComplianceService/ConfirmTestRefusal",
        ConfirmTestRefusalRequest { test: 1 }
    );
    command!(
        withdraw_test_refusal,
        "ComplianceService/WithdrawTestRefusal",
        WithdrawTestRefusalRequest {
            test: 1,
            reason: "住院".into()
        }
    );
    command!(
        confirm_serious_breach,
        "ComplianceService/ConfirmSeriousBreach",
        ConfirmSeriousBreachRequest { ground: 1 }
    );
    command!(
        refer_to_police,
        "ComplianceService/ReferToPolice",
        ReferToPoliceRequest {
            on: day.clone(),
            document_no: "1".into()
        }
    );
    command!(
        record_police_outcome,
        "ComplianceService/RecordPoliceOutcome",
        RecordPoliceOutcomeRequest {
            on: day.clone(),
            outcome: 1,
            document_no: "1".into()
        }
    );
    command!(
        excuse_obligation,
        "ComplianceService/ExcuseObligation",
        ExcuseObligationRequest {
            obligation: 1,
            reason: "住院".into()
        }
    );
    command!(
        confirm_missed,
        "ComplianceService/ConfirmMissed",
        ConfirmMissedRequest { obligation: 1 }
    );
    command!(
        confirm_relapse,
        "ComplianceService/ConfirmRelapse",
        ConfirmRelapseRequest { test: 1 }
    );
    command!(
        propose_test_void,
        "ComplianceService/ProposeTestVoid",
        ProposeTestVoidRequest {
            test: 1,
            reason: "错录".into()
        }
    );
    command!(
        confirm_test_void,
        "ComplianceService/ConfirmTestVoid",
        ConfirmTestVoidRequest { test: 1 }
    );
    let simulate = v1::SimulatePolicyRequest {
        station: station.into(),
        set: [("tests.urine.per_year.CD".to_owned(), "6,4,2".to_owned())].into(),
        read,
        ..Default::default()
    };
    let simulated = clients.compliance.simulate_policy(simulate).await;
    table.insert("ComplianceService/SimulatePolicy", permitted(simulated));
    let get = v1::GetComplianceRequest { name, read };
    let got = clients.compliance.get_compliance(get).await;
    table.insert("ComplianceService/GetCompliance", permitted(got));
    table
}
