//! `AuditService`.

use std::pin::Pin;

use futures::Stream;
use tonic::{Request, Response, Status};
use waystation_api::v1;
use waystation_api::v1::audit_service_server::AuditService;
use waystation_api::v1::list_audit_entries_request::By;
use waystation_app::{Action, TimeRange};

use crate::Api;
use crate::convert::{self, signed};
use crate::fields::Fields;
use crate::principal::principal;
use crate::reading::Reader;
use crate::status::status;

type Replies<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl AuditService for Api {
    async fn list_audit_entries(
        &self,
        request: Request<v1::ListAuditEntriesRequest>,
    ) -> Result<Response<v1::ListAuditEntriesResponse>, Status> {
        let reader = Reader::of(&request, "AuditService/ListAuditEntries")?;
        let request = request.into_inner();
        let mut fields = Fields::default();
        let page = fields.page(request.page_size, request.page_token);
        let read = fields.read(request.read);
        let by_record = matches!(request.by, Some(By::Record(_)));
        let found = match request.by {
            Some(By::Record(record)) => {
                let stream = fields.stream("record", &record);
                fields.finish()?;
                self.app
                    .audit_by_stream(&stream, &page, read)
                    .await
                    .map_err(|error| status(&error, &record))
            }
            Some(By::Actor(actor)) => {
                let actor = fields.id("actor", &actor);
                fields.finish()?;
                self.app
                    .audit_by_actor(&actor, &page, read)
                    .await
                    .map_err(|error| status(&error, &actor))
            }
            Some(By::Time(time)) => {
                let from_us = time.from.map_or(0, |from| fields.time("time.from", from));
                let to_us = time.to.map_or(i64::MAX, |to| fields.time("time.to", to));
                fields.finish()?;
                let range = TimeRange { from_us, to_us };
                self.app
                    .audit_by_time(range, &page, read)
                    .await
                    .map_err(|error| status(&error, "time"))
            }
            None => {
                fields.wrong("by", "one of record, actor and time");
                fields.finish()?;
                return Err(Status::internal("an internal failure"));
            }
        };
        let mut page = found?;
        let mut permitted = Vec::with_capacity(page.rows.len());
        for entry in page.rows {
            if by_record {
                // It was asked for by name: then a no is the answer.
                self.allow_stream(&reader, &entry.stream).await?;
                permitted.push(entry);
            } else if self.allows_stream(&reader, &entry.stream).await? {
                permitted.push(entry);
            }
        }
        page.rows = permitted;
        let streams = page.rows.iter().map(|entry| entry.stream.clone()).collect();
        self.on_record_by_stream(&reader, streams, page.position).await?;
        Ok(Response::new(v1::ListAuditEntriesResponse {
            entries: page.rows.into_iter().map(convert::audit_entry).collect(),
            next_page_token: page.next,
            position: signed(page.position),
        }))
    }

    async fn reveal_entry(
        &self,
        request: Request<v1::RevealEntryRequest>,
    ) -> Result<Response<v1::RevealEntryResponse>, Status> {
        let reader = Reader::of(&request, waystation_app::REVEAL_ENTRY)?;
        Ok(Response::new(self.reveal(&reader, request.into_inner()).await?))
    }

    type ReplayCaseStream = Replies<v1::ReplayCaseResponse>;

    async fn replay_case(
        &self,
        request: Request<v1::ReplayCaseRequest>,
    ) -> Result<Response<Self::ReplayCaseStream>, Status> {
        let reader = Reader::of(&request, "AuditService/ReplayCase")?;
        let request = request.into_inner();
        let mut fields = Fields::default();
        let id = fields.name("name", "cases", &request.name);
        let read = fields.read(request.read);
        fields.finish()?;
        let failed = |error| status(&error, &request.name);
        let replay = self.app.replay_case(&id, read).await.map_err(failed)?;
        let target = self.case_target(&reader, &id).await?;
        self.allow(&reader, Action::ReadStatus, &target)?;
        let head = self.app.store().log(waystation_app::LogName::Main).head().size;
        self.on_record_by_case(&reader, vec![id.clone()], head).await?;
        let state = (self.app.clone(), replay, request.name.clone());
        let steps = futures::stream::try_unfold(state, move |(app, mut replay, name)| async move {
            let step = replay.next(&app).await.map_err(|error| status(&error, &name))?;
            Ok(step.map(|step| {
                let id = name.trim_start_matches("cases/").to_owned();
                let reply = v1::ReplayCaseResponse {
                    entry: Some(convert::audit_entry(step.entry)),
                    case: step.case.map(|case| convert::case(&id, &case)),
                    equals_view: step.equals_view,
                };
                (reply, (app, replay, name))
            }))
        });
        Ok(Response::new(Box::pin(steps)))
    }

    type WatchAuditEntriesStream = Replies<v1::WatchAuditEntriesResponse>;

    async fn watch_audit_entries(
        &self,
        request: Request<v1::WatchAuditEntriesRequest>,
    ) -> Result<Response<Self::WatchAuditEntriesStream>, Status> {
        let reader = Reader::of(&request, "AuditService/WatchAuditEntries")?;
        let request = request.into_inner();
        let mut fields = Fields::default();
        let stream = (!request.record.is_empty()).then(|| fields.stream("record", &request.record));
        fields.finish()?;
        let after = self.begin_watch(request.after_position)?;
        Ok(Response::new(self.watch_entries_after(reader, after, stream)))
    }

    async fn get_checkpoint(
        &self,
        request: Request<v1::GetCheckpointRequest>,
    ) -> Result<Response<v1::GetCheckpointResponse>, Status> {
        principal(&request)?;
        Ok(Response::new(self.checkpoint().await?))
    }

    async fn get_inclusion_proof(
        &self,
        request: Request<v1::GetInclusionProofRequest>,
    ) -> Result<Response<v1::GetInclusionProofResponse>, Status> {
        let reader = Reader::of(&request, "AuditService/GetInclusionProof")?;
        Ok(Response::new(self.inclusion(&reader, request.into_inner()).await?))
    }

    async fn get_consistency_proof(
        &self,
        request: Request<v1::GetConsistencyProofRequest>,
    ) -> Result<Response<v1::GetConsistencyProofResponse>, Status> {
        principal(&request)?;
        Ok(Response::new(self.consistency(request.into_inner()).await?))
    }

    async fn get_receipt(
        &self,
        request: Request<v1::GetReceiptRequest>,
    ) -> Result<Response<v1::GetReceiptResponse>, Status> {
        let reader = Reader::of(&request, "AuditService/GetReceipt")?;
        Ok(Response::new(self.receipt(&reader, request.into_inner()).await?))
    }

    async fn get_tile(&self, request: Request<v1::GetTileRequest>) -> Result<Response<v1::GetTileResponse>, Status> {
        principal(&request)?;
        Ok(Response::new(self.tile(request.into_inner()).await?))
    }

    async fn get_entry_bundle(
        &self,
        request: Request<v1::GetEntryBundleRequest>,
    ) -> Result<Response<v1::GetEntryBundleResponse>, Status> {
        let reader = Reader::of(&request, "AuditService/GetEntryBundle")?;
        Ok(Response::new(self.entries(&reader, request.into_inner()).await?))
    }
}
