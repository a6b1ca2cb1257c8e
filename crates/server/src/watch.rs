//! Watches: server streams that begin at a position, go through history into the present, and do not end.

use std::collections::VecDeque;
use std::pin::Pin;

use futures::{Stream, StreamExt, TryStreamExt};
use tonic::Status;
use waystation_api::v1;
use waystation_app::{AppError, AuditEntry, LogName, Recorded};
use waystation_domain::FieldClass;

use crate::Api;
use crate::convert::{self, signed};
use crate::fields::Fields;
use crate::reading::Reader;
use crate::status::status;

/// Events looked at between two replies, at most.
const PAGE: usize = 256;

type Replies<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

impl Api {
    /// Where a watch begins: after a given position, or now.
    pub(crate) fn begin_watch(&self, after: Option<i64>) -> Result<u64, Status> {
        let head = self.app.store().log(LogName::Main).head().size;
        let Some(after) = after else { return Ok(head) };
        let mut fields = Fields::default();
        let asked = fields.position("after_position", after);
        fields.finish()?;
        if asked > head {
            return Err(status(&AppError::AsOfInFuture { head, asked }, "after_position"));
        }
        Ok(asked)
    }

    /// Pages of our own events after a position, until the server stops.
    fn pages(&self, after: u64) -> impl Stream<Item = Result<Vec<Recorded>, Status>> + Send + use<> {
        let subscription = self.app.store().log(LogName::Main).subscribe(after);
        let stopped = self.stopped.clone();
        futures::stream::try_unfold((subscription, stopped), |(mut subscription, mut stopped)| async move {
            let failed = |error: AppError| status(&error, "");
            let page = tokio::select! {
                page = subscription.next(PAGE) => page.map_err(|error| failed(error.into()))?,
                _ = stopped.wait_for(|stopped| *stopped) => return Ok(None),
            };
            let mut ours = Vec::with_capacity(page.len());
            for event in page {
                ours.extend(Recorded::decode(event).map_err(failed)?);
            }
            Ok(Some((ours, (subscription, stopped))))
        })
    }

    /// Each page is on record before any of it leaves.
    pub(crate) fn watch_entries_after(
        &self,
        reader: Reader,
        after: u64,
        stream: Option<String>,
    ) -> Replies<v1::WatchAuditEntriesResponse> {
        let api = self.clone();
        let replies = self.pages(after).and_then(move |page| {
            let (api, reader, stream) = (api.clone(), reader.clone(), stream.clone());
            async move {
                let mut wanted: Vec<&Recorded> = Vec::new();
                for recorded in &page {
                    let name = recorded.event.stream();
                    let asked = stream.as_ref().is_none_or(|stream| name == stream);
                    if asked && api.allows_stream(&reader, name).await? {
                        wanted.push(recorded);
                    }
                }
                if let Some(last) = wanted.last() {
                    let streams = wanted
                        .iter()
                        .map(|recorded| recorded.event.stream().to_owned())
                        .collect();
                    api.on_record_by_stream(&reader, streams, last.position()).await?;
                }
                let replies = wanted.into_iter().map(|recorded| {
                    Ok(v1::WatchAuditEntriesResponse {
                        entry: Some(convert::audit_entry(AuditEntry::from(recorded))),
                    })
                });
                Ok(futures::stream::iter(replies.collect::<Vec<Result<_, Status>>>()))
            }
        });
        replies.try_flatten().boxed()
    }

    pub(crate) fn watch_cases_after(
        &self,
        reader: Reader,
        after: u64,
        station: Option<String>,
    ) -> Replies<v1::WatchCasesResponse> {
        let api = self.clone();
        let replies = self.pages(after).and_then(move |page| {
            let (api, reader, station) = (api.clone(), reader.clone(), station.clone());
            async move {
                // One reply for each case of the page, as it is after the last change in the page.
                let mut last: VecDeque<(u64, String)> = VecDeque::new();
                for recorded in page.iter().rev() {
                    let id = recorded.id();
                    let is_case = recorded.event.stream().starts_with("case-");
                    if is_case && !last.iter().any(|(_, known)| known == id) {
                        last.push_front((recorded.position(), id.to_owned()));
                    }
                }
                let mut replies = Vec::with_capacity(last.len());
                let mut persons = Vec::with_capacity(last.len());
                for (position, id) in last {
                    let moment = waystation_app::ReadOptions {
                        min_position: None,
                        as_of: Some(waystation_app::AsOf::Position(position)),
                    };
                    let (case, _) = api
                        .app
                        .get_case(&id, moment)
                        .await
                        .map_err(|error| status(&error, &id))?;
                    let target = api.case_target(&reader, &id).await?;
                    let permitted = api.allows(&reader, waystation_app::Action::ReadStatus, &target)?;
                    if permitted && station.as_ref().is_none_or(|station| *station == case.station) {
                        persons.push(case.person.clone());
                        let case = Some(convert::case(&id, &case));
                        replies.push(Ok(v1::WatchCasesResponse {
                            case,
                            position: signed(position),
                        }));
                    }
                }
                if let Some(last) = page.last().filter(|_| !persons.is_empty()) {
                    api.on_record(&reader, persons, &[FieldClass::Status], last.position())
                        .await?;
                }
                Ok(futures::stream::iter(replies))
            }
        });
        replies.try_flatten().boxed()
    }
}
