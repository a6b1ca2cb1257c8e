//! Dual control (双向管控): the participant lives in another station's area, which is asked by letter to look after them too. The
//! case stays where it is.

mod answer_dual_control;
mod end_dual_control;
mod start_dual_control;

pub use answer_dual_control::AnswerDualControl;
pub use end_dual_control::EndDualControl;
pub use start_dual_control::StartDualControl;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::event::CaseEvent;
use super::rules::check_registered;
use super::state::Case;
use crate::personal::Personal;
use crate::rejection::{Reason, Rejection};

/// A letter asked another station to look after the participant too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DualControlStarted {
    /// Day of the letter.
    pub on: Date,
    /// The station where the participant lives.
    pub residence_station: String,
    /// Number of the letter.
    #[serde(default, skip_serializing)]
    pub letter_no: Personal,
}

/// That station answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DualControlAnswered {
    /// Day of the answer.
    pub on: Date,
    /// Number of the answer.
    #[serde(default, skip_serializing)]
    pub letter_no: Personal,
}

/// It is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DualControlEnded {
    /// Day.
    pub on: Date,
}

/// Dual control as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DualControl {
    /// Day of the letter.
    pub on: Date,
    /// The station where the participant lives.
    pub residence_station: String,
    /// Day on which that station answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_on: Option<Date>,
}

impl DualControl {
    /// How it stands after an event.
    pub fn after(control: Option<Self>, event: &CaseEvent) -> Option<Self> {
        match event {
            CaseEvent::DualControlStarted(fact) => Some(DualControl {
                on: fact.on,
                residence_station: fact.residence_station.clone(),
                answered_on: None,
            }),
            CaseEvent::DualControlAnswered(fact) => control.map(|control| DualControl {
                answered_on: Some(fact.on),
                ..control
            }),
            // Whoever lives where their case is carried out needs no letter.
            CaseEvent::TransferReportedIn(fact) => {
                control.filter(|control| control.residence_station != fact.to_station)
            }
            CaseEvent::DualControlEnded(_)
            | CaseEvent::CaseTerminated(_)
            | CaseEvent::OrderRevoked(_)
            | CaseEvent::CaseDischarged(_) => None,
            _ => control,
        }
    }
}

fn running(case: &Case) -> Result<&DualControl, Rejection> {
    check_registered(case)?;
    case.dual_control.as_ref().ok_or_else(|| Reason::NoDualControl.into())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::case::tests::active;
    use crate::kernel::Role;

    #[test]
    fn a_letter_is_answered_once_and_only_by_the_station_that_it_went_to() {
        let start = StartDualControl {
            on: date(2026, 3, 2),
            residence_station: "station-weicheng".into(),
            letter_no: "函-1".into(),
        };
        let answer = AnswerDualControl {
            on: date(2026, 3, 2),
            letter_no: "复函-1".into(),
        };
        let end = EndDualControl { on: date(2026, 3, 2) };
        assert_eq!(active().reason(&end), Reason::NoDualControl);
        let home = StartDualControl {
            residence_station: "station-qinglongshan".into(),
            ..start.clone()
        };
        assert_eq!(active().reason(&home), Reason::SameStation);
        let asked = active().then(&start);
        assert_eq!(asked.reason(&start), Reason::UnderDualControl);
        assert_eq!(asked.reason(&answer), Reason::StationOutOfScope);
        let answered = asked
            .at("weicheng-1", Role::Supervisor, "station-weicheng")
            .then(&answer);
        assert_eq!(answered.reason(&answer), Reason::DualControlAnswered);
        let ended = answered
            .at("worker-1", Role::CaseWorker, "station-qinglongshan")
            .then(&end);
        assert_eq!(ended.state().dual_control, None);
    }
}
