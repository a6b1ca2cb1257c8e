//! The participant objects to a result on the spot.

use jiff::civil::Date;
use serde::Serialize;

use super::{ResultObjected, TestOutcome, TestState, find, misfit};
use crate::calendar::add_days;
use crate::case::event::CaseEvent;
use crate::case::rules::{check_actor, check_day_from};
use crate::case::state::Case;
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Records an objection to a positive result on the spot, within policy `tests.objection_days` of being told (吸毒检测程序规定:
/// three days); what a laboratory finds decides.
#[derive(Clone, Debug, Serialize)]
pub struct LodgeObjection {
    /// Which test.
    pub test: u32,
    /// Day.
    pub on: Date,
}

impl Command for LodgeObjection {
    type Aggregate = Case;
    const NAME: &'static str = "LodgeObjection";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_actor(case, &[Role::CaseWorker, Role::Supervisor], context)?;
        let test = find(case, self.test)?;
        let told_on = match (&test.state, test.told_on) {
            (TestState::Field(TestOutcome::Positive), Some(told_on)) if test.objected_on.is_none() => told_on,
            _ => return Err(misfit()),
        };
        check_day_from("on", self.on, Some(told_on), context)?;
        let days = context.policy.number("tests.objection_days", told_on)?.value;
        let last = add_days(told_on, i32::try_from(days).unwrap_or(i32::MAX));
        if self.on > last {
            return Err(Rejection::of(Reason::ObjectionTooLate, "on").with("last", last));
        }
        Ok(vec![
            ResultObjected {
                test: self.test,
                on: self.on,
            }
            .into(),
        ])
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::super::tests::{noticed, result, sample};
    use super::super::{TestStage, TestState};
    use super::*;

    #[test]
    fn three_days_to_object_and_a_laboratory_decides() {
        let positive = noticed()
            .then(&sample())
            .then(&result(TestStage::Field, TestOutcome::Positive))
            .on(date(2026, 3, 9));
        let object = |on| LodgeObjection { test: 1, on };
        assert_eq!(positive.reason(&object(date(2026, 3, 6))), Reason::ObjectionTooLate);
        let objected = positive.then(&object(date(2026, 3, 5)));
        assert_eq!(objected.reason(&object(date(2026, 3, 5))), Reason::TestDoesNotFit);
        let decided = objected.then(&result(TestStage::Laboratory, TestOutcome::Negative));
        assert_eq!(
            decided.state().tests[0].state,
            TestState::Laboratory(TestOutcome::Negative)
        );
    }

    #[test]
    fn nobody_objects_to_a_negative_result() {
        let negative = noticed()
            .then(&sample())
            .then(&result(TestStage::Field, TestOutcome::Negative));
        let object = LodgeObjection {
            test: 1,
            on: date(2026, 3, 2),
        };
        assert_eq!(negative.reason(&object), Reason::TestDoesNotFit);
    }
}
