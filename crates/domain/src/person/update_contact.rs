//! A new telephone number or address.

use serde::Serialize;

use super::event::{ContactUpdated, PersonEvent, VerifiedBy};
use super::identity::normalise_phone;
use super::rules::{check_actor, check_open};
use super::state::Person;
use crate::case::rules::check_note;
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Records what changed, once it is verified.
#[derive(Clone, Debug, Serialize)]
pub struct UpdateContact {
    /// New telephone number.
    pub phone: Option<String>,
    /// New address.
    pub address: Option<String>,
    /// How it was verified.
    pub verified_by: VerifiedBy,
}

impl Command for UpdateContact {
    type Aggregate = Person;
    const NAME: &'static str = "UpdateContact";

    fn decide(&self, person: &Person, context: &Context<'_>) -> Result<Vec<PersonEvent>, Rejection> {
        check_actor(person, &[Role::CaseWorker, Role::Supervisor], context)?;
        check_open(person)?;
        if self.phone.is_none() && self.address.is_none() {
            return Err(Rejection::of(Reason::FieldInvalid, "phone").with("expected", "a phone or an address"));
        }
        let phone = self
            .phone
            .as_deref()
            .map(|phone| normalise_phone("phone", phone))
            .transpose()?;
        if let Some(address) = &self.address {
            check_note("address", address)?;
        }
        Ok(vec![
            ContactUpdated {
                verified_by: self.verified_by,
                phone: (&phone).into(),
                address: (&self.address).into(),
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
    fn something_must_have_changed() {
        let nothing = UpdateContact {
            phone: None,
            address: None,
            verified_by: VerifiedBy::Call,
        };
        assert_eq!(registered().reason(&nothing), Reason::FieldInvalid);
        assert_eq!(
            crate::spec::given::<Person>([]).reason(&nothing),
            Reason::PersonNotFound
        );
    }
}
