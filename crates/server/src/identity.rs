//! Who calls, and whether they may call this at all: one layer before every service.
//!
//! A token in `authorization` (`Bearer wst:…`, or `Basic` with the account and the token's secret, as EventStoreDB clients
//! send it) says who. Only a server that was started `--insecure` believes metadata instead. What exactly is read or
//! changed is asked again where it is known; this is the outer door, which refuses what no target could permit.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tonic::body::Body;
use tonic::codegen::http::{HeaderMap, Request, Response, header};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};
use tower::{Layer, Service};
use waystation_app::{App, Purpose, Target};
use waystation_domain::Principal;

use crate::methods::{self, Method};
use crate::principal::believed;
use crate::status::{DOMAIN, LANGUAGE, status};

/// Longest `authorization` that is looked at, in bytes.
const AUTHORIZATION_BYTES_MAX: usize = 1_024;

/// The layer.
#[derive(Clone)]
pub(crate) struct Gate {
    pub(crate) app: Arc<App>,
    /// Metadata is believed.
    pub(crate) insecure: bool,
}

impl<S> Layer<S> for Gate {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Guarded<S> {
        Guarded {
            inner,
            gate: self.clone(),
        }
    }
}

/// A service behind the gate.
#[derive(Clone)]
pub(crate) struct Guarded<S> {
    inner: S,
    gate: Gate,
}

impl<S, B> Service<Request<B>> for Guarded<S>
where
    S: Service<Request<B>, Response = Response<Body>> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        // The clone is not ready, the original is.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        let gate = self.gate.clone();
        Box::pin(async move {
            match gate.admit(request.uri().path(), request.headers()).await {
                Ok(principal) => {
                    if let Some(principal) = principal {
                        request.extensions_mut().insert(principal);
                    }
                    inner.call(request).await
                }
                Err(status) => Ok(status.into_http()),
            }
        })
    }
}

fn refused(code: Code, reason: &str, message: &str, chinese: &str) -> Status {
    let mut details = ErrorDetails::new();
    details
        .set_error_info(reason, DOMAIN, [])
        .set_localized_message(LANGUAGE, chinese);
    Status::with_error_details(code, message, details)
}

/// The two halves of what `authorization` holds.
fn credentials(value: &str) -> Option<(String, String)> {
    if let Some(token) = value.strip_prefix("Bearer ") {
        let (id, secret) = token.strip_prefix("wst:")?.split_once(':')?;
        return Some((id.to_owned(), secret.to_owned()));
    }
    let (id, secret) = waystation_app::basic_credentials(value.strip_prefix("Basic ")?)?;
    Some((id, secret))
}

impl Gate {
    async fn admit(&self, path: &str, headers: &HeaderMap) -> Result<Option<Principal>, Status> {
        let method = methods::of(path);
        if method == Some(Method::Open) {
            return Ok(None);
        }
        let principal = match headers.get(header::AUTHORIZATION) {
            Some(value) => Some(self.authenticated(value.to_str().unwrap_or_default()).await?),
            None if self.insecure => believed(headers),
            None => {
                return Err(refused(
                    Code::Unauthenticated,
                    "CREDENTIALS_MISSING",
                    "authorization: expected a token of an account",
                    "请提供账户令牌",
                ));
            }
        };
        // Who says nothing on an insecure server is told what is missing by the service, or may do as it pleases there.
        let Some(principal) = principal else { return Ok(None) };
        let Some(Method::Needs(action)) = method else {
            return Err(refused(
                Code::PermissionDenied,
                "METHOD_NOT_LISTED",
                "no permission speaks of this method",
                "该方法未列入权限表",
            ));
        };
        let permissions = self.app.permissions();
        let nearest = Target::station(&principal.station);
        for purpose in Purpose::ALL {
            let allowed = permissions.allows(&principal, action, &nearest, purpose);
            if allowed.map_err(|error| status(&error, path))? {
                return Ok(Some(principal));
            }
        }
        Err(denied())
    }

    async fn authenticated(&self, value: &str) -> Result<Principal, Status> {
        let wrong = || {
            refused(
                Code::Unauthenticated,
                "CREDENTIALS_INVALID",
                "authorization: it is not a token of an account, or not any more",
                "令牌无效或已失效",
            )
        };
        if value.len() > AUTHORIZATION_BYTES_MAX {
            return Err(wrong());
        }
        let (id, secret) = credentials(value).ok_or_else(wrong)?;
        let found = self.app.authenticate_as(&id, &secret).await;
        found.map_err(|error| status(&error, ""))?.ok_or_else(wrong)
    }
}

/// The answer to somebody who may not.
pub(crate) fn denied() -> Status {
    refused(
        Code::PermissionDenied,
        "PERMISSION_DENIED",
        "this is not permitted to this account",
        "当前账户无权执行此操作",
    )
}
