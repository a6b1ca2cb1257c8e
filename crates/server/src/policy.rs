//! The rules of a station: commands as they come, and every value with what explains it.

use tonic::{Request, Response, Status};
use waystation_api::v1;
use waystation_api::v1::policy_service_server::PolicyService;
use waystation_app::{Action, Target};
use waystation_domain::policy::PolicyValue;
use waystation_domain::policy_book::OwnPack;

use crate::Api;
use crate::convert::{day, signed};
use crate::fields::Fields;
use crate::reading::Reader;
use crate::status::status;

type Receipt = Result<Response<v1::CommandReceipt>, Status>;

#[tonic::async_trait]
impl PolicyService for Api {
    async fn draft_policy_pack(&self, request: Request<v1::DraftPolicyPackRequest>) -> Receipt {
        self.command(request).await
    }

    async fn review_policy_pack(&self, request: Request<v1::ReviewPolicyPackRequest>) -> Receipt {
        self.command(request).await
    }

    async fn publish_policy_pack(&self, request: Request<v1::PublishPolicyPackRequest>) -> Receipt {
        self.command(request).await
    }

    async fn list_policy_values(
        &self,
        request: Request<v1::ListPolicyValuesRequest>,
    ) -> Result<Response<v1::ListPolicyValuesResponse>, Status> {
        let reader = Reader::of(&request, "PolicyService/ListPolicyValues")?;
        let request = request.into_inner();
        let mut fields = Fields::default();
        let station = fields.id("station", &request.station);
        let on = fields.optional_day("on", &request.on);
        let read = fields.read(request.read);
        fields.finish()?;
        // Rules are about nobody.
        self.allow(&reader, Action::ReadStatistics, &Target::station(&station))?;
        let rules = self.app.rules(&station, on, read).await;
        let rules = rules.map_err(|error| status(&error, &station))?;
        Ok(Response::new(v1::ListPolicyValuesResponse {
            values: rules.values.into_iter().map(value).collect(),
            packs: rules.packs.into_iter().map(pack).collect(),
            position: signed(rules.position),
        }))
    }
}

fn value(found: PolicyValue) -> v1::PolicyValue {
    v1::PolicyValue {
        key: found.key,
        value: found.value,
        pack: found.pack,
        layer: found.layer.as_str().to_owned(),
        valid_from: found.valid_from.to_string(),
        valid_to: day(found.valid_to),
        source: found.source,
        certainty: found.certainty,
    }
}

fn pack(own: OwnPack) -> v1::PolicyPack {
    let draft = own.draft;
    v1::PolicyPack {
        pack: draft.pack,
        state: own.state.as_str().to_owned(),
        valid_from: draft.valid_from.to_string(),
        valid_to: day(draft.valid_to),
        drafted_by: draft.by,
        values: draft
            .values
            .into_iter()
            .map(|value| v1::PackValue {
                key: value.key,
                value: value.value,
                source: value.source,
                certainty: value.certainty,
            })
            .collect(),
    }
}
