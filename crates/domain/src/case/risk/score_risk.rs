//! The risk of a case is scored.

use serde::Serialize;

use super::{RiskScored, assess};
use crate::case::event::CaseEvent;
use crate::case::obligation::ObligationKind;
use crate::case::rules::{LIVE, Opener, check_actor, check_stage};
use crate::case::state::Case;
use crate::kernel::{Command, Context, Role};
use crate::rejection::Rejection;

/// Scores the risk as the record stands today; a supervisor's confirmation is owed where policy says by when.
#[derive(Clone, Debug, Serialize)]
pub struct ScoreRisk {}

impl Command for ScoreRisk {
    type Aggregate = Case;
    const NAME: &'static str = "ScoreRisk";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_actor(case, &[Role::CaseWorker, Role::Supervisor], context)?;
        check_stage(case, &LIVE)?;
        let found = assess(case, context.today, context.policy)?;
        let mut events = vec![CaseEvent::from(RiskScored {
            on: context.today,
            events: case.events,
            factors: found.factors,
            score: found.score,
            proposed: found.class,
            source: found.pack,
        })];
        if case.open(ObligationKind::RiskReview).is_none() {
            let (kind, key) = (ObligationKind::RiskReview, "risk.review_within_working_days");
            events.extend(Opener::after(case).within_working_days(kind, context.today, key, context)?);
        }
        Ok(events)
    }
}
