//! Somebody else looks at a pack.

use serde::Serialize;

use super::{PackState, PolicyBook, PolicyEvent, PolicyPackReviewed, check_actor, find};
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Approves or declines a pack; not by who wrote it.
#[derive(Clone, Debug, Serialize)]
pub struct ReviewPolicyPack {
    /// The station.
    pub station: String,
    /// Which.
    pub pack: String,
    /// Whether it may be published.
    pub approved: bool,
}

impl Command for ReviewPolicyPack {
    type Aggregate = PolicyBook;
    const NAME: &'static str = "ReviewPolicyPack";

    fn decide(&self, book: &PolicyBook, context: &Context<'_>) -> Result<Vec<PolicyEvent>, Rejection> {
        check_actor(&self.station, &[Role::Supervisor, Role::DistrictOfficer], context)?;
        let pack = find(book, &self.pack, &[PackState::Drafted])?;
        if pack.draft.by == context.actor.id {
            return Err(Rejection::of(Reason::SamePersonForbidden, "pack"));
        }
        Ok(vec![
            PolicyPackReviewed {
                pack: self.pack.clone(),
                approved: self.approved,
            }
            .into(),
        ])
    }
}
