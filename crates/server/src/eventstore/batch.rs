//! BatchAppend: many appends over one call, each answered under its correlation id.

use std::collections::HashMap;
use std::pin::Pin;
use std::time::Duration;

use futures::stream::FuturesUnordered;
use futures::{FutureExt, Stream, StreamExt};
use tokio::time::Instant;
use tonic::{Status, Streaming};
use waystation_api::event_store::client as v1;
use waystation_api::event_store::client::streams::batch_append_req::options::DeadlineOption;
use waystation_api::event_store::client::streams::batch_append_req::{Options, options};
use waystation_api::event_store::client::streams::{BatchAppendReq, BatchAppendResp, batch_append_resp};
use waystation_app::{APPEND_EVENTS_MAX, ExpectedRevision, NewEvent};

use super::caller::Caller;
use super::decide::{Change, Proposal};
use super::failure::Failure;
use super::wire;
use super::write::APPEND_BYTES_MAX;
use super::{EventStore, down};
use super::{WRITE_TIMEOUT, name};

/// Appends of one call that may be on their way at once.
const IN_FLIGHT_MAX: usize = 1_024;
/// Appends of one call of which not everything has arrived.
const OPEN_MAX: usize = 64;
/// Bytes of those, all together.
const OPEN_BYTES_MAX: usize = 2 * APPEND_BYTES_MAX;

type Answering = Pin<Box<dyn Future<Output = BatchAppendResp> + Send>>;

/// An append of which not everything has arrived.
struct Open {
    options: Option<Options>,
    events: Result<Vec<NewEvent>, Failure>,
    bytes: usize,
    deadline: Instant,
}

/// One call.
struct Batch {
    service: EventStore,
    caller: Caller,
    requests: Streaming<BatchAppendReq>,
    half_closed: bool,
    open: HashMap<[u8; 16], Open>,
    open_bytes: usize,
    in_flight: FuturesUnordered<Answering>,
}

impl EventStore {
    /// Answers until the client has closed its side and everything is answered.
    pub(super) fn batch(
        &self,
        caller: Caller,
        requests: Streaming<BatchAppendReq>,
    ) -> impl Stream<Item = Result<BatchAppendResp, Status>> + Send + use<> {
        let batch = Batch {
            service: self.clone(),
            caller,
            requests,
            half_closed: false,
            open: HashMap::new(),
            open_bytes: 0,
            in_flight: FuturesUnordered::new(),
        };
        futures::stream::try_unfold(batch, |mut batch| async move {
            let answer = batch.next().await?;
            Ok(answer.map(|answer| (answer, batch)))
        })
    }
}

impl Batch {
    async fn next(&mut self) -> Result<Option<BatchAppendResp>, Status> {
        let mut stopped = self.service.stopped.clone();
        loop {
            if self.half_closed && self.in_flight.is_empty() {
                return Ok(None);
            }
            let request = tokio::select! {
                biased;
                Some(answer) = self.in_flight.next(), if !self.in_flight.is_empty() => return Ok(Some(answer)),
                request = self.requests.next(), if !self.half_closed && self.in_flight.len() < IN_FLIGHT_MAX => request,
                // What was asked before is still answered.
                () = down(&mut stopped), if self.in_flight.is_empty() => {
                    return Err(Failure::Stopping.status());
                }
            };
            let Some(request) = request.transpose()? else {
                self.half_closed = true;
                continue;
            };
            if let Some(mut answering) = self.arrived(request)? {
                // Begun here, appends to one stream queue up in the order in which they arrived.
                match (&mut answering).now_or_never() {
                    Some(answer) => return Ok(Some(answer)),
                    None => self.in_flight.push(answering),
                }
            }
        }
    }

    /// A chunk arrived; with the last one of an append the append begins.
    fn arrived(&mut self, request: BatchAppendReq) -> Result<Option<Answering>, Status> {
        let correlation = wire::id(request.correlation_id.as_ref())?;
        if !self.open.contains_key(&correlation) && self.open.len() >= OPEN_MAX {
            let what = format!("at most {OPEN_MAX} appends may be open in one call");
            return Err(Failure::Invalid(what).status());
        }
        let open = self.open.entry(correlation).or_insert_with(|| Open {
            deadline: deadline(request.options.as_ref(), self.service.now_us()),
            options: request.options,
            events: Ok(Vec::new()),
            bytes: 0,
        });
        for message in request.proposed_messages {
            let size = message.data.len() + message.custom_metadata.len();
            open.bytes += size;
            self.open_bytes += size;
            let full = open.bytes > APPEND_BYTES_MAX || self.open_bytes > OPEN_BYTES_MAX;
            let Ok(events) = &mut open.events else { continue };
            if full {
                open.events = Err(Failure::AppendTooLarge { max: APPEND_BYTES_MAX });
            } else if events.len() >= APPEND_EVENTS_MAX {
                let what = format!("an append has at most {APPEND_EVENTS_MAX} events");
                open.events = Err(Failure::Invalid(what));
            } else {
                match wire::proposed(message) {
                    Ok(event) => events.push(event),
                    Err(failure) => open.events = Err(failure),
                }
            }
        }
        if !request.is_final {
            return Ok(None);
        }
        let Some(open) = self.open.remove(&correlation) else {
            return Ok(None);
        };
        self.open_bytes -= open.bytes;
        // Given back in the form in which it came.
        Ok(Some(Box::pin(answer(
            self.service.clone(),
            self.caller.clone(),
            request.correlation_id,
            open,
        ))))
    }
}

/// When an append is given up: as asked, but never later than the server allows. What clients ask for is anything
/// between nothing and thousands of years.
fn deadline(options: Option<&Options>, now_us: i64) -> Instant {
    let micros = |seconds: i64, nanos: i32| {
        seconds
            .saturating_mul(1_000_000)
            .saturating_add(i64::from(nanos / 1_000))
    };
    let left_us = match options.and_then(|options| options.deadline_option.as_ref()) {
        Some(DeadlineOption::Deadline(left)) => micros(left.seconds, left.nanos),
        Some(DeadlineOption::Deadline21100(at)) => micros(at.seconds, at.nanos).saturating_sub(now_us),
        None => i64::MAX,
    };
    let left = Duration::from_micros(u64::try_from(left_us).unwrap_or(0));
    Instant::now() + left.min(WRITE_TIMEOUT)
}

async fn answer(service: EventStore, caller: Caller, correlation_id: Option<v1::Uuid>, open: Open) -> BatchAppendResp {
    let (stream_identifier, expected) = match open.options {
        Some(options) => (options.stream_identifier, options.expected),
        None => (None, None),
    };
    let appended = async {
        let events = open.events?;
        let proposal = Proposal {
            stream: name::of(stream_identifier.clone())?,
            expected: wanted(expected.as_ref())?,
            change: Change::Append(events),
        };
        service.write_one(&caller, proposal, open.deadline).await
    };
    let result = match appended.await {
        Ok(done) => batch_append_resp::Result::Success(wire::success(done)),
        Err(failure) => batch_append_resp::Result::Error(failure.append_status(stream_identifier.clone())),
    };
    BatchAppendResp {
        correlation_id,
        result: Some(result),
        stream_identifier: Some(stream_identifier.unwrap_or_default()),
        expected: expected.map(echoed),
    }
}

fn wanted(expected: Option<&options::Expected>) -> Result<ExpectedRevision, Failure> {
    match expected {
        Some(options::Expected::Revision(revision)) => Ok(ExpectedRevision::Exact(*revision)),
        Some(options::Expected::NoStream(())) => Ok(ExpectedRevision::NoStream),
        Some(options::Expected::Any(())) => Ok(ExpectedRevision::Any),
        Some(options::Expected::StreamExists(())) => Ok(ExpectedRevision::StreamExists),
        None => Err(Failure::Invalid(
            "options.expected_stream_position: expected one".into(),
        )),
    }
}

fn echoed(expected: options::Expected) -> batch_append_resp::Expected {
    use batch_append_resp::Expected;
    match expected {
        options::Expected::Revision(revision) => Expected::Revision(revision),
        options::Expected::NoStream(()) => Expected::NoStream(()),
        options::Expected::Any(()) => Expected::Any(()),
        options::Expected::StreamExists(()) => Expected::StreamExists(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(deadline_option: DeadlineOption) -> Options {
        Options {
            deadline_option: Some(deadline_option),
            ..Default::default()
        }
    }

    #[test]
    fn deadlines_of_every_kind_end_between_now_and_the_servers_own() {
        let relative = |seconds| DeadlineOption::Deadline(prost_types::Duration { seconds, nanos: 0 });
        for (option, late) in [
            (relative(0), false),
            (relative(-5), false),
            (relative(i64::MIN), false),
            (relative(315_576_000_000), true),
            (relative(i64::MAX), true),
            (
                DeadlineOption::Deadline21100(prost_types::Timestamp { seconds: 5, nanos: 0 }),
                false,
            ),
        ] {
            let now = Instant::now();
            let end = deadline(Some(&asked(option)), 1_800_000_000_000_000);
            assert!(end <= Instant::now() + WRITE_TIMEOUT);
            assert_eq!(end >= now + WRITE_TIMEOUT, late, "{option:?}");
        }
    }
}
