//! Visits at home and calls to check: contact that meets nothing that the participant owes.

mod record_home_visit;
mod record_phone_check;

pub use record_home_visit::RecordHomeVisit;
pub use record_phone_check::RecordPhoneCheck;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::personal::Personal;

/// Who was spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Interviewee {
    /// The participant.
    Participant,
    /// Somebody of the family.
    Family,
    /// A neighbour.
    Neighbour,
    /// The committee, or the village.
    Committee,
    /// Nobody was there.
    Nobody,
}

/// Somebody went to see the participant at home.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HomeVisitRecorded {
    /// Day.
    pub on: Date,
    /// Staff ids of those who went.
    pub visitors: Vec<String>,
    /// Who was spoken to.
    pub interviewee: Interviewee,
    /// What was seen and said.
    #[serde(default, skip_serializing)]
    pub note: Personal,
}

/// Somebody called to check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhoneCheckRecorded {
    /// Day.
    pub on: Date,
    /// Somebody answered.
    pub answered: bool,
    /// It was the participant, as far as could be told.
    pub identity_confirmed: bool,
    /// Where they said that they were.
    #[serde(default, skip_serializing)]
    pub place: Personal,
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::case::tests::active;
    use crate::rejection::Reason;

    #[test]
    fn a_visit_takes_as_many_as_policy_wants_and_meets_nothing_by_itself() {
        let visit = |visitors: &[&str]| RecordHomeVisit {
            on: date(2026, 3, 2),
            visitors: visitors.iter().map(|id| (*id).to_owned()).collect(),
            interviewee: Interviewee::Family,
            note: Some("母亲称其外出务工".into()),
        };
        assert_eq!(active().reason(&visit(&["worker-1"])), Reason::SecondPersonRequired);
        assert_eq!(
            active().reason(&visit(&["worker-1", "worker-1"])),
            Reason::SecondPersonRequired
        );
        let events = active().when(&visit(&["worker-1", "grid-1"])).expect("is recorded");
        assert_eq!(events.len(), 1);
    }

    #[test]
    fn nobody_is_confirmed_who_did_not_answer() {
        let check = RecordPhoneCheck {
            on: date(2026, 3, 2),
            answered: false,
            identity_confirmed: true,
            place: None,
        };
        assert_eq!(active().reason(&check), Reason::FieldInvalid);
        let answered = RecordPhoneCheck {
            answered: true,
            ..check
        };
        assert!(active().when(&answered).is_ok());
    }
}
