//! What counts towards a serious breach, beside its threshold.

use jiff::civil::Date;

use super::BreachGround;
use crate::case::state::Case;
use crate::case::{absence, drug_test};
use crate::policy::{Policy, Sourced};
use crate::rejection::Rejection;

impl BreachGround {
    fn key(self) -> &'static str {
        match self {
            BreachGround::TestRefusals => "breach.serious.test_refusals_gte",
            BreachGround::Absences => "breach.serious.unauthorised_absences_gte",
            BreachGround::AbsenceDays => "breach.serious.unauthorised_days_gt",
        }
    }

    /// Whether a count is a serious breach: as many times as the threshold, or more days.
    pub(crate) fn is_reached(self, count: i64, threshold: i64) -> bool {
        match self {
            BreachGround::AbsenceDays => count > threshold,
            BreachGround::TestRefusals | BreachGround::Absences => count >= threshold,
        }
    }

    /// Whether both are counted from tests, or both from absences: tests and absences are numbered apart.
    pub(crate) fn is_like(self, other: Self) -> bool {
        let of_tests = |ground| ground == BreachGround::TestRefusals;
        of_tests(self) == of_tests(other)
    }
}

/// A counter of a case beside its threshold: what everybody who decides or asks reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counter {
    /// Which.
    pub ground: BreachGround,
    /// Times, or days.
    pub count: i64,
    /// Numbers of the tests or absences that it comes from.
    pub evidence: Vec<u32>,
    /// The threshold, with where it comes from.
    pub threshold: Sourced<i64>,
    /// Key of the threshold in its pack.
    pub key: &'static str,
    /// It is a serious breach.
    pub reached: bool,
}

/// A counter as it stands, under the policy of a day.
///
/// # Errors
/// [`crate::Reason::PolicyNotInForce`].
pub fn counter(case: &Case, ground: BreachGround, day: Date, policy: &Policy) -> Result<Counter, Rejection> {
    let key = ground.key();
    let threshold = policy.number(key, day)?;
    let absences = || absence::counted(case);
    let (count, evidence) = match ground {
        BreachGround::TestRefusals => {
            let refused = drug_test::refused(case);
            (refused.len() as i64, refused)
        }
        BreachGround::Absences => {
            let numbers: Vec<u32> = absences().into_iter().map(|(number, _)| number).collect();
            (numbers.len() as i64, numbers)
        }
        BreachGround::AbsenceDays => {
            let days = absences().iter().map(|(_, days)| i64::from(*days)).sum();
            (days, absences().into_iter().map(|(number, _)| number).collect())
        }
    };
    let reached = ground.is_reached(count, threshold.value);
    Ok(Counter {
        ground,
        count,
        evidence,
        threshold,
        key,
        reached,
    })
}
