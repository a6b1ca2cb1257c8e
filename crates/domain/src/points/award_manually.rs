//! Points by judgement, with a reason and, above a limit, a second person.

use jiff::civil::Date;
use serde::Serialize;

use super::event::{PointsAwarded, PointsEvent};
use super::rules::{award, check_amount, check_cap, next_lot};
use super::state::PointsAccount;
use crate::case::rules::{check_code, check_day, check_role, check_text};
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Awards points without a rule.
#[derive(Clone, Debug, Serialize)]
pub struct AwardManually {
    /// Person.
    pub person: String,
    /// Day of what is rewarded.
    pub on: Date,
    /// Points, 1 to 100,000 and within the month's cap.
    pub amount: i64,
    /// Reason.
    pub reason: String,
    /// Staff id of the approver; required above policy `points.manual_limit`.
    pub approved_by: Option<String>,
}

impl Command for AwardManually {
    type Aggregate = PointsAccount;
    const NAME: &'static str = "AwardManually";

    fn decide(&self, account: &PointsAccount, context: &Context<'_>) -> Result<Vec<PointsEvent>, Rejection> {
        check_role(&[Role::CaseWorker, Role::Supervisor], context)?;
        check_text("person", &self.person)?;
        check_day("on", self.on, context)?;
        check_amount("amount", self.amount)?;
        check_text("reason", &self.reason)?;
        let limit = context.policy.number("points.manual_limit", context.today)?;
        match &self.approved_by {
            Some(approver) => {
                check_code("approved_by", approver)?;
                if *approver == context.actor.id {
                    return Err(Rejection::of(Reason::SamePersonForbidden, "approved_by"));
                }
            }
            None if self.amount > limit.value => {
                let no = Rejection::of(Reason::SecondPersonRequired, "approved_by");
                return Err(no.with("limit", limit.value));
            }
            None => {}
        }
        check_cap(account, self.on, self.amount, context)?;
        let lot = next_lot(account, self.on, context)?;
        let source = format!("{} points.manual_limit", limit.pack);
        let fact = PointsAwarded {
            rule: "MANUAL".into(),
            reason: (&self.reason).into(),
            approved_by: self.approved_by.clone(),
            ..award(lot, &self.person, self.on, self.amount, source)
        };
        Ok(vec![fact.into()])
    }
}
