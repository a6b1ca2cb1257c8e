//! Absences, tests and breaches: commands as they come, and what they come to.

use tonic::{Request, Response, Status};
use waystation_api::v1;
use waystation_api::v1::compliance_service_server::ComplianceService;
use waystation_app::{Action, ComplianceCounter, Simulated, Simulation, Target};
use waystation_domain::case::what_if::Standing;
use waystation_domain::case::{BreachGround, RiskClass};
use waystation_domain::{FieldClass, PolicyChange, calendar};

use crate::Api;
use crate::convert::{day, number, signed};
use crate::fields::Fields;
use crate::reading::Reader;
use crate::status::status;

/// Keys that are tried at once.
const VALUES_MAX: usize = 50;

type Receipt = Result<Response<v1::CommandReceipt>, Status>;

#[tonic::async_trait]
impl ComplianceService for Api {
    async fn file_absence_report(&self, request: Request<v1::FileAbsenceReportRequest>) -> Receipt {
        self.command(request).await
    }

    async fn report_return(&self, request: Request<v1::ReportReturnRequest>) -> Receipt {
        self.command(request).await
    }

    async fn allege_absence(&self, request: Request<v1::AllegeAbsenceRequest>) -> Receipt {
        self.command(request).await
    }

    async fn confirm_absence(&self, request: Request<v1::ConfirmAbsenceRequest>) -> Receipt {
        self.command(request).await
    }

    async fn withdraw_absence(&self, request: Request<v1::WithdrawAbsenceRequest>) -> Receipt {
        self.command(request).await
    }

    async fn serve_test_notice(&self, request: Request<v1::ServeTestNoticeRequest>) -> Receipt {
        self.command(request).await
    }

    async fn record_sample(&self, request: Request<v1::RecordSampleRequest>) -> Receipt {
        self.command(request).await
    }

    async fn record_test_result(&self, request: Request<v1::RecordTestResultRequest>) -> Receipt {
        self.command(request).await
    }

    async fn record_test_refusal(&self, request: Request<v1::RecordTestRefusalRequest>) -> Receipt {
        self.command(request).await
    }

    async fn confirm_test_refusal(&self, request: Request<v1::ConfirmTestRefusalRequest>) -> Receipt {
        self.command(request).await
    }

    async fn withdraw_test_refusal(&self, request: Request<v1::WithdrawTestRefusalRequest>) -> Receipt {
        self.command(request).await
    }

    async fn confirm_serious_breach(&self, request: Request<v1::ConfirmSeriousBreachRequest>) -> Receipt {
        self.command(request).await
    }

    async fn refer_to_police(&self, request: Request<v1::ReferToPoliceRequest>) -> Receipt {
        self.command(request).await
    }

    async fn record_police_outcome(&self, request: Request<v1::RecordPoliceOutcomeRequest>) -> Receipt {
        self.command(request).await
    }

    async fn excuse_obligation(&self, request: Request<v1::ExcuseObligationRequest>) -> Receipt {
        self.command(request).await
    }

    async fn confirm_missed(&self, request: Request<v1::ConfirmMissedRequest>) -> Receipt {
        self.command(request).await
    }

    async fn confirm_relapse(&self, request: Request<v1::ConfirmRelapseRequest>) -> Receipt {
        self.command(request).await
    }

    async fn lodge_objection(&self, request: Request<v1::LodgeObjectionRequest>) -> Receipt {
        self.command(request).await
    }

    async fn issue_warning(&self, request: Request<v1::IssueWarningRequest>) -> Receipt {
        self.command(request).await
    }

    async fn score_risk(&self, request: Request<v1::ScoreRiskRequest>) -> Receipt {
        self.command(request).await
    }

    async fn confirm_risk_class(&self, request: Request<v1::ConfirmRiskClassRequest>) -> Receipt {
        self.command(request).await
    }

    async fn contest_risk_class(&self, request: Request<v1::ContestRiskClassRequest>) -> Receipt {
        self.command(request).await
    }

    async fn extend_absence(&self, request: Request<v1::ExtendAbsenceRequest>) -> Receipt {
        self.command(request).await
    }

    async fn approve_leave(&self, request: Request<v1::ApproveLeaveRequest>) -> Receipt {
        self.command(request).await
    }

    async fn refuse_leave(&self, request: Request<v1::RefuseLeaveRequest>) -> Receipt {
        self.command(request).await
    }

    async fn entrust_test(&self, request: Request<v1::EntrustTestRequest>) -> Receipt {
        self.command(request).await
    }

    async fn record_compelled_test(&self, request: Request<v1::RecordCompelledTestRequest>) -> Receipt {
        self.command(request).await
    }

    async fn notify_obligation(&self, request: Request<v1::NotifyObligationRequest>) -> Receipt {
        self.command(request).await
    }

    async fn propose_test_void(&self, request: Request<v1::ProposeTestVoidRequest>) -> Receipt {
        self.command(request).await
    }

    async fn confirm_test_void(&self, request: Request<v1::ConfirmTestVoidRequest>) -> Receipt {
        self.command(request).await
    }

    async fn get_compliance(
        &self,
        request: Request<v1::GetComplianceRequest>,
    ) -> Result<Response<v1::GetComplianceResponse>, Status> {
        let reader = Reader::of(&request, "ComplianceService/GetCompliance")?;
        let request = request.into_inner();
        let mut fields = Fields::default();
        let id = fields.name("name", "cases", &request.name);
        let read = fields.read(request.read);
        fields.finish()?;
        let found = self.app.compliance(&id, read).await;
        let found = found.map_err(|error| status(&error, &request.name))?;
        let target = self.case_target(&reader, &id).await?;
        let target = self.in_emergency(&reader, &found.person, target).await?;
        self.allow(&reader, Action::ReadStatus, &target)?;
        self.on_record(&reader, vec![found.person], &[FieldClass::Status], found.position)
            .await?;
        Ok(Response::new(v1::GetComplianceResponse {
            counters: found.counters.into_iter().map(counter).collect(),
            position: signed(found.position),
        }))
    }

    async fn simulate_policy(
        &self,
        request: Request<v1::SimulatePolicyRequest>,
    ) -> Result<Response<v1::SimulatePolicyResponse>, Status> {
        let reader = Reader::of(&request, "ComplianceService/SimulatePolicy")?;
        let request = request.into_inner();
        let mut fields = Fields::default();
        let station = fields.id("station", &request.station);
        let from = fields.optional_day("valid_from", &request.valid_from);
        let page = fields.page(request.page_size, String::new());
        let read = fields.read(request.read);
        if request.set.is_empty() || request.set.len() > VALUES_MAX {
            fields.wrong("set", "1 to 50 keys with their values");
        }
        fields.finish()?;
        self.allow(&reader, Action::ReadStatus, &Target::station(&station))?;
        let change = PolicyChange {
            valid_from: from.unwrap_or(calendar::FIRST_DAY),
            set: request.set.into_iter().collect(),
        };
        let found = self.app.simulate(&station, &change, read).await;
        let found = found.map_err(|error| status(&error, "policy"))?;
        // Before anything is counted: a sum tells about everybody in it.
        let about = |case: &Simulated| {
            let target = Target {
                worker: case.worker.clone(),
                ..Target::station(&station)
            };
            (case.case.clone(), case.person.clone(), target)
        };
        let found = Simulation {
            cases: self
                .readable(&reader, (found.cases, read.as_of.is_some()), about)
                .await?,
            position: found.position,
        };
        let movers: Vec<&Simulated> = found.movers().take(page.rows()).collect();
        let persons = movers.iter().map(|mover| mover.person.clone()).collect();
        self.on_record(&reader, persons, &[FieldClass::Status], found.position)
            .await?;
        let (due, missed) = (found.total(|case| case.due), found.total(|case| case.missed));
        Ok(Response::new(v1::SimulatePolicyResponse {
            movers: movers.into_iter().map(shown).collect(),
            cases: found.cases.len() as i64,
            moving: found.movers().count() as i64,
            tests_due_before: signed(due.0),
            tests_due_after: signed(due.1),
            tests_missed_before: signed(missed.0),
            tests_missed_after: signed(missed.1),
            position: signed(found.position),
        }))
    }
}

fn shown(mover: &Simulated) -> v1::PolicyMover {
    let standing = |standing: &Standing| v1::PolicyStanding {
        tests_due: standing.due as i32,
        tests_missed: standing.missed as i32,
        tests_planned: standing.planned as i32,
        next_test: day(standing.next),
        breaches: standing
            .breaches
            .iter()
            .map(|ground| number(&BreachGround::ALL, ground))
            .collect(),
        risk: standing.risk.map_or(0, |class| number(&RiskClass::ALL, &class)),
    };
    v1::PolicyMover {
        case: format!("cases/{}", mover.case),
        before: Some(standing(&mover.before)),
        after: Some(standing(&mover.after)),
    }
}

fn counter(found: ComplianceCounter) -> v1::ComplianceCounter {
    let (counter, evidence) = (found.counter, found.evidence);
    v1::ComplianceCounter {
        ground: number(&BreachGround::ALL, &counter.ground),
        count: counter.count,
        threshold: counter.threshold.value,
        reached: counter.reached,
        source: format!("{} {}", counter.threshold.pack, counter.key),
        legal_source: counter.threshold.source,
        certainty: counter.threshold.certainty,
        evidence: evidence
            .into_iter()
            .map(|one| v1::ComplianceEvidence {
                number: one.number as i32,
                days: one.days,
                positions: one.positions.into_iter().map(signed).collect(),
            })
            .collect(),
    }
}
