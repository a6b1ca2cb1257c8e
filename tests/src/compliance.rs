//! Requests about absences, tests and breaches, and their refusals, for tests.

use tonic::{Code, Status};
use tonic_types::StatusExt;
use waystation_api::v1;
use waystation_domain::calendar;

use crate::people::reason;
use crate::{Clients, after, today};

/// The case that is asked about.
pub const CASE: &str = "cases/c1";

/// A day so many days ago.
///
/// # Panics
/// When `date` says none.
pub fn ago(days: i32) -> String {
    calendar::add_days(today().parse().expect("is a day"), -days).to_string()
}

/// Alleging an absence between days that were so many days ago.
pub fn allege(from: i32, to: i32) -> v1::AllegeAbsenceRequest {
    v1::AllegeAbsenceRequest {
        name: CASE.into(),
        from: ago(from),
        to: ago(to),
        how_known: "邻居告知".into(),
        ..Default::default()
    }
}

/// Confirming one.
pub fn confirm_absence(absence: i32) -> v1::ConfirmAbsenceRequest {
    v1::ConfirmAbsenceRequest {
        name: CASE.into(),
        absence,
        ..Default::default()
    }
}

/// Telling the participant to come for a test.
pub fn notice(on: String, due_on: String) -> v1::ServeTestNoticeRequest {
    v1::ServeTestNoticeRequest {
        name: CASE.into(),
        on,
        due_on,
        mode: v1::NoticeMode::NoticeByHand.into(),
        ..Default::default()
    }
}

/// Taking the sample of the first test.
pub fn sample() -> v1::RecordSampleRequest {
    v1::RecordSampleRequest {
        name: CASE.into(),
        test: 1,
        on: today(),
        kind: v1::SampleKind::SampleUrine.into(),
        site: v1::SampleSite::AtStation.into(),
        collectors: vec!["worker-1".into(), "medical-1".into()],
        same_gender: true,
        ..Default::default()
    }
}

/// Its result.
pub fn result(stage: v1::TestStage, outcome: v1::TestOutcome) -> v1::RecordTestResultRequest {
    v1::RecordTestResultRequest {
        name: CASE.into(),
        test: 1,
        on: today(),
        stage: stage.into(),
        outcome: outcome.into(),
        ..Default::default()
    }
}

/// Confirming a serious breach.
pub fn breach(ground: v1::BreachGround) -> v1::ConfirmSeriousBreachRequest {
    v1::ConfirmSeriousBreachRequest {
        name: CASE.into(),
        ground: ground.into(),
        ..Default::default()
    }
}

/// Everything of a kind that was ever owed in the case that is asked about, oldest first.
///
/// # Panics
/// When it is not listed.
pub async fn owed(clients: &mut Clients, kind: v1::ObligationKind, at: &v1::CommandReceipt) -> Vec<v1::Obligation> {
    let list = v1::ListAgendaRequest {
        case: CASE.into(),
        kind: kind.into(),
        read: after(at),
        ..Default::default()
    };
    let listed = clients.cases.list_agenda(list).await.expect("lists").into_inner();
    listed.obligations
}

/// A refusal, with its reason, the field it is about, and words in Chinese.
///
/// # Panics
/// When it is another, or none.
#[track_caller]
pub fn check<T>(answer: Result<T, Status>, expected: (&str, Option<&str>)) {
    let refused = answer.err().expect(expected.0);
    assert_eq!(reason(&refused), expected.0, "{refused}");
    let details = refused.get_error_details();
    let text = details.localized_message().expect("speaks Chinese");
    assert!(text.locale == "zh-CN" && !text.message.is_ascii(), "{text:?}");
    let bad = details.bad_request().and_then(|bad| bad.field_violations.first());
    let field = match refused.code() {
        Code::InvalidArgument => bad.map(|violation| violation.field.as_str()),
        _ => details
            .error_info()
            .and_then(|info| info.metadata.get("field"))
            .map(String::as_str),
    };
    assert_eq!(field, expected.1, "{refused}");
}
