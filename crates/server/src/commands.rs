//! Commands: how each message becomes a command of the domain, one entry each; and the stream that carries many.

pub(crate) mod case;
pub(crate) mod compliance;
mod org;
pub(crate) mod person;
mod points;
mod policy;
mod support;
mod transfer;

use std::pin::Pin;
use std::sync::Arc;

use futures::{Stream, StreamExt};
use tonic::{Request, Response, Status, Streaming};
use waystation_api::v1;
use waystation_api::v1::command_service_server::CommandService;
use waystation_api::v1::execute_commands_request::Command;
use waystation_api::v1::execute_commands_response::Result as Outcome;
use waystation_app::{App, Envelope, Receipt};
use waystation_domain::{Channel, Principal};

use crate::fields::Fields;
use crate::{Api, convert, principal};

/// Commands of one stream that are under way at once.
const IN_FLIGHT_MAX: usize = 1_024;

/// A message that is a command.
#[tonic::async_trait]
pub(crate) trait CommandMessage: Send + 'static {
    /// `request_id`, `etag` and `validate_only`.
    fn conditions(&self) -> (&str, &str, bool);

    /// Reads the fields into a command and has it carried out. Says which record it was about.
    async fn carry_out(self, app: &App, fields: Fields, envelope: Envelope) -> Result<(String, Receipt), Status>;
}

/// Implements [`CommandMessage`] for a message with the field `name`: how its other fields become a command.
macro_rules! command {
    ($door:ident, $collection:literal, $message:ident, |$m:ident, $fields:ident, $id:ident, $app:ident| $command:expr) => {
        #[tonic::async_trait]
        impl $crate::commands::CommandMessage for waystation_api::v1::$message {
            fn conditions(&self) -> (&str, &str, bool) {
                (&self.request_id, &self.etag, self.validate_only)
            }

            async fn carry_out(
                self,
                $app: &waystation_app::App,
                mut fields: $crate::fields::Fields,
                envelope: waystation_app::Envelope,
            ) -> Result<(String, waystation_app::Receipt), tonic::Status> {
                let ($m, $fields) = (self, &mut fields);
                let $id = $fields.name("name", $collection, &$m.name);
                let name = $m.name.clone();
                let command = $command;
                fields.finish()?;
                match $app.$door(&$id, &command, &envelope).await {
                    Ok(receipt) => Ok((name, receipt)),
                    Err(error) => Err($crate::status::status(&error, &name)),
                }
            }
        }
    };
}
pub(crate) use command;

impl Api {
    /// Carries out the command of a unary call.
    pub(crate) async fn command<M: CommandMessage>(
        &self,
        request: Request<M>,
    ) -> Result<Response<v1::CommandReceipt>, Status> {
        let principal = principal::principal(&request)?;
        self.carry_out(request.into_inner(), principal).await.map(Response::new)
    }

    async fn carry_out<M: CommandMessage>(
        &self,
        message: M,
        principal: Arc<Principal>,
    ) -> Result<v1::CommandReceipt, Status> {
        let mut fields = Fields::default();
        let (request, etag, validate_only) = message.conditions();
        let (request, expected_revision) = (fields.request_id(request), fields.etag(etag));
        let envelope = Envelope {
            request,
            expected_revision,
            validate_only,
            ..Envelope::of(principal, Channel::Api)
        };
        let (name, receipt) = message.carry_out(&self.app, fields, envelope).await?;
        Ok(convert::receipt(name, &receipt))
    }

    async fn one_of(&self, command: Option<Command>, principal: Arc<Principal>) -> Result<v1::CommandReceipt, Status> {
        match command {
            Some(Command::RegisterOrder(message)) => self.carry_out(message, principal).await,
            Some(Command::RecordService(message)) => self.carry_out(message, principal).await,
            Some(Command::ReportIn(message)) => self.carry_out(message, principal).await,
            Some(Command::SignAgreement(message)) => self.carry_out(message, principal).await,
            Some(Command::OpenCaseFile(message)) => self.carry_out(message, principal).await,
            Some(Command::AssignWorker(message)) => self.carry_out(message, principal).await,
            Some(Command::AmendAgreement(message)) => self.carry_out(message, principal).await,
            Some(Command::AssignToBranch(message)) => self.carry_out(message, principal).await,
            Some(Command::RecordCheckIn(message)) => self.carry_out(message, principal).await,
            Some(Command::RecordTalk(message)) => self.carry_out(message, principal).await,
            Some(Command::Suspend(message)) => self.carry_out(message, principal).await,
            Some(Command::Resume(message)) => self.carry_out(message, principal).await,
            Some(Command::Terminate(message)) => self.carry_out(message, principal).await,
            Some(Command::RecordDischargeNotice(message)) => self.carry_out(message, principal).await,
            Some(Command::AwardPoints(message)) => self.carry_out(message, principal).await,
            Some(Command::AwardPointsManually(message)) => self.carry_out(message, principal).await,
            Some(Command::ReverseAward(message)) => self.carry_out(message, principal).await,
            Some(Command::RedeemPoints(message)) => self.carry_out(message, principal).await,
            Some(Command::CancelRedemption(message)) => self.carry_out(message, principal).await,
            Some(Command::FileAbsenceReport(message)) => self.carry_out(message, principal).await,
            Some(Command::ReportReturn(message)) => self.carry_out(message, principal).await,
            Some(Command::AllegeAbsence(message)) => self.carry_out(message, principal).await,
            Some(Command::ConfirmAbsence(message)) => self.carry_out(message, principal).await,
            Some(Command::WithdrawAbsence(message)) => self.carry_out(message, principal).await,
            Some(Command::ServeTestNotice(message)) => self.carry_out(message, principal).await,
            Some(Command::RecordSample(message)) => self.carry_out(message, principal).await,
            Some(Command::RecordTestResult(message)) => self.carry_out(message, principal).await,
            Some(Command::RecordTestRefusal(message)) => self.carry_out(message, principal).await,
            Some(Command::ConfirmTestRefusal(message)) => self.carry_out(message, principal).await,
            Some(Command::WithdrawTestRefusal(message)) => self.carry_out(message, principal).await,
            Some(Command::ConfirmSeriousBreach(message)) => self.carry_out(message, principal).await,
            Some(Command::ReferToPolice(message)) => self.carry_out(message, principal).await,
            Some(Command::RecordPoliceOutcome(message)) => self.carry_out(message, principal).await,
            Some(Command::ExcuseObligation(message)) => self.carry_out(message, principal).await,
            Some(Command::ConfirmMissed(message)) => self.carry_out(message, principal).await,
            Some(Command::VaryOrder(message)) => self.carry_out(message, principal).await,
            Some(Command::ConfirmRelapse(message)) => self.carry_out(message, principal).await,
            Some(Command::ProposeTransfer(message)) => self.carry_out(message, principal).await,
            Some(Command::SendTransferMaterials(message)) => self.carry_out(message, principal).await,
            Some(Command::AcceptTransfer(message)) => self.carry_out(message, principal).await,
            Some(Command::RejectTransfer(message)) => self.carry_out(message, principal).await,
            Some(Command::WithdrawTransfer(message)) => self.carry_out(message, principal).await,
            Some(Command::ReportInAfterTransfer(message)) => self.carry_out(message, principal).await,
            Some(Command::StartDualControl(message)) => self.carry_out(message, principal).await,
            Some(Command::AnswerDualControl(message)) => self.carry_out(message, principal).await,
            Some(Command::EndDualControl(message)) => self.carry_out(message, principal).await,
            Some(Command::FormSupportTeam(message)) => self.carry_out(message, principal).await,
            Some(Command::VoidContact(message)) => self.carry_out(message, principal).await,
            Some(Command::ProposeTestVoid(message)) => self.carry_out(message, principal).await,
            Some(Command::ConfirmTestVoid(message)) => self.carry_out(message, principal).await,
            Some(Command::RevokeOrder(message)) => self.carry_out(message, principal).await,
            Some(Command::ConfirmRefusal(message)) => self.carry_out(message, principal).await,
            Some(Command::MarkLostContact(message)) => self.carry_out(message, principal).await,
            Some(Command::MarkFound(message)) => self.carry_out(message, principal).await,
            Some(Command::EndDynamicControl(message)) => self.carry_out(message, principal).await,
            Some(Command::LodgeObjection(message)) => self.carry_out(message, principal).await,
            Some(Command::IssueWarning(message)) => self.carry_out(message, principal).await,
            Some(Command::ScoreRisk(message)) => self.carry_out(message, principal).await,
            Some(Command::ConfirmRiskClass(message)) => self.carry_out(message, principal).await,
            Some(Command::ContestRiskClass(message)) => self.carry_out(message, principal).await,
            Some(Command::RecordHomeVisit(message)) => self.carry_out(message, principal).await,
            Some(Command::RecordPhoneCheck(message)) => self.carry_out(message, principal).await,
            Some(Command::RecordReleaseHandover(message)) => self.carry_out(message, principal).await,
            Some(Command::DraftCarePlan(message)) => self.carry_out(message, principal).await,
            Some(Command::ApproveCarePlan(message)) => self.carry_out(message, principal).await,
            Some(Command::ReviewCarePlan(message)) => self.carry_out(message, principal).await,
            Some(Command::RecordSummary(message)) => self.carry_out(message, principal).await,
            Some(Command::IssueDocument(message)) => self.carry_out(message, principal).await,
            Some(Command::ServeDocument(message)) => self.carry_out(message, principal).await,
            Some(Command::ApproveLeave(message)) => self.carry_out(message, principal).await,
            Some(Command::RefuseLeave(message)) => self.carry_out(message, principal).await,
            Some(Command::EntrustTest(message)) => self.carry_out(message, principal).await,
            Some(Command::RecordCompelledTest(message)) => self.carry_out(message, principal).await,
            Some(Command::NotifyObligation(message)) => self.carry_out(message, principal).await,
            Some(Command::ExtendAbsence(message)) => self.carry_out(message, principal).await,
            None => {
                let mut fields = Fields::default();
                fields.wrong("command", "one of the commands of this release");
                Err(fields
                    .finish()
                    .err()
                    .unwrap_or_else(|| Status::internal("an internal failure")))
            }
        }
    }
}

#[tonic::async_trait]
impl CommandService for Api {
    type ExecuteCommandsStream = Pin<Box<dyn Stream<Item = Result<v1::ExecuteCommandsResponse, Status>> + Send>>;

    async fn execute_commands(
        &self,
        request: Request<Streaming<v1::ExecuteCommandsRequest>>,
    ) -> Result<Response<Self::ExecuteCommandsStream>, Status> {
        let principal = principal::principal(&request)?;
        let api = self.clone();
        let answer = move |message: Result<v1::ExecuteCommandsRequest, Status>| {
            let (api, principal) = (api.clone(), principal.clone());
            async move {
                let message = message?;
                let result = match api.one_of(message.command, principal).await {
                    Ok(receipt) => Outcome::Receipt(receipt),
                    Err(status) => Outcome::Error(v1::CommandError {
                        code: status.code().into(),
                        message: status.message().to_owned(),
                        details: status.details().to_vec(),
                    }),
                };
                Ok(v1::ExecuteCommandsResponse {
                    sequence: message.sequence,
                    result: Some(result),
                })
            }
        };
        let mut stopped = self.stopped.clone();
        let stop = async move {
            // The sender going away means the same.
            let _ = stopped.wait_for(|stopped| *stopped).await;
        };
        // Each command begins when it arrives, in order, and waits for its record's lock in that order.
        Ok(Response::new(Box::pin(
            request
                .into_inner()
                .take_until(Box::pin(stop))
                .map(answer)
                .buffered(IN_FLIGHT_MAX),
        )))
    }
}

/// A random-looking id that a repeated request gets again.
pub(crate) fn derived_id(request: Option<uuid::Uuid>) -> String {
    request.unwrap_or_else(waystation_app::ids::random).simple().to_string()
}
