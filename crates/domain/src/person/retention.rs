//! How long a record has to be kept before it may be erased.

use jiff::ToSpan;
use jiff::civil::Date;

use crate::policy::Policy;
use crate::rejection::{Reason, Rejection};

/// Refuses the erasure of somebody whose last case ended too short a time ago: `erasure.retention_months` of the pack in force
/// on the day it ended. The archives office sets the period; 个人信息保护法 47 lets no law's period be cut short.
///
/// # Errors
/// [`Reason::RetentionNotLapsed`] with the first day on which it may be done; [`Reason::PolicyNotInForce`].
pub fn check_retention(ended_on: Date, today: Date, policy: &Policy) -> Result<(), Rejection> {
    let months = policy.number("erasure.retention_months", ended_on)?;
    let until = ended_on.saturating_add(months.value.months());
    if today >= until {
        return Ok(());
    }
    let no = Rejection::of(Reason::RetentionNotLapsed, "act");
    Err(no.with("until", until).with("pack", months.pack))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_record_is_kept_as_long_as_the_pack_says_that_was_in_force_when_the_case_ended() {
        let pack = r#"{"pack": "archives/1", "layer": "STATION", "valid_from": "2025-01-01", "values": {
            "erasure.retention_months": {"value": 36, "source": "archives office", "certainty": "A"}}}"#;
        let policy = Policy::shipped("station-qinglongshan").with_pack(pack);
        let ended = date(2025, 1, 31);
        let refused = check_retention(ended, date(2028, 1, 30), &policy).expect_err("is too early");
        assert_eq!(refused.reason, Reason::RetentionNotLapsed);
        let details = [("until", "2028-01-31".to_owned()), ("pack", "archives/1".to_owned())];
        assert_eq!(refused.details, details);
        assert_eq!(check_retention(ended, date(2028, 1, 31), &policy), Ok(()));
        // A case that ended before that pack was in force is judged by what was.
        assert_eq!(check_retention(date(2024, 12, 31), date(2025, 2, 1), &policy), Ok(()));
    }
}
