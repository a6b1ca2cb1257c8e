//! Who may what, tried for real; the table in `docs/permissions.md` is what must come out.

use std::collections::BTreeMap;

use tonic::transport::Channel;
use waystation_api::event_store::client::Empty;
use waystation_api::event_store::client::monitoring::StatsReq;
use waystation_api::event_store::client::monitoring::monitoring_client::MonitoringClient;
use waystation_api::event_store::client::operations::operations_client::OperationsClient;
use waystation_api::event_store::client::persistent_subscriptions::persistent_subscriptions_client::PersistentSubscriptionsClient;
use waystation_api::event_store::client::persistent_subscriptions::{
    CreateReq, DeleteReq as DeleteGroupReq, GetInfoReq, ListReq, ReplayParkedReq, list_req,
};
use waystation_api::event_store::client::streams::DeleteReq;
use waystation_api::event_store::client::streams::streams_client::StreamsClient;
use waystation_api::event_store::client::users;
use waystation_api::event_store::client::users::users_client::UsersClient;
use waystation_api::kurrentdb::AppendRecordsRequest;
use waystation_api::kurrentdb::streams_service_client::StreamsServiceClient;
use waystation_api::v1;
use waystation_storage::testing::on_both;
use waystation_tests::matrix::{RECORDS, THERE, entries, permitted, tried, watched};
use waystation_tests::records::record;
use waystation_tests::{Clients, STATION, Server, read_all, read_stream};

const ROLES: [&str; 10] = [
    "CASE_WORKER",
    "SUPERVISOR",
    "DISTRICT_OFFICER",
    "INSPECTOR",
    "STORE_KEEPER",
    "PRIVACY_OFFICER",
    "SYSTEM_ADMIN",
    "SECURITY_ADMIN",
    "AUDIT_ADMIN",
    "SERVICE",
];
/// Whether each method that is about the installation is permitted.
async fn whole(channel: &Channel, role: &str) -> BTreeMap<&'static str, bool> {
    let mut clients = Clients::at(channel, "worker-1", role, STATION);
    let acting = waystation_tests::Acting::new("worker-1", role, STATION);
    let mut admin = v1::admin_service_client::AdminServiceClient::with_interceptor(channel.clone(), acting.clone());
    let mut streams = StreamsClient::with_interceptor(channel.clone(), acting.clone());
    let mut groups = PersistentSubscriptionsClient::with_interceptor(channel.clone(), acting.clone());
    let mut monitoring = MonitoringClient::with_interceptor(channel.clone(), acting.clone());
    let mut operations = OperationsClient::with_interceptor(channel.clone(), acting.clone());
    let mut users = UsersClient::with_interceptor(channel.clone(), acting.clone());
    let mut records = StreamsServiceClient::with_interceptor(channel.clone(), acting);
    let mut table = BTreeMap::new();
    macro_rules! asks {
        ($($name:literal: $client:expr, $method:ident($request:expr);)+) => {
            $(table.insert($name, permitted($client.$method($request).await));)+
        };
    }
    let nobody = || v1::DisableAccountRequest {
        name: "accounts/nobody".into(),
    };
    let projection = || v1::GetProjectionRequest {
        name: "projections/nothing".into(),
    };
    let rebuild = || v1::RebuildProjectionRequest {
        name: "projections/nothing".into(),
    };
    let list = || {
        let all = list_req::options::ListOption::ListAllSubscriptions(Empty {});
        let options = list_req::Options { list_option: Some(all) };
        ListReq { options: Some(options) }
    };
    asks! {
        "AdminService/ListProjections": admin, list_projections(v1::ListProjectionsRequest {});
        "AdminService/GetProjection": admin, get_projection(projection());
        "AdminService/RebuildProjection": admin, rebuild_projection(rebuild());
        "AdminService/Verify": admin, verify(v1::VerifyRequest { log_only: true });
        "AdminService/CreateAccount": admin, create_account(v1::CreateAccountRequest::default());
        "AdminService/DisableAccount": admin, disable_account(nobody());
        "AuditService/GetConsistencyProof": clients.audit, get_consistency_proof(v1::GetConsistencyProofRequest::default());
        "AuditService/GetEntryBundle": clients.audit, get_entry_bundle(v1::GetEntryBundleRequest::default());
        "AuditService/GetReceipt": clients.audit, get_receipt(v1::GetReceiptRequest { position: 1 });
        "AuditService/GetTile": clients.audit, get_tile(v1::GetTileRequest::default());
        "Streams/Read everything": streams, read(read_all());
        "Streams/Read another tenant's stream": streams, read(read_stream("orders-1"));
        "Streams/Append": streams, append(tokio_stream::empty());
        "Streams/BatchAppend": streams, batch_append(tokio_stream::empty());
        "Streams/Delete": streams, delete(DeleteReq::default());
        "Streams/Tombstone": streams, tombstone(DeleteReq::default());
        "StreamsService/AppendRecords": records, append_records(AppendRecordsRequest::default());
        "StreamsService/AppendSession": records, append_session(tokio_stream::empty());
        "PersistentSubscriptions/Create": groups, create(CreateReq::default());
        "PersistentSubscriptions/Update": groups, update(CreateReq::default());
        "PersistentSubscriptions/Delete": groups, delete(DeleteGroupReq::default());
        "PersistentSubscriptions/GetInfo": groups, get_info(GetInfoReq::default());
        "PersistentSubscriptions/List": groups, list(list());
        "PersistentSubscriptions/Read": groups, read(tokio_stream::empty());
        "PersistentSubscriptions/ReplayParked": groups, replay_parked(ReplayParkedReq::default());
        "PersistentSubscriptions/TruncateParked": groups, truncate_parked(ReplayParkedReq::default());
        "PersistentSubscriptions/RestartSubsystem": groups, restart_subsystem(Empty {});
        "Monitoring/Stats": monitoring, stats(StatsReq::default());
        "Operations/RestartPersistentSubscriptions": operations, restart_persistent_subscriptions(Empty {});
        "Users/Create": users, create(users::CreateReq::default());
        "Users/Update": users, update(users::UpdateReq::default());
        "Users/Delete": users, delete(users::DeleteReq::default());
        "Users/Enable": users, enable(users::EnableReq::default());
        "Users/Disable": users, disable(users::DisableReq::default());
        "Users/Details": users, details(users::DetailsReq::default());
        "Users/ResetPassword": users, reset_password(users::ResetPasswordReq::default());
    }
    table
}

fn table(head: &str, cells: &BTreeMap<&str, Vec<String>>) -> String {
    let mut table = format!("| {head} | {} |\n", ROLES.join(" | "));
    table += &format!("|---|{}\n", "---|".repeat(ROLES.len()));
    for (method, row) in cells {
        table += &format!("| {method} | {} |\n", row.join(" | "));
    }
    table
}

#[test]
fn every_role_may_what_the_table_says_and_nothing_else() {
    let written = include_str!("../../docs/permissions.md");
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let channel = server.connect().await;
        for (number, (_, id)) in RECORDS.iter().enumerate() {
            let (station, worker) = match *id {
                "there" => (THERE, "worker-9"),
                "other" => (STATION, "worker-2"),
                _ => (STATION, "worker-1"),
            };
            record(&server, &channel, number, id, station, worker).await;
        }
        let mut clients = server.clients("worker-1", "CASE_WORKER").await;
        let head = clients.audit.get_checkpoint(v1::GetCheckpointRequest {}).await;
        let position = head.expect("is given").into_inner().size;
        let entries = entries(&channel).await;
        let watched = futures::future::join_all(ROLES.map(|role| watched(&channel, role))).await;
        let mut cells: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        let mut wholes: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (role, watched) in ROLES.into_iter().zip(watched) {
            let mut clients = Clients::at(&channel, "worker-1", role, STATION);
            let mut row: BTreeMap<&str, String> = BTreeMap::new();
            for (letter, id) in RECORDS {
                for (method, permitted) in tried(&mut clients, id, (position, entries[id])).await {
                    row.entry(method)
                        .or_default()
                        .extend(Some(letter).filter(|_| permitted));
                }
            }
            row.extend(watched);
            for (method, letters) in row {
                let cell = if letters.is_empty() { "–".to_owned() } else { letters };
                cells.entry(method).or_default().push(cell);
            }
            for (method, permitted) in whole(&channel, role).await {
                let cell = if permitted { "yes" } else { "–" };
                wholes.entry(method).or_default().push(cell.to_owned());
            }
        }
        for table in [table("method", &cells), table("the installation", &wholes)] {
            assert!(
                written.contains(&table),
                "docs/permissions.md does not hold this table:\n{table}"
            );
        }
    });
}
