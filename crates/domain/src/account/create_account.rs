//! Somebody may work here.

use serde::Serialize;

use super::Account;
use super::event::{AccountCreated, AccountEvent};
use crate::case::rules::{check_code, check_role};
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Makes an account with one role at one station or office.
#[derive(Clone, Debug, Serialize)]
pub struct CreateAccount {
    /// The role; Waystation's own is nobody's.
    pub role: Role,
    /// Station or office.
    pub station: String,
}

impl Command for CreateAccount {
    type Aggregate = Account;
    const NAME: &'static str = "CreateAccount";

    fn decide(&self, account: &Account, context: &Context<'_>) -> Result<Vec<AccountEvent>, Rejection> {
        check_role(&[Role::SecurityAdmin], context)?;
        if account.role.is_some() {
            return Err(Reason::AccountExists.into());
        }
        if self.role == Role::System {
            return Err(Rejection::of(Reason::FieldInvalid, "role").with("expected", "a role that people have"));
        }
        check_code("station", &self.station)?;
        Ok(vec![
            AccountCreated {
                role: self.role,
                station: self.station.clone(),
            }
            .into(),
        ])
    }
}
