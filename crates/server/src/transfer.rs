//! Transfers and dual control: commands as they come, and the board of transfers that both stations look at.

use tonic::{Request, Response, Status};
use waystation_api::v1;
use waystation_api::v1::transfer_service_server::TransferService;
use waystation_app::Target;
use waystation_app::views::CaseSummary;
use waystation_domain::FieldClass;

use crate::Api;
use crate::convert::{day, signed};
use crate::fields::Fields;
use crate::reading::Reader;
use crate::status::status;

type Receipt = Result<Response<v1::CommandReceipt>, Status>;

#[tonic::async_trait]
impl TransferService for Api {
    async fn propose_transfer(&self, request: Request<v1::ProposeTransferRequest>) -> Receipt {
        self.command(request).await
    }

    async fn send_transfer_materials(&self, request: Request<v1::SendTransferMaterialsRequest>) -> Receipt {
        self.command(request).await
    }

    async fn accept_transfer(&self, request: Request<v1::AcceptTransferRequest>) -> Receipt {
        self.command(request).await
    }

    async fn reject_transfer(&self, request: Request<v1::RejectTransferRequest>) -> Receipt {
        self.command(request).await
    }

    async fn withdraw_transfer(&self, request: Request<v1::WithdrawTransferRequest>) -> Receipt {
        self.command(request).await
    }

    async fn report_in_after_transfer(&self, request: Request<v1::ReportInAfterTransferRequest>) -> Receipt {
        self.command(request).await
    }

    async fn start_dual_control(&self, request: Request<v1::StartDualControlRequest>) -> Receipt {
        self.command(request).await
    }

    async fn answer_dual_control(&self, request: Request<v1::AnswerDualControlRequest>) -> Receipt {
        self.command(request).await
    }

    async fn end_dual_control(&self, request: Request<v1::EndDualControlRequest>) -> Receipt {
        self.command(request).await
    }

    async fn list_transfers(
        &self,
        request: Request<v1::ListTransfersRequest>,
    ) -> Result<Response<v1::ListTransfersResponse>, Status> {
        let reader = Reader::of(&request, "TransferService/ListTransfers")?;
        let request = request.into_inner();
        let mut fields = Fields::default();
        let station = fields.id("station", &request.station);
        let page = fields.page(request.page_size, request.page_token);
        let read = fields.read(request.read);
        fields.finish()?;
        let found = self.app.list_transfers(&station, &page, read).await;
        let mut page = found.map_err(|error| status(&error, "transfers"))?;
        // A transfer is the business of either side.
        let about = |(id, case): &(String, CaseSummary)| {
            let target = Target {
                worker: case.worker.clone().unwrap_or_default(),
                ..Target::station(&station)
            };
            (id.clone(), case.person.clone(), target)
        };
        page.rows = self.readable(&reader, (page.rows, false), about).await?;
        if read.as_of.is_some() {
            // Of what is over, only the station that has the case is told.
            let ids: Vec<String> = page.rows.iter().map(|(id, _)| id.clone()).collect();
            let now = self.app.cases_now(&ids).await;
            let now = now.map_err(|error| status(&error, "transfers"))?;
            page.rows
                .retain(|(id, _)| now.get(id).is_some_and(|case| is_party(case, &station)));
        }
        let persons = page.rows.iter().map(|(_, case)| case.person.clone()).collect();
        self.on_record(&reader, persons, &[FieldClass::Status], page.position)
            .await?;
        Ok(Response::new(v1::ListTransfersResponse {
            transfers: page.rows.iter().filter_map(shown).collect(),
            next_page_token: page.next,
            position: signed(page.position),
        }))
    }
}

fn is_party(case: &CaseSummary, station: &str) -> bool {
    let mut parties = case.transfer.iter().flat_map(|transfer| [&transfer.from, &transfer.to]);
    case.station == station || parties.any(|party| party == station)
}

fn shown((id, case): &(String, CaseSummary)) -> Option<v1::Transfer> {
    let transfer = case.transfer.as_ref()?;
    Some(v1::Transfer {
        case: format!("cases/{id}"),
        from_station: transfer.from.clone(),
        to_station: transfer.to.clone(),
        proposed_on: day(Some(transfer.proposed_on)),
        sent_on: day(transfer.sent_on),
        effective_on: day(transfer.effective_on),
        reported_on: day(transfer.reported_on),
    })
}
