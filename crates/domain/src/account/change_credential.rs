//! What proves who somebody is has changed.

use serde::{Deserialize, Serialize};

use super::Account;
use super::event::{AccountEvent, CredentialChanged};
use crate::kernel::{Command, Context};
use crate::rejection::{Reason, Rejection};

/// Puts on record that a credential of an account has changed; who may change it is known where that is done.
#[derive(Clone, Debug, Serialize)]
pub struct ChangeCredential {
    /// Which.
    pub credential: Credential,
}

/// What shows who somebody is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Credential {
    /// The account's token.
    Token,
    /// The password.
    Password,
    /// The second factor.
    SecondFactor,
    /// Password, second factor and sessions were taken away.
    Reset,
}

impl Command for ChangeCredential {
    type Aggregate = Account;
    const NAME: &'static str = "ChangeCredential";

    fn decide(&self, account: &Account, _: &Context<'_>) -> Result<Vec<AccountEvent>, Rejection> {
        if account.role.is_none() || account.disabled {
            return Err(Reason::AccountMissing.into());
        }
        Ok(vec![
            CredentialChanged {
                credential: self.credential,
            }
            .into(),
        ])
    }
}
