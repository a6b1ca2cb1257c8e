//! One of two people asks for something that needs both.

use serde::Serialize;

use super::event::{Act, ActProposed, PersonEvent};
use super::rules::{check_actor, check_there};
use super::state::Person;
use crate::case::rules::{check_code, check_note};
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Most proposals that may wait at once.
const WAITING_MAX: usize = 10;

/// Proposes to seal, to lift a seal, to erase, to merge or to split.
#[derive(Clone, Debug, Serialize)]
pub struct ProposeAct {
    /// What.
    pub act: Act,
    /// Person it is also about: needed for merging and splitting, and for nothing else.
    pub other: Option<String>,
    /// Legal basis, as a code.
    pub basis: String,
    /// Why.
    pub reason: String,
}

impl Command for ProposeAct {
    type Aggregate = Person;
    const NAME: &'static str = "ProposeAct";

    fn decide(&self, person: &Person, context: &Context<'_>) -> Result<Vec<PersonEvent>, Rejection> {
        check_actor(person, &[Role::Supervisor, Role::PrivacyOfficer], context)?;
        check_there(person)?;
        check_code("basis", &self.basis)?;
        check_note("reason", &self.reason)?;
        let two = matches!(self.act, Act::Merge | Act::Split);
        match &self.other {
            Some(other) if two => check_code("other", other)?,
            None if !two => {}
            _ => {
                let expected = "another person when merging or splitting, and nobody otherwise";
                return Err(Rejection::of(Reason::FieldInvalid, "other").with("expected", expected));
            }
        }
        let fits = match self.act {
            Act::Seal => !person.sealed,
            Act::LiftSeal => person.sealed,
            Act::Erase => true,
            Act::Merge => person.merged_into.is_none(),
            Act::Split => person.merged_into == self.other,
        };
        if !fits || person.proposals.len() >= WAITING_MAX {
            return Err(Rejection::of(Reason::ActDoesNotFit, "act"));
        }
        Ok(vec![
            ActProposed {
                proposal: person.proposed + 1,
                act: self.act,
                other: self.other.clone(),
                basis: self.basis.clone(),
                by: context.actor.id.clone(),
                reason: (&self.reason).into(),
            }
            .into(),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::person::tests::registered;

    #[test]
    fn what_does_not_fit_the_record_is_not_proposed() {
        let lift = ProposeAct {
            act: Act::LiftSeal,
            other: None,
            basis: "B".into(),
            reason: "r".into(),
        };
        let leader = registered().by("leader-1", Role::Supervisor);
        assert_eq!(leader.reason(&lift), Reason::ActDoesNotFit);
        let pointless = ProposeAct {
            act: Act::Seal,
            other: Some("p-2".into()),
            ..lift.clone()
        };
        assert_eq!(leader.reason(&pointless), Reason::FieldInvalid);
        assert_eq!(registered().reason(&lift), Reason::RoleRequired);
    }
}
