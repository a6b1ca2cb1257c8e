//! The clock moves points whose last day has passed.

use serde::Serialize;

use super::event::{PointsEvent, PointsExpired};
use super::state::PointsAccount;
use crate::case::rules::check_role;
use crate::kernel::{Command, Context};
use crate::rejection::Rejection;

/// Expires every lot whose last day is before today. Only the clock asks for it.
#[derive(Clone, Debug, Serialize)]
pub struct ExpirePoints {}

impl Command for ExpirePoints {
    type Aggregate = PointsAccount;
    const NAME: &'static str = "ExpirePoints";

    fn decide(&self, account: &PointsAccount, context: &Context<'_>) -> Result<Vec<PointsEvent>, Rejection> {
        check_role(&[], context)?;
        let over = account.lots.iter().filter(|lot| lot.expires_on < context.today);
        let expire = |lot: &super::state::Lot| {
            let (lot, expired_on, amount) = (lot.number, lot.expires_on, lot.remaining);
            PointsExpired {
                lot,
                expired_on,
                amount,
                detected_on: context.today,
            }
            .into()
        };
        Ok(over.map(expire).collect())
    }
}
