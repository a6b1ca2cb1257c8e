//! An award given in error is taken back, as far as it is unspent; never as a punishment.

use jiff::civil::Date;
use serde::Serialize;

use super::event::{PointsAwardReversed, PointsEvent};
use super::state::PointsAccount;
use crate::case::rules::{check_day, check_role, check_text};
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Reverses an award whose basis was wrong. What is spent is written off, not owed.
#[derive(Clone, Debug, Serialize)]
pub struct ReverseAward {
    /// Which award.
    pub award: u32,
    /// Day of the reversal.
    pub on: Date,
    /// Reason.
    pub reason: String,
}

impl Command for ReverseAward {
    type Aggregate = PointsAccount;
    const NAME: &'static str = "ReverseAward";

    fn decide(&self, account: &PointsAccount, context: &Context<'_>) -> Result<Vec<PointsEvent>, Rejection> {
        check_role(&[Role::Supervisor], context)?;
        check_day("on", self.on, context)?;
        check_text("reason", &self.reason)?;
        let award = account.awards.iter().find(|award| award.number == self.award);
        let award = award.ok_or_else(|| Rejection::of(Reason::AwardNotFound, "award"))?;
        if award.reversed {
            return Err(Rejection::of(Reason::AwardReversed, "award"));
        }
        let unspent = account
            .lots
            .iter()
            .find(|lot| lot.number == self.award)
            .map_or(0, |lot| lot.remaining);
        let fact = PointsAwardReversed {
            award: self.award,
            on: self.on,
            amount: unspent,
            written_off: award.amount - unspent,
            reason: (&self.reason).into(),
        };
        Ok(vec![fact.into()])
    }
}
