//! Every rule that says no says so over gRPC, with its reason, the field, and words in Chinese; those that other tests do not
//! meet on their way.

use std::time::Duration;

use waystation_api::v1;
use waystation_storage::testing::on_both;
use waystation_tests::compliance::{CASE, ago, check, notice, result, sample};
use waystation_tests::people::{ID, decide, end_cases, propose, registration};
use waystation_tests::{Acting, Clients, STATION, Server, check_in, order, policy, today};

#[test]
fn joining_has_its_rules() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let mut worker = server.clients("worker-1", "CASE_WORKER").await;
        let no_release = v1::RegisterOrderRequest {
            programme: v1::Programme::CommunityRehab.into(),
            ..order("c1", &ago(60))
        };
        check(
            worker.cases.register_order(no_release).await,
            ("RELEASE_REFERENCE_REQUIRED", Some("release_no")),
        );
        // Before there was a regulation.
        check(
            worker.cases.register_order(order("c1", "2005-03-01")).await,
            ("POLICY_NOT_IN_FORCE", None),
        );
        worker
            .cases
            .register_order(order("c1", &ago(60)))
            .await
            .expect("is registered");
        let again = v1::RegisterOrderRequest {
            order_no: "another".into(),
            ..order("c1", &ago(60))
        };
        check(worker.cases.register_order(again).await, ("CASE_EXISTS", None));
        let serve = v1::RecordServiceRequest {
            name: CASE.into(),
            on: ago(50),
            ..Default::default()
        };
        worker.cases.record_service(serve).await.expect("is served");
        let report = v1::ReportInRequest {
            name: CASE.into(),
            on: ago(30),
            identity_checked: true,
            ..Default::default()
        };
        let unknown = v1::ReportInRequest {
            identity_checked: false,
            ..report.clone()
        };
        check(
            worker.cases.report_in(unknown).await,
            ("IDENTITY_NOT_CHECKED", Some("identity_checked")),
        );
        check(
            worker.cases.report_in(report.clone()).await,
            ("JUSTIFICATION_REQUIRED", Some("justification")),
        );
        let mut leader = server.clients("leader-1", "SUPERVISOR").await;
        let justified = v1::ReportInRequest {
            justification: "住院".into(),
            ..report
        };
        leader.cases.report_in(justified).await.expect("is reported");
        let sign = v1::SignAgreementRequest {
            name: CASE.into(),
            on: ago(29),
            agreement_no: "协议-1".into(),
            clauses: vec!["MEASURES".into()],
            ..Default::default()
        };
        check(
            worker.cases.sign_agreement(sign).await,
            ("CLAUSE_MISSING", Some("clauses")),
        );
        let open = v1::OpenCaseFileRequest {
            name: CASE.into(),
            on: ago(29),
            file_no: "档-1".into(),
            ..Default::default()
        };
        worker.cases.open_case_file(open.clone()).await.expect("is opened");
        check(worker.cases.open_case_file(open).await, ("FILE_ALREADY_OPEN", None));
    });
}

#[test]
fn going_on_has_its_rules() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let mut worker = server.clients("worker-1", "CASE_WORKER").await;
        worker.active_case("c1", &ago(20)).await.expect("is active");
        check(
            worker.cases.record_check_in(check_in("c1", &ago(15))).await,
            ("BACKDATE_NEEDS_REASON", Some("late_reason")),
        );
        let suspend = |cause: v1::SuspensionCause| v1::SuspendRequest {
            name: CASE.into(),
            from: ago(10),
            cause: cause.into(),
            document_no: "拘留-1".into(),
            ..Default::default()
        };
        check(
            worker.cases.suspend(suspend(v1::SuspensionCause::Sentenced)).await,
            ("USE_TERMINATE", Some("cause")),
        );
        let discharge = v1::RecordDischargeNoticeRequest {
            name: CASE.into(),
            issued_on: today(),
            received_on: today(),
            notice_no: "解除-1".into(),
            ..Default::default()
        };
        check(
            worker.cases.record_discharge_notice(discharge).await,
            ("NOT_EXPIRED", None),
        );
        worker
            .cases
            .suspend(suspend(v1::SuspensionCause::Detained))
            .await
            .expect("is suspended");
        let resume = v1::ResumeRequest {
            name: CASE.into(),
            on: ago(5),
            document_no: "释放-1".into(),
            ..Default::default()
        };
        worker.cases.resume(resume).await.expect("goes on");
        check(
            worker.compliance.serve_test_notice(notice(ago(9), ago(8))).await,
            ("DURING_SUSPENSION", Some("on")),
        );
        for _ in 0..2 {
            let told = worker.compliance.serve_test_notice(notice(ago(3), today())).await;
            told.expect("is told");
        }
        let refusal = |test| v1::RecordTestRefusalRequest {
            name: CASE.into(),
            test,
            on: today(),
            facts: "当面拒绝".into(),
            ..Default::default()
        };
        worker
            .compliance
            .record_test_refusal(refusal(1))
            .await
            .expect("is refused");
        check(
            worker.compliance.record_test_refusal(refusal(2)).await,
            ("REFUSED_THAT_DAY", Some("on")),
        );
    });
}

#[test]
fn the_end_has_its_rules() {
    on_both(|database| async move {
        // Both terms have ended, and nobody has noticed.
        let server = Server::start(&database.url);
        let mut worker = server.clients("worker-1", "CASE_WORKER").await;
        let mut leader = server.clients("leader-1", "SUPERVISOR").await;
        let long_ago = ago(36 * 31 + 20);
        worker.active_case("c1", &long_ago).await.expect("is active");
        worker.active_case("c2", &long_ago).await.expect("is active");
        worker
            .compliance
            .serve_test_notice(notice(today(), today()))
            .await
            .expect("is told");
        worker.compliance.record_sample(sample()).await.expect("is taken");
        for stage in [v1::TestStage::TestOnTheSpot, v1::TestStage::TestInLaboratory] {
            let positive = result(stage, v1::TestOutcome::TestPositive);
            worker.compliance.record_test_result(positive).await.expect("is read");
        }
        let relapse = v1::ConfirmRelapseRequest {
            name: CASE.into(),
            test: 1,
            ..Default::default()
        };
        leader.compliance.confirm_relapse(relapse).await.expect("is confirmed");
        drop(server);
        // The clock looks when it starts.
        let server = Server::start(&database.url);
        let mut leader = server.clients("leader-1", "SUPERVISOR").await;
        let end = |case: &str| v1::EndDynamicControlRequest {
            name: format!("cases/{case}"),
            on: today(),
            anchor: v1::ControlAnchor::FromExecution.into(),
            anchor_on: long_ago.clone(),
            ..Default::default()
        };
        for case in ["c1", "c2"] {
            let notice = v1::RecordDischargeNoticeRequest {
                name: format!("cases/{case}"),
                issued_on: today(),
                received_on: today(),
                notice_no: format!("解除-{case}"),
                ..Default::default()
            };
            let mut discharged = false;
            for _ in 0..100 {
                match leader.cases.record_discharge_notice(notice.clone()).await {
                    Ok(_) => {
                        discharged = true;
                        break;
                    }
                    Err(early) => check::<()>(Err(early), ("NOT_EXPIRED", None)),
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            assert!(discharged, "the clock has looked at {case}");
        }
        check(
            leader.cases.end_dynamic_control(end("c1")).await,
            ("RELAPSE_ON_RECORD", None),
        );
        leader.cases.end_dynamic_control(end("c2")).await.expect("has ended");
        check(
            leader.cases.end_dynamic_control(end("c2")).await,
            ("CONTROL_ENDED", None),
        );
    });
}

/// The revision of the last event of a case.
async fn last_event(clients: &mut Clients, id: &str) -> String {
    let at = clients.cases.record_check_in(check_in(id, &today())).await;
    let at = at.expect("is recorded").into_inner();
    let list = v1::ListAuditEntriesRequest {
        by: Some(v1::list_audit_entries_request::By::Record(format!("cases/{id}"))),
        page_size: 1000,
        read: waystation_tests::after(&at),
        ..Default::default()
    };
    let entries = clients
        .audit
        .list_audit_entries(list)
        .await
        .expect("lists")
        .into_inner();
    let mut check_ins = entries.entries.into_iter();
    let found = check_ins.rfind(|entry| entry.event_type.starts_with("case.check_in"));
    found.expect("is there").name
}

#[test]
fn points_have_their_rules() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let mut worker = server.clients("worker-1", "CASE_WORKER").await;
        let mut leader = server.clients("leader-1", "SUPERVISOR").await;
        let mut keeper = server.clients("keeper-1", "STORE_KEEPER").await;
        worker.active_case("c1", &ago(2)).await.expect("is active");
        worker.active_case("c2", &ago(2)).await.expect("is active");
        let account = || "pointsAccounts/p-c1".to_owned();
        let redeem = |kind: &str| v1::RedeemPointsRequest {
            name: account(),
            on: ago(1),
            lines: vec![v1::RedemptionLine {
                sku: "SOAP".into(),
                kind: kind.into(),
                quantity: 1,
                points: 1,
            }],
            ..Default::default()
        };
        check(
            keeper.points.redeem_points(redeem("DAILY_GOODS")).await,
            ("ACCOUNT_NOT_FOUND", None),
        );
        let (mine, other) = (last_event(&mut worker, "c1").await, last_event(&mut worker, "c2").await);
        let award = |rule: &str, basis: &str| v1::AwardPointsRequest {
            name: account(),
            rule: rule.into(),
            basis: basis.into(),
            ..Default::default()
        };
        let refused = [
            (award("nothing", &mine), ("RULE_UNKNOWN", Some("rule"))),
            (
                award("check_in", "cases/c1/events/0"),
                ("BASIS_WRONG_KIND", Some("basis")),
            ),
            (award("check_in", &other), ("BASIS_OF_ANOTHER", Some("basis"))),
            (
                award("check_in", "cases/c1/events/999"),
                ("BASIS_NOT_FOUND", Some("basis")),
            ),
        ];
        for (request, expected) in refused {
            check(worker.points.award_points(request).await, expected);
        }
        worker
            .points
            .award_points(award("check_in", &mine))
            .await
            .expect("is awarded");
        policy::set(&server, "qinglongshan/cap-1", &[("points.cap_month", "3")]).await;
        let second = last_event(&mut worker, "c1").await;
        check(
            worker.points.award_points(award("check_in", &second)).await,
            ("CAP_REACHED", None),
        );
        check(
            keeper.points.redeem_points(redeem("ALCOHOL")).await,
            ("ITEM_BANNED", Some("lines.kind")),
        );
        let cancel = |redemption, on: String| v1::CancelRedemptionRequest {
            name: account(),
            redemption,
            on,
            ..Default::default()
        };
        check(
            keeper.points.cancel_redemption(cancel(1, today())).await,
            ("REDEMPTION_NOT_FOUND", Some("redemption")),
        );
        keeper
            .points
            .redeem_points(redeem("DAILY_GOODS"))
            .await
            .expect("is redeemed");
        check(
            keeper.points.cancel_redemption(cancel(1, today())).await,
            ("CANCEL_TOO_LATE", None),
        );
        leader
            .points
            .cancel_redemption(cancel(1, today()))
            .await
            .expect("is cancelled");
        check(
            leader.points.cancel_redemption(cancel(1, today())).await,
            ("REDEMPTION_CANCELLED", Some("redemption")),
        );
        let reverse = |award| v1::ReverseAwardRequest {
            name: account(),
            award,
            on: today(),
            reason: "依据有误".into(),
            ..Default::default()
        };
        check(
            leader.points.reverse_award(reverse(9)).await,
            ("AWARD_NOT_FOUND", Some("award")),
        );
        leader.points.reverse_award(reverse(1)).await.expect("is reversed");
        check(
            leader.points.reverse_award(reverse(1)).await,
            ("AWARD_REVERSED", Some("award")),
        );
    });
}

#[test]
fn people_and_accounts_have_their_rules() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let channel = server.connect().await;
        let mut worker = server.clients("worker-1", "CASE_WORKER").await;
        let mut leader = server.clients("leader-1", "SUPERVISOR").await;
        let mut privacy = server.clients("privacy-1", "PRIVACY_OFFICER").await;
        waystation_tests::people::with_case(&mut worker, "p-1", "c1").await;
        check(
            privacy.people.decide_act(decide("p-1", 9)).await,
            ("PROPOSAL_NOT_FOUND", Some("proposal")),
        );
        let answer = v1::AnswerSubjectRequestRequest {
            name: "people/p-1".into(),
            request: 9,
            granted: true,
            reason: "已提供".into(),
            ..Default::default()
        };
        check(
            privacy.people.answer_subject_request(answer).await,
            ("REQUEST_NOT_FOUND", Some("request")),
        );
        policy::set(&server, "archives/1", &[("erasure.retention_months", "12")]).await;
        end_cases(&mut leader, "p-1").await;
        check(
            leader.people.propose_act(propose("p-1", v1::Act::Erase)).await,
            ("RETENTION_NOT_LAPSED", Some("act")),
        );
        let other = registration("p-2", waystation_tests::people::OTHER_ID);
        assert_ne!(other.id_number, ID);
        worker.people.register_person(other).await.expect("is registered");
        let death = v1::RecordDeathRequest {
            name: "people/p-2".into(),
            on: today(),
            document_no: "死亡-1".into(),
            ..Default::default()
        };
        leader.people.record_death(death.clone()).await.expect("is recorded");
        check(leader.people.record_death(death).await, ("PERSON_DEAD", None));
        let acting = Acting::new("security-1", "SECURITY_ADMIN", STATION);
        let mut admin = v1::admin_service_client::AdminServiceClient::with_interceptor(channel, acting);
        let create = v1::CreateAccountRequest {
            account_id: "worker-7".into(),
            role: "CASE_WORKER".into(),
            station: STATION.into(),
            until: String::new(),
        };
        admin.create_account(create.clone()).await.expect("is made");
        check(admin.create_account(create).await, ("ACCOUNT_EXISTS", None));
    });
}
