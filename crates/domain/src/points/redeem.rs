//! Points are spent in the points store.

use jiff::civil::Date;
use serde::Serialize;

use super::event::{ItemLine, LotUse, PointsEvent, PointsRedeemed};
use super::rules::check_amount;
use super::state::{Lot, PointsAccount};
use crate::case::rules::{check_code, check_day, check_role};
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Most lines of one redemption.
const LINES_MAX: usize = 50;

/// Spends unexpired points, from the lot that expires first.
#[derive(Clone, Debug, Serialize)]
pub struct RedeemPoints {
    /// Day.
    pub on: Date,
    /// What for; 1 to 50 lines.
    pub lines: Vec<ItemLine>,
}

impl Command for RedeemPoints {
    type Aggregate = PointsAccount;
    const NAME: &'static str = "RedeemPoints";

    fn decide(&self, account: &PointsAccount, context: &Context<'_>) -> Result<Vec<PointsEvent>, Rejection> {
        check_role(&[Role::StoreKeeper, Role::Supervisor], context)?;
        if account.person.is_empty() {
            return Err(Reason::AccountNotFound.into());
        }
        check_day("on", self.on, context)?;
        if self.lines.is_empty() {
            return Err(Rejection::of(Reason::ListEmpty, "lines"));
        }
        if self.lines.len() > LINES_MAX {
            return Err(Rejection::of(Reason::FieldInvalid, "lines").with("expected", "at most 50 lines"));
        }
        let banned = context.policy.list("points.banned", self.on)?.value;
        let mut amount = 0;
        for line in &self.lines {
            check_code("lines.sku", &line.sku)?;
            check_code("lines.kind", &line.kind)?;
            check_amount("lines.quantity", line.quantity)?;
            check_amount("lines.points", line.points)?;
            if banned.contains(&line.kind) {
                return Err(Rejection::of(Reason::ItemBanned, "lines.kind").with("kind", &line.kind));
            }
            amount += line.points;
        }
        check_amount("lines.points", amount)?;
        let mut spendable: Vec<&Lot> = account.lots.iter().filter(|lot| lot.expires_on >= self.on).collect();
        spendable.sort_by_key(|lot| (lot.expires_on, lot.number));
        let available: i64 = spendable.iter().map(|lot| lot.remaining).sum();
        if amount > available {
            let no = Rejection::of(Reason::BalanceTooLow, "lines");
            return Err(no.with("available", available).with("wanted", amount));
        }
        let mut lots = Vec::new();
        let mut wanted = amount;
        for lot in spendable {
            let used = lot.remaining.min(wanted);
            if used > 0 {
                lots.push(LotUse {
                    lot: lot.number,
                    amount: used,
                });
                wanted -= used;
            }
        }
        let redemption = account.redemptions.len() as u32 + 1;
        Ok(vec![
            PointsRedeemed {
                redemption,
                on: self.on,
                lines: self.lines.clone(),
                lots,
                amount,
            }
            .into(),
        ])
    }
}
