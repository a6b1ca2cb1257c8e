//! Nobody reads or writes the record of themselves or of somebody close to them.

use serde::Serialize;

use super::Account;
use super::event::{AccountEvent, ConflictDeclared, ConflictWithdrawn};
use crate::case::rules::check_role;
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Persons that one account may be kept from.
const CONFLICTS_MAX: usize = 100;

/// Says that a participant is the member of staff, or somebody close to them; which of the two is not recorded.
#[derive(Clone, Debug, Serialize)]
pub struct DeclareConflict {
    /// The account, which its owner or a superior names.
    pub account: String,
    /// Random id of the participant.
    pub person: String,
}

/// Says that it is not so, or no longer. Not for the account itself.
#[derive(Clone, Debug, Serialize)]
pub struct WithdrawConflict {
    /// The account.
    pub account: String,
    /// Random id of the participant.
    pub person: String,
}

/// Supervisors speak for the accounts of their own station.
fn check_superior(account: &Account, context: &Context<'_>) -> Result<(), Rejection> {
    check_role(&[Role::Supervisor, Role::PrivacyOfficer], context)?;
    let elsewhere = account.role.is_some() && account.station != context.actor.station;
    if context.actor.role == Role::Supervisor && elsewhere {
        return Err(Reason::StationOutOfScope.into());
    }
    Ok(())
}

impl Command for DeclareConflict {
    type Aggregate = Account;
    const NAME: &'static str = "DeclareConflict";

    fn decide(&self, account: &Account, context: &Context<'_>) -> Result<Vec<AccountEvent>, Rejection> {
        if context.actor.id != self.account {
            check_superior(account, context)?;
        }
        if account.role.is_none() || account.disabled {
            return Err(Rejection::of(Reason::AccountMissing, "account"));
        }
        if account.conflicts.contains(&self.person) {
            return Ok(Vec::new());
        }
        if account.conflicts.len() >= CONFLICTS_MAX {
            return Err(Rejection::of(Reason::FieldInvalid, "person").with("expected", "at most 100 for an account"));
        }
        let person = self.person.clone();
        Ok(vec![ConflictDeclared { person }.into()])
    }
}

impl Command for WithdrawConflict {
    type Aggregate = Account;
    const NAME: &'static str = "WithdrawConflict";

    fn decide(&self, account: &Account, context: &Context<'_>) -> Result<Vec<AccountEvent>, Rejection> {
        if context.actor.id == self.account {
            return Err(Reason::SamePersonForbidden.into());
        }
        check_superior(account, context)?;
        let person = self.person.clone();
        Ok(if account.conflicts.contains(&person) {
            vec![ConflictWithdrawn { person }.into()]
        } else {
            Vec::new()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::AccountCreated;
    use crate::spec::given;

    #[test]
    fn one_declares_for_oneself_and_another_withdraws() {
        let made = given::<Account>([AccountEvent::from(AccountCreated {
            until: None,
            role: Role::CaseWorker,
            station: "station-qinglongshan".into(),
        })]);
        let declare = DeclareConflict {
            account: "worker-1".into(),
            person: "p-1".into(),
        };
        let withdraw = WithdrawConflict {
            account: "worker-1".into(),
            person: "p-1".into(),
        };
        let colleague = made.by("worker-2", Role::CaseWorker);
        assert_eq!(colleague.reason(&declare), Reason::RoleRequired);
        let declared = colleague.by("worker-1", Role::CaseWorker).then(&declare);
        assert!(declared.state().conflicts.contains("p-1"));
        assert_eq!(declared.when(&declare), Ok(Vec::new()));
        assert_eq!(declared.reason(&withdraw), Reason::SamePersonForbidden);
        let withdrawn = declared.by("leader-1", Role::Supervisor).then(&withdraw);
        assert!(withdrawn.state().conflicts.is_empty());
        assert_eq!(withdrawn.when(&withdraw), Ok(Vec::new()));
        let nobody = given::<Account>([]).by("leader-1", Role::Supervisor);
        assert_eq!(nobody.reason(&declare), Reason::AccountMissing);
    }
}
