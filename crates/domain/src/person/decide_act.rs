//! The second of two people decides.

use serde::Serialize;

use super::event::{
    Act, ActDeclined, ErasureCommitted, PersonEvent, PersonSplit, PersonsMerged, RecordsSealed, SealLifted,
};
use super::rules::{check_actor, check_there};
use super::state::Person;
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Approves or declines what somebody else proposed.
#[derive(Clone, Debug, Serialize)]
pub struct DecideAct {
    /// Which proposal.
    pub proposal: u32,
    /// Whether it is done.
    pub approve: bool,
}

impl Command for DecideAct {
    type Aggregate = Person;
    const NAME: &'static str = "DecideAct";

    fn decide(&self, person: &Person, context: &Context<'_>) -> Result<Vec<PersonEvent>, Rejection> {
        check_actor(person, &[Role::Supervisor, Role::PrivacyOfficer], context)?;
        check_there(person)?;
        let waiting = person.proposals.iter().find(|open| open.number == self.proposal);
        let waiting = waiting.ok_or_else(|| Rejection::of(Reason::ProposalNotFound, "proposal"))?;
        if waiting.by == context.actor.id {
            return Err(Rejection::of(Reason::SamePersonForbidden, "proposal"));
        }
        let proposal = self.proposal;
        if !self.approve {
            return Ok(vec![ActDeclined { proposal }.into()]);
        }
        if waiting.act == Act::Merge && person.merged_into.is_some() {
            return Err(Rejection::of(Reason::ActDoesNotFit, "proposal"));
        }
        let other = waiting.other.clone().unwrap_or_default();
        Ok(vec![match waiting.act {
            Act::Seal => RecordsSealed { proposal }.into(),
            Act::LiftSeal => SealLifted { proposal }.into(),
            Act::Erase => ErasureCommitted { proposal }.into(),
            Act::Merge => PersonsMerged {
                proposal,
                survivor: other,
            }
            .into(),
            Act::Split => PersonSplit { proposal, from: other }.into(),
        }])
    }
}
