//! When urine tests are due: windows of whole calendar months, as many a programme year as policy says.
//!
//! The month of reporting counts as the first, the month in which the term ends does not, so that a plan of 12, 6 and 4 a year
//! comes to 22 tests in three years.

use jiff::civil::Date;

use crate::calendar::add_months;

const MONTHS_A_YEAR: i32 = 12;

/// The last day of the window that `from` lies in; `None` when no test is due then. `start`: first day of the term; `per_year`:
/// tests of the first, second, … programme year, the last going for all that follow, each a divisor of 12.
pub fn window_end(start: Date, from: Date, term_end: Option<Date>, per_year: &[i64]) -> Option<Date> {
    if from < start || term_end.is_some_and(|end| from.first_of_month() >= end.first_of_month()) {
        return None;
    }
    let month = months_since(start, from);
    let (year, within) = (month / MONTHS_A_YEAR, month % MONTHS_A_YEAR);
    let tests = per_year.get(usize::try_from(year).ok()?).or(per_year.last())?;
    let tests = i32::try_from(*tests)
        .ok()
        .filter(|tests| *tests > 0 && MONTHS_A_YEAR % tests == 0)?;
    let span = MONTHS_A_YEAR / tests;
    let last = year * MONTHS_A_YEAR + within / span * span + span - 1;
    let end = add_months(start.first_of_month(), last).last_of_month();
    Some(term_end.map_or(end, |term_end| end.min(term_end)))
}

/// Calendar months from that of `start` to that of a day.
fn months_since(start: Date, day: Date) -> i32 {
    let years = i32::from(day.year()) - i32::from(start.year());
    years * MONTHS_A_YEAR + i32::from(day.month()) - i32::from(start.month())
}

/// The programme year that a day lies in, from 1, with its first and last day; what is before the first is in it, and the month in
/// which the term ends is in the last, as for tests.
pub fn programme_year(start: Date, day: Date, term_end: Option<Date>) -> (i32, Date, Date) {
    let last_month = term_end.map_or(i32::MAX, |end| (months_since(start, end) - 1).max(0));
    let years_before = |month: i32| month.clamp(0, last_month) / MONTHS_A_YEAR;
    let before = years_before(months_since(start, day));
    let first = add_months(start.first_of_month(), before * MONTHS_A_YEAR);
    let last = add_months(first, MONTHS_A_YEAR - 1).last_of_month();
    let last = match term_end {
        Some(end) if before == years_before(i32::MAX) => end,
        _ => last,
    };
    (before + 1, first.max(start), last)
}

/// Every window of a term under one plan.
pub fn windows(start: Date, term_end: Date, per_year: &[i64]) -> Vec<(Date, Date)> {
    let mut windows = Vec::new();
    let mut from = start;
    while let Some(to) = window_end(start, from, Some(term_end), per_year) {
        windows.push((from, to));
        from = crate::calendar::add_days(to, 1);
    }
    windows
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    const PLAN: [i64; 3] = [12, 6, 4];

    #[test]
    fn a_plan_of_twelve_six_and_four_comes_to_twenty_two() {
        for start in [
            date(2026, 3, 1),
            date(2026, 3, 15),
            date(2026, 1, 31),
            date(2024, 2, 29),
        ] {
            let windows = windows(start, add_months(start, 36), &PLAN);
            assert_eq!(windows.len(), 22, "{start}");
            assert_eq!(windows[0], (start, start.last_of_month()));
        }
        assert_eq!(windows(date(2026, 3, 15), date(2029, 3, 15), &[6, 4, 2]).len(), 12);
    }

    #[test]
    fn a_month_end_start_has_whole_months_after_its_first_day() {
        let windows = windows(date(2026, 1, 31), date(2029, 1, 31), &PLAN);
        assert_eq!(windows[0], (date(2026, 1, 31), date(2026, 1, 31)));
        assert_eq!(windows[1], (date(2026, 2, 1), date(2026, 2, 28)));
        assert_eq!(
            windows[12],
            (date(2027, 1, 1), date(2027, 2, 28)),
            "two months in the second year"
        );
    }

    #[test]
    fn a_plan_that_changes_inside_a_window_goes_on_from_the_next() {
        // Monthly until April; from May on every two months, by the grid of the year.
        let start = date(2026, 3, 10);
        assert_eq!(
            window_end(start, date(2026, 4, 1), None, &[12]),
            Some(date(2026, 4, 30))
        );
        assert_eq!(window_end(start, date(2026, 5, 1), None, &[6]), Some(date(2026, 6, 30)));
        assert_eq!(window_end(start, date(2026, 4, 1), None, &[6]), Some(date(2026, 4, 30)));
    }

    #[test]
    fn programme_years_are_whole_months_from_that_of_the_first_day() {
        let start = date(2026, 3, 15);
        let year = |day| programme_year(start, day, None);
        assert_eq!(year(date(2026, 3, 1)), (1, start, date(2027, 2, 28)));
        assert_eq!(year(date(2027, 2, 28)), (1, start, date(2027, 2, 28)));
        assert_eq!(year(date(2027, 3, 1)), (2, date(2027, 3, 1), date(2028, 2, 29)));
        // Three years are three, with the days up to the end of the term.
        let end = date(2029, 3, 15);
        let third = (3, date(2028, 3, 1), end);
        for day in [date(2028, 3, 1), date(2029, 2, 28), date(2029, 3, 1), date(2029, 3, 20)] {
            assert_eq!(programme_year(start, day, Some(end)), third, "{day}");
        }
        assert_eq!(programme_year(start, date(2028, 2, 1), Some(end)).0, 2);
    }

    #[test]
    fn a_plan_that_is_none_makes_nothing_due() {
        for plan in [&[][..], &[0], &[5], &[-1], &[24]] {
            assert_eq!(
                window_end(date(2026, 3, 1), date(2026, 3, 1), None, plan),
                None,
                "{plan:?}"
            );
        }
    }

    proptest! {
        /// Counted on fingers: month after month, each belongs to one window, and no window is longer than its year says.
        #[test]
        fn windows_cover_every_month_of_the_term_once(
            offset in 0..4_000_i32,
            months in 1..=36_i32,
            extra in 0..60_i32,
            plan in prop::collection::vec(prop::sample::select(vec![1_i64, 2, 3, 4, 6, 12]), 1..4),
        ) {
            let start = crate::calendar::add_days(date(2018, 1, 1), offset);
            let end = crate::calendar::add_days(add_months(start, months), extra);
            let windows = windows(start, end, &plan);
            let mut counted = Vec::new();
            let mut month = start.first_of_month();
            let mut index = 0_usize;
            while month < end.first_of_month() {
                let tests = plan.get(index / 12).or(plan.last()).copied().unwrap_or(1);
                let span = usize::try_from(12 / tests).unwrap_or(1);
                if (index % 12).is_multiple_of(span) {
                    counted.push(month.max(start));
                }
                month = add_months(month, 1);
                index += 1;
            }
            let begins: Vec<Date> = windows.iter().map(|(from, _)| *from).collect();
            prop_assert_eq!(begins, counted);
            for pair in windows.windows(2) {
                prop_assert_eq!(crate::calendar::add_days(pair[0].1, 1), pair[1].0);
            }
        }
    }
}
