//! Failures as `google.rpc.Status`: a stable reason for programs, English for developers, Chinese for people.

use std::collections::HashMap;
use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};
use waystation_app::{AppError, StorageError};
use waystation_domain::{Rejection, RejectionKind};

/// `ErrorInfo.domain`, constant for good.
pub(crate) const DOMAIN: &str = "waystation.v1";
/// Language of the localized messages.
pub(crate) const LANGUAGE: &str = "zh-CN";
/// When to try again after a passing failure.
const RETRY: Duration = Duration::from_millis(250);

/// What every answer says, before its own details.
struct Answer {
    code: Code,
    reason: &'static str,
    chinese: &'static str,
    metadata: HashMap<String, String>,
    retry: bool,
}

impl Answer {
    fn of(code: Code, reason: &'static str, chinese: &'static str) -> Self {
        Self {
            code,
            reason,
            chinese,
            metadata: HashMap::new(),
            retry: false,
        }
    }

    fn with(mut self, key: &str, value: &impl ToString) -> Self {
        self.metadata.insert(key.to_owned(), value.to_string());
        self
    }

    fn retry(mut self) -> Self {
        self.retry = true;
        self
    }

    fn details(&self) -> ErrorDetails {
        let mut details = ErrorDetails::new();
        details
            .set_error_info(self.reason, DOMAIN, self.metadata.clone())
            .set_localized_message(LANGUAGE, self.chinese);
        if self.retry {
            details.set_retry_info(Some(RETRY));
        }
        details
    }
}

/// The one place where failures become statuses. `subject` names the record, if there is one.
pub(crate) fn status(error: &AppError, subject: &str) -> Status {
    if let AppError::Rejected(rejection) = error {
        return rejected(rejection, subject);
    }
    let answer = answer(error);
    if answer.code == Code::Internal || answer.code == Code::DataLoss {
        // The source chain of a database failure may quote values; the kind of failure does not.
        tracing::error!(reason = answer.reason, error = %error, "a request failed");
    }
    let mut details = answer.details();
    if matches!(error, AppError::NotFound { .. }) {
        details.set_resource_info("waystation.v1", subject, "", "");
    }
    if matches!(error, AppError::PageTokenMismatch) {
        details.add_bad_request_violation("page_token", "expected a token from the page before of the same query");
    }
    let message = match answer.code {
        Code::Internal => "an internal failure".to_owned(),
        _ if answer.reason == "KEYS_UNAVAILABLE" => "the keys are not to be had".to_owned(),
        _ => error.to_string(),
    };
    Status::with_error_details(answer.code, message, details)
}

fn answer(error: &AppError) -> Answer {
    match error {
        AppError::Rejected(_) => Answer::of(Code::FailedPrecondition, "REJECTED", "操作被拒绝"),
        AppError::RevisionMismatch { expected, actual } => {
            Answer::of(Code::Aborted, "REVISION_MISMATCH", "档案已被他人更新，请刷新后重试")
                .with("expected", expected)
                .with("actual", &actual.map_or_else(String::new, |actual| actual.to_string()))
        }
        AppError::Contention => Answer::of(Code::Aborted, "CONTENTION", "档案更新过于频繁，请重试").retry(),
        AppError::RequestReused => Answer::of(Code::AlreadyExists, "REQUEST_ID_REUSED", "该请求编号已用于其他内容"),
        AppError::ProjectionBehind { view, position, wanted } => {
            Answer::of(Code::Unavailable, "PROJECTION_BEHIND", "数据正在更新，请稍候")
                .with("projection", view)
                .with("position", position)
                .with("wanted", wanted)
                .retry()
        }
        AppError::ProjectionHalted { view, .. } => {
            Answer::of(Code::Unavailable, "PROJECTION_HALTED", "视图已停止更新，请联系管理员").with("projection", view)
        }
        AppError::AsOfInFuture { head, asked } => {
            Answer::of(Code::OutOfRange, "AS_OF_IN_FUTURE", "查询时点晚于当前时间")
                .with("head", head)
                .with("asked", asked)
        }
        AppError::PageTokenMismatch => {
            Answer::of(Code::InvalidArgument, "PAGE_TOKEN_MISMATCH", "分页标记不属于本次查询")
        }
        AppError::NotFound { kind } => {
            Answer::of(Code::NotFound, "RESOURCE_NOT_FOUND", "找不到该记录").with("kind", kind)
        }
        AppError::InProgress(what) => {
            Answer::of(Code::Aborted, "OPERATION_IN_PROGRESS", "该操作正在进行").with("operation", what)
        }
        AppError::Undecodable { position, .. } => {
            Answer::of(Code::DataLoss, "EVENT_UNREADABLE", "存储的记录无法读取").with("position", position)
        }
        AppError::Keyring(_) | AppError::KeyringFile(_) | AppError::ForeignKeys => {
            Answer::of(Code::Unavailable, "KEYS_UNAVAILABLE", "密钥暂不可用，请联系管理员")
        }
        AppError::BudgetSpent { budget, until_us } => Answer::of(
            Code::ResourceExhausted,
            "BUDGET_SPENT",
            "近期查询次数已达上限，已通知安全管理员",
        )
        .with("budget", &format!("{budget:?}").to_uppercase())
        .with("until_us", until_us),
        AppError::TooManyAttempts { until_us } => {
            Answer::of(Code::ResourceExhausted, "TOO_MANY_ATTEMPTS", "尝试次数过多，请稍后再试")
                .with("until_us", until_us)
        }
        AppError::Internal(_) => Answer::of(Code::Internal, "INTERNAL", "系统内部错误"),
        AppError::Storage(error) => storage(error),
    }
}

fn storage(error: &StorageError) -> Answer {
    match error {
        StorageError::QueueFull => Answer::of(Code::ResourceExhausted, "QUEUE_FULL", "系统繁忙，请稍后重试").retry(),
        StorageError::Unavailable(_) => {
            Answer::of(Code::Unavailable, "STORE_UNAVAILABLE", "数据库暂不可用，未写入").retry()
        }
        StorageError::ReadOnly(_) => Answer::of(
            Code::FailedPrecondition,
            "LOG_READ_ONLY",
            "日志与外部凭据不符，已停止写入，请联系管理员",
        ),
        StorageError::Unknown => {
            Answer::of(Code::Unavailable, "OUTCOME_UNKNOWN", "结果未知，请用同一请求编号重试").retry()
        }
        StorageError::Invalid(_) => Answer::of(Code::InvalidArgument, "APPEND_INVALID", "写入内容超出限制"),
        StorageError::Corrupt { position, .. } => {
            Answer::of(Code::DataLoss, "INTEGRITY_BROKEN", "完整性校验未通过").with("position", position)
        }
        StorageError::RequestReused => Answer::of(Code::AlreadyExists, "REQUEST_ID_REUSED", "该请求编号已用于其他内容"),
        StorageError::WrongExpectedRevision { .. } => {
            Answer::of(Code::Aborted, "REVISION_MISMATCH", "档案已被他人更新，请刷新后重试")
        }
        StorageError::Schema { .. } | StorageError::Url(_) | StorageError::Database(_) => {
            Answer::of(Code::Internal, "INTERNAL", "系统内部错误")
        }
    }
}

fn rejected(rejection: &Rejection, subject: &str) -> Status {
    let reason = rejection.reason;
    let code = match reason.kind() {
        RejectionKind::Invalid => Code::InvalidArgument,
        RejectionKind::NotFound => Code::NotFound,
        RejectionKind::AlreadyExists => Code::AlreadyExists,
        RejectionKind::Forbidden => Code::PermissionDenied,
        RejectionKind::Precondition => Code::FailedPrecondition,
    };
    let mut metadata: HashMap<String, String> = rejection
        .details
        .iter()
        .map(|(key, value)| ((*key).to_owned(), value.clone()))
        .collect();
    if let Some(field) = rejection.field {
        metadata.insert("field".to_owned(), field.to_owned());
    }
    let message = rejection.to_string();
    let mut details = ErrorDetails::new();
    details
        .set_error_info(reason.code(), DOMAIN, metadata)
        .set_localized_message(LANGUAGE, reason.chinese());
    match reason.kind() {
        RejectionKind::Invalid => {
            details.add_bad_request_violation(rejection.field.unwrap_or_default(), &message);
        }
        RejectionKind::NotFound | RejectionKind::AlreadyExists => {
            details.set_resource_info("waystation.v1", subject, "", reason.english());
        }
        RejectionKind::Precondition => {
            details.add_precondition_failure_violation(reason.code(), subject, &message);
        }
        RejectionKind::Forbidden => {}
    }
    Status::with_error_details(code, message, details)
}

#[cfg(test)]
mod tests {
    use super::*;
    use waystation_domain::Reason;

    #[test]
    fn every_rejection_carries_its_reason_and_both_languages() {
        for reason in Reason::ALL {
            let status = rejected(&Rejection::of(*reason, "on"), "cases/c1");
            let details = status.get_error_details();
            let info = details.error_info().expect("has one");
            assert_eq!((info.reason.as_str(), info.domain.as_str()), (reason.code(), DOMAIN));
            assert_eq!(info.metadata.get("field").map(String::as_str), Some("on"));
            let text = details.localized_message().expect("has one");
            assert_eq!(
                (text.locale.as_str(), text.message.as_str()),
                (LANGUAGE, reason.chinese())
            );
            assert!(status.message().contains(reason.english()));
        }
    }

    #[test]
    fn internal_failures_tell_the_caller_nothing_of_their_causes() {
        let error = AppError::Storage(StorageError::Database("secret value 42".into()));
        let status = status(&error, "");
        assert_eq!(status.code(), Code::Internal);
        assert!(!format!("{status:?}").contains("42"), "{status:?}");
    }
}
