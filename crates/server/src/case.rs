//! `CaseService`.

use std::collections::HashMap;
use std::pin::Pin;

use futures::Stream;
use tonic::{Request, Response, Status};
use waystation_api::v1;
use waystation_api::v1::case_service_server::CaseService;
use waystation_app::views::CaseSummary;
use waystation_app::{AccessReceipt, Action, AgendaQuery, Budget, CaseQuery, FieldValue, Target};
use waystation_domain::case::{ObligationKind, RiskClass};
use waystation_domain::{Field, FieldClass};

use crate::Api;
use crate::convert::{self, PROGRAMMES, number, signed, stages};
use crate::fields::{Fields, optional};
use crate::reading::{Reader, case_of};
use crate::status::status;

type Receipt = Result<Response<v1::CommandReceipt>, Status>;

impl Api {
    /// The number of a document of a case; empty when there is none, or none that can be read.
    async fn number_of(&self, receipt: &AccessReceipt, case: &CaseSummary, field: Field) -> Result<String, Status> {
        let value = self.field(receipt, &case.person, &case.places, field).await?;
        Ok(match value {
            FieldValue::Open(text) => text.to_string(),
            FieldValue::Sealed | FieldValue::Erased | FieldValue::Absent => String::new(),
        })
    }
}

#[tonic::async_trait]
impl CaseService for Api {
    async fn register_order(&self, request: Request<v1::RegisterOrderRequest>) -> Receipt {
        self.command(request).await
    }

    async fn record_service(&self, request: Request<v1::RecordServiceRequest>) -> Receipt {
        self.command(request).await
    }

    async fn report_in(&self, request: Request<v1::ReportInRequest>) -> Receipt {
        self.command(request).await
    }

    async fn sign_agreement(&self, request: Request<v1::SignAgreementRequest>) -> Receipt {
        self.command(request).await
    }

    async fn open_case_file(&self, request: Request<v1::OpenCaseFileRequest>) -> Receipt {
        self.command(request).await
    }

    async fn amend_agreement(&self, request: Request<v1::AmendAgreementRequest>) -> Receipt {
        self.command(request).await
    }

    async fn assign_to_branch(&self, request: Request<v1::AssignToBranchRequest>) -> Receipt {
        self.command(request).await
    }

    async fn assign_worker(&self, request: Request<v1::AssignWorkerRequest>) -> Receipt {
        self.command(request).await
    }

    async fn revoke_order(&self, request: Request<v1::RevokeOrderRequest>) -> Receipt {
        self.command(request).await
    }

    async fn confirm_refusal(&self, request: Request<v1::ConfirmRefusalRequest>) -> Receipt {
        self.command(request).await
    }

    async fn mark_lost_contact(&self, request: Request<v1::MarkLostContactRequest>) -> Receipt {
        self.command(request).await
    }

    async fn mark_found(&self, request: Request<v1::MarkFoundRequest>) -> Receipt {
        self.command(request).await
    }

    async fn end_dynamic_control(&self, request: Request<v1::EndDynamicControlRequest>) -> Receipt {
        self.command(request).await
    }

    async fn record_home_visit(&self, request: Request<v1::RecordHomeVisitRequest>) -> Receipt {
        self.command(request).await
    }

    async fn record_phone_check(&self, request: Request<v1::RecordPhoneCheckRequest>) -> Receipt {
        self.command(request).await
    }

    async fn record_release_handover(&self, request: Request<v1::RecordReleaseHandoverRequest>) -> Receipt {
        self.command(request).await
    }

    async fn draft_care_plan(&self, request: Request<v1::DraftCarePlanRequest>) -> Receipt {
        self.command(request).await
    }

    async fn approve_care_plan(&self, request: Request<v1::ApproveCarePlanRequest>) -> Receipt {
        self.command(request).await
    }

    async fn review_care_plan(&self, request: Request<v1::ReviewCarePlanRequest>) -> Receipt {
        self.command(request).await
    }

    async fn record_summary(&self, request: Request<v1::RecordSummaryRequest>) -> Receipt {
        self.command(request).await
    }

    async fn issue_document(&self, request: Request<v1::IssueDocumentRequest>) -> Receipt {
        self.command(request).await
    }

    async fn serve_document(&self, request: Request<v1::ServeDocumentRequest>) -> Receipt {
        self.command(request).await
    }

    async fn form_support_team(&self, request: Request<v1::FormSupportTeamRequest>) -> Receipt {
        self.command(request).await
    }

    async fn void_contact(&self, request: Request<v1::VoidContactRequest>) -> Receipt {
        self.command(request).await
    }

    async fn record_check_in(&self, request: Request<v1::RecordCheckInRequest>) -> Receipt {
        self.command(request).await
    }

    async fn vary_order(&self, request: Request<v1::VaryOrderRequest>) -> Receipt {
        self.command(request).await
    }

    async fn record_talk(&self, request: Request<v1::RecordTalkRequest>) -> Receipt {
        self.command(request).await
    }

    async fn suspend(&self, request: Request<v1::SuspendRequest>) -> Receipt {
        self.command(request).await
    }

    async fn resume(&self, request: Request<v1::ResumeRequest>) -> Receipt {
        self.command(request).await
    }

    async fn terminate(&self, request: Request<v1::TerminateRequest>) -> Receipt {
        self.command(request).await
    }

    async fn record_discharge_notice(&self, request: Request<v1::RecordDischargeNoticeRequest>) -> Receipt {
        self.command(request).await
    }

    async fn get_case(&self, request: Request<v1::GetCaseRequest>) -> Result<Response<v1::GetCaseResponse>, Status> {
        let reader = Reader::of(&request, "CaseService/GetCase")?;
        let request = request.into_inner();
        let mut fields = Fields::default();
        let id = fields.name("name", "cases", &request.name);
        let read = fields.read(request.read);
        fields.finish()?;
        let (case, position) = self
            .app
            .get_case(&id, read)
            .await
            .map_err(|error| status(&error, &request.name))?;
        let target = self.case_target(&reader, &id).await?;
        let target = self.in_emergency(&reader, &case.person, target).await?;
        self.allow(&reader, Action::ReadStatus, &target)?;
        if request.reveal {
            self.allow(&reader, Action::Reveal, &target)?;
            self.within_budget(&reader, &[Budget::Reveals], std::slice::from_ref(&case.person))
                .await?;
        }
        let mut shown = convert::case(&id, &case);
        let mut classes = vec![FieldClass::Status];
        classes.extend(Some(FieldClass::Document).filter(|_| request.reveal));
        let receipt = self
            .on_record(&reader, vec![case.person.clone()], &classes, position)
            .await?;
        if request.reveal {
            shown.order_no = self.number_of(&receipt, &case, Field::OrderNo).await?;
            shown.agreement_no = self.number_of(&receipt, &case, Field::AgreementNo).await?;
            shown.file_no = self.number_of(&receipt, &case, Field::FileNo).await?;
        }
        Ok(Response::new(v1::GetCaseResponse {
            case: Some(shown),
            position: signed(position),
        }))
    }

    async fn list_cases(
        &self,
        request: Request<v1::ListCasesRequest>,
    ) -> Result<Response<v1::ListCasesResponse>, Status> {
        let reader = Reader::of(&request, "CaseService/ListCases")?;
        let request = request.into_inner();
        let mut fields = Fields::default();
        let (order, descending) = match request.order_by.strip_suffix(" desc") {
            Some(order) => (order, true),
            None => (request.order_by.as_str(), false),
        };
        if !["", "name", "next_due"].contains(&order) {
            fields.wrong("order_by", "`name` or `next_due`, with ` desc` for the largest first");
        }
        if order == "next_due" && request.station.is_empty() {
            fields.wrong("station", "a station, because order_by is next_due");
        }
        if request.unassigned && !request.worker.is_empty() {
            fields.wrong("unassigned", "either a worker or unassigned");
        }
        let query = CaseQuery {
            station: optional(request.station.clone()),
            stage: fields.optional_choice("stage", request.stage, stages()),
            worker: if request.unassigned {
                Some(String::new())
            } else {
                optional(request.worker.clone())
            },
            programme: fields.optional_choice("programme", request.programme, &PROGRAMMES),
            person: optional(request.person.clone()),
            past_due: request.past_due,
            ending_by: fields.optional_day("ending_by", &request.ending_by),
            no_contact_since: fields.optional_day("no_contact_since", &request.no_contact_since),
            on_leave_on: fields.optional_day("on_leave_on", &request.on_leave_on),
            lost: request.lost,
            dual_control: request.dual_control,
            branch: optional(request.branch),
            risk: fields.optional_choice("risk", request.risk, &RiskClass::ALL),
            by_next_due: order == "next_due",
            descending,
        };
        let page = fields.page(request.page_size, request.page_token);
        let read = fields.read(request.read);
        fields.finish()?;
        let mut page = self
            .app
            .list_cases(&query, &page, read)
            .await
            .map_err(|error| status(&error, "cases"))?;
        page.rows = self
            .readable(&reader, (page.rows, read.as_of.is_some()), case_of)
            .await?;
        let persons = page.rows.iter().map(|(_, case)| case.person.clone()).collect();
        self.on_record(&reader, persons, &[FieldClass::Status], page.position)
            .await?;
        Ok(Response::new(v1::ListCasesResponse {
            cases: page.rows.iter().map(|(id, case)| convert::case(id, case)).collect(),
            next_page_token: page.next,
            position: signed(page.position),
        }))
    }

    async fn list_agenda(
        &self,
        request: Request<v1::ListAgendaRequest>,
    ) -> Result<Response<v1::ListAgendaResponse>, Status> {
        let reader = Reader::of(&request, "CaseService/ListAgenda")?;
        let request = request.into_inner();
        let mut fields = Fields::default();
        if request.station.is_empty() && request.case.is_empty() {
            fields.wrong("station", "a station or a case");
        }
        let query = AgendaQuery {
            station: request.station,
            case: optional(request.case).map(|name| fields.name("case", "cases", &name)),
            due_by: fields.optional_day("due_by", &request.due_by),
            past_due: request.past_due,
            kind: fields.optional_choice("kind", request.kind, &ObligationKind::ALL),
            debtor: fields.debtor("debtor", &request.debtor),
        };
        let page = fields.page(request.page_size, request.page_token);
        let read = fields.read(request.read);
        fields.finish()?;
        let mut page = self
            .app
            .list_agenda(&query, &page, read)
            .await
            .map_err(|error| status(&error, "agenda"))?;
        let mut permitted = Vec::with_capacity(page.rows.len());
        let mut cases = HashMap::new();
        for (id, entry) in page.rows {
            if !cases.contains_key(&entry.case) {
                let target = self.case_target(&reader, &entry.case).await?;
                cases.insert(entry.case.clone(), self.allows(&reader, Action::ReadStatus, &target)?);
            }
            if cases.get(&entry.case).is_some_and(|allowed| *allowed) {
                permitted.push((id, entry));
            }
        }
        page.rows = permitted;
        let cases = page.rows.iter().map(|(_, entry)| entry.case.clone()).collect();
        self.on_record_by_case(&reader, cases, page.position).await?;
        Ok(Response::new(v1::ListAgendaResponse {
            obligations: page.rows.iter().map(|(_, entry)| convert::obligation(entry)).collect(),
            next_page_token: page.next,
            position: signed(page.position),
        }))
    }

    async fn get_station_statistics(
        &self,
        request: Request<v1::GetStationStatisticsRequest>,
    ) -> Result<Response<v1::GetStationStatisticsResponse>, Status> {
        let reader = Reader::of(&request, "CaseService/GetStationStatistics")?;
        let request = request.into_inner();
        let mut fields = Fields::default();
        let station = fields.id("station", &request.station);
        let page = fields.page(request.page_size, request.page_token);
        let mut read = fields.read(request.read);
        fields.finish()?;
        self.allow(&reader, Action::ReadStatistics, &Target::station(&station))?;
        let failed = |error| status(&error, &station);
        let months = self.app.station_months(&station, &page, read).await.map_err(failed)?;
        // Both halves of the answer are for the same moment.
        read.as_of = Some(waystation_app::AsOf::Position(months.position));
        let now = self.app.station_now(&station, read).await.map_err(failed)?;
        let count = |(stage, cases): &(_, u64)| v1::StageCount {
            stage: number(stages(), stage),
            cases: signed(*cases),
        };
        Ok(Response::new(v1::GetStationStatisticsResponse {
            stages: now.stages.iter().map(count).collect(),
            months: months.rows.into_iter().map(convert::month).collect(),
            next_page_token: months.next,
            position: signed(months.position),
        }))
    }

    type WatchCasesStream = Pin<Box<dyn Stream<Item = Result<v1::WatchCasesResponse, Status>> + Send>>;

    async fn watch_cases(
        &self,
        request: Request<v1::WatchCasesRequest>,
    ) -> Result<Response<Self::WatchCasesStream>, Status> {
        let reader = Reader::of(&request, "CaseService/WatchCases")?;
        let request = request.into_inner();
        let after = self.begin_watch(request.after_position)?;
        Ok(Response::new(self.watch_cases_after(
            reader,
            after,
            optional(request.station),
        )))
    }
}
