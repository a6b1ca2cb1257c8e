//! A supervisor confirms a serious breach.

use serde::Serialize;

use super::{BreachGround, SeriousBreachConfirmed, counter, is_new, report_to_police};
use crate::case::absence::AbsenceState;
use crate::case::drug_test::TestState;
use crate::case::event::CaseEvent;
use crate::case::rules::{check_actor, check_stage};
use crate::case::stage::Stage;
use crate::case::state::Case;
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Confirms that what counts reaches a threshold, and opens the station's duty to report it (戒毒条例 21). Nobody confirms what
/// rests on their own allegation, nor a breach in which nothing counts that no earlier one rested on.
#[derive(Clone, Debug, Serialize)]
pub struct ConfirmSeriousBreach {
    /// Which threshold.
    pub ground: BreachGround,
}

impl Command for ConfirmSeriousBreach {
    type Aggregate = Case;
    const NAME: &'static str = "ConfirmSeriousBreach";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_actor(case, &[Role::Supervisor], context)?;
        check_stage(case, &[Stage::Active, Stage::TransferPending])?;
        if case.referral.is_pending() {
            return Err(Reason::AlreadyReferred.into());
        }
        let counter = counter(case, self.ground, context.today, context.policy)?;
        if !counter.reached {
            let no = Rejection::of(Reason::ThresholdNotReached, "ground");
            return Err(no
                .with("count", counter.count)
                .with("threshold", counter.threshold.value)
                .with("pack", counter.threshold.pack));
        }
        if alleged_by(case, self.ground, &counter.evidence, &context.actor.id) {
            return Err(Rejection::of(Reason::SamePersonForbidden, "ground"));
        }
        if !is_new(case, &counter) {
            return Err(Rejection::of(Reason::BreachDecided, "ground"));
        }
        let fact = SeriousBreachConfirmed {
            ground: self.ground,
            evidence: counter.evidence,
            count: counter.count,
            source: format!("{} {}", counter.threshold.pack, counter.key),
        };
        let mut events = vec![CaseEvent::from(fact)];
        events.extend(report_to_police(case, context)?);
        Ok(events)
    }
}

fn alleged_by(case: &Case, ground: BreachGround, evidence: &[u32], actor: &str) -> bool {
    evidence.iter().any(|number| {
        let by = match ground {
            BreachGround::TestRefusals => case.test(*number).and_then(|test| match &test.state {
                TestState::RefusalCounted(by) => Some(by),
                _ => None,
            }),
            BreachGround::Absences | BreachGround::AbsenceDays => {
                case.absence(*number).and_then(|absence| match &absence.state {
                    AbsenceState::Counted(by, _) => Some(by),
                    _ => None,
                })
            }
        };
        by.is_some_and(|by| by == actor)
    })
}
