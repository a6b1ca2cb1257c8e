//! Who held which role on a day, from the facts of accounts.

use std::collections::BTreeMap;

use waystation_domain::account::{Account, AccountEvent};
use waystation_domain::{Aggregate, Date, Fact, Role, calendar};

use super::ReadOptions;
use crate::app::App;
use crate::error::AppError;
use crate::recorded::Recorded;

/// An account in its role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleHeld {
    /// The account.
    pub account: String,
    /// Its one role.
    pub role: Role,
    /// Its station or office.
    pub station: String,
    /// First day.
    pub from: Date,
    /// Last day, as far as is known.
    pub to: Option<Date>,
    /// Place in the log of the fact that gave it.
    pub position: u64,
}

impl App {
    /// Every account that held a role on a day, by account, as far as was known at a moment; and the moment. Reads the log once
    /// from its beginning; one call at a time, others wait.
    ///
    /// # Errors
    /// As [`App::moment`]; [`AppError::Undecodable`].
    pub async fn roles_on(&self, on: Option<Date>, options: ReadOptions) -> Result<(Vec<RoleHeld>, u64), AppError> {
        let _turn = self.scans().lock().await;
        let position = self.moment(options).await?.unwrap_or(self.main().head().size);
        let on = match on {
            Some(on) => on,
            None => self.day_of(options, position).await?,
        };
        let mut held: BTreeMap<String, RoleHeld> = BTreeMap::new();
        let fold = |account: String, recorded: Recorded| {
            let day = calendar::day_of(recorded.event.recorded_us);
            match recorded.fact {
                Fact::Account(AccountEvent::AccountCreated(fact)) => {
                    let role = RoleHeld {
                        account: account.clone(),
                        role: fact.role,
                        station: fact.station,
                        from: day,
                        to: fact.until,
                        position: recorded.event.position,
                    };
                    held.insert(account, role);
                }
                Fact::Account(AccountEvent::AccountDisabled(_)) => {
                    if let Some(role) = held.get_mut(&account) {
                        role.to = Some(role.to.map_or(day, |to| to.min(day)));
                    }
                }
                _ => {}
            }
        };
        self.scan(Account::CATEGORY, position, fold).await?;
        let on_day = |role: &RoleHeld| role.from <= on && role.to.is_none_or(|to| on <= to);
        Ok((held.into_values().filter(on_day).collect(), position))
    }
}
