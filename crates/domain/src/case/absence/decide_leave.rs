//! Where a station asks for it, somebody decides on a reported absence. The statute asks for a report only; approval is local
//! practice, which policy `leave.approval_required` turns on.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{Absence, AbsenceState, find};
use crate::case::event::CaseEvent;
use crate::case::obligation::{CancelReason, ObligationCancelled};
use crate::case::rules::{LIVE, check_actor, check_day_from, check_note, check_stage};
use crate::case::state::Case;
use crate::kernel::{Command, Context, Role};
use crate::personal::Personal;
use crate::rejection::{Reason, Rejection};

/// A reported absence was approved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaveApproved {
    /// Which absence.
    pub absence: u32,
    /// Day.
    pub on: Date,
}

/// A reported absence was not approved: who leaves all the same was not allowed to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaveRefused {
    /// Which absence.
    pub absence: u32,
    /// Day.
    pub on: Date,
    /// Why.
    #[serde(default, skip_serializing)]
    pub reason: Personal,
}

/// Approves a reported absence, with whatever is added to it later (`ExtendAbsence`).
#[derive(Clone, Debug, Serialize)]
pub struct ApproveLeave {
    /// Which absence.
    pub absence: u32,
    /// Day.
    pub on: Date,
}

/// Does not approve a reported absence, before it begins: the return is owed no more, and whoever leaves may be said to have been
/// away without leave.
#[derive(Clone, Debug, Serialize)]
pub struct RefuseLeave {
    /// Which absence.
    pub absence: u32,
    /// Day.
    pub on: Date,
    /// Why; at most 2,000 characters.
    pub reason: String,
}

/// The absence that a supervisor may decide on.
fn undecided<'a>(case: &'a Case, number: u32, on: Date, context: &Context<'_>) -> Result<&'a Absence, Rejection> {
    check_actor(case, &[Role::Supervisor], context)?;
    check_stage(case, &LIVE)?;
    let absence = find(case, number)?;
    let asked = context.policy.flag("leave.approval_required", absence.from)?;
    if !asked.value {
        return Err(Rejection::from(Reason::ApprovalNotAsked).with("pack", asked.pack));
    }
    if !matches!(absence.state, AbsenceState::Reported(_)) || absence.approved {
        return Err(Rejection::of(Reason::AbsenceDecided, "absence"));
    }
    check_day_from("on", on, case.agreement_on, context)?;
    Ok(absence)
}

impl Command for ApproveLeave {
    type Aggregate = Case;
    const NAME: &'static str = "ApproveLeave";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        undecided(case, self.absence, self.on, context)?;
        let (absence, on) = (self.absence, self.on);
        Ok(vec![LeaveApproved { absence, on }.into()])
    }
}

impl Command for RefuseLeave {
    type Aggregate = Case;
    const NAME: &'static str = "RefuseLeave";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        let absence = undecided(case, self.absence, self.on, context)?;
        check_note("reason", &self.reason)?;
        // Not by a day that is written down afterwards either: who left on the strength of a report was allowed to.
        if context.today >= absence.from {
            return Err(Rejection::of(Reason::LeaveBegun, "absence").with("from", absence.from));
        }
        let refused = LeaveRefused {
            absence: self.absence,
            on: self.on,
            reason: (&self.reason).into(),
        };
        let mut events = vec![CaseEvent::from(refused)];
        if let AbsenceState::Reported(number) = absence.state
            && case.obligations.iter().any(|owed| owed.number == number)
        {
            let reason = CancelReason::LeaveRefused;
            events.push(ObligationCancelled { number, reason }.into());
        }
        Ok(events)
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::case::tests::active;
    use crate::case::{AllegeAbsence, FileAbsenceReport, ObligationKind, ReportReturn};
    use crate::spec::Given;

    fn reported() -> Given<Case> {
        let report = FileAbsenceReport {
            reported_on: date(2026, 3, 2),
            from: date(2026, 3, 5),
            to: date(2026, 3, 9),
            destination: "520181".into(),
            purpose: None,
        };
        active().then(&report)
    }

    fn asked() -> Given<Case> {
        reported()
            .under(&[("leave.approval_required", "true")])
            .by("leader-1", Role::Supervisor)
    }

    const APPROVE: ApproveLeave = ApproveLeave {
        absence: 1,
        on: date(2026, 3, 2),
    };

    fn refuse(on: Date) -> RefuseLeave {
        RefuseLeave {
            absence: 1,
            on,
            reason: "检测未完成".into(),
        }
    }

    #[test]
    fn the_statute_asks_for_a_report_and_nobody_decides_on_it_unless_the_station_says_so() {
        let leader = reported().by("leader-1", Role::Supervisor);
        assert_eq!(leader.reason(&APPROVE), Reason::ApprovalNotAsked);
        assert_eq!(leader.reason(&refuse(date(2026, 3, 2))), Reason::ApprovalNotAsked);
        let worker = asked().by("worker-1", Role::CaseWorker);
        assert_eq!(worker.reason(&APPROVE), Reason::RoleRequired);
        let approved = asked().then(&APPROVE);
        assert_eq!(approved.reason(&APPROVE), Reason::AbsenceDecided);
        assert!(approved.state().open(ObligationKind::LeaveReturn).is_some());
    }

    #[test]
    fn who_leaves_though_it_was_refused_may_be_said_to_be_away_without_leave() {
        let begun = asked().on(date(2026, 3, 5));
        assert_eq!(begun.reason(&refuse(date(2026, 3, 2))), Reason::LeaveBegun);
        let refused = asked().then(&refuse(date(2026, 3, 2)));
        assert!(refused.state().open(ObligationKind::LeaveReturn).is_none());
        let back = ReportReturn {
            absence: 1,
            on: date(2026, 3, 9),
        };
        let later = refused.by("worker-1", Role::CaseWorker).on(date(2026, 3, 20));
        let again = FileAbsenceReport {
            reported_on: date(2026, 3, 2),
            from: date(2026, 3, 5),
            to: date(2026, 3, 9),
            destination: "520181".into(),
            purpose: None,
        };
        assert_eq!(later.reason(&again), Reason::AbsenceOverlaps, "not after the fact");
        assert_eq!(later.reason(&back), Reason::AbsenceDecided);
        let away = AllegeAbsence {
            from: date(2026, 3, 5),
            to: date(2026, 3, 9),
            how_known: "车站登记".into(),
        };
        assert!(later.when(&away).is_ok());
    }
}
