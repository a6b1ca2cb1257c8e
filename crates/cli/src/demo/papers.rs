//! What a station does beside the path itself in the made-up year: a plan, papers with numbers, one of which nobody used,
//! notices, and a branch.

use waystation_app::{App, Envelope};
use waystation_domain::Date;
use waystation_domain::Role;
use waystation_domain::calendar::add_days;
use waystation_domain::case::{
    ApproveCarePlan, AssignToBranch, CareGoal, DocumentKind, DraftCarePlan, IssueDocument, NoticeMode,
    NotifyObligation, ObligationKind, PlanOutcome, RecordSummary, ReviewCarePlan, ServeDocument, ServiceMode,
    SummaryKind,
};
use waystation_domain::org_unit::{OrgUnitKind, RegisterOrgUnit};

use super::STATION;
use super::person::{envelope, supervisor, tell};

/// Who got what, by the number of the register; nobody was given the third.
const ADMONISHED: [(&str, u32); 3] = [("qls-filled", 1), ("qls-relative", 2), ("qls-unnoticed", 4)];
/// A branch of the station.
const BRANCH: &str = "station-qinglongshan.tashan";
/// Who has a plan.
const PLANNED: &str = "qls-relative";

/// What happens on one day of the year.
pub(super) async fn live(app: &App, today: Date, number: i32) -> anyhow::Result<()> {
    let worker = envelope("worker-4", Role::CaseWorker);
    match number {
        105 => plan(app, today, &worker).await?,
        222 => papers(app, today, &worker).await?,
        // The last of them never reached anybody.
        225 => serve(app, today, &worker).await?,
        227 => notify(app, today, &worker).await?,
        281 => review(app, today, &worker).await?,
        292 => branch(app, today).await?,
        _ => {}
    }
    Ok(())
}

async fn plan(app: &App, on: Date, by: &Envelope) -> anyhow::Result<()> {
    let draft = DraftCarePlan {
        on,
        goals: vec![CareGoal::Abstinence, CareGoal::Work],
        // It was looked at sixteen days later than that.
        review_on: add_days(on, 160),
        measures: Some("介绍到社区保洁岗位，每月谈话一次".into()),
    };
    tell(app, PLANNED, &draft, by).await?;
    tell(app, PLANNED, &ApproveCarePlan { plan: 1 }, &supervisor()).await?;
    Ok(())
}

/// Two participants go to a branch of the station, near where they live.
async fn branch(app: &App, on: Date) -> anyhow::Result<()> {
    let register = RegisterOrgUnit {
        unit: BRANCH.into(),
        kind: OrgUnitKind::Branch,
        parent: Some(STATION.into()),
        from: on,
    };
    app.register_unit(BRANCH, &register, &supervisor()).await?;
    for case in ["qls-relative", "qls-unnoticed"] {
        let assign = AssignToBranch {
            from: on,
            branch: Some(BRANCH.into()),
        };
        tell(app, case, &assign, &supervisor()).await?;
    }
    Ok(())
}

async fn review(app: &App, on: Date, by: &Envelope) -> anyhow::Result<()> {
    let review = ReviewCarePlan {
        plan: 1,
        on,
        outcome: PlanOutcome::Achieved,
        review_on: None,
        note: Some("已稳定就业三个月".into()),
    };
    tell(app, PLANNED, &review, by).await?;
    let summary = RecordSummary {
        kind: SummaryKind::HalfYear,
        on,
        note: "按时检测，就业稳定".into(),
    };
    tell(app, PLANNED, &summary, by).await?;
    Ok(())
}

async fn papers(app: &App, on: Date, by: &Envelope) -> anyhow::Result<()> {
    for (case, serial) in ADMONISHED {
        let kind = DocumentKind::Admonition;
        tell(app, case, &IssueDocument { kind, serial, on }, by).await?;
    }
    Ok(())
}

async fn serve(app: &App, on: Date, by: &Envelope) -> anyhow::Result<()> {
    for ((case, _), mode) in ADMONISHED.into_iter().zip([ServiceMode::Hand, ServiceMode::Family]) {
        let signed = mode == ServiceMode::Hand;
        let served = ServeDocument {
            document: 1,
            on,
            mode,
            signed,
        };
        tell(app, case, &served, by).await?;
    }
    Ok(())
}

/// Somebody is told of the test that they owe.
async fn notify(app: &App, on: Date, by: &Envelope) -> anyhow::Result<()> {
    let state = app.case_of(PLANNED).await?;
    if let Some(owed) = state.open(ObligationKind::UrineTest) {
        let notice = NotifyObligation {
            obligation: owed.number,
            on,
            mode: NoticeMode::Phone,
            evidence: Vec::new(),
        };
        tell(app, PLANNED, &notice, by).await?;
    }
    Ok(())
}
