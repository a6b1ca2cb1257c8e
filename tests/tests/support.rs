//! What a station does for a participant beside the path itself: plans, what it owes by rules of its own, leave that is decided on,
//! tests taken elsewhere or compelled.

use waystation_api::v1;
use waystation_storage::testing::on_both;
use waystation_tests::compliance::{CASE, ago, check, notice, owed, sample};
use waystation_tests::{Server, after, policy, today};

#[test]
fn one_drafts_a_plan_and_another_approves_it_and_it_is_looked_at_again() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let mut worker = server.clients("worker-1", "CASE_WORKER").await;
        let mut leader = server.clients("leader-1", "SUPERVISOR").await;
        worker.active_case("c1", &ago(20)).await.expect("is active");
        let draft = v1::DraftCarePlanRequest {
            name: CASE.into(),
            on: ago(3),
            goals: vec![v1::CareGoal::GoalWork.into(), v1::CareGoal::GoalAbstinence.into()],
            review_on: ago(-90),
            measures: "介绍到保洁岗位".into(),
            ..Default::default()
        };
        let nothing = v1::DraftCarePlanRequest {
            goals: Vec::new(),
            ..draft.clone()
        };
        check(
            worker.cases.draft_care_plan(nothing).await,
            ("LIST_EMPTY", Some("goals")),
        );
        let unknown = v1::DraftCarePlanRequest {
            goals: vec![99],
            ..draft.clone()
        };
        check(
            worker.cases.draft_care_plan(unknown).await,
            ("FIELD_INVALID", Some("goals")),
        );
        worker.cases.draft_care_plan(draft.clone()).await.expect("is drafted");
        let approve = |plan| v1::ApproveCarePlanRequest {
            name: CASE.into(),
            plan,
            ..Default::default()
        };
        check(
            worker.cases.approve_care_plan(approve(1)).await,
            ("ROLE_REQUIRED", None),
        );
        check(
            leader.cases.approve_care_plan(approve(2)).await,
            ("PLAN_NOT_FOUND", Some("plan")),
        );
        let review = |outcome: v1::PlanOutcome, review_on: String| v1::ReviewCarePlanRequest {
            name: CASE.into(),
            plan: 1,
            on: today(),
            outcome: outcome.into(),
            review_on,
            note: "已就业".into(),
            ..Default::default()
        };
        let adjust = review(v1::PlanOutcome::PlanToAdjust, String::new());
        check(
            worker.cases.review_care_plan(adjust.clone()).await,
            ("PLAN_DOES_NOT_FIT", Some("plan")),
        );
        leader.cases.approve_care_plan(approve(1)).await.expect("is approved");
        let goes_on = review(v1::PlanOutcome::PlanContinues, String::new());
        check(
            worker.cases.review_care_plan(goes_on).await,
            ("FIELD_INVALID", Some("review_on")),
        );
        worker.cases.review_care_plan(adjust).await.expect("is reviewed");
        leader.cases.draft_care_plan(draft).await.expect("is drafted");
        check(
            leader.cases.approve_care_plan(approve(2)).await,
            ("SAME_PERSON_FORBIDDEN", None),
        );
        let list = v1::ListAuditEntriesRequest {
            by: Some(v1::list_audit_entries_request::By::Record(CASE.into())),
            page_size: 1000,
            ..Default::default()
        };
        let entries = worker.audit.list_audit_entries(list).await.expect("lists").into_inner();
        let labels: Vec<&str> = entries
            .entries
            .iter()
            .filter(|entry| entry.event_type.starts_with("plan."))
            .map(|entry| entry.label_zh.as_str())
            .collect();
        assert_eq!(labels.len(), 4, "{labels:?}");
        assert!(entries.entries.iter().all(|entry| !entry.data.contains("保洁")));
    });
}

#[test]
fn what_a_station_sets_for_itself_it_owes() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let mut worker = server.clients("worker-1", "CASE_WORKER").await;
        let mut leader = server.clients("leader-1", "SUPERVISOR").await;
        let values = [
            ("agreement.sign_within_days", "5"),
            ("summary.every_months", "6"),
            ("assessment.every_months", "12"),
            ("visit.every_months", "3"),
            ("risk.review_within_working_days", "5"),
        ];
        policy::set(&server, "qinglongshan/duties-1", &values).await;
        let signed = worker.active_case("c1", &today()).await.expect("is active");
        let agreement = owed(&mut worker, v1::ObligationKind::SignAgreement, &signed).await;
        assert_eq!(agreement.len(), 1);
        assert_eq!(
            (agreement[0].state.as_str(), agreement[0].debtor.as_str()),
            ("FULFILLED", "STATION")
        );
        assert_eq!(agreement[0].source, "qinglongshan/duties-1 agreement.sign_within_days");
        let summary = |kind: v1::SummaryKind| v1::RecordSummaryRequest {
            name: CASE.into(),
            kind: kind.into(),
            on: today(),
            note: "按时检测，已就业".into(),
            ..Default::default()
        };
        let empty = v1::RecordSummaryRequest {
            note: String::new(),
            ..summary(v1::SummaryKind::SummaryHalfYear)
        };
        check(
            worker.cases.record_summary(empty).await,
            ("FIELD_INVALID", Some("note")),
        );
        let half = worker.cases.record_summary(summary(v1::SummaryKind::SummaryHalfYear));
        let half = half.await.expect("is recorded").into_inner();
        let kind = v1::ObligationKind::HalfYearSummary;
        let states: Vec<String> = owed(&mut worker, kind, &half)
            .await
            .into_iter()
            .map(|owed| owed.state)
            .collect();
        assert_eq!(states, ["FULFILLED", "OPEN"]);
        let year = worker.cases.record_summary(summary(v1::SummaryKind::SummaryAnnual));
        let year = year.await.expect("is recorded").into_inner();
        let assessed = owed(&mut worker, v1::ObligationKind::AnnualAssessment, &year).await;
        assert_eq!(assessed[0].state, "FULFILLED");
        let visit = v1::RecordHomeVisitRequest {
            name: CASE.into(),
            on: today(),
            visitors: vec!["worker-1".into(), "grid-1".into()],
            interviewee: v1::Interviewee::SpokeToFamily.into(),
            ..Default::default()
        };
        let visited = worker
            .cases
            .record_home_visit(visit)
            .await
            .expect("is recorded")
            .into_inner();
        let visits = owed(&mut worker, v1::ObligationKind::HomeVisit, &visited).await;
        assert_eq!(visits[0].state, "FULFILLED");
        let score = v1::ScoreRiskRequest {
            name: CASE.into(),
            ..Default::default()
        };
        let scored = worker
            .compliance
            .score_risk(score)
            .await
            .expect("is scored")
            .into_inner();
        let kind = v1::ObligationKind::RiskReview;
        assert_eq!(owed(&mut worker, kind, &scored).await[0].state, "OPEN");
        let confirm = v1::ConfirmRiskClassRequest {
            name: CASE.into(),
            class: v1::RiskClass::RiskLow.into(),
            ..Default::default()
        };
        let confirmed = leader.compliance.confirm_risk_class(confirm).await;
        let confirmed = confirmed.expect("is confirmed").into_inner();
        assert_eq!(owed(&mut worker, kind, &confirmed).await[0].state, "FULFILLED");
    });
}

#[test]
fn leave_is_decided_on_where_the_station_asks_for_it() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let mut worker = server.clients("worker-1", "CASE_WORKER").await;
        let mut leader = server.clients("leader-1", "SUPERVISOR").await;
        worker.active_case("c1", &ago(20)).await.expect("is active");
        for (from, to) in [(-5, -9), (-20, -24), (0, -2)] {
            let report = v1::FileAbsenceReportRequest {
                name: CASE.into(),
                reported_on: today(),
                from: ago(from),
                to: ago(to),
                destination: "520181".into(),
                ..Default::default()
            };
            worker
                .compliance
                .file_absence_report(report)
                .await
                .expect("is reported");
        }
        let approve = v1::ApproveLeaveRequest {
            name: CASE.into(),
            absence: 1,
            on: today(),
            ..Default::default()
        };
        let refuse = |absence| v1::RefuseLeaveRequest {
            name: CASE.into(),
            absence,
            on: today(),
            reason: "检测未完成".into(),
            ..Default::default()
        };
        check(
            leader.compliance.approve_leave(approve.clone()).await,
            ("APPROVAL_NOT_ASKED", None),
        );
        policy::set(&server, "qinglongshan/leave-1", &[("leave.approval_required", "true")]).await;
        check(
            worker.compliance.approve_leave(approve.clone()).await,
            ("ROLE_REQUIRED", None),
        );
        leader
            .compliance
            .approve_leave(approve.clone())
            .await
            .expect("is approved");
        check(
            leader.compliance.approve_leave(approve).await,
            ("ABSENCE_DECIDED", Some("absence")),
        );
        check(
            leader.compliance.refuse_leave(refuse(4)).await,
            ("ABSENCE_NOT_FOUND", Some("absence")),
        );
        check(
            leader.compliance.refuse_leave(refuse(3)).await,
            ("LEAVE_BEGUN", Some("absence")),
        );
        let refused = leader
            .compliance
            .refuse_leave(refuse(2))
            .await
            .expect("is refused")
            .into_inner();
        let returns = owed(&mut worker, v1::ObligationKind::LeaveReturn, &refused).await;
        let states: Vec<&str> = returns.iter().map(|owed| owed.state.as_str()).collect();
        assert_eq!(states, ["OPEN", "CANCELLED", "OPEN"]);
    });
}

#[test]
fn a_test_is_taken_elsewhere_by_whom_is_entrusted_and_compelled_by_the_police_once() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let mut worker = server.clients("worker-1", "CASE_WORKER").await;
        let mut leader = server.clients("leader-1", "SUPERVISOR").await;
        worker.active_case("c1", &ago(20)).await.expect("is active");
        for _ in 0..2 {
            let told = worker.compliance.serve_test_notice(notice(ago(2), ago(-2))).await;
            told.expect("is told");
        }
        let elsewhere = v1::RecordSampleRequest {
            site: v1::SampleSite::AtEntrustedPlace.into(),
            ..sample()
        };
        check(
            worker.compliance.record_sample(elsewhere.clone()).await,
            ("NOT_ENTRUSTED", Some("site")),
        );
        let entrust = v1::EntrustTestRequest {
            name: CASE.into(),
            test: 1,
            on: ago(1),
            place: "GUIYANG_SECOND_HOSPITAL".into(),
            valid_to: today(),
            ..Default::default()
        };
        let no_code = v1::EntrustTestRequest {
            place: "贵阳市第二人民医院".into(),
            ..entrust.clone()
        };
        check(
            leader.compliance.entrust_test(no_code).await,
            ("FIELD_INVALID", Some("place")),
        );
        leader.compliance.entrust_test(entrust).await.expect("is entrusted");
        worker.compliance.record_sample(elsewhere).await.expect("is taken");
        let compel = v1::RecordCompelledTestRequest {
            name: CASE.into(),
            test: 2,
            on: today(),
            document_no: "强检-1".into(),
            ..Default::default()
        };
        check(
            worker.compliance.record_compelled_test(compel.clone()).await,
            ("TEST_DOES_NOT_FIT", Some("test")),
        );
        let refusal = v1::RecordTestRefusalRequest {
            name: CASE.into(),
            test: 2,
            on: today(),
            evaded: false,
            facts: "当面拒绝".into(),
            ..Default::default()
        };
        worker
            .compliance
            .record_test_refusal(refusal)
            .await
            .expect("is refused");
        worker
            .compliance
            .record_compelled_test(compel)
            .await
            .expect("is compelled");
        let taken = v1::RecordSampleRequest {
            test: 3,
            site: v1::SampleSite::AtPolicePost.into(),
            ..sample()
        };
        worker.compliance.record_sample(taken).await.expect("is taken");
        let count = v1::ConfirmTestRefusalRequest {
            name: CASE.into(),
            test: 2,
            ..Default::default()
        };
        leader
            .compliance
            .confirm_test_refusal(count)
            .await
            .expect("still counts");
    });
}

#[test]
fn an_agreement_is_amended_and_a_branch_takes_somebody_over() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let mut worker = server.clients("worker-1", "CASE_WORKER").await;
        let mut leader = server.clients("leader-1", "SUPERVISOR").await;
        worker.active_case("c1", &ago(20)).await.expect("is active");
        worker.active_case("c2", &ago(20)).await.expect("is active");
        let amend = v1::AmendAgreementRequest {
            name: CASE.into(),
            on: today(),
            agreement_no: "A-1-1".into(),
            clauses: ["MEASURES", "RULES", "LIABILITY", "WORK_PLACEMENT"]
                .map(String::from)
                .to_vec(),
            ..Default::default()
        };
        let short = v1::AmendAgreementRequest {
            clauses: vec!["MEASURES".into()],
            ..amend.clone()
        };
        check(
            worker.cases.amend_agreement(short).await,
            ("CLAUSE_MISSING", Some("clauses")),
        );
        let early = v1::AmendAgreementRequest {
            on: ago(21),
            ..amend.clone()
        };
        check(
            worker.cases.amend_agreement(early).await,
            ("OCCURRED_BEFORE_CASE", Some("on")),
        );
        worker.cases.amend_agreement(amend).await.expect("is amended");
        let branch = |branch: &str| v1::AssignToBranchRequest {
            name: CASE.into(),
            from: today(),
            branch: branch.into(),
            ..Default::default()
        };
        check(
            worker.cases.assign_to_branch(branch("branch-tashan")).await,
            ("ROLE_REQUIRED", None),
        );
        check(
            leader.cases.assign_to_branch(branch("塔山")).await,
            ("FIELD_INVALID", Some("branch")),
        );
        let sent = leader.cases.assign_to_branch(branch("branch-tashan")).await;
        let sent = sent.expect("is sent").into_inner();
        let of_branch = |read| v1::ListCasesRequest {
            station: waystation_tests::STATION.into(),
            branch: "branch-tashan".into(),
            read,
            ..Default::default()
        };
        let listed = worker.cases.list_cases(of_branch(after(&sent))).await;
        let listed = listed.expect("lists").into_inner().cases;
        assert_eq!((listed.len(), listed[0].name.as_str()), (1, CASE));
        assert_eq!(listed[0].branch, "branch-tashan");
        // The sealed number of the agreement is that of the last one that binds.
        let get = v1::GetCaseRequest {
            name: CASE.into(),
            reveal: true,
            read: after(&sent),
        };
        let case = leader.cases.get_case(get).await.expect("is there").into_inner().case;
        assert_eq!(case.expect("is there").agreement_no, "A-1-1");
        let back = leader
            .cases
            .assign_to_branch(branch(""))
            .await
            .expect("is back")
            .into_inner();
        let listed = worker.cases.list_cases(of_branch(after(&back))).await;
        assert!(listed.expect("lists").into_inner().cases.is_empty());
    });
}

#[test]
fn a_hair_sample_is_of_the_last_months_and_stands_in_the_register() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let mut worker = server.clients("worker-1", "CASE_WORKER").await;
        worker.active_case("c1", &ago(20)).await.expect("is active");
        let told = worker.compliance.serve_test_notice(notice(today(), today())).await;
        told.expect("is told");
        let hair = |kind: v1::SampleKind, length_mm, mass_mg| v1::RecordSampleRequest {
            kind: kind.into(),
            hair: Some(v1::HairSample { length_mm, mass_mg }),
            ..sample()
        };
        let of_hair = v1::SampleKind::SampleHair;
        let wrong = |field: &'static str| ("FIELD_INVALID", Some(field));
        check(
            worker
                .compliance
                .record_sample(hair(v1::SampleKind::SampleUrine, 30, 60))
                .await,
            wrong("hair"),
        );
        check(
            worker.compliance.record_sample(hair(of_hair, 31, 60)).await,
            wrong("hair.length_mm"),
        );
        check(
            worker.compliance.record_sample(hair(of_hair, 30, 0)).await,
            wrong("hair.mass_mg"),
        );
        check(
            worker.compliance.record_sample(hair(of_hair, -1, 60)).await,
            wrong("hair.length_mm"),
        );
        let taken = worker.compliance.record_sample(hair(of_hair, 30, 60)).await;
        let taken = taken.expect("is taken").into_inner();
        let list = v1::ListTestsRequest {
            station: waystation_tests::STATION.into(),
            read: after(&taken),
            ..Default::default()
        };
        let line = worker
            .registers
            .list_tests(list)
            .await
            .expect("lists")
            .into_inner()
            .tests
            .remove(0);
        assert_eq!(line.hair.map(|hair| (hair.length_mm, hair.mass_mg)), Some((30, 60)));
        assert_eq!(line.met, 0, "it meets no test of urine");
    });
}
