//! The rest of the way: what happens to a person besides their case, and every other reading.

use futures::TryStreamExt;
use waystation_api::event_store::client::monitoring::StatsReq;
use waystation_api::event_store::client::monitoring::monitoring_client::MonitoringClient;
use waystation_api::event_store::client::users;
use waystation_api::event_store::client::users::users_client::UsersClient;
use waystation_api::v1;
use waystation_api::v1::find_people_request::By;
use waystation_api::v1::session_service_client::SessionServiceClient;

use super::{FULL_NAME, NAME, NEW_PHONE, NOTES, PASSWORD};
use crate::people::{decide, propose};
use crate::{Acting, Clients, STATION, Server, after, check_in, today};

/// Goes through everything that is left; returns everything that was answered to those who are not entitled.
///
/// # Panics
/// When something is not as expected.
pub async fn go_further(server: &Server, number: &str) -> String {
    let mut said = String::new();
    let last = about_the_person(server, &mut said).await;
    said += &dying(server).await;
    said += &about_accounts(server).await;
    let mut worker = server.clients("worker-1", "CASE_WORKER").await;
    let mut leader = server.clients("leader-1", "SUPERVISOR").await;
    let mut inspector = server.clients("inspector-1", "INSPECTOR").await;
    // By number and by telephone, which only go in.
    for by in [
        By::IdNumber(number.into()),
        By::Phone(NEW_PHONE.into()),
        By::Phone("1390000".into()),
    ] {
        let search = v1::FindPeopleRequest { by: Some(by) };
        said += &format!("{:?}", worker.people.find_people(search).await);
    }
    let emergencies = v1::ListEmergenciesRequest {
        station: STATION.into(),
        read: after(&last),
        ..Default::default()
    };
    said += &format!(
        "{:?}",
        leader.people.list_emergencies(emergencies).await.expect("are listed")
    );
    said += &lists(&mut inspector, &last).await;
    said += &proofs(&mut inspector, last.position).await;
    // Entitled: the fields of one entry.
    let mut revealed = String::new();
    for position in 1..=last.position {
        let entry = leader.audit.reveal_entry(v1::RevealEntryRequest { position }).await;
        revealed += &format!("{:?}", entry.ok());
    }
    for note in [
        NOTES[4], NOTES[10], NOTES[12], NOTES[13], NOTES[14], NOTES[15], NOTES[17], NOTES[19], NOTES[21], NOTES[23],
        NOTES[24], NOTES[25], NOTES[26], NOTES[27],
    ] {
        assert!(revealed.contains(note), "{note} is nowhere");
    }
    said
}

/// Contact, protective facts, acts, requests, an emergency. Returns the last receipt.
async fn about_the_person(server: &Server, said: &mut String) -> v1::CommandReceipt {
    let mut worker = server.clients("worker-1", "CASE_WORKER").await;
    let mut leader = server.clients("leader-1", "SUPERVISOR").await;
    let mut privacy = server.clients("privacy-1", "PRIVACY_OFFICER").await;
    let name = || "people/p-1".to_owned();
    let contact = v1::UpdateContactRequest {
        name: name(),
        phone: NEW_PHONE.into(),
        address: NOTES[15].into(),
        verified_by: v1::VerifiedBy::Visit.into(),
        ..Default::default()
    };
    let wrong = v1::UpdateContactRequest {
        phone: NAME.into(),
        ..contact.clone()
    };
    *said += &format!(
        "{:?}",
        worker.people.update_contact(wrong).await.expect_err("is no number")
    );
    worker.people.update_contact(contact).await.expect("is updated");
    let fact = v1::RecordProtectiveFactRequest {
        name: name(),
        kind: v1::ProtectiveKind::Disabled.into(),
        from: today(),
        document_no: NOTES[10].into(),
        ..Default::default()
    };
    worker.people.record_protective_fact(fact).await.expect("is recorded");
    let proposal = v1::ProposeActRequest {
        reason: NOTES[12].into(),
        ..propose("p-1", v1::Act::Seal)
    };
    leader.people.propose_act(proposal).await.expect("is proposed");
    let declined = v1::DecideActRequest {
        approve: false,
        ..decide("p-1", 1)
    };
    privacy.people.decide_act(declined).await.expect("is declined");
    let restrict = v1::RestrictPersonRequest {
        name: name(),
        basis: "PIPL-47".into(),
        ..Default::default()
    };
    let unsound = v1::RestrictPersonRequest {
        basis: NOTES[12].into(),
        ..restrict.clone()
    };
    *said += &format!(
        "{:?}",
        privacy.people.restrict_person(unsound).await.expect_err("is no code")
    );
    privacy.people.restrict_person(restrict).await.expect("is restricted");
    let lift = v1::LiftRestrictionRequest {
        name: name(),
        basis: "PIPL-47".into(),
        ..Default::default()
    };
    privacy.people.lift_restriction(lift).await.expect("is lifted");
    let ask = v1::RegisterSubjectRequestRequest {
        name: name(),
        kind: 1,
        on: today(),
        ..Default::default()
    };
    worker
        .people
        .register_subject_request(ask)
        .await
        .expect("is registered");
    let answer = v1::AnswerSubjectRequestRequest {
        name: name(),
        request: 1,
        granted: true,
        reason: NOTES[13].into(),
        ..Default::default()
    };
    leader.people.answer_subject_request(answer).await.expect("is answered");
    let emergency = v1::BreakGlassRequest {
        name: name(),
        emergency: v1::EmergencyKind::Medical.into(),
        reason: NOTES[14].into(),
        ..Default::default()
    };
    worker.people.break_glass(emergency).await.expect("is announced");
    let conflict = v1::DeclareConflictRequest {
        name: name(),
        account: "accounts/inspector-1".into(),
        ..Default::default()
    };
    leader.people.declare_conflict(conflict).await.expect("is declared");
    let over = v1::WithdrawConflictRequest {
        name: name(),
        account: "accounts/inspector-1".into(),
        ..Default::default()
    };
    leader.people.withdraw_conflict(over).await.expect("is withdrawn");
    let review = v1::ReviewGlassRequest {
        name: name(),
        glass: 1,
        justified: true,
        ..Default::default()
    };
    points(&mut leader, said).await;
    leader
        .people
        .review_glass(review)
        .await
        .expect("is reviewed")
        .into_inner()
}

/// Points by rule, a redemption and its end; commands of a stream; the end of another case.
async fn points(leader: &mut Clients, said: &mut String) {
    let name = || "pointsAccounts/p-1".to_owned();
    let award = v1::AwardPointsManuallyRequest {
        name: name(),
        on: today(),
        amount: 5,
        reason: NOTES[7].into(),
        ..Default::default()
    };
    leader.points.award_points_manually(award).await.expect("is awarded");
    let by_rule = v1::AwardPointsRequest {
        name: name(),
        rule: NOTES[7].into(),
        basis: NOTES[8].into(),
        ..Default::default()
    };
    *said += &format!(
        "{:?}",
        leader.points.award_points(by_rule).await.expect_err("is no rule")
    );
    let line = v1::RedemptionLine {
        sku: NOTES[7].into(),
        ..Default::default()
    };
    let redeem = v1::RedeemPointsRequest {
        name: name(),
        on: today(),
        lines: vec![line],
        ..Default::default()
    };
    *said += &format!(
        "{:?}",
        leader.points.redeem_points(redeem).await.expect_err("is no item")
    );
    let cancel = v1::CancelRedemptionRequest {
        name: name(),
        redemption: 1,
        on: today(),
        ..Default::default()
    };
    *said += &format!(
        "{:?}",
        leader.points.cancel_redemption(cancel).await.expect_err("is none")
    );
    let assign = v1::AssignWorkerRequest {
        name: "cases/c1".into(),
        from: today(),
        worker: NAME.into(),
        ..Default::default()
    };
    *said += &format!("{:?}", leader.cases.assign_worker(assign).await.expect_err("is no id"));
    let notice = v1::RecordDischargeNoticeRequest {
        name: "cases/c1".into(),
        issued_on: today(),
        received_on: today(),
        notice_no: NOTES[16].into(),
        ..Default::default()
    };
    *said += &format!(
        "{:?}",
        leader
            .cases
            .record_discharge_notice(notice)
            .await
            .expect_err("has ended")
    );
    let command = v1::RecordCheckInRequest {
        late_reason: NOTES[3].into(),
        ..check_in("c1", &today())
    };
    let command = v1::ExecuteCommandsRequest {
        sequence: 1,
        command: Some(v1::execute_commands_request::Command::RecordCheckIn(command)),
    };
    let replies = leader.commands.execute_commands(tokio_stream::iter([command])).await;
    let replies: Vec<_> = replies
        .expect("are answered")
        .into_inner()
        .try_collect()
        .await
        .expect("goes on");
    *said += &format!("{replies:?}");
}

/// Somebody else dies.
async fn dying(server: &Server) -> String {
    let mut leader = server.clients("leader-1", "SUPERVISOR").await;
    let registration = v1::RegisterPersonRequest {
        person_id: "p-9".into(),
        name: NAME.into(),
        id_number: "999999198201174045".into(),
        household_org: "QINGZHEN".into(),
        ..Default::default()
    };
    leader
        .people
        .register_person(registration)
        .await
        .expect("is registered");
    let death = v1::RecordDeathRequest {
        name: "people/p-9".into(),
        on: today(),
        document_no: NOTES[11].into(),
        ..Default::default()
    };
    leader.people.record_death(death.clone()).await.expect("is recorded");
    format!(
        "{:?}",
        leader.people.record_death(death).await.expect_err("is so already")
    )
}

/// What staff are called is not kept, and what they log in with is nowhere.
async fn about_accounts(server: &Server) -> String {
    let channel = server.connect().await;
    let acting = Acting::new("security-1", "SECURITY_ADMIN", STATION);
    let mut users = UsersClient::with_interceptor(channel.clone(), acting);
    let options = users::create_req::Options {
        login_name: "stats-1".into(),
        password: PASSWORD.into(),
        full_name: FULL_NAME.into(),
        groups: vec!["SERVICE".into(), "district-1".into()],
    };
    let request = users::CreateReq { options: Some(options) };
    let mut said = format!("{:?}", users.create(request).await.expect("is made"));
    let details = users::DetailsReq::default();
    let details: Vec<_> = users
        .details(details)
        .await
        .expect("lists")
        .into_inner()
        .try_collect()
        .await
        .expect("goes on");
    said += &format!("{details:?}");
    let mut sessions = SessionServiceClient::new(channel);
    for account in ["stats-1", FULL_NAME] {
        let request = v1::LogInRequest {
            account: account.into(),
            password: format!("{PASSWORD}!"),
            code: String::new(),
        };
        said += &format!("{:?}", sessions.log_in(request).await.expect_err("is another"));
    }
    said
}

async fn lists(inspector: &mut Clients, last: &v1::CommandReceipt) -> String {
    let read = after(last);
    let mut said = String::new();
    let account = v1::GetPointsAccountRequest {
        name: "pointsAccounts/p-1".into(),
        read,
    };
    said += &format!(
        "{:?}",
        inspector.points.get_points_account(account).await.expect("is there")
    );
    let accounts = v1::ListPointsAccountsRequest {
        station: STATION.into(),
        read,
        ..Default::default()
    };
    said += &format!(
        "{:?}",
        inspector
            .points
            .list_points_accounts(accounts)
            .await
            .expect("are listed")
    );
    let ledger = v1::ListLedgerRequest {
        name: "pointsAccounts/p-1".into(),
        read,
        ..Default::default()
    };
    said += &format!("{:?}", inspector.points.list_ledger(ledger).await.expect("is listed"));
    let agenda = v1::ListAgendaRequest {
        station: STATION.into(),
        read,
        ..Default::default()
    };
    said += &format!("{:?}", inspector.cases.list_agenda(agenda).await.expect("is listed"));
    let statistics = v1::GetStationStatisticsRequest {
        station: STATION.into(),
        read,
        ..Default::default()
    };
    said += &format!(
        "{:?}",
        inspector
            .cases
            .get_station_statistics(statistics)
            .await
            .expect("are given")
    );
    let entries = v1::WatchAuditEntriesRequest {
        after_position: Some(0),
        ..Default::default()
    };
    let mut entries = inspector
        .audit
        .watch_audit_entries(entries)
        .await
        .expect("watches")
        .into_inner();
    while let Some(entry) = entries.message().await.expect("goes on") {
        said += &format!("{entry:?}");
        if entry.entry.is_some_and(|entry| entry.position >= last.position) {
            break;
        }
    }
    let cases = v1::WatchCasesRequest {
        after_position: Some(0),
        ..Default::default()
    };
    let mut cases = inspector.cases.watch_cases(cases).await.expect("watches").into_inner();
    said += &format!("{:?}", cases.message().await.expect("hears of one"));
    said
}

async fn proofs(inspector: &mut Clients, position: i64) -> String {
    let mut said = String::new();
    let admin = &mut inspector.admin;
    said += &format!(
        "{:?}",
        admin
            .list_projections(v1::ListProjectionsRequest {})
            .await
            .expect("are listed")
    );
    let verified = admin
        .verify(v1::VerifyRequest { log_only: false })
        .await
        .expect("verifies")
        .into_inner();
    let verified: Vec<_> = verified.try_collect().await.expect("goes on");
    said += &format!("{verified:?}");
    let audit = &mut inspector.audit;
    let inclusion = v1::GetInclusionProofRequest { position, size: 0 };
    said += &format!("{:?}", audit.get_inclusion_proof(inclusion).await.expect("is given"));
    let consistency = v1::GetConsistencyProofRequest {
        old_size: 1,
        new_size: 0,
    };
    said += &format!(
        "{:?}",
        audit.get_consistency_proof(consistency).await.expect("is given")
    );
    let receipt = v1::GetReceiptRequest { position };
    said += &format!("{:?}", audit.get_receipt(receipt).await.expect("is given"));
    said += &format!(
        "{:?}",
        audit.get_tile(v1::GetTileRequest::default()).await.expect("is given")
    );
    let bundle = v1::GetEntryBundleRequest::default();
    said += &format!("{:?}", audit.get_entry_bundle(bundle).await.expect("is given"));
    said
}

/// Figures of the server, as a client that watches it gets them.
///
/// # Panics
/// When there are none.
pub async fn figures(server: &Server) -> String {
    let mut monitoring = MonitoringClient::new(server.connect().await);
    let asked = StatsReq {
        refresh_time_period_in_ms: 1_000,
        ..Default::default()
    };
    let mut stats = monitoring.stats(asked).await.expect("are served").into_inner();
    format!("{:?}", stats.message().await.expect("are served").expect("has them"))
}
