//! Civil days: counting, months, holidays. All dates are days in China (UTC+8, no summer time).

use jiff::ToSpan;
use jiff::civil::Date;

use crate::policy::Policy;

const CHINA_OFFSET_US: i64 = 8 * 3_600 * 1_000_000;
const DAY_US: i64 = 86_400 * 1_000_000;

/// First and last day any fact may bear: before the statute's first drug laws nothing can have been ordered, and the
/// far end keeps arithmetic on terms inside the calendar.
pub const FIRST_DAY: Date = Date::constant(1990, 1, 1);
/// See [`FIRST_DAY`].
pub const LAST_DAY: Date = Date::constant(2199, 12, 31);

/// The day in China at a time in microseconds since 1970 UTC.
pub fn day_of(us: i64) -> Date {
    let days = (us.saturating_add(CHINA_OFFSET_US)).div_euclid(DAY_US);
    Date::constant(1970, 1, 1).saturating_add(days.clamp(-7_000_000, 2_900_000).days())
}

/// The time at which a day begins in China, in microseconds since 1970 UTC.
pub fn start_of(day: Date) -> i64 {
    i64::from(days_between(Date::constant(1970, 1, 1), day)) * DAY_US - CHINA_OFFSET_US
}

/// `day` plus a number of days.
pub fn add_days(day: Date, days: i32) -> Date {
    day.saturating_add(days.days())
}

/// Days from one day to another; negative when `to` is earlier.
pub fn days_between(from: Date, to: Date) -> i32 {
    from.until(to).map_or(0, |span| span.get_days())
}

/// `day` plus months; the 31st becomes the last day of a shorter month.
pub fn add_months(day: Date, months: i32) -> Date {
    day.saturating_add(months.months())
}

/// The last day by which something must happen that is due `days` after `from`: the day itself does not count
/// (民法典 201), and a last day that is a holiday moves to the next working day (民法典 203) where policy says so.
pub fn due_day(policy: &Policy, from: Date, days: i32, roll: bool) -> Date {
    let mut due = add_days(from, days);
    while roll && !policy.is_working_day(due) {
        due = add_days(due, 1);
    }
    due
}

/// The day that is so many working days after a day, which does not count itself.
pub fn working_days_after(policy: &Policy, from: Date, count: i32) -> Date {
    let mut day = from;
    for _ in 0..count.min(WORKING_DAYS_MAX) {
        day = add_days(day, 1);
        while day < LAST_DAY && !policy.is_working_day(day) {
            day = add_days(day, 1);
        }
    }
    day
}

/// Most working days that anything is due within.
const WORKING_DAYS_MAX: i32 = 366;

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn a_day_begins_at_midnight_in_china() {
        let midnight = start_of(date(2026, 3, 1));
        assert_eq!(day_of(midnight), date(2026, 3, 1));
        assert_eq!(day_of(midnight - 1), date(2026, 2, 28));
    }

    #[test]
    fn months_end_where_the_calendar_ends() {
        assert_eq!(add_months(date(2026, 1, 31), 1), date(2026, 2, 28));
        assert_eq!(add_months(date(2024, 2, 29), 36), date(2027, 2, 28));
    }

    #[test]
    fn working_days_pass_over_holidays_and_count_the_weekends_worked_for_them() {
        let policy = Policy::shipped("station-qinglongshan");
        // 2026-09-29 is a Tuesday; the holiday lasts from 2026-10-01 to 2026-10-07, and Saturday 2026-10-10 is worked.
        assert_eq!(working_days_after(&policy, date(2026, 9, 29), 3), date(2026, 10, 9));
        assert_eq!(working_days_after(&policy, date(2026, 9, 29), 4), date(2026, 10, 10));
        assert_eq!(working_days_after(&policy, date(2026, 9, 29), 0), date(2026, 9, 29));
    }

    #[test]
    fn a_due_day_on_a_holiday_moves_to_the_next_working_day() {
        let policy = Policy::shipped("station-qinglongshan");
        // 15 days after 2026-09-16 is National Day; the holiday lasts to 2026-10-07.
        assert_eq!(due_day(&policy, date(2026, 9, 16), 15, true), date(2026, 10, 8));
        assert_eq!(due_day(&policy, date(2026, 9, 16), 15, false), date(2026, 10, 1));
        // A Saturday that is worked in place of a holiday counts as a working day.
        assert_eq!(due_day(&policy, date(2026, 9, 5), 15, true), date(2026, 9, 20));
    }
}
