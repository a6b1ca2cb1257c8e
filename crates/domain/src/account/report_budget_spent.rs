//! Somebody has searched or looked more than anybody needs to.

use jiff::civil::Date;
use serde::Serialize;

use super::Account;
use super::event::{AccountEvent, BudgetSpent};
use crate::case::rules::check_role;
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Puts it on record that an account was refused more of something, once a day for each.
#[derive(Clone, Debug, Serialize)]
pub struct ReportBudgetSpent {
    /// Of what.
    pub budget: Budget,
}

/// What an account may do so often and not more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, serde::Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Budget {
    /// Searches for people by a number.
    Searches,
    /// Such searches that found nobody.
    Misses,
    /// Persons whose sealed fields were read whole.
    Reveals,
}

impl Command for ReportBudgetSpent {
    type Aggregate = Account;
    const NAME: &'static str = "ReportBudgetSpent";

    fn decide(&self, account: &Account, context: &Context<'_>) -> Result<Vec<AccountEvent>, Rejection> {
        check_role(&[Role::System], context)?;
        if account.role.is_none() {
            return Err(Reason::AccountMissing.into());
        }
        let on: Date = context.today;
        if account.spent.contains(&(self.budget, on)) {
            return Ok(Vec::new());
        }
        Ok(vec![
            BudgetSpent {
                budget: self.budget,
                on,
            }
            .into(),
        ])
    }
}
