//! Who calls, and whether they may call this at all: one layer before every service.
//!
//! A token in `authorization` (`Bearer wst:…`, or `Basic` with the account and the token's secret or a password, as
//! EventStoreDB clients send it) says who, or an access token of the identity provider (`access_token`), or the client's
//! certificate does. Only a server that was started `--insecure` believes metadata instead. What exactly is read or changed is asked again where it is known; this is the outer door, which refuses what no
//! target could permit. Whoever is let in is looked at again while their stream is open (`standing`).

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tonic::body::Body;
use tonic::codegen::http::{Extensions, HeaderMap, HeaderValue, Request, Response, header};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};
use tower::{Layer, Service};
use waystation_app::{App, Identified, Proof, Purpose, Target};
use waystation_domain::Principal;

use crate::access_token::AccessTokens;
use crate::eventstore;
use crate::methods::{self, Method};
use crate::pace::Pace;
use crate::principal::believed;
use crate::standing::Standing;
use crate::status::{DOMAIN, LANGUAGE, status};
use crate::tls::Peer;

/// Longest `authorization` that is looked at, in bytes.
const AUTHORIZATION_BYTES_MAX: usize = 4_096;

/// The layer.
#[derive(Clone)]
pub(crate) struct Gate {
    pub(crate) app: Arc<App>,
    pub(crate) access_tokens: Option<AccessTokens>,
    pub(crate) pace: Arc<Pace>,
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
            match gate
                .admit(request.uri().path(), request.headers(), request.extensions())
                .await
            {
                Ok(admitted) => {
                    let admitted = Arc::new(admitted);
                    request.extensions_mut().insert(Arc::clone(&admitted));
                    let response = inner.call(request).await?;
                    Ok(response.map(|body| Body::new(Standing::new(body, gate, admitted))))
                }
                Err(status) if request.uri().path().starts_with(eventstore::PATHS) => {
                    Ok(eventstore::plain(&status).into_http())
                }
                Err(status) => Ok(status.into_http()),
            }
        })
    }
}

/// Somebody who was let in.
pub(crate) struct Admitted {
    peer: Option<Peer>,
    who: Who,
}

enum Who {
    /// Not asked, or nobody on a server that believes.
    Unasked,
    Believed(Arc<Principal>),
    Identified(Identified),
}

impl Admitted {
    /// Whom the gate let in with a request.
    pub(crate) fn of<T>(request: &tonic::Request<T>) -> Option<&Self> {
        request.extensions().get::<Arc<Self>>().map(AsRef::as_ref)
    }

    /// Who it is; nobody when that was not asked.
    pub(crate) fn principal(&self) -> Option<&Arc<Principal>> {
        match &self.who {
            Who::Unasked => None,
            Who::Believed(principal) => Some(principal),
            Who::Identified(identified) => Some(&identified.principal),
        }
    }

    /// Who it is and what showed it; nobody when nothing did.
    pub(crate) fn identified(&self) -> Option<&Identified> {
        match &self.who {
            Who::Identified(identified) => Some(identified),
            Who::Unasked | Who::Believed(_) => None,
        }
    }
}

fn refused(code: Code, reason: &str, message: &str, chinese: &str) -> Status {
    let mut details = ErrorDetails::new();
    details
        .set_error_info(reason, DOMAIN, [])
        .set_localized_message(LANGUAGE, chinese);
    Status::with_error_details(code, message, details)
}

fn unauthenticated(reason: &str, message: &str, chinese: &str) -> Status {
    refused(Code::Unauthenticated, reason, message, chinese)
}

fn revoked() -> Status {
    unauthenticated(
        "CERTIFICATE_INVALID",
        "the client's certificate is revoked, out of date, or of an authority that is not trusted any more",
        "客户端证书已吊销、已过期或签发机构不再受信任",
    )
}

fn missing() -> Status {
    unauthenticated(
        "CREDENTIALS_MISSING",
        "authorization: expected a token of an account",
        "请提供账户令牌",
    )
}

/// The answer to a login that is not right.
pub(crate) fn wrong_login() -> Status {
    unauthenticated(
        "LOGIN_INVALID",
        "account, password or code are not right",
        "账户、密码或动态码不正确",
    )
}

fn wrong() -> Status {
    unauthenticated(
        "CREDENTIALS_INVALID",
        "authorization: it is not a token of an account, or not any more",
        "令牌无效或已失效",
    )
}

fn too_fast(wait: Duration) -> Status {
    let mut details = ErrorDetails::new();
    details
        .set_error_info("TOO_MANY_CALLS", DOMAIN, [])
        .set_localized_message(LANGUAGE, "该账户调用过于频繁，请稍后重试")
        .set_retry_info(Some(wait));
    Status::with_error_details(Code::ResourceExhausted, "this account calls too often", details)
}

impl Gate {
    async fn admit(&self, path: &str, headers: &HeaderMap, extensions: &Extensions) -> Result<Admitted, Status> {
        let peer = extensions.get::<Option<Peer>>().cloned().flatten();
        if peer.as_ref().is_some_and(|peer| !peer.is_trusted()) {
            return Err(revoked());
        }
        let method = methods::of(path);
        let who = match method {
            Some(Method::Open) => Who::Unasked,
            _ => self.who(headers, peer.as_ref()).await?,
        };
        let admitted = Admitted { peer, who };
        // Who says nothing on an insecure server is told what is missing by the service, or may do as it pleases there.
        let Some(principal) = admitted.principal().cloned() else {
            return Ok(admitted);
        };
        if method == Some(Method::Own) {
            return self.own(admitted);
        }
        let Some(Method::Needs(action)) = method else {
            return Err(refused(
                Code::PermissionDenied,
                "METHOD_NOT_LISTED",
                "no permission speaks of this method",
                "该方法未列入权限表",
            ));
        };
        if matches!(admitted.who, Who::Identified(_)) {
            self.pace.check(&principal.id).map_err(too_fast)?;
        }
        let permissions = self.app.permissions();
        let nearest = Target::station(&principal.station);
        for purpose in Purpose::ALL {
            let allowed = permissions.allows(&principal, action, &nearest, purpose);
            if allowed.map_err(|error| status(&error, path))? {
                return Ok(admitted);
            }
        }
        Err(denied())
    }

    /// What everybody may do about themselves, who has an account to do it about.
    fn own(&self, admitted: Admitted) -> Result<Admitted, Status> {
        if let Who::Identified(identified) = &admitted.who {
            self.pace.check(&identified.principal.id).map_err(too_fast)?;
            return Ok(admitted);
        }
        Err(missing())
    }

    async fn who(&self, headers: &HeaderMap, peer: Option<&Peer>) -> Result<Who, Status> {
        let certified = peer.and_then(Peer::account);
        match (headers.get(header::AUTHORIZATION), certified) {
            (Some(shown), certified) => {
                let identified = self.shown(shown, peer).await?;
                // A certificate of one account does not carry the token of another.
                if certified.is_some_and(|(_, account)| account != identified.principal.id) {
                    return Err(unauthenticated(
                        "CERTIFICATE_MISMATCH",
                        "authorization: the client's certificate is of another account",
                        "令牌与客户端证书不属于同一账户",
                    ));
                }
                Ok(Who::Identified(identified))
            }
            (None, Some((station, account))) => {
                let found = self.identified(account, Proof::Certificate).await?;
                let found = found.filter(|found| found.principal.station == station);
                Ok(Who::Identified(found.ok_or_else(|| {
                    unauthenticated(
                        "ACCOUNT_MISSING",
                        "the client's certificate names no account that is open at its station",
                        "客户端证书所指账户不存在、已停用或不属于该工作站",
                    )
                })?))
            }
            (None, None) if self.insecure => Ok(believed(headers).map_or(Who::Unasked, Who::Believed)),
            (None, None) => Err(missing()),
        }
    }

    async fn shown(&self, shown: &HeaderValue, peer: Option<&Peer>) -> Result<Identified, Status> {
        let shown = shown.to_str().map_err(|_| wrong())?;
        if shown.len() > AUTHORIZATION_BYTES_MAX {
            return Err(wrong());
        }
        if let Some(credentials) = shown.strip_prefix("Basic ") {
            return Box::pin(self.by_secret(credentials)).await;
        }
        let (account, proof) = self.borne(shown, peer).ok_or_else(wrong)?;
        self.identified(&account, proof).await?.ok_or_else(wrong)
    }

    /// The account of basic credentials: the secret of its token, or its password.
    async fn by_secret(&self, credentials: &str) -> Result<Identified, Status> {
        let (account, secret) = waystation_app::basic_credentials(credentials).ok_or_else(wrong)?;
        if let Some(found) = self.identified(&account, Proof::token(&secret)).await? {
            return Ok(found);
        }
        let proof = self.app.password_proof(&account, &secret).await;
        let proof = proof.map_err(|error| status(&error, ""))?.ok_or_else(wrong)?;
        self.identified(&account, proof).await?.ok_or_else(wrong)
    }

    /// The account that a bearer's token names, and what shows it.
    fn borne(&self, shown: &str, peer: Option<&Peer>) -> Option<(String, Proof)> {
        let token = shown.strip_prefix("Bearer ")?;
        waystation_app::parse_token(token).or_else(|| {
            let (account, until_us) = self.access_tokens.as_ref()?.account(token, peer)?;
            Some((account, Proof::Access { until_us }))
        })
    }

    async fn identified(&self, account: &str, proof: Proof) -> Result<Option<Identified>, Status> {
        let found = self.app.identified(account, proof).await;
        found.map_err(|error| status(&error, ""))
    }

    /// Whether somebody who was let in would be let in now.
    pub(crate) async fn still(&self, admitted: &Admitted) -> Result<(), Status> {
        if admitted.peer.as_ref().is_some_and(|peer| !peer.is_trusted()) {
            return Err(revoked());
        }
        match &admitted.who {
            Who::Identified(identified) => {
                let still = self.app.still(identified).await;
                still
                    .map_err(|error| status(&error, ""))?
                    .then_some(())
                    .ok_or_else(wrong)
            }
            Who::Unasked | Who::Believed(_) => Ok(()),
        }
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
