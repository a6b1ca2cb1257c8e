//! The second of two people confirms that a test was none.

use serde::Serialize;

use super::{TestVoided, owed_again};
use crate::case::breach::after_withdrawal;
use crate::case::drug_test::{TestState, find};
use crate::case::event::CaseEvent;
use crate::case::obligation::ObligationKind;
use crate::case::rules::check_actor;
use crate::case::state::Case;
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Voids a test: its refusal does not count, and the window that its sample met is owed again if no other sample meets it. Not
/// when a relapse rests on it: that is before the police.
#[derive(Clone, Debug, Serialize)]
pub struct ConfirmTestVoid {
    /// Which test.
    pub test: u32,
}

impl Command for ConfirmTestVoid {
    type Aggregate = Case;
    const NAME: &'static str = "ConfirmTestVoid";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_actor(case, &[Role::Supervisor], context)?;
        let test = find(case, self.test)?;
        if test.state == TestState::Void {
            return Err(Rejection::of(Reason::TestVoid, "test"));
        }
        match &test.void_by {
            None => return Err(Rejection::of(Reason::NoVoidProposed, "test")),
            Some(by) if *by == context.actor.id => return Err(Rejection::of(Reason::SamePersonForbidden, "test")),
            Some(_) => {}
        }
        if case.relapses.contains(&self.test) {
            return Err(Rejection::of(Reason::RelapseRestsOnIt, "test"));
        }
        let mut events = after_withdrawal(case, TestVoided { test: self.test }.into(), context)?;
        if let Some(on) = test.urine_on {
            let numbered = (1_u32..).zip(&case.tests);
            let others = numbered.filter(|(number, _)| *number != self.test);
            let others: Vec<_> = others
                .filter_map(|(_, other)| Some((other.urine_on?, other.run)))
                .collect();
            events.extend(owed_again(case, ObligationKind::UrineTest, on, &others, context));
        }
        Ok(events)
    }
}
