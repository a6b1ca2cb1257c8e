//! Absences, tests and breaches: commands as they come, and what they come to.

use tonic::{Request, Response, Status};
use waystation_api::v1;
use waystation_api::v1::compliance_service_server::ComplianceService;
use waystation_app::{Action, ComplianceCounter};
use waystation_domain::FieldClass;
use waystation_domain::case::BreachGround;

use crate::Api;
use crate::convert::{number, signed};
use crate::fields::Fields;
use crate::reading::Reader;
use crate::status::status;

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
