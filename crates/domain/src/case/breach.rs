//! Serious breach of the agreement (戒毒条例 20): proved from what counts, confirmed by a supervisor, reported to the police
//! (戒毒条例 21), and what the police made of it.

mod confirm_relapse;
mod confirm_serious_breach;
mod counter;
mod issue_warning;
mod record_police_outcome;
mod refer_to_police;
mod referral;

pub use confirm_relapse::ConfirmRelapse;
pub use confirm_serious_breach::ConfirmSeriousBreach;
pub use counter::{Counter, counter};
pub use issue_warning::IssueWarning;
pub use record_police_outcome::RecordPoliceOutcome;
pub use refer_to_police::ReferToPolice;
pub(in crate::case) use referral::told;
pub(super) use referral::{after_withdrawal, report_to_police};
use referral::{check_pending, untold};
pub(crate) use referral::{is_new, judged};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::personal::Personal;

/// Which threshold of the statute was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum BreachGround {
    /// Tests refused or evaded, three times or more.
    TestRefusals,
    /// Absences without authority, three times or more.
    Absences,
    /// Absences without authority, more than thirty days in all.
    AbsenceDays,
}

impl BreachGround {
    /// All grounds.
    pub const ALL: [BreachGround; 3] = [
        BreachGround::TestRefusals,
        BreachGround::Absences,
        BreachGround::AbsenceDays,
    ];

    /// The stored name.
    pub fn as_str(self) -> &'static str {
        match self {
            BreachGround::TestRefusals => "TEST_REFUSALS",
            BreachGround::Absences => "ABSENCES",
            BreachGround::AbsenceDays => "ABSENCE_DAYS",
        }
    }
}

/// What the police made of a referral.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PoliceOutcome {
    /// Compulsory isolation; the case ends.
    Isolation,
    /// A warning; the case goes on.
    Warning,
    /// Nothing; the case goes on.
    NoAction,
}

/// A supervisor confirmed a serious breach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeriousBreachConfirmed {
    /// Which threshold.
    pub ground: BreachGround,
    /// Numbers of the tests or absences that reach it.
    pub evidence: Vec<u32>,
    /// What they come to: times, or days.
    pub count: i64,
    /// Pack and key of the threshold.
    pub source: String,
}

/// A supervisor confirmed a relapse.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelapseConfirmed {
    /// The test that a laboratory found positive.
    pub test: u32,
}

/// Not reporting is a refusal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusalConfirmed {
    /// Days on which somebody tried to reach the person.
    pub attempts: Vec<Date>,
}

/// A step of the ladder below a serious breach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum WarningStep {
    /// 劝诫书.
    Admonition,
    /// 告诫书.
    Warning,
}

/// The participant was admonished or warned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WarningIssued {
    /// Day.
    pub on: Date,
    /// Which of the two.
    pub step: WarningStep,
    /// Number of the document.
    #[serde(default, skip_serializing)]
    pub document_no: Personal,
    /// What the participant said to it.
    #[serde(default, skip_serializing)]
    pub statement: Personal,
}

/// What a breach rested on does not reach the threshold any more, and the police had not been told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreachWithdrawn {
    /// Which threshold.
    pub ground: BreachGround,
}

/// The breach was reported to the police.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReferredToPolice {
    /// Day.
    pub on: Date,
    /// Number of their receipt.
    #[serde(default, skip_serializing)]
    pub document_no: Personal,
}

/// The police answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoliceOutcomeRecorded {
    /// Day of the decision.
    pub on: Date,
    /// What they decided.
    pub outcome: PoliceOutcome,
    /// Number of the document.
    #[serde(default, skip_serializing)]
    pub document_no: Personal,
}

#[cfg(test)]
mod tests;
