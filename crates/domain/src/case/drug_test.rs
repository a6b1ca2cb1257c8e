//! Drug tests: notice, sample, result; or a refusal that one records and another counts (戒毒条例 20).

mod confirm_test_refusal;
mod entrust_test;
mod lodge_objection;
mod record_compelled_test;
mod record_sample;
mod record_test_refusal;
mod record_test_result;
mod serve_test_notice;
mod withdraw_test_refusal;

pub use confirm_test_refusal::ConfirmTestRefusal;
pub use entrust_test::EntrustTest;
pub use lodge_objection::LodgeObjection;
pub use record_compelled_test::RecordCompelledTest;
pub use record_sample::RecordSample;
pub use record_test_refusal::RecordTestRefusal;
pub use record_test_result::RecordTestResult;
pub use serve_test_notice::ServeTestNotice;
pub use withdraw_test_refusal::WithdrawTestRefusal;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::event::CaseEvent;
use super::rules::check_registered;
use super::state::Case;
use crate::personal::Personal;
use crate::rejection::{Reason, Rejection};

/// How a notice reached the participant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum NoticeMode {
    /// Handed over and signed for.
    Hand,
    /// By telephone.
    Phone,
    /// By post.
    Post,
}

/// What was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SampleKind {
    /// Urine.
    Urine,
    /// Hair: a positive result dates nothing more closely than within six months.
    Hair,
    /// Saliva.
    Saliva,
    /// Blood.
    Blood,
}

/// Where it was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SampleSite {
    /// A police post.
    PolicePost,
    /// The station.
    Station,
    /// A medical institution.
    Medical,
    /// Elsewhere, entrusted to somebody.
    Entrusted,
}

/// Which test of a sample a result is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TestStage {
    /// On the spot.
    Field,
    /// In a laboratory, after an objection or a positive result.
    Laboratory,
}

/// What a test found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TestOutcome {
    /// Nothing.
    Negative,
    /// Something; on the spot that is presumptive.
    Positive,
    /// It cannot be said.
    Invalid,
}

/// The participant was told to come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestNoticeServed {
    /// Number of the test within the case, from 1.
    pub test: u32,
    /// Day of service.
    pub on: Date,
    /// Last day to come.
    pub due_on: Date,
    /// How.
    pub mode: NoticeMode,
}

/// Hair, as it was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HairSample {
    /// Length from the scalp on, in millimetres: what grew before is not in it.
    pub length_mm: u32,
    /// Mass in milligrams.
    pub mass_mg: u32,
}

/// A sample was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampleCollected {
    /// Which test.
    pub test: u32,
    /// Day.
    pub on: Date,
    /// What.
    pub kind: SampleKind,
    /// Where.
    pub site: SampleSite,
    /// Staff ids of those who took it; two or more.
    pub collectors: Vec<String>,
    /// Of hair: how much of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hair: Option<HairSample>,
}

/// A test of the sample was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestResultRecorded {
    /// Which test.
    pub test: u32,
    /// Day.
    pub on: Date,
    /// Where in the procedure.
    pub stage: TestStage,
    /// What it found.
    pub outcome: TestOutcome,
}

/// A sample may be taken elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestEntrusted {
    /// Which test.
    pub test: u32,
    /// Day of the approval.
    pub on: Date,
    /// Who is entrusted, as a code.
    pub place: String,
    /// Last day.
    pub valid_to: Date,
}

/// The police compel a test in place of one that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestCompelled {
    /// Number of the new test within the case.
    pub test: u32,
    /// The test that was refused.
    pub refused: u32,
    /// Day.
    pub on: Date,
    /// Number of the approval.
    #[serde(default, skip_serializing)]
    pub document_no: Personal,
}

/// The participant objected to the result on the spot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultObjected {
    /// Which test.
    pub test: u32,
    /// Day.
    pub on: Date,
}

/// Somebody says that the participant refused or evaded the test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestRefused {
    /// Which test.
    pub test: u32,
    /// Day.
    pub on: Date,
    /// They did not come, instead of saying no.
    pub evaded: bool,
    /// Who says so.
    pub by: String,
    /// What happened.
    #[serde(default, skip_serializing)]
    pub facts: Personal,
}

/// Somebody else confirmed it: it counts towards a serious breach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestRefusalCounted {
    /// Which test.
    pub test: u32,
}

/// It was no refusal, or had a good reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestRefusalWithdrawn {
    /// Which test.
    pub test: u32,
    /// Why.
    #[serde(default, skip_serializing)]
    pub reason: Personal,
}

impl CaseEvent {
    /// The test that it is about, by its number.
    pub fn test(&self) -> Option<u32> {
        Some(match self {
            CaseEvent::TestNoticeServed(fact) => fact.test,
            CaseEvent::TestCompelled(fact) => fact.test,
            CaseEvent::TestEntrusted(fact) => fact.test,
            CaseEvent::SampleCollected(fact) => fact.test,
            CaseEvent::TestResultRecorded(fact) => fact.test,
            CaseEvent::ResultObjected(fact) => fact.test,
            CaseEvent::TestRefused(fact) => fact.test,
            CaseEvent::TestRefusalCounted(fact) => fact.test,
            CaseEvent::TestRefusalWithdrawn(fact) => fact.test,
            CaseEvent::TestVoidProposed(fact) => fact.test,
            CaseEvent::TestVoided(fact) => fact.test,
            _ => return None,
        })
    }
}

/// How a test stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TestState {
    /// The participant was told.
    Noticed,
    /// A sample was taken.
    Collected,
    /// The result on the spot.
    Field(TestOutcome),
    /// The result of the laboratory.
    Laboratory(TestOutcome),
    /// Refused, as somebody says.
    Refused(String),
    /// Refused, and confirmed. With who said so.
    RefusalCounted(String),
    /// It was none: two people said so.
    Void,
}

/// A test of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrugTest {
    /// Day of the notice.
    pub noticed_on: Date,
    /// Last day to come.
    pub due_on: Date,
    /// Day of the sample.
    pub collected_on: Option<Date>,
    /// Day of the refusal.
    pub refused_on: Option<Date>,
    /// They did not come, instead of saying no.
    pub evaded: bool,
    /// Day of the sample, if it was of urine.
    pub urine_on: Option<Date>,
    /// How often the case had been suspended when the sample was recorded.
    pub run: usize,
    /// Day on which the participant was told what was found on the spot.
    pub told_on: Option<Date>,
    /// Day of the last result.
    pub read_on: Option<Date>,
    /// Day on which the participant objected to what was found on the spot.
    pub objected_on: Option<Date>,
    /// First and last day on which a sample may be taken elsewhere.
    pub entrusted: Option<(Date, Date)>,
    /// The refused test in whose place the police compel this one.
    pub compels: Option<u32>,
    /// Who says that it was none, as long as nobody else has confirmed it.
    pub void_by: Option<String>,
    /// How it stands.
    pub state: TestState,
}

impl DrugTest {
    /// Last day on which the participant may come: that of the notice, or of an approval to go elsewhere.
    pub fn last_day(&self) -> Date {
        self.entrusted.map_or(self.due_on, |(_, to)| self.due_on.max(to))
    }

    /// A test that the participant was told of.
    pub(super) fn noticed(on: Date, due_on: Date) -> Self {
        Self {
            noticed_on: on,
            due_on,
            collected_on: None,
            refused_on: None,
            evaded: false,
            urine_on: None,
            run: 0,
            told_on: None,
            read_on: None,
            objected_on: None,
            entrusted: None,
            compels: None,
            void_by: None,
            state: TestState::Noticed,
        }
    }
}

/// A test by its number.
pub(super) fn find(case: &Case, number: u32) -> Result<&DrugTest, Rejection> {
    check_registered(case)?;
    case.test(number)
        .ok_or_else(|| Rejection::of(Reason::TestNotFound, "test"))
}

/// Who is in custody can neither come nor say no.
fn in_custody(case: &Case, test: &DrugTest) -> bool {
    let refused_on = test.refused_on.unwrap_or(test.last_day());
    if test.evaded {
        case.suspended_within(test.noticed_on, test.last_day())
    } else {
        case.suspended_within(refused_on, refused_on)
    }
}

fn misfit() -> Rejection {
    Rejection::of(Reason::TestDoesNotFit, "test")
}

/// Numbers of the tests whose refusal counts.
pub fn refused(case: &Case) -> Vec<u32> {
    let numbered = (1_u32..).zip(&case.tests);
    let counted = numbered.filter(|(_, test)| matches!(test.state, TestState::RefusalCounted(_)));
    counted.map(|(number, _)| number).collect()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::case::tests::active;
    use crate::kernel::Role;
    use crate::spec::Given;

    pub(super) fn noticed() -> Given<Case> {
        active().then(&ServeTestNotice {
            on: date(2026, 3, 2),
            due_on: date(2026, 3, 6),
            mode: NoticeMode::Hand,
        })
    }

    pub(super) fn sample() -> RecordSample {
        RecordSample {
            test: 1,
            on: date(2026, 3, 2),
            kind: SampleKind::Urine,
            site: SampleSite::Station,
            collectors: vec!["worker-1".into(), "medical-1".into()],
            same_gender: true,
            hair: None,
        }
    }

    pub(super) fn result(stage: TestStage, outcome: TestOutcome) -> RecordTestResult {
        RecordTestResult {
            test: 1,
            on: date(2026, 3, 2),
            stage,
            outcome,
        }
    }

    fn refusal(evaded: bool) -> RecordTestRefusal {
        RecordTestRefusal {
            test: 1,
            on: date(2026, 3, 2),
            evaded,
            facts: "当面拒绝".into(),
        }
    }

    #[test]
    fn a_sample_takes_two_and_one_of_the_participants_gender() {
        let noticed = noticed();
        let alone = RecordSample {
            collectors: vec!["worker-1".into(), "worker-1".into()],
            ..sample()
        };
        assert_eq!(noticed.reason(&alone), Reason::SecondPersonRequired);
        let other = RecordSample {
            same_gender: false,
            hair: None,
            ..sample()
        };
        assert_eq!(noticed.reason(&other), Reason::CollectorGender);
        let unknown = RecordSample { test: 2, ..sample() };
        assert_eq!(noticed.reason(&unknown), Reason::TestNotFound);
        assert!(noticed.when(&sample()).is_ok());
    }

    #[test]
    fn the_last_minute_of_the_window_is_in_it_whatever_a_device_in_another_time_zone_says() {
        use crate::calendar::{day_of, start_of};
        // 2026-03-31, 23:59 in China; a device in Tokyo says that it is April.
        let last_minute = start_of(date(2026, 4, 1)) - 60_000_000;
        assert_eq!(day_of(last_minute), date(2026, 3, 31));
        let notice = ServeTestNotice {
            on: date(2026, 3, 31),
            due_on: date(2026, 3, 31),
            mode: NoticeMode::Hand,
        };
        let told = active().on(day_of(last_minute)).then(&notice);
        let tokyo = RecordSample {
            on: date(2026, 4, 1),
            ..sample()
        };
        assert_eq!(told.reason(&tokyo), Reason::OccurredInFuture, "days are days in China");
        let china = RecordSample {
            on: day_of(last_minute),
            ..sample()
        };
        let met = told
            .when(&china)
            .expect("is taken")
            .into_iter()
            .find_map(|event| match event {
                crate::case::CaseEvent::ObligationFulfilled(met) => Some((met.on, met.late)),
                _ => None,
            });
        assert_eq!(met, Some((date(2026, 3, 31), false)));
    }

    #[test]
    fn a_result_follows_its_sample_and_the_laboratory_follows_the_spot() {
        let (field, laboratory) = (TestStage::Field, TestStage::Laboratory);
        assert_eq!(
            noticed().reason(&result(field, TestOutcome::Negative)),
            Reason::TestDoesNotFit
        );
        let taken = noticed().then(&sample());
        assert_eq!(
            taken.reason(&result(laboratory, TestOutcome::Positive)),
            Reason::TestDoesNotFit
        );
        let positive = taken.then(&result(field, TestOutcome::Positive));
        assert_eq!(
            positive.reason(&result(field, TestOutcome::Negative)),
            Reason::TestDoesNotFit,
            "a second look on the spot is none"
        );
        let confirmed = positive.then(&result(laboratory, TestOutcome::Negative));
        assert_eq!(
            confirmed.state().tests[0].state,
            TestState::Laboratory(TestOutcome::Negative)
        );
    }

    #[test]
    fn a_refusal_counts_when_somebody_else_confirms_it() {
        let refused_once = noticed().then(&refusal(false));
        assert_eq!(refused_once.reason(&sample()), Reason::TestDoesNotFit);
        let confirm = ConfirmTestRefusal { test: 1 };
        let same = refused_once.by("worker-1", Role::Supervisor);
        assert_eq!(same.reason(&confirm), Reason::SamePersonForbidden);
        let counted = same.by("leader-1", Role::Supervisor).then(&confirm);
        assert_eq!(refused(counted.state()), [1]);
        let withdraw = WithdrawTestRefusal {
            test: 1,
            reason: "通知未送达".into(),
        };
        assert!(refused(counted.then(&withdraw).state()).is_empty());
    }

    #[test]
    fn nobody_evades_before_the_last_day_is_over() {
        assert_eq!(noticed().reason(&refusal(true)), Reason::NotYetEvaded);
        let after = RecordTestRefusal {
            on: date(2026, 3, 7),
            ..refusal(true)
        };
        assert!(noticed().on(date(2026, 3, 7)).when(&after).is_ok());
    }
}
