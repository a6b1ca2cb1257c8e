//! `AdminService`.

use std::pin::Pin;

use futures::Stream;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};
use waystation_api::v1;
use waystation_api::v1::admin_service_server::AdminService;
use waystation_app::{AppError, Envelope, LogName};
use waystation_domain::account::CreateAccount;
use waystation_domain::{Channel, Role};

use crate::Api;
use crate::convert::{self, signed};
use crate::fields::Fields;
use crate::principal::principal;
use crate::status::status;

/// Replies of a verification that wait for a slow caller; further progress is left out.
const PROGRESS_MAX: usize = 16;
/// Findings named in one reply.
const FINDINGS_MAX: usize = 100;

#[tonic::async_trait]
impl AdminService for Api {
    async fn list_projections(
        &self,
        request: Request<v1::ListProjectionsRequest>,
    ) -> Result<Response<v1::ListProjectionsResponse>, Status> {
        principal(&request)?;
        let head = self.app.store().log(LogName::Main).head().size;
        let projections = self
            .app
            .projections()
            .into_iter()
            .map(|view| convert::projection(view, head))
            .collect();
        Ok(Response::new(v1::ListProjectionsResponse { projections }))
    }

    async fn get_projection(
        &self,
        request: Request<v1::GetProjectionRequest>,
    ) -> Result<Response<v1::Projection>, Status> {
        principal(&request)?;
        let name = request.into_inner().name;
        let mut fields = Fields::default();
        let view = fields.name("name", "projections", &name);
        fields.finish()?;
        let head = self.app.store().log(LogName::Main).head().size;
        let found = self.app.projections().into_iter().find(|status| status.view == view);
        let found = found.ok_or_else(|| status(&AppError::NotFound { kind: "projection" }, &name))?;
        Ok(Response::new(convert::projection(found, head)))
    }

    async fn rebuild_projection(
        &self,
        request: Request<v1::RebuildProjectionRequest>,
    ) -> Result<Response<v1::RebuildProjectionResponse>, Status> {
        principal(&request)?;
        let name = request.into_inner().name;
        let mut fields = Fields::default();
        let view = fields.name("name", "projections", &name);
        fields.finish()?;
        let view = Some(view.as_str()).filter(|view| *view != "-");
        let views = self.app.rebuild(view).await.map_err(|error| status(&error, &name))?;
        let names = views.into_iter().map(|view| format!("projections/{view}")).collect();
        Ok(Response::new(v1::RebuildProjectionResponse { names }))
    }

    async fn create_account(
        &self,
        request: Request<v1::CreateAccountRequest>,
    ) -> Result<Response<v1::CreateAccountResponse>, Status> {
        let envelope = Envelope::of(principal(&request)?, Channel::Api);
        let request = request.into_inner();
        let mut fields = Fields::default();
        let id = fields.id("account_id", &request.account_id);
        let role = Role::parse(&request.role);
        if role.is_none() {
            fields.wrong("role", "a role such as CASE_WORKER");
        }
        let until = fields.optional_day("until", &request.until);
        fields.finish()?;
        let name = format!("accounts/{id}");
        let command = CreateAccount {
            role: role.unwrap_or(Role::System),
            station: request.station,
            until,
        };
        let token = self.app.create_account(&id, &command, &envelope).await;
        let token = token.map_err(|error| status(&error, &name))?;
        Ok(Response::new(v1::CreateAccountResponse { name, token }))
    }

    async fn disable_account(
        &self,
        request: Request<v1::DisableAccountRequest>,
    ) -> Result<Response<v1::DisableAccountResponse>, Status> {
        let envelope = Envelope::of(principal(&request)?, Channel::Api);
        let name = request.into_inner().name;
        let mut fields = Fields::default();
        let id = fields.name("name", "accounts", &name);
        fields.finish()?;
        let disabled = self.app.disable_account(&id, &envelope).await;
        disabled.map_err(|error| status(&error, &name))?;
        Ok(Response::new(v1::DisableAccountResponse {}))
    }

    type VerifyStream = Pin<Box<dyn Stream<Item = Result<v1::VerifyResponse, Status>> + Send>>;

    async fn verify(&self, request: Request<v1::VerifyRequest>) -> Result<Response<Self::VerifyStream>, Status> {
        principal(&request)?;
        let request = request.into_inner();
        let (replies, stream) = mpsc::channel(PROGRESS_MAX);
        let api = self.clone();
        tokio::spawn(async move {
            if let Err(error) = api.verify_all(request.log_only, &replies).await {
                // The caller going away ends the verification's replies, not the server.
                let _ = replies.send(Err(status(&error, ""))).await;
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(stream))))
    }
}

type Replies = mpsc::Sender<Result<v1::VerifyResponse, Status>>;

fn progress<'a>(part: &'a str, replies: &'a Replies) -> impl FnMut(u64, u64) + Send + 'a {
    move |done, total| {
        let reply = v1::VerifyResponse {
            part: part.to_owned(),
            done: signed(done),
            total: signed(total),
            ..v1::VerifyResponse::default()
        };
        // Progress may be left out; the last message of a part is awaited.
        let _ = replies.try_send(Ok(reply));
    }
}

impl Api {
    async fn verify_all(&self, log_only: bool, replies: &Replies) -> Result<(), AppError> {
        for name in LogName::ALL {
            let report = self
                .app
                .store()
                .log(name)
                .verify(progress(name.as_str(), replies))
                .await?;
            let reply = v1::VerifyResponse {
                part: name.as_str().to_owned(),
                done: signed(report.events),
                total: signed(report.events),
                healthy: Some(report.findings.is_empty()),
                root: report.computed.root.to_vec(),
                findings: report
                    .findings
                    .iter()
                    .take(FINDINGS_MAX)
                    .map(ToString::to_string)
                    .collect(),
            };
            let _ = replies.send(Ok(reply)).await;
        }
        if !log_only {
            let report = self.app.verify_views(progress("views", replies)).await?;
            let named = report
                .differences
                .iter()
                .map(|found| format!("{} {}: {}", found.view, found.id, found.what));
            let reply = v1::VerifyResponse {
                part: "views".to_owned(),
                done: signed(report.events),
                total: signed(report.events),
                healthy: Some(report.different == 0),
                root: Vec::new(),
                findings: named.collect(),
            };
            let _ = replies.send(Ok(reply)).await;
        }
        Ok(())
    }
}
