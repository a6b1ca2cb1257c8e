//! How the second generation says no: a code and `google.rpc.Status` details, the specific one last.

use tonic::{Code, Status};
use tonic_types::pb;
use waystation_api::Message;
use waystation_api::kurrentdb::errors::consistency_violation::{StreamStateViolation, Type};
use waystation_api::kurrentdb::errors::{
    AppendConsistencyViolationErrorDetails, AppendRecordSizeExceededErrorDetails,
    AppendTransactionSizeExceededErrorDetails, ConsistencyViolation, StreamAlreadyInAppendSessionErrorDetails,
    StreamDeletedErrorDetails, StreamRevisionConflictErrorDetails, StreamTombstonedErrorDetails,
};
use waystation_app::ExpectedRevision;

use super::super::EventStore;
use super::super::failure::{Failure, packed, signed};
use super::super::name;
use super::super::stream::Stream;
use super::super::write::APPEND_BYTES_MAX;

/// Domain of the reasons.
const DOMAIN: &str = "streams";
/// What the names of the specific details begin with.
const PACKAGE: &str = "kurrentdb.protocol.v2.streams.errors";

fn status(code: Code, message: String, reason: &str, name: &str, detail: &impl Message) -> Status {
    let info = pb::ErrorInfo {
        reason: reason.to_owned(),
        domain: DOMAIN.to_owned(),
        metadata: Default::default(),
    };
    let all = pb::Status {
        code: code as i32,
        message: message.clone(),
        // Clients that read one detail read the last.
        details: vec![
            packed("google.rpc.ErrorInfo", &info),
            packed(&format!("{PACKAGE}.{name}"), detail),
        ],
    };
    Status::with_details(code, message, all.encode_to_vec().into())
}

/// The same stream in two messages of a session.
pub(super) fn stream_twice(stream: &str) -> Status {
    status(
        Code::Aborted,
        format!("Stream '{stream}' is already part of this append session."),
        "STREAM_ALREADY_IN_APPEND_SESSION",
        "StreamAlreadyInAppendSessionErrorDetails",
        &StreamAlreadyInAppendSessionErrorDetails {
            stream: stream.to_owned(),
        },
    )
}

/// More of something than one request may have.
pub(super) fn too_many(what: &str, most: usize) -> Status {
    Failure::Invalid(format!("{what}: expected at most {most}")).status()
}

/// All records together are too large.
pub(super) fn transaction_too_large(bytes: usize) -> Status {
    let size = |bytes: usize| i32::try_from(bytes).unwrap_or(i32::MAX);
    status(
        Code::Aborted,
        format!("The records of one transaction have at most {APPEND_BYTES_MAX} bytes."),
        "APPEND_TRANSACTION_SIZE_EXCEEDED",
        "AppendTransactionSizeExceededErrorDetails",
        &AppendTransactionSizeExceededErrorDetails {
            size: size(bytes),
            max_size: size(APPEND_BYTES_MAX),
        },
    )
}

/// What is wrong with a record.
pub(super) fn record(failure: &Failure, stream: &str) -> Status {
    let Failure::EventTooLarge { id, size, max } = failure else {
        return failure.status();
    };
    let bytes = |bytes: usize| i32::try_from(bytes).unwrap_or(i32::MAX);
    status(
        Code::InvalidArgument,
        format!("Record '{id}' has {size} bytes, at most {max} are allowed."),
        "APPEND_RECORD_SIZE_EXCEEDED",
        "AppendRecordSizeExceededErrorDetails",
        &AppendRecordSizeExceededErrorDetails {
            stream: stream.to_owned(),
            record_id: id.clone(),
            size: bytes(*size),
            max_size: bytes(*max),
        },
    )
}

/// A check that does not hold, and how the stream really is.
pub(super) struct Violation(ConsistencyViolation);

impl Violation {
    /// `index`: which check; none for a stream that cannot be written.
    pub(super) fn of(index: Option<usize>, stream: &str, expected_state: i64, found: &Stream) -> Self {
        let actual_state = match name::about(stream) {
            Some(_) => signed(found.metadata_last),
            None if found.tombstoned => -6,
            None if found.deleted() => -5,
            None => signed(found.last),
        };
        let state = StreamStateViolation {
            stream: stream.to_owned(),
            expected_state,
            actual_state,
        };
        Self(ConsistencyViolation {
            check_index: index.map_or(-1, |index| i32::try_from(index).unwrap_or(i32::MAX)),
            r#type: Some(Type::StreamState(state)),
        })
    }
}

pub(super) fn violations(violations: &[Violation]) -> Status {
    let details = AppendConsistencyViolationErrorDetails {
        violations: violations.iter().map(|violation| violation.0.clone()).collect(),
    };
    status(
        Code::FailedPrecondition,
        "Nothing was appended: a stream is not as it must be.".to_owned(),
        "APPEND_CONSISTENCY_VIOLATION",
        "AppendConsistencyViolationErrorDetails",
        &details,
    )
}

impl EventStore {
    /// A failure of the first generation in the words of the second.
    pub(super) async fn told(&self, failure: Failure) -> Status {
        match failure {
            Failure::WrongVersion {
                stream,
                expected,
                actual,
            } => conflict(&stream, expected, actual),
            Failure::StreamDeleted(stream) => match Stream::read(&self.log, name::base(&stream)).await {
                Ok(found) => deleted(&stream, found.tombstoned),
                Err(error) => Failure::from(error).status(),
            },
            other => other.status(),
        }
    }
}

fn conflict(stream: &str, expected: ExpectedRevision, actual: Option<u64>) -> Status {
    let expected_revision = match expected {
        ExpectedRevision::Exact(revision) => signed(Some(revision)),
        ExpectedRevision::NoStream => -1,
        ExpectedRevision::Any => -2,
        ExpectedRevision::StreamExists => -4,
    };
    let actual_revision = signed(actual);
    status(
        Code::FailedPrecondition,
        format!("Stream '{stream}' is at revision {actual_revision}, expected {expected_revision}."),
        "STREAM_REVISION_CONFLICT",
        "StreamRevisionConflictErrorDetails",
        &StreamRevisionConflictErrorDetails {
            stream: stream.to_owned(),
            expected_revision,
            actual_revision,
        },
    )
}

fn deleted(stream: &str, for_good: bool) -> Status {
    let stream = stream.to_owned();
    if for_good {
        status(
            Code::FailedPrecondition,
            format!("Stream '{stream}' is closed for good."),
            "STREAM_TOMBSTONED",
            "StreamTombstonedErrorDetails",
            &StreamTombstonedErrorDetails { stream },
        )
    } else {
        status(
            Code::FailedPrecondition,
            format!("Stream '{stream}' is deleted."),
            "STREAM_DELETED",
            "StreamDeletedErrorDetails",
            &StreamDeletedErrorDetails { stream },
        )
    }
}
