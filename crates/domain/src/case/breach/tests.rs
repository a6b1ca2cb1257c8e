//! Breaches from what counts to what the police decide.

use jiff::civil::{Date, date};

use super::*;
use crate::case::drug_test::ConfirmTestRefusal;
use crate::case::tests::{active, suspend};
use crate::case::{
    AllegeAbsence, Case, CaseEvent, ConfirmAbsence, NoticeMode, ObligationKind, Pending, RecordSample,
    RecordTestRefusal, RecordTestResult, Resume, Review, SampleKind, SampleSite, ServeTestNotice, Stage, TestOutcome,
    TestStage, WithdrawAbsence, WithdrawTestRefusal,
};
use crate::kernel::Role;
use crate::rejection::Reason;
use crate::spec::Given;

const LATER: Date = Date::constant(2026, 9, 1);

fn absent(case: Given<Case>, number: u32, from: Date, to: Date) -> Given<Case> {
    let allege = AllegeAbsence {
        from,
        to,
        how_known: "家访未见".into(),
    };
    case.by("worker-1", Role::CaseWorker)
        .then(&allege)
        .by("leader-1", Role::Supervisor)
        .then(&ConfirmAbsence { absence: number })
}

/// So many tests refused, one a day, and counted by another; on 2026-03-20, asked by that other.
fn refused(count: u32) -> Given<Case> {
    let mut case = active().on(date(2026, 3, 20));
    for test in 1..=count {
        let on = date(2026, 3, 2 + i8::try_from(test).expect("is small"));
        let notice = ServeTestNotice {
            on,
            due_on: on,
            mode: NoticeMode::Hand,
        };
        let refusal = RecordTestRefusal {
            test,
            on,
            evaded: false,
            facts: "拒绝".into(),
        };
        case = case.by("worker-1", Role::CaseWorker).then(&notice).then(&refusal);
        case = case.by("leader-1", Role::Supervisor).then(&ConfirmTestRefusal { test });
    }
    case
}

fn tell(on: Date) -> ReferToPolice {
    ReferToPolice {
        on,
        document_no: "回执-1".into(),
    }
}

fn confirm(ground: BreachGround) -> ConfirmSeriousBreach {
    ConfirmSeriousBreach { ground }
}

#[test]
fn three_absences_are_a_serious_breach_and_two_are_none() {
    let twice = absent(active().on(LATER), 1, date(2026, 4, 1), date(2026, 4, 3));
    let twice = absent(twice, 2, date(2026, 5, 1), date(2026, 5, 3));
    assert_eq!(
        twice.reason(&confirm(BreachGround::Absences)),
        Reason::ThresholdNotReached
    );
    let thrice = absent(twice, 3, date(2026, 6, 1), date(2026, 6, 3));
    let events = thrice.when(&confirm(BreachGround::Absences)).expect("is confirmed");
    let CaseEvent::SeriousBreachConfirmed(breach) = &events[0] else {
        panic!("{events:?}")
    };
    assert_eq!((breach.count, breach.evidence.as_slice()), (3, [1, 2, 3].as_slice()));
    assert_eq!(
        breach.source,
        "national/2011-06-26 breach.serious.unauthorised_absences_gte"
    );
}

#[test]
fn more_than_thirty_days_are_a_serious_breach_and_thirty_are_none() {
    let thirty = absent(active().on(LATER), 1, date(2026, 4, 1), date(2026, 4, 30));
    assert_eq!(
        thirty.reason(&confirm(BreachGround::AbsenceDays)),
        Reason::ThresholdNotReached
    );
    let more = absent(active().on(LATER), 1, date(2026, 4, 1), date(2026, 5, 1));
    assert!(more.when(&confirm(BreachGround::AbsenceDays)).is_ok());
    assert_eq!(
        more.reason(&confirm(BreachGround::Absences)),
        Reason::ThresholdNotReached
    );
}

#[test]
fn an_absence_that_was_withdrawn_does_not_count() {
    let thirty_one = absent(active().on(LATER), 1, date(2026, 4, 1), date(2026, 5, 1));
    let withdrawn = thirty_one.then(&WithdrawAbsence {
        absence: 1,
        reason: "住院".into(),
    });
    assert_eq!(
        withdrawn.reason(&confirm(BreachGround::AbsenceDays)),
        Reason::ThresholdNotReached
    );
}

#[test]
fn three_refused_tests_are_referred_and_the_police_decide() {
    let case = refused(3);
    // Whoever said that it happened does not say that it is a serious breach.
    let same = case.by("worker-1", Role::Supervisor);
    assert_eq!(
        same.reason(&confirm(BreachGround::TestRefusals)),
        Reason::SamePersonForbidden
    );
    let referred = same
        .by("leader-1", Role::Supervisor)
        .then(&confirm(BreachGround::TestRefusals));
    assert_eq!(referred.state().stage, Stage::BreachReferred);
    let duty = referred.state().open(ObligationKind::PoliceReport).expect("is open");
    assert_eq!(
        (duty.window_from, duty.window_to),
        (date(2026, 3, 20), date(2026, 3, 21))
    );
    let refer = ReferToPolice {
        on: date(2026, 3, 20),
        document_no: "回执-1".into(),
    };
    let outcome = |outcome| RecordPoliceOutcome {
        on: date(2026, 3, 20),
        outcome,
        document_no: "决定-1".into(),
    };
    assert_eq!(referred.reason(&outcome(PoliceOutcome::Warning)), Reason::NotReferred);
    let told = referred.then(&refer);
    assert!(told.state().open(ObligationKind::PoliceReport).is_none());
    assert_eq!(told.reason(&refer), Reason::AlreadyReferred);
    let warned = told.then(&outcome(PoliceOutcome::Warning));
    assert_eq!(warned.state().stage, Stage::Active);
    assert_eq!(
        warned.reason(&confirm(BreachGround::TestRefusals)),
        Reason::BreachDecided,
        "on the same evidence"
    );
    assert_eq!(warned.reason(&outcome(PoliceOutcome::Isolation)), Reason::BadState);
}

#[test]
fn a_relapse_is_what_a_laboratory_found() {
    let sample = RecordSample {
        test: 1,
        on: date(2026, 3, 2),
        kind: SampleKind::Urine,
        site: SampleSite::Station,
        collectors: vec!["worker-1".into(), "medical-1".into()],
        same_gender: true,
        hair: None,
    };
    let result = |stage| RecordTestResult {
        test: 1,
        on: date(2026, 3, 2),
        stage,
        outcome: TestOutcome::Positive,
    };
    let notice = ServeTestNotice {
        on: date(2026, 3, 2),
        due_on: date(2026, 3, 2),
        mode: NoticeMode::Hand,
    };
    let spot = active().then(&notice).then(&sample).then(&result(TestStage::Field));
    let relapse = ConfirmRelapse { test: 1 };
    let spot = spot.by("leader-1", Role::Supervisor);
    assert_eq!(spot.reason(&relapse), Reason::TestDoesNotFit, "is presumptive");
    let confirmed = spot.then(&result(TestStage::Laboratory)).then(&relapse);
    assert_eq!(confirmed.state().stage, Stage::RelapseReferred);
    assert!(confirmed.state().open(ObligationKind::PoliceReport).is_some());
    let warned = confirmed.then(&tell(date(2026, 3, 2))).then(&RecordPoliceOutcome {
        on: date(2026, 3, 2),
        outcome: PoliceOutcome::Warning,
        document_no: "决定-1".into(),
    });
    assert_eq!(warned.state().stage, Stage::Active);
    assert_eq!(warned.reason(&relapse), Reason::BreachDecided);
}

#[test]
fn a_breach_that_nobody_reports_is_past_due_the_day_after_the_next() {
    let more = absent(active().on(LATER), 1, date(2026, 4, 1), date(2026, 5, 1));
    let confirmed = more.then(&confirm(BreachGround::AbsenceDays));
    let clock = confirmed
        .by("clock", Role::System)
        .on(date(2026, 9, 3))
        .then(&Review {});
    assert!(clock.state().open(ObligationKind::PoliceReport).is_none());
    let late = clock.by("leader-1", Role::Supervisor).then(&tell(date(2026, 9, 3)));
    let isolated = late.then(&RecordPoliceOutcome {
        on: date(2026, 9, 3),
        outcome: PoliceOutcome::Isolation,
        document_no: "决定-2".into(),
    });
    assert_eq!(isolated.state().stage, Stage::Terminated);
    assert_eq!(isolated.state().obligations, []);
}

#[test]
fn one_day_counts_once_and_custody_is_neither_absence_nor_evasion() {
    let again = refused(1).by("worker-1", Role::CaseWorker).then(&ServeTestNotice {
        on: date(2026, 3, 3),
        due_on: date(2026, 3, 3),
        mode: NoticeMode::Hand,
    });
    let refusal = RecordTestRefusal {
        test: 2,
        on: date(2026, 3, 3),
        evaded: false,
        facts: "拒绝".into(),
    };
    assert_eq!(again.reason(&refusal), Reason::RefusedThatDay);

    let noticed = active().on(date(2026, 4, 20)).then(&ServeTestNotice {
        on: date(2026, 3, 4),
        due_on: date(2026, 3, 12),
        mode: NoticeMode::Hand,
    });
    let resumed = noticed
        .then(&crate::case::tests::suspend(date(2026, 3, 10)))
        .then(&Resume {
            on: date(2026, 3, 27),
            document_no: "释放-1".into(),
        });
    let evaded = RecordTestRefusal {
        test: 1,
        on: date(2026, 3, 28),
        evaded: true,
        facts: "未到场".into(),
    };
    assert_eq!(resumed.reason(&evaded), Reason::DuringSuspension);
    let allege = |from, to| AllegeAbsence {
        from,
        to,
        how_known: "家访未见".into(),
    };
    assert_eq!(
        resumed.reason(&allege(date(2026, 3, 26), date(2026, 3, 31))),
        Reason::DuringSuspension
    );
    assert!(resumed.when(&allege(date(2026, 3, 27), date(2026, 3, 31))).is_ok());
}

#[test]
fn a_breach_falls_with_what_it_rested_on_until_the_police_are_told() {
    let withdraw = WithdrawTestRefusal {
        test: 3,
        reason: "住院".into(),
    };
    let confirmed = refused(3).then(&confirm(BreachGround::TestRefusals));
    let fallen = confirmed.then(&withdraw);
    assert_eq!(fallen.state().stage, Stage::Active);
    assert!(fallen.state().open(ObligationKind::PoliceReport).is_none());
    assert_eq!(fallen.reason(&tell(date(2026, 3, 20))), Reason::BadState);
    let told = refused(3)
        .then(&confirm(BreachGround::TestRefusals))
        .then(&tell(date(2026, 3, 20)))
        .then(&withdraw);
    assert_eq!(told.state().stage, Stage::BreachReferred, "is the police's to answer");
}

#[test]
fn whoever_is_detained_meanwhile_is_suspended_and_the_police_still_told() {
    let confirmed = refused(3).then(&confirm(BreachGround::TestRefusals));
    let suspended = confirmed.then(&crate::case::tests::suspend(date(2026, 3, 20)));
    assert_eq!(suspended.state().stage, Stage::Suspended);
    let told = suspended.then(&tell(date(2026, 3, 20)));
    let warned = told.then(&RecordPoliceOutcome {
        on: date(2026, 3, 20),
        outcome: PoliceOutcome::Warning,
        document_no: "决定-1".into(),
    });
    assert_eq!(warned.state().stage, Stage::Suspended);
}

#[test]
fn a_relapse_stays_before_the_police_when_an_old_breach_loses_what_it_rested_on() {
    let outcome = RecordPoliceOutcome {
        on: date(2026, 3, 20),
        outcome: PoliceOutcome::Warning,
        document_no: "决定-1".into(),
    };
    let warned = refused(3)
        .then(&confirm(BreachGround::TestRefusals))
        .then(&tell(date(2026, 3, 20)))
        .then(&outcome);
    let relapsed = warned
        .then(&ServeTestNotice {
            on: date(2026, 3, 20),
            due_on: date(2026, 3, 20),
            mode: NoticeMode::Hand,
        })
        .then(&RecordSample {
            test: 4,
            on: date(2026, 3, 20),
            kind: SampleKind::Hair,
            site: SampleSite::Medical,
            collectors: vec!["worker-1".into(), "medical-1".into()],
            same_gender: false,
            hair: None,
        });
    let result = |stage| RecordTestResult {
        test: 4,
        on: date(2026, 3, 20),
        stage,
        outcome: TestOutcome::Positive,
    };
    let relapsed = relapsed
        .then(&result(TestStage::Field))
        .then(&result(TestStage::Laboratory))
        .then(&ConfirmRelapse { test: 4 })
        .then(&crate::case::tests::suspend(date(2026, 3, 20)));
    let withdrawn = relapsed.then(&WithdrawTestRefusal {
        test: 1,
        reason: "住院".into(),
    });
    assert!(withdrawn.state().open(ObligationKind::PoliceReport).is_some());
    assert_eq!(withdrawn.state().breaches.len(), 1, "was answered");
    assert!(withdrawn.when(&tell(date(2026, 3, 20))).is_ok());
}

#[test]
fn one_absence_is_not_three_and_one_no_show_is_not_either() {
    let allege = |from, to| AllegeAbsence {
        from,
        to,
        how_known: "家访未见".into(),
    };
    let first = active().on(LATER).then(&allege(date(2026, 4, 1), date(2026, 4, 3)));
    assert_eq!(
        first.reason(&allege(date(2026, 4, 4), date(2026, 4, 6))),
        Reason::AbsenceOverlaps
    );
    let notice = ServeTestNotice {
        on: date(2026, 3, 3),
        due_on: date(2026, 3, 3),
        mode: NoticeMode::Hand,
    };
    let evaded = |test, on| RecordTestRefusal {
        test,
        on,
        evaded: true,
        facts: "未到场".into(),
    };
    let twice = active().on(LATER).then(&notice).then(&notice);
    let once = twice.then(&evaded(1, date(2026, 3, 4)));
    assert_eq!(once.reason(&evaded(2, date(2026, 3, 5))), Reason::RefusedThatDay);
}

#[test]
fn days_of_two_suspensions_count_once() {
    let resumed = active()
        .on(date(2026, 5, 1))
        .then(&crate::case::tests::suspend(date(2026, 3, 10)))
        .then(&Resume {
            on: date(2026, 3, 27),
            document_no: "释放-1".into(),
        });
    assert_eq!(
        resumed.reason(&crate::case::tests::suspend(date(2026, 3, 12))),
        Reason::OccurredBeforeCase
    );
}

/// A test with a sample of a day that is positive on the spot and in the laboratory.
fn positive(case: Given<Case>, test: u32, on: Date) -> Given<Case> {
    let result = |stage| RecordTestResult {
        test,
        on,
        stage,
        outcome: TestOutcome::Positive,
    };
    let sample = RecordSample {
        test,
        on,
        kind: SampleKind::Urine,
        site: SampleSite::Station,
        collectors: vec!["worker-1".into(), "medical-1".into()],
        same_gender: true,
        hair: None,
    };
    let notice = ServeTestNotice {
        on,
        due_on: on,
        mode: NoticeMode::Hand,
    };
    let taken = case.then(&notice).then(&sample);
    taken
        .then(&result(TestStage::Field))
        .then(&result(TestStage::Laboratory))
}

#[test]
fn the_police_decide_on_what_they_were_told_of_and_are_told_of_nothing_before_it_happened() {
    let warning = RecordPoliceOutcome {
        on: date(2026, 3, 20),
        outcome: PoliceOutcome::Warning,
        document_no: "决定-1".into(),
    };
    let told = refused(3)
        .on(date(2026, 3, 19))
        .by("leader-1", Role::Supervisor)
        .then(&confirm(BreachGround::TestRefusals))
        .then(&tell(date(2026, 3, 19)));
    let relapsed = positive(told.on(date(2026, 3, 20)), 4, date(2026, 3, 20)).then(&ConfirmRelapse { test: 4 });
    // The warning answers the breach; of the relapse the police have not heard.
    let warned = relapsed.then(&warning);
    assert_eq!(warned.state().referral.relapse, Pending::Untold);
    assert_eq!(warned.reason(&warning), Reason::NotReferred);
    let decided = warned.then(&tell(date(2026, 3, 20))).then(&warning);
    assert!(!decided.state().referral.is_pending());
    // A report that is older than the relapse is of the breach only: another is owed.
    let both = refused(3)
        .on(date(2026, 3, 19))
        .by("leader-1", Role::Supervisor)
        .then(&confirm(BreachGround::TestRefusals))
        .on(date(2026, 3, 20));
    let both = positive(both, 4, date(2026, 3, 20)).then(&ConfirmRelapse { test: 4 });
    let first = both.then(&tell(date(2026, 3, 19)));
    let referral = first.state().referral;
    assert_eq!(
        (referral.breach, referral.relapse),
        (Pending::Told(date(2026, 3, 19)), Pending::Untold)
    );
    let owed = first.state().open(ObligationKind::PoliceReport).expect("is owed");
    assert_eq!(owed.window_from, date(2026, 3, 20));
    let second = first.then(&tell(date(2026, 3, 20)));
    assert!(!second.state().referral.is_untold());
    // What was decided on the day before answers what they had been told of by then.
    let earlier = RecordPoliceOutcome {
        on: date(2026, 3, 19),
        ..warning
    };
    let left = second.then(&earlier).state().referral;
    assert_eq!(
        (left.breach, left.relapse),
        (Pending::No, Pending::Told(date(2026, 3, 20)))
    );
}

#[test]
fn who_relapsed_is_resumed_from_custody_all_the_same() {
    let held = positive(active(), 1, date(2026, 3, 2))
        .on(date(2026, 3, 10))
        .then(&suspend(date(2026, 3, 5)))
        .by("leader-1", Role::Supervisor)
        .then(&ConfirmRelapse { test: 1 });
    let again = suspend(date(2026, 3, 9));
    assert_eq!(held.reason(&again), Reason::BadState, "is detained already");
    let decided = held.then(&tell(date(2026, 3, 10))).then(&RecordPoliceOutcome {
        on: date(2026, 3, 10),
        outcome: PoliceOutcome::NoAction,
        document_no: "决定-1".into(),
    });
    let resume = Resume {
        on: date(2026, 3, 10),
        document_no: "释放-1".into(),
    };
    let free = decided.then(&resume);
    assert_eq!(
        (free.state().stage, free.state().suspended_from()),
        (Stage::Active, None)
    );
    assert_eq!(free.state().suspended_days, 5);
    assert_eq!(free.reason(&resume), Reason::BadState);
}
