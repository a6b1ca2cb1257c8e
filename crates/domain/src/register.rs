//! Registers of a station (台账): what was done in its cases, a line each, folded from the events of each case when somebody asks,
//! so that a register of any moment is as it was then. What a line says of people's reasons and words stays sealed.

mod absences;
mod breaches;
mod contacts;
mod counters;
mod drug_tests;
mod risks;

use jiff::civil::Date;

use crate::case::CaseEvent;
use crate::finding::Told;
use crate::policy::Policy;
use crate::rejection::Rejection;

pub use absences::{AbsenceEntry, AbsenceFilter, AbsenceStanding};
pub use breaches::{BreachEntry, BreachFilter, BreachStanding, ReferralGround, WarningGiven};
pub use contacts::{ContactEntry, ContactFilter, ContactKind};
pub use counters::{CounterEntry, CounterFilter, NEAR_DAYS};
pub use drug_tests::{ResultRead, TestEntry, TestFilter, TestStanding};
pub use risks::{RiskEntry, RiskFilter};

/// A line of a register.
pub trait Entry: Sized + Send {
    /// Which lines somebody asks for; all of them by default.
    type Filter: Default + Sync;

    /// The lines of one case, from its events oldest first, as they stand on a day under the rules of a station.
    ///
    /// # Errors
    /// [`crate::Reason::PolicyNotInForce`].
    fn of_case(history: &[Told], day: Date, policy: &Policy) -> Result<Vec<Self>, Rejection>;

    /// The day that the line stands under.
    fn on(&self) -> Date;

    /// What sets it apart from the other lines of its case.
    fn number(&self) -> u64;

    /// Whether it is among those that are asked for.
    fn is_among(&self, filter: &Self::Filter) -> bool;

    /// Days that a register adds up; 0 where it adds up nothing.
    fn days(&self) -> i64 {
        0
    }
}

/// Numbers of the obligations that the event at `at` met: those that follow it, because no append begins with one that is met.
fn met_by(history: &[Told], at: usize) -> Vec<u32> {
    let follow = history[at + 1..].iter().map(|told| &told.event);
    let follow = follow.take_while(|event| {
        matches!(
            event,
            CaseEvent::ObligationFulfilled(_) | CaseEvent::ObligationOpened(_) | CaseEvent::ObligationCancelled(_)
        )
    });
    let met = follow.filter_map(|event| match event {
        CaseEvent::ObligationFulfilled(fact) => Some(fact.number),
        _ => None,
    });
    met.collect()
}
