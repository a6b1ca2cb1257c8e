//! The PersistentSubscriptions service.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;

use futures::{Stream, StreamExt};
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};
use waystation_api::event_store::client as v1;
use waystation_api::event_store::client::persistent_subscriptions::persistent_subscriptions_server::PersistentSubscriptions;
use waystation_api::event_store::client::persistent_subscriptions::read_req::nack::Action;
use waystation_api::event_store::client::persistent_subscriptions::{
    CreateReq, DeleteReq, GetInfoReq, GetInfoResp, ListReq, ListResp, ReadReq, ReadResp, ReplayParkedReq,
    SubscriptionInfo, create_req, delete_req, get_info_req, list_req, read_req, replay_parked_req,
};
use waystation_api::event_store::client::stream_start::RevisionOption;
use waystation_domain::Role;

use super::super::EventStore;
use super::super::acl::Deed;
use super::super::failure::Failure;
use super::super::wire::{self, IdForm};
use super::group::{Ask, Joining};
use super::settings::{ALL, Begin, Key, Settings};
use crate::reading::Reader;

/// Events that one consumer may have at once.
const CREDIT_MAX: usize = 10_000;

type Replies = Pin<Box<dyn Stream<Item = Result<ReadResp, Status>> + Send>>;

fn missing(what: &str) -> Failure {
    Failure::Invalid(format!("{what}: expected one"))
}

/// What a request to create or to change a group asks for.
fn asked(request: CreateReq) -> Result<(Key, Settings), Failure> {
    use create_req::all_options::{AllOption, FilterOption};
    use create_req::options::StreamOption;
    let options = request.options.ok_or_else(|| missing("options"))?;
    let settings = options.settings.ok_or_else(|| missing("options.settings"))?;
    let at = |place: u64| {
        if place == u64::MAX {
            Begin::End
        } else {
            Begin::At(place)
        }
    };
    let (stream, begin, filter) = match options.stream_option {
        Some(StreamOption::Stream(stream)) => {
            let begin = match stream.revision_option {
                Some(RevisionOption::Revision(revision)) => at(revision),
                Some(RevisionOption::Start(_)) => Begin::At(0),
                Some(RevisionOption::End(_)) => Begin::End,
                None => return Err(missing("options.stream.revision_option")),
            };
            (Some(stream.stream_identifier.unwrap_or_default()), begin, None)
        }
        Some(StreamOption::All(all)) => {
            let begin = match all.all_option {
                Some(AllOption::Position(position)) => at(position.commit_position),
                Some(AllOption::Start(_)) => Begin::At(0),
                Some(AllOption::End(_)) => Begin::End,
                None => return Err(missing("options.all.all_option")),
            };
            let filter = match all.filter_option {
                Some(FilterOption::Filter(filter)) => Some(filter),
                Some(FilterOption::NoFilter(_)) | None => None,
            };
            (None, begin, filter)
        }
        // As older clients ask.
        None => (
            Some(options.stream_identifier.unwrap_or_default()),
            at(settings.revision),
            None,
        ),
    };
    let key = Key::of(stream, options.group_name)?;
    let settings = Settings::read(&key, &settings, begin, filter)?;
    Ok((key, settings))
}

/// The group and the bound of a request about parked events.
fn parked(request: ReplayParkedReq) -> Result<(Key, Option<u64>), Failure> {
    use replay_parked_req::options::{StopAtOption, StreamOption};
    let options = request.options.ok_or_else(|| missing("options"))?;
    let key = match options.stream_option.ok_or_else(|| missing("options.stream_option"))? {
        StreamOption::StreamIdentifier(stream) => Key::of(Some(stream), options.group_name)?,
        StreamOption::All(_) => Key::of(None, options.group_name)?,
    };
    let stop = match options.stop_at_option {
        Some(StopAtOption::StopAt(stop)) => {
            let stop = u64::try_from(stop);
            Some(stop.map_err(|_| Failure::Invalid("options.stop_at: expected 0 or more".into()))?)
        }
        Some(StopAtOption::NoLimit(_)) | None => None,
    };
    Ok((key, stop))
}

impl EventStore {
    async fn join(&self, reader: &Reader, request: Request<Streaming<ReadReq>>) -> Result<Replies, Failure> {
        use read_req::options::StreamOption;
        let from = request
            .remote_addr()
            .as_ref()
            .map(SocketAddr::to_string)
            .unwrap_or_default();
        let name = request.metadata().get("connection-name");
        let name = name.and_then(|name| name.to_str().ok()).unwrap_or_default().to_owned();
        let mut requests = request.into_inner();
        let Some(read_req::Content::Options(options)) = requests.message().await?.and_then(|request| request.content)
        else {
            return Err(missing("the first message: options"));
        };
        let key = match options.stream_option.ok_or_else(|| missing("options.stream_option"))? {
            StreamOption::StreamIdentifier(stream) => Key::of(Some(stream), options.group_name)?,
            StreamOption::All(_) => Key::of(None, options.group_name)?,
        };
        let credit = usize::try_from(options.buffer_size).unwrap_or(0);
        if !(1..=CREDIT_MAX).contains(&credit) {
            return Err(Failure::Invalid(format!(
                "options.buffer_size: expected 1 to {CREDIT_MAX}"
            )));
        }
        let ids = IdForm::of(options.uuid_option)?;
        if self.reads_log(reader)? {
            // What it shows may be about anybody.
            self.on_record(reader, None, true).await?;
        }
        let handle = self.handle(&key).await?;
        self.is_members(reader, &key.stream, handle.settings.resolve_links)
            .await?;
        let group = handle.asks;
        // Room for everything that the consumer may have, and for hello and good-bye.
        let (replies, answers) = mpsc::channel(credit + 2);
        let (place, lost) = oneshot::channel();
        let joining = Joining {
            credit,
            ids,
            from,
            name,
            replies: replies.clone(),
            place,
        };
        let consumer = Self::ask(&group, |reply| Ask::Join(joining, reply)).await?;
        tokio::spawn(async move {
            hear(consumer, requests, &group, (&replies, lost)).await;
            // A group that is gone has let go of its consumers.
            let _ = group.send(Ask::Leave(consumer)).await;
        });
        // Clients take an end without an error for anything but an end.
        let end = futures::stream::once(async { Err(Failure::Stopping.status()) });
        Ok(Box::pin(ReceiverStream::new(answers).chain(end)))
    }

    /// Refuses a group that this caller may not know of. Whoever runs the installation knows and manages all of them, and
    /// reads nothing by that.
    async fn knows(&self, reader: &Reader, stream: &str, resolve: bool) -> Result<(), Status> {
        if reader.principal.role == Role::SystemAdmin {
            return Ok(());
        }
        self.is_members(reader, stream, resolve).await
    }

    /// Refuses a group that is not this caller's to manage.
    async fn manages(&self, reader: &Reader, stream: &str, resolve: bool) -> Result<(), Status> {
        self.knows(reader, stream, resolve).await?;
        if !reader.is_named() || reader.principal.role == Role::SystemAdmin {
            return Ok(());
        }
        self.has(reader, stream, Deed::Write).await
    }

    async fn infos(&self, wanted: impl Fn(&Key) -> bool) -> Result<Vec<SubscriptionInfo>, Failure> {
        let groups: Vec<mpsc::Sender<Ask>> = {
            let running = self.groups.running.lock().await;
            let groups = running.groups.iter().filter(|(key, _)| wanted(key));
            groups.map(|(_, handle)| handle.asks.clone()).collect()
        };
        let mut infos = Vec::with_capacity(groups.len());
        for group in groups {
            infos.push(Self::ask(&group, Ask::Info).await?);
        }
        Ok(infos)
    }
}

/// Passes on what a consumer says until it goes away. It may fall silent and still be sent events.
async fn hear(
    consumer: u64,
    mut requests: Streaming<ReadReq>,
    group: &mpsc::Sender<Ask>,
    (replies, mut lost): (&mpsc::Sender<Result<ReadResp, Status>>, oneshot::Receiver<Infallible>),
) {
    let mut silent = false;
    loop {
        let request = tokio::select! {
            () = replies.closed() => return,
            // The sender sends nothing; it goes.
            _ = &mut lost => return,
            request = requests.message(), if !silent => request,
        };
        let content = match request {
            Ok(Some(request)) => request.content,
            Ok(None) => {
                silent = true;
                continue;
            }
            Err(_) => return,
        };
        // Ids that do not read are ids that nobody has.
        let known = |ids: &[v1::Uuid]| ids.iter().filter_map(|id| wire::id(Some(id)).ok()).collect();
        let ask = match content {
            Some(read_req::Content::Ack(ack)) => Ask::Ack(consumer, known(&ack.ids)),
            Some(read_req::Content::Nack(nack)) => {
                let action = Action::try_from(nack.action).unwrap_or(Action::Unknown);
                Ask::Nack(consumer, known(&nack.ids), action, nack.reason)
            }
            Some(read_req::Content::Options(_)) | None => continue,
        };
        if group.send(ask).await.is_err() {
            return;
        }
    }
}

#[async_trait::async_trait]
impl PersistentSubscriptions for EventStore {
    type ReadStream = Replies;

    async fn create(&self, request: Request<CreateReq>) -> Result<Response<v1::Empty>, Status> {
        let reader = Self::reader(&request, "PersistentSubscriptions/Create");
        let (key, settings) = asked(request.into_inner())?;
        self.manages(&reader, &key.stream, settings.resolve_links).await?;
        self.create_group(key, settings).await?;
        Ok(Response::new(v1::Empty {}))
    }

    async fn update(&self, request: Request<CreateReq>) -> Result<Response<v1::Empty>, Status> {
        let reader = Self::reader(&request, "PersistentSubscriptions/Update");
        let (key, settings) = asked(request.into_inner())?;
        self.manages(&reader, &key.stream, settings.resolve_links).await?;
        self.update_group(key, settings).await?;
        Ok(Response::new(v1::Empty {}))
    }

    async fn delete(&self, request: Request<DeleteReq>) -> Result<Response<v1::Empty>, Status> {
        use delete_req::options::StreamOption;
        let reader = Self::reader(&request, "PersistentSubscriptions/Delete");
        let options = request.into_inner().options.ok_or_else(|| missing("options"))?;
        let key = match options.stream_option.ok_or_else(|| missing("options.stream_option"))? {
            StreamOption::StreamIdentifier(stream) => Key::of(Some(stream), options.group_name)?,
            StreamOption::All(_) => Key::of(None, options.group_name)?,
        };
        self.manages(&reader, &key.stream, false).await?;
        self.delete_group(&key).await?;
        Ok(Response::new(v1::Empty {}))
    }

    async fn read(&self, request: Request<Streaming<ReadReq>>) -> Result<Response<Replies>, Status> {
        let reader = Self::reader(&request, "PersistentSubscriptions/Read");
        Ok(Response::new(self.join(&reader, request).await?))
    }

    async fn get_info(&self, request: Request<GetInfoReq>) -> Result<Response<GetInfoResp>, Status> {
        use get_info_req::options::StreamOption;
        let reader = Self::reader(&request, "PersistentSubscriptions/GetInfo");
        let options = request.into_inner().options.ok_or_else(|| missing("options"))?;
        let key = match options.stream_option.ok_or_else(|| missing("options.stream_option"))? {
            StreamOption::StreamIdentifier(stream) => Key::of(Some(stream), options.group_name)?,
            StreamOption::All(_) => Key::of(None, options.group_name)?,
        };
        self.knows(&reader, &key.stream, false).await?;
        let info = Self::ask(&self.group(&key).await?, Ask::Info).await?;
        Ok(Response::new(GetInfoResp {
            subscription_info: Some(info),
        }))
    }

    async fn replay_parked(&self, request: Request<ReplayParkedReq>) -> Result<Response<v1::Empty>, Status> {
        let reader = Self::reader(&request, "PersistentSubscriptions/ReplayParked");
        let (key, stop) = parked(request.into_inner())?;
        self.manages(&reader, &key.stream, false).await?;
        Self::ask(&self.group(&key).await?, |reply| Ask::Replay(stop, reply)).await?;
        Ok(Response::new(v1::Empty {}))
    }

    async fn truncate_parked(&self, request: Request<ReplayParkedReq>) -> Result<Response<v1::Empty>, Status> {
        let reader = Self::reader(&request, "PersistentSubscriptions/TruncateParked");
        let (key, stop) = parked(request.into_inner())?;
        self.manages(&reader, &key.stream, false).await?;
        Self::ask(&self.group(&key).await?, |reply| Ask::Truncate(stop, reply)).await?;
        Ok(Response::new(v1::Empty {}))
    }

    async fn list(&self, request: Request<ListReq>) -> Result<Response<ListResp>, Status> {
        use list_req::options::ListOption;
        use list_req::stream_option::StreamOption;
        let reader = Self::reader(&request, "PersistentSubscriptions/List");
        let options = request.into_inner().options.ok_or_else(|| missing("options"))?;
        let stream = match options.list_option.ok_or_else(|| missing("options.list_option"))? {
            ListOption::ListAllSubscriptions(_) => None,
            ListOption::ListForStream(of) => match of.stream_option.ok_or_else(|| missing("stream_option"))? {
                StreamOption::Stream(stream) => Some(super::super::name::of(Some(stream))?),
                StreamOption::All(_) => Some(ALL.to_owned()),
            },
        };
        let mut subscriptions = Vec::new();
        for group in self
            .infos(|key| stream.as_ref().is_none_or(|stream| *stream == key.stream))
            .await?
        {
            if self.knows(&reader, &group.event_source, false).await.is_ok() {
                subscriptions.push(group);
            }
        }
        if let Some(stream) = stream.filter(|_| subscriptions.is_empty()) {
            let group = String::new();
            return Err(Failure::GroupMissing { stream, group }.status());
        }
        Ok(Response::new(ListResp { subscriptions }))
    }

    async fn restart_subsystem(&self, request: Request<v1::Empty>) -> Result<Response<v1::Empty>, Status> {
        let reader = Self::reader(&request, "PersistentSubscriptions/RestartSubsystem");
        self.manages(&reader, ALL, false).await?;
        self.restart_groups().await?;
        Ok(Response::new(v1::Empty {}))
    }
}
