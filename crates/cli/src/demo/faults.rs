//! What went wrong in the made-up year, for an inspection to find: each of these is answered by a line of docs/inspection.md.

use waystation_app::{Access, App, Envelope, Purpose};
use waystation_domain::account::{CreateAccount, DeclareConflict};
use waystation_domain::calendar::add_days;
use waystation_domain::case::{
    AcceptTransfer, AnswerDualControl, AssignWorker, CheckInMode, ConfirmRiskClass, ConfirmTestRefusal,
    ConfirmTestVoid, ContestRiskClass, FormSupportTeam, NoticeMode, ProposeTestVoid, ProposeTransfer, RecordCheckIn,
    RecordSample, RecordService, RecordTalk, RecordTestRefusal, ReportIn, ReportInAfterTransfer, RiskClass, SampleKind,
    SampleSite, ScoreRisk, SendTransferMaterials, ServeTestNotice, SignAgreement, StartDualControl, TalkTopic,
    TeamMember, TeamPlace, VoidContact,
};
use waystation_domain::org_unit::{MergeOrgUnit, OrgUnitKind, RegisterOrgUnit};
use waystation_domain::policy_book::{DraftPolicyPack, PackValue, PublishPolicyPack, ReviewPolicyPack};
use waystation_domain::{Date, FieldClass, Role};

use super::STATION;
use super::person::{at, award, clauses, envelope, supervisor, tell};
use super::story::{order, settle_in};
use crate::accounts::at_the_database;

/// Somebody whose worker filled a month in before the inspection.
const FILLED: &str = "qls-filled";
/// Somebody whose record a relative read.
const RELATIVE: &str = "qls-relative";
/// Somebody who refused a test of which no notice was on record.
const UNNOTICED: &str = "qls-unnoticed";
/// Somebody who came from another station, which waited for an answer.
const MOVED: &str = "qls-moved";
/// The other station.
const ELSEWHERE: &str = "station-weicheng";
/// A relative of theirs works here.
const CLOSE: &str = "worker-9";
/// 阿红, who works here after her programme.
const HONG: &str = "worker-ahong";

/// What happens on one day of the year.
pub(super) async fn live(app: &App, today: Date, number: i32) -> anyhow::Result<()> {
    let worker = envelope("worker-4", Role::CaseWorker);
    match number {
        40 => {
            for case in [FILLED, RELATIVE, UNNOTICED] {
                begin(app, case, today, &worker).await?;
            }
            team(app, FILLED, today, &[TeamPlace::CaseWorker, TeamPlace::Volunteer]).await?;
            team(app, RELATIVE, today, &TeamPlace::ALL).await?;
        }
        100 => photographed(app, RELATIVE, "5f", today, &worker).await?,
        130 => photographed(app, UNNOTICED, "5f", today, &worker).await?,
        140 => voided(app, UNNOTICED, add_days(today, -10)).await?,
        150 => mistaken(app, RELATIVE, today, &worker).await?,
        160..=194 => moves(app, today, number).await?,
        196 => rules(app, today).await?,
        200 => read(app, CLOSE, "p-qls-relative").await?,
        210 => too_close(app, CLOSE, "p-qls-relative").await?,
        212 => photographed(app, FILLED, "6a", today, &worker).await?,
        219 => photographed(app, RELATIVE, "6a", today, &worker).await?,
        231 => read(app, HONG, "p-ahong").await?,
        233 => too_close(app, HONG, "p-ahong").await?,
        240 => unnoticed(app, add_days(today, -4), &worker).await?,
        250 => letter(app, RELATIVE, today, &worker).await?,
        251 => letter(app, UNNOTICED, today, &worker).await?,
        255 => answered(app, UNNOTICED, today).await?,
        290 => merges(app, today).await?,
        300 => risks(app, today, &worker).await?,
        // A month of meetings, all written down in the week before the inspection.
        358 => filled(app, add_days(today, -60), &worker).await?,
        60..=340 if today.day() == 9 => {
            for case in [RELATIVE, UNNOTICED] {
                meet(app, case, today, &worker).await?;
            }
            // The worker was on leave in the month that was filled in afterwards.
            if !(290..=320).contains(&number) {
                meet(app, FILLED, today, &worker).await?;
            }
        }
        _ => {}
    }
    Ok(())
}

fn elsewhere(id: &str, role: Role) -> Envelope {
    at(ELSEWHERE, id, role)
}

async fn begin(app: &App, case: &str, today: Date, by: &Envelope) -> anyhow::Result<()> {
    tell(app, case, &order(case, today, &format!("解戒-{case}")), by).await?;
    tell(app, case, &RecordService { on: today }, by).await?;
    let report = ReportIn {
        on: today,
        identity_checked: true,
        justification: None,
    };
    tell(app, case, &report, by).await?;
    settle_in(app, case, today, by).await?;
    assign(app, case, today, &by.principal.id).await
}

async fn assign(app: &App, case: &str, from: Date, worker: &str) -> anyhow::Result<()> {
    let worker = worker.to_owned();
    tell(app, case, &AssignWorker { from, worker }, &supervisor()).await?;
    Ok(())
}

async fn team(app: &App, case: &str, from: Date, places: &[TeamPlace]) -> anyhow::Result<()> {
    let members = places.iter().map(|place| TeamMember {
        place: *place,
        staff: (*place == TeamPlace::CaseWorker).then(|| "worker-4".to_owned()),
    });
    let team = FormSupportTeam {
        from,
        members: members.collect(),
    };
    tell(app, case, &team, &supervisor()).await?;
    Ok(())
}

fn check_in(on: Date) -> RecordCheckIn {
    RecordCheckIn {
        on,
        mode: CheckInMode::InPerson,
        late_reason: None,
        evidence: Vec::new(),
    }
}

async fn meet(app: &App, case: &str, today: Date, by: &Envelope) -> anyhow::Result<()> {
    tell(app, case, &check_in(today), by).await?;
    Ok(())
}

/// The same photograph stands for two meetings.
async fn photographed(app: &App, case: &str, digit: &str, today: Date, by: &Envelope) -> anyhow::Result<()> {
    let seen = RecordCheckIn {
        evidence: vec![digit.repeat(32)],
        ..check_in(today)
    };
    let receipt = tell(app, case, &seen, by).await?;
    award(app, case, &format!("p-{case}"), "check_in", &receipt, by).await
}

/// The second of them was none; the points stay.
async fn voided(app: &App, case: &str, on: Date) -> anyhow::Result<()> {
    let state = app.case_of(case).await?;
    // Not the monthly meeting that may have come since.
    let Some(last) = state.contacts.iter().rfind(|contact| contact.on == on) else {
        return Ok(());
    };
    let void = VoidContact {
        revision: last.revision,
        reason: "照片系他人见面时拍摄".into(),
    };
    tell(app, case, &void, &supervisor()).await?;
    Ok(())
}

/// A sample was booked to somebody else; two people put that right.
async fn mistaken(app: &App, case: &str, today: Date, by: &Envelope) -> anyhow::Result<()> {
    let notice = ServeTestNotice {
        on: today,
        due_on: today,
        mode: NoticeMode::Phone,
    };
    tell(app, case, &notice, by).await?;
    let test = u32::try_from(app.case_of(case).await?.tests.len())?;
    let sample = RecordSample {
        test,
        on: today,
        kind: SampleKind::Urine,
        site: SampleSite::Station,
        collectors: vec![by.principal.id.clone(), "medical-1".into()],
        same_gender: true,
        hair: None,
    };
    tell(app, case, &sample, by).await?;
    let propose = ProposeTestVoid {
        test,
        reason: "样本登记错人".into(),
    };
    tell(app, case, &propose, by).await?;
    tell(app, case, &ConfirmTestVoid { test }, &supervisor()).await?;
    Ok(())
}

/// Another station waits eleven days for an answer.
async fn moves(app: &App, today: Date, number: i32) -> anyhow::Result<()> {
    let there = elsewhere("weicheng-1", Role::CaseWorker);
    match number {
        160 => {
            tell(app, MOVED, &order(MOVED, today, "解戒-moved"), &there).await?;
            tell(app, MOVED, &RecordService { on: today }, &there).await?;
            let report = ReportIn {
                on: today,
                identity_checked: true,
                justification: None,
            };
            tell(app, MOVED, &report, &there).await?;
            agree(app, today, &there).await?;
        }
        180 => {
            let propose = ProposeTransfer {
                on: today,
                to_station: STATION.into(),
                reason: "已迁入青龙山街道居住".into(),
            };
            tell(app, MOVED, &propose, &there).await?;
            let send = SendTransferMaterials {
                on: today,
                documents: vec!["AGREEMENT".into(), "TEST_RECORDS".into()],
            };
            tell(app, MOVED, &send, &there).await?;
        }
        191 => {
            let accept = AcceptTransfer {
                on: today,
                effective_on: today,
            };
            tell(app, MOVED, &accept, &supervisor()).await?;
        }
        193 => {
            let here = envelope("worker-4", Role::CaseWorker);
            let report = ReportInAfterTransfer {
                on: today,
                identity_checked: true,
                justification: None,
            };
            tell(app, MOVED, &report, &here).await?;
            agree(app, today, &here).await?;
            assign(app, MOVED, today, "worker-4").await?;
        }
        _ => {}
    }
    Ok(())
}

async fn agree(app: &App, on: Date, by: &Envelope) -> anyhow::Result<()> {
    let agreement = SignAgreement {
        on,
        agreement_no: format!("协议-{MOVED}-{on}"),
        clauses: clauses(),
    };
    tell(app, MOVED, &agreement, by).await?;
    Ok(())
}

/// The station sets a rule for itself, which begins inside windows that are open.
async fn rules(app: &App, today: Date) -> anyhow::Result<()> {
    let pack = "qinglongshan/2026".to_owned();
    let draft = DraftPolicyPack {
        unit: STATION.into(),
        pack: pack.clone(),
        valid_from: today,
        valid_to: None,
        retroactive: false,
        values: vec![PackValue {
            key: "tests.urine.per_year.CR".into(),
            value: "6,4,3".into(),
            source: "made up for this year".into(),
            certainty: "C".into(),
        }],
    };
    app.policy_pack(STATION, &draft, &supervisor()).await?;
    let review = ReviewPolicyPack {
        unit: STATION.into(),
        pack: pack.clone(),
        approved: true,
    };
    app.policy_pack(STATION, &review, &envelope("district-1", Role::DistrictOfficer))
        .await?;
    let publish = PublishPolicyPack {
        unit: STATION.into(),
        pack,
    };
    app.policy_pack(STATION, &publish, &supervisor()).await?;
    Ok(())
}

/// Somebody who has just got an account looks at a record, as a call would put it on record.
async fn read(app: &App, who: &str, person: &str) -> anyhow::Result<()> {
    let command = CreateAccount {
        role: Role::CaseWorker,
        station: STATION.to_owned(),
        until: None,
    };
    app.create_account(who, &command, &at_the_database()).await?;
    let principal = envelope(who, Role::CaseWorker).principal;
    let access = Access {
        principal: &principal,
        rpc: "PersonService/GetPerson",
        purpose: Purpose::Care,
        persons: vec![person.to_owned()],
        classes: vec![FieldClass::Status],
        at: app.store().log(waystation_app::LogName::Main).head().size,
    };
    app.record_access(access).await?;
    Ok(())
}

/// Later it is said that the two are too close.
async fn too_close(app: &App, account: &str, person: &str) -> anyhow::Result<()> {
    let command = DeclareConflict {
        account: account.into(),
        person: person.into(),
    };
    app.declare_conflict(person, &command, &supervisor()).await?;
    Ok(())
}

/// Notice and refusal are written down together, days after.
async fn unnoticed(app: &App, on: Date, by: &Envelope) -> anyhow::Result<()> {
    let notice = ServeTestNotice {
        on,
        due_on: on,
        mode: NoticeMode::Phone,
    };
    tell(app, UNNOTICED, &notice, by).await?;
    let refusal = RecordTestRefusal {
        test: 1,
        on,
        evaded: false,
        facts: "电话中拒绝".into(),
    };
    tell(app, UNNOTICED, &refusal, by).await?;
    tell(app, UNNOTICED, &ConfirmTestRefusal { test: 1 }, &supervisor()).await?;
    Ok(())
}

async fn letter(app: &App, case: &str, on: Date, by: &Envelope) -> anyhow::Result<()> {
    let start = StartDualControl {
        on,
        residence_station: ELSEWHERE.into(),
        letter_no: format!("函-{case}"),
    };
    tell(app, case, &start, by).await?;
    Ok(())
}

async fn answered(app: &App, case: &str, on: Date) -> anyhow::Result<()> {
    let answer = AnswerDualControl {
        on,
        letter_no: format!("复函-{case}"),
    };
    tell(app, case, &answer, &elsewhere("weicheng-1", Role::CaseWorker)).await?;
    Ok(())
}

/// The district counts the other station under this one from here on.
async fn merges(app: &App, on: Date) -> anyhow::Result<()> {
    let district = at("guanshanhu", "district-1", Role::DistrictOfficer);
    let units = [
        ("guanshanhu", OrgUnitKind::District, None),
        (ELSEWHERE, OrgUnitKind::Station, Some("guanshanhu".to_owned())),
        (STATION, OrgUnitKind::Station, Some("guanshanhu".to_owned())),
    ];
    for (unit, kind, parent) in units {
        let register = RegisterOrgUnit {
            unit: unit.into(),
            kind,
            parent,
            from: add_days(on, -365),
        };
        app.register_unit(unit, &register, &district).await?;
    }
    let merge = MergeOrgUnit {
        unit: ELSEWHERE.into(),
        into: STATION.into(),
        on,
    };
    app.org_unit(ELSEWHERE, &merge, &district).await?;
    Ok(())
}

/// A machine proposes classes; people confirm one, say otherwise of another, and the participant contests it.
async fn risks(app: &App, on: Date, by: &Envelope) -> anyhow::Result<()> {
    for case in [FILLED, RELATIVE, UNNOTICED] {
        tell(app, case, &ScoreRisk {}, by).await?;
    }
    let confirm = |class, reason: Option<&str>| ConfirmRiskClass {
        class,
        reason: reason.map(str::to_owned),
    };
    let state = app.case_of(UNNOTICED).await?;
    if let Some(risk) = state.risk {
        tell(app, UNNOTICED, &confirm(risk.proposed, None), &supervisor()).await?;
    }
    let higher = confirm(RiskClass::High, Some("家庭变故，近期情绪不稳"));
    tell(app, RELATIVE, &higher, &supervisor()).await?;
    let contest = ContestRiskClass {
        on,
        statement: "情况已经好转".into(),
    };
    tell(app, RELATIVE, &contest, by).await?;
    Ok(())
}

async fn filled(app: &App, from: Date, by: &Envelope) -> anyhow::Result<()> {
    for week in 0..3 {
        let on = add_days(from, 7 * week);
        let late = RecordCheckIn {
            late_reason: Some("REPORT_DUE".into()),
            ..check_in(on)
        };
        tell(app, FILLED, &late, by).await?;
    }
    let talk = RecordTalk {
        on: add_days(from, 21),
        topics: vec![TalkTopic::Life],
        late_reason: Some("REPORT_DUE".into()),
        evidence: Vec::new(),
        note: None,
    };
    tell(app, FILLED, &talk, by).await?;
    Ok(())
}
