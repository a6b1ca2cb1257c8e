//! One participant's year, day by day, as the station records it.

use anyhow::Context;
use waystation_app::{App, AppError, Envelope, Receipt};
use waystation_domain::calendar::{add_days, add_months};
use waystation_domain::case::{
    AssignWorker, CheckInMode, OpenCaseFile, PlaceBasis, Programme, RecordCheckIn, RecordDischargeNotice,
    RecordService, RecordTalk, RegisterOrder, ReportIn, Resume, SignAgreement, Suspend, SuspensionCause, TalkTopic,
};
use waystation_domain::points::{AwardPoints, ItemLine, RedeemPoints};
use waystation_domain::{Channel, Command, Date, Principal, Role};

use super::STATION;
use super::conduct::Conduct;
use super::plan::Dice;

/// Case workers of the station.
pub(super) const WORKERS: u32 = 22;
/// Points below which nobody goes to the store.
const STORE_FROM: i64 = 12;

/// What was drawn for somebody.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) number: u32,
    pub(super) registered: Date,
    pub(super) rehab: bool,
    pub(super) months: i32,
    /// Days of the programme before the station began to use Waystation.
    pub(super) behind: i32,
    pub(super) late_report: bool,
    pub(super) suspended: Option<Date>,
    pub(super) ends: Option<Date>,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Stage {
    Unknown,
    Registered,
    Served,
    Active,
    Suspended(Date),
    Over,
}

pub(super) struct Person {
    pub(super) plan: Plan,
    pub(super) dice: Dice,
    pub(super) stage: Stage,
    pub(super) case: String,
    pub(super) conduct: Conduct,
    served: Date,
    report: Date,
    term_end: Date,
    points: i64,
}

pub(super) fn envelope(id: &str, role: Role) -> Envelope {
    at(STATION, id, role)
}

pub(super) fn at(station: &str, id: &str, role: Role) -> Envelope {
    let principal = Principal {
        id: id.to_owned(),
        role,
        station: station.to_owned(),
    };
    Envelope::of(principal, Channel::Api)
}

pub(super) fn supervisor() -> Envelope {
    envelope("supervisor-1", Role::Supervisor)
}

pub(super) fn clauses() -> Vec<String> {
    ["MEASURES", "RULES", "LIABILITY"].map(String::from).to_vec()
}

/// Sends a command about a case; a refusal is a mistake of the made-up year.
pub(super) async fn tell<C: Command<Aggregate = waystation_domain::case::Case>>(
    app: &App,
    case: &str,
    command: &C,
    by: &Envelope,
) -> anyhow::Result<Receipt> {
    app.case(case, command, by)
        .await
        .with_context(|| format!("{} of case {case} was refused", C::NAME))
}

/// Awards points for the first event of a receipt.
pub(super) async fn award(
    app: &App,
    case: &str,
    person: &str,
    rule: &str,
    receipt: &Receipt,
    by: &Envelope,
) -> anyhow::Result<()> {
    let first = receipt.revision.unwrap_or(0) + 1 - receipt.events;
    let basis = app.basis(case, first).await?;
    let command = AwardPoints {
        person: person.to_owned(),
        rule: rule.to_owned(),
        basis,
    };
    app.points(person, &command, by)
        .await
        .with_context(|| format!("AwardPoints to {person} was refused"))?;
    Ok(())
}

impl Person {
    pub(super) fn new(plan: Plan, dice: Dice) -> Self {
        let case = format!("demo-{:05}", plan.number);
        let (served, report, term_end) = (plan.registered, plan.registered, plan.registered);
        Self {
            plan,
            dice,
            stage: Stage::Unknown,
            case,
            conduct: Conduct::default(),
            served,
            report,
            term_end,
            points: 0,
        }
    }

    fn person(&self) -> String {
        format!("p-{:05}", self.plan.number)
    }

    fn worker(&self) -> String {
        format!("worker-{}", 1 + self.plan.number % WORKERS)
    }

    pub(super) fn by_worker(&self) -> Envelope {
        envelope(&self.worker(), Role::CaseWorker)
    }

    /// Everything that is recorded about this person today.
    pub(super) async fn live(&mut self, app: &App, today: Date) -> anyhow::Result<()> {
        match self.stage {
            Stage::Unknown if today >= self.plan.registered => self.register(app, today).await,
            Stage::Registered if today > self.plan.registered => self.serve(app, today).await,
            Stage::Served => self.report(app, today).await,
            Stage::Active => self.active(app, today).await,
            Stage::Suspended(until) if today >= until => {
                let resume = Resume {
                    on: today,
                    document_no: format!("恢复-{}", self.plan.number),
                };
                tell(app, &self.case, &resume, &self.by_worker()).await?;
                self.term_end = add_days(self.term_end, 20);
                self.stage = Stage::Active;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    async fn register(&mut self, app: &App, today: Date) -> anyhow::Result<()> {
        self.served = if self.plan.behind > 0 {
            add_days(today, -self.plan.behind - 3)
        } else {
            add_days(today, 1)
        };
        let notified = if self.plan.behind > 0 {
            add_days(self.served, -2)
        } else {
            today
        };
        let programme = if self.plan.rehab {
            Programme::CommunityRehab
        } else {
            Programme::CommunityDetox
        };
        let order = RegisterOrder {
            person: self.person(),
            programme,
            order_no: format!("清公禁决字〔{}〕{:05}号", notified.year(), self.plan.number),
            authority: "QINGZHEN_PSB".into(),
            decided_on: add_days(notified, -4),
            notified_on: notified,
            term_months: self.plan.months,
            offset_days: 0,
            place_basis: PlaceBasis::Household,
            release_no: self.plan.rehab.then(|| format!("解戒-{:05}", self.plan.number)),
        };
        tell(app, &self.case, &order, &self.by_worker()).await?;
        let assign = AssignWorker {
            from: today,
            worker: self.worker(),
        };
        tell(app, &self.case, &assign, &supervisor()).await?;
        self.stage = Stage::Registered;
        Ok(())
    }

    async fn serve(&mut self, app: &App, today: Date) -> anyhow::Result<()> {
        let on = self.served.min(today);
        self.served = on;
        tell(app, &self.case, &RecordService { on }, &self.by_worker()).await?;
        self.stage = Stage::Served;
        let days = if self.plan.late_report {
            24
        } else {
            1 + self.dice.below(9)
        };
        self.report = if self.plan.behind > 0 {
            add_days(on, 3)
        } else {
            add_days(on, days)
        };
        Ok(())
    }

    async fn report(&mut self, app: &App, today: Date) -> anyhow::Result<()> {
        if today < self.report {
            return Ok(());
        }
        let justification = self.plan.late_report.then(|| "ILLNESS".to_owned());
        let by = if self.plan.late_report {
            supervisor()
        } else {
            self.by_worker()
        };
        let report = ReportIn {
            on: self.report,
            identity_checked: true,
            justification,
        };
        tell(app, &self.case, &report, &by).await?;
        let (case, by) = (self.case.clone(), self.by_worker());
        let agreement = SignAgreement {
            on: today,
            agreement_no: format!("协议-{:05}", self.plan.number),
            clauses: clauses(),
        };
        tell(app, &case, &agreement, &by).await?;
        let file = OpenCaseFile {
            on: today,
            file_no: format!("QLS-{:05}", self.plan.number),
        };
        tell(app, &case, &file, &by).await?;
        self.term_end = add_months(self.report, self.plan.months);
        self.stage = Stage::Active;
        let meeting = RecordCheckIn {
            on: today,
            mode: CheckInMode::InPerson,
            late_reason: None,
            evidence: Vec::new(),
        };
        tell(app, &case, &meeting, &by).await?;
        Ok(())
    }

    async fn active(&mut self, app: &App, today: Date) -> anyhow::Result<()> {
        if today >= add_days(self.term_end, 5) {
            let (issued_on, received_on) = (add_days(self.term_end, 2), add_days(self.term_end, 5));
            let notice_no = format!("解除-{:05}", self.plan.number);
            let notice = RecordDischargeNotice {
                issued_on,
                received_on,
                notice_no,
            };
            tell(app, &self.case, &notice, &self.by_worker()).await?;
            self.stage = Stage::Over;
            return Ok(());
        }
        let running = today < self.term_end;
        if running && self.plan.suspended.is_some_and(|day| today >= day) {
            self.plan.suspended = None;
            let document_no = format!("拘留-{:05}", self.plan.number);
            let suspend = Suspend {
                from: today,
                cause: SuspensionCause::Detained,
                document_no,
            };
            tell(app, &self.case, &suspend, &self.by_worker()).await?;
            self.stage = Stage::Suspended(add_days(today, 20));
            return Ok(());
        }
        if running {
            self.conduct(app, today).await?;
        }
        if self.stage == Stage::Over {
            return Ok(());
        }
        self.contact(app, today).await?;
        self.shop(app, today).await
    }

    /// About 32 check-ins and talks a year; 94 of 100 months have their talk, a few are recorded late.
    async fn contact(&mut self, app: &App, today: Date) -> anyhow::Result<()> {
        let by = self.by_worker();
        let late = self.dice.permille(20);
        if self.dice.permille(55) {
            let mode = if self.dice.permille(120) {
                CheckInMode::Phone
            } else {
                CheckInMode::InPerson
            };
            let (on, late_reason) = (today, late.then(|| "OFFLINE".to_owned()));
            let check_in = RecordCheckIn {
                on,
                mode,
                late_reason,
                evidence: Vec::new(),
            };
            let receipt = tell(app, &self.case, &check_in, &by).await?;
            award(app, &self.case, &self.person(), "check_in", &receipt, &by).await?;
            self.points += 3;
        }
        if self.dice.permille(33) {
            let topics = vec![TalkTopic::Life, TalkTopic::Thoughts, TalkTopic::Health];
            let receipt = tell(
                app,
                &self.case,
                &RecordTalk {
                    on: today,
                    topics,
                    late_reason: None,
                    evidence: Vec::new(),
                    note: None,
                },
                &by,
            )
            .await?;
            award(app, &self.case, &self.person(), "talk", &receipt, &by).await?;
            self.points += 3;
        }
        Ok(())
    }

    async fn shop(&mut self, app: &App, today: Date) -> anyhow::Result<()> {
        if self.points < STORE_FROM || !self.dice.permille(40) {
            return Ok(());
        }
        let points = 6 + 3 * i64::from(self.dice.below(3));
        let line = ItemLine {
            sku: "rice-5kg".into(),
            kind: "DAILY_GOODS".into(),
            quantity: 1,
            points,
        };
        let redeem = RedeemPoints {
            on: today,
            lines: vec![line],
        };
        match app
            .points(&self.person(), &redeem, &envelope("store-1", Role::StoreKeeper))
            .await
        {
            Ok(_) => self.points -= points,
            // Points of the first days may have expired on the last.
            Err(AppError::Rejected(_)) => self.points = 0,
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }
}
