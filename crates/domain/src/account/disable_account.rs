//! Somebody may not work here any more.

use serde::Serialize;

use super::Account;
use super::event::{AccountDisabled, AccountEvent};
use crate::case::rules::check_role;
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Closes an account for good.
#[derive(Clone, Debug, Serialize)]
pub struct DisableAccount {}

impl Command for DisableAccount {
    type Aggregate = Account;
    const NAME: &'static str = "DisableAccount";

    fn decide(&self, account: &Account, context: &Context<'_>) -> Result<Vec<AccountEvent>, Rejection> {
        check_role(&[Role::SecurityAdmin], context)?;
        if account.role.is_none() {
            return Err(Reason::AccountMissing.into());
        }
        Ok(if account.disabled {
            Vec::new()
        } else {
            vec![AccountDisabled {}.into()]
        })
    }
}
