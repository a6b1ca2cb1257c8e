//! Tests and absences of a participant's year, and the way to the police of those who refuse.

use waystation_app::App;
use waystation_domain::Date;
use waystation_domain::calendar::add_days;
use waystation_domain::case::{
    BreachGround, ConfirmRelapse, ConfirmSeriousBreach, ConfirmTestRefusal, FileAbsenceReport, LodgeObjection,
    NoticeMode, PoliceOutcome, RecordPoliceOutcome, RecordSample, RecordTestRefusal, RecordTestResult, ReferToPolice,
    ReportReturn, SampleKind, SampleSite, ServeTestNotice, TestOutcome, TestStage,
};

use super::person::{Person, Stage, supervisor, tell};
use super::plan::Dice;

/// Days before the end of their case on which somebody refuses a test.
const REFUSALS_BEFORE: [i32; 3] = [21, 14, 7];

/// Of so many in a thousand tests the result on the spot is positive.
const POSITIVE_PERMILLE: i32 = 8;

/// Days that a laboratory takes.
const LABORATORY_DAYS: i32 = 3;

/// What is under way.
#[derive(Default)]
pub(super) struct Conduct {
    tests: u32,
    absences: u32,
    /// Month of the last test.
    tested: Option<Date>,
    /// Number of the reported absence, and the day they come back.
    away: Option<(u32, Date)>,
    refused: usize,
    /// A positive test, the day of the laboratory's answer, and whether it is a relapse.
    positive: Option<(u32, Date, bool)>,
    /// Days on which the police are told, and decide.
    referred: Option<(Date, Date)>,
    told: bool,
}

impl Person {
    /// A test in nine months of ten, about one absence a year; who is to end refuses three tests first.
    pub(super) async fn conduct(&mut self, app: &App, today: Date) -> anyhow::Result<()> {
        let by = self.by_worker();
        if let Some((test, _, relapse)) = self.conduct.positive.take_if(|(_, on, _)| today >= *on) {
            return self.confirmed(app, today, test, relapse).await;
        }
        if let Some((absence, back)) = self.conduct.away {
            if today >= back {
                tell(app, &self.case, &ReportReturn { absence, on: today }, &by).await?;
                self.conduct.away = None;
            }
            return Ok(());
        }
        if let Some(end) = self.plan.ends {
            return self.refuse(app, today, end).await;
        }
        if self.dice.permille(3) {
            let days = 3 + self.dice.below(8);
            let report = FileAbsenceReport {
                reported_on: today,
                from: today,
                to: add_days(today, days),
                destination: "520115".into(),
                purpose: Some("探亲".into()),
            };
            tell(app, &self.case, &report, &by).await?;
            self.conduct.absences += 1;
            // One in six comes back a few days late.
            let late = if self.dice.permille(160) { 4 } else { 0 };
            self.conduct.away = Some((self.conduct.absences, add_days(today, days + late)));
            return Ok(());
        }
        let month = today.first_of_month();
        if self.conduct.tested < Some(month) && self.dice.permille(80) {
            self.conduct.tested = Some(month);
            let test = self.notice(app, today).await?;
            let sample = RecordSample {
                test,
                on: today,
                kind: SampleKind::Urine,
                site: SampleSite::Station,
                collectors: vec![by.principal.id.clone(), "medical-1".into()],
                same_gender: true,
                hair: None,
            };
            tell(app, &self.case, &sample, &by).await?;
            // A die of its own: the years of others stay as they are.
            let mut die = Dice::new(u64::from(self.plan.number) * 1_000 + u64::from(test));
            let positive = die.permille(POSITIVE_PERMILLE);
            let result = RecordTestResult {
                test,
                on: today,
                stage: TestStage::Field,
                outcome: if positive {
                    TestOutcome::Positive
                } else {
                    TestOutcome::Negative
                },
            };
            tell(app, &self.case, &result, &by).await?;
            if positive {
                let relapse = die.permille(400);
                if !relapse {
                    tell(app, &self.case, &LodgeObjection { test, on: today }, &by).await?;
                }
                self.conduct.positive = Some((test, add_days(today, LABORATORY_DAYS), relapse));
            }
        }
        Ok(())
    }

    /// The laboratory answers: nothing after all, or a relapse, which the police are told.
    async fn confirmed(&mut self, app: &App, today: Date, test: u32, relapse: bool) -> anyhow::Result<()> {
        let result = RecordTestResult {
            test,
            on: today,
            stage: TestStage::Laboratory,
            outcome: if relapse {
                TestOutcome::Positive
            } else {
                TestOutcome::Negative
            },
        };
        tell(app, &self.case, &result, &self.by_worker()).await?;
        if relapse {
            tell(app, &self.case, &ConfirmRelapse { test }, &supervisor()).await?;
            self.plan.ends = Some(today);
            self.conduct.referred = Some((add_days(today, 1), add_days(today, 5)));
        }
        Ok(())
    }

    async fn notice(&mut self, app: &App, today: Date) -> anyhow::Result<u32> {
        let notice = ServeTestNotice {
            on: today,
            due_on: add_days(today, 3),
            mode: NoticeMode::Hand,
        };
        tell(app, &self.case, &notice, &self.by_worker()).await?;
        self.conduct.tests += 1;
        Ok(self.conduct.tests)
    }

    async fn refuse(&mut self, app: &App, today: Date, end: Date) -> anyhow::Result<()> {
        let by = self.by_worker();
        if let Some((told, decided)) = self.conduct.referred {
            if today >= told && !self.conduct.told {
                self.conduct.told = true;
                let document_no = format!("回执-{:05}", self.plan.number);
                tell(app, &self.case, &ReferToPolice { on: today, document_no }, &by).await?;
            }
            if today >= decided {
                let outcome = RecordPoliceOutcome {
                    on: today,
                    outcome: PoliceOutcome::Isolation,
                    document_no: format!("强戒-{:05}", self.plan.number),
                };
                tell(app, &self.case, &outcome, &supervisor()).await?;
                self.stage = Stage::Over;
            }
            return Ok(());
        }
        let due = REFUSALS_BEFORE
            .get(self.conduct.refused)
            .map(|days| add_days(end, -days));
        if due.is_some_and(|due| today >= due) {
            let test = self.notice(app, today).await?;
            let refusal = RecordTestRefusal {
                test,
                on: today,
                evaded: false,
                facts: "当面拒绝检测".into(),
            };
            tell(app, &self.case, &refusal, &by).await?;
            tell(app, &self.case, &ConfirmTestRefusal { test }, &supervisor()).await?;
            self.conduct.refused += 1;
        } else if due.is_none() {
            let ground = BreachGround::TestRefusals;
            tell(app, &self.case, &ConfirmSeriousBreach { ground }, &supervisor()).await?;
            // Every third is told too late.
            let lag = if self.plan.number.is_multiple_of(3) { 3 } else { 1 };
            self.conduct.referred = Some((add_days(today, lag), add_days(today, lag + 2)));
        }
        Ok(())
    }
}
