//! How a case began: reporting, the agreement, the team, the worker in charge.

use jiff::civil::Date;

use super::{Asked, Finding, Told, ended};
use crate::calendar::working_days_after;
use crate::case::support_team::missing;
use crate::case::{CaseEvent, ObligationKind};
use crate::rejection::Rejection;

/// Reports after their last day, to the first station or to a new one; and those that have not come.
pub(super) fn reported_late(history: &[Told], asked: &Asked<'_>) -> Vec<Finding> {
    let mut found: Vec<Finding> = Vec::new();
    let mut due: Option<Date> = None;
    let mut moving: Option<u32> = None;
    let mut passed: Option<Finding> = None;
    for told in history {
        match &told.event {
            CaseEvent::ObligationOpened(fact)
                if matches!(fact.kind, ObligationKind::ReportIn | ObligationKind::TransferReportIn) =>
            {
                due = Some(fact.window_to);
                moving = (fact.kind == ObligationKind::TransferReportIn).then_some(fact.number);
            }
            CaseEvent::ReportInDeadlinePassed(fact) => {
                let finding = Finding::new(fact.due_on, None, asked).of("NOT_REPORTED");
                passed = Some(finding.at(told.position));
            }
            CaseEvent::ObligationPastDue(fact) if moving == Some(fact.number) => {
                let finding = Finding::new(fact.window_to, None, asked).of("NOT_REPORTED_AFTER_TRANSFER");
                passed = Some(finding.at(told.position));
            }
            CaseEvent::TransferRejected(_) | CaseEvent::TransferWithdrawn(_) => passed = None,
            event if ended(event).is_some() => {
                if let Some(open) = passed.take() {
                    found.push(open.until(ended(event)));
                }
            }
            CaseEvent::ReportedIn(fact) => {
                passed = None;
                if fact.late && asked.holds(fact.on) {
                    let finding = Finding::new(due.unwrap_or(fact.on), Some(fact.on), asked);
                    found.push(finding.by(&told.actor).of("JUSTIFIED").at(told.position));
                }
            }
            CaseEvent::TransferReportedIn(fact) => {
                passed = None;
                if fact.late && asked.holds(fact.on) {
                    let finding = Finding::new(due.unwrap_or(fact.on), Some(fact.on), asked);
                    found.push(finding.by(&told.actor).of("JUSTIFIED_AFTER_TRANSFER").at(told.position));
                }
            }
            _ => {}
        }
    }
    found.extend(passed.filter(|passed| passed.from <= asked.to));
    found
}

/// Agreements signed after the working days that policy gives, counted from the report; and those that are not signed.
pub(super) fn agreement_late(history: &[Told], asked: &Asked<'_>) -> Result<Vec<Finding>, Rejection> {
    let mut found = Vec::new();
    let mut waiting: Option<(Date, &Told)> = None;
    let late = |(reported_on, told): (Date, &Told), signed: Option<(Date, &Told)>, over: Option<Date>| {
        let days = asked.policy.number("agreement.sign_within_days", reported_on)?.value;
        let last = working_days_after(asked.policy, reported_on, i32::try_from(days).unwrap_or(i32::MAX));
        let closed = signed.map(|(on, _)| on).or(over);
        let until = closed.unwrap_or(asked.to);
        if until <= last || !(closed.is_none() || asked.holds(until)) {
            return Ok(None);
        }
        let finding = Finding::new(last, closed, asked).at(told.position);
        Ok::<_, Rejection>(Some(match signed {
            Some((_, signed)) => finding.by(&signed.actor).of("SIGNED").at(signed.position),
            None => finding.by(&told.actor).of("NOT_SIGNED"),
        }))
    };
    for told in history {
        match &told.event {
            CaseEvent::ReportedIn(fact) => waiting = Some((fact.on, told)),
            CaseEvent::TransferReportedIn(fact) => waiting = Some((fact.on, told)),
            CaseEvent::AgreementSigned(fact) => {
                if let Some(reported) = waiting.take() {
                    found.extend(late(reported, Some((fact.on, told)), None)?);
                }
            }
            event => {
                if let Some((over, reported)) = ended(event).and_then(|over| Some((over, waiting.take()?))) {
                    found.extend(late(reported, None, Some(over))?);
                }
            }
        }
    }
    if let Some(reported) = waiting.filter(|(on, _)| *on <= asked.to) {
        found.extend(late(reported, None, None)?);
    }
    Ok(found)
}

/// The days from reporting to the end of the case.
fn bound(history: &[Told]) -> Option<Date> {
    let mut since = None;
    for told in history {
        match &told.event {
            CaseEvent::ReportedIn(fact) => since = Some(fact.on),
            CaseEvent::TermExpired(_) => return None,
            event if ended(event).is_some() => return None,
            _ => {}
        }
    }
    since
}

/// What the team of the last day lacks, template by template.
pub(super) fn team_incomplete(history: &[Told], asked: &Asked<'_>) -> Result<Vec<Finding>, Rejection> {
    let Some(since) = bound(history) else {
        return Ok(Vec::new());
    };
    let mut team = None;
    for told in history {
        if let CaseEvent::SupportTeamFormed(fact) = &told.event {
            team = Some((fact, told));
        }
    }
    let members = team.map_or(&[][..], |(fact, _)| fact.members.as_slice());
    let mut found = Vec::new();
    for key in ["team.template.statutory", "team.template.local"] {
        // Not every station has a template of its own.
        let Ok(template) = asked.policy.list(key, asked.to) else {
            continue;
        };
        let missing = missing(members, &template.value);
        if !missing.is_empty() {
            let from = team.map_or(since, |(fact, _)| fact.from);
            let mut finding = Finding::new(from, None, asked).of(format!("{key} {}", missing.join(" ")));
            finding.positions.extend(team.map(|(_, told)| told.position));
            found.push(finding);
        }
    }
    Ok(found)
}

/// Nobody in charge on the last day.
pub(super) fn unassigned(history: &[Told], asked: &Asked<'_>) -> Vec<Finding> {
    let Some(reported_on) = bound(history) else {
        return Vec::new();
    };
    let mut since = Some((reported_on, None));
    for told in history {
        match &told.event {
            CaseEvent::WorkerAssigned(_) => since = None,
            CaseEvent::TransferReportedIn(fact) => since = Some((fact.on, Some(told.position))),
            _ => {}
        }
    }
    let finding = since.map(|(from, position)| {
        let mut finding = Finding::new(from, None, asked);
        finding.positions.extend(position);
        finding
    });
    finding.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::super::Check;
    use super::super::tests::Story;
    use crate::case::tests::agreement;
    use crate::case::{AssignWorker, FormSupportTeam, TeamMember, TeamPlace};
    use crate::kernel::Role;

    #[test]
    fn three_working_days_to_sign_and_a_weekend_between_them_is_none() {
        // Reported on Monday 2026-03-02: Thursday is the last day. Reported on a Thursday, the last day is Tuesday.
        let thursday = Story::reported().on(date(2026, 3, 5));
        assert!(thursday.find(Check::AgreementLate).is_empty());
        let waiting = Story::reported().on(date(2026, 3, 6));
        assert_eq!(waiting.find(Check::AgreementLate)[0].detail, "NOT_SIGNED");
        let signed = waiting.on(date(2026, 3, 9)).then(&agreement(date(2026, 3, 9)));
        let found = signed.find(Check::AgreementLate);
        assert_eq!((found[0].detail.as_str(), found[0].days), ("SIGNED", 4));
    }

    #[test]
    fn a_team_is_looked_at_on_the_last_day_that_is_asked_about() {
        let member = |place| TeamMember { place, staff: None };
        let team = FormSupportTeam {
            from: date(2026, 3, 2),
            members: TeamPlace::ALL.map(member).to_vec(),
        };
        let story = Story::active();
        assert_eq!(story.find(Check::TeamIncomplete).len(), 2);
        assert!(story.then(&team).find(Check::TeamIncomplete).is_empty());
    }

    #[test]
    fn a_case_without_a_worker_is_found_until_somebody_takes_charge() {
        let story = Story::active();
        assert_eq!(story.find(Check::Unassigned).len(), 1);
        let assign = AssignWorker {
            from: date(2026, 3, 2),
            worker: "worker-1".into(),
        };
        let story = story.by("leader-1", Role::Supervisor).then(&assign);
        assert!(story.find(Check::Unassigned).is_empty());
    }
}
