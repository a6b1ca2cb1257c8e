//! Points by rule, for something that happened.

use jiff::civil::Date;
use serde::Serialize;

use super::event::{PointsAwarded, PointsEvent};
use super::rules::{award, check_cap, next_lot};
use super::state::PointsAccount;
use crate::case::rules::{check_day, check_role, check_text};
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// The rewarded event, as the log holds it; looked up by whoever passes the command on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Basis {
    /// `case-<id>/<revision>`.
    pub event: String,
    /// Its type.
    pub event_type: String,
    /// Person it is about.
    pub person: String,
    /// Day it happened.
    pub on: Date,
}

/// Awards what policy gives for an event. One event is rewarded once under one rule.
#[derive(Clone, Debug, Serialize)]
pub struct AwardPoints {
    /// Person.
    pub person: String,
    /// Rule: `check_in` or `talk`.
    pub rule: String,
    /// What is rewarded.
    pub basis: Basis,
}

/// Event types, of whatever version, that each rule rewards.
const RULES: [(&str, &str); 2] = [("check_in", "case.check_in_recorded"), ("talk", "case.talk_recorded")];

impl Command for AwardPoints {
    type Aggregate = PointsAccount;
    const NAME: &'static str = "AwardPoints";

    fn decide(&self, account: &PointsAccount, context: &Context<'_>) -> Result<Vec<PointsEvent>, Rejection> {
        check_role(&[Role::CaseWorker, Role::Supervisor], context)?;
        check_text("person", &self.person)?;
        let on = self.basis.on;
        check_day("basis", on, context)?;
        let Some((_, rewarded)) = RULES.iter().find(|(rule, _)| *rule == self.rule) else {
            return Err(Rejection::of(Reason::RuleUnknown, "rule"));
        };
        let kind = self.basis.event_type.rsplit_once(".v").map(|(kind, _)| kind);
        if kind != Some(*rewarded) {
            return Err(Rejection::of(Reason::BasisWrongKind, "basis").with("expected", rewarded));
        }
        if self.basis.person != self.person {
            return Err(Rejection::of(Reason::BasisOfAnother, "basis"));
        }
        let basis = Some(self.basis.event.clone());
        if account
            .awards
            .iter()
            .any(|award| award.rule == self.rule && award.basis == basis)
        {
            return Err(Rejection::of(Reason::AlreadyAwarded, "basis"));
        }
        let key = format!("points.award.{}", self.rule);
        let amount = context.policy.number(&key, on)?;
        check_cap(account, on, amount.value, context)?;
        let lot = next_lot(account, on, context)?;
        let source = format!("{} {key}", amount.pack);
        let fact = PointsAwarded {
            rule: self.rule.clone(),
            basis,
            ..award(lot, &self.person, on, amount.value, source)
        };
        Ok(vec![fact.into()])
    }
}
