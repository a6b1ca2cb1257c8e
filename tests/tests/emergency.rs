//! Emergencies: announced, short, few, masked where it matters, never behind a seal, and reviewed by somebody else.

use tonic::{Code, Request};
use waystation_api::v1;
use waystation_storage::testing::on_both;
use waystation_tests::people::{ID, decide, get, propose, reason, registration, text};
use waystation_tests::{Clients, STATION, Server, after, json, run};

const ELSEWHERE: &str = "station-elsewhere";

fn breaking(person: &str) -> v1::BreakGlassRequest {
    v1::BreakGlassRequest {
        name: format!("people/{person}"),
        emergency: v1::EmergencyKind::Medical.into(),
        reason: "在街上昏迷，急救人员需要家属的电话".into(),
        ..Default::default()
    }
}

fn because_of_it<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    let purpose = "BREAK_GLASS".parse().expect("is text");
    request.metadata_mut().insert("waystation-purpose", purpose);
    request
}

#[test]
fn an_emergency_opens_one_record_for_one_person_and_somebody_else_reviews_it() {
    // T-26
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let channel = server.connect().await;
        let mut here = Clients::over(&channel, "worker-1", "CASE_WORKER");
        let registered = here.people.register_person(registration("p-1", ID)).await;
        let registered = registered.expect("is registered").into_inner();
        let there = |who: &str| Clients::at(&channel, who, "CASE_WORKER", ELSEWHERE);
        let (mut helper, mut other) = (there("worker-7"), there("worker-8"));
        let read = || v1::GetPersonRequest {
            read: after(&registered),
            ..get("p-1", true)
        };
        // Saying so alone opens nothing.
        let no = helper.people.get_person(because_of_it(read())).await;
        assert_eq!(no.expect_err("is refused").code(), Code::PermissionDenied);
        let short = v1::BreakGlassRequest {
            reason: "急".into(),
            ..breaking("p-1")
        };
        let short = helper.people.break_glass(short).await.expect_err("is refused");
        assert_eq!(
            (short.code(), reason(&short).as_str()),
            (Code::InvalidArgument, "FIELD_INVALID")
        );
        let broken = helper.people.break_glass(breaking("p-1")).await.expect("is announced");
        let broken = broken.into_inner();

        let answer = helper.people.get_person(because_of_it(read())).await;
        let answer = answer.expect("is read").into_inner();
        assert_eq!(text(&answer.phone), ("13800138000", v1::FieldState::Open));
        assert_eq!(text(&answer.id_number).1, v1::FieldState::Masked);
        // Only with that purpose, only they, only this.
        for no in [
            helper.people.get_person(read()).await,
            other.people.get_person(because_of_it(read())).await,
        ] {
            assert_eq!(no.expect_err("is refused").code(), Code::PermissionDenied);
        }
        let named = v1::ListAccessRequest {
            name: "people/p-1".into(),
            ..Default::default()
        };
        let mut inspector = Clients::over(&channel, "inspector-1", "INSPECTOR");
        let records = inspector
            .people
            .list_access(named)
            .await
            .expect("lists")
            .into_inner()
            .records;
        let flagged: Vec<&str> = records
            .iter()
            .filter(|record| record.purpose == "BREAK_GLASS")
            .map(|record| record.principal.as_str())
            .collect();
        assert_eq!(flagged, ["worker-7"]);

        // Whoever reviews sees it as soon as it is durable, and reviews it once.
        let list = |station: &str| v1::ListEmergenciesRequest {
            station: station.into(),
            read: after(&broken),
            ..Default::default()
        };
        let mut leader = Clients::over(&channel, "leader-1", "SUPERVISOR");
        let waiting = leader
            .people
            .list_emergencies(list(STATION))
            .await
            .expect("lists")
            .into_inner();
        assert_eq!(waiting.emergencies.len(), 1);
        let waits = &waiting.emergencies[0];
        assert_eq!(
            (waits.by.as_str(), waits.by_station.as_str(), waits.overdue),
            ("worker-7", ELSEWHERE, false)
        );
        let mut district = Clients::over(&channel, "district-1", "DISTRICT_OFFICER");
        let early = district
            .people
            .list_emergencies(list(""))
            .await
            .expect("lists")
            .into_inner();
        assert!(early.emergencies.is_empty(), "it is the district's after a day");
        let all = leader.people.list_emergencies(list("")).await;
        assert_eq!(all.expect_err("is refused").code(), Code::PermissionDenied);
        let review = v1::ReviewGlassRequest {
            name: "people/p-1".into(),
            glass: waits.glass,
            justified: true,
            ..Default::default()
        };
        leader.people.review_glass(review.clone()).await.expect("is reviewed");
        let again = leader.people.review_glass(review).await.expect_err("is refused");
        assert_eq!(reason(&again), "GLASS_NOT_FOUND");

        // Three a day.
        for _ in 0..2 {
            helper.people.break_glass(breaking("p-1")).await.expect("is announced");
        }
        let fourth = helper
            .people
            .break_glass(breaking("p-1"))
            .await
            .expect_err("is refused");
        assert_eq!(reason(&fourth), "GLASS_LIMIT");

        // What two people sealed stays shut, also for what was announced before.
        leader
            .people
            .propose_act(propose("p-1", v1::Act::Seal))
            .await
            .expect("is proposed");
        let mut privacy = Clients::over(&channel, "privacy-1", "PRIVACY_OFFICER");
        privacy.people.decide_act(decide("p-1", 1)).await.expect("is decided");
        let no = helper.people.get_person(because_of_it(read())).await;
        assert_eq!(no.expect_err("is refused").code(), Code::PermissionDenied);
        let no = other.people.break_glass(breaking("p-1")).await.expect_err("is refused");
        assert_eq!(reason(&no), "PERSON_SEALED");

        drop(server);
        let verified = run(&["verify", "--database", &database.url, "--json"]);
        assert!(verified.status.success(), "{}", json(&verified));
    });
}
