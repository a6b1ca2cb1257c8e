//! Nothing is done with the data but keeping it, for a time (个人信息保护法 47).

use serde::Serialize;

use super::event::{PersonEvent, PersonRestricted, RestrictionLifted};
use super::rules::{check_actor, check_there};
use super::state::Person;
use crate::case::rules::check_code;
use crate::kernel::{Command, Context, Role};
use crate::rejection::Rejection;

const WHO: [Role; 2] = [Role::Supervisor, Role::PrivacyOfficer];

/// Restricts a record.
#[derive(Clone, Debug, Serialize)]
pub struct Restrict {
    /// Legal basis, as a code.
    pub basis: String,
}

/// Lifts the restriction.
#[derive(Clone, Debug, Serialize)]
pub struct LiftRestriction {
    /// Legal basis, as a code.
    pub basis: String,
}

impl Command for Restrict {
    type Aggregate = Person;
    const NAME: &'static str = "Restrict";

    fn decide(&self, person: &Person, context: &Context<'_>) -> Result<Vec<PersonEvent>, Rejection> {
        check_actor(person, &WHO, context)?;
        check_there(person)?;
        check_code("basis", &self.basis)?;
        let basis = self.basis.clone();
        Ok(if person.restricted {
            Vec::new()
        } else {
            vec![PersonRestricted { basis }.into()]
        })
    }
}

impl Command for LiftRestriction {
    type Aggregate = Person;
    const NAME: &'static str = "LiftRestriction";

    fn decide(&self, person: &Person, context: &Context<'_>) -> Result<Vec<PersonEvent>, Rejection> {
        check_actor(person, &WHO, context)?;
        check_there(person)?;
        check_code("basis", &self.basis)?;
        let basis = self.basis.clone();
        Ok(if person.restricted {
            vec![RestrictionLifted { basis }.into()]
        } else {
            Vec::new()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::person::tests::registered;

    #[test]
    fn what_is_so_already_is_not_recorded_again() {
        let basis = || "PIPL-47".to_owned();
        let restricted = registered()
            .by("leader-1", Role::Supervisor)
            .then(&Restrict { basis: basis() });
        assert_eq!(restricted.when(&Restrict { basis: basis() }), Ok(Vec::new()));
        let lifted = restricted.then(&LiftRestriction { basis: basis() });
        assert!(!lifted.state().restricted);
    }
}
