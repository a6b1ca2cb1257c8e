//! Every event type ever stored still reads, and today's are written byte for byte as they were.
//!
//! A type without a file gets one, and the test fails once so that somebody looks at it. A file is never edited: a new
//! shape is a new version of the type, and the old one goes on being read.

use std::collections::BTreeSet;
use std::path::PathBuf;

use waystation_domain::account::{
    AccountCreated, AccountDisabled, AccountEvent, Budget, BudgetSpent, ConflictDeclared, ConflictWithdrawn,
    Credential, CredentialChanged,
};
use waystation_domain::case::*;
use waystation_domain::org_unit::OrgUnitEvent;
use waystation_domain::person::PersonEvent;
use waystation_domain::points::*;
use waystation_domain::policy_book::PolicyEvent;
use waystation_domain::{Date, Event, Fact, Personal, Role};

#[path = "samples/lifecycle.rs"]
mod lifecycle;
#[path = "samples/moves.rs"]
mod moves;
#[path = "samples/people.rs"]
mod people;
#[path = "samples/policies.rs"]
mod policies;

fn day(text: &str) -> Date {
    text.parse().expect("is a day")
}

/// Absences, tests and breaches.
fn conduct() -> Vec<CaseEvent> {
    let on = day("2026-03-02");
    vec![
        ObligationExcused {
            number: 3,
            reason: "住院".into(),
        }
        .into(),
        ObligationMissedConfirmed { number: 3 }.into(),
        AbsenceReported {
            absence: 1,
            reported_on: on,
            from: on,
            to: day("2026-03-09"),
            destination: "520181".into(),
            purpose: "探望母亲".into(),
            obligation: 4,
        }
        .into(),
        ReturnReported { absence: 1, on }.into(),
        AbsenceAlleged {
            absence: 2,
            from: on,
            to: day("2026-03-09"),
            by: "worker-1".into(),
            how_known: "邻居告知".into(),
        }
        .into(),
        AbsenceCounted { absence: 2, days: 8 }.into(),
        AbsenceWithdrawn {
            absence: 2,
            reason: "住院".into(),
        }
        .into(),
        TestNoticeServed {
            test: 1,
            on,
            due_on: day("2026-03-06"),
            mode: NoticeMode::Hand,
        }
        .into(),
        SampleCollected {
            test: 1,
            on,
            kind: SampleKind::Urine,
            site: SampleSite::Station,
            collectors: vec!["medical-1".into(), "worker-1".into()],
            hair: None,
        }
        .into(),
        TestResultRecorded {
            test: 1,
            on,
            stage: TestStage::Field,
            outcome: TestOutcome::Negative,
        }
        .into(),
        TestRefused {
            test: 2,
            on,
            evaded: true,
            by: "worker-1".into(),
            facts: "未到场".into(),
        }
        .into(),
        TestRefusalCounted { test: 2 }.into(),
        TestRefusalWithdrawn {
            test: 2,
            reason: "通知未送达".into(),
        }
        .into(),
        SeriousBreachConfirmed {
            ground: BreachGround::TestRefusals,
            evidence: vec![2, 3, 4],
            count: 3,
            source: "national/2011-06-26 breach.serious.test_refusals_gte".into(),
        }
        .into(),
        RelapseConfirmed { test: 1 }.into(),
        BreachWithdrawn {
            ground: BreachGround::Absences,
        }
        .into(),
        OrderVaried {
            term_months: 24,
            offset_days: 10,
            effective_on: on,
            basis: VariationBasis::Court,
            document_no: "判-1".into(),
        }
        .into(),
        ReferredToPolice {
            on,
            document_no: "回执-1".into(),
        }
        .into(),
        PoliceOutcomeRecorded {
            on,
            outcome: PoliceOutcome::Warning,
            document_no: "决定-1".into(),
        }
        .into(),
    ]
}

fn cases() -> Vec<CaseEvent> {
    let on = day("2026-03-02");
    vec![
        OrderRegistered {
            person: "p-1".into(),
            station: "station-a".into(),
            programme: Programme::CommunityRehab,
            order_no: "清公禁康决字〔2026〕1号".into(),
            authority: "QINGZHEN_PSB".into(),
            decided_on: day("2026-02-20"),
            notified_on: day("2026-02-24"),
            term_months: 24,
            offset_days: 3,
            place_basis: PlaceBasis::Residence,
            release_no: "解戒-1".into(),
        }
        .into(),
        OrderServed { on }.into(),
        ReportedIn {
            on,
            late: true,
            justification: "ILLNESS".into(),
        }
        .into(),
        ReportInDeadlinePassed {
            due_on: on,
            detected_on: day("2026-03-04"),
        }
        .into(),
        AgreementSigned {
            on,
            agreement_no: "协议-1".into(),
            clauses: vec!["MEASURES".into()],
        }
        .into(),
        CaseFileOpened {
            on,
            file_no: "QLS-1".into(),
        }
        .into(),
        WorkerAssigned {
            from: on,
            worker: "worker-1".into(),
        }
        .into(),
        AgreementAmended {
            on,
            agreement_no: "协议-1-补".into(),
            clauses: vec!["MEASURES".into()],
        }
        .into(),
        BranchAssigned {
            from: on,
            branch: Some("branch-tashan".into()),
        }
        .into(),
        CheckInRecorded {
            on,
            mode: CheckInMode::InPerson,
            evidence: Vec::new(),
            late_reason: Personal::default(),
        }
        .into(),
        TalkRecorded {
            on,
            topics: vec![TalkTopic::Life, TalkTopic::Health],
            evidence: Vec::new(),
            late_reason: "OFFLINE".into(),
            note: "谈了工作".into(),
        }
        .into(),
        CaseSuspended {
            from: on,
            cause: SuspensionCause::Arrested,
            document_no: "逮捕-1".into(),
        }
        .into(),
        CaseResumed {
            on,
            document_no: "释放-1".into(),
        }
        .into(),
        TermRecalculated {
            start: on,
            end: day("2028-03-02"),
            suspended_days: 5,
            offset_days: 3,
        }
        .into(),
        TermExpired {
            ended_on: on,
            detected_on: on,
        }
        .into(),
        CaseTerminated {
            on,
            reason: TerminationReason::CompulsoryIsolation,
            document_no: "强戒-1".into(),
        }
        .into(),
        CaseDischarged {
            issued_on: on,
            received_on: day("2026-03-05"),
            notice_no: "解除-1".into(),
        }
        .into(),
        ObligationOpened {
            number: 1,
            kind: ObligationKind::ReportIn,
            debtor: Debtor::Participant,
            window_from: on,
            window_to: day("2026-03-17"),
            source: "national/2011-06-26 report_in.days.CD".into(),
            station: None,
        }
        .into(),
        ObligationFulfilled {
            number: 1,
            on,
            late: false,
        }
        .into(),
        ObligationPastDue {
            number: 1,
            window_to: on,
            detected_on: day("2026-03-04"),
        }
        .into(),
        ObligationCancelled {
            number: 1,
            reason: CancelReason::CaseSuspended,
        }
        .into(),
    ]
}

fn points() -> Vec<PointsEvent> {
    let on = day("2026-03-02");
    vec![
        PointsAwarded {
            award: 1,
            person: "p-1".into(),
            on,
            amount: 3,
            rule: "check_in".into(),
            basis: Some("case-c1/7".into()),
            reason: Personal::default(),
            approved_by: None,
            expires_on: day("2027-03-02"),
            source: "guiyang/qinglongshan/2020-01-01 points.award.check_in".into(),
        }
        .into(),
        PointsAwardReversed {
            award: 1,
            on,
            amount: 2,
            written_off: 1,
            reason: "MISTAKE".into(),
        }
        .into(),
        PointsRedeemed {
            redemption: 1,
            on,
            lines: vec![ItemLine {
                sku: "rice".into(),
                kind: "DAILY_GOODS".into(),
                quantity: 1,
                points: 2,
            }],
            lots: vec![LotUse { lot: 1, amount: 2 }],
            amount: 2,
        }
        .into(),
        RedemptionCancelled {
            redemption: 1,
            on,
            returned: 2,
            expired: 0,
        }
        .into(),
        PointsExpired {
            lot: 1,
            expired_on: on,
            amount: 1,
            detected_on: day("2026-03-04"),
        }
        .into(),
    ]
}

fn accounts() -> Vec<AccountEvent> {
    vec![
        AccountCreated {
            until: Some(day("2026-12-31")),
            role: Role::CaseWorker,
            station: "station-a".into(),
        }
        .into(),
        AccountDisabled {}.into(),
        CredentialChanged {
            credential: Credential::SecondFactor,
        }
        .into(),
        BudgetSpent {
            budget: Budget::Misses,
            on: day("2026-03-02"),
        }
        .into(),
        ConflictDeclared { person: "p-1".into() }.into(),
        ConflictWithdrawn { person: "p-1".into() }.into(),
    ]
}

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden")
}

#[test]
fn today_s_events_are_written_as_they_always_were() {
    let all: Vec<(&str, Vec<u8>)> = cases()
        .into_iter()
        .chain(conduct())
        .chain(moves::moves())
        .chain(lifecycle::lifecycle())
        .chain(lifecycle::support())
        .map(|event| (event.event_type(), event.encode()))
        .chain(points().iter().map(|event| (event.event_type(), event.encode())))
        .chain(accounts().iter().map(|event| (event.event_type(), event.encode())))
        .chain(
            people::people()
                .iter()
                .map(|event| (event.event_type(), event.encode())),
        )
        .chain(
            policies::org_units()
                .iter()
                .map(|event| (event.event_type(), event.encode())),
        )
        .chain(
            policies::policies()
                .iter()
                .map(|event| (event.event_type(), event.encode())),
        )
        .collect();
    let covered: BTreeSet<&str> = all.iter().map(|(name, _)| *name).collect();
    let types = [
        CaseEvent::TYPES,
        PointsEvent::TYPES,
        PersonEvent::TYPES,
        AccountEvent::TYPES,
        PolicyEvent::TYPES,
        OrgUnitEvent::TYPES,
    ];
    let known: BTreeSet<&str> = types.iter().flat_map(|types| types.iter()).copied().collect();
    assert_eq!(covered, known, "every type has a sample here");
    let mut written = Vec::new();
    for (name, bytes) in all {
        let path = directory().join(format!("{name}.json"));
        match std::fs::read(&path) {
            Ok(golden) => {
                let (golden, now) = (String::from_utf8_lossy(&golden), String::from_utf8_lossy(&bytes));
                assert_eq!(golden.trim_end(), now, "{name}");
            }
            Err(_) => {
                std::fs::write(&path, [bytes.as_slice(), b"\n"].concat()).expect("the golden directory is writable");
                written.push(name);
            }
        }
    }
    assert!(
        written.is_empty(),
        "new golden files, look at them and commit them: {written:?}"
    );
}

#[test]
fn everything_ever_written_still_reads() {
    let mut count = 0;
    for entry in std::fs::read_dir(directory()).expect("is there") {
        let path = entry.expect("reads").path();
        let name = path
            .file_stem()
            .and_then(|stem| stem.to_str())
            .expect("is text")
            .to_owned();
        let bytes = std::fs::read(&path).expect("reads");
        Fact::decode(&name, &bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        count += 1;
    }
    assert!(count >= CaseEvent::TYPES.len() + PointsEvent::TYPES.len());
}
