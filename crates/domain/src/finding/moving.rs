//! Between two stations: materials and letters that nobody answers.

use jiff::civil::Date;

use super::{Asked, Finding, Told, ended};
use crate::calendar::add_days;
use crate::case::CaseEvent;
use crate::rejection::Rejection;

/// What was sent on a day and answered on another, or not, when that took longer than policy gives.
fn unanswered(
    (sent_on, sent): (Date, &Told),
    answer: Option<(Date, Option<&Told>)>,
    key: &str,
    asked: &Asked<'_>,
) -> Result<Option<Finding>, Rejection> {
    let days = asked.policy.number(key, sent_on)?.value;
    let last = add_days(sent_on, i32::try_from(days).unwrap_or(i32::MAX));
    let until = answer.map_or(asked.to, |(on, _)| on);
    if until <= last || !asked.holds(sent_on) {
        return Ok(None);
    }
    let finding = Finding::new(sent_on, answer.map(|(on, _)| on), asked).by(&sent.actor);
    let finding = finding.at(sent.position);
    Ok(Some(match answer {
        Some((_, Some(answer))) => finding.of("ANSWERED").at(answer.position),
        _ => finding.of("NOT_ANSWERED"),
    }))
}

/// Days from the sending of the materials until the other station accepted, rejected, or was not asked any more.
pub(super) fn transfer_gap(history: &[Told], asked: &Asked<'_>) -> Result<Vec<Finding>, Rejection> {
    let mut found = Vec::new();
    let (mut sent, mut accepted): (Option<(Date, &Told)>, bool) = (None, false);
    for told in history {
        let answered = match &told.event {
            CaseEvent::TransferProposed(_) => {
                accepted = false;
                continue;
            }
            CaseEvent::TransferMaterialsSent(fact) => {
                // Sent again, to who has accepted already, they wait for nothing.
                sent = sent.or((!accepted).then_some((fact.on, told)));
                continue;
            }
            CaseEvent::TransferAccepted(fact) => {
                accepted = true;
                (fact.on, Some(told))
            }
            CaseEvent::TransferRejected(_) | CaseEvent::TransferWithdrawn(_) => (told.recorded_on, Some(told)),
            event => match ended(event) {
                Some(over) => (over, None),
                None => continue,
            },
        };
        if let Some(sent) = sent.take() {
            found.extend(unanswered(sent, Some(answered), "transfer.answer_days", asked)?);
        }
    }
    if let Some(sent) = sent {
        found.extend(unanswered(sent, None, "transfer.answer_days", asked)?);
    }
    Ok(found)
}

/// Letters about dual control.
pub(super) fn letter_unanswered(history: &[Told], asked: &Asked<'_>) -> Result<Vec<Finding>, Rejection> {
    let mut found = Vec::new();
    let mut letter: Option<(Date, &Told)> = None;
    for told in history {
        let answered = match &told.event {
            CaseEvent::DualControlStarted(fact) => {
                letter = Some((fact.on, told));
                continue;
            }
            CaseEvent::DualControlAnswered(fact) => (fact.on, Some(told)),
            CaseEvent::DualControlEnded(fact) => (fact.on, Some(told)),
            event => match ended(event) {
                Some(over) => (over, None),
                None => continue,
            },
        };
        if let Some(letter) = letter.take() {
            found.extend(unanswered(letter, Some(answered), "dual_control.answer_days", asked)?);
        }
    }
    if let Some(letter) = letter {
        found.extend(unanswered(letter, None, "dual_control.answer_days", asked)?);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use jiff::civil::{Date, date};

    use super::super::Check;
    use super::super::tests::Story;
    use crate::case::{AcceptTransfer, ProposeTransfer, SendTransferMaterials, StartDualControl};
    use crate::kernel::Role;

    fn sent() -> Story {
        let on = date(2026, 4, 1);
        Story::active()
            .on(on)
            .then(&ProposeTransfer {
                on,
                to_station: "station-weicheng".into(),
                reason: "迁移".into(),
            })
            .then(&SendTransferMaterials {
                on,
                documents: vec!["AGREEMENT".into()],
            })
    }

    fn accept(on: Date) -> AcceptTransfer {
        AcceptTransfer { on, effective_on: on }
    }

    #[test]
    fn eleven_days_without_an_answer_are_found_and_three_are_not() {
        let there = |on| sent().on(on).at("weicheng-1", Role::Supervisor, "station-weicheng");
        let soon = date(2026, 4, 4);
        assert!(there(soon).then(&accept(soon)).find(Check::TransferGap).is_empty());
        let late = date(2026, 4, 12);
        let found = there(late).find(Check::TransferGap);
        assert_eq!((found[0].days, found[0].detail.as_str()), (11, "NOT_ANSWERED"));
        let found = there(late).then(&accept(late)).find(Check::TransferGap);
        assert_eq!((found[0].days, found[0].detail.as_str()), (11, "ANSWERED"));
    }

    #[test]
    fn a_letter_waits_ten_days() {
        let on = date(2026, 4, 1);
        let letter = Story::active().on(on).then(&StartDualControl {
            on,
            residence_station: "station-weicheng".into(),
            letter_no: "函-1".into(),
        });
        let letter = letter.on(date(2026, 4, 11));
        assert!(letter.find(Check::LetterUnanswered).is_empty());
        assert_eq!(letter.on(date(2026, 4, 12)).find(Check::LetterUnanswered)[0].days, 11);
    }
}
