//! A pack is published.

use serde::Serialize;

use super::{PackState, PolicyBook, PolicyEvent, PolicyPackPublished, check_actor, find};
use crate::kernel::{Command, Context};
use crate::rejection::{Reason, Rejection};

/// Publishes a pack that somebody else approved: it binds the station from its first day on.
#[derive(Clone, Debug, Serialize)]
pub struct PublishPolicyPack {
    /// The station, or the unit that stations belong to.
    pub unit: String,
    /// Which.
    pub pack: String,
}

impl Command for PublishPolicyPack {
    type Aggregate = PolicyBook;
    const NAME: &'static str = "PublishPolicyPack";

    fn decide(&self, book: &PolicyBook, context: &Context<'_>) -> Result<Vec<PolicyEvent>, Rejection> {
        check_actor(&self.unit, context)?;
        let draft = &find(book, &self.pack, &[PackState::Approved])?.draft;
        if draft.valid_from < context.today && !draft.retroactive {
            return Err(Rejection::of(Reason::Retroactive, "pack").with("valid_from", draft.valid_from));
        }
        let pack = self.pack.clone();
        Ok(vec![PolicyPackPublished { pack }.into()])
    }
}
