//! Clients of every service that act as somebody.

use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Request, Status};
use waystation_api::v1;
use waystation_api::v1::admin_service_client::AdminServiceClient;
use waystation_api::v1::audit_service_client::AuditServiceClient;
use waystation_api::v1::case_service_client::CaseServiceClient;
use waystation_api::v1::command_service_client::CommandServiceClient;
use waystation_api::v1::compliance_service_client::ComplianceServiceClient;
use waystation_api::v1::inspection_service_client::InspectionServiceClient;
use waystation_api::v1::org_service_client::OrgServiceClient;
use waystation_api::v1::person_service_client::PersonServiceClient;
use waystation_api::v1::points_service_client::PointsServiceClient;
use waystation_api::v1::policy_service_client::PolicyServiceClient;
use waystation_api::v1::register_service_client::RegisterServiceClient;
use waystation_api::v1::transfer_service_client::TransferServiceClient;

use crate::{STATION, order};

/// Says who asks, in the metadata of every request.
#[derive(Clone)]
pub struct Acting {
    actor: MetadataValue<Ascii>,
    role: MetadataValue<Ascii>,
    station: MetadataValue<Ascii>,
}

impl Acting {
    /// Somebody in a role at a station.
    pub fn new(actor: &str, role: &str, station: &str) -> Self {
        let value = |text: &str| text.parse().expect("is ASCII");
        Self {
            actor: value(actor),
            role: value(role),
            station: value(station),
        }
    }
}

/// Shows something in `authorization`.
#[derive(Clone)]
pub struct Bearing(String);

impl Bearing {
    /// Shows this.
    pub fn new(authorization: &str) -> Self {
        Self(authorization.to_owned())
    }
}

impl Interceptor for Bearing {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let value = MetadataValue::try_from(&self.0).map_err(|_| Status::internal("is not ASCII"))?;
        request.metadata_mut().insert("authorization", value);
        Ok(request)
    }
}

/// Standard base64.
pub fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let number = chunk.iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for at in 0..4 {
            let letter = LETTERS[(number >> (18 - 6 * at) & 63) as usize] as char;
            text.push(if at <= chunk.len() { letter } else { '=' });
        }
    }
    text
}

impl Interceptor for Acting {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let metadata = request.metadata_mut();
        metadata.insert("waystation-actor", self.actor.clone());
        metadata.insert("waystation-role", self.role.clone());
        metadata.insert("waystation-station", self.station.clone());
        Ok(request)
    }
}

type Over = InterceptedService<Channel, Acting>;

/// One client a service, all acting as one principal.
#[derive(Clone)]
pub struct Clients {
    /// `CaseService`
    pub cases: CaseServiceClient<Over>,
    /// `ComplianceService`
    pub compliance: ComplianceServiceClient<Over>,
    /// `TransferService`
    pub transfers: TransferServiceClient<Over>,
    /// `InspectionService`
    pub inspection: InspectionServiceClient<Over>,
    /// `RegisterService`
    pub registers: RegisterServiceClient<Over>,
    /// `OrgService`
    pub org: OrgServiceClient<Over>,
    /// `PolicyService`
    pub policies: PolicyServiceClient<Over>,
    /// `PointsService`
    pub points: PointsServiceClient<Over>,
    /// `PersonService`
    pub people: PersonServiceClient<Over>,
    /// `AuditService`
    pub audit: AuditServiceClient<Over>,
    /// `AdminService`
    pub admin: AdminServiceClient<Over>,
    /// `CommandService`
    pub commands: CommandServiceClient<Over>,
}

impl Clients {
    /// Clients over an open connection.
    pub fn over(channel: &Channel, actor: &str, role: &str) -> Self {
        Self::at(channel, actor, role, STATION)
    }

    /// Clients over an open connection, of somebody at a station.
    pub fn at(channel: &Channel, actor: &str, role: &str, station: &str) -> Self {
        let acting = Acting::new(actor, role, station);
        let over = || InterceptedService::new(channel.clone(), acting.clone());
        Self {
            cases: CaseServiceClient::new(over()),
            compliance: ComplianceServiceClient::new(over()),
            transfers: TransferServiceClient::new(over()),
            inspection: InspectionServiceClient::new(over()),
            registers: RegisterServiceClient::new(over()),
            org: OrgServiceClient::new(over()),
            policies: PolicyServiceClient::new(over()),
            points: PointsServiceClient::new(over()),
            people: PersonServiceClient::new(over()),
            audit: AuditServiceClient::new(over()),
            // Whoever works with cases does not run the installation.
            admin: AdminServiceClient::new(InterceptedService::new(
                channel.clone(),
                Acting::new("system-admin-1", "SYSTEM_ADMIN", STATION),
            )),
            commands: CommandServiceClient::new(over()),
        }
    }

    /// Brings a new case under agreement, everything on one day. Returns the last receipt.
    ///
    /// # Errors
    /// The status of the first command that was refused.
    pub async fn active_case(&mut self, id: &str, on: &str) -> Result<v1::CommandReceipt, Status> {
        self.cases.register_order(order(id, on)).await?;
        let name = format!("cases/{id}");
        let served = v1::RecordServiceRequest {
            name: name.clone(),
            on: on.into(),
            ..Default::default()
        };
        self.cases.record_service(served).await?;
        let report = v1::ReportInRequest {
            name: name.clone(),
            on: on.into(),
            identity_checked: true,
            ..Default::default()
        };
        self.cases.report_in(report).await?;
        let agreement = v1::SignAgreementRequest {
            name,
            on: on.into(),
            agreement_no: "A-1".into(),
            clauses: ["MEASURES", "RULES", "LIABILITY"].map(String::from).to_vec(),
            ..Default::default()
        };
        Ok(self.cases.sign_agreement(agreement).await?.into_inner())
    }
}
