//! The participant is told what they owe.

use jiff::civil::Date;
use serde::Serialize;

use super::drug_test::NoticeMode;
use super::event::CaseEvent;
use super::obligation::ObligationNotified;
use super::rules::{check_actor, check_day_from, check_evidence, check_registered};
use super::state::Case;
use crate::kernel::{Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Records a notice of what the participant owes, with what shows it. It changes nothing that is owed: whoever says that it was
/// missed can see whether anybody had said so.
#[derive(Clone, Debug, Serialize)]
pub struct NotifyObligation {
    /// Number of the obligation; neither met nor cancelled.
    pub obligation: u32,
    /// Day.
    pub on: Date,
    /// How.
    pub mode: NoticeMode,
    /// Digests of what shows it, SHA-256 in hexadecimal; at most 10.
    pub evidence: Vec<String>,
}

impl Command for NotifyObligation {
    type Aggregate = Case;
    const NAME: &'static str = "NotifyObligation";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_actor(case, &[Role::CaseWorker, Role::Supervisor], context)?;
        check_registered(case)?;
        let mut owed = case.obligations.iter();
        let found = owed.any(|owed| owed.number == self.obligation && owed.kind.is_participants());
        if !found {
            return Err(Rejection::of(Reason::ObligationNotFound, "obligation"));
        }
        check_day_from("on", self.on, case.served_on, context)?;
        check_evidence(&self.evidence)?;
        Ok(vec![
            ObligationNotified {
                number: self.obligation,
                on: self.on,
                mode: self.mode,
                evidence: self.evidence.clone(),
            }
            .into(),
        ])
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::case::ObligationKind;
    use crate::case::tests::active;

    #[test]
    fn a_participant_is_told_what_they_owe_and_not_what_others_do() {
        let of = |kind| active().state().open(kind).expect("is open").number;
        let notify = |obligation, on| NotifyObligation {
            obligation,
            on,
            mode: NoticeMode::Phone,
            evidence: Vec::new(),
        };
        let meeting = of(ObligationKind::MonthlyMeeting);
        assert!(active().when(&notify(meeting, date(2026, 3, 2))).is_ok());
        assert_eq!(
            active().reason(&notify(meeting, date(2026, 3, 1))),
            Reason::OccurredBeforeCase
        );
        let police = of(ObligationKind::DischargeNoticeWatch);
        assert_eq!(
            active().reason(&notify(police, date(2026, 3, 2))),
            Reason::ObligationNotFound
        );
        let bad = NotifyObligation {
            evidence: vec!["photo.jpg".into()],
            ..notify(meeting, date(2026, 3, 2))
        };
        assert_eq!(active().reason(&bad), Reason::FieldInvalid);
    }
}
