//! What was owed and met in each programme year (履约统计): of every kind of obligation, how many were due and what became of
//! them.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Serialize;

use super::Entry;
use crate::case::test_plan::programme_year;
use crate::case::{Case, CaseEvent, ObligationKind, ObligationState, TestOutcome, TestState};
use crate::finding::Told;
use crate::kernel::Aggregate;
use crate::policy::Policy;
use crate::rejection::Rejection;

/// One kind of obligation in one programme year. Whatever became of an obligation counts in the year in which its window began;
/// `owed` is the sum of what became of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct YearEntry {
    /// The station whose case it is.
    pub station: String,
    /// Programme year, from 1.
    pub year: i32,
    /// First day of it.
    pub from: Date,
    /// Last day of it.
    pub to: Date,
    /// What was owed.
    pub kind: ObligationKind,
    /// How many there were.
    pub owed: u32,
    /// Met in time.
    pub met: u32,
    /// Met after the last day.
    pub met_late: u32,
    /// Past due, and neither met, excused nor confirmed as missed.
    pub past_due: u32,
    /// Confirmed as missed.
    pub missed: u32,
    /// Excused.
    pub excused: u32,
    /// No longer owed: custody, the end of the case, another plan.
    pub cancelled: u32,
    /// Neither met nor past due.
    pub open: u32,
    /// Of tests: refusals that count, by the day of the refusal.
    pub refused: u32,
    /// Of tests: what a laboratory found positive, by the day of the sample.
    pub positive: u32,
    /// Packs and keys that made them due, each once.
    pub sources: Vec<String>,
}

/// Which lines somebody asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct YearFilter {
    /// Only of this kind.
    pub kind: Option<ObligationKind>,
    /// Only where something was late, past due or missed.
    pub behind: bool,
}

struct Owed {
    kind: ObligationKind,
    from: Date,
    source: String,
    state: ObligationState,
}

/// The lines of a case.
struct Years {
    /// First day of the term, and the day it ends.
    start: Date,
    end: Option<Date>,
    station: String,
    lines: BTreeMap<(i32, usize), YearEntry>,
}

impl Years {
    /// The line of a kind in the programme year of a day.
    fn line(&mut self, kind: ObligationKind, day: Date) -> &mut YearEntry {
        let (year, from, to) = programme_year(self.start, day, self.end);
        let at = ObligationKind::ALL.iter().position(|of| *of == kind);
        let new = || YearEntry {
            station: self.station.clone(),
            year,
            from,
            to,
            kind,
            owed: 0,
            met: 0,
            met_late: 0,
            past_due: 0,
            missed: 0,
            excused: 0,
            cancelled: 0,
            open: 0,
            refused: 0,
            positive: 0,
            sources: Vec::new(),
        };
        self.lines.entry((year, at.unwrap_or_default())).or_insert_with(new)
    }
}

impl Entry for YearEntry {
    type Filter = YearFilter;

    fn of_case(history: &[Told], _: Date, _: &Policy) -> Result<Vec<Self>, Rejection> {
        let mut case = Case::default();
        let mut owed: BTreeMap<u32, Owed> = BTreeMap::new();
        let mut start = None;
        for told in history {
            case.evolve(&told.event);
            match &told.event {
                CaseEvent::TermRecalculated(fact) => start = Some(fact.start),
                CaseEvent::ObligationOpened(fact) => {
                    let opened = Owed {
                        kind: fact.kind,
                        from: fact.window_from,
                        source: fact.source.clone(),
                        state: ObligationState::Open,
                    };
                    owed.insert(fact.number, opened);
                }
                event => {
                    if let Some((number, state)) = ObligationState::after(event)
                        && let Some(owed) = owed.get_mut(&number)
                    {
                        owed.state = state;
                    }
                }
            }
        }
        // Before there is a term, everything is of its first year.
        let first = owed.values().map(|owed| owed.from).min();
        let Some(start) = start.or(first) else {
            return Ok(Vec::new());
        };
        let mut years = Years {
            start,
            end: case.term_end,
            station: case.station.clone(),
            lines: BTreeMap::new(),
        };
        for owed in owed.into_values() {
            let line = years.line(owed.kind, owed.from);
            line.owed += 1;
            *line.count(owed.state) += 1;
            if !line.sources.contains(&owed.source) {
                line.sources.push(owed.source);
            }
        }
        for test in &case.tests {
            let day = test.collected_on.or(test.refused_on);
            let Some(day) = day else { continue };
            let kind = ObligationKind::UrineTest;
            match test.state {
                TestState::RefusalCounted(_) => years.line(kind, day).refused += 1,
                TestState::Laboratory(TestOutcome::Positive) => years.line(kind, day).positive += 1,
                _ => {}
            }
        }
        Ok(years.lines.into_values().collect())
    }

    fn on(&self) -> Date {
        self.from
    }

    fn number(&self) -> u64 {
        self.kind as u64
    }

    fn is_among(&self, filter: &YearFilter) -> bool {
        filter.kind.is_none_or(|kind| kind == self.kind)
            && (!filter.behind || self.met_late + self.past_due + self.missed > 0)
    }
}

impl YearEntry {
    fn count(&mut self, state: ObligationState) -> &mut u32 {
        match state {
            ObligationState::Open => &mut self.open,
            ObligationState::Fulfilled => &mut self.met,
            ObligationState::FulfilledLate => &mut self.met_late,
            ObligationState::PastDue => &mut self.past_due,
            ObligationState::MissedConfirmed => &mut self.missed,
            ObligationState::Excused => &mut self.excused,
            ObligationState::Cancelled => &mut self.cancelled,
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::case::tests::check_in;
    use crate::case::{ExcuseObligation, Review};
    use crate::finding::tests::Story;
    use crate::kernel::Role;

    fn line(story: &Story, kind: ObligationKind, year: i32) -> YearEntry {
        let mut lines = story.list::<YearEntry>().into_iter();
        lines
            .find(|line| (line.kind, line.year) == (kind, year))
            .expect("is there")
    }

    #[test]
    fn everything_owed_is_in_its_year_with_what_became_of_it() {
        let kind = ObligationKind::MonthlyMeeting;
        let met = Story::active().on(date(2026, 3, 10)).then(&check_in(date(2026, 3, 10)));
        // The clock comes in May of the next year: April to February of the first year are past due.
        let late = met.on(date(2027, 5, 20)).by("clock", Role::System).then(&Review {});
        let first = line(&late, kind, 1);
        assert_eq!((first.owed, first.met, first.past_due), (12, 1, 11));
        assert_eq!((first.from, first.to), (date(2026, 3, 2), date(2027, 2, 28)));
        let second = line(&late, kind, 2);
        assert_eq!((second.owed, second.past_due, second.open), (3, 2, 1));
        assert!(first.sources[0].contains(' '), "pack and key: {:?}", first.sources);
        let number = late.history.iter().find_map(|told| match &told.event {
            CaseEvent::ObligationPastDue(fact) => Some(fact.number),
            _ => None,
        });
        let excused = late.by("leader-1", Role::Supervisor).then(&ExcuseObligation {
            obligation: number.expect("is past due"),
            reason: "住院".into(),
        });
        let sum: u32 = excused.list::<YearEntry>().iter().map(|line| line.excused).sum();
        assert_eq!(sum, 1);
        for line in excused.list::<YearEntry>() {
            let fates = line.met + line.met_late + line.past_due + line.missed + line.excused;
            assert_eq!(line.owed, fates + line.cancelled + line.open, "{line:?}");
        }
    }
}
