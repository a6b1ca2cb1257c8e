//! The person is answered.

use serde::Serialize;

use super::event::{PersonEvent, SubjectRequestAnswered};
use super::rules::{check_actor, check_there};
use super::state::Person;
use crate::case::rules::check_note;
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Records what the person was told.
#[derive(Clone, Debug, Serialize)]
pub struct AnswerSubjectRequest {
    /// Which request.
    pub request: u32,
    /// They got what they asked for.
    pub granted: bool,
    /// What they were told.
    pub reason: String,
}

impl Command for AnswerSubjectRequest {
    type Aggregate = Person;
    const NAME: &'static str = "AnswerSubjectRequest";

    fn decide(&self, person: &Person, context: &Context<'_>) -> Result<Vec<PersonEvent>, Rejection> {
        check_actor(person, &[Role::Supervisor, Role::PrivacyOfficer], context)?;
        check_there(person)?;
        if !person.requests.contains(&self.request) {
            return Err(Rejection::of(Reason::RequestNotFound, "request"));
        }
        check_note("reason", &self.reason)?;
        Ok(vec![
            SubjectRequestAnswered {
                request: self.request,
                granted: self.granted,
                reason: (&self.reason).into(),
            }
            .into(),
        ])
    }
}
