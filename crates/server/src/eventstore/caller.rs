//! Who writes: what the gate found out. Streams that only commands write are closed before this (`name::writable`).

use std::sync::Arc;

use tonic::Request;
use waystation_domain::Principal;

use super::acl::{Acl, Deed};
use super::failure::Failure;
use crate::identity::Admitted;

/// Somebody who writes to streams; nobody in particular on an insecure server, and the server itself.
#[derive(Clone, Debug, Default)]
pub(super) struct Caller {
    principal: Option<Arc<Principal>>,
}

impl Caller {
    pub(super) fn of<T>(request: &Request<T>) -> Self {
        Self {
            principal: Admitted::of(request).and_then(Admitted::principal).cloned(),
        }
    }

    /// Their account.
    pub(super) fn id(&self) -> Option<&str> {
        self.principal.as_deref().map(|principal| principal.id.as_str())
    }

    /// Refuses what the stream's lists do not permit.
    pub(super) fn may(&self, acl: &Acl, stream: &str, deed: Deed) -> Result<(), Failure> {
        match &self.principal {
            Some(principal) if !acl.permits(principal, stream, deed) => Err(Failure::AccessDenied),
            _ => Ok(()),
        }
    }
}
