//! The register of leave and absence (请假外出台账).

use jiff::civil::Date;
use serde::Serialize;

use super::Entry;
use crate::calendar::days_between;
use crate::case::absence::days;
use crate::case::{AbsenceState, Case, CaseEvent, Stage};
use crate::finding::Told;
use crate::kernel::Aggregate;
use crate::policy::Policy;
use crate::rejection::Rejection;

/// How an absence stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AbsenceStanding {
    /// Reported before; it has not begun, or the return is not on record.
    Reported,
    /// Reported before, and back.
    Returned,
    /// Reported before, and not approved.
    Refused,
    /// Without leave, as somebody says.
    Alleged,
    /// Without leave, and confirmed by somebody else: it counts.
    Counted,
    /// It does not count.
    Withdrawn,
}

impl AbsenceStanding {
    /// All of them, in the order of their numbers in the API.
    pub const ALL: [AbsenceStanding; 6] = [
        AbsenceStanding::Reported,
        AbsenceStanding::Returned,
        AbsenceStanding::Refused,
        AbsenceStanding::Alleged,
        AbsenceStanding::Counted,
        AbsenceStanding::Withdrawn,
    ];
}

/// A leave or an absence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AbsenceEntry {
    /// Number within the case.
    pub absence: u32,
    /// The station whose case it was.
    pub station: String,
    /// Day on which the participant said so; none of an absence without leave.
    pub reported_on: Option<Date>,
    /// County of destination, as a code; none of an absence without leave.
    pub destination: Option<String>,
    /// First day away.
    pub from: Date,
    /// Last day away, with whatever was added to it.
    pub to: Date,
    /// How often days were added.
    pub extended: u32,
    /// Day on which it was approved, where the station asks for that.
    pub approved_on: Option<Date>,
    /// Day on which the participant came back.
    pub returned_on: Option<Date>,
    /// Staff id of who says that it was without leave.
    pub alleged_by: Option<String>,
    /// Away on the day: it has begun, and no return is on record.
    pub out: bool,
    /// Days beyond `to` before they came back, or so far.
    pub overdue_days: i32,
    /// Days away, as policy `absence.day_count` of the station that asks counts them, so far; of an absence that counts, the days that count; 0 of what was
    /// none.
    pub days: i32,
    /// How it stands.
    pub standing: AbsenceStanding,
    /// Places in the log of the events about it, oldest first.
    pub positions: Vec<u64>,
    /// Custody has cut it short.
    #[serde(skip)]
    cut: bool,
    /// First day away, not counting what custody had cut off.
    #[serde(skip)]
    away_from: Date,
}

/// Which lines somebody asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AbsenceFilter {
    /// Only who is away on the day.
    pub out: bool,
    /// Only what stands so.
    pub standing: Option<AbsenceStanding>,
}

impl Entry for AbsenceEntry {
    type Filter = AbsenceFilter;

    fn of_case(history: &[Told], day: Date, policy: &Policy) -> Result<Vec<Self>, Rejection> {
        let mut case = Case::default();
        let mut lines: Vec<AbsenceEntry> = Vec::new();
        for told in history {
            case.evolve(&told.event);
            let new = |absence, from, to| AbsenceEntry {
                absence,
                station: case.station.clone(),
                reported_on: None,
                destination: None,
                from,
                to,
                extended: 0,
                approved_on: None,
                returned_on: None,
                alleged_by: None,
                out: false,
                overdue_days: 0,
                days: 0,
                standing: AbsenceStanding::Reported,
                positions: Vec::new(),
                cut: false,
                away_from: from,
            };
            match &told.event {
                CaseEvent::CaseSuspended(_) => lines.iter_mut().for_each(|line| line.cut = true),
                CaseEvent::AbsenceReported(fact) => lines.push(AbsenceEntry {
                    reported_on: Some(fact.reported_on),
                    destination: Some(fact.destination.clone()),
                    ..new(fact.absence, fact.from, fact.to)
                }),
                CaseEvent::AbsenceAlleged(fact) => lines.push(AbsenceEntry {
                    alleged_by: Some(fact.by.clone()),
                    ..new(fact.absence, fact.from, fact.to)
                }),
                _ => {}
            }
            let Some(number) = told.event.absence() else {
                continue;
            };
            let Some(line) = lines.iter_mut().find(|line| line.absence == number) else {
                continue;
            };
            line.positions.push(told.position);
            match &told.event {
                CaseEvent::AbsenceExtended(fact) => {
                    if line.cut {
                        line.away_from = line.from.max(fact.reported_on);
                    }
                    (line.to, line.extended, line.cut) = (fact.to, line.extended + 1, false);
                }
                CaseEvent::LeaveApproved(fact) => line.approved_on = Some(fact.on),
                CaseEvent::ReturnReported(fact) => line.returned_on = Some(fact.on),
                _ => {}
            }
        }
        for line in &mut lines {
            line.stand(&case, day, policy)?;
        }
        Ok(lines)
    }

    fn on(&self) -> Date {
        self.from
    }

    fn number(&self) -> u64 {
        self.absence.into()
    }

    fn is_among(&self, filter: &AbsenceFilter) -> bool {
        filter.standing.is_none_or(|standing| standing == self.standing) && (!filter.out || self.out)
    }

    fn days(&self) -> i64 {
        match self.standing {
            AbsenceStanding::Alleged => 0,
            _ => self.days.into(),
        }
    }
}

impl AbsenceEntry {
    /// How it stands on a day.
    fn stand(&mut self, case: &Case, day: Date, policy: &Policy) -> Result<(), Rejection> {
        let Some(absence) = case.absence(self.absence) else {
            return Ok(());
        };
        let end = self.returned_on.unwrap_or(day);
        let away = days(self.away_from, end.max(self.away_from), policy)?;
        self.standing = match &absence.state {
            AbsenceState::Reported(_) => {
                // After the term nobody has to be anywhere.
                let is_free = case.stage.is_closed() || case.stage == Stage::TermExpiredAwaitingNotice;
                self.out = self.away_from <= day && !self.cut && !is_free;
                // Nobody knows how long somebody was away who was detained, or whose case ended, meanwhile.
                if self.out {
                    (self.days, self.overdue_days) = (away, days_between(self.to, day).max(0));
                }
                AbsenceStanding::Reported
            }
            AbsenceState::Returned => {
                self.days = away;
                self.overdue_days = days_between(self.to, end).max(0);
                AbsenceStanding::Returned
            }
            AbsenceState::Refused => AbsenceStanding::Refused,
            AbsenceState::Alleged(_) => {
                self.days = days(self.from, self.to, policy)?;
                AbsenceStanding::Alleged
            }
            AbsenceState::Counted(_, days) => {
                self.days = *days;
                AbsenceStanding::Counted
            }
            AbsenceState::Withdrawn => AbsenceStanding::Withdrawn,
        };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::case::tests::suspend;
    use crate::case::{
        AllegeAbsence, ConfirmAbsence, ExtendAbsence, FileAbsenceReport, ReportReturn, Resume, WithdrawAbsence,
    };
    use crate::finding::tests::Story;
    use crate::kernel::Role;

    fn reported() -> Story {
        Story::active().then(&FileAbsenceReport {
            reported_on: date(2026, 3, 2),
            from: date(2026, 3, 5),
            to: date(2026, 3, 9),
            destination: "520181".into(),
            purpose: None,
        })
    }

    fn line(story: &Story) -> AbsenceEntry {
        story.list::<AbsenceEntry>().remove(0)
    }

    #[test]
    fn somebody_is_out_from_the_first_day_until_the_return_is_on_record() {
        let story = reported();
        assert!(!line(&story).out, "has not begun");
        let story = story.on(date(2026, 3, 9));
        let shown = line(&story);
        assert_eq!((shown.out, shown.overdue_days, shown.days), (true, 0, 5));
        let story = story.on(date(2026, 3, 12));
        let shown = line(&story);
        assert_eq!((shown.out, shown.overdue_days, shown.days), (true, 3, 8));
        let back = story.then(&ReportReturn {
            absence: 1,
            on: date(2026, 3, 11),
        });
        let shown = line(&back);
        assert_eq!(shown.standing, AbsenceStanding::Returned);
        assert_eq!((shown.out, shown.overdue_days, shown.days), (false, 2, 7));
        assert_eq!((shown.to, shown.positions.len()), (date(2026, 3, 9), 2));
    }

    #[test]
    fn days_that_were_added_move_the_last_day() {
        let longer = reported().on(date(2026, 3, 8)).then(&ExtendAbsence {
            absence: 1,
            reported_on: date(2026, 3, 8),
            to: date(2026, 3, 14),
        });
        let shown = line(&longer.on(date(2026, 3, 12)));
        assert_eq!(
            (shown.to, shown.extended, shown.overdue_days),
            (date(2026, 3, 14), 1, 0)
        );
    }

    #[test]
    fn who_is_in_custody_is_not_on_leave() {
        let story = reported().on(date(2026, 3, 12)).then(&suspend(date(2026, 3, 7)));
        let shown = line(&story);
        assert_eq!((shown.out, shown.overdue_days, shown.days), (false, 0, 0));
        let free = story.on(date(2026, 3, 20)).then(&Resume {
            on: date(2026, 3, 20),
            document_no: "释放-1".into(),
        });
        assert!(!line(&free).out, "and owes no return afterwards");
    }

    #[test]
    fn an_absence_without_leave_counts_when_two_say_so() {
        let alleged = Story::active().on(date(2026, 3, 20)).then(&AllegeAbsence {
            from: date(2026, 3, 10),
            to: date(2026, 3, 13),
            how_known: "家访未见".into(),
        });
        let shown = line(&alleged);
        assert_eq!(
            (shown.standing, shown.days, shown.alleged_by.as_deref()),
            (AbsenceStanding::Alleged, 4, Some("worker-1"))
        );
        let counted = alleged
            .by("leader-1", Role::Supervisor)
            .then(&ConfirmAbsence { absence: 1 });
        assert_eq!(
            (line(&counted).standing, line(&counted).days),
            (AbsenceStanding::Counted, 4)
        );
        let none = counted.then(&WithdrawAbsence {
            absence: 1,
            reason: "住院".into(),
        });
        assert_eq!(
            (line(&none).standing, line(&none).days),
            (AbsenceStanding::Withdrawn, 0)
        );
    }
}
