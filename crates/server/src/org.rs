//! Organisations: commands as they come, and figures under a tree.

use tonic::{Request, Response, Status};
use waystation_api::v1;
use waystation_api::v1::org_service_server::OrgService;
use waystation_app::{Action, Target};

use crate::Api;
use crate::convert::{self, signed};
use crate::fields::Fields;
use crate::reading::Reader;
use crate::status::status;

type Receipt = Result<Response<v1::CommandReceipt>, Status>;

#[tonic::async_trait]
impl OrgService for Api {
    async fn register_org_unit(&self, request: Request<v1::RegisterOrgUnitRequest>) -> Receipt {
        self.command(request).await
    }

    async fn merge_org_unit(&self, request: Request<v1::MergeOrgUnitRequest>) -> Receipt {
        self.command(request).await
    }

    async fn close_org_unit(&self, request: Request<v1::CloseOrgUnitRequest>) -> Receipt {
        self.command(request).await
    }

    async fn get_statistics_under(
        &self,
        request: Request<v1::GetStatisticsUnderRequest>,
    ) -> Result<Response<v1::GetStatisticsUnderResponse>, Status> {
        let reader = Reader::of(&request, "OrgService/GetStatisticsUnder")?;
        let request = request.into_inner();
        let mut fields = Fields::default();
        let station = fields.id("station", &request.station);
        let tree_on = fields.day("tree_on", &request.tree_on);
        let read = fields.read(request.read);
        fields.finish()?;
        self.allow(&reader, Action::ReadStatistics, &Target::station(&station))?;
        let found = self.app.months_under(&station, tree_on, read).await;
        let (months, units, position) = found.map_err(|error| status(&error, &station))?;
        Ok(Response::new(v1::GetStatisticsUnderResponse {
            months: months.into_iter().map(convert::month).collect(),
            units,
            position: signed(position),
        }))
    }
}
