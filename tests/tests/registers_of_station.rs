//! Registers of tests, contacts, leave, breaches, classes of risk and counters: what each line says, which lines are asked for, page
//! by page and as of a moment.

use waystation_api::v1;
use waystation_storage::testing::on_both;
use waystation_tests::compliance::{CASE, ago, allege, check, confirm_absence, notice, result, sample};
use waystation_tests::{Clients, STATION, Server, after, as_of, check_in, today};

fn tests(read: Option<v1::ReadOptions>) -> v1::ListTestsRequest {
    v1::ListTestsRequest {
        station: STATION.into(),
        read,
        ..Default::default()
    }
}

#[test]
fn a_test_is_listed_from_notice_to_laboratory_and_as_it_was_known() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let mut worker = server.clients("worker-1", "CASE_WORKER").await;
        let mut elsewhere = Clients::at(&server.connect().await, "worker-9", "CASE_WORKER", "station-elsewhere");
        worker.active_case("c1", &ago(20)).await.expect("is active");
        elsewhere.active_case("c3", &ago(20)).await.expect("is active");
        let told = worker.compliance.serve_test_notice(notice(today(), ago(-3))).await;
        told.expect("is told");
        worker.compliance.record_sample(sample()).await.expect("is taken");
        let (field, laboratory) = (v1::TestStage::TestOnTheSpot, v1::TestStage::TestInLaboratory);
        let positive = result(field, v1::TestOutcome::TestPositive);
        let presumed = worker.compliance.record_test_result(positive).await.expect("is read");
        let presumed = presumed.into_inner();
        let cleared = result(laboratory, v1::TestOutcome::TestNegative);
        let cleared = worker.compliance.record_test_result(cleared).await.expect("is read");
        let cleared = cleared.into_inner();
        let listed = worker.registers.list_tests(tests(after(&cleared))).await;
        let listed = listed.expect("lists").into_inner();
        assert_eq!((listed.total, listed.tests.len()), (1, 1));
        let line = &listed.tests[0];
        assert_eq!((line.case.as_str(), line.test, line.on.clone()), (CASE, 1, today()));
        assert_eq!(line.standing(), v1::TestStanding::ConfirmedNegative);
        assert_eq!(
            (line.notice(), line.kind(), line.site()),
            (
                v1::NoticeMode::NoticeByHand,
                v1::SampleKind::SampleUrine,
                v1::SampleSite::AtStation
            )
        );
        assert_eq!(line.collectors, ["medical-1", "worker-1"]);
        let results: Vec<_> = line
            .results
            .iter()
            .map(|result| (result.stage(), result.outcome()))
            .collect();
        assert_eq!(
            results,
            [
                (field, v1::TestOutcome::TestPositive),
                (laboratory, v1::TestOutcome::TestNegative)
            ]
        );
        assert_eq!((line.met.len(), line.positions.len()), (1, 4));
        let positives = |read| v1::ListTestsRequest {
            positive: true,
            ..tests(read)
        };
        let then = worker.registers.list_tests(positives(as_of(presumed.position))).await;
        let then = then.expect("lists").into_inner();
        assert_eq!(then.tests[0].standing(), v1::TestStanding::PresumptivePositive);
        let now = worker.registers.list_tests(positives(after(&cleared))).await;
        assert_eq!(now.expect("lists").into_inner().total, 0, "the laboratory cleared it");
        let others = v1::ListTestsRequest {
            station: "station-elsewhere".into(),
            ..tests(None)
        };
        check(worker.registers.list_tests(others).await, ("PERMISSION_DENIED", None));
    });
}

#[test]
fn pages_go_on_where_the_last_one_ended_and_stay_in_their_moment() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let mut worker = server.clients("worker-1", "CASE_WORKER").await;
        worker.active_case("c1", &ago(20)).await.expect("is active");
        worker.active_case("c2", &ago(20)).await.expect("is active");
        for (case, days) in [("c1", 2), ("c2", 1), ("c1", 1)] {
            let met = worker.cases.record_check_in(check_in(case, &ago(days))).await;
            met.expect("is recorded");
        }
        let talk = v1::RecordTalkRequest {
            name: CASE.into(),
            on: today(),
            topics: vec![v1::TalkTopic::Work.into()],
            ..Default::default()
        };
        let talked = worker.cases.record_talk(talk).await.expect("is recorded").into_inner();
        let page = |token: &str, read| v1::ListContactsRequest {
            station: STATION.into(),
            page_size: 2,
            page_token: token.into(),
            read,
            ..Default::default()
        };
        let first = worker.registers.list_contacts(page("", after(&talked))).await;
        let first = first.expect("lists").into_inner();
        let name = |line: &v1::ContactLine| line.name.split("/events").next().unwrap_or_default().to_owned();
        let names: Vec<_> = first.contacts.iter().map(name).collect();
        assert_eq!(
            (names, first.total),
            (vec![CASE.to_owned(), CASE.to_owned()], 4),
            "by day, then by case"
        );
        // What comes meanwhile is not of this list.
        worker
            .cases
            .record_check_in(check_in("c2", &today()))
            .await
            .expect("is recorded");
        let second = worker.registers.list_contacts(page(&first.next_page_token, None)).await;
        let second = second.expect("lists").into_inner();
        let kinds: Vec<_> = second.contacts.iter().map(|line| (name(line), line.kind())).collect();
        assert_eq!(
            kinds,
            [
                ("cases/c2".to_owned(), v1::ContactKind::CheckIn),
                (CASE.to_owned(), v1::ContactKind::Talk)
            ]
        );
        assert_eq!((second.next_page_token.as_str(), second.position), ("", first.position));
        let of_another = v1::ListContactsRequest {
            kind: v1::ContactKind::Talk.into(),
            ..page(&first.next_page_token, None)
        };
        check(
            worker.registers.list_contacts(of_another).await,
            ("PAGE_TOKEN_MISMATCH", Some("page_token")),
        );
        let one = v1::ListContactsRequest {
            case: "cases/c2".into(),
            to: ago(1),
            ..page("", None)
        };
        assert_eq!(
            worker
                .registers
                .list_contacts(one)
                .await
                .expect("lists")
                .into_inner()
                .total,
            1
        );
    });
}

#[test]
fn leave_says_who_is_out_and_what_counts_reaches_the_board_of_counters_and_the_register_of_referrals() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let mut worker = server.clients("worker-1", "CASE_WORKER").await;
        let mut leader = server.clients("leader-1", "SUPERVISOR").await;
        worker.active_case("c1", &ago(60)).await.expect("is active");
        worker.active_case("c2", &ago(60)).await.expect("is active");
        let report = v1::FileAbsenceReportRequest {
            name: "cases/c2".into(),
            reported_on: ago(5),
            from: ago(4),
            to: ago(2),
            destination: "520181".into(),
            ..Default::default()
        };
        worker
            .compliance
            .file_absence_report(report)
            .await
            .expect("is reported");
        worker
            .compliance
            .allege_absence(allege(40, 14))
            .await
            .expect("is alleged");
        let counted = leader.compliance.confirm_absence(confirm_absence(1)).await;
        let counted = counted.expect("counts").into_inner();
        let absences = |out, read| v1::ListAbsencesRequest {
            station: STATION.into(),
            out,
            read,
            ..Default::default()
        };
        let all = worker.registers.list_absences(absences(false, after(&counted))).await;
        let all = all.expect("lists").into_inner();
        let shown: Vec<_> = all
            .absences
            .iter()
            .map(|line| {
                (
                    line.case.as_str(),
                    line.standing(),
                    line.out,
                    line.overdue_days,
                    line.days,
                )
            })
            .collect();
        assert_eq!(
            shown,
            [
                (CASE, v1::AbsenceStanding::Counted, false, 0, 27),
                ("cases/c2", v1::AbsenceStanding::Reported, true, 2, 5)
            ]
        );
        assert_eq!((all.days, all.total), (32, 2));
        let out = worker.registers.list_absences(absences(true, None)).await;
        assert_eq!(out.expect("lists").into_inner().total, 1);
        let counters = |near| v1::ListCountersRequest {
            station: STATION.into(),
            near,
            ..Default::default()
        };
        let near = worker
            .registers
            .list_counters(counters(true))
            .await
            .expect("lists")
            .into_inner();
        let shown: Vec<_> = near
            .counters
            .iter()
            .map(|line| (line.ground(), line.count, line.threshold, line.reached))
            .collect();
        assert_eq!(shown, [(v1::BreachGround::AbsenceDays, 27, 30, false)]);
        assert!(near.counters[0].legal_source.contains("戒毒条例"), "{near:?}");
        // Five days more, and it is a serious breach.
        worker
            .compliance
            .allege_absence(allege(12, 8))
            .await
            .expect("is alleged");
        leader
            .compliance
            .confirm_absence(confirm_absence(2))
            .await
            .expect("counts");
        let confirm = waystation_tests::compliance::breach(v1::BreachGround::AbsenceDays);
        let confirmed = leader.compliance.confirm_serious_breach(confirm).await;
        let confirmed = confirmed.expect("is confirmed").into_inner();
        let breaches = |standing: v1::BreachStanding, read| v1::ListBreachesRequest {
            station: STATION.into(),
            standing: standing.into(),
            read,
            ..Default::default()
        };
        let open = leader
            .registers
            .list_breaches(breaches(v1::BreachStanding::ToReport, after(&confirmed)))
            .await;
        let open = open.expect("lists").into_inner();
        let line = &open.breaches[0];
        assert_eq!(
            (
                line.ground(),
                line.count,
                line.evidence.as_slice(),
                line.confirmed_by.as_str()
            ),
            (v1::ReferralGround::AbsenceDays, 32, [1, 2].as_slice(), "leader-1")
        );
        let refer = v1::ReferToPoliceRequest {
            name: CASE.into(),
            on: today(),
            document_no: "回执-1".into(),
            ..Default::default()
        };
        let told = leader
            .compliance
            .refer_to_police(refer)
            .await
            .expect("is told")
            .into_inner();
        let waiting = breaches(v1::BreachStanding::AwaitingPolice, after(&told));
        let waiting = leader
            .registers
            .list_breaches(waiting)
            .await
            .expect("lists")
            .into_inner();
        assert_eq!((waiting.total, waiting.breaches[0].referred_on.clone()), (1, today()));
        let none = breaches(v1::BreachStanding::ToReport, None);
        assert_eq!(
            leader
                .registers
                .list_breaches(none)
                .await
                .expect("lists")
                .into_inner()
                .total,
            0
        );
    });
}

#[test]
fn the_board_of_risk_shows_what_holds_and_what_has_moved() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let mut worker = server.clients("worker-1", "CASE_WORKER").await;
        let mut leader = server.clients("leader-1", "SUPERVISOR").await;
        worker.active_case("c1", &ago(20)).await.expect("is active");
        worker.active_case("c2", &ago(20)).await.expect("is active");
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
        let board = |undecided, moved_since: &str, read| v1::ListRisksRequest {
            station: STATION.into(),
            undecided,
            moved_since: moved_since.into(),
            read,
            ..Default::default()
        };
        let open = worker.registers.list_risks(board(true, "", after(&scored))).await;
        let open = open.expect("lists").into_inner();
        let line = &open.risks[0];
        assert_eq!(
            (open.total, line.class(), line.proposed()),
            (1, v1::RiskClass::Unspecified, v1::RiskClass::RiskLow)
        );
        assert_eq!(line.parts.len(), 5);
        let decide = v1::ConfirmRiskClassRequest {
            name: CASE.into(),
            class: v1::RiskClass::RiskHigh.into(),
            reason: "家庭变故".into(),
            ..Default::default()
        };
        let decided = leader
            .compliance
            .confirm_risk_class(decide)
            .await
            .expect("is decided")
            .into_inner();
        let undecided = worker.registers.list_risks(board(true, "", after(&decided))).await;
        assert_eq!(undecided.expect("lists").into_inner().total, 0);
        let moved = worker
            .registers
            .list_risks(board(false, &ago(1), None))
            .await
            .expect("lists")
            .into_inner();
        let line = &moved.risks[0];
        assert_eq!(
            (
                line.class(),
                line.former_class(),
                line.overridden,
                line.decided_by.as_str()
            ),
            (v1::RiskClass::RiskHigh, v1::RiskClass::Unspecified, true, "leader-1")
        );
        let still = worker.registers.list_risks(board(false, &today(), None)).await;
        assert_eq!(
            still.expect("lists").into_inner().total,
            0,
            "it has held since the day began"
        );
    });
}

#[test]
fn what_no_register_knows_is_named() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let mut worker = server.clients("worker-1", "CASE_WORKER").await;
        let wrong = |field: &'static str| ("FIELD_INVALID", Some(field));
        let asked = tests(None);
        let station = v1::ListTestsRequest {
            station: "青龙山".into(),
            ..asked.clone()
        };
        check(worker.registers.list_tests(station).await, wrong("station"));
        let case = v1::ListTestsRequest {
            case: "c1".into(),
            ..asked.clone()
        };
        check(worker.registers.list_tests(case).await, wrong("case"));
        let standing = v1::ListTestsRequest {
            standing: 99,
            ..asked.clone()
        };
        check(worker.registers.list_tests(standing).await, wrong("standing"));
        let backwards = v1::ListTestsRequest {
            from: today(),
            to: ago(1),
            ..asked.clone()
        };
        check(worker.registers.list_tests(backwards).await, wrong("to"));
        let size = v1::ListTestsRequest {
            page_size: -1,
            ..asked.clone()
        };
        check(worker.registers.list_tests(size).await, wrong("page_size"));
        let day = v1::ListRisksRequest {
            station: STATION.into(),
            moved_since: "2026-02-30".into(),
            ..Default::default()
        };
        check(worker.registers.list_risks(day).await, wrong("moved_since"));
        let kind = v1::ListContactsRequest {
            station: STATION.into(),
            kind: -1,
            ..Default::default()
        };
        check(worker.registers.list_contacts(kind).await, wrong("kind"));
        let none = v1::ListTestsRequest {
            case: "cases/nobody".into(),
            ..asked
        };
        assert_eq!(
            worker
                .registers
                .list_tests(none)
                .await
                .expect("lists")
                .into_inner()
                .total,
            0
        );
    });
}
