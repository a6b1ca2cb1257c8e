//! The Streams service.

use std::pin::Pin;

use futures::Stream;
use tonic::{Request, Response, Status, Streaming};
use waystation_api::event_store::client::stream_start::RevisionOption;
use waystation_api::event_store::client::streams::read_req::options::all_options::AllOption;
use waystation_api::event_store::client::streams::read_req::options::{
    CountOption, FilterOption, ReadDirection, StreamOption,
};
use waystation_api::event_store::client::streams::streams_server::Streams;
use waystation_api::event_store::client::streams::{
    AppendReq, AppendResp, BatchAppendReq, BatchAppendResp, DeleteReq, DeleteResp, ReadReq,
};
use waystation_app::Direction;

use super::caller::Caller;
use super::decide::Change;
use super::failure::Failure;
use super::filter::Filter;
use super::read::{Replies, Start, at, at_position};
use super::wire::IdForm;
use super::{EventStore, name};
use crate::reading::Reader;

impl EventStore {
    /// Which of the reads is meant; the protocol puts them all into one message.
    async fn any_read(&self, reader: &Reader, request: ReadReq) -> Result<Replies, Failure> {
        let missing = |what: &str| Failure::Invalid(format!("{what}: expected one"));
        let options = request.options.ok_or_else(|| missing("options"))?;
        let ids = IdForm::of(options.uuid_option)?;
        let direction = match ReadDirection::try_from(options.read_direction) {
            Ok(ReadDirection::Forwards) => Direction::Forwards,
            Ok(ReadDirection::Backwards) => Direction::Backwards,
            Err(_) => return Err(missing("options.read_direction")),
        };
        let resolve = options.resolve_links;
        let count = options.count_option.ok_or_else(|| missing("options.count_option"))?;
        if matches!(count, CountOption::Subscription(_)) && direction == Direction::Backwards {
            return Err(Failure::Invalid("a subscription reads forwards".into()));
        }
        let filter = match options.filter_option {
            Some(FilterOption::Filter(filter)) => Some(Filter::read(filter)?),
            Some(FilterOption::NoFilter(_)) | None => None,
        };
        match options.stream_option.ok_or_else(|| missing("options.stream_option"))? {
            StreamOption::Stream(_) if filter.is_some() => {
                Err(Failure::Invalid("only all streams are filtered".into()))
            }
            StreamOption::Stream(stream) => {
                let start = match stream.revision_option {
                    Some(RevisionOption::Revision(revision)) => at(revision),
                    Some(RevisionOption::Start(_)) => Start::Beginning,
                    Some(RevisionOption::End(_)) => Start::End,
                    None => return Err(missing("options.stream.revision_option")),
                };
                let name = name::of(stream.stream_identifier)?;
                self.on_record(reader, Some(&name), resolve).await?;
                match count {
                    CountOption::Subscription(_) => self.subscribe_stream(&name, start, (resolve, ids)).await,
                    CountOption::Count(count) => {
                        let tell_end = options.control_option.is_some_and(|control| control.compatibility >= 1);
                        self.read_stream(name, start, direction, count, (resolve, ids, tell_end))
                            .await
                    }
                }
            }
            StreamOption::All(all) => {
                let start = match all.all_option {
                    Some(AllOption::Position(position)) => at_position(&position),
                    Some(AllOption::Start(_)) => Start::Beginning,
                    Some(AllOption::End(_)) => Start::End,
                    None => return Err(missing("options.all.all_option")),
                };
                self.on_record(reader, None, resolve).await?;
                match count {
                    CountOption::Subscription(_) if filter.as_ref().is_some_and(|filter| filter.interval == 0) => Err(
                        Failure::Invalid("filter: expected a window and a multiplier above 0".into()),
                    ),
                    CountOption::Subscription(_) => Ok(self.subscribe_all(filter, start, (resolve, ids))),
                    CountOption::Count(count) => Ok(self.read_all(filter, start, direction, count, (resolve, ids))),
                }
            }
        }
    }
}

#[async_trait::async_trait]
impl Streams for EventStore {
    type ReadStream = Replies;
    type BatchAppendStream = Pin<Box<dyn Stream<Item = Result<BatchAppendResp, Status>> + Send>>;

    async fn read(&self, request: Request<ReadReq>) -> Result<Response<Replies>, Status> {
        let reader = Self::reader(&request, "Streams/Read");
        Ok(Response::new(self.any_read(&reader, request.into_inner()).await?))
    }

    async fn append(&self, request: Request<Streaming<AppendReq>>) -> Result<Response<AppendResp>, Status> {
        let caller = Caller::of(&request);
        Ok(Response::new(self.append(&caller, request.into_inner()).await?))
    }

    async fn delete(&self, request: Request<DeleteReq>) -> Result<Response<DeleteResp>, Status> {
        let caller = Caller::of(&request);
        let removed = self.remove(&caller, request.into_inner(), Change::Delete).await?;
        Ok(Response::new(removed))
    }

    async fn tombstone(&self, request: Request<DeleteReq>) -> Result<Response<DeleteResp>, Status> {
        let caller = Caller::of(&request);
        let removed = self.remove(&caller, request.into_inner(), Change::Tombstone).await?;
        Ok(Response::new(removed))
    }

    async fn batch_append(
        &self,
        request: Request<Streaming<BatchAppendReq>>,
    ) -> Result<Response<Self::BatchAppendStream>, Status> {
        let caller = Caller::of(&request);
        Ok(Response::new(Box::pin(self.batch(caller, request.into_inner()))))
    }
}
