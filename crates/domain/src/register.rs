//! Registers of a station (台账): what was done in its cases, a line each, folded from the events of each case when somebody asks,
//! so that a register of any moment is as it was then. What a line says of people's reasons and words stays sealed.

mod absences;
mod breaches;
mod contacts;
mod counters;
mod drug_tests;
mod risks;
mod years;

use jiff::civil::Date;

use crate::case::{Case, CaseEvent, Obligation, ObligationKind};
use crate::finding::Told;
use crate::policy::Policy;
use crate::rejection::Rejection;

pub use absences::{AbsenceEntry, AbsenceFilter, AbsenceStanding};
pub use breaches::{BreachEntry, BreachFilter, BreachStanding, ReferralGround, WarningGiven};
pub use contacts::{ContactEntry, ContactFilter, ContactKind};
pub use counters::{CounterEntry, CounterFilter, NEAR_DAYS};
pub use drug_tests::{ResultRead, TestEntry, TestFilter, TestStanding};
pub use risks::{RiskEntry, RiskFilter};
pub use years::{YearEntry, YearFilter};

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

/// Number of the obligation of a kind that an event met, if it met one: what was owed is met right behind it.
fn met_by(history: &[Told], at: usize, case: &Case, kind: ObligationKind) -> Option<u32> {
    let CaseEvent::ObligationFulfilled(fact) = &history.get(at + 1)?.event else {
        return None;
    };
    let mut owed = case.obligations.iter();
    let met = owed.find(|owed| (owed.number, owed.kind) == (fact.number, kind))?;
    Some(met.number)
}

/// The obligation that is met all the same after the event at `at`, if it is not owed again.
fn still_met<'a>(history: &[Told], at: usize, case: &'a Case, number: u32) -> Option<&'a Obligation> {
    let mut behind = history[at + 1..].iter().map_while(|told| match &told.event {
        CaseEvent::ObligationReopened(fact) => Some(Some(fact.number)),
        CaseEvent::ObligationCancelled(_) | CaseEvent::ObligationPastDue(_) => Some(None),
        _ => None,
    });
    if behind.any(|reopened| reopened == Some(number)) {
        return None;
    }
    let mut met = case.met.iter();
    met.find(|met| met.owed.number == number).map(|met| &met.owed)
}
