//! What can have happened to an account.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{Budget, Credential};
use crate::kernel::{Role, events};
use crate::personal::{Field, Personal};

events! {
    /// Every fact of an account's stream.
    AccountEvent {
        /// Somebody may work here.
        "account.created.v2" | "account.created.v1" => AccountCreated,
        /// They may not any more.
        "account.disabled.v1" => AccountDisabled,
        /// What proves who they are has changed.
        "account.credential_changed.v1" => CredentialChanged,
        /// They were refused more of something than anybody needs.
        "account.budget_spent.v1" => BudgetSpent,
        /// Its owner, or somebody close to them, is a participant.
        "account.conflict_declared.v1" => ConflictDeclared,
        /// That is not so, or no longer.
        "account.conflict_withdrawn.v1" => ConflictWithdrawn,
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
    /// Last day on which it opens anything; for ever when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Date>,
}

/// See [`AccountEvent::AccountDisabled`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountDisabled {}

/// See [`AccountEvent::BudgetSpent`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetSpent {
    /// Of what.
    pub budget: Budget,
    /// On which day, in China.
    pub on: Date,
}

/// See [`AccountEvent::ConflictDeclared`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConflictDeclared {
    /// Random id of the participant.
    pub person: String,
}

/// See [`AccountEvent::ConflictWithdrawn`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConflictWithdrawn {
    /// Random id of the participant.
    pub person: String,
}

/// See [`AccountEvent::CredentialChanged`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CredentialChanged {
    /// Which.
    pub credential: Credential,
}
