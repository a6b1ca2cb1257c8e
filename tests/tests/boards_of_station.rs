//! What a station looks at: who is away, how near anybody is to a breach, what waits for the police, which class of risk holds, and
//! what was owed and met in a programme year.

use waystation_api::v1;
use waystation_storage::testing::on_both;
use waystation_tests::compliance::{CASE, ago, allege, confirm_absence};
use waystation_tests::{STATION, Server, after, check_in, today};

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
fn a_programme_year_counts_what_was_owed_and_met() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let mut worker = server.clients("worker-1", "CASE_WORKER").await;
        worker.active_case("c1", &today()).await.expect("is active");
        let met = worker.cases.record_check_in(check_in("c1", &today())).await;
        let met = met.expect("is recorded").into_inner();
        let years = |kind: v1::ObligationKind, behind| v1::ListProgrammeYearsRequest {
            station: STATION.into(),
            case: CASE.into(),
            kind: kind.into(),
            behind,
            read: after(&met),
            ..Default::default()
        };
        let meeting = v1::ObligationKind::MonthlyMeeting;
        let listed = worker.registers.list_programme_years(years(meeting, false)).await;
        let listed = listed.expect("lists").into_inner();
        let line = &listed.years[0];
        assert_eq!((line.year, line.kind(), line.met, line.past_due), (1, meeting, 1, 0));
        assert_eq!(line.owed, line.met + line.open, "this month's, and the next one's");
        assert!(line.sources[0].contains(' '), "pack and key: {line:?}");
        let behind = worker.registers.list_programme_years(years(meeting, true)).await;
        assert_eq!(behind.expect("lists").into_inner().total, 0);
    });
}
