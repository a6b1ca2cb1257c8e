//! The matrix of permissions: every method, tried on records of every kind.

mod compliance;
mod lifecycle;
mod support;
mod transfer;
mod watches;

use std::collections::BTreeMap;

use tonic::{Code, Status};
use waystation_api::v1;

use crate::records::NUMBERS;
use crate::{Clients, STATION, order, today};
pub use watches::{entries, watched};

/// Another station.
pub const THERE: &str = "station-elsewhere";
/// The records: a letter for the table, and an id that says what is particular about it.
pub const RECORDS: [(char, &str); 5] = [
    ('o', "own"),
    ('w', "other"),
    ('s', "there"),
    ('x', "sealed"),
    ('e', "erased"),
];

/// Whether an answer says anything but that this is not permitted.
pub fn permitted<T>(answer: Result<T, Status>) -> bool {
    answer.map_or_else(|no| no.code() != Code::PermissionDenied, |_| true)
}

/// Whether each method is permitted on a record. Commands are only tried, not carried out. `head` is where the log ends,
/// `entry` the position of the case's first event.
pub async fn tried(clients: &mut Clients, id: &str, (head, entry): (i64, i64)) -> BTreeMap<&'static str, bool> {
    let (case, person, account) = (
        format!("cases/{id}"),
        format!("people/{id}"),
        format!("pointsAccounts/{id}"),
    );
    let station = if id == "there" { THERE } else { STATION };
    let day = today();
    let read = Some(v1::ReadOptions {
        min_position: head,
        as_of: None,
    });
    let mut table = BTreeMap::new();
    macro_rules! asks {
        ($service:ident . $method:ident, $name:literal, $request:expr) => {
            table.insert($name, permitted(clients.$service.$method($request).await));
        };
    }
    macro_rules! command {
        ($service:ident . $method:ident, $name:literal, $message:ident { $($field:ident: $value:expr),* $(,)? }) => {
            let request = v1::$message { $($field: $value,)* validate_only: true, ..Default::default() };
            asks!($service.$method, $name, request);
        };
    }
    macro_rules! lists {
        ($service:ident . $method:ident, $name:literal, $request:expr, |$answer:ident| $holds:expr) => {
            let answer = clients.$service.$method($request).await;
            table.insert(
                $name,
                answer.is_ok_and(|answer| {
                    let $answer = answer.into_inner();
                    $holds
                }),
            );
        };
    }
    let new = v1::RegisterOrderRequest {
        person: id.into(),
        validate_only: true,
        ..order(&format!("new-{id}"), &day)
    };
    asks!(cases.register_order, "CaseService/RegisterOrder", new);
    let new = v1::RegisterPersonRequest {
        person_id: format!("new-{id}"),
        name: "周某某".into(),
        id_number: "999999198201174045".into(),
        household_org: "QINGZHEN".into(),
        validate_only: true,
        ..Default::default()
    };
    asks!(people.register_person, "PersonService/RegisterPerson", new);
    let award = v1::AwardPointsRequest {
        name: account.clone(),
        rule: "check_in".into(),
        basis: format!("{case}/events/0"),
        validate_only: true,
        ..Default::default()
    };
    asks!(points.award_points, "PointsService/AwardPoints", award);
    command!(
        cases.record_service,
        "CaseService/RecordService",
        RecordServiceRequest {
            name: case.clone(),
            on: day.clone()
        }
    );
    command!(
        cases.vary_order,
        "CaseService/VaryOrder",
        VaryOrderRequest {
            name: case.clone(),
            term_months: 36,
            effective_on: day.clone(),
            basis: 1
        }
    );
    command!(
        cases.report_in,
        "CaseService/ReportIn",
        ReportInRequest {
            name: case.clone(),
            on: day.clone()
        }
    );
    command!(
        cases.sign_agreement,
        "CaseService/SignAgreement",
        SignAgreementRequest {
            name: case.clone(),
            on: day.clone()
        }
    );
    command!(
        cases.open_case_file,
        "CaseService/OpenCaseFile",
        OpenCaseFileRequest {
            name: case.clone(),
            on: day.clone()
        }
    );
    command!(
        cases.assign_worker,
        "CaseService/AssignWorker",
        AssignWorkerRequest {
            name: case.clone(),
            from: day.clone()
        }
    );
    command!(
        cases.form_support_team,
        "CaseService/FormSupportTeam",
        FormSupportTeamRequest {
            name: case.clone(),
            from: day.clone(),
            members: vec![v1::TeamMember {
                place: 1,
                staff: "worker-1".into()
            }]
        }
    );
    command!(
        cases.void_contact,
        "CaseService/VoidContact",
        VoidContactRequest {
            name: case.clone(),
            event: format!("{case}/events/0"),
            reason: "录错".into()
        }
    );
    command!(
        cases.record_check_in,
        "CaseService/RecordCheckIn",
        RecordCheckInRequest {
            name: case.clone(),
            on: day.clone(),
            mode: 1
        }
    );
    command!(
        cases.record_talk,
        "CaseService/RecordTalk",
        RecordTalkRequest {
            name: case.clone(),
            on: day.clone()
        }
    );
    command!(
        cases.suspend,
        "CaseService/Suspend",
        SuspendRequest {
            name: case.clone(),
            from: day.clone(),
            cause: 1
        }
    );
    command!(
        cases.resume,
        "CaseService/Resume",
        ResumeRequest {
            name: case.clone(),
            on: day.clone()
        }
    );
    command!(
        cases.terminate,
        "CaseService/Terminate",
        TerminateRequest {
            name: case.clone(),
            on: day.clone(),
            reason: 1
        }
    );
    command!(
        cases.record_discharge_notice,
        "CaseService/RecordDischargeNotice",
        RecordDischargeNoticeRequest {
            name: case.clone(),
            issued_on: day.clone(),
            received_on: day.clone()
        }
    );
    let get = |reveal| v1::GetCaseRequest {
        name: case.clone(),
        read,
        reveal,
    };
    asks!(cases.get_case, "CaseService/GetCase", get(false));
    asks!(cases.get_case, "CaseService/GetCase reveal", get(true));
    let list = v1::ListCasesRequest {
        station: station.into(),
        read,
        ..Default::default()
    };
    lists!(cases.list_cases, "CaseService/ListCases", list, |answer| answer
        .cases
        .iter()
        .any(|row| row.name == case));
    let agenda = v1::ListAgendaRequest {
        case: case.clone(),
        read,
        ..Default::default()
    };
    lists!(cases.list_agenda, "CaseService/ListAgenda", agenda, |answer| !answer
        .obligations
        .is_empty());
    let statistics = v1::GetStationStatisticsRequest {
        station: station.into(),
        read,
        ..Default::default()
    };
    asks!(
        cases.get_station_statistics,
        "CaseService/GetStationStatistics",
        statistics
    );
    command!(
        points.award_points_manually,
        "PointsService/AwardPointsManually",
        AwardPointsManuallyRequest {
            name: account.clone(),
            on: day.clone(),
            amount: 1,
            reason: "X".into()
        }
    );
    command!(
        points.reverse_award,
        "PointsService/ReverseAward",
        ReverseAwardRequest {
            name: account.clone(),
            award: 1,
            on: day.clone()
        }
    );
    command!(
        points.redeem_points,
        "PointsService/RedeemPoints",
        RedeemPointsRequest {
            name: account.clone(),
            on: day.clone()
        }
    );
    command!(
        points.cancel_redemption,
        "PointsService/CancelRedemption",
        CancelRedemptionRequest {
            name: account.clone(),
            on: day.clone()
        }
    );
    let get = v1::GetPointsAccountRequest {
        name: account.clone(),
        read,
    };
    asks!(points.get_points_account, "PointsService/GetPointsAccount", get);
    let list = v1::ListPointsAccountsRequest {
        station: station.into(),
        read,
        ..Default::default()
    };
    lists!(
        points.list_points_accounts,
        "PointsService/ListPointsAccounts",
        list,
        |answer| answer.accounts.iter().any(|row| row.name == account)
    );
    let ledger = v1::ListLedgerRequest {
        name: account.clone(),
        read,
        ..Default::default()
    };
    asks!(points.list_ledger, "PointsService/ListLedger", ledger);
    command!(
        people.update_contact,
        "PersonService/UpdateContact",
        UpdateContactRequest {
            name: person.clone(),
            verified_by: 1
        }
    );
    command!(
        people.record_protective_fact,
        "PersonService/RecordProtectiveFact",
        RecordProtectiveFactRequest {
            name: person.clone(),
            kind: 1,
            from: day.clone()
        }
    );
    command!(
        people.record_death,
        "PersonService/RecordDeath",
        RecordDeathRequest {
            name: person.clone(),
            on: day.clone()
        }
    );
    command!(
        people.restrict_person,
        "PersonService/RestrictPerson",
        RestrictPersonRequest { name: person.clone() }
    );
    command!(
        people.lift_restriction,
        "PersonService/LiftRestriction",
        LiftRestrictionRequest { name: person.clone() }
    );
    command!(
        people.declare_conflict,
        "PersonService/DeclareConflict",
        DeclareConflictRequest {
            name: person.clone(),
            account: "accounts/worker-1".into()
        }
    );
    command!(
        people.withdraw_conflict,
        "PersonService/WithdrawConflict",
        WithdrawConflictRequest {
            name: person.clone(),
            account: "accounts/worker-1".into()
        }
    );
    command!(
        people.propose_act,
        "PersonService/ProposeAct",
        ProposeActRequest {
            name: person.clone(),
            act: 1
        }
    );
    command!(
        people.decide_act,
        "PersonService/DecideAct",
        DecideActRequest { name: person.clone() }
    );
    command!(
        people.register_subject_request,
        "PersonService/RegisterSubjectRequest",
        RegisterSubjectRequestRequest {
            name: person.clone(),
            kind: 1,
            on: day.clone()
        }
    );
    command!(
        people.answer_subject_request,
        "PersonService/AnswerSubjectRequest",
        AnswerSubjectRequestRequest { name: person.clone() }
    );
    command!(
        people.break_glass,
        "PersonService/BreakGlass",
        BreakGlassRequest {
            name: person.clone(),
            emergency: 1,
            reason: "昏迷，需要联系家属".into()
        }
    );
    command!(
        people.review_glass,
        "PersonService/ReviewGlass",
        ReviewGlassRequest { name: person.clone() }
    );
    let emergencies = v1::ListEmergenciesRequest {
        station: station.into(),
        ..Default::default()
    };
    asks!(people.list_emergencies, "PersonService/ListEmergencies", emergencies);
    let get = |reveal| v1::GetPersonRequest {
        name: person.clone(),
        reveal,
        read,
    };
    asks!(people.get_person, "PersonService/GetPerson", get(false));
    asks!(people.get_person, "PersonService/GetPerson reveal", get(true));
    let list = v1::ListPeopleRequest {
        station: station.into(),
        read,
        ..Default::default()
    };
    asks!(people.list_people, "PersonService/ListPeople", list);
    let by = v1::find_people_request::By::IdNumber(NUMBERS[0].into());
    asks!(
        people.find_people,
        "PersonService/FindPeople",
        v1::FindPeopleRequest { by: Some(by) }
    );
    let list = v1::ListAccessRequest {
        name: person.clone(),
        ..Default::default()
    };
    asks!(people.list_access, "PersonService/ListAccess", list);
    let list = v1::ListAuditEntriesRequest {
        by: Some(v1::list_audit_entries_request::By::Record(case.clone())),
        read,
        ..Default::default()
    };
    asks!(audit.list_audit_entries, "AuditService/ListAuditEntries", list);
    asks!(
        audit.replay_case,
        "AuditService/ReplayCase",
        v1::ReplayCaseRequest {
            name: case.clone(),
            read
        }
    );
    asks!(
        audit.get_checkpoint,
        "AuditService/GetCheckpoint",
        v1::GetCheckpointRequest {}
    );
    asks!(
        audit.reveal_entry,
        "AuditService/RevealEntry",
        v1::RevealEntryRequest { position: entry }
    );
    let proof = v1::GetInclusionProofRequest {
        position: entry,
        size: 0,
    };
    lists!(
        audit.get_inclusion_proof,
        "AuditService/GetInclusionProof header",
        proof,
        |answer| !answer.header.is_empty()
    );
    table.extend(compliance::tried(clients, (&case, station), read).await);
    table.extend(lifecycle::tried(clients, &case).await);
    table.extend(transfer::tried(clients, (&case, station), read).await);
    table.extend(support::tried(clients, (&case, station), read).await);
    let command = v1::RecordCheckInRequest {
        name: case,
        on: day,
        mode: 1,
        validate_only: true,
        ..Default::default()
    };
    let command = v1::ExecuteCommandsRequest {
        sequence: 1,
        command: Some(v1::execute_commands_request::Command::RecordCheckIn(command)),
    };
    let executed = match clients.commands.execute_commands(tokio_stream::iter([command])).await {
        Ok(replies) => replies.into_inner().message().await,
        Err(refused) => Err(refused),
    };
    let executed = executed.map(|reply| reply.and_then(|reply| reply.result));
    table.insert(
        "CommandService/ExecuteCommands",
        match executed {
            Ok(Some(v1::execute_commands_response::Result::Error(error))) => {
                error.code != i32::from(Code::PermissionDenied)
            }
            other => permitted(other),
        },
    );
    table
}
