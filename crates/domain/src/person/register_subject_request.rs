//! The person asks for something the law entitles them to (个人信息保护法 45 to 48).

use jiff::civil::Date;
use serde::Serialize;

use super::event::{PersonEvent, SubjectRequestKind, SubjectRequestRegistered};
use super::rules::{check_actor, check_there};
use super::state::Person;
use crate::case::rules::check_day;
use crate::kernel::{Command, Context, Role};
use crate::rejection::Rejection;

/// Registers a request.
#[derive(Clone, Debug, Serialize)]
pub struct RegisterSubjectRequest {
    /// What for.
    pub kind: SubjectRequestKind,
    /// Day.
    pub on: Date,
}

impl Command for RegisterSubjectRequest {
    type Aggregate = Person;
    const NAME: &'static str = "RegisterSubjectRequest";

    fn decide(&self, person: &Person, context: &Context<'_>) -> Result<Vec<PersonEvent>, Rejection> {
        check_actor(
            person,
            &[Role::CaseWorker, Role::Supervisor, Role::PrivacyOfficer],
            context,
        )?;
        check_there(person)?;
        check_day("on", self.on, context)?;
        Ok(vec![
            SubjectRequestRegistered {
                request: person.requested + 1,
                kind: self.kind,
                on: self.on,
            }
            .into(),
        ])
    }
}
