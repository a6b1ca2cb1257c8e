//! Papers that went later than the working days that a place's rules give.

use jiff::civil::Date;

use super::{Asked, Finding, Told, ended};
use crate::calendar::working_days_after;
use crate::case::CaseEvent;
use crate::rejection::Rejection;

/// What was to go within so many working days of a day: found when it went later, or has not gone. No rule where policy says 0.
fn late(
    (since, told): (Date, &Told),
    went: Option<(Date, &Told)>,
    over: Option<Date>,
    (what, key): (&str, &str),
    asked: &Asked<'_>,
) -> Result<Option<Finding>, Rejection> {
    let days = asked.policy.number(key, since)?.value;
    if days == 0 {
        return Ok(None);
    }
    let last = working_days_after(asked.policy, since, i32::try_from(days).unwrap_or(i32::MAX));
    let until = went.map(|(on, _)| on).or(over);
    if until.unwrap_or(asked.to) <= last || !asked.holds(last) {
        return Ok(None);
    }
    let finding = Finding::new(last, until, asked).at(told.position);
    Ok(Some(match went {
        Some((_, went)) if went.position != told.position => {
            finding.by(&went.actor).of(format!("{what} SENT")).at(went.position)
        }
        Some((_, went)) => finding.by(&went.actor).of(format!("{what} SENT")),
        None => finding.by(&told.actor).of(format!("{what} NOT_SENT")),
    }))
}

/// The file that goes to another station after a transfer was proposed (`transfer.send_working_days`), and the papers that the place
/// of compulsory isolation sends after a release (`release.docs_working_days`).
pub(super) fn papers_late(history: &[Told], asked: &Asked<'_>) -> Result<Vec<Finding>, Rejection> {
    const FILE: (&str, &str) = ("TRANSFER_FILE", "transfer.send_working_days");
    const RELEASE: (&str, &str) = ("RELEASE_PAPERS", "release.docs_working_days");
    let mut found = Vec::new();
    let mut proposed: Option<(Date, &Told)> = None;
    for told in history {
        match &told.event {
            CaseEvent::ReleaseHandoverReceived(fact) => {
                let went = Some((fact.received_on, told));
                found.extend(late((fact.released_on, told), went, None, RELEASE, asked)?);
            }
            CaseEvent::TransferProposed(fact) => proposed = Some((fact.on, told)),
            CaseEvent::TransferMaterialsSent(fact) => {
                if let Some(proposed) = proposed.take() {
                    found.extend(late(proposed, Some((fact.on, told)), None, FILE, asked)?);
                }
            }
            event => {
                let over = match event {
                    CaseEvent::TransferRejected(_) | CaseEvent::TransferWithdrawn(_) => Some(told.recorded_on),
                    event => ended(event),
                };
                if let Some((over, proposed)) = over.and_then(|over| Some((over, proposed.take()?))) {
                    found.extend(late(proposed, None, Some(over), FILE, asked)?);
                }
            }
        }
    }
    if let Some(proposed) = proposed {
        found.extend(late(proposed, None, None, FILE, asked)?);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::super::Check;
    use super::super::tests::Story;
    use crate::case::{ProposeTransfer, SendTransferMaterials};
    use crate::policy::Policy;

    #[test]
    fn a_file_goes_on_within_three_working_days_where_a_rule_says_so() {
        // 重庆市: 3 working days. 2026-03-05 is a Thursday, so that the last day is Tuesday.
        let proposed = Story::active().on(date(2026, 3, 5)).then(&ProposeTransfer {
            on: date(2026, 3, 5),
            to_station: "station-elsewhere".into(),
            reason: "迁居".into(),
        });
        let chongqing = Policy::shipped_for(&["chongqing"]);
        let in_time = proposed.on(date(2026, 3, 10));
        assert!(in_time.find_under(Check::PapersLate, &chongqing).is_empty());
        let late = in_time.on(date(2026, 3, 12));
        let found = late.find_under(Check::PapersLate, &chongqing);
        assert_eq!(found[0].detail, "TRANSFER_FILE NOT_SENT");
        assert_eq!(
            (found[0].from, found[0].to, found[0].days),
            (date(2026, 3, 10), None, 2)
        );
        assert!(late.find(Check::PapersLate).is_empty(), "no rule of this place");
        let sent = late.then(&SendTransferMaterials {
            on: date(2026, 3, 11),
            documents: vec!["AGREEMENT".into()],
        });
        let found = sent.find_under(Check::PapersLate, &chongqing);
        assert_eq!((found[0].detail.as_str(), found[0].days), ("TRANSFER_FILE SENT", 1));
    }
}
