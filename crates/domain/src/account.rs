//! An account: who works here in which role, and since when. Secrets are kept elsewhere; the log has the facts.

mod change_credential;
mod conflict;
mod create_account;
mod disable_account;
pub mod event;
mod report_budget_spent;

pub use change_credential::{ChangeCredential, Credential};
pub use conflict::{DeclareConflict, WithdrawConflict};
pub use create_account::CreateAccount;
pub use disable_account::DisableAccount;
pub use event::{
    AccountCreated, AccountDisabled, AccountEvent, BudgetSpent, ConflictDeclared, ConflictWithdrawn, CredentialChanged,
};
pub use report_budget_spent::{Budget, ReportBudgetSpent};

use std::collections::BTreeSet;

use jiff::civil::Date;

use crate::kernel::{Aggregate, Role};

/// The state of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Its role; `None` before it exists.
    pub role: Option<Role>,
    /// Station or office.
    pub station: String,
    /// It opens nothing any more.
    pub disabled: bool,
    /// Last day on which it opens anything.
    pub until: Option<Date>,
    /// Participants whose records it is kept from: its owner, and who is close to them.
    pub conflicts: BTreeSet<String>,
    /// What was refused, and on which day.
    pub spent: Vec<(Budget, Date)>,
}

impl Account {
    /// The role in which it opens something on a day.
    pub fn role_on(&self, day: Date) -> Option<Role> {
        self.role
            .filter(|_| !self.disabled && self.until.is_none_or(|until| day <= until))
    }
}

impl Aggregate for Account {
    const CATEGORY: &'static str = "account";
    type Event = AccountEvent;

    fn subject<'a>(&'a self, id: &'a str) -> &'a str {
        id
    }

    fn evolve(&mut self, event: &AccountEvent) {
        match event {
            AccountEvent::AccountCreated(fact) => {
                self.role = Some(fact.role);
                self.station.clone_from(&fact.station);
                self.until = fact.until;
            }
            AccountEvent::AccountDisabled(_) => self.disabled = true,
            AccountEvent::CredentialChanged(_) => {}
            AccountEvent::ConflictDeclared(fact) => {
                self.conflicts.insert(fact.person.clone());
            }
            AccountEvent::ConflictWithdrawn(fact) => {
                self.conflicts.remove(&fact.person);
            }
            AccountEvent::BudgetSpent(fact) => {
                // Only today is asked for.
                self.spent.retain(|(_, on)| *on >= fact.on);
                self.spent.push((fact.budget, fact.on));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rejection::Reason;
    use crate::spec::given;

    #[test]
    fn a_security_administrator_makes_accounts_and_nobody_makes_their_own_bigger() {
        let create = CreateAccount {
            role: Role::CaseWorker,
            station: "station-qinglongshan".into(),
            until: None,
        };
        assert_eq!(given::<Account>([]).reason(&create), Reason::RoleRequired);
        let made = given::<Account>([]).by("security-1", Role::SecurityAdmin).then(&create);
        assert_eq!(made.state().role, Some(Role::CaseWorker));
        assert_eq!(made.reason(&create), Reason::AccountExists);
        let report = ReportBudgetSpent { budget: Budget::Misses };
        assert_eq!(made.reason(&report), Reason::RoleRequired, "nobody reports on another");
        let disabled = made.then(&DisableAccount {});
        assert!(disabled.state().disabled);
        assert_eq!(disabled.when(&DisableAccount {}), Ok(Vec::new()));
        let reported = given::<Account>([AccountEvent::from(AccountCreated {
            role: Role::CaseWorker,
            station: "station-qinglongshan".into(),
            until: None,
        })]);
        let reported = reported.by("clock", Role::System).then(&report);
        assert_eq!(reported.when(&report), Ok(Vec::new()), "once a day");
        let system = CreateAccount {
            role: Role::System,
            ..create
        };
        let security = given::<Account>([]).by("security-1", Role::SecurityAdmin);
        assert_eq!(security.reason(&system), Reason::FieldInvalid);
        assert_eq!(security.reason(&DisableAccount {}), Reason::AccountMissing);
    }
}
