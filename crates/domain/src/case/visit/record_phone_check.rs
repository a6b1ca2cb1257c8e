//! A call to check.

use jiff::civil::Date;
use serde::Serialize;

use super::PhoneCheckRecorded;
use crate::case::event::CaseEvent;
use crate::case::rules::{LATE, check_actor, check_day_from, check_note, check_stage};
use crate::case::state::Case;
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Records a call, answered or not. Calls that nobody answers are what lost contact rests on.
#[derive(Clone, Debug, Serialize)]
pub struct RecordPhoneCheck {
    /// Day.
    pub on: Date,
    /// Somebody answered.
    pub answered: bool,
    /// It was the participant, as far as could be told.
    pub identity_confirmed: bool,
    /// Where they said that they were; at most 2,000 characters.
    pub place: Option<String>,
}

impl Command for RecordPhoneCheck {
    type Aggregate = Case;
    const NAME: &'static str = "RecordPhoneCheck";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_actor(case, &[Role::CaseWorker, Role::Supervisor], context)?;
        check_stage(case, &LATE)?;
        check_day_from("on", self.on, case.agreement_on, context)?;
        if self.identity_confirmed && !self.answered {
            let expected = "nobody, when nobody answered";
            return Err(Rejection::of(Reason::FieldInvalid, "identity_confirmed").with("expected", expected));
        }
        if let Some(place) = &self.place {
            check_note("place", place)?;
        }
        Ok(vec![
            PhoneCheckRecorded {
                on: self.on,
                answered: self.answered,
                identity_confirmed: self.identity_confirmed,
                place: (&self.place).into(),
            }
            .into(),
        ])
    }
}
