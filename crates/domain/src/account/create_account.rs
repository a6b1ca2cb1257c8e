//! Somebody may work here.

use jiff::ToSpan;
use jiff::civil::Date;
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
    /// Last day on which it opens anything. An inspector's has one: `account.inspector_days` from today when none is named.
    pub until: Option<Date>,
}

impl CreateAccount {
    fn last_day(&self, context: &Context<'_>) -> Result<Option<Date>, Rejection> {
        let wrong = |expected: String| Rejection::of(Reason::FieldInvalid, "until").with("expected", expected);
        if self.until.is_some_and(|until| until < context.today) {
            return Err(wrong(format!("{} or later", context.today)));
        }
        if self.role != Role::Inspector {
            return Ok(self.until);
        }
        let days = context.policy.number("account.inspector_days", context.today)?.value;
        let latest = context.today.saturating_add(days.days());
        match self.until {
            Some(until) if until > latest => Err(wrong(format!("{latest} or earlier"))),
            until => Ok(until.or(Some(latest))),
        }
    }
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
                until: self.last_day(context)?,
            }
            .into(),
        ])
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::spec::given;

    fn until(role: Role, until: Option<Date>) -> Result<Option<Date>, Reason> {
        let create = CreateAccount {
            role,
            station: "station-qinglongshan".into(),
            until,
        };
        let made = given::<Account>([])
            .by("security-1", Role::SecurityAdmin)
            .when(&create)
            .map_err(|no| no.reason)?;
        match made.as_slice() {
            [AccountEvent::AccountCreated(fact)] => Ok(fact.until),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_inspectors_account_ends() {
        let (today, latest) = (date(2026, 3, 2), date(2026, 5, 31));
        assert_eq!(until(Role::Inspector, None), Ok(Some(latest)));
        assert_eq!(until(Role::Inspector, Some(today)), Ok(Some(today)));
        assert_eq!(
            until(Role::Inspector, Some(date(2026, 6, 1))),
            Err(Reason::FieldInvalid)
        );
        assert_eq!(until(Role::CaseWorker, None), Ok(None));
        assert_eq!(
            until(Role::CaseWorker, Some(date(2026, 6, 1))),
            Ok(Some(date(2026, 6, 1)))
        );
        assert_eq!(
            until(Role::CaseWorker, Some(date(2026, 3, 1))),
            Err(Reason::FieldInvalid)
        );
    }

    #[test]
    fn it_opens_something_on_its_last_day_and_not_after() {
        let mut account = Account::default();
        crate::kernel::Aggregate::evolve(
            &mut account,
            &AccountCreated {
                role: Role::Inspector,
                station: "office".into(),
                until: Some(date(2026, 5, 31)),
            }
            .into(),
        );
        assert_eq!(account.role_on(date(2026, 5, 31)), Some(Role::Inspector));
        assert_eq!(account.role_on(date(2026, 6, 1)), None);
    }
}
