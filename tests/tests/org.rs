//! Stations that go into another: figures under the old tree and the new.

use waystation_api::v1;
use waystation_storage::testing::on_both;
use waystation_tests::compliance::{ago, check};
use waystation_tests::{Clients, STATION, Server, after, today};

const OLD: &str = "station-weicheng";

fn register(unit: &str) -> v1::RegisterOrgUnitRequest {
    v1::RegisterOrgUnitRequest {
        name: format!("orgUnits/{unit}"),
        kind: v1::OrgUnitKind::UnitStation.into(),
        parent: "guanshanhu".into(),
        from: ago(400),
        ..Default::default()
    }
}

fn merge(unit: &str, into: &str) -> v1::MergeOrgUnitRequest {
    v1::MergeOrgUnitRequest {
        name: format!("orgUnits/{unit}"),
        into: into.into(),
        on: ago(2),
        ..Default::default()
    }
}

#[test]
fn figures_are_restated_under_the_tree_of_either_day() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let channel = server.connect().await;
        let mut worker = Clients::at(&channel, "worker-1", "CASE_WORKER", STATION);
        let mut old = Clients::at(&channel, "worker-9", "CASE_WORKER", OLD);
        let mut officer = Clients::at(&channel, "officer-1", "DISTRICT_OFFICER", "guanshanhu");
        worker.active_case("c1", &today()).await.expect("is active");
        old.active_case("c2", &today()).await.expect("is active");
        check(
            officer.org.merge_org_unit(merge(OLD, STATION)).await,
            ("UNIT_NOT_FOUND", Some("into")),
        );
        check(
            officer.org.register_org_unit(register(OLD)).await,
            ("UNIT_NOT_FOUND", Some("parent")),
        );
        let district = v1::RegisterOrgUnitRequest {
            kind: v1::OrgUnitKind::UnitDistrict.into(),
            parent: String::new(),
            ..register("guanshanhu")
        };
        let mut other = Clients::at(&channel, "officer-2", "DISTRICT_OFFICER", "baiyun");
        check(
            other.org.register_org_unit(district.clone()).await,
            ("STATION_OUT_OF_SCOPE", None),
        );
        officer.org.register_org_unit(district).await.expect("is registered");
        for unit in [OLD, STATION] {
            officer
                .org
                .register_org_unit(register(unit))
                .await
                .expect("is registered");
        }
        check(
            officer.org.register_org_unit(register(OLD)).await,
            ("UNIT_EXISTS", None),
        );
        check(
            officer.org.merge_org_unit(merge(OLD, "station-nowhere")).await,
            ("UNIT_NOT_FOUND", Some("into")),
        );
        check(
            officer.org.merge_org_unit(merge(OLD, OLD)).await,
            ("FIELD_INVALID", Some("into")),
        );
        let merged = officer
            .org
            .merge_org_unit(merge(OLD, STATION))
            .await
            .expect("is merged")
            .into_inner();
        let close = v1::CloseOrgUnitRequest {
            name: format!("orgUnits/{OLD}"),
            on: today(),
            ..Default::default()
        };
        check(officer.org.close_org_unit(close).await, ("UNIT_OVER", None));
        for (tree_on, orders, units) in [(ago(3), 1, 1), (ago(2), 2, 2)] {
            let under = v1::GetStatisticsUnderRequest {
                station: STATION.into(),
                tree_on,
                read: after(&merged),
            };
            let found = officer
                .org
                .get_statistics_under(under)
                .await
                .expect("is answered")
                .into_inner();
            let counted: i64 = found.months.iter().map(|month| month.orders).sum();
            assert_eq!((counted, found.units.len()), (orders, units), "{found:?}");
        }
        // What is within a station is its supervisor's to say.
        let mut leader = Clients::at(&channel, "leader-1", "SUPERVISOR", STATION);
        let branch = |kind: v1::OrgUnitKind, parent: &str| v1::RegisterOrgUnitRequest {
            kind: kind.into(),
            parent: parent.into(),
            ..register("station-qinglongshan.tashan")
        };
        check(
            leader
                .org
                .register_org_unit(branch(v1::OrgUnitKind::UnitStation, STATION))
                .await,
            ("ROLE_REQUIRED", None),
        );
        check(
            leader
                .org
                .register_org_unit(branch(v1::OrgUnitKind::UnitBranch, OLD))
                .await,
            ("STATION_OUT_OF_SCOPE", None),
        );
        let within = branch(v1::OrgUnitKind::UnitBranch, STATION);
        let taken = v1::RegisterOrgUnitRequest {
            name: "orgUnits/station-of-others".into(),
            ..within.clone()
        };
        check(
            leader.org.register_org_unit(taken).await,
            ("FIELD_INVALID", Some("name")),
        );
        leader.org.register_org_unit(within).await.expect("is registered");
    });
}
