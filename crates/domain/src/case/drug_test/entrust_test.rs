//! A test may be taken elsewhere, by whom the station entrusts.

use jiff::civil::Date;
use serde::Serialize;

use super::{TestEntrusted, TestState, find, misfit};
use crate::case::event::CaseEvent;
use crate::case::rules::{LIVE, check_actor, check_code, check_day_from, check_span, check_stage};
use crate::case::state::Case;
use crate::kernel::{Command, Context, Role};
use crate::rejection::Rejection;

/// Allows a sample to be taken elsewhere for some days; without it no sample of the site ENTRUSTED is recorded.
#[derive(Clone, Debug, Serialize)]
pub struct EntrustTest {
    /// Which test; the participant has been told to come, and has neither come nor refused.
    pub test: u32,
    /// Day of the approval.
    pub on: Date,
    /// Who is entrusted, as a code.
    pub place: String,
    /// Last day on which a sample may be taken there; at most 366 days later.
    pub valid_to: Date,
}

impl Command for EntrustTest {
    type Aggregate = Case;
    const NAME: &'static str = "EntrustTest";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_actor(case, &[Role::Supervisor], context)?;
        check_stage(case, &LIVE)?;
        let test = find(case, self.test)?;
        if test.state != TestState::Noticed {
            return Err(misfit());
        }
        check_code("place", &self.place)?;
        check_day_from("on", self.on, Some(test.noticed_on), context)?;
        check_span("valid_to", self.on, self.valid_to)?;
        Ok(vec![
            TestEntrusted {
                test: self.test,
                on: self.on,
                place: self.place.clone(),
                valid_to: self.valid_to,
            }
            .into(),
        ])
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::case::drug_test::tests::{noticed, sample};
    use crate::case::{RecordSample, RecordTestRefusal, SampleSite};
    use crate::rejection::Reason;

    #[test]
    fn a_sample_is_taken_elsewhere_by_whom_the_station_entrusted_and_in_time() {
        let elsewhere = |on| RecordSample {
            on,
            site: SampleSite::Entrusted,
            ..sample()
        };
        let entrust = EntrustTest {
            test: 1,
            on: date(2026, 3, 2),
            place: "GUIYANG_SECOND_HOSPITAL".into(),
            valid_to: date(2026, 3, 4),
        };
        let noticed = noticed().on(date(2026, 3, 5));
        assert_eq!(noticed.reason(&elsewhere(date(2026, 3, 3))), Reason::NotEntrusted);
        assert_eq!(noticed.reason(&entrust), Reason::RoleRequired);
        let entrusted = noticed.by("leader-1", Role::Supervisor).then(&entrust);
        assert_eq!(entrusted.reason(&elsewhere(date(2026, 3, 5))), Reason::NotEntrusted);
        let late = EntrustTest {
            valid_to: date(2026, 3, 20),
            ..entrust.clone()
        };
        let evaded = RecordTestRefusal {
            test: 1,
            on: date(2026, 3, 10),
            evaded: true,
            facts: "未到".into(),
        };
        let longer = entrusted.clone().then(&late).on(date(2026, 3, 10));
        assert_eq!(
            longer.reason(&evaded),
            Reason::NotYetEvaded,
            "there are days left elsewhere"
        );
        let taken = entrusted.then(&elsewhere(date(2026, 3, 4)));
        assert_eq!(taken.reason(&entrust), Reason::TestDoesNotFit);
    }
}
