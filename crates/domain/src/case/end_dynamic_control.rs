//! Whoever did not relapse for three years is not dynamically controlled any more (戒毒条例 7).

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::event::CaseEvent;
use super::rules::{check_actor, check_day, check_day_from, check_stage};
use super::stage::Stage;
use super::state::Case;
use crate::calendar::add_months;
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// From when the years are counted; provinces differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ControlAnchor {
    /// The day of being seized.
    Seizure,
    /// The day from which the order was carried out.
    ExecutionStart,
    /// The day of release.
    Release,
}

/// Dynamic control has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DynamicControlEnded {
    /// Day.
    pub on: Date,
    /// From when the months are counted.
    pub anchor: ControlAnchor,
    /// That day.
    pub anchor_on: Date,
}

/// Records that dynamic control has ended; months are those of policy `dynamic_control.clear_after_months`. Not after a relapse
/// in this case.
#[derive(Clone, Debug, Serialize)]
pub struct EndDynamicControl {
    /// Day.
    pub on: Date,
    /// From when the months are counted.
    pub anchor: ControlAnchor,
    /// That day.
    pub anchor_on: Date,
}

impl Command for EndDynamicControl {
    type Aggregate = Case;
    const NAME: &'static str = "EndDynamicControl";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_actor(case, &[Role::Supervisor], context)?;
        check_stage(case, &[Stage::Discharged])?;
        if case.dynamic_control_ended {
            return Err(Reason::ControlEnded.into());
        }
        if !case.relapses.is_empty() {
            return Err(Reason::RelapseOnRecord.into());
        }
        check_day_from("on", self.on, case.ended_on, context)?;
        let began = case
            .reported_on
            .filter(|_| self.anchor == ControlAnchor::ExecutionStart);
        if began.is_some_and(|began| began != self.anchor_on) {
            let no = Rejection::of(Reason::FieldInvalid, "anchor_on");
            return Err(no.with("expected", "the day of reporting, from which the order was carried out"));
        }
        check_day("anchor_on", self.anchor_on, context)?;
        let months = context
            .policy
            .number("dynamic_control.clear_after_months", self.on)?
            .value;
        let earliest = add_months(self.anchor_on, i32::try_from(months).unwrap_or(i32::MAX));
        if self.on < earliest {
            return Err(Rejection::of(Reason::NotExpired, "on").with("earliest", earliest));
        }
        Ok(vec![
            DynamicControlEnded {
                on: self.on,
                anchor: self.anchor,
                anchor_on: self.anchor_on,
            }
            .into(),
        ])
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::case::tests::active;
    use crate::case::{RecordDischargeNotice, Review};
    use crate::spec::Given;

    /// The term ran from 2026-03-02 to 2029-03-02.
    fn discharged() -> Given<Case> {
        active()
            .on(date(2029, 3, 5))
            .by("clock", Role::System)
            .then(&Review {})
            .by("leader-1", Role::Supervisor)
            .then(&RecordDischargeNotice {
                issued_on: date(2029, 3, 3),
                received_on: date(2029, 3, 5),
                notice_no: "解-1".into(),
            })
    }

    #[test]
    fn three_years_from_the_start_of_the_order_and_not_a_day_less() {
        let end = |anchor_on| EndDynamicControl {
            on: date(2029, 3, 5),
            anchor: ControlAnchor::ExecutionStart,
            anchor_on,
        };
        assert_eq!(discharged().reason(&end(date(2020, 1, 1))), Reason::FieldInvalid);
        let released = EndDynamicControl {
            anchor: ControlAnchor::Release,
            ..end(date(2026, 3, 6))
        };
        assert_eq!(discharged().reason(&released), Reason::NotExpired);
        let ended = discharged().then(&end(date(2026, 3, 2)));
        assert_eq!(ended.reason(&end(date(2026, 3, 2))), Reason::ControlEnded);
        let running = active().by("leader-1", Role::Supervisor);
        assert_eq!(running.reason(&end(date(2026, 3, 2))), Reason::BadState);
    }
}
