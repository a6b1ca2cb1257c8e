//! The board of counters (违约计数): how near each case that is not over is to a serious breach.

use jiff::civil::Date;
use serde::Serialize;

use super::Entry;
use crate::case::breach::counter;
use crate::case::{BreachGround, Case};
use crate::finding::Told;
use crate::kernel::Aggregate;
use crate::policy::Policy;
use crate::rejection::Rejection;

/// A count of days is near its threshold from so many days below it on; a count of times from one below it on.
pub const NEAR_DAYS: i64 = 5;

/// A counter that is not 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CounterEntry {
    /// The station whose case it is.
    pub station: String,
    /// Which.
    pub ground: BreachGround,
    /// Times, or days.
    pub count: i64,
    /// Numbers of the tests or absences that it comes from.
    pub evidence: Vec<u32>,
    /// The threshold: times, or days of which more than so many are a breach.
    pub threshold: i64,
    /// Pack of the threshold.
    pub pack: String,
    /// Key of the threshold in its pack.
    pub key: &'static str,
    /// Where the threshold comes from.
    pub legal_source: String,
    /// It is a serious breach.
    pub reached: bool,
    /// It is none, but within one time, or [`NEAR_DAYS`] days, of the threshold.
    pub near: bool,
    /// The day that it stands on.
    #[serde(skip)]
    day: Date,
}

/// Which lines somebody asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CounterFilter {
    /// Only what is near its threshold.
    pub near: bool,
}

impl Entry for CounterEntry {
    type Filter = CounterFilter;

    fn of_case(history: &[Told], day: Date, policy: &Policy) -> Result<Vec<Self>, Rejection> {
        let mut case = Case::default();
        for told in history {
            case.evolve(&told.event);
        }
        if case.stage.is_closed() {
            return Ok(Vec::new());
        }
        let mut lines = Vec::new();
        for ground in BreachGround::ALL {
            let counter = counter(&case, ground, day, policy)?;
            if counter.count == 0 {
                continue;
            }
            let left = counter.threshold.value - counter.count;
            let near = match ground {
                BreachGround::AbsenceDays => left <= NEAR_DAYS,
                BreachGround::TestRefusals | BreachGround::Absences => left <= 1,
            };
            lines.push(CounterEntry {
                station: case.station.clone(),
                ground,
                count: counter.count,
                evidence: counter.evidence,
                threshold: counter.threshold.value,
                pack: counter.threshold.pack,
                key: counter.key,
                legal_source: counter.threshold.source,
                reached: counter.reached,
                near: near && !counter.reached,
                day,
            });
        }
        Ok(lines)
    }

    fn on(&self) -> Date {
        self.day
    }

    fn number(&self) -> u64 {
        self.ground as u64
    }

    fn is_among(&self, filter: &CounterFilter) -> bool {
        !filter.near || self.near
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::case::{AllegeAbsence, ConfirmAbsence};
    use crate::finding::tests::Story;
    use crate::kernel::Role;

    fn absent(days: i8) -> Story {
        let story = Story::active().on(date(2026, 5, 2)).then(&AllegeAbsence {
            from: date(2026, 4, 1),
            to: date(2026, 4, days),
            how_known: "家访未见".into(),
        });
        story
            .by("leader-1", Role::Supervisor)
            .then(&ConfirmAbsence { absence: 1 })
    }

    #[test]
    fn twenty_five_days_of_thirty_are_near_and_twenty_four_are_not() {
        assert!(Story::active().list::<CounterEntry>().is_empty());
        let shown = |days| {
            let lines = absent(days).list::<CounterEntry>();
            let lines = lines
                .iter()
                .map(|line| (line.ground, line.count, line.near, line.reached));
            lines.collect::<Vec<_>>()
        };
        let (times, days) = (BreachGround::Absences, BreachGround::AbsenceDays);
        assert_eq!(shown(24), [(times, 1, false, false), (days, 24, false, false)]);
        assert_eq!(shown(25), [(times, 1, false, false), (days, 25, true, false)]);
        assert_eq!(shown(30), [(times, 1, false, false), (days, 30, true, false)]);
    }
}
