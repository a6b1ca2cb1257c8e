//! Append, Delete and Tombstone.

use tokio::time::Instant;
use tonic::Streaming;
use waystation_api::event_store::client as v1;
use waystation_api::event_store::client::streams::{
    AppendReq, AppendResp, DeleteReq, DeleteResp, append_req, append_resp, delete_resp,
};
use waystation_api::event_store::client::target::Expected;
use waystation_app::{APPEND_EVENTS_MAX, ExpectedRevision};

use super::caller::Caller;
use super::decide::{Change, Proposal};
use super::failure::Failure;
use super::write::APPEND_BYTES_MAX;
use super::{EventStore, WRITE_TIMEOUT, name, wire};

fn target(target: Option<v1::Target>) -> Result<(String, ExpectedRevision), Failure> {
    let target = target.ok_or_else(|| Failure::Invalid("options: expected".into()))?;
    let expected = match target.expected {
        Some(Expected::Revision(revision)) => ExpectedRevision::Exact(revision),
        Some(Expected::NoStream(_)) => ExpectedRevision::NoStream,
        Some(Expected::Any(_)) => ExpectedRevision::Any,
        Some(Expected::StreamExists(_)) => ExpectedRevision::StreamExists,
        None => {
            return Err(Failure::Invalid(
                "options.expected_stream_revision: expected one".into(),
            ));
        }
    };
    Ok((name::of(target.stream_identifier)?, expected))
}

impl EventStore {
    /// Appends what a call brings, all of it or nothing.
    pub(super) async fn append(
        &self,
        caller: &Caller,
        mut requests: Streaming<AppendReq>,
    ) -> Result<AppendResp, Failure> {
        let deadline = Instant::now() + WRITE_TIMEOUT;
        let options = match requests.message().await?.and_then(|request| request.content) {
            Some(append_req::Content::Options(options)) => options,
            _ => return Err(Failure::Invalid("the first message: expected options".into())),
        };
        let (stream, expected) = target(Some(options))?;
        let mut events = Vec::new();
        let mut bytes = 0;
        while let Some(request) = requests.message().await? {
            let Some(append_req::Content::ProposedMessage(message)) = request.content else {
                return Err(Failure::Invalid(
                    "after the options: expected a proposed_message".into(),
                ));
            };
            bytes += message.data.len() + message.custom_metadata.len();
            if bytes > APPEND_BYTES_MAX {
                return Err(Failure::AppendTooLarge { max: APPEND_BYTES_MAX });
            }
            if events.len() >= APPEND_EVENTS_MAX {
                return Err(Failure::Invalid(format!(
                    "an append has at most {APPEND_EVENTS_MAX} events"
                )));
            }
            events.push(wire::proposed(message)?);
        }
        let proposal = Proposal {
            stream,
            expected,
            change: Change::Append(events),
        };
        let result = match self.write_one(caller, proposal, deadline).await {
            Ok(done) => append_resp::Result::Success(wire::success(done)),
            // A conflict is an answer, not an error.
            Err(Failure::WrongVersion { expected, actual, .. }) => {
                append_resp::Result::WrongExpectedVersion(conflict(expected, actual))
            }
            Err(failure) => return Err(failure),
        };
        Ok(AppendResp { result: Some(result) })
    }

    /// Deletes a stream, for good or until it is written to again.
    pub(super) async fn remove(
        &self,
        caller: &Caller,
        request: DeleteReq,
        change: Change,
    ) -> Result<DeleteResp, Failure> {
        let (stream, expected) = target(request.options)?;
        if name::about(&stream).is_some() {
            return Err(Failure::Invalid(
                "stream_identifier: a metadata stream is deleted with its stream".into(),
            ));
        }
        let proposal = Proposal {
            stream,
            expected,
            change,
        };
        let done = self.write_one(caller, proposal, Instant::now() + WRITE_TIMEOUT).await?;
        let position_option = Some(match done.position {
            Some(position) => delete_resp::PositionOption::Position(wire::place(position)),
            None => delete_resp::PositionOption::NoPosition(v1::Empty {}),
        });
        Ok(DeleteResp { position_option })
    }
}

/// Says a conflict in the fields that clients read, and in those that older clients read.
fn conflict(expected: ExpectedRevision, actual: Option<u64>) -> append_resp::WrongExpectedVersion {
    use append_resp::wrong_expected_version as field;
    let empty = v1::Empty {};
    let (old_current, current) = match actual {
        Some(revision) => (
            field::OldCurrent::CurrentRevision2060(revision),
            field::Current::CurrentRevision(revision),
        ),
        None => (
            field::OldCurrent::NoStream2060(empty),
            field::Current::CurrentNoStream(empty),
        ),
    };
    let (old_expected, expected) = match expected {
        ExpectedRevision::Exact(revision) => (
            field::OldExpected::ExpectedRevision2060(revision),
            field::Expected::ExpectedRevision(revision),
        ),
        ExpectedRevision::Any => (field::OldExpected::Any2060(empty), field::Expected::ExpectedAny(empty)),
        ExpectedRevision::StreamExists => (
            field::OldExpected::StreamExists2060(empty),
            field::Expected::ExpectedStreamExists(empty),
        ),
        ExpectedRevision::NoStream => (
            field::OldExpected::ExpectedRevision2060(u64::MAX),
            field::Expected::ExpectedNoStream(empty),
        ),
    };
    append_resp::WrongExpectedVersion {
        old_current: Some(old_current),
        old_expected: Some(old_expected),
        current: Some(current),
        expected: Some(expected),
    }
}
