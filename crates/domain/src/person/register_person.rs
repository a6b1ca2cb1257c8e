//! A person comes on file.

use serde::Serialize;

use super::event::{PersonEvent, PersonRegistered};
use super::identity::{IdNumber, normalise_name, normalise_phone};
use super::state::Person;
use crate::case::rules::{check_code, check_note, check_role};
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Registers a person. That nobody else has the identity number is seen to by whoever carries the command out, because only
/// they can look it up.
#[derive(Clone, Debug, Serialize)]
pub struct RegisterPerson {
    /// Name, 1 to 100 characters.
    pub name: String,
    /// 18-digit identity number.
    pub id_number: String,
    /// Telephone number.
    pub phone: Option<String>,
    /// Address.
    pub address: Option<String>,
    /// Place of household registration, as a code.
    pub household_org: String,
}

impl Command for RegisterPerson {
    type Aggregate = Person;
    const NAME: &'static str = "RegisterPerson";

    fn decide(&self, person: &Person, context: &Context<'_>) -> Result<Vec<PersonEvent>, Rejection> {
        check_role(&[Role::CaseWorker, Role::Supervisor], context)?;
        if person.registered {
            return Err(Reason::PersonExists.into());
        }
        let number = IdNumber::parse("id_number", &self.id_number)?;
        let phone = self
            .phone
            .as_deref()
            .map(|phone| normalise_phone("phone", phone))
            .transpose()?;
        if let Some(address) = &self.address {
            check_note("address", address)?;
        }
        check_code("household_org", &self.household_org)?;
        Ok(vec![
            PersonRegistered {
                station: context.actor.station.clone(),
                household_org: self.household_org.clone(),
                name: normalise_name("name", &self.name)?.as_str().into(),
                id_number: number.as_str().into(),
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
    use crate::kernel::Event;
    use crate::person::tests::registration;
    use crate::personal::Field;
    use crate::spec::given;

    #[test]
    fn who_it_is_is_never_written_in_clear() {
        let events = given::<Person>([]).when(&registration()).expect("is registered");
        let body = String::from_utf8(events[0].encode()).expect("is JSON");
        for secret in ["王小明", "11010519491231002X", "13800138000", "青龙山"] {
            assert!(!body.contains(secret), "{body}");
            assert!(!format!("{events:?}").contains(secret), "nor shown");
        }
        let fields: Vec<Field> = events[0].personal().iter().map(|(field, _)| *field).collect();
        assert_eq!(fields, [Field::Name, Field::IdNumber, Field::Phone, Field::Address]);
    }

    #[test]
    fn a_wrong_number_is_refused_by_name_of_the_field() {
        let wrong = RegisterPerson {
            id_number: "110105194912310021".into(),
            ..registration()
        };
        let no = given::<Person>([]).when(&wrong).expect_err("is refused");
        assert_eq!((no.reason, no.field), (Reason::IdNumberInvalid, Some("id_number")));
    }
}
