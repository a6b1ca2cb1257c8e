//! Nobody can reach the participant: beside the stage, because everything else goes on.

mod mark_found;
mod mark_lost_contact;

pub use mark_found::MarkFound;
pub use mark_lost_contact::MarkLostContact;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// Nobody can reach the participant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LostContactRecorded {
    /// Day from which nobody could.
    pub on: Date,
    /// Days on which somebody tried.
    pub attempts: Vec<Date>,
}

/// The participant was found, or came by themselves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactRestored {
    /// Day.
    pub on: Date,
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::case::tests::active;
    use crate::rejection::Reason;

    #[test]
    fn who_is_lost_is_lost_once_and_found_once() {
        let lost = MarkLostContact {
            on: date(2026, 3, 10),
            attempts: vec![date(2026, 3, 10), date(2026, 3, 12)],
        };
        let found = MarkFound { on: date(2026, 3, 15) };
        let case = active().on(date(2026, 3, 20));
        assert_eq!(case.reason(&found), Reason::NotLost);
        let none = MarkLostContact {
            attempts: Vec::new(),
            ..lost.clone()
        };
        assert_eq!(case.reason(&none), Reason::ListEmpty);
        let case = case.then(&lost);
        assert_eq!(case.state().lost_since, Some(date(2026, 3, 10)));
        assert_eq!(case.reason(&lost), Reason::LostAlready);
        let early = MarkFound { on: date(2026, 3, 9) };
        assert_eq!(case.reason(&early), Reason::OccurredBeforeCase);
        assert_eq!(case.then(&found).state().lost_since, None);
    }
}
