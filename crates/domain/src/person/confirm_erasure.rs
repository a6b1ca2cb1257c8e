//! The keys are gone.

use serde::Serialize;

use super::event::{IdentityKeyDestroyed, PersonEvent};
use super::state::Person;
use crate::case::rules::check_role;
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Records that the person's keys were destroyed; Waystation itself does, once, after it has destroyed them.
#[derive(Clone, Debug, Serialize)]
pub struct ConfirmErasure {
    /// Versions of the key.
    pub key_versions: Vec<u32>,
}

impl Command for ConfirmErasure {
    type Aggregate = Person;
    const NAME: &'static str = "ConfirmErasure";

    fn decide(&self, person: &Person, context: &Context<'_>) -> Result<Vec<PersonEvent>, Rejection> {
        check_role(&[Role::System], context)?;
        if !person.erasure_committed {
            return Err(Rejection::of(Reason::ActDoesNotFit, "person"));
        }
        let key_versions = self.key_versions.clone();
        Ok(if person.erased {
            Vec::new()
        } else {
            vec![IdentityKeyDestroyed { key_versions }.into()]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::person::tests::registered;

    #[test]
    fn nothing_is_destroyed_that_two_people_have_not_decided() {
        let confirm = ConfirmErasure { key_versions: vec![1] };
        assert_eq!(registered().reason(&confirm), Reason::RoleRequired);
        assert_eq!(
            registered().by("system", Role::System).reason(&confirm),
            Reason::ActDoesNotFit
        );
    }
}
