//! What several commands of a points account share.

use jiff::civil::Date;

use super::event::PointsAwarded;
use super::state::PointsAccount;
use crate::calendar::add_months;
use crate::kernel::Context;
use crate::personal::Personal;
use crate::rejection::{Reason, Rejection};

/// Most points of one award or redemption.
pub(super) const AMOUNT_MAX: i64 = 100_000;

pub(super) fn check_amount(field: &'static str, amount: i64) -> Result<(), Rejection> {
    if (1..=AMOUNT_MAX).contains(&amount) {
        Ok(())
    } else {
        Err(Rejection::of(Reason::AmountOutOfRange, field))
    }
}

/// Refuses what would exceed `points.cap_month` in the month of `on`.
pub(super) fn check_cap(
    account: &PointsAccount,
    on: Date,
    amount: i64,
    context: &Context<'_>,
) -> Result<(), Rejection> {
    let cap = context.policy.number("points.cap_month", on)?.value;
    let month = account
        .awards
        .iter()
        .filter(|award| !award.reversed && (award.on.year(), award.on.month()) == (on.year(), on.month()));
    let awarded: i64 = month.map(|award| award.amount).sum();
    if awarded + amount > cap {
        return Err(Rejection::from(Reason::CapReached)
            .with("cap", cap)
            .with("awarded", awarded));
    }
    Ok(())
}

/// The number of the next award, and the last day of its lot.
pub(super) fn next_lot(account: &PointsAccount, on: Date, context: &Context<'_>) -> Result<(u32, Date), Rejection> {
    let months = context.policy.number("points.expiry_months", on)?.value;
    let expires_on = add_months(on, i32::try_from(months).unwrap_or(12));
    Ok((account.awards.len() as u32 + 1, expires_on))
}

/// An award with what is the same for all kinds.
pub(super) fn award(lot: (u32, Date), person: &str, on: Date, amount: i64, source: String) -> PointsAwarded {
    PointsAwarded {
        award: lot.0,
        person: person.to_owned(),
        on,
        amount,
        rule: String::new(),
        basis: None,
        reason: Personal::default(),
        approved_by: None,
        expires_on: lot.1,
        source,
    }
}
