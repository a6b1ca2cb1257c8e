//! What a points account is, folded from its events.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::event::{LotUse, PointsEvent};
use crate::kernel::Aggregate;

/// Points of one award that are still unspent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lot {
    /// Number: the award's.
    pub number: u32,
    /// Unspent points.
    pub remaining: i64,
    /// Last day on which they can be spent.
    pub expires_on: Date,
}

/// An award, as far as later decisions need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Award {
    /// Number.
    pub number: u32,
    /// Day of what was rewarded.
    pub on: Date,
    /// Points.
    pub amount: i64,
    /// Rule.
    pub rule: String,
    /// Rewarded event.
    pub basis: Option<String>,
    /// It was reversed.
    pub reversed: bool,
    /// Last day of its lot.
    pub expires_on: Date,
}

/// A redemption, as far as later decisions need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redemption {
    /// Number.
    pub number: u32,
    /// Day.
    pub on: Date,
    /// Lots it used.
    pub lots: Vec<LotUse>,
    /// It was cancelled.
    pub cancelled: bool,
}

/// The state of a points account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PointsAccount {
    /// Person; empty before the first award.
    pub person: String,
    /// Lots with unspent points.
    pub lots: Vec<Lot>,
    /// All awards.
    pub awards: Vec<Award>,
    /// All redemptions.
    pub redemptions: Vec<Redemption>,
    /// Account `ISSUE`: minus all points ever given.
    pub issue: i64,
    /// Account `REDEEMED`.
    pub redeemed: i64,
    /// Account `EXPIRED`.
    pub expired: i64,
    /// Account `WRITE_OFF`: minus what could not be taken back.
    pub write_off: i64,
}

impl PointsAccount {
    /// The person's account: unspent points, expired ones included until the clock moves them.
    pub fn balance(&self) -> i64 {
        self.lots.iter().map(|lot| lot.remaining).sum()
    }

    /// Σ over the five accounts; zero, always.
    pub fn sum(&self) -> i64 {
        self.issue + self.balance() + self.redeemed + self.expired + self.write_off
    }

    fn lot(&mut self, number: u32, expires_on: Date) -> &mut Lot {
        let at = self
            .lots
            .iter()
            .position(|lot| lot.number == number)
            .unwrap_or_else(|| {
                self.lots.push(Lot {
                    number,
                    remaining: 0,
                    expires_on,
                });
                self.lots.len() - 1
            });
        &mut self.lots[at]
    }

    /// Last day of an award's lot; the lot itself may be empty and gone.
    pub(super) fn lot_expires_on(&self, number: u32) -> Option<Date> {
        self.awards
            .iter()
            .find(|award| award.number == number)
            .map(|award| award.expires_on)
    }
}

impl Aggregate for PointsAccount {
    const CATEGORY: &'static str = "points";
    type Event = PointsEvent;

    fn subject<'a>(&'a self, id: &'a str) -> &'a str {
        id
    }

    fn evolve(&mut self, event: &PointsEvent) {
        match event {
            PointsEvent::PointsAwarded(fact) => {
                self.person.clone_from(&fact.person);
                self.issue -= fact.amount;
                self.lot(fact.award, fact.expires_on).remaining += fact.amount;
                self.awards.push(Award {
                    number: fact.award,
                    on: fact.on,
                    amount: fact.amount,
                    rule: fact.rule.clone(),
                    basis: fact.basis.clone(),
                    reversed: false,
                    expires_on: fact.expires_on,
                });
            }
            PointsEvent::PointsAwardReversed(fact) => {
                self.issue += fact.amount + fact.written_off;
                self.write_off -= fact.written_off;
                for lot in self.lots.iter_mut().filter(|lot| lot.number == fact.award) {
                    lot.remaining -= fact.amount;
                }
                for award in self.awards.iter_mut().filter(|award| award.number == fact.award) {
                    award.reversed = true;
                }
            }
            PointsEvent::PointsRedeemed(fact) => {
                self.redeemed += fact.amount;
                for used in &fact.lots {
                    for lot in self.lots.iter_mut().filter(|lot| lot.number == used.lot) {
                        lot.remaining -= used.amount;
                    }
                }
                self.redemptions.push(Redemption {
                    number: fact.redemption,
                    on: fact.on,
                    lots: fact.lots.clone(),
                    cancelled: false,
                });
            }
            PointsEvent::RedemptionCancelled(fact) => {
                self.redeemed -= fact.returned + fact.expired;
                self.expired += fact.expired;
                let Some(at) = self.redemptions.iter().position(|r| r.number == fact.redemption) else {
                    return;
                };
                self.redemptions[at].cancelled = true;
                for used in self.redemptions[at].lots.clone() {
                    if let Some(expires_on) = self.lot_expires_on(used.lot).filter(|last| *last >= fact.on) {
                        self.lot(used.lot, expires_on).remaining += used.amount;
                    }
                }
            }
            PointsEvent::PointsExpired(fact) => {
                self.expired += fact.amount;
                self.lots.retain(|lot| lot.number != fact.lot);
            }
        }
        self.lots.retain(|lot| lot.remaining != 0);
    }
}
