//! A sample is taken.

use jiff::civil::Date;
use serde::Serialize;

use super::{SampleCollected, SampleKind, SampleSite, TestState, find, misfit};
use crate::case::event::CaseEvent;
use crate::case::obligation::ObligationKind;
use crate::case::rules::{LATE, check_actor, check_code, check_day_from, check_stage, fulfilled};
use crate::case::state::Case;
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Most people who take one sample.
const COLLECTORS_MAX: usize = 5;

/// Records a sample: taken by two or more, for urine one of them of the participant's gender (吸毒检测程序规定). A urine
/// sample meets the test that is due on that day; another in the same window is extra. Elsewhere it is taken by whom
/// [`EntrustTest`](super::EntrustTest) allowed.
#[derive(Clone, Debug, Serialize)]
pub struct RecordSample {
    /// Which test.
    pub test: u32,
    /// Day.
    pub on: Date,
    /// What.
    pub kind: SampleKind,
    /// Where.
    pub site: SampleSite,
    /// Staff ids of those who took it: 2 to 5 different ones.
    pub collectors: Vec<String>,
    /// One of them was of the participant's gender. The gender itself is sealed, so that somebody has to say so.
    pub same_gender: bool,
}

impl Command for RecordSample {
    type Aggregate = Case;
    const NAME: &'static str = "RecordSample";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_actor(case, &[Role::CaseWorker, Role::Supervisor], context)?;
        check_stage(case, &LATE)?;
        let test = find(case, self.test)?;
        if test.state != TestState::Noticed {
            return Err(misfit());
        }
        check_day_from("on", self.on, Some(test.noticed_on), context)?;
        let entrusted = test
            .entrusted
            .is_some_and(|(from, to)| from <= self.on && self.on <= to);
        if self.site == SampleSite::Entrusted && !entrusted {
            return Err(Rejection::of(Reason::NotEntrusted, "site"));
        }
        if self.collectors.len() > COLLECTORS_MAX {
            return Err(Rejection::of(Reason::FieldInvalid, "collectors").with("expected", "at most 5"));
        }
        for collector in &self.collectors {
            check_code("collectors", collector)?;
        }
        let mut different = self.collectors.clone();
        different.sort_unstable();
        different.dedup();
        if different.len() < 2 {
            return Err(Rejection::of(Reason::SecondPersonRequired, "collectors"));
        }
        if self.kind == SampleKind::Urine && !self.same_gender {
            return Err(Rejection::of(Reason::CollectorGender, "same_gender"));
        }
        let fact = SampleCollected {
            test: self.test,
            on: self.on,
            kind: self.kind,
            site: self.site,
            collectors: different,
        };
        let mut events = vec![CaseEvent::from(fact)];
        if self.kind == SampleKind::Urine {
            events.extend(fulfilled(case, ObligationKind::UrineTest, self.on, context)?);
        }
        Ok(events)
    }
}
