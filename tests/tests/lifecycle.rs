//! How a case may go otherwise: somebody never reports, an order is revoked, nobody can be reached, a result is objected to,
//! somebody is warned.

use waystation_api::v1;
use waystation_storage::testing::on_both;
use waystation_tests::compliance::{CASE, ago, check, notice, result, sample};
use waystation_tests::{Clients, Server, after, order, today};

async fn stage(clients: &mut Clients, at: &v1::CommandReceipt) -> v1::Stage {
    let get = v1::GetCaseRequest {
        name: CASE.into(),
        reveal: false,
        read: after(at),
    };
    let case = clients.cases.get_case(get).await.expect("is there").into_inner();
    case.case.expect("is there").stage()
}

#[test]
fn who_never_reports_is_referred_by_a_supervisor_after_three_attempts() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let mut worker = server.clients("worker-1", "CASE_WORKER").await;
        let serve = v1::RecordServiceRequest {
            name: CASE.into(),
            on: ago(40),
            ..Default::default()
        };
        worker
            .cases
            .register_order(order("c1", &ago(41)))
            .await
            .expect("is registered");
        worker.cases.record_service(serve).await.expect("is served");
        drop(server);
        // The clock looks when it starts.
        let server = Server::start(&database.url);
        let mut leader = server.clients("leader-1", "SUPERVISOR").await;
        let refusal = |days: &[i32]| v1::ConfirmRefusalRequest {
            name: CASE.into(),
            attempts: days.iter().map(|day| ago(*day)).collect(),
            ..Default::default()
        };
        let mut confirmed = None;
        for _ in 0..100 {
            match leader.cases.confirm_refusal(refusal(&[20, 15, 10])).await {
                Ok(receipt) => {
                    confirmed = Some(receipt.into_inner());
                    break;
                }
                Err(refused) => check::<()>(Err(refused), ("BAD_STATE", None)),
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        let confirmed = confirmed.expect("the clock has looked");
        assert_eq!(stage(&mut leader, &confirmed).await, v1::Stage::RefusalReferred);
        let refer = v1::ReferToPoliceRequest {
            name: CASE.into(),
            on: today(),
            document_no: "回执-1".into(),
            ..Default::default()
        };
        leader.compliance.refer_to_police(refer).await.expect("is told");
        let outcome = v1::RecordPoliceOutcomeRequest {
            name: CASE.into(),
            on: today(),
            outcome: v1::PoliceOutcome::PoliceWarning.into(),
            document_no: "决定-1".into(),
            ..Default::default()
        };
        let warned = leader
            .compliance
            .record_police_outcome(outcome)
            .await
            .expect("is recorded");
        assert_eq!(
            stage(&mut leader, &warned.into_inner()).await,
            v1::Stage::ReportInOverdue
        );
        check(
            leader.cases.confirm_refusal(refusal(&[20, 15])).await,
            ("EVIDENCE_REQUIRED", Some("attempts")),
        );
    });
}

#[test]
fn an_order_that_is_revoked_leaves_nothing_owed() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let mut worker = server.clients("worker-1", "CASE_WORKER").await;
        let mut leader = server.clients("leader-1", "SUPERVISOR").await;
        worker.active_case("c1", &ago(20)).await.expect("is active");
        let revoke = v1::RevokeOrderRequest {
            name: CASE.into(),
            basis: 2,
            effective_on: ago(20),
            document_no: "行初-1".into(),
            ..Default::default()
        };
        check(worker.cases.revoke_order(revoke.clone()).await, ("ROLE_REQUIRED", None));
        let revoked = leader
            .cases
            .revoke_order(revoke.clone())
            .await
            .expect("is revoked")
            .into_inner();
        assert_eq!(stage(&mut leader, &revoked).await, v1::Stage::Voided);
        let agenda = v1::ListAgendaRequest {
            case: CASE.into(),
            read: after(&revoked),
            ..Default::default()
        };
        let owed = leader.cases.list_agenda(agenda).await.expect("lists").into_inner();
        let states: Vec<_> = owed.obligations.iter().map(|owed| owed.state.as_str()).collect();
        assert_eq!(
            states,
            ["FULFILLED", "FULFILLED", "CANCELLED", "CANCELLED", "CANCELLED"]
        );
        check(leader.cases.revoke_order(revoke).await, ("CASE_CLOSED", None));
    });
}

#[test]
fn lost_found_warned_and_not_yet_out_of_control() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let mut worker = server.clients("worker-1", "CASE_WORKER").await;
        let mut leader = server.clients("leader-1", "SUPERVISOR").await;
        worker.active_case("c1", &ago(20)).await.expect("is active");
        let lost = v1::MarkLostContactRequest {
            name: CASE.into(),
            on: ago(5),
            attempts: vec![ago(5), ago(4)],
            ..Default::default()
        };
        let found = v1::MarkFoundRequest {
            name: CASE.into(),
            on: today(),
            ..Default::default()
        };
        check(worker.cases.mark_found(found.clone()).await, ("NOT_LOST", None));
        worker.cases.mark_lost_contact(lost.clone()).await.expect("is lost");
        check(worker.cases.mark_lost_contact(lost).await, ("LOST_ALREADY", None));
        worker.cases.mark_found(found).await.expect("is found");
        let warn = |step: v1::WarningStep| v1::IssueWarningRequest {
            name: CASE.into(),
            on: today(),
            step: step.into(),
            document_no: "告诫-1".into(),
            ..Default::default()
        };
        check(
            worker
                .compliance
                .issue_warning(warn(v1::WarningStep::FormalWarning))
                .await,
            ("NOT_ADMONISHED", Some("step")),
        );
        for step in [v1::WarningStep::Admonition, v1::WarningStep::FormalWarning] {
            worker.compliance.issue_warning(warn(step)).await.expect("is issued");
        }
        let end = v1::EndDynamicControlRequest {
            name: CASE.into(),
            on: today(),
            anchor: 2,
            anchor_on: ago(20),
            ..Default::default()
        };
        check(leader.cases.end_dynamic_control(end).await, ("BAD_STATE", None));
    });
}

#[test]
fn a_positive_result_is_objected_to_in_time_and_once() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let mut worker = server.clients("worker-1", "CASE_WORKER").await;
        worker.active_case("c1", &ago(20)).await.expect("is active");
        let object = |on: String| v1::LodgeObjectionRequest {
            name: CASE.into(),
            test: 1,
            on,
            ..Default::default()
        };
        let served = worker.compliance.serve_test_notice(notice(ago(9), ago(1))).await;
        served.expect("is served");
        let taken = v1::RecordSampleRequest { on: ago(9), ..sample() };
        worker.compliance.record_sample(taken).await.expect("is taken");
        check(
            worker.compliance.lodge_objection(object(ago(9))).await,
            ("TEST_DOES_NOT_FIT", Some("test")),
        );
        let positive = v1::RecordTestResultRequest {
            on: ago(8),
            ..result(v1::TestStage::TestOnTheSpot, v1::TestOutcome::TestPositive)
        };
        worker.compliance.record_test_result(positive).await.expect("is read");
        check(
            worker.compliance.lodge_objection(object(ago(4))).await,
            ("OBJECTION_TOO_LATE", Some("on")),
        );
        worker
            .compliance
            .lodge_objection(object(ago(5)))
            .await
            .expect("in time");
        check(
            worker.compliance.lodge_objection(object(ago(5))).await,
            ("TEST_DOES_NOT_FIT", Some("test")),
        );
    });
}

#[test]
fn a_machine_proposes_a_class_of_risk_and_a_person_decides() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let mut worker = server.clients("worker-1", "CASE_WORKER").await;
        let mut leader = server.clients("leader-1", "SUPERVISOR").await;
        worker.active_case("c1", &ago(20)).await.expect("is active");
        let confirm = |class: v1::RiskClass, reason: &str| v1::ConfirmRiskClassRequest {
            name: CASE.into(),
            class: class.into(),
            reason: reason.into(),
            ..Default::default()
        };
        check(
            leader
                .compliance
                .confirm_risk_class(confirm(v1::RiskClass::RiskLow, ""))
                .await,
            ("NOT_SCORED", None),
        );
        let score = v1::ScoreRiskRequest {
            name: CASE.into(),
            ..Default::default()
        };
        worker.compliance.score_risk(score).await.expect("is scored");
        check(
            leader
                .compliance
                .confirm_risk_class(confirm(v1::RiskClass::RiskHigh, ""))
                .await,
            ("REASON_REQUIRED", Some("reason")),
        );
        let overridden = confirm(v1::RiskClass::RiskHigh, "家庭变故");
        leader
            .compliance
            .confirm_risk_class(overridden)
            .await
            .expect("is confirmed");
        let contest = v1::ContestRiskClassRequest {
            name: CASE.into(),
            on: today(),
            statement: "不同意".into(),
            ..Default::default()
        };
        let contested = worker
            .compliance
            .contest_risk_class(contest)
            .await
            .expect("is contested");
        let look = v1::ListFindingsRequest {
            station: waystation_tests::STATION.into(),
            check: v1::Check::RiskClasses.into(),
            read: after(&contested.into_inner()),
            ..Default::default()
        };
        let found = leader
            .inspection
            .list_findings(look)
            .await
            .expect("is allowed")
            .into_inner();
        assert_eq!(found.findings[0].detail, "LOW 0 waystation/defaults/1 CONTESTED");
        // Nobody refused anything; with a threshold of nothing everybody would be at high risk.
        let simulate = v1::SimulatePolicyRequest {
            station: waystation_tests::STATION.into(),
            set: [("risk.high_gte".to_owned(), "0".to_owned())].into(),
            ..Default::default()
        };
        let tried = leader
            .compliance
            .simulate_policy(simulate)
            .await
            .expect("is tried")
            .into_inner();
        let after = tried.movers[0].after.as_ref().expect("is there");
        assert_eq!((tried.moving, after.risk()), (1, v1::RiskClass::RiskHigh));
    });
}

#[test]
fn visits_calls_and_a_longer_absence_are_recorded_as_they_were() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let mut worker = server.clients("worker-1", "CASE_WORKER").await;
        worker.active_case("c1", &ago(20)).await.expect("is active");
        let visit = |visitors: &[&str]| v1::RecordHomeVisitRequest {
            name: CASE.into(),
            on: ago(2),
            visitors: visitors.iter().map(|id| (*id).to_owned()).collect(),
            interviewee: v1::Interviewee::SpokeToFamily.into(),
            note: "母亲在家".into(),
            ..Default::default()
        };
        check(
            worker.cases.record_home_visit(visit(&["worker-1"])).await,
            ("SECOND_PERSON_REQUIRED", Some("visitors")),
        );
        worker
            .cases
            .record_home_visit(visit(&["worker-1", "grid-1"]))
            .await
            .expect("is recorded");
        let call = v1::RecordPhoneCheckRequest {
            name: CASE.into(),
            on: ago(1),
            identity_confirmed: true,
            ..Default::default()
        };
        check(
            worker.cases.record_phone_check(call.clone()).await,
            ("FIELD_INVALID", Some("identity_confirmed")),
        );
        let answered = v1::RecordPhoneCheckRequest { answered: true, ..call };
        worker.cases.record_phone_check(answered).await.expect("is recorded");
        let report = v1::FileAbsenceReportRequest {
            name: CASE.into(),
            reported_on: ago(9),
            from: ago(8),
            to: ago(4),
            destination: "520181".into(),
            ..Default::default()
        };
        worker
            .compliance
            .file_absence_report(report)
            .await
            .expect("is reported");
        let extend = |reported_on: String, to: String| v1::ExtendAbsenceRequest {
            name: CASE.into(),
            absence: 1,
            reported_on,
            to,
            ..Default::default()
        };
        check(
            worker.compliance.extend_absence(extend(ago(3), today())).await,
            ("REPORT_TOO_LATE", Some("reported_on")),
        );
        let extended = worker.compliance.extend_absence(extend(ago(4), today())).await;
        let agenda = v1::ListAgendaRequest {
            case: CASE.into(),
            kind: v1::ObligationKind::LeaveReturn.into(),
            read: after(&extended.expect("is extended").into_inner()),
            ..Default::default()
        };
        let owed = worker
            .cases
            .list_agenda(agenda)
            .await
            .expect("lists")
            .into_inner()
            .obligations;
        let states: Vec<_> = owed
            .iter()
            .map(|owed| (owed.state.as_str(), owed.window_to.as_str()))
            .collect();
        assert_eq!(states, [("CANCELLED", ago(4).as_str()), ("OPEN", today().as_str())]);
    });
}
