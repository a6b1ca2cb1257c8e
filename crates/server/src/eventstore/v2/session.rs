//! AppendSession: one message a stream, appended together when the client has sent everything.

use std::collections::HashSet;

use tokio::time::Instant;
use tonic::{Status, Streaming};
use waystation_api::kurrentdb::{AppendRequest, AppendResponse, AppendSessionResponse};
use waystation_app::{APPEND_EVENTS_MAX, ExpectedRevision};

use super::super::caller::Caller;
use super::super::decide::{Change, Proposal};
use super::super::failure::{Failure, signed};
use super::super::write::{APPEND_BYTES_MAX, weight};
use super::super::{EventStore, WRITE_TIMEOUT, name};
use super::{STREAMS_MAX, told};

impl EventStore {
    pub(super) async fn session(
        &self,
        caller: &Caller,
        mut requests: Streaming<AppendRequest>,
    ) -> Result<AppendSessionResponse, Status> {
        let deadline = Instant::now() + WRITE_TIMEOUT;
        let mut proposals: Vec<Proposal> = Vec::new();
        let mut named = HashSet::new();
        let (mut bytes, mut events) = (0, 0);
        while let Some(request) = requests.message().await? {
            events += request.records.len();
            if events > APPEND_EVENTS_MAX {
                return Err(told::too_many("records", APPEND_EVENTS_MAX));
            }
            if proposals.len() >= STREAMS_MAX {
                return Err(told::too_many("streams", STREAMS_MAX));
            }
            let proposal = proposal(request)?;
            // Properties count too, once they are bytes.
            bytes += proposal.events().iter().map(weight).sum::<usize>();
            if bytes > APPEND_BYTES_MAX {
                return Err(told::transaction_too_large(bytes));
            }
            if !named.insert(proposal.base().to_owned()) {
                return Err(told::stream_twice(&proposal.stream));
            }
            proposals.push(proposal);
        }
        if events == 0 {
            return Err(Failure::Invalid("records: expected at least one".into()).status());
        }
        let done = match self.write(caller, &proposals, deadline).await {
            Ok(done) => done,
            Err(failure) => return Err(self.told(failure).await),
        };
        let output = proposals.iter().zip(&done).map(|(proposal, done)| AppendResponse {
            stream: proposal.stream.clone(),
            stream_revision: signed(done.revision),
            position: done.position.map(|position| signed(Some(position))),
        });
        Ok(AppendSessionResponse {
            output: output.collect(),
            position: signed(done.iter().filter_map(|done| done.position).max()),
        })
    }
}

fn proposal(request: AppendRequest) -> Result<Proposal, Status> {
    name::check(&request.stream)?;
    name::writable(&request.stream)?;
    let expected = match request.expected_revision {
        None => ExpectedRevision::Any,
        Some(number) => super::expected(number)
            .ok_or_else(|| Failure::Invalid("expected_revision: expected a revision, -1, -2 or -4".into()).status())?,
    };
    let stream = request.stream;
    let event = |record| super::event(record).map_err(|failure| told::record(&failure, &stream));
    let events = request.records.into_iter().map(event).collect::<Result<Vec<_>, _>>()?;
    Ok(Proposal {
        stream,
        expected,
        change: Change::Append(events),
    })
}
