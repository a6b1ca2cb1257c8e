//! The order is served on the person; from then on they have to report.

use jiff::civil::Date;
use serde::Serialize;

use super::event::CaseEvent;
use super::obligation::{Debtor, ObligationKind};
use super::order::OrderServed;
use super::rules::{Opener, check_actor, check_day_from, check_stage};
use super::stage::Stage;
use super::state::Case;
use crate::calendar::due_day;
use crate::kernel::{Command, Context, Role};
use crate::rejection::Rejection;

/// Records service of the order on the person; opens the obligation to report within 15 days (戒毒条例 14).
#[derive(Clone, Debug, Serialize)]
pub struct RecordService {
    /// Day of service.
    pub on: Date,
}

impl Command for RecordService {
    type Aggregate = Case;
    const NAME: &'static str = "RecordService";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_actor(case, &[Role::CaseWorker, Role::Supervisor], context)?;
        check_stage(case, &[Stage::Ordered])?;
        check_day_from("on", self.on, case.notified_on, context)?;
        let programme = case.programme.map_or("CD", |programme| programme.as_str());
        let key = format!("report_in.days.{programme}");
        let days = context.policy.number(&key, self.on)?;
        let roll = context.policy.flag("report_in.roll_on_holiday", self.on)?.value;
        let due = due_day(
            context.policy,
            self.on,
            i32::try_from(days.value).unwrap_or(i32::MAX),
            roll,
        );
        let source = format!("{} {key}", days.pack);
        Ok(vec![
            OrderServed { on: self.on }.into(),
            Opener::after(case).open(ObligationKind::ReportIn, Debtor::Participant, (self.on, due), source),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::tests::order;
    use crate::rejection::Reason;
    use crate::spec::given;
    use jiff::civil::date;

    #[test]
    fn service_opens_the_obligation_to_report_within_fifteen_days() {
        let served = given::<Case>([])
            .then(&order())
            .then(&RecordService { on: date(2026, 3, 2) });
        let due = served
            .state()
            .open(ObligationKind::ReportIn)
            .expect("is open")
            .window_to;
        assert_eq!(
            (served.state().stage, due),
            (Stage::AwaitingReportIn, date(2026, 3, 17))
        );
    }

    #[test]
    fn nothing_is_served_before_the_order_came_or_twice() {
        let ordered = given::<Case>([]).then(&order());
        assert_eq!(
            ordered.reason(&RecordService { on: date(2026, 2, 1) }),
            Reason::OccurredBeforeCase
        );
        let served = ordered.then(&RecordService { on: date(2026, 3, 2) });
        assert_eq!(served.reason(&RecordService { on: date(2026, 3, 2) }), Reason::BadState);
        assert_eq!(
            given::<Case>([]).reason(&RecordService { on: date(2026, 3, 2) }),
            Reason::CaseNotFound
        );
    }
}
