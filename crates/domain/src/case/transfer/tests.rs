//! Transfers, step by step and undone.

use jiff::civil::date;

use super::*;
use crate::case::stage::Stage;
use crate::case::tests::{active, agreement, check_in, suspend};
use crate::case::{
    AmendAgreement, AssignToBranch, NoticeMode, RecordSample, Resume, Review, SampleKind, SampleSite, ServeTestNotice,
    SignAgreement,
};
use crate::spec::Given;

const THERE: &str = "station-weicheng";

fn propose() -> ProposeTransfer {
    ProposeTransfer {
        on: date(2026, 4, 10),
        to_station: THERE.into(),
        reason: "户籍迁移".into(),
    }
}

fn here(case: Given<Case>) -> Given<Case> {
    case.at("worker-1", Role::CaseWorker, "station-qinglongshan")
}

fn there(case: Given<Case>, role: Role) -> Given<Case> {
    case.at("weicheng-1", role, THERE)
}

/// Active since 2026-03-02, proposed and sent on 2026-04-10.
fn sent() -> Given<Case> {
    let send = SendTransferMaterials {
        on: date(2026, 4, 10),
        documents: vec!["AGREEMENT".into(), "TEST_RECORDS".into()],
    };
    active()
        .on(date(2026, 4, 20))
        .by("clock", Role::System)
        .then(&Review {})
        .by("worker-1", Role::CaseWorker)
        .then(&propose())
        .then(&send)
}

fn accept() -> AcceptTransfer {
    AcceptTransfer {
        on: date(2026, 4, 13),
        effective_on: date(2026, 4, 15),
    }
}

fn report(on: Date) -> ReportInAfterTransfer {
    ReportInAfterTransfer {
        on,
        identity_checked: true,
        justification: None,
    }
}

fn accepted() -> Given<Case> {
    there(sent(), Role::Supervisor).then(&accept())
}

fn moved() -> Given<Case> {
    there(accepted(), Role::CaseWorker).then(&report(date(2026, 4, 20)))
}

#[test]
fn the_old_station_has_the_case_until_the_participant_reports_to_the_new_one() {
    // 戒毒条例 22: nobody is between two stations.
    let accepted = accepted();
    assert_eq!(accepted.state().stage, Stage::TransferPending);
    let meeting = check_in(date(2026, 4, 20));
    assert!(here(accepted.clone()).when(&meeting).is_ok());
    assert_eq!(
        there(accepted, Role::CaseWorker).reason(&meeting),
        Reason::StationOutOfScope
    );
    let moved = moved();
    assert_eq!((moved.state().station.as_str(), &moved.state().worker), (THERE, &None));
    assert!(moved.when(&meeting).is_ok());
    assert_eq!(here(moved).reason(&meeting), Reason::StationOutOfScope);
}

#[test]
fn who_moves_reports_within_fifteen_days_of_the_change() {
    let accepted = accepted();
    let owed = accepted
        .state()
        .open(ObligationKind::TransferReportIn)
        .expect("is open");
    assert_eq!(
        (owed.window_from, owed.window_to),
        (date(2026, 4, 15), date(2026, 4, 30))
    );
    let worker = there(accepted, Role::CaseWorker).on(date(2026, 5, 2));
    assert!(worker.when(&report(date(2026, 4, 30))).is_ok());
    let late = report(date(2026, 5, 1));
    assert_eq!(worker.reason(&late), Reason::JustificationRequired);
    let late = ReportInAfterTransfer {
        justification: Some("HOSPITAL".into()),
        ..late
    };
    assert_eq!(worker.reason(&late), Reason::RoleRequired);
    let leader = there(worker, Role::Supervisor);
    assert!(leader.when(&late).is_ok());
    let passed = leader.by("clock", Role::System).then(&Review {});
    let owed = passed.state().obligations.iter();
    assert!(
        owed.into_iter()
            .any(|owed| owed.kind == ObligationKind::TransferReportIn && owed.past_due)
    );
}

#[test]
fn the_term_and_the_windows_run_on_and_a_test_at_the_new_station_meets_the_window_of_the_old() {
    // 戒毒条例 22: the term is counted continuously. Transfer mid-window.
    let before = sent();
    let window = before.state().open(ObligationKind::UrineTest).expect("is open").clone();
    assert_eq!(
        (window.window_from, window.window_to),
        (date(2026, 4, 1), date(2026, 4, 30))
    );
    let moved = moved();
    assert_eq!(moved.state().open(ObligationKind::UrineTest), Some(&window));
    assert_eq!(moved.state().term_end, before.state().term_end);
    let notice = ServeTestNotice {
        on: date(2026, 4, 20),
        due_on: date(2026, 4, 20),
        mode: NoticeMode::Hand,
    };
    let sample = RecordSample {
        test: 1,
        on: date(2026, 4, 20),
        kind: SampleKind::Urine,
        site: SampleSite::Station,
        collectors: vec!["weicheng-1".into(), "medical-9".into()],
        same_gender: true,
        hair: None,
    };
    let events = moved.then(&notice).when(&sample).expect("is taken");
    let met = events.iter().find_map(|event| match event {
        CaseEvent::ObligationFulfilled(met) => Some((met.number, met.late)),
        _ => None,
    });
    assert_eq!(met, Some((window.number, false)));
}

#[test]
fn the_new_agreement_ends_the_transfer_and_plans_nothing_twice() {
    let moved = moved();
    let sign = SignAgreement {
        on: date(2026, 4, 20),
        ..agreement(date(2026, 4, 20))
    };
    let events = moved.when(&sign).expect("is signed");
    let opened = events
        .iter()
        .any(|event| matches!(event, CaseEvent::ObligationOpened(_)));
    assert!(!opened, "what is owed runs on: {events:?}");
    let signed = moved.then(&sign);
    assert_eq!((signed.state().stage, &signed.state().transfer), (Stage::Active, &None));
    assert_eq!(signed.state().agreement_on, Some(date(2026, 3, 2)), "bound since then");
    assert_eq!(signed.reason(&sign), Reason::BadState);
}

#[test]
fn each_side_does_its_own_part_in_its_turn() {
    let proposed = here(active()).on(date(2026, 4, 20)).then(&propose());
    assert_eq!(proposed.reason(&propose()), Reason::BadState);
    let receiver = there(proposed.clone(), Role::Supervisor);
    assert_eq!(receiver.reason(&accept()), Reason::MaterialsNotSent);
    assert_eq!(there(sent(), Role::CaseWorker).reason(&accept()), Reason::RoleRequired);
    let third = sent().at("elsewhere-1", Role::Supervisor, "station-third");
    assert_eq!(third.reason(&accept()), Reason::StationOutOfScope);
    assert_eq!(
        there(sent(), Role::CaseWorker).reason(&report(date(2026, 4, 20))),
        Reason::NotAccepted
    );
    let home = ProposeTransfer {
        to_station: "station-qinglongshan".into(),
        ..propose()
    };
    let case = active().on(date(2026, 4, 20));
    assert_eq!(case.reason(&home), Reason::SameStation);
    assert_eq!(case.reason(&accept()), Reason::RoleRequired);
    let stranger = there(active().on(date(2026, 4, 20)), Role::Supervisor);
    assert_eq!(stranger.reason(&accept()), Reason::StationOutOfScope, "is told nothing");
    assert_eq!(
        case.by("leader-1", Role::Supervisor).reason(&accept()),
        Reason::NoTransfer
    );
}

#[test]
fn a_transfer_that_is_refused_or_withdrawn_leaves_the_case_where_it_was() {
    let reject = RejectTransfer {
        reason: "并未居住本地".into(),
    };
    let withdraw = WithdrawTransfer {
        reason: "本人改变主意".into(),
    };
    let rejected = there(accepted(), Role::Supervisor).then(&reject);
    assert_eq!(rejected.state().stage, Stage::Active);
    assert!(rejected.state().open(ObligationKind::TransferReportIn).is_none());
    assert_eq!(there(moved(), Role::Supervisor).reason(&reject), Reason::NoTransfer);
    let withdrawn = here(accepted()).then(&withdraw);
    assert_eq!(
        (withdrawn.state().stage, &withdrawn.state().transfer),
        (Stage::Active, &None)
    );
    assert_eq!(
        there(accepted(), Role::CaseWorker).reason(&withdraw),
        Reason::StationOutOfScope
    );
}

#[test]
fn the_new_station_owes_an_agreement_also_after_custody_and_not_beyond_the_term() {
    let moved = moved().on(date(2026, 4, 23));
    let owed = moved.state().open(ObligationKind::SignAgreement).expect("is owed");
    assert_eq!(
        (owed.window_from, owed.window_to),
        (date(2026, 4, 20), date(2026, 4, 23))
    );
    let back = moved.clone().then(&suspend(date(2026, 4, 21))).then(&Resume {
        on: date(2026, 4, 23),
        document_no: "释放-1".into(),
    });
    let again = back.state().open(ObligationKind::SignAgreement).expect("is owed again");
    assert_eq!(again.window_from, date(2026, 4, 23));
    // The clock closes what the end of the term leaves open.
    let number = owed.number;
    let mut ended = moved.state().clone();
    ended.term_end = Some(date(2026, 4, 22));
    let actor = crate::Principal {
        id: "clock".into(),
        role: Role::System,
        station: THERE.into(),
    };
    let context = Context {
        today: date(2026, 4, 23),
        actor: &actor,
        policy: &crate::Policy::shipped(THERE),
    };
    let events = crate::Command::decide(&Review {}, &ended, &context).expect("decides");
    let closed = |event: &CaseEvent| matches!(event, CaseEvent::ObligationCancelled(fact) if fact.number == number);
    assert!(events.iter().any(closed), "{events:?}");
}

#[test]
fn custody_stops_the_case_and_not_the_transfer() {
    let custody = here(accepted()).then(&suspend(date(2026, 4, 16)));
    let resume = Resume {
        on: date(2026, 4, 18),
        document_no: "释放-1".into(),
    };
    let resumed = custody.clone().then(&resume);
    assert_eq!(resumed.state().stage, Stage::TransferPending);
    let owed = resumed
        .state()
        .open(ObligationKind::TransferReportIn)
        .expect("is owed again");
    assert_eq!(
        (owed.window_from, owed.window_to),
        (date(2026, 4, 18), date(2026, 5, 6))
    );
    // What was past due before is owed once, and no new one beside it.
    let passed = accepted()
        .on(date(2026, 5, 6))
        .by("clock", Role::System)
        .then(&Review {});
    let held = here(passed).then(&suspend(date(2026, 5, 5))).then(&Resume {
        on: date(2026, 5, 6),
        document_no: "释放-2".into(),
    });
    let owed = held.state().obligations.iter();
    assert_eq!(
        owed.filter(|owed| owed.kind == ObligationKind::TransferReportIn)
            .count(),
        1
    );
    let inside = here(sent()).then(&suspend(date(2026, 4, 11)));
    assert_eq!(there(inside, Role::Supervisor).reason(&accept()), Reason::BadState);
}

#[test]
fn a_branch_and_an_amendment_leave_a_transfer_under_way() {
    let branch = AssignToBranch {
        from: date(2026, 4, 20),
        branch: Some("station-weicheng.east".into()),
    };
    let amend = |on| AmendAgreement {
        on,
        agreement_no: "协议-2".into(),
        clauses: ["MEASURES", "RULES", "LIABILITY"].map(String::from).to_vec(),
    };
    let before = here(accepted())
        .then(&amend(date(2026, 4, 20)))
        .by("leader-1", Role::Supervisor)
        .then(&branch);
    assert!(before.state().transfer.is_some());
    let arrived = there(before, Role::CaseWorker).then(&report(date(2026, 4, 20)));
    assert_eq!(arrived.state().branch, None, "it was the old station's");
    let arrived = there(arrived, Role::Supervisor).then(&branch);
    assert_eq!(
        arrived.reason(&amend(date(2026, 4, 20))),
        Reason::BadState,
        "one is to be signed"
    );
    let signed = arrived.then(&agreement(date(2026, 4, 20)));
    assert_eq!(signed.state().stage, Stage::Active);
    assert_eq!(signed.reason(&amend(date(2026, 4, 19))), Reason::OccurredBeforeCase);
}
