//! What clients ask before anything else: what the server can do, and who is in the cluster.

use tonic::{Request, Response, Status};
use waystation_api::event_store::client as v1;
use waystation_api::event_store::client::gossip::gossip_server::Gossip;
use waystation_api::event_store::client::gossip::member_info::VNodeState;
use waystation_api::event_store::client::gossip::{ClusterInfo, EndPoint, MemberInfo};
use waystation_api::event_store::client::server_features::server_features_server::ServerFeatures;
use waystation_api::event_store::client::server_features::{SupportedMethod, SupportedMethods};

use super::EventStore;
use super::wire::IdForm;

/// The protocol's version that we speak. Clients choose by it and by the methods below.
const VERSION: &str = "26.1.0";

const STREAMS: &str = "event_store.client.streams.streams";
const GROUPS: &str = "event_store.client.persistent_subscriptions.persistentsubscriptions";
const RECORDS: &str = "kurrentdb.protocol.v2.streams.streamsservice";
const USERS: &str = "event_store.client.users.users";
const BOTH: &[&str] = &["stream", "all"];

/// Service, method and features of everything that clients ask about.
const METHODS: &[(&str, &str, &[&str])] = &[
    (STREAMS, "read", &["position", "events"]),
    (STREAMS, "append", &[]),
    (STREAMS, "batchappend", &["deadline_duration"]),
    (STREAMS, "delete", &[]),
    (STREAMS, "tombstone", &[]),
    (GROUPS, "create", BOTH),
    (GROUPS, "update", BOTH),
    (GROUPS, "delete", BOTH),
    (GROUPS, "read", BOTH),
    (GROUPS, "getinfo", BOTH),
    (GROUPS, "list", BOTH),
    (GROUPS, "replayparked", BOTH),
    (GROUPS, "truncateparked", BOTH),
    (GROUPS, "restartsubsystem", BOTH),
    (RECORDS, "appendsession", &[]),
    (RECORDS, "appendrecords", &[]),
    ("event_store.client.monitoring.monitoring", "stats", &[]),
    (
        "event_store.client.operations.operations",
        "restartpersistentsubscriptions",
        &[],
    ),
    (USERS, "create", &[]),
    (USERS, "update", &[]),
    (USERS, "delete", &[]),
    (USERS, "enable", &[]),
    (USERS, "disable", &[]),
    (USERS, "details", &[]),
    (USERS, "changepassword", &[]),
    (USERS, "resetpassword", &[]),
    ("event_store.client.gossip.gossip", "read", &[]),
    (
        "event_store.client.server_features.serverfeatures",
        "getsupportedmethods",
        &[],
    ),
];

#[async_trait::async_trait]
impl ServerFeatures for EventStore {
    async fn get_supported_methods(&self, _: Request<v1::Empty>) -> Result<Response<SupportedMethods>, Status> {
        let methods = METHODS.iter().map(|(service, method, features)| SupportedMethod {
            method_name: (*method).to_owned(),
            service_name: (*service).to_owned(),
            features: features.iter().map(|feature| (*feature).to_owned()).collect(),
        });
        Ok(Response::new(SupportedMethods {
            methods: methods.collect(),
            event_store_server_version: VERSION.to_owned(),
        }))
    }
}

#[async_trait::async_trait]
impl Gossip for EventStore {
    /// One member, this one, under the address by which the caller reached it.
    async fn read(&self, request: Request<v1::Empty>) -> Result<Response<ClusterInfo>, Status> {
        let (address, port) = reached(&request).unwrap_or_else(|| self.address.clone());
        let member = MemberInfo {
            instance_id: Some(IdForm::Text.id(self.instance)),
            // Ticks of 100 ns.
            time_stamp: self.now_us().saturating_mul(10),
            state: VNodeState::Leader.into(),
            is_alive: true,
            http_end_point: Some(EndPoint {
                address,
                port: port.into(),
            }),
        };
        Ok(Response::new(ClusterInfo { members: vec![member] }))
    }
}

/// The authority of the call.
fn reached(request: &Request<v1::Empty>) -> Option<(String, u16)> {
    let authority = request.extensions().get::<super::Authority>()?;
    let host = authority.0.host().trim_matches(['[', ']']);
    Some((host.to_owned(), authority.0.port_u16()?))
}
