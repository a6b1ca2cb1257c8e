//! A sample is taken.

use jiff::civil::Date;
use serde::Serialize;

use super::{HairSample, SampleCollected, SampleKind, SampleSite, TestState, find, misfit};
use crate::case::event::CaseEvent;
use crate::case::obligation::ObligationKind;
use crate::case::rules::{LATE, check_actor, check_code, check_day_from, check_stage, fulfilled};
use crate::case::state::Case;
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Most people who take one sample.
const COLLECTORS_MAX: usize = 5;
/// Most hair of one sample, in milligrams.
const HAIR_MG_MAX: u32 = 10_000;

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
    /// Of hair: how much of it, no longer than policy `tests.hair.length_mm_lte`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hair: Option<HairSample>,
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
        if let Some(hair) = &self.hair {
            self.check_hair(hair, context)?;
        }
        let fact = SampleCollected {
            test: self.test,
            on: self.on,
            kind: self.kind,
            site: self.site,
            collectors: different,
            hair: self.hair,
        };
        let mut events = vec![CaseEvent::from(fact)];
        if self.kind == SampleKind::Urine {
            events.extend(fulfilled(case, ObligationKind::UrineTest, self.on, context)?);
        }
        Ok(events)
    }
}

impl RecordSample {
    /// A longer strand would tell of longer ago than six months, which a positive result must not be held against anybody for.
    fn check_hair(&self, hair: &HairSample, context: &Context<'_>) -> Result<(), Rejection> {
        let invalid = |field, expected: String| Rejection::of(Reason::FieldInvalid, field).with("expected", expected);
        if self.kind != SampleKind::Hair {
            return Err(invalid("hair", "nothing but of a sample of hair".into()));
        }
        let longest = context.policy.number("tests.hair.length_mm_lte", self.on)?.value;
        if hair.length_mm == 0 || i64::from(hair.length_mm) > longest {
            return Err(invalid("hair.length_mm", format!("1 to {longest}")));
        }
        if hair.mass_mg == 0 || hair.mass_mg > HAIR_MG_MAX {
            return Err(invalid("hair.mass_mg", format!("1 to {HAIR_MG_MAX}")));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{noticed, sample};
    use super::*;

    #[test]
    fn hair_is_what_grew_in_the_last_months() {
        let of = |length_mm, mass_mg| RecordSample {
            kind: SampleKind::Hair,
            hair: Some(HairSample { length_mm, mass_mg }),
            ..sample()
        };
        assert!(noticed().when(&of(30, 50)).is_ok());
        assert_eq!(noticed().reason(&of(31, 50)), Reason::FieldInvalid);
        assert_eq!(noticed().reason(&of(30, 0)), Reason::FieldInvalid);
        let urine = RecordSample {
            kind: SampleKind::Urine,
            ..of(30, 50)
        };
        assert_eq!(noticed().reason(&urine), Reason::FieldInvalid);
    }
}
