//! What somebody owes by a day: opened and closed by the process, past due by the clock.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::drug_test::NoticeMode;
use super::event::CaseEvent;
use super::state::Case;
use crate::personal::Personal;
use crate::rejection::{Reason, Rejection};

/// What is owed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ObligationKind {
    /// Reporting to the station after service (戒毒条例 14).
    ReportIn,
    /// The monthly meeting: a check-in or talk in the month.
    MonthlyMeeting,
    /// The police owe the discharge notice after the term ends (戒毒条例 23).
    DischargeNoticeWatch,
    /// A urine test in a window of the plan (戒毒条例 19).
    UrineTest,
    /// Coming back from a reported absence (戒毒条例 19).
    LeaveReturn,
    /// The station owes the police a report of a serious breach (戒毒条例 21).
    PoliceReport,
    /// Reporting to the new station after a transfer (戒毒条例 22).
    TransferReportIn,
    /// The station owes the agreement after a report (戒毒条例 16 says promptly; policy says how promptly).
    SignAgreement,
    /// The station owes a visit at home, where policy wants them.
    HomeVisit,
    /// The station owes a summary of half a year, where policy wants one.
    HalfYearSummary,
    /// The station owes an assessment of the year, where policy wants one.
    AnnualAssessment,
    /// The station owes the confirmation of a proposed class of risk, where policy says by when.
    RiskReview,
}

impl ObligationKind {
    /// All kinds, in the order of their numbers in the API.
    pub const ALL: [ObligationKind; 12] = [
        ObligationKind::ReportIn,
        ObligationKind::MonthlyMeeting,
        ObligationKind::DischargeNoticeWatch,
        ObligationKind::LeaveReturn,
        ObligationKind::PoliceReport,
        ObligationKind::UrineTest,
        ObligationKind::TransferReportIn,
        ObligationKind::SignAgreement,
        ObligationKind::HomeVisit,
        ObligationKind::HalfYearSummary,
        ObligationKind::AnnualAssessment,
        ObligationKind::RiskReview,
    ];

    /// Those that are owed window after window as long as the term runs.
    pub const PERIODIC: [ObligationKind; 5] = [
        ObligationKind::MonthlyMeeting,
        ObligationKind::UrineTest,
        ObligationKind::HomeVisit,
        ObligationKind::HalfYearSummary,
        ObligationKind::AnnualAssessment,
    ];

    /// The policy key that says every how many months the station owes it; 0 for never.
    pub fn every_months(self) -> Option<&'static str> {
        match self {
            ObligationKind::HomeVisit => Some("visit.every_months"),
            ObligationKind::HalfYearSummary => Some("summary.every_months"),
            ObligationKind::AnnualAssessment => Some("assessment.every_months"),
            _ => None,
        }
    }

    /// Whether it is the participant who owes it.
    pub fn is_participants(self) -> bool {
        matches!(
            self,
            ObligationKind::ReportIn
                | ObligationKind::MonthlyMeeting
                | ObligationKind::UrineTest
                | ObligationKind::LeaveReturn
                | ObligationKind::TransferReportIn
        )
    }

    /// The stored name.
    pub fn as_str(self) -> &'static str {
        match self {
            ObligationKind::ReportIn => "REPORT_IN",
            ObligationKind::MonthlyMeeting => "MONTHLY_MEETING",
            ObligationKind::DischargeNoticeWatch => "DISCHARGE_NOTICE_WATCH",
            ObligationKind::UrineTest => "URINE_TEST",
            ObligationKind::LeaveReturn => "LEAVE_RETURN",
            ObligationKind::PoliceReport => "POLICE_REPORT",
            ObligationKind::TransferReportIn => "TRANSFER_REPORT_IN",
            ObligationKind::SignAgreement => "SIGN_AGREEMENT",
            ObligationKind::HomeVisit => "HOME_VISIT",
            ObligationKind::HalfYearSummary => "HALF_YEAR_SUMMARY",
            ObligationKind::AnnualAssessment => "ANNUAL_ASSESSMENT",
            ObligationKind::RiskReview => "RISK_REVIEW",
        }
    }
}

/// Who owes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Debtor {
    /// The participant.
    Participant,
    /// The station.
    Station,
    /// The police.
    Police,
}

impl Debtor {
    /// All debtors.
    pub const ALL: [Debtor; 3] = [Debtor::Participant, Debtor::Station, Debtor::Police];

    /// The stored name.
    pub fn as_str(self) -> &'static str {
        match self {
            Debtor::Participant => "PARTICIPANT",
            Debtor::Station => "STATION",
            Debtor::Police => "POLICE",
        }
    }
}

/// How an obligation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ObligationState {
    /// Neither met nor past due.
    Open,
    /// The clock saw its last day pass.
    PastDue,
    /// Met in time.
    Fulfilled,
    /// Met after its last day.
    FulfilledLate,
    /// No longer applies.
    Cancelled,
    /// Past due for a good reason.
    Excused,
    /// A supervisor says that it was missed.
    MissedConfirmed,
}

impl ObligationState {
    /// The obligation, by its number, that an event says something of, and how it stands after it.
    pub fn after(event: &CaseEvent) -> Option<(u32, Self)> {
        Some(match event {
            CaseEvent::ObligationOpened(fact) => (fact.number, ObligationState::Open),
            CaseEvent::ObligationFulfilled(fact) if fact.late => (fact.number, ObligationState::FulfilledLate),
            CaseEvent::ObligationFulfilled(fact) => (fact.number, ObligationState::Fulfilled),
            CaseEvent::ObligationPastDue(fact) => (fact.number, ObligationState::PastDue),
            CaseEvent::ObligationCancelled(fact) => (fact.number, ObligationState::Cancelled),
            CaseEvent::ObligationExcused(fact) => (fact.number, ObligationState::Excused),
            CaseEvent::ObligationMissedConfirmed(fact) => (fact.number, ObligationState::MissedConfirmed),
            CaseEvent::ObligationReopened(fact) if fact.late => (fact.number, ObligationState::PastDue),
            CaseEvent::ObligationReopened(fact) => (fact.number, ObligationState::Open),
            _ => return None,
        })
    }

    /// The clock saw its last day pass, and it is neither met nor excused.
    pub fn is_past_due(self) -> bool {
        matches!(self, ObligationState::PastDue | ObligationState::MissedConfirmed)
    }

    /// The stored name.
    pub fn as_str(self) -> &'static str {
        match self {
            ObligationState::Open => "OPEN",
            ObligationState::PastDue => "PAST_DUE",
            ObligationState::Fulfilled => "FULFILLED",
            ObligationState::FulfilledLate => "FULFILLED_LATE",
            ObligationState::Cancelled => "CANCELLED",
            ObligationState::Excused => "EXCUSED",
            ObligationState::MissedConfirmed => "MISSED_CONFIRMED",
        }
    }
}

/// Why an obligation no longer applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CancelReason {
    /// The case was suspended.
    CaseSuspended,
    /// The case ended.
    CaseEnded,
    /// The term moved.
    Replanned,
    /// The transfer was rejected or withdrawn.
    TransferEnded,
    /// The absence was not approved.
    LeaveRefused,
}

/// An obligation opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObligationOpened {
    /// Number within the case, from 1.
    pub number: u32,
    /// What.
    pub kind: ObligationKind,
    /// Who.
    pub debtor: Debtor,
    /// First day on which it can be met.
    pub window_from: Date,
    /// Last day in time.
    pub window_to: Date,
    /// Policy pack and key behind it.
    pub source: String,
    /// The station whose case it is, when another opened it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub station: Option<String>,
}

/// An obligation met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObligationFulfilled {
    /// Which.
    pub number: u32,
    /// Day it was met.
    pub on: Date,
    /// Met after its last day.
    pub late: bool,
}

/// An obligation not met in time; a clock's statement, not a verdict on anyone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObligationPastDue {
    /// Which.
    pub number: u32,
    /// Last day in time.
    pub window_to: Date,
    /// Day the clock noticed; later than the day after `window_to` when it was down.
    pub detected_on: Date,
}

/// A past-due obligation that had a good reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObligationExcused {
    /// Which.
    pub number: u32,
    /// Why.
    #[serde(default, skip_serializing)]
    pub reason: Personal,
}

/// A past-due obligation that a supervisor says was missed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObligationMissedConfirmed {
    /// Which.
    pub number: u32,
}

/// An obligation that had been met by what turned out to be nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObligationReopened {
    /// Which.
    pub number: u32,
    /// What.
    pub kind: ObligationKind,
    /// Last day in time.
    pub window_to: Date,
    /// The station at which it had been met.
    pub station: String,
    /// Day on which it had been met.
    pub met_on: Date,
    /// It had been met after its last day.
    pub late: bool,
}

/// The participant was told of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObligationNotified {
    /// Which.
    pub number: u32,
    /// Day.
    pub on: Date,
    /// How.
    pub mode: NoticeMode,
    /// Digests of what shows it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
}

/// An obligation that no longer applies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObligationCancelled {
    /// Which.
    pub number: u32,
    /// Why.
    pub reason: CancelReason,
}

/// An obligation that is neither met nor cancelled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Obligation {
    /// Number within the case.
    pub number: u32,
    /// What.
    pub kind: ObligationKind,
    /// First day on which it can be met.
    pub window_from: Date,
    /// Last day in time.
    pub window_to: Date,
    /// The clock saw it pass.
    pub past_due: bool,
    /// A supervisor says that it was missed.
    pub missed: bool,
}

impl Obligation {
    /// Whether it can be met on a day.
    pub fn holds(&self, day: Date) -> bool {
        self.window_from <= day && day <= self.window_to
    }
}

/// An obligation that was met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Met {
    /// Which.
    pub owed: Obligation,
    /// Day.
    pub on: Date,
    /// After its last day.
    pub late: bool,
    /// The station whose case it was.
    pub station: String,
    /// How often the case had been suspended then.
    pub run: usize,
}

/// What a participant owes and the clock has seen pass.
pub(super) fn find_past_due(case: &Case, number: u32) -> Result<&Obligation, Rejection> {
    let mut owed = case.obligations.iter();
    let found = owed.find(|owed| owed.number == number && owed.kind.is_participants());
    let found = found.ok_or_else(|| Rejection::of(Reason::ObligationNotFound, "obligation"))?;
    if found.past_due {
        Ok(found)
    } else {
        let no = Rejection::of(Reason::NotPastDue, "obligation");
        Err(no.with("window_to", found.window_to))
    }
}
