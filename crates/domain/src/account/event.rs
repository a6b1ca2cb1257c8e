//! What can have happened to an account.

use serde::{Deserialize, Serialize};

use crate::kernel::{Role, events};
use crate::personal::{Field, Personal};

events! {
    /// Every fact of an account's stream.
    AccountEvent {
        /// Somebody may work here.
        "account.created.v1" => AccountCreated,
        /// They may not any more.
        "account.disabled.v1" => AccountDisabled,
    }
}

impl AccountEvent {
    fn sealed_fields(&self) -> Vec<(Field, &Personal)> {
        Vec::new()
    }
}

/// See [`AccountEvent::AccountCreated`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountCreated {
    /// The one role.
    pub role: Role,
    /// Station or office.
    pub station: String,
}

/// See [`AccountEvent::AccountDisabled`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountDisabled {}
