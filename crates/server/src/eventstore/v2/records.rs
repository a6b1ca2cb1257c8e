//! AppendRecords: records of many streams in one message, and checks of streams that need not be written.

use std::collections::HashMap;

use tokio::time::Instant;
use tonic::Status;
use waystation_api::kurrentdb::consistency_check::{StreamStateCheck, Type};
use waystation_api::kurrentdb::{AppendRecordsRequest, AppendRecordsResponse, ConsistencyCheck, StreamRevision};
use waystation_app::{APPEND_EVENTS_MAX, ExpectedRevision};

use super::super::caller::Caller;
use super::super::decide::{Change, Proposal, State};
use super::super::failure::{Failure, signed};
use super::super::stream::Stream;
use super::super::write::{APPEND_BYTES_MAX, weight};
use super::super::{EventStore, WRITE_TIMEOUT, name};
use super::STREAMS_MAX;
use super::told::{self, Violation};

/// Most checks in one request.
const CHECKS_MAX: usize = 1_024;

impl EventStore {
    pub(super) async fn records(
        &self,
        caller: &Caller,
        request: AppendRecordsRequest,
    ) -> Result<AppendRecordsResponse, Status> {
        let deadline = Instant::now() + WRITE_TIMEOUT;
        if request.records.len() > APPEND_EVENTS_MAX {
            return Err(told::too_many("records", APPEND_EVENTS_MAX));
        }
        let invalid = |what: &str| Failure::Invalid(what.to_owned()).status();
        if request.records.is_empty() {
            return Err(invalid("records: expected at least one"));
        }
        if request.checks.len() > CHECKS_MAX {
            return Err(told::too_many("checks", CHECKS_MAX));
        }
        let checks = request.checks.into_iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let mut proposals: Vec<Proposal> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut bytes = 0;
        for record in request.records {
            let stream = record.stream.clone().unwrap_or_default();
            let event = super::event(record).map_err(|failure| told::record(&failure, &stream))?;
            bytes += weight(&event);
            if bytes > APPEND_BYTES_MAX {
                return Err(told::transaction_too_large(bytes));
            }
            let place = match places.get(&stream) {
                Some(place) => *place,
                None if places.len() >= STREAMS_MAX => return Err(told::too_many("streams", STREAMS_MAX)),
                None => {
                    name::check(&stream)?;
                    name::writable(&stream)?;
                    places.insert(stream.clone(), proposals.len());
                    proposals.push(Proposal {
                        stream,
                        expected: ExpectedRevision::Any,
                        change: Change::Append(Vec::new()),
                    });
                    proposals.len() - 1
                }
            };
            if let Change::Append(events) = &mut proposals[place].change {
                events.push(event);
            }
        }
        let written = proposals.len();
        for check in &checks {
            let target = places.get(&check.stream).map(|place| &mut proposals[*place]);
            match (target, check.state) {
                // What is written under an expectation can be repeated, as in the first generation.
                (Some(target), State::At(expected)) if target.expected == ExpectedRevision::Any => {
                    target.expected = expected;
                }
                (Some(target), State::At(expected)) if target.expected == expected => {}
                // Nothing can be appended to what is deleted or closed and must stay so, nor under two expectations.
                (Some(_), _) => {
                    return Err(invalid(
                        "checks: a stream that is written is checked once, for a revision or -1, -2, -4",
                    ));
                }
                (None, state) => proposals.push(Proposal {
                    stream: check.stream.clone(),
                    expected: ExpectedRevision::Any,
                    change: Change::Check(state),
                }),
            }
        }
        let mut bases: Vec<&str> = proposals.iter().map(Proposal::base).collect();
        bases.sort_unstable();
        if bases.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(invalid(
                "a stream may be checked once, and not written together with its own metadata",
            ));
        }
        let done = match self.write(caller, &proposals, deadline).await {
            Ok(done) => done,
            Err(failure) => return Err(self.violated(&checks, failure).await),
        };
        let revisions = proposals[..written]
            .iter()
            .zip(&done)
            .map(|(proposal, done)| StreamRevision {
                stream: proposal.stream.clone(),
                revision: signed(done.revision),
            });
        Ok(AppendRecordsResponse {
            revisions: revisions.collect(),
            position: signed(done.iter().filter_map(|done| done.position).max()),
        })
    }

    /// Says which of the checks do not hold, when that is why nothing was written.
    async fn violated(&self, checks: &[Check], failure: Failure) -> Status {
        let (Failure::WrongVersion { stream, .. } | Failure::StreamDeleted(stream)) = &failure else {
            return self.told(failure).await;
        };
        let mut violations = Vec::new();
        for (index, check) in checks.iter().enumerate() {
            match Stream::read(&self.log, name::base(&check.stream)).await {
                Ok(found) if check.state.holds(&found, &check.stream) => {}
                Ok(found) => violations.push(Violation::of(Some(index), &check.stream, check.number, &found)),
                Err(error) => return self.told(error.into()).await,
            }
        }
        if violations.is_empty() {
            // No check was about it: the stream cannot be written, or was changed and changed back meanwhile.
            match Stream::read(&self.log, name::base(stream)).await {
                Ok(found) => violations.push(Violation::of(None, stream, -2, &found)),
                Err(error) => return self.told(error.into()).await,
            }
        }
        told::violations(&violations)
    }
}

/// A check, read.
struct Check {
    stream: String,
    /// As it was asked for.
    number: i64,
    state: State,
}

fn read(check: ConsistencyCheck) -> Result<Check, Status> {
    let Some(Type::StreamState(StreamStateCheck { stream, expected_state })) = check.r#type else {
        return Err(Failure::Invalid("checks: expected stream_state".into()).status());
    };
    name::check(&stream)?;
    let state = match expected_state {
        -5 => Some(State::Deleted),
        -6 => Some(State::Tombstoned),
        number => super::expected(number).map(State::At),
    };
    let state = state.ok_or_else(|| {
        Failure::Invalid("checks.expected_state: expected a revision, -1, -2, -4, -5 or -6".into()).status()
    })?;
    Ok(Check {
        stream,
        number: expected_state,
        state,
    })
}
