//! A supervisor confirms a relapse.

use serde::Serialize;

use super::{RelapseConfirmed, report_to_police};
use crate::case::drug_test::{TestOutcome, TestState, find};
use crate::case::event::CaseEvent;
use crate::case::rules::{check_actor, check_stage};
use crate::case::stage::Stage;
use crate::case::state::Case;
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Confirms that a test which a laboratory found positive is a relapse, and opens the station's duty to report it (戒毒条例 21,
/// 禁毒法 35). A positive result on the spot is none.
#[derive(Clone, Debug, Serialize)]
pub struct ConfirmRelapse {
    /// Which test.
    pub test: u32,
}

impl Command for ConfirmRelapse {
    type Aggregate = Case;
    const NAME: &'static str = "ConfirmRelapse";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_actor(case, &[Role::Supervisor], context)?;
        check_stage(
            case,
            &[
                Stage::Active,
                Stage::TransferPending,
                Stage::Suspended,
                Stage::BreachReferred,
            ],
        )?;
        if find(case, self.test)?.state != TestState::Laboratory(TestOutcome::Positive) {
            return Err(Rejection::of(Reason::TestDoesNotFit, "test"));
        }
        if case.relapses.contains(&self.test) {
            return Err(Rejection::of(Reason::BreachDecided, "test"));
        }
        if case.referral.relapse.is_open() {
            return Err(Reason::AlreadyReferred.into());
        }
        let mut events = vec![CaseEvent::from(RelapseConfirmed { test: self.test })];
        events.extend(report_to_police(case, context)?);
        Ok(events)
    }
}
