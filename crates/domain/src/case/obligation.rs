//! What somebody owes by a day: opened and closed by the process, past due by the clock.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

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
    /// Coming back from a reported absence (戒毒条例 19).
    LeaveReturn,
    /// The station owes the police a report of a serious breach (戒毒条例 21).
    PoliceReport,
}

impl ObligationKind {
    /// The stored name.
    pub fn as_str(self) -> &'static str {
        match self {
            ObligationKind::ReportIn => "REPORT_IN",
            ObligationKind::MonthlyMeeting => "MONTHLY_MEETING",
            ObligationKind::DischargeNoticeWatch => "DISCHARGE_NOTICE_WATCH",
            ObligationKind::LeaveReturn => "LEAVE_RETURN",
            ObligationKind::PoliceReport => "POLICE_REPORT",
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
}
