//! What an inspection looks for, asked over gRPC: as of a moment, by who may, and with what it rests on.

use tonic::Code;
use waystation_api::v1;
use waystation_storage::testing::on_both;
use waystation_tests::compliance::{CASE, ago};
use waystation_tests::{Clients, STATION, Server, account, after, as_of, run, today};

fn check_in(case: &str, on: String, evidence: &str) -> v1::RecordCheckInRequest {
    v1::RecordCheckInRequest {
        name: case.into(),
        on,
        mode: v1::CheckInMode::InPerson.into(),
        late_reason: "OFFLINE".into(),
        evidence: vec![evidence.into()],
        ..Default::default()
    }
}

fn look(check: v1::Check, read: Option<v1::ReadOptions>) -> v1::ListFindingsRequest {
    v1::ListFindingsRequest {
        station: STATION.into(),
        check: check.into(),
        read,
        ..Default::default()
    }
}

async fn found(clients: &mut Clients, check: v1::Check, read: Option<v1::ReadOptions>) -> v1::ListFindingsResponse {
    let answer = clients.inspection.list_findings(look(check, read)).await;
    answer.expect("is allowed").into_inner()
}

#[test]
fn findings_name_who_when_and_the_events_and_are_the_same_as_of_then() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let mut worker = server.clients("worker-1", "CASE_WORKER").await;
        let mut inspector = server.clients("inspector-1", "INSPECTOR").await;
        for case in ["c1", "c2"] {
            worker.active_case(case, &ago(20)).await.expect("is active");
        }
        let photo = "ab".repeat(32);
        let before = worker.cases.record_check_in(check_in(CASE, ago(1), &photo)).await;
        let before = before.expect("is recorded").into_inner().position;
        let used = check_in("cases/c2", ago(9), &photo);
        let last = worker
            .cases
            .record_check_in(used)
            .await
            .expect("is recorded")
            .into_inner();
        let now = after(&last);
        let late = found(&mut inspector, v1::Check::RecordedLate, now).await;
        let check_ins: Vec<_> = late
            .findings
            .iter()
            .filter(|one| one.detail == "case.check_in_recorded.v1")
            .collect();
        assert_eq!(check_ins.len(), 1, "{late:?}");
        assert_eq!(
            (
                check_ins[0].case.as_str(),
                check_ins[0].staff.as_str(),
                check_ins[0].days
            ),
            ("cases/c2", "worker-1", 9)
        );
        assert_eq!(late.cases, 2);
        let twice = found(&mut inspector, v1::Check::ReusedEvidence, now).await;
        assert_eq!((twice.total, twice.findings[0].positions.len()), (1, 2));
        assert_eq!(twice.findings[0].detail, photo);
        // Before the second one was recorded, nothing was there to be found.
        let at = as_of(before);
        let then = found(&mut inspector, v1::Check::ReusedEvidence, at).await;
        assert_eq!((then.total, then.position), (0, before));

        let wrong = v1::ListFindingsRequest {
            from: today(),
            to: ago(1),
            ..look(v1::Check::RecordedLate, None)
        };
        let refused = inspector.inspection.list_findings(wrong).await.expect_err("is no span");
        assert_eq!(refused.code(), Code::InvalidArgument);
        let none = inspector
            .inspection
            .list_findings(look(v1::Check::Unspecified, None))
            .await;
        assert_eq!(none.expect_err("is no check").code(), Code::InvalidArgument);
    });
}

#[test]
fn a_reading_before_the_conflict_was_declared_is_found_and_by_who_may_know() {
    on_both(|database| async move {
        assert!(run(&["migrate", "--database", &database.url]).status.success());
        account(&database.url, "worker-2", "CASE_WORKER");
        let server = Server::start(&database.url);
        let mut worker = server.clients("worker-1", "CASE_WORKER").await;
        let mut close = server.clients("worker-2", "CASE_WORKER").await;
        let mut leader = server.clients("leader-1", "SUPERVISOR").await;
        let active = worker.active_case("c1", &ago(20)).await.expect("is active");
        let get = v1::GetCaseRequest {
            name: CASE.into(),
            reveal: false,
            read: after(&active),
        };
        let case = close.cases.get_case(get).await.expect("is not known yet").into_inner();
        let person = case.case.expect("is there").person;
        let declare = v1::DeclareConflictRequest {
            name: format!("people/{person}"),
            account: "accounts/worker-2".into(),
            ..Default::default()
        };
        assert_eq!(found(&mut leader, v1::Check::ReadInConflict, None).await.total, 0);
        let declared = leader
            .people
            .declare_conflict(declare)
            .await
            .expect("is declared")
            .into_inner();
        let read = found(&mut leader, v1::Check::ReadInConflict, after(&declared)).await;
        assert_eq!((read.total, read.findings[0].staff.as_str()), (1, "worker-2"));
        assert_eq!(read.findings[0].detail, "CaseService/GetCase");
        let refused = worker
            .inspection
            .list_findings(look(v1::Check::ReadInConflict, None))
            .await;
        assert_eq!(refused.expect_err("is not theirs").code(), Code::PermissionDenied);
        // Who is too close finds nothing about the record at all.
        let nothing = found(&mut close, v1::Check::RecordedLate, None).await;
        assert_eq!((nothing.total, nothing.cases), (0, 0));
    });
}

#[test]
fn points_for_what_was_voided_are_found_until_they_are_taken_back() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let mut worker = server.clients("worker-1", "CASE_WORKER").await;
        let mut leader = server.clients("leader-1", "SUPERVISOR").await;
        worker.active_case("c1", &ago(20)).await.expect("is active");
        let check = worker
            .cases
            .record_check_in(check_in(CASE, today(), &"cd".repeat(32)))
            .await;
        let revision = check.expect("is recorded").into_inner();
        // The check-in comes first, what it fulfils after it.
        let list = v1::ListAuditEntriesRequest {
            by: Some(v1::list_audit_entries_request::By::Record(CASE.into())),
            page_size: 1000,
            read: after(&revision),
            ..Default::default()
        };
        let entries = worker.audit.list_audit_entries(list).await.expect("lists").into_inner();
        let mut entries = entries.entries.into_iter();
        let event = entries.find(|entry| entry.event_type.starts_with("case.check_in"));
        let event = event.expect("is there").name;
        let person = {
            let get = v1::GetCaseRequest {
                name: CASE.into(),
                reveal: false,
                read: after(&revision),
            };
            let case = worker.cases.get_case(get).await.expect("is there").into_inner();
            case.case.expect("is there").person
        };
        let award = v1::AwardPointsRequest {
            name: format!("pointsAccounts/{person}"),
            rule: "check_in".into(),
            basis: event.clone(),
            ..Default::default()
        };
        let awarded = worker
            .points
            .award_points(award)
            .await
            .expect("is awarded")
            .into_inner();
        assert_eq!(
            found(&mut leader, v1::Check::AwardWithoutBasis, after(&awarded))
                .await
                .total,
            0
        );
        let void = v1::VoidContactRequest {
            name: CASE.into(),
            event,
            reason: "录错人".into(),
            ..Default::default()
        };
        let void = leader.cases.void_contact(void).await.expect("is void").into_inner();
        let void = found(&mut leader, v1::Check::AwardWithoutBasis, after(&void)).await;
        assert_eq!((void.total, void.findings[0].detail.as_str()), (1, "BASIS_VOID 3"));
        let reverse = v1::ReverseAwardRequest {
            name: format!("pointsAccounts/{person}"),
            award: 1,
            on: today(),
            reason: "依据作废".into(),
            ..Default::default()
        };
        let reversed = leader
            .points
            .reverse_award(reverse)
            .await
            .expect("is reversed")
            .into_inner();
        assert_eq!(
            found(&mut leader, v1::Check::AwardWithoutBasis, after(&reversed))
                .await
                .total,
            0
        );
    });
}

#[test]
fn a_sample_is_drawn_again_by_its_seed_and_roles_are_those_of_the_day() {
    on_both(|database| async move {
        assert!(run(&["migrate", "--database", &database.url]).status.success());
        account(&database.url, "leader-7", "SUPERVISOR");
        let server = Server::start(&database.url);
        let mut worker = server.clients("worker-1", "CASE_WORKER").await;
        let mut inspector = server.clients("inspector-1", "INSPECTOR").await;
        let mut last = None;
        for number in 1..=6 {
            last = Some(
                worker
                    .active_case(&format!("c{number}"), &ago(20))
                    .await
                    .expect("is active"),
            );
        }
        let order = waystation_tests::order("c7", &ago(20));
        let last = last.expect("there are some");
        let registered = worker
            .cases
            .register_order(order)
            .await
            .expect("is registered")
            .into_inner();
        let sample = |seed: &str, read| v1::DrawSampleRequest {
            station: STATION.into(),
            size: 3,
            seed: seed.into(),
            read,
        };
        let draw = inspector
            .inspection
            .draw_sample(sample("2026", after(&registered)))
            .await;
        let draw = draw.expect("is drawn").into_inner();
        assert_eq!((draw.sample.len(), draw.from, draw.excluded.len()), (3, 6, 1));
        assert_eq!(draw.excluded[0].stage(), v1::Stage::Ordered);
        let again = inspector
            .inspection
            .draw_sample(sample("2026", as_of(last.position)))
            .await;
        assert_eq!(again.expect("is drawn").into_inner().sample, draw.sample);
        let none = v1::DrawSampleRequest {
            size: 0,
            ..sample("", None)
        };
        let refused = inspector.inspection.draw_sample(none).await.expect_err("is none");
        assert_eq!(refused.code(), Code::InvalidArgument);

        let roles = |on: String| v1::ListRolesRequest {
            station: STATION.into(),
            on,
            read: None,
        };
        let held = inspector
            .inspection
            .list_roles(roles(today()))
            .await
            .expect("lists")
            .into_inner();
        let held: Vec<_> = held
            .roles
            .iter()
            .map(|one| (one.account.as_str(), one.role.as_str()))
            .collect();
        assert_eq!(held, [("accounts/leader-7", "SUPERVISOR")]);
        let before = inspector
            .inspection
            .list_roles(roles(ago(1)))
            .await
            .expect("lists")
            .into_inner();
        assert!(before.roles.is_empty());
    });
}
