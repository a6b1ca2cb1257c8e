//! The register of drug tests (尿检台账).

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{Entry, met_by, still_met};
use crate::case::state::index;
use crate::case::{
    Case, CaseEvent, DrugTest, HairSample, NoticeMode, ObligationKind, SampleCollected, SampleKind, SampleSite,
    TestOutcome, TestStage, TestState,
};
use crate::finding::Told;
use crate::kernel::Aggregate;
use crate::policy::Policy;
use crate::rejection::Rejection;

/// How a test stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TestStanding {
    /// The participant was told to come.
    Noticed,
    /// A sample was taken, and there is no result yet.
    Collected,
    /// Nothing was found on the spot.
    Negative,
    /// Something was found on the spot, which proves nothing by itself.
    PresumptivePositive,
    /// The participant objects to what was found on the spot.
    Objected,
    /// A laboratory found something.
    ConfirmedPositive,
    /// A laboratory found nothing.
    ConfirmedNegative,
    /// It cannot be said.
    Inconclusive,
    /// Refused or evaded, as somebody says.
    Refused,
    /// Refused or evaded, and confirmed by somebody else.
    RefusalCounted,
    /// It was none: two people said so.
    Void,
}

impl TestStanding {
    /// All of them, in the order of their numbers in the API.
    pub const ALL: [TestStanding; 11] = [
        TestStanding::Noticed,
        TestStanding::Collected,
        TestStanding::Negative,
        TestStanding::PresumptivePositive,
        TestStanding::Objected,
        TestStanding::ConfirmedPositive,
        TestStanding::ConfirmedNegative,
        TestStanding::Inconclusive,
        TestStanding::Refused,
        TestStanding::RefusalCounted,
        TestStanding::Void,
    ];

    /// How a test stands whose result is read.
    pub fn of_result(stage: TestStage, outcome: TestOutcome) -> Self {
        match (stage, outcome) {
            (TestStage::Field, TestOutcome::Negative) => TestStanding::Negative,
            (TestStage::Field, TestOutcome::Positive) => TestStanding::PresumptivePositive,
            (TestStage::Laboratory, TestOutcome::Negative) => TestStanding::ConfirmedNegative,
            (TestStage::Laboratory, TestOutcome::Positive) => TestStanding::ConfirmedPositive,
            (_, TestOutcome::Invalid) => TestStanding::Inconclusive,
        }
    }

    fn of(test: &DrugTest) -> Self {
        match test.state {
            TestState::Noticed => TestStanding::Noticed,
            TestState::Collected => TestStanding::Collected,
            TestState::Field(TestOutcome::Positive) if test.objected_on.is_some() => TestStanding::Objected,
            TestState::Field(outcome) => TestStanding::of_result(TestStage::Field, outcome),
            TestState::Laboratory(outcome) => TestStanding::of_result(TestStage::Laboratory, outcome),
            TestState::Refused(_) => TestStanding::Refused,
            TestState::RefusalCounted(_) => TestStanding::RefusalCounted,
            TestState::Void => TestStanding::Void,
        }
    }
}

/// A result, on the spot or of a laboratory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ResultRead {
    /// Day.
    pub on: Date,
    /// Where in the procedure.
    pub stage: TestStage,
    /// What it found.
    pub outcome: TestOutcome,
}

/// A test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TestEntry {
    /// Number of the test within the case.
    pub test: u32,
    /// Day of the sample or of the refusal; while there is neither, the last day to come.
    pub on: Date,
    /// The station whose case it was when the sample or refusal was recorded; while there is neither, the notice.
    pub station: String,
    /// Day of the notice; of a test that the police compel, the day they did.
    pub noticed_on: Date,
    /// Last day to come.
    pub due_on: Date,
    /// How the notice reached the participant; none of a test that the police compel.
    pub notice: Option<NoticeMode>,
    /// Who is entrusted with the sample, as a code.
    pub entrusted: Option<String>,
    /// Last day on which the sample may be taken there.
    pub entrusted_to: Option<Date>,
    /// Day of the sample.
    pub collected_on: Option<Date>,
    /// What was taken.
    pub kind: Option<SampleKind>,
    /// Of hair: how much of it.
    pub hair: Option<HairSample>,
    /// Where it was taken.
    pub site: Option<SampleSite>,
    /// Staff ids of those who took it.
    pub collectors: Vec<String>,
    /// Results, oldest first.
    pub results: Vec<ResultRead>,
    /// Day on which the participant objected.
    pub objected_on: Option<Date>,
    /// Day of the refusal.
    pub refused_on: Option<Date>,
    /// They did not come, instead of saying no.
    pub evaded: bool,
    /// The refused test in whose place the police compel this one.
    pub compels: Option<u32>,
    /// Number of the obligation that the sample met when it was recorded; none of one beyond what was owed, or void.
    pub met: Option<u32>,
    /// How it stands.
    pub standing: TestStanding,
    /// Places in the log of the events about it, oldest first.
    pub positions: Vec<u64>,
}

/// What the state of a test does not keep.
#[derive(Default)]
struct Kept {
    station: String,
    notice: Option<NoticeMode>,
    entrusted: Option<String>,
    sample: Option<SampleCollected>,
    results: Vec<ResultRead>,
    met: Option<u32>,
    positions: Vec<u64>,
}

/// Which lines somebody asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TestFilter {
    /// Only where something was found and not ruled out since.
    pub positive: bool,
    /// Only what somebody elsewhere is entrusted with.
    pub entrusted: bool,
    /// Only tests that stand so.
    pub standing: Option<TestStanding>,
}

impl Entry for TestEntry {
    type Filter = TestFilter;

    fn of_case(history: &[Told], _: Date, _: &Policy) -> Result<Vec<Self>, Rejection> {
        let mut case = Case::default();
        let mut kept: Vec<Kept> = Vec::new();
        for (at, told) in history.iter().enumerate() {
            case.evolve(&told.event);
            let Some(number) = told.event.test() else { continue };
            kept.resize_with(case.tests.len(), || Kept {
                station: case.station.clone(),
                ..Kept::default()
            });
            let Some(test) = index(number).and_then(|at| kept.get_mut(at)) else {
                continue;
            };
            test.positions.push(told.position);
            match &told.event {
                CaseEvent::TestNoticeServed(fact) => test.notice = Some(fact.mode),
                CaseEvent::TestEntrusted(fact) => test.entrusted = Some(fact.place.clone()),
                CaseEvent::SampleCollected(fact) => {
                    test.sample = Some(fact.clone());
                    test.met = met_by(history, at, &case, ObligationKind::UrineTest);
                    test.station.clone_from(&case.station);
                }
                CaseEvent::TestRefused(_) => test.station.clone_from(&case.station),
                CaseEvent::TestVoided(_) => {
                    let met = test.met.take();
                    // What another sample of the window meets is not owed again: it is that one's from then on.
                    if let Some(window) = met.and_then(|number| still_met(history, at, &case, number)) {
                        let mut others = kept.iter_mut().zip(&case.tests);
                        let meets = |test: &DrugTest| test.urine_on.is_some_and(|on| window.holds(on));
                        if let Some((other, _)) = others.find(|(kept, test)| kept.met.is_none() && meets(test)) {
                            other.met = met;
                        }
                    }
                }
                CaseEvent::TestResultRecorded(fact) => test.results.push(ResultRead {
                    on: fact.on,
                    stage: fact.stage,
                    outcome: fact.outcome,
                }),
                _ => {}
            }
        }
        let numbered = (1_u32..).zip(case.tests.iter().zip(kept));
        Ok(numbered
            .map(|(number, (test, kept))| entry(number, test, kept))
            .collect())
    }

    fn on(&self) -> Date {
        self.on
    }

    fn number(&self) -> u64 {
        self.test.into()
    }

    fn is_among(&self, filter: &TestFilter) -> bool {
        filter.standing.is_none_or(|standing| standing == self.standing)
            && (!filter.positive || self.is_positive())
            && (!filter.entrusted || self.entrusted.is_some())
    }
}

impl TestEntry {
    /// Something was found, and not ruled out since.
    pub fn is_positive(&self) -> bool {
        let found = |result: &ResultRead| result.outcome == TestOutcome::Positive;
        match self.standing {
            TestStanding::PresumptivePositive | TestStanding::Objected | TestStanding::ConfirmedPositive => true,
            TestStanding::Inconclusive => self.results.iter().any(found),
            _ => false,
        }
    }
}

fn entry(number: u32, test: &DrugTest, kept: Kept) -> TestEntry {
    let sample = kept.sample;
    TestEntry {
        test: number,
        on: test.collected_on.or(test.refused_on).unwrap_or(test.last_day()),
        station: kept.station,
        noticed_on: test.noticed_on,
        due_on: test.due_on,
        notice: kept.notice,
        entrusted: kept.entrusted,
        entrusted_to: test.entrusted.map(|(_, to)| to),
        collected_on: test.collected_on,
        kind: sample.as_ref().map(|sample| sample.kind),
        hair: sample.as_ref().and_then(|sample| sample.hair),
        site: sample.as_ref().map(|sample| sample.site),
        collectors: sample.map_or_else(Vec::new, |sample| sample.collectors),
        results: kept.results,
        objected_on: test.objected_on,
        refused_on: test.refused_on,
        evaded: test.evaded && test.refused_on.is_some(),
        compels: test.compels,
        met: kept.met,
        standing: TestStanding::of(test),
        positions: kept.positions,
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::case::{
        ConfirmTestRefusal, ConfirmTestVoid, EntrustTest, LodgeObjection, ProposeTestVoid, RecordSample,
        RecordTestRefusal, RecordTestResult, ServeTestNotice, WithdrawTestRefusal,
    };
    use crate::finding::tests::Story;
    use crate::kernel::Role;

    fn notice() -> ServeTestNotice {
        ServeTestNotice {
            on: date(2026, 3, 2),
            due_on: date(2026, 3, 6),
            mode: NoticeMode::Hand,
        }
    }

    fn sample(test: u32) -> RecordSample {
        RecordSample {
            test,
            on: date(2026, 3, 3),
            kind: SampleKind::Urine,
            site: SampleSite::Station,
            collectors: vec!["worker-1".into(), "medical-1".into()],
            same_gender: true,
            hair: None,
        }
    }

    fn result(stage: TestStage, outcome: TestOutcome) -> RecordTestResult {
        RecordTestResult {
            test: 1,
            on: date(2026, 3, 3),
            stage,
            outcome,
        }
    }

    fn taken() -> Story {
        Story::active().then(&notice()).on(date(2026, 3, 3)).then(&sample(1))
    }

    #[test]
    fn a_test_is_a_line_from_its_notice_to_the_laboratory() {
        let noticed = Story::active().then(&notice());
        let line = &noticed.list::<TestEntry>()[0];
        assert_eq!((line.standing, line.on), (TestStanding::Noticed, date(2026, 3, 6)));
        let line = taken().list::<TestEntry>().remove(0);
        assert_eq!((line.standing, line.on), (TestStanding::Collected, date(2026, 3, 3)));
        assert_eq!(
            (line.kind, line.site, line.collectors.len(), line.met.is_some()),
            (Some(SampleKind::Urine), Some(SampleSite::Station), 2, true)
        );
        let positive = taken().then(&result(TestStage::Field, TestOutcome::Positive));
        assert_eq!(
            positive.list::<TestEntry>()[0].standing,
            TestStanding::PresumptivePositive
        );
        let objected = positive.then(&LodgeObjection {
            test: 1,
            on: date(2026, 3, 3),
        });
        assert_eq!(objected.list::<TestEntry>()[0].standing, TestStanding::Objected);
        let negative = objected.then(&result(TestStage::Laboratory, TestOutcome::Negative));
        let line = &negative.list::<TestEntry>()[0];
        assert_eq!(
            (line.standing, line.results.len(), line.positions.len()),
            (TestStanding::ConfirmedNegative, 2, 5)
        );
        assert!(!line.is_positive());
        let nothing = taken()
            .then(&result(TestStage::Field, TestOutcome::Positive))
            .then(&result(TestStage::Laboratory, TestOutcome::Invalid));
        assert!(nothing.list::<TestEntry>()[0].is_positive(), "nobody ruled it out");
    }

    #[test]
    fn a_second_test_in_one_window_meets_nothing() {
        let twice = taken().then(&notice_again()).then(&sample(2));
        let met: Vec<bool> = twice
            .list::<TestEntry>()
            .iter()
            .map(|line| line.met.is_some())
            .collect();
        assert_eq!(met, [true, false]);
    }

    fn notice_again() -> ServeTestNotice {
        ServeTestNotice {
            on: date(2026, 3, 3),
            ..notice()
        }
    }

    #[test]
    fn a_refusal_stands_as_two_people_say_and_is_gone_when_it_was_none() {
        let refused = Story::active().then(&notice()).then(&RecordTestRefusal {
            test: 1,
            on: date(2026, 3, 2),
            evaded: false,
            facts: "当面拒绝".into(),
        });
        let line = &refused.list::<TestEntry>()[0];
        assert_eq!((line.standing, line.on), (TestStanding::Refused, date(2026, 3, 2)));
        let counted = refused
            .by("leader-1", Role::Supervisor)
            .then(&ConfirmTestRefusal { test: 1 });
        assert_eq!(counted.list::<TestEntry>()[0].standing, TestStanding::RefusalCounted);
        let withdrawn = counted.then(&WithdrawTestRefusal {
            test: 1,
            reason: "住院".into(),
        });
        let line = &withdrawn.list::<TestEntry>()[0];
        assert_eq!((line.standing, line.refused_on), (TestStanding::Noticed, None));
    }

    #[test]
    fn a_test_elsewhere_names_who_is_entrusted_and_a_void_one_is_void() {
        let leader = |story: Story| story.by("leader-1", Role::Supervisor);
        let entrusted = leader(Story::active().then(&notice())).then(&EntrustTest {
            test: 1,
            on: date(2026, 3, 2),
            place: "520102".into(),
            valid_to: date(2026, 3, 20),
        });
        let line = &entrusted.list::<TestEntry>()[0];
        assert_eq!(
            (line.entrusted.as_deref(), line.on),
            (Some("520102"), date(2026, 3, 20))
        );
        let void = taken().then(&ProposeTestVoid {
            test: 1,
            reason: "登记有误".into(),
        });
        assert_eq!(void.list::<TestEntry>()[0].standing, TestStanding::Collected);
        let void = leader(void).then(&ConfirmTestVoid { test: 1 });
        assert_eq!(void.list::<TestEntry>()[0].standing, TestStanding::Void);
    }
}
