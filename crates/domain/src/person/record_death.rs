//! The person died.

use jiff::civil::Date;
use serde::Serialize;

use super::event::{DeathRecorded, PersonEvent};
use super::rules::{check_actor, check_there};
use super::state::Person;
use crate::case::rules::{check_day, check_text};
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Records a death; whoever carries the command out ends the person's open cases.
#[derive(Clone, Debug, Serialize)]
pub struct RecordDeath {
    /// Day.
    pub on: Date,
    /// Number of the document that shows it.
    pub document_no: String,
}

impl Command for RecordDeath {
    type Aggregate = Person;
    const NAME: &'static str = "RecordDeath";

    fn decide(&self, person: &Person, context: &Context<'_>) -> Result<Vec<PersonEvent>, Rejection> {
        check_actor(person, &[Role::Supervisor], context)?;
        check_there(person)?;
        if person.dead {
            return Err(Reason::PersonDead.into());
        }
        check_day("on", self.on, context)?;
        check_text("document_no", &self.document_no)?;
        Ok(vec![
            DeathRecorded {
                on: self.on,
                document_no: (&self.document_no).into(),
            }
            .into(),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::person::tests::registered;
    use jiff::civil::date;

    #[test]
    fn nobody_dies_twice() {
        let death = RecordDeath {
            on: date(2026, 3, 1),
            document_no: "死亡-1".into(),
        };
        assert_eq!(registered().reason(&death), Reason::RoleRequired);
        let dead = registered().by("leader-1", Role::Supervisor).then(&death);
        assert_eq!(dead.reason(&death), Reason::PersonDead);
    }
}
