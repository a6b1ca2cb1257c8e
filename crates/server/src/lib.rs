//! Shows: gRPC services over the app, on one port, with health, reflection and grpc-web.
//!
//! `principal` is the one place that says who asks; `fields` reads requests and names every field that is wrong;
//! `status` turns failures into `google.rpc.Status`. Each service is a file; a command is an entry in `commands`.

mod access_token;
mod admin;
mod audit;
mod case;
mod commands;
mod compliance;
mod convert;
mod eventstore;
mod fields;
mod fresh;
mod gather;
mod identity;
mod inspection;
mod mask;
mod methods;
mod org;
mod pace;
mod person;
mod points;
mod policy;
mod principal;
mod proofs;
mod reading;
mod register;
mod reveal;
mod session;
mod standing;
mod status;
mod tls;
mod transfer;
mod watch;
mod witness;
mod witnessing;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use futures::TryStreamExt;
use tokio::net::TcpListener;
use tokio::sync::watch as signal;
use tonic::codegen::http;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic_web::GrpcWebLayer;
use waystation_api::event_store::client::gossip::gossip_server::GossipServer;
use waystation_api::event_store::client::monitoring::monitoring_server::MonitoringServer;
use waystation_api::event_store::client::operations::operations_server::OperationsServer;
use waystation_api::event_store::client::persistent_subscriptions::persistent_subscriptions_server::PersistentSubscriptionsServer;
use waystation_api::event_store::client::server_features::server_features_server::ServerFeaturesServer;
use waystation_api::event_store::client::streams::streams_server::StreamsServer;
use waystation_api::event_store::client::users::users_server::UsersServer;
use waystation_api::kurrentdb::streams_service_server::StreamsServiceServer;
use waystation_api::v1::admin_service_server::AdminServiceServer;
use waystation_api::v1::audit_service_server::AuditServiceServer;
use waystation_api::v1::case_service_server::CaseServiceServer;
use waystation_api::v1::command_service_server::CommandServiceServer;
use waystation_api::v1::compliance_service_server::ComplianceServiceServer;
use waystation_api::v1::inspection_service_server::InspectionServiceServer;
use waystation_api::v1::org_service_server::OrgServiceServer;
use waystation_api::v1::person_service_server::PersonServiceServer;
use waystation_api::v1::points_service_server::PointsServiceServer;
use waystation_api::v1::policy_service_server::PolicyServiceServer;
use waystation_api::v1::register_service_server::RegisterServiceServer;
use waystation_api::v1::session_service_server::SessionServiceServer;
use waystation_api::v1::transfer_service_server::TransferServiceServer;
use waystation_app::{App, NoteError, Signer, StorageError};

pub use access_token::{AccessTokens, Provider};
use eventstore::{Authority, EventStore};
pub use fresh::FileError;
use gather::Gathering;
pub use pace::CALLS_A_SECOND;
pub use tls::{Tls, TlsFiles};
pub use witness::{WitnessOptions, serve_witness};
pub use witnessing::{WITNESS_EVERY, Witnessing};

/// Largest request in bytes.
pub const REQUEST_BYTES_MAX: usize = 1024 * 1024;
/// Streams of one connection that may be open at once.
const STREAMS_MAX: u32 = 1_024;
/// Streams that a client reset before they were accepted; one more ends its connection.
const RESETS_MAX: usize = 20;
/// Headers of one request, in bytes.
const HEADER_BYTES_MAX: u32 = 16 * 1024;
/// After this a client must connect again, so that nothing about a connection is older.
const CONNECTION_AGE_MAX: Duration = Duration::from_secs(15 * 60);
/// How often a silent connection is asked whether anybody is there.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// Paths of the service that tells clients where the server is.
const GOSSIP: &str = "/event_store.client.gossip.Gossip/";

/// How serving fails.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The descriptors do not read; a build mistake.
    #[error("the service descriptors do not read")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// The log could not be read.
    #[error("cannot read the log")]
    Storage(#[from] StorageError),
    /// The signing key's origin is too long.
    #[error("the origin of the signing key is too long")]
    Origin(#[from] NoteError),
    /// The network failed.
    #[error("cannot serve")]
    Transport(#[from] tonic::transport::Error),
}

/// tonic answers INTERNAL to a request that is no message of its type (text that is not UTF-8, say); it is the caller's
/// mistake, and a retry will not help.
fn unreadable_is_the_callers<B>(mut response: http::Response<B>) -> http::Response<B> {
    let headers = response.headers_mut();
    let says = |name: &str, text: &str| {
        headers
            .get(name)
            .is_some_and(|value| value.as_bytes().starts_with(text.as_bytes()))
    };
    if says("grpc-status", "13") && says("grpc-message", "failed%20to%20decode%20Protobuf") {
        headers.insert(
            "grpc-status",
            http::HeaderValue::from(tonic::Code::InvalidArgument as i32),
        );
    }
    response
}

/// Keeps the authority of a call for the one service that asks for it; tonic does not show it to services.
fn keep_authority<B>(mut request: http::Request<B>) -> http::Request<B> {
    if request.uri().path().starts_with(GOSSIP)
        && let Some(authority) = request.uri().authority().cloned()
    {
        request.extensions_mut().insert(Authority(authority));
    }
    request
}

/// All services; cheap to clone.
#[derive(Clone)]
struct Api {
    app: Arc<App>,
    signer: Option<Arc<Signer>>,
    /// Signs for the log of readings.
    access_signer: Option<Arc<Signer>>,
    /// Whose cosignatures are asked for, and where what was signed is remembered.
    witnessing: Option<Arc<Witnessing>>,
    /// Nobody is who they say: there is no account whose budget it could be.
    insecure: bool,
    /// Size of the newest checkpoint that was kept.
    kept: Arc<AtomicU64>,
    /// The same of the log of readings.
    kept_of_access: Arc<AtomicU64>,
    stopped: signal::Receiver<bool>,
}

/// What is served beyond the usual.
#[derive(Clone, Default)]
pub struct ServeOptions {
    /// Signs the checkpoints that are given out; without it they are unsigned.
    pub signer: Option<Arc<Signer>>,
    /// Has checkpoints witnessed, and compares the log with what was signed before; without it neither happens.
    pub witnessing: Option<Witnessing>,
    /// Serve over TLS; without it, in clear.
    pub tls: Option<Tls>,
    /// Take access tokens of an identity provider besides tokens of accounts.
    pub access_tokens: Option<AccessTokens>,
    /// Believe what request metadata says about who calls.
    pub insecure: bool,
    /// Calls a second that one account may make, twice as many at once; [`CALLS_A_SECOND`] when nothing is said.
    pub calls_a_second: Option<NonZeroU32>,
    /// Keep `$ce-` and `$et-` streams of links for EventStoreDB clients; each event costs two more in the log,
    /// and each page of them a checkpoint.
    pub link_streams: bool,
}

/// Serves until `stopped` becomes true, then finishes what is under way.
///
/// # Errors
/// When the listener or a connection fails for good.
pub async fn serve(
    app: Arc<App>,
    listener: TcpListener,
    options: ServeOptions,
    stopped: signal::Receiver<bool>,
) -> Result<(), ServeError> {
    let address = listener
        .local_addr()
        .map(|address| (address.ip().to_string(), address.port()))
        .unwrap_or_default();
    if let Some(witnessing) = options.witnessing.clone() {
        tokio::spawn(witnessing.run(Arc::clone(&app), stopped.clone()));
    }
    let gate = identity::Gate {
        app: Arc::clone(&app),
        pace: Arc::new(pace::Pace::new(options.calls_a_second.unwrap_or(pace::CALLS_A_SECOND))),
        access_tokens: options.access_tokens.map(|tokens| tokens.kept(stopped.clone())),
        insecure: options.insecure,
    };
    let access_signer = options.signer.as_deref().map(Signer::of_access).transpose()?;
    let api = Api {
        app,
        access_signer: access_signer.map(Arc::new),
        kept_of_access: Arc::default(),
        signer: options.signer,
        witnessing: options.witnessing.map(Arc::new),
        insecure: options.insecure,
        kept: Arc::default(),
        stopped: stopped.clone(),
    };
    let store = EventStore::start(api.clone(), address, options.link_streams, stopped.clone()).await?;
    let (health, health_service) = tonic_health::server::health_reporter();
    health.set_serving::<CaseServiceServer<Api>>().await;
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(waystation_api::DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let closing = stopped.clone();
    let mut signal = stopped;
    let down = async move {
        // The sender going away means the same.
        let _ = signal.wait_for(|stopped| *stopped).await;
    };
    let router = Server::builder()
        .accept_http1(true)
        .max_concurrent_streams(Some(STREAMS_MAX))
        .http2_max_pending_accept_reset_streams(Some(RESETS_MAX))
        .http2_max_header_list_size(HEADER_BYTES_MAX)
        .max_connection_age(CONNECTION_AGE_MAX)
        .http2_keepalive_interval(Some(KEEPALIVE))
        .layer(GrpcWebLayer::new())
        .layer(tower::util::MapRequestLayer::new(keep_authority))
        .layer(tower::util::MapResponseLayer::new(unreadable_is_the_callers))
        .layer(gate)
        .add_service(health_service)
        .add_service(reflection().build_v1()?)
        .add_service(reflection().build_v1alpha()?)
        .add_service(CaseServiceServer::new(api.clone()).max_decoding_message_size(REQUEST_BYTES_MAX))
        .add_service(ComplianceServiceServer::new(api.clone()).max_decoding_message_size(REQUEST_BYTES_MAX))
        .add_service(OrgServiceServer::new(api.clone()).max_decoding_message_size(REQUEST_BYTES_MAX))
        .add_service(PolicyServiceServer::new(api.clone()).max_decoding_message_size(REQUEST_BYTES_MAX))
        .add_service(InspectionServiceServer::new(api.clone()).max_decoding_message_size(REQUEST_BYTES_MAX))
        .add_service(RegisterServiceServer::new(api.clone()).max_decoding_message_size(REQUEST_BYTES_MAX))
        .add_service(TransferServiceServer::new(api.clone()).max_decoding_message_size(REQUEST_BYTES_MAX))
        .add_service(PointsServiceServer::new(api.clone()).max_decoding_message_size(REQUEST_BYTES_MAX))
        .add_service(PersonServiceServer::new(api.clone()).max_decoding_message_size(REQUEST_BYTES_MAX))
        .add_service(AuditServiceServer::new(api.clone()).max_decoding_message_size(REQUEST_BYTES_MAX))
        .add_service(AdminServiceServer::new(api.clone()).max_decoding_message_size(REQUEST_BYTES_MAX))
        .add_service(SessionServiceServer::new(api.clone()).max_decoding_message_size(REQUEST_BYTES_MAX))
        .add_service(UsersServer::new(api.clone()).max_decoding_message_size(REQUEST_BYTES_MAX))
        .add_service(CommandServiceServer::new(api).max_decoding_message_size(REQUEST_BYTES_MAX))
        .add_service(ServerFeaturesServer::new(store.clone()))
        .add_service(GossipServer::new(store.clone()))
        .add_service(PersistentSubscriptionsServer::new(store.clone()).max_decoding_message_size(REQUEST_BYTES_MAX))
        .add_service(MonitoringServer::new(store.clone()))
        .add_service(OperationsServer::new(store.clone()))
        .add_service(StreamsServiceServer::new(store.clone()).max_decoding_message_size(eventstore::REQUEST_BYTES_MAX))
        .add_service(StreamsServer::new(store).max_decoding_message_size(eventstore::REQUEST_BYTES_MAX));
    match options.tls {
        Some(tls) => {
            let connections = tls.incoming(listener, closing).map_ok(Gathering::new);
            router.serve_with_incoming_shutdown(connections, down).await?;
        }
        None => {
            let connections = TcpIncoming::from(listener)
                .with_nodelay(Some(true))
                .map_ok(Gathering::new);
            router.serve_with_incoming_shutdown(connections, down).await?;
        }
    }
    Ok(())
}
