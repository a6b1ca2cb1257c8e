//! Who asks: what the gate (`identity`) found out, or, on an insecure server, what request metadata says and is believed.

use std::sync::Arc;

use tonic::codegen::http::HeaderMap;
use tonic::{Code, Request, Status};
use tonic_types::{ErrorDetails, StatusExt};
use waystation_domain::{Principal, Role};

use crate::identity::Admitted;
use crate::status::{DOMAIN, LANGUAGE};

/// Principal id: 1 to 64 visible ASCII characters.
pub(crate) const ACTOR: &str = "waystation-actor";
/// Role, such as `CASE_WORKER`.
pub(crate) const ROLE: &str = "waystation-role";
/// Station or office.
pub(crate) const STATION: &str = "waystation-station";

const LENGTH_MAX: usize = 64;

/// Who makes a request.
pub(crate) fn principal<T>(request: &Request<T>) -> Result<Arc<Principal>, Status> {
    if let Some(principal) = Admitted::of(request).and_then(Admitted::principal) {
        return Ok(Arc::clone(principal));
    }
    // The gate has let it through because metadata would be believed; say what of it is missing.
    named(request.metadata().as_ref())
}

/// The principal that metadata names, on a server that believes it.
pub(crate) fn believed(headers: &HeaderMap) -> Option<Arc<Principal>> {
    named(headers).ok()
}

fn named(headers: &HeaderMap) -> Result<Arc<Principal>, Status> {
    let text = |key: &'static str| {
        let value = headers
            .get(key)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        if value.is_empty() || value.len() > LENGTH_MAX || !value.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(unknown(key, "1 to 64 visible ASCII characters"));
        }
        Ok(value.to_owned())
    };
    let role = Role::parse(&text(ROLE)?).filter(|role| *role != Role::System);
    Ok(Arc::new(Principal {
        id: text(ACTOR)?,
        role: role.ok_or_else(|| unknown(ROLE, "a role such as CASE_WORKER, SUPERVISOR or INSPECTOR"))?,
        station: text(STATION)?,
    }))
}

fn unknown(key: &'static str, expected: &'static str) -> Status {
    let mut details = ErrorDetails::new();
    let metadata = [
        ("metadata".to_owned(), key.to_owned()),
        ("expected".to_owned(), expected.to_owned()),
    ];
    details
        .set_error_info("PRINCIPAL_MISSING", DOMAIN, metadata)
        .set_localized_message(LANGUAGE, format!("请求元数据缺少或格式不正确：{key}"));
    Status::with_error_details(
        Code::Unauthenticated,
        format!("request metadata {key}: expected {expected}"),
        details,
    )
}
