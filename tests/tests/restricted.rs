//! A restricted record (个人信息保护法 47) is kept and no more, and points are a matter of the person's own station.

use tonic::Code;
use waystation_api::v1;
use waystation_storage::testing::on_both;
use waystation_tests::people::{get, reason, with_case};
use waystation_tests::{Clients, Server, after, run, today};

fn contact() -> v1::UpdateContactRequest {
    v1::UpdateContactRequest {
        name: "people/p-1".into(),
        phone: "13900139000".into(),
        verified_by: v1::VerifiedBy::Call.into(),
        ..Default::default()
    }
}

fn award(points: i64) -> v1::AwardPointsManuallyRequest {
    v1::AwardPointsManuallyRequest {
        name: "pointsAccounts/p-1".into(),
        on: today(),
        amount: points,
        reason: "VOLUNTEERING".into(),
        ..Default::default()
    }
}

#[test]
fn who_is_restricted_is_read_by_few_and_nothing_more_is_done_with() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let mut worker = server.clients("worker-1", "CASE_WORKER").await;
        with_case(&mut worker, "p-1", "c1").await;
        let mut leader = server.clients("leader-1", "SUPERVISOR").await;
        let mut privacy = server.clients("privacy-1", "PRIVACY_OFFICER").await;
        let mut inspector = server.clients("inspector-1", "INSPECTOR").await;
        let restrict = v1::RestrictPersonRequest {
            name: "people/p-1".into(),
            basis: "PIPL-47".into(),
            ..Default::default()
        };
        let restricted = privacy
            .people
            .restrict_person(restrict)
            .await
            .expect("is restricted")
            .into_inner();
        let read = |reveal: bool| v1::GetPersonRequest {
            read: after(&restricted),
            ..get("p-1", reveal)
        };
        for (clients, whole) in [(&mut worker, false), (&mut leader, true)] {
            let refused = clients.people.get_person(read(whole)).await.expect_err("is kept only");
            assert_eq!(refused.code(), Code::PermissionDenied);
        }
        privacy.people.get_person(read(true)).await.expect("answers the person");
        inspector.people.get_person(read(false)).await.expect("inspects");
        for refused in [
            worker.people.update_contact(contact()).await.expect_err("is refused"),
            leader
                .points
                .award_points_manually(award(5))
                .await
                .expect_err("is refused"),
        ] {
            assert_eq!(
                (refused.code(), reason(&refused).as_str()),
                (Code::FailedPrecondition, "PERSON_RESTRICTED")
            );
        }
        // What the law has a station record about a case goes on, and so does helping whoever is in danger.
        let served = v1::RecordServiceRequest {
            name: "cases/c1".into(),
            on: today(),
            ..Default::default()
        };
        worker.cases.record_service(served).await.expect("goes on");
        let glass = v1::BreakGlassRequest {
            name: "people/p-1".into(),
            emergency: v1::EmergencyKind::Missing.into(),
            reason: "家属报告其昨夜未归，手机关机，联系不上".into(),
            ..Default::default()
        };
        worker.people.break_glass(glass).await.expect("is announced");
        let mut urgent = tonic::Request::new(get("p-1", false));
        urgent
            .metadata_mut()
            .insert("waystation-purpose", "BREAK_GLASS".parse().expect("is ASCII"));
        worker.people.get_person(urgent).await.expect("reads");

        let lift = v1::LiftRestrictionRequest {
            name: "people/p-1".into(),
            basis: "PIPL-47".into(),
            ..Default::default()
        };
        let lifted = privacy
            .people
            .lift_restriction(lift)
            .await
            .expect("is lifted")
            .into_inner();
        let read = v1::GetPersonRequest {
            read: after(&lifted),
            ..get("p-1", false)
        };
        worker.people.get_person(read).await.expect("as before");
        worker.people.update_contact(contact()).await.expect("as before");
        leader.points.award_points_manually(award(5)).await.expect("as before");
        drop(server);
        assert!(run(&["verify", "--database", &database.url]).status.success());
    });
}

#[test]
fn points_are_given_and_redeemed_at_the_persons_own_station() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let mut worker = server.clients("worker-1", "CASE_WORKER").await;
        with_case(&mut worker, "p-1", "c1").await;
        let mut leader = server.clients("leader-1", "SUPERVISOR").await;
        leader.points.award_points_manually(award(5)).await.expect("is given");
        let channel = server.connect().await;
        let mut elsewhere = Clients::at(&channel, "leader-9", "SUPERVISOR", "station-elsewhere");
        let redeem = v1::RedeemPointsRequest {
            name: "pointsAccounts/p-1".into(),
            on: today(),
            lines: vec![v1::RedemptionLine {
                sku: "soap-1".into(),
                kind: "DAILY_GOODS".into(),
                quantity: 1,
                points: 1,
            }],
            ..Default::default()
        };
        for refused in [
            elsewhere
                .points
                .award_points_manually(award(5))
                .await
                .expect_err("is refused"),
            elsewhere
                .points
                .redeem_points(redeem.clone())
                .await
                .expect_err("is refused"),
        ] {
            assert_eq!(
                (refused.code(), reason(&refused).as_str()),
                (Code::PermissionDenied, "STATION_OUT_OF_SCOPE")
            );
        }
        leader.points.redeem_points(redeem).await.expect("at home");
    });
}
