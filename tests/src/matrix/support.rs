//! Plans, papers, notices and what is decided about leave and tests in the matrix.

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
        cases.record_release_handover,
        "CaseService/RecordReleaseHandover",
        RecordReleaseHandoverRequest {
            released_on: day.clone(),
            received_on: day.clone(),
            facility: "F-1".into(),
            papers: vec!["P".into()]
        }
    );
    command!(
        cases.amend_agreement,
        "CaseService/AmendAgreement",
        AmendAgreementRequest { on: day.clone() }
    );
    command!(
        cases.assign_to_branch,
        "CaseService/AssignToBranch",
        AssignToBranchRequest { from: day.clone() }
    );
    command!(
        cases.draft_care_plan,
        "CaseService/DraftCarePlan",
        DraftCarePlanRequest {
            on: day.clone(),
            goals: vec![1],
            review_on: day.clone()
        }
    );
    command!(
        cases.approve_care_plan,
        "CaseService/ApproveCarePlan",
        ApproveCarePlanRequest { plan: 1 }
    );
    command!(
        cases.review_care_plan,
        "CaseService/ReviewCarePlan",
        ReviewCarePlanRequest {
            plan: 1,
            on: day.clone(),
            outcome: 2
        }
    );
    command!(
        cases.record_summary,
        "CaseService/RecordSummary",
        RecordSummaryRequest {
            kind: 1,
            on: day.clone(),
            note: "小结".into()
        }
    );
    command!(
        cases.issue_document,
        "CaseService/IssueDocument",
        IssueDocumentRequest {
            kind: 1,
            serial: 9,
            on: day.clone()
        }
    );
    command!(
        cases.serve_document,
        "CaseService/ServeDocument",
        ServeDocumentRequest {
            document: 1,
            on: day.clone(),
            mode: 1
        }
    );
    command!(
        compliance.approve_leave,
        "ComplianceService/ApproveLeave",
        ApproveLeaveRequest {
            absence: 1,
            on: day.clone()
        }
    );
    command!(
        compliance.refuse_leave,
        "ComplianceService/RefuseLeave",
        RefuseLeaveRequest {
            absence: 1,
            on: day.clone(),
            reason: "不同意".into()
        }
    );
    command!(
        compliance.entrust_test,
        "ComplianceService/EntrustTest",
        EntrustTestRequest {
            test: 1,
            on: day.clone(),
            place: "H-1".into(),
            valid_to: day.clone()
        }
    );
    command!(
        compliance.record_compelled_test,
        "ComplianceService/RecordCompelledTest",
        RecordCompelledTestRequest {
            test: 1,
            on: day.clone(),
            document_no: "1".into()
        }
    );
    command!(
        compliance.notify_obligation,
        "ComplianceService/NotifyObligation",
        NotifyObligationRequest {
            obligation: 1,
            on: day.clone(),
            mode: 1
        }
    );
    let papers = v1::ListDocumentsRequest {
        station: station.into(),
        read,
        ..Default::default()
    };
    table.insert(
        "InspectionService/ListDocuments",
        permitted(clients.inspection.list_documents(papers).await),
    );
    let load = v1::ListWorkloadRequest {
        station: station.into(),
        read,
    };
    table.insert(
        "InspectionService/ListWorkload",
        permitted(clients.inspection.list_workload(load).await),
    );
    macro_rules! register {
        ($call:ident, $method:literal, $request:ident) => {
            let request = v1::$request {
                station: station.into(),
                read,
                ..Default::default()
            };
            table.insert($method, permitted(clients.registers.$call(request).await));
        };
    }
    register!(list_tests, "RegisterService/ListTests", ListTestsRequest);
    register!(list_contacts, "RegisterService/ListContacts", ListContactsRequest);
    register!(list_absences, "RegisterService/ListAbsences", ListAbsencesRequest);
    register!(list_breaches, "RegisterService/ListBreaches", ListBreachesRequest);
    register!(list_risks, "RegisterService/ListRisks", ListRisksRequest);
    register!(list_counters, "RegisterService/ListCounters", ListCountersRequest);
    register!(
        list_programme_years,
        "RegisterService/ListProgrammeYears",
        ListProgrammeYearsRequest
    );
    table
}
