//! The two stories of the source article, by pseudonym. 小林 comes out of a facility, reports, signs, meets his worker
//! every month and carries his test result there by hand. 阿红 ends her programme and becomes a case worker herself.

use waystation_app::{App, Envelope};
use waystation_domain::calendar::{add_days, add_months};
use waystation_domain::case::{
    AssignWorker, CheckInMode, OpenCaseFile, PlaceBasis, Programme, RecordCheckIn, RecordDischargeNotice,
    RecordService, RecordTalk, RegisterOrder, ReportIn, SignAgreement, TalkTopic,
};
use waystation_domain::{Date, Role};

use super::person::{award, clauses, envelope, supervisor, tell};
use super::trust::register;

const LIN: &str = "xiaolin";
const HONG: &str = "ahong";
/// Day of the year on which 阿红's programme ends.
const HONG_ENDS: i32 = 150;

/// What the stories record on one day of the year.
pub(super) async fn live(app: &App, today: Date, number: i32) -> anyhow::Result<()> {
    lin(app, today, number).await?;
    hong(app, today, number).await
}

pub(super) fn order(case: &str, notified_on: Date, release: &str) -> RegisterOrder {
    RegisterOrder {
        person: format!("p-{case}"),
        programme: Programme::CommunityRehab,
        order_no: format!("清公禁康决字-{case}"),
        authority: "QINGZHEN_PSB".into(),
        decided_on: add_days(notified_on, -3),
        notified_on,
        term_months: 36,
        offset_days: 0,
        place_basis: PlaceBasis::Household,
        release_no: Some(release.into()),
    }
}

pub(super) async fn settle_in(app: &App, case: &str, on: Date, by: &Envelope) -> anyhow::Result<()> {
    let agreement = SignAgreement {
        on,
        agreement_no: format!("协议-{case}"),
        clauses: clauses(),
    };
    tell(app, case, &agreement, by).await?;
    tell(
        app,
        case,
        &OpenCaseFile {
            on,
            file_no: format!("QLS-{case}"),
        },
        by,
    )
    .await?;
    meet(app, case, on, by).await
}

async fn meet(app: &App, case: &str, on: Date, by: &Envelope) -> anyhow::Result<()> {
    let check_in = RecordCheckIn {
        on,
        mode: CheckInMode::InPerson,
        late_reason: None,
        evidence: Vec::new(),
    };
    let receipt = tell(app, case, &check_in, by).await?;
    award(app, case, &format!("p-{case}"), "check_in", &receipt, by).await
}

async fn lin(app: &App, today: Date, number: i32) -> anyhow::Result<()> {
    let worker = envelope("worker-1", Role::CaseWorker);
    match number {
        20 => {
            register(app, "p-xiaolin", "林晓舟", "999999199003082021").await?;
            tell(app, LIN, &order(LIN, today, "解戒-xiaolin"), &worker).await?;
            let assign = AssignWorker {
                from: today,
                worker: "worker-1".into(),
            };
            tell(app, LIN, &assign, &supervisor()).await?;
        }
        21 => {
            tell(app, LIN, &RecordService { on: today }, &worker).await?;
        }
        24 => {
            let report = ReportIn {
                on: today,
                identity_checked: true,
                justification: None,
            };
            tell(app, LIN, &report, &worker).await?;
            settle_in(app, LIN, today, &worker).await?;
        }
        // A meeting every month; twice he brings the result of his test from the police post, and they talk.
        35.. if today.day() == 13 => {
            meet(app, LIN, today, &worker).await?;
            let work = today.month() % 2 == 0;
            let topics = if work {
                vec![TalkTopic::Work, TalkTopic::Family]
            } else {
                vec![TalkTopic::Life, TalkTopic::Thoughts, TalkTopic::Health]
            };
            let talk = RecordTalk {
                on: today,
                topics,
                late_reason: None,
                evidence: Vec::new(),
                note: None,
            };
            let receipt = tell(app, LIN, &talk, &worker).await?;
            award(app, LIN, "p-xiaolin", "talk", &receipt, &worker).await?;
        }
        _ => {}
    }
    Ok(())
}

async fn hong(app: &App, today: Date, number: i32) -> anyhow::Result<()> {
    let worker = envelope("worker-2", Role::CaseWorker);
    // Three years before the day on which her term is to end.
    let reported = add_months(add_days(today, HONG_ENDS - number), -36);
    match number {
        0 => {
            register(app, "p-ahong", "洪阿红", "999999198506131011").await?;
            tell(app, HONG, &order(HONG, add_days(reported, -5), "解戒-ahong"), &worker).await?;
            tell(
                app,
                HONG,
                &RecordService {
                    on: add_days(reported, -4),
                },
                &worker,
            )
            .await?;
            let report = ReportIn {
                on: reported,
                identity_checked: true,
                justification: None,
            };
            tell(app, HONG, &report, &worker).await?;
            settle_in(app, HONG, today, &worker).await?;
        }
        1..HONG_ENDS if today.day() == 8 => meet(app, HONG, today, &worker).await?,
        // The clock has seen her term end; the police's notice arrives, and she is free.
        156 => {
            let issued_on = add_days(today, -3);
            let notice = RecordDischargeNotice {
                issued_on,
                received_on: today,
                notice_no: "解除-ahong".into(),
            };
            tell(app, HONG, &notice, &worker).await?;
        }
        // The association employs her: she is a case worker now, and 小林 is in her charge.
        230 => {
            let assign = AssignWorker {
                from: today,
                worker: "worker-ahong".into(),
            };
            tell(app, LIN, &assign, &supervisor()).await?;
        }
        231.. if today.day() == 27 => meet(app, LIN, today, &envelope("worker-ahong", Role::CaseWorker)).await?,
        _ => {}
    }
    Ok(())
}
