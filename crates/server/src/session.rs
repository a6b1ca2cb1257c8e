//! `SessionService`.

use tonic::{Request, Response, Status};
use waystation_api::v1;
use waystation_api::v1::session_service_server::SessionService;
use waystation_app::{AppError, Envelope};
use waystation_domain::Channel;

use crate::Api;
use crate::convert;
use crate::identity::{Admitted, wrong_login};
use crate::principal::principal;
use crate::status::status;

/// Longest password that is looked at, in bytes.
const PASSWORD_BYTES_MAX: usize = 1_024;

/// The caller, who must have an account: an insecure server's callers have none.
fn own<T>(request: &Request<T>) -> Result<Envelope, Status> {
    principal(request).map(|principal| Envelope::of(principal, Channel::Api))
}

fn failed(error: &AppError) -> Status {
    status(error, "account")
}

#[tonic::async_trait]
impl SessionService for Api {
    async fn log_in(&self, request: Request<v1::LogInRequest>) -> Result<Response<v1::LogInResponse>, Status> {
        let request = request.into_inner();
        if request.password.len() > PASSWORD_BYTES_MAX {
            return Err(wrong_login());
        }
        let session = self
            .app
            .log_in(&request.account, &request.password, &request.code)
            .await;
        let session = session.map_err(|error| failed(&error))?.ok_or_else(wrong_login)?;
        Ok(Response::new(v1::LogInResponse {
            token: session.token.to_string(),
            expire_time: Some(convert::time(session.until_us)),
        }))
    }

    async fn log_out(&self, request: Request<v1::LogOutRequest>) -> Result<Response<v1::LogOutResponse>, Status> {
        let Some(who) = Admitted::of(&request).and_then(Admitted::identified) else {
            return Err(failed(&AppError::NotFound { kind: "session" }));
        };
        self.app.log_out(who).await.map_err(|error| failed(&error))?;
        Ok(Response::new(v1::LogOutResponse {}))
    }

    async fn set_password(
        &self,
        request: Request<v1::SetPasswordRequest>,
    ) -> Result<Response<v1::SetPasswordResponse>, Status> {
        let envelope = own(&request)?;
        let request = request.into_inner();
        let set = self
            .app
            .set_password(&envelope, &request.old_password, &request.password);
        set.await.map_err(|error| failed(&error))?;
        Ok(Response::new(v1::SetPasswordResponse {}))
    }

    async fn begin_second_factor(
        &self,
        request: Request<v1::BeginSecondFactorRequest>,
    ) -> Result<Response<v1::BeginSecondFactorResponse>, Status> {
        let envelope = own(&request)?;
        let begun = self
            .app
            .begin_second_factor(&envelope, &request.into_inner().password)
            .await;
        let uri = begun.map_err(|error| failed(&error))?.to_string();
        Ok(Response::new(v1::BeginSecondFactorResponse { uri }))
    }

    async fn confirm_second_factor(
        &self,
        request: Request<v1::ConfirmSecondFactorRequest>,
    ) -> Result<Response<v1::ConfirmSecondFactorResponse>, Status> {
        let account = own(&request)?.principal;
        let confirmed = self
            .app
            .confirm_second_factor(&account.id, &request.into_inner().code)
            .await;
        confirmed.map_err(|error| failed(&error))?;
        Ok(Response::new(v1::ConfirmSecondFactorResponse {}))
    }
}
