//! Records in the five conditions that permissions tell apart.

use tonic::transport::Channel;
use waystation_api::v1;

use crate::people::{decide, end_cases, propose};
use crate::{Clients, Server, order, today};

/// Identity numbers of five people, with right check digits.
pub const NUMBERS: [&str; 5] = [
    "11010519491231002X",
    "110105194912310038",
    "110105194912310046",
    "110105194912310054",
    "110105194912310062",
];

/// A person with a case and points, sealed or erased when the id says so.
///
/// # Panics
/// When a command is refused.
pub async fn record(server: &Server, channel: &Channel, number: usize, id: &str, station: &str, worker: &str) {
    let mut worker_clients = Clients::at(channel, "worker-1", "CASE_WORKER", station);
    let mut leader = Clients::at(channel, "leader-1", "SUPERVISOR", station);
    let registration = v1::RegisterPersonRequest {
        person_id: id.into(),
        name: "王小明".into(),
        id_number: NUMBERS[number].into(),
        household_org: "QINGZHEN".into(),
        ..Default::default()
    };
    worker_clients
        .people
        .register_person(registration)
        .await
        .expect("is registered");
    let day = today();
    let case = v1::RegisterOrderRequest {
        person: id.into(),
        ..order(id, &day)
    };
    worker_clients.cases.register_order(case).await.expect("is registered");
    let name = format!("cases/{id}");
    let served = v1::RecordServiceRequest {
        name: name.clone(),
        on: day.clone(),
        ..Default::default()
    };
    worker_clients.cases.record_service(served).await.expect("is served");
    let assign = v1::AssignWorkerRequest {
        name,
        from: day.clone(),
        worker: worker.into(),
        ..Default::default()
    };
    leader.cases.assign_worker(assign).await.expect("is assigned");
    let award = v1::AwardPointsManuallyRequest {
        name: format!("pointsAccounts/{id}"),
        on: day,
        amount: 5,
        reason: "HELPED".into(),
        ..Default::default()
    };
    worker_clients
        .points
        .award_points_manually(award)
        .await
        .expect("is awarded");
    let act = match id {
        "sealed" => v1::Act::Seal,
        "erased" => v1::Act::Erase,
        _ => return,
    };
    if act == v1::Act::Erase {
        end_cases(&mut leader, id).await;
    }
    leader.people.propose_act(propose(id, act)).await.expect("is proposed");
    let mut privacy = server.clients("privacy-1", "PRIVACY_OFFICER").await;
    privacy.people.decide_act(decide(id, 1)).await.expect("is decided");
}
