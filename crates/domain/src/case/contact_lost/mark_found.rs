//! The participant can be reached again.

use jiff::civil::Date;
use serde::Serialize;

use super::ContactRestored;
use crate::case::event::CaseEvent;
use crate::case::rules::{check_actor, check_day_from, check_registered};
use crate::case::state::Case;
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Records that contact is restored.
#[derive(Clone, Debug, Serialize)]
pub struct MarkFound {
    /// Day.
    pub on: Date,
}

impl Command for MarkFound {
    type Aggregate = Case;
    const NAME: &'static str = "MarkFound";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_actor(case, &[Role::CaseWorker, Role::Supervisor], context)?;
        check_registered(case)?;
        let lost_since = case.lost_since.ok_or_else(|| Rejection::from(Reason::NotLost))?;
        check_day_from("on", self.on, Some(lost_since), context)?;
        Ok(vec![ContactRestored { on: self.on }.into()])
    }
}
