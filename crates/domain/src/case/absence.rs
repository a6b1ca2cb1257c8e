//! Absence: reported before leaving, as the statute asks (戒毒条例 19), or alleged by one and counted by another
//! (戒毒条例 20).

mod allege_absence;
mod confirm_absence;
mod decide_leave;
mod extend_absence;
mod file_absence_report;
mod report_return;
mod withdraw_absence;

pub use allege_absence::AllegeAbsence;
pub use confirm_absence::ConfirmAbsence;
pub use decide_leave::{ApproveLeave, LeaveApproved, LeaveRefused, RefuseLeave};
pub use extend_absence::ExtendAbsence;
pub use file_absence_report::FileAbsenceReport;
pub use report_return::ReportReturn;
pub use withdraw_absence::WithdrawAbsence;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::event::CaseEvent;
use super::rules::check_registered;
use super::state::Case;
use crate::calendar::days_between;
use crate::personal::Personal;
use crate::policy::Policy;
use crate::rejection::{Reason, Rejection};

/// The participant said that they will be away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AbsenceReported {
    /// Number within the case, from 1.
    pub absence: u32,
    /// Day on which they said so.
    pub reported_on: Date,
    /// First day away.
    pub from: Date,
    /// Last day away.
    pub to: Date,
    /// County of destination, as a code.
    pub destination: String,
    /// What for, in the participant's words.
    #[serde(default, skip_serializing)]
    pub purpose: Personal,
    /// The obligation to come back that it opened.
    pub obligation: u32,
}

/// They stay longer than they had said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AbsenceExtended {
    /// Which absence.
    pub absence: u32,
    /// Day on which they said so.
    pub reported_on: Date,
    /// New last day away.
    pub to: Date,
    /// The obligation to come back that it opened.
    pub obligation: u32,
}

/// They are back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturnReported {
    /// Which absence.
    pub absence: u32,
    /// Day of the return.
    pub on: Date,
}

/// Somebody says that the participant was away without a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AbsenceAlleged {
    /// Number within the case, from 1.
    pub absence: u32,
    /// First day away.
    pub from: Date,
    /// Last day away.
    pub to: Date,
    /// Who says so.
    pub by: String,
    /// How it is known.
    #[serde(default, skip_serializing)]
    pub how_known: Personal,
}

/// Somebody else confirmed it: it counts towards a serious breach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AbsenceCounted {
    /// Which absence.
    pub absence: u32,
    /// Days of it that count.
    pub days: i32,
}

/// It was not so, or there was a good reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AbsenceWithdrawn {
    /// Which absence.
    pub absence: u32,
    /// Why.
    #[serde(default, skip_serializing)]
    pub reason: Personal,
}

impl CaseEvent {
    /// The absence that it is about, by its number.
    pub fn absence(&self) -> Option<u32> {
        Some(match self {
            CaseEvent::AbsenceReported(fact) => fact.absence,
            CaseEvent::AbsenceExtended(fact) => fact.absence,
            CaseEvent::LeaveApproved(fact) => fact.absence,
            CaseEvent::LeaveRefused(fact) => fact.absence,
            CaseEvent::ReturnReported(fact) => fact.absence,
            CaseEvent::AbsenceAlleged(fact) => fact.absence,
            CaseEvent::AbsenceCounted(fact) => fact.absence,
            CaseEvent::AbsenceWithdrawn(fact) => fact.absence,
            _ => return None,
        })
    }
}

/// How an absence stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AbsenceState {
    /// Reported before; with the obligation to come back.
    Reported(u32),
    /// Reported before, and over.
    Returned,
    /// Alleged by somebody.
    Alleged(String),
    /// Confirmed: so many days count. With who alleged it.
    Counted(String, i32),
    /// It does not count.
    Withdrawn,
    /// Reported before, and not approved where the station asks for approval.
    Refused,
}

/// An absence of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Absence {
    /// First day away.
    pub from: Date,
    /// Last day away.
    pub to: Date,
    /// It was approved, where the station asks for that.
    pub approved: bool,
    /// How it stands.
    pub state: AbsenceState,
}

impl Absence {
    fn overlaps(&self, from: Date, to: Date) -> bool {
        self.from <= to && from <= self.to
    }
}

/// Days of an absence: days touched, or nights where policy `absence.day_count` says `NIGHTS`. How to count is not in the
/// statute.
pub(crate) fn days(from: Date, to: Date, policy: &Policy) -> Result<i32, Rejection> {
    let nights = days_between(from, to);
    let count = policy.list("absence.day_count", from)?.value;
    Ok(if count == ["NIGHTS"] { nights } else { nights + 1 })
}

/// Refuses days that another absence of the case holds already.
fn check_free(case: &Case, from: Date, to: Date) -> Result<(), Rejection> {
    check_free_but(case, 0, from, to)
}

/// The same, but for one absence.
fn check_free_but(case: &Case, but: u32, from: Date, to: Date) -> Result<(), Rejection> {
    let mut there = (1_u32..).zip(&case.absences).filter(|(number, _)| *number != but);
    let none = |absence: &Absence| matches!(absence.state, AbsenceState::Withdrawn | AbsenceState::Refused);
    if there.any(|(_, other)| other.overlaps(from, to) && !none(other)) {
        return Err(Rejection::of(Reason::AbsenceOverlaps, "from"));
    }
    Ok(())
}

/// An absence by its number.
fn find(case: &Case, number: u32) -> Result<&Absence, Rejection> {
    check_registered(case)?;
    case.absence(number)
        .ok_or_else(|| Rejection::of(Reason::AbsenceNotFound, "absence"))
}

/// Numbers and days of the absences that count.
pub fn counted(case: &Case) -> Vec<(u32, i32)> {
    let numbered = (1_u32..).zip(&case.absences);
    let counted = numbered.filter_map(|(number, absence)| match &absence.state {
        AbsenceState::Counted(_, days) => Some((number, *days)),
        _ => None,
    });
    counted.collect()
}

#[cfg(test)]
mod tests {
    use jiff::civil::{Date, date};

    use super::*;
    use crate::case::tests::active;
    use crate::case::{ObligationKind, Review};
    use crate::kernel::Role;
    use crate::spec::Given;

    fn report(from: Date, to: Date) -> FileAbsenceReport {
        FileAbsenceReport {
            reported_on: date(2026, 3, 2),
            from,
            to,
            destination: "520181".into(),
            purpose: Some("探望母亲".into()),
        }
    }

    fn allege(from: Date, to: Date) -> AllegeAbsence {
        AllegeAbsence {
            from,
            to,
            how_known: "邻居告知".into(),
        }
    }

    fn leader(case: Given<Case>) -> Given<Case> {
        case.by("leader-1", Role::Supervisor)
    }

    #[test]
    fn whoever_reports_before_leaving_owes_the_return_and_the_clock_sees_it_pass() {
        let away = active().then(&report(date(2026, 3, 5), date(2026, 3, 9)));
        let owed = away.state().open(ObligationKind::LeaveReturn).expect("is open");
        assert_eq!((owed.window_from, owed.window_to), (date(2026, 3, 5), date(2026, 3, 9)));
        let clock = away.by("clock", Role::System).on(date(2026, 3, 10)).then(&Review {});
        assert!(clock.state().open(ObligationKind::LeaveReturn).is_none(), "is past due");
        let back = clock.by("worker-1", Role::CaseWorker);
        let events = back
            .when(&ReportReturn {
                absence: 1,
                on: date(2026, 3, 10),
            })
            .expect("is recorded");
        assert!(matches!(&events[1], super::super::CaseEvent::ObligationFulfilled(fact) if fact.late));
    }

    #[test]
    fn a_report_before_leaving_is_never_too_early_and_never_twice() {
        let away = active().then(&report(date(2026, 5, 1), date(2026, 5, 4)));
        assert_eq!(
            away.reason(&report(date(2026, 5, 4), date(2026, 5, 8))),
            Reason::AbsenceOverlaps
        );
        // What was said in time may be written down later.
        let late = active().on(date(2026, 3, 9));
        assert!(late.when(&report(date(2026, 3, 5), date(2026, 3, 9))).is_ok());
        let afterwards = FileAbsenceReport {
            reported_on: date(2026, 3, 6),
            ..report(date(2026, 3, 5), date(2026, 3, 9))
        };
        assert_eq!(late.reason(&afterwards), Reason::ReportTooLate);
        assert_eq!(
            away.reason(&ReportReturn {
                absence: 2,
                on: date(2026, 3, 2)
            }),
            Reason::AbsenceNotFound
        );
    }

    #[test]
    fn three_days_are_an_absence_and_two_are_none() {
        // 戒毒条例 19: three days or more.
        let later = active().on(date(2026, 3, 20));
        assert_eq!(
            later.reason(&allege(date(2026, 3, 10), date(2026, 3, 11))),
            Reason::AbsenceTooShort
        );
        assert!(later.when(&allege(date(2026, 3, 10), date(2026, 3, 12))).is_ok());
    }

    #[test]
    fn one_alleges_and_another_counts() {
        let alleged = active()
            .on(date(2026, 3, 20))
            .then(&allege(date(2026, 3, 10), date(2026, 3, 14)));
        let confirm = ConfirmAbsence { absence: 1 };
        assert_eq!(alleged.reason(&confirm), Reason::RoleRequired);
        let same = alleged.by("worker-1", Role::Supervisor);
        assert_eq!(same.reason(&confirm), Reason::SamePersonForbidden);
        let confirmed = leader(same).then(&confirm);
        assert_eq!(counted(confirmed.state()), [(1, 5)]);
        assert_eq!(confirmed.reason(&confirm), Reason::AbsenceDecided);
        let withdraw = WithdrawAbsence {
            absence: 1,
            reason: "住院".into(),
        };
        let withdrawn = confirmed.then(&withdraw);
        assert!(counted(withdrawn.state()).is_empty());
        assert_eq!(withdrawn.reason(&withdraw), Reason::AbsenceDecided);
    }

    #[test]
    fn what_was_reported_is_no_breach() {
        let away = active()
            .then(&report(date(2026, 3, 5), date(2026, 3, 9)))
            .on(date(2026, 3, 20));
        assert_eq!(
            away.reason(&allege(date(2026, 3, 9), date(2026, 3, 15))),
            Reason::AbsenceOverlaps
        );
        assert!(away.when(&allege(date(2026, 3, 10), date(2026, 3, 15))).is_ok());
    }
}
