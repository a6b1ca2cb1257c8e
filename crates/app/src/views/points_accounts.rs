//! Points accounts: balance and lots.

use serde::{Deserialize, Serialize};
use waystation_domain::case::CaseEvent;
use waystation_domain::points::{Lot, PointsEvent};
use waystation_domain::{Date, Fact};

use crate::recorded::Recorded;
use crate::view::{Keys, View};

/// The points accounts view.
pub struct PointsAccounts;

/// One account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountSummary {
    /// Station of the last change.
    pub station: String,
    /// Lots with unspent points, first-expiring first.
    pub lots: Vec<Lot>,
    /// Account `ISSUE`: minus all points ever given.
    pub issue: i64,
    /// Account `REDEEMED`.
    pub redeemed: i64,
    /// Account `EXPIRED`.
    pub expired: i64,
    /// Account `WRITE_OFF`.
    pub write_off: i64,
    /// Redemptions that may still be cancelled: number and the lots to give back to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    redemptions: Vec<(u32, Vec<Lot>)>,
    /// Revision of the account's stream.
    pub revision: u64,
}

impl AccountSummary {
    /// Unspent points.
    pub fn balance(&self) -> i64 {
        self.lots.iter().map(|lot| lot.remaining).sum()
    }

    /// Σ over the five accounts; zero, always.
    pub fn sum(&self) -> i64 {
        self.issue + self.balance() + self.redeemed + self.expired + self.write_off
    }

    fn put(&mut self, number: u32, amount: i64, expires_on: Date) {
        match self.lots.iter_mut().find(|lot| lot.number == number) {
            Some(lot) => lot.remaining += amount,
            None => self.lots.push(Lot {
                number,
                remaining: amount,
                expires_on,
            }),
        }
    }

    /// Takes points from a lot; says what was taken, and when it would have expired.
    fn take(&mut self, number: u32, amount: i64) -> Option<Lot> {
        let lot = self.lots.iter_mut().find(|lot| lot.number == number)?;
        lot.remaining -= amount;
        Some(Lot {
            remaining: amount,
            ..lot.clone()
        })
    }
}

/// Keys of the points accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum PointsAccountsKey {
    /// station, person.
    Station = 0,
    /// person, for lists over all stations.
    Person = 2,
    /// Earliest last day of a lot, person; what the clock works from.
    Expiry = 1,
}

impl View for PointsAccounts {
    type Document = AccountSummary;
    const NAME: &'static str = "points_accounts";
    const VERSION: u32 = 2;

    fn touched(recorded: &Recorded) -> Vec<String> {
        match recorded.fact {
            Fact::Points(_) => vec![recorded.id().to_owned()],
            Fact::Case(CaseEvent::TransferReportedIn(ref fact)) => vec![fact.person.clone()],
            _ => Vec::new(),
        }
    }

    fn apply(_: &str, document: Option<AccountSummary>, recorded: &Recorded) -> Option<AccountSummary> {
        let event = match &recorded.fact {
            Fact::Points(event) => event,
            Fact::Case(CaseEvent::TransferReportedIn(fact)) => {
                let station = fact.to_station.clone();
                return document.map(|account| AccountSummary { station, ..account });
            }
            _ => return document,
        };
        let mut account = document.unwrap_or_default();
        account.station.clone_from(&recorded.metadata.station);
        account.revision = recorded.event.revision;
        match event {
            PointsEvent::PointsAwarded(fact) => {
                account.issue -= fact.amount;
                account.put(fact.award, fact.amount, fact.expires_on);
            }
            PointsEvent::PointsAwardReversed(fact) => {
                account.issue += fact.amount + fact.written_off;
                account.write_off -= fact.written_off;
                account.take(fact.award, fact.amount);
            }
            PointsEvent::PointsRedeemed(fact) => {
                account.redeemed += fact.amount;
                let used = fact
                    .lots
                    .iter()
                    .filter_map(|used| account.take(used.lot, used.amount))
                    .collect();
                account.redemptions.push((fact.redemption, used));
            }
            PointsEvent::RedemptionCancelled(fact) => {
                account.redeemed -= fact.returned + fact.expired;
                account.expired += fact.expired;
                if let Some(at) = account
                    .redemptions
                    .iter()
                    .position(|(number, _)| *number == fact.redemption)
                {
                    for lot in account.redemptions.remove(at).1 {
                        if lot.expires_on >= fact.on {
                            account.put(lot.number, lot.remaining, lot.expires_on);
                        }
                    }
                }
            }
            PointsEvent::PointsExpired(fact) => {
                account.expired += fact.amount;
                account.take(fact.lot, fact.amount);
            }
        }
        account.lots.retain(|lot| lot.remaining != 0);
        account.lots.sort_by_key(|lot| (lot.expires_on, lot.number));
        Some(account)
    }

    fn keys(id: &str, account: &AccountSummary, keys: &mut Keys) {
        keys.add(PointsAccountsKey::Station as u16, &[&account.station, id]);
        keys.add(PointsAccountsKey::Person as u16, &[id]);
        if let Some(lot) = account.lots.first() {
            keys.add(PointsAccountsKey::Expiry as u16, &[&lot.expires_on.to_string(), id]);
        }
    }
}
