//! Somebody else looks at a pack.

use serde::Serialize;

use super::{PackState, PolicyBook, PolicyEvent, PolicyPackReviewed, check_actor, find};
use crate::case::rules::check_role;
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Approves or declines a pack; not by who wrote it.
#[derive(Clone, Debug, Serialize)]
pub struct ReviewPolicyPack {
    /// The station, or the unit that stations belong to.
    pub unit: String,
    /// Which.
    pub pack: String,
    /// Whether it may be published.
    pub approved: bool,
}

impl Command for ReviewPolicyPack {
    type Aggregate = PolicyBook;
    const NAME: &'static str = "ReviewPolicyPack";

    fn decide(&self, book: &PolicyBook, context: &Context<'_>) -> Result<Vec<PolicyEvent>, Rejection> {
        // An officer of another unit may look at what a station has written.
        check_role(&[Role::Supervisor, Role::DistrictOfficer], context)?;
        if context.actor.role == Role::Supervisor {
            check_actor(&self.unit, context)?;
        }
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
