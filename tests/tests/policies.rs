//! A station sets rules for itself: drafted by one, reviewed by another, published; and every figure says where it comes from.

use waystation_api::v1;
use waystation_storage::testing::on_both;
use waystation_tests::compliance::{ago, check};
use waystation_tests::{Clients, STATION, Server, after, as_of, today};

const KEY: &str = "points.award.check_in";
const PACK: &str = "qinglongshan/points-1";

fn name() -> String {
    format!("policies/{STATION}")
}

fn draft(key: &str, value: &str, from: String) -> v1::DraftPolicyPackRequest {
    v1::DraftPolicyPackRequest {
        name: name(),
        pack: PACK.into(),
        valid_from: from,
        values: vec![v1::PackValue {
            key: key.into(),
            value: value.into(),
            source: "站务会议纪要".into(),
            certainty: "A".into(),
        }],
        ..Default::default()
    }
}

fn review(approved: bool) -> v1::ReviewPolicyPackRequest {
    v1::ReviewPolicyPackRequest {
        name: name(),
        pack: PACK.into(),
        approved,
        ..Default::default()
    }
}

fn publish() -> v1::PublishPolicyPackRequest {
    v1::PublishPolicyPackRequest {
        name: name(),
        pack: PACK.into(),
        ..Default::default()
    }
}

async fn value(clients: &mut Clients, read: Option<v1::ReadOptions>) -> (String, String, String) {
    let list = v1::ListPolicyValuesRequest {
        station: STATION.into(),
        on: today(),
        read,
    };
    let listed = clients
        .policies
        .list_policy_values(list)
        .await
        .expect("lists")
        .into_inner();
    let found = listed
        .values
        .into_iter()
        .find(|value| value.key == KEY)
        .expect("has it");
    (found.value, found.pack, found.source)
}

#[test]
fn what_two_agreed_on_and_one_published_is_decided_by_and_explained() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let channel = server.connect().await;
        let mut worker = server.clients("worker-1", "CASE_WORKER").await;
        let mut leader = server.clients("leader-1", "SUPERVISOR").await;
        let mut officer = Clients::at(&channel, "officer-1", "DISTRICT_OFFICER", "district");
        let before = leader.policies.draft_policy_pack(draft(KEY, "7", today())).await;
        let before = before.expect("is drafted").into_inner();
        check(
            leader.policies.draft_policy_pack(draft(KEY, "7", today())).await,
            ("PACK_EXISTS", Some("pack")),
        );
        check(
            leader.policies.publish_policy_pack(publish()).await,
            ("PACK_DOES_NOT_FIT", Some("pack")),
        );
        check(
            leader.policies.review_policy_pack(review(true)).await,
            ("SAME_PERSON_FORBIDDEN", Some("pack")),
        );
        officer.policies.review_policy_pack(review(true)).await.expect("agrees");
        let published = leader.policies.publish_policy_pack(publish()).await;
        let published = published.expect("is published").into_inner();
        let now = value(&mut worker, after(&published)).await;
        assert_eq!(now, ("7".into(), PACK.into(), "站务会议纪要".into()));
        let then = value(&mut worker, as_of(before.position)).await;
        assert_eq!(then.0, "3", "nobody had published it");

        // What is decided from now on is decided by it.
        worker.active_case("c1", &ago(2)).await.expect("is active");
        let check_in = v1::RecordCheckInRequest {
            name: "cases/c1".into(),
            on: today(),
            mode: v1::CheckInMode::InPerson.into(),
            ..Default::default()
        };
        let met = worker
            .cases
            .record_check_in(check_in)
            .await
            .expect("is recorded")
            .into_inner();
        let list = v1::ListAuditEntriesRequest {
            by: Some(v1::list_audit_entries_request::By::Record("cases/c1".into())),
            page_size: 1000,
            read: after(&met),
            ..Default::default()
        };
        let entries = worker.audit.list_audit_entries(list).await.expect("lists").into_inner();
        let mut entries = entries.entries.into_iter();
        let basis = entries.find(|entry| entry.event_type.starts_with("case.check_in"));
        let basis = basis.expect("is there").name;
        let get = v1::GetCaseRequest {
            name: "cases/c1".into(),
            reveal: false,
            read: after(&met),
        };
        let person = worker.cases.get_case(get).await.expect("is there").into_inner();
        let account = format!("pointsAccounts/{}", person.case.expect("is there").person);
        let award = v1::AwardPointsRequest {
            name: account.clone(),
            rule: "check_in".into(),
            basis,
            ..Default::default()
        };
        let awarded = worker
            .points
            .award_points(award)
            .await
            .expect("is awarded")
            .into_inner();
        let get = v1::GetPointsAccountRequest {
            name: account,
            read: after(&awarded),
        };
        let points = worker
            .points
            .get_points_account(get)
            .await
            .expect("is there")
            .into_inner();
        assert_eq!(points.account.expect("is there").balance, 7);
    });
}

#[test]
fn a_station_changes_no_statute_and_says_when_it_means_the_past() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let mut worker = server.clients("worker-1", "CASE_WORKER").await;
        let mut leader = server.clients("leader-1", "SUPERVISOR").await;
        check(
            leader
                .policies
                .draft_policy_pack(draft("breach.serious.test_refusals_gte", "5", today()))
                .await,
            ("NOT_OVERRIDABLE", Some("values")),
        );
        check(
            leader
                .policies
                .draft_policy_pack(draft("no.such.key", "5", today()))
                .await,
            ("FIELD_INVALID", Some("values")),
        );
        check(
            leader.policies.draft_policy_pack(draft(KEY, "5", ago(1))).await,
            ("RETROACTIVE", Some("valid_from")),
        );
        check(
            leader.policies.publish_policy_pack(publish()).await,
            ("PACK_NOT_FOUND", Some("pack")),
        );
        let refused = worker.policies.draft_policy_pack(draft(KEY, "5", today())).await;
        assert_eq!(
            refused.expect_err("is no case worker's").code(),
            tonic::Code::PermissionDenied
        );
    });
}

#[test]
fn what_a_district_sets_binds_the_stations_that_belong_to_it_and_a_station_may_say_otherwise() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let channel = server.connect().await;
        let mut leader = server.clients("leader-1", "SUPERVISOR").await;
        let mut officer = Clients::at(&channel, "officer-1", "DISTRICT_OFFICER", "guanshanhu");
        let mut second = Clients::at(&channel, "officer-2", "DISTRICT_OFFICER", "guanshanhu");
        let mut other = Clients::at(&channel, "officer-3", "DISTRICT_OFFICER", "baiyun");
        let register = |unit: &str, kind: v1::OrgUnitKind, parent: &str| v1::RegisterOrgUnitRequest {
            name: format!("orgUnits/{unit}"),
            kind: kind.into(),
            parent: parent.into(),
            from: ago(400),
            ..Default::default()
        };
        let station = register(STATION, v1::OrgUnitKind::UnitStation, "guanshanhu");
        let district = register("guanshanhu", v1::OrgUnitKind::UnitDistrict, "");
        officer.org.register_org_unit(district).await.expect("is registered");
        check(
            other.org.register_org_unit(station.clone()).await,
            ("STATION_OUT_OF_SCOPE", None),
        );
        officer.org.register_org_unit(station).await.expect("is registered");
        let of_district = |value: &str| v1::DraftPolicyPackRequest {
            name: "policies/guanshanhu".into(),
            pack: "guanshanhu/points-1".into(),
            ..draft(KEY, value, today())
        };
        check(
            other.policies.draft_policy_pack(of_district("5")).await,
            ("STATION_OUT_OF_SCOPE", None),
        );
        check(
            leader.policies.draft_policy_pack(of_district("5")).await,
            ("STATION_OUT_OF_SCOPE", None),
        );
        let statute = v1::DraftPolicyPackRequest {
            values: vec![v1::PackValue {
                key: "report_in.days.CD".into(),
                value: "30".into(),
                source: "区禁毒办通知".into(),
                certainty: "A".into(),
            }],
            ..of_district("5")
        };
        check(
            officer.policies.draft_policy_pack(statute).await,
            ("NOT_OVERRIDABLE", Some("values")),
        );
        officer
            .policies
            .draft_policy_pack(of_district("5"))
            .await
            .expect("is drafted");
        let review_own = review(true);
        let review = v1::ReviewPolicyPackRequest {
            name: "policies/guanshanhu".into(),
            pack: "guanshanhu/points-1".into(),
            approved: true,
            ..Default::default()
        };
        check(
            officer.policies.review_policy_pack(review.clone()).await,
            ("SAME_PERSON_FORBIDDEN", Some("pack")),
        );
        second.policies.review_policy_pack(review).await.expect("agrees");
        let publish_district = v1::PublishPolicyPackRequest {
            name: "policies/guanshanhu".into(),
            pack: "guanshanhu/points-1".into(),
            ..Default::default()
        };
        let before = value(&mut leader, None).await;
        assert_eq!(before.0, "3");
        let published = officer.policies.publish_policy_pack(publish_district).await;
        let published = published.expect("is published").into_inner();
        let bound = value(&mut leader, after(&published)).await;
        assert_eq!((bound.0.as_str(), bound.1.as_str()), ("5", "guanshanhu/points-1"));
        // Another station does not belong to it.
        let list = v1::ListPolicyValuesRequest {
            station: "station-elsewhere".into(),
            on: today(),
            read: after(&published),
        };
        let mut elsewhere = Clients::at(&channel, "leader-9", "SUPERVISOR", "station-elsewhere");
        let listed = elsewhere
            .policies
            .list_policy_values(list)
            .await
            .expect("lists")
            .into_inner();
        let found = listed
            .values
            .into_iter()
            .find(|value| value.key == KEY)
            .expect("has it");
        assert_eq!(found.value, "3");
        // The station fills in what is its own.
        leader
            .policies
            .draft_policy_pack(draft(KEY, "7", today()))
            .await
            .expect("is drafted");
        officer.policies.review_policy_pack(review_own).await.expect("agrees");
        let own = leader.policies.publish_policy_pack(publish()).await;
        let own = own.expect("is published").into_inner();
        assert_eq!(value(&mut leader, after(&own)).await.0, "7");
    });
}
