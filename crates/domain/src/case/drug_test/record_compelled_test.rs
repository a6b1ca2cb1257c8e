//! The police compel a test that was refused (吸毒检测程序规定: with the approval of the head of the police organ).

use jiff::civil::Date;
use serde::Serialize;

use super::{DrugTest, TestCompelled, TestState, find, misfit};
use crate::case::event::CaseEvent;
use crate::case::rules::{LATE, check_actor, check_day_from, check_stage, check_text};
use crate::case::state::Case;
use crate::kernel::{Command, Context, Role};
use crate::rejection::Rejection;

/// Begins another test in place of one that was refused. The refusal stays what it is: it may still be counted, or withdrawn.
#[derive(Clone, Debug, Serialize)]
pub struct RecordCompelledTest {
    /// Which test was refused; it is compelled once.
    pub test: u32,
    /// Day; not before that of the refusal, and within the term.
    pub on: Date,
    /// Number of the approval.
    pub document_no: String,
}

impl Command for RecordCompelledTest {
    type Aggregate = Case;
    const NAME: &'static str = "RecordCompelledTest";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_actor(case, &[Role::CaseWorker, Role::Supervisor], context)?;
        check_stage(case, &LATE)?;
        let test = find(case, self.test)?;
        let refused = matches!(test.state, TestState::Refused(_) | TestState::RefusalCounted(_));
        let in_place = |other: &DrugTest| other.compels == Some(self.test) && other.state != TestState::Void;
        let compelled = case.tests.iter().any(in_place);
        let over = case.term_end.is_some_and(|end| self.on >= end);
        if !refused || compelled || over {
            return Err(misfit());
        }
        check_day_from("on", self.on, test.refused_on, context)?;
        check_text("document_no", &self.document_no)?;
        Ok(vec![
            TestCompelled {
                test: case.next_test(),
                refused: self.test,
                on: self.on,
                document_no: (&self.document_no).into(),
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
    fn a_refused_test_is_compelled_once_and_the_refusal_stays() {
        let compel = RecordCompelledTest {
            test: 1,
            on: date(2026, 3, 3),
            document_no: "强检-1".into(),
        };
        let refusal = |test| RecordTestRefusal {
            test,
            on: date(2026, 3, 2),
            evaded: false,
            facts: "当面拒绝".into(),
        };
        let noticed = noticed().on(date(2026, 3, 4));
        assert_eq!(noticed.reason(&compel), Reason::TestDoesNotFit);
        let refused = noticed.then(&refusal(1));
        let early = RecordCompelledTest {
            on: date(2026, 3, 1),
            ..compel.clone()
        };
        assert_eq!(refused.reason(&early), Reason::OccurredBeforeCase);
        let compelled = refused.then(&compel);
        assert_eq!(compelled.reason(&compel), Reason::TestDoesNotFit);
        // Nobody refuses what is done to them.
        let again = RecordTestRefusal {
            on: date(2026, 3, 3),
            ..refusal(2)
        };
        assert_eq!(compelled.reason(&again), Reason::TestDoesNotFit);
        let taken = compelled.then(&RecordSample {
            test: 2,
            on: date(2026, 3, 3),
            site: SampleSite::PolicePost,
            ..sample()
        });
        assert!(matches!(taken.state().tests[0].state, TestState::Refused(_)));
        assert_eq!(taken.state().tests[1].state, TestState::Collected);
    }
}
