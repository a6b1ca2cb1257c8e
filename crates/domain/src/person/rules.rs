//! What several commands of a person's record share.

use super::state::Person;
use crate::case::rules::check_role;
use crate::kernel::{Context, Role};
use crate::rejection::{Reason, Rejection};

/// The record exists and its keys do too.
pub(super) fn check_there(person: &Person) -> Result<(), Rejection> {
    if !person.registered {
        return Err(Reason::PersonNotFound.into());
    }
    if person.erasure_committed {
        return Err(Reason::PersonErased.into());
    }
    Ok(())
}

/// As [`check_there`], and it is neither sealed nor restricted (个人信息保护法 47).
pub(super) fn check_open(person: &Person) -> Result<(), Rejection> {
    check_there(person)?;
    if person.sealed {
        return Err(Reason::PersonSealed.into());
    }
    if person.restricted {
        return Err(Reason::PersonRestricted.into());
    }
    Ok(())
}

/// The actor's role is one of these, and the person is on file at the actor's station.
pub(super) fn check_actor(person: &Person, roles: &[Role], context: &Context<'_>) -> Result<(), Rejection> {
    check_role(roles, context)?;
    let anywhere = matches!(context.actor.role, Role::System | Role::PrivacyOfficer);
    if !anywhere && person.registered && person.station != context.actor.station {
        return Err(Reason::StationOutOfScope.into());
    }
    Ok(())
}
