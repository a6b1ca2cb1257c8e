//! A redemption is undone; the points go back where they came from.

use jiff::civil::Date;
use serde::Serialize;

use super::event::{PointsEvent, RedemptionCancelled};
use super::state::PointsAccount;
use crate::case::rules::{check_day, check_role};
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Cancels a redemption: on its day by whoever may redeem, later by a supervisor.
#[derive(Clone, Debug, Serialize)]
pub struct CancelRedemption {
    /// Which redemption.
    pub redemption: u32,
    /// Day.
    pub on: Date,
}

impl Command for CancelRedemption {
    type Aggregate = PointsAccount;
    const NAME: &'static str = "CancelRedemption";

    fn decide(&self, account: &PointsAccount, context: &Context<'_>) -> Result<Vec<PointsEvent>, Rejection> {
        check_role(&[Role::StoreKeeper, Role::Supervisor], context)?;
        check_day("on", self.on, context)?;
        let found = account
            .redemptions
            .iter()
            .find(|redemption| redemption.number == self.redemption);
        let redemption = found.ok_or_else(|| Rejection::of(Reason::RedemptionNotFound, "redemption"))?;
        if redemption.cancelled {
            return Err(Rejection::of(Reason::RedemptionCancelled, "redemption"));
        }
        if self.on < redemption.on {
            return Err(Rejection::of(Reason::OccurredBeforeCase, "on").with("earliest", redemption.on));
        }
        if self.on != redemption.on && check_role(&[Role::Supervisor], context).is_err() {
            return Err(Reason::CancelTooLate.into());
        }
        let alive = |lot: u32| account.lot_expires_on(lot).is_some_and(|last| last >= self.on);
        let returned = redemption
            .lots
            .iter()
            .filter(|used| alive(used.lot))
            .map(|used| used.amount)
            .sum();
        let expired = redemption
            .lots
            .iter()
            .filter(|used| !alive(used.lot))
            .map(|used| used.amount)
            .sum();
        Ok(vec![
            RedemptionCancelled {
                redemption: self.redemption,
                on: self.on,
                returned,
                expired,
            }
            .into(),
        ])
    }
}
