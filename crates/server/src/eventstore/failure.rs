//! How the EventStoreDB protocol says no: a code, a text that clients parse, and trailers.

use tonic::metadata::{AsciiMetadataValue, MetadataMap};
use tonic::{Code, Status};
use waystation_api::Message;
use waystation_api::event_store::client as v1;
use waystation_app::{ExpectedRevision, StorageError};

/// Why a request failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// The request contradicts itself, leaves something out or asks for too much.
    Invalid(String),
    /// An event to append names no type or no content type.
    MetadataMissing,
    /// The stream is closed for good, or was deleted and was expected to exist.
    StreamDeleted(String),
    /// The stream is not where the writer believed.
    WrongVersion {
        stream: String,
        expected: ExpectedRevision,
        actual: Option<u64>,
    },
    /// Only commands may write there.
    AccessDenied,
    /// One event is too large.
    EventTooLarge { id: String, size: usize, max: usize },
    /// All events of an append together are too large.
    AppendTooLarge { max: usize },
    /// Not written before the deadline.
    TimedOut,
    /// A secondary index was asked for; there are none.
    IndexMissing(String),
    /// The server is going down.
    Stopping,
    /// The group is not there.
    GroupMissing { stream: String, group: String },
    /// The group is there already.
    GroupExists { stream: String, group: String },
    /// The group cannot be as asked.
    GroupInvalid {
        stream: String,
        group: String,
        reason: String,
    },
    /// No more consumers fit.
    GroupFull { stream: String, group: String },
    /// The consumer was sent away.
    Dropped { stream: String, group: String },
    /// The database failed.
    Storage(StorageError),
    /// The call broke, or what came over it does not read.
    Call(Status),
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        Failure::Call(status)
    }
}

impl From<StorageError> for Failure {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::WrongExpectedRevision {
                stream,
                expected,
                actual,
            } => Failure::WrongVersion {
                stream,
                expected,
                actual,
            },
            StorageError::Invalid(what) => Failure::Invalid(what),
            other => Failure::Storage(other),
        }
    }
}

/// Metadata is ASCII; clients read names as they are when they can.
fn ascii(text: &str) -> AsciiMetadataValue {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if matches!(byte, b' '..=b'~') && byte != b'%' {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    AsciiMetadataValue::try_from(encoded).unwrap_or_else(|_| AsciiMetadataValue::from_static(""))
}

fn version(expected: ExpectedRevision) -> String {
    match expected {
        ExpectedRevision::Any => "-2".into(),
        ExpectedRevision::NoStream => "-1".into(),
        ExpectedRevision::StreamExists => "-4".into(),
        ExpectedRevision::Exact(revision) => revision.to_string(),
    }
}

/// What the paths of the protocol's first generation begin with.
pub(crate) const PATHS: &str = "/event_store.client.";

/// A refusal of ours as the protocol tells it: clients take details for those of the second generation.
pub(crate) fn plain(status: &Status) -> Status {
    if status.code() == Code::PermissionDenied {
        return Failure::AccessDenied.status();
    }
    Status::new(status.code(), status.message())
}

/// A revision as the protocol counts, -1 for none.
pub(super) fn signed(actual: Option<u64>) -> i64 {
    actual.map_or(-1, |revision| i64::try_from(revision).unwrap_or(i64::MAX))
}

impl Failure {
    /// As the end of a call.
    pub(super) fn status(&self) -> Status {
        if let Failure::Call(status) = self {
            return status.clone();
        }
        let (code, message, exception, trailers) = self.told();
        let mut metadata = MetadataMap::new();
        if !exception.is_empty() {
            metadata.insert("exception", AsciiMetadataValue::from_static(exception));
        }
        for (key, value) in &trailers {
            metadata.insert(*key, ascii(value));
        }
        if matches!(code, Code::Internal | Code::DataLoss) {
            tracing::error!(failure = exception, error = %message, "a request failed");
        }
        Status::with_metadata(code, message, metadata)
    }

    fn told(&self) -> (Code, String, &'static str, Vec<(&'static str, String)>) {
        let group =
            |stream: &str, group: &str| vec![("stream-name", stream.to_owned()), ("group-name", group.to_owned())];
        match self {
            Failure::Invalid(what) => (Code::InvalidArgument, what.clone(), "", Vec::new()),
            Failure::MetadataMissing => (
                Code::InvalidArgument,
                "Required Metadata Property is missing: type, content-type".into(),
                "missing-required-metadata-property",
                vec![("required-metadata-properties", "type,content-type".into())],
            ),
            Failure::StreamDeleted(stream) => (
                Code::FailedPrecondition,
                format!("Event stream '{stream}' is deleted."),
                "stream-deleted",
                vec![("stream-name", stream.clone())],
            ),
            Failure::WrongVersion {
                stream,
                expected,
                actual,
            } => {
                let (expected, actual) = (version(*expected), signed(*actual));
                (
                    Code::FailedPrecondition,
                    format!(
                        "Delete failed due to WrongExpectedVersion. Stream: {stream}, Expected version: {expected}, \
                         Actual version: {actual}"
                    ),
                    "wrong-expected-version",
                    vec![
                        ("stream-name", stream.clone()),
                        ("expected-version", expected),
                        ("actual-version", actual.to_string()),
                    ],
                )
            }
            Failure::AccessDenied => (
                Code::PermissionDenied,
                "Access Denied".into(),
                "access-denied",
                Vec::new(),
            ),
            Failure::EventTooLarge { id, size, max } => (
                Code::InvalidArgument,
                format!("Maximum Append Event Size Exceeded: event {id} has {size} bytes, at most {max} are allowed"),
                "maximum-append-event-size-exceeded",
                vec![
                    ("event-id", id.clone()),
                    ("proposed-append-event-size", size.to_string()),
                    ("maximum-append-event-size", max.to_string()),
                ],
            ),
            Failure::AppendTooLarge { max } => (
                Code::InvalidArgument,
                format!("Maximum Append Size of {max} bytes Exceeded."),
                "maximum-append-size-exceeded",
                vec![("maximum-append-size", max.to_string())],
            ),
            Failure::TimedOut => (
                Code::Aborted,
                "Operation timed out: the append was not written in time".into(),
                "",
                Vec::new(),
            ),
            Failure::IndexMissing(index) => (
                Code::NotFound,
                format!("Index '{index}' does not exist."),
                "index-not-found",
                vec![("index-name", index.clone())],
            ),
            Failure::Stopping => (Code::Unavailable, "Server Is Not Ready".into(), "", Vec::new()),
            Failure::GroupMissing { stream, group: name } => (
                Code::NotFound,
                format!("Subscription group {name} on stream {stream} does not exist."),
                "persistent-subscription-does-not-exist",
                group(stream, name),
            ),
            Failure::GroupExists { stream, group: name } => (
                Code::AlreadyExists,
                format!("Subscription group {name} on stream {stream} exists."),
                "persistent-subscription-exists",
                group(stream, name),
            ),
            Failure::GroupInvalid {
                stream,
                group: name,
                reason,
            } => {
                let mut trailers = group(stream, name);
                trailers.push(("reason", reason.clone()));
                (
                    Code::Internal,
                    format!("Subscription group {name} on stream {stream} failed: '{reason}'"),
                    "persistent-subscription-failed",
                    trailers,
                )
            }
            Failure::GroupFull { stream, group: name } => (
                Code::FailedPrecondition,
                format!("Maximum subscriptions reached for subscription group {name} on stream {stream}."),
                "maximum-subscribers-reached",
                group(stream, name),
            ),
            Failure::Dropped { stream, group: name } => (
                Code::Cancelled,
                format!("Subscription group {name} on stream {stream} was dropped."),
                "persistent-subscription-dropped",
                group(stream, name),
            ),
            Failure::Call(status) => (status.code(), status.message().to_owned(), "", Vec::new()),
            Failure::Storage(error) => {
                let code = match error {
                    StorageError::QueueFull => Code::ResourceExhausted,
                    StorageError::Unknown => Code::Aborted,
                    StorageError::Corrupt { .. } => Code::DataLoss,
                    _ => Code::Unavailable,
                };
                let message = match error {
                    StorageError::QueueFull => "Server Is Too Busy".into(),
                    StorageError::Unknown => "Operation timed out: the outcome is not known yet".into(),
                    StorageError::Corrupt { position, .. } => format!("stored data is damaged at position {position}"),
                    _ => "Server Is Not Ready".into(),
                };
                (code, message, "", Vec::new())
            }
        }
    }

    /// As the answer to one append of a batch, to this stream.
    pub(super) fn append_status(&self, stream_identifier: Option<v1::StreamIdentifier>) -> v1::AppendStatus {
        match self {
            Failure::WrongVersion { expected, actual, .. } => {
                use v1::wrong_expected_version::{
                    CurrentStreamRevisionOption as Current, ExpectedStreamPositionOption as Expected,
                };
                let details = v1::WrongExpectedVersion {
                    current_stream_revision_option: Some(match actual {
                        Some(revision) => Current::CurrentStreamRevision(*revision),
                        None => Current::CurrentNoStream(()),
                    }),
                    expected_stream_position_option: Some(match expected {
                        ExpectedRevision::Any => Expected::ExpectedAny(()),
                        ExpectedRevision::NoStream => Expected::ExpectedNoStream(()),
                        ExpectedRevision::StreamExists => Expected::ExpectedStreamExists(()),
                        ExpectedRevision::Exact(revision) => Expected::ExpectedStreamPosition(*revision),
                    }),
                };
                append_status(Code::AlreadyExists, "WrongExpectedVersion", &details)
            }
            Failure::StreamDeleted(_) => append_status(
                Code::NotFound,
                "StreamDeleted",
                &v1::StreamDeleted { stream_identifier },
            ),
            Failure::AccessDenied => append_status(Code::PermissionDenied, "AccessDenied", &v1::AccessDenied {}),
            Failure::TimedOut => append_status(Code::DeadlineExceeded, "Timeout", &v1::Timeout {}),
            Failure::EventTooLarge { id, size, max } => {
                let details = v1::MaximumAppendEventSizeExceeded {
                    event_id: id.clone(),
                    proposed_event_size: u32::try_from(*size).unwrap_or(u32::MAX),
                    max_append_event_size: *max as u32,
                };
                append_status(Code::InvalidArgument, "MaximumAppendEventSizeExceeded", &details)
            }
            Failure::AppendTooLarge { max } => {
                let details = v1::MaximumAppendSizeExceeded {
                    max_append_size: *max as u32,
                };
                append_status(Code::InvalidArgument, "MaximumAppendSizeExceeded", &details)
            }
            Failure::Invalid(_) | Failure::MetadataMissing => {
                let (_, message, ..) = self.told();
                append_status(Code::InvalidArgument, "BadRequest", &v1::BadRequest { message })
            }
            _ => append_status(Code::Unknown, "Unknown", &v1::Unknown {}),
        }
    }
}

/// The message's text is also the name of its details.
fn append_status(code: Code, name: &str, details: &impl Message) -> v1::AppendStatus {
    v1::AppendStatus {
        code: code as i32,
        message: name.to_owned(),
        details: Some(packed(&format!("event_store.client.{name}"), details)),
    }
}

/// A message inside another, with its name.
pub(super) fn packed(name: &str, message: &impl Message) -> prost_types::Any {
    prost_types::Any {
        type_url: format!("type.googleapis.com/{name}"),
        value: message.encode_to_vec(),
    }
}

impl From<Failure> for Status {
    fn from(failure: Failure) -> Self {
        failure.status()
    }
}
