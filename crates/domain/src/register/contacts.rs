//! The register of meetings, talks and visits (谈话走访台账).

use jiff::civil::Date;
use serde::Serialize;

use super::{Entry, met_by, still_met};
use crate::case::{Case, CaseEvent, CheckInMode, Interviewee, ObligationKind};
use crate::finding::Told;
use crate::kernel::Aggregate;
use crate::policy::Policy;
use crate::rejection::Rejection;

/// What took place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ContactKind {
    /// Check-in.
    CheckIn,
    /// Talk.
    Talk,
    /// Visit at home.
    HomeVisit,
    /// Check by telephone.
    PhoneCheck,
}

impl ContactKind {
    /// All kinds, in the order of their numbers in the API.
    pub const ALL: [ContactKind; 4] = [
        ContactKind::CheckIn,
        ContactKind::Talk,
        ContactKind::HomeVisit,
        ContactKind::PhoneCheck,
    ];
}

/// Something by which the station and the participant were in contact, or were to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ContactEntry {
    /// Revision of its event, by which a check-in or talk is voided.
    pub revision: u64,
    /// Day.
    pub on: Date,
    /// Day on which it was recorded.
    pub recorded_on: Date,
    /// The station whose case it was.
    pub station: String,
    /// What took place.
    pub kind: ContactKind,
    /// How, of a check-in.
    pub mode: Option<CheckInMode>,
    /// Who was spoken with, of a visit at home.
    pub interviewee: Option<Interviewee>,
    /// The participant was reached and known, of a check by telephone.
    pub reached: Option<bool>,
    /// Staff ids: who recorded it, or the visitors.
    pub staff: Vec<String>,
    /// How many photographs or papers it names.
    pub evidence: usize,
    /// Number of the obligation that it met when it was recorded; none of a void one.
    pub met: Option<u32>,
    /// It was none.
    pub voided: bool,
    /// Places in the log of the events about it, oldest first.
    pub positions: Vec<u64>,
}

/// Which lines somebody asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ContactFilter {
    /// Only of this kind.
    pub kind: Option<ContactKind>,
}

impl ContactEntry {
    /// Somebody was met face to face, as far as is known.
    fn is_meeting(&self) -> bool {
        let kind = self.kind == ContactKind::Talk || self.mode == Some(CheckInMode::InPerson);
        kind && !self.voided && self.met.is_none()
    }
}

impl Entry for ContactEntry {
    type Filter = ContactFilter;

    fn of_case(history: &[Told], _: Date, _: &Policy) -> Result<Vec<Self>, Rejection> {
        let mut case = Case::default();
        let mut lines: Vec<ContactEntry> = Vec::new();
        for (at, told) in history.iter().enumerate() {
            case.evolve(&told.event);
            let line = |kind, on, owed: Option<ObligationKind>| ContactEntry {
                revision: told.revision,
                on,
                recorded_on: told.recorded_on,
                station: case.station.clone(),
                kind,
                mode: None,
                interviewee: None,
                reached: None,
                staff: vec![told.actor.clone()],
                evidence: 0,
                met: owed.and_then(|owed| met_by(history, at, &case, owed)),
                voided: false,
                positions: vec![told.position],
            };
            match &told.event {
                CaseEvent::CheckInRecorded(fact) => lines.push(ContactEntry {
                    mode: Some(fact.mode),
                    evidence: fact.evidence.len(),
                    ..line(ContactKind::CheckIn, fact.on, Some(ObligationKind::MonthlyMeeting))
                }),
                CaseEvent::TalkRecorded(fact) => lines.push(ContactEntry {
                    evidence: fact.evidence.len(),
                    ..line(ContactKind::Talk, fact.on, Some(ObligationKind::MonthlyMeeting))
                }),
                CaseEvent::HomeVisitRecorded(fact) => lines.push(ContactEntry {
                    interviewee: Some(fact.interviewee),
                    staff: fact.visitors.clone(),
                    ..line(ContactKind::HomeVisit, fact.on, Some(ObligationKind::HomeVisit))
                }),
                CaseEvent::PhoneCheckRecorded(fact) => lines.push(ContactEntry {
                    reached: Some(fact.answered && fact.identity_confirmed),
                    ..line(ContactKind::PhoneCheck, fact.on, None)
                }),
                CaseEvent::ContactVoided(fact) => {
                    let mut met = None;
                    for line in lines.iter_mut().filter(|line| line.revision == fact.revision) {
                        (line.voided, met) = (true, line.met.take());
                        line.positions.push(told.position);
                    }
                    // What another contact of the window meets is not owed again: it is that one's from then on.
                    if let Some(window) = met.and_then(|number| still_met(history, at, &case, number)) {
                        let mut others = lines.iter_mut();
                        if let Some(other) = others.find(|line| line.is_meeting() && window.holds(line.on)) {
                            other.met = met;
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(lines)
    }

    fn on(&self) -> Date {
        self.on
    }

    fn number(&self) -> u64 {
        self.revision
    }

    fn is_among(&self, filter: &ContactFilter) -> bool {
        filter.kind.is_none_or(|kind| kind == self.kind)
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::case::tests::check_in;
    use crate::case::{RecordCheckIn, RecordHomeVisit, RecordPhoneCheck, VoidContact};
    use crate::finding::tests::Story;
    use crate::kernel::Role;

    #[test]
    fn a_meeting_names_what_it_met_and_stays_as_void_when_it_was_none() {
        let day = date(2026, 3, 10);
        let call = RecordCheckIn {
            mode: CheckInMode::Phone,
            ..check_in(day)
        };
        let story = Story::active().on(day).then(&call).then(&check_in(day));
        let lines = story.list::<ContactEntry>();
        let shown: Vec<_> = lines
            .iter()
            .map(|line| (line.mode, line.met.is_some(), line.voided))
            .collect();
        assert_eq!(
            shown,
            [
                (Some(CheckInMode::Phone), false, false),
                (Some(CheckInMode::InPerson), true, false)
            ]
        );
        let void = story.by("leader-1", Role::Supervisor).then(&VoidContact {
            revision: lines[1].revision,
            reason: "登记有误".into(),
        });
        let lines = void.list::<ContactEntry>();
        assert_eq!((lines[0].voided, lines[1].voided, lines[1].met), (false, true, None));
        assert_eq!(
            (lines[1].positions.len(), lines[1].staff.as_slice()),
            (2, ["worker-1".to_owned()].as_slice())
        );
    }

    #[test]
    fn what_another_meeting_of_the_month_meets_is_that_ones_when_the_first_is_void() {
        let (first, second) = (date(2026, 3, 10), date(2026, 3, 12));
        let story = Story::active()
            .on(second)
            .then(&check_in(first))
            .then(&check_in(second));
        let lines = story.list::<ContactEntry>();
        let void = story.by("leader-1", Role::Supervisor).then(&VoidContact {
            revision: lines[0].revision,
            reason: "登记有误".into(),
        });
        let met: Vec<_> = void.list::<ContactEntry>().iter().map(|line| line.met).collect();
        assert_eq!(met, [None, lines[0].met]);
    }

    #[test]
    fn visits_and_calls_say_who_was_reached() {
        let day = date(2026, 3, 2);
        let story = Story::active()
            .then(&RecordHomeVisit {
                on: day,
                visitors: vec!["worker-1".into(), "police-1".into()],
                interviewee: Interviewee::Nobody,
                note: None,
            })
            .then(&RecordPhoneCheck {
                on: day,
                answered: true,
                identity_confirmed: false,
                place: None,
            });
        let lines = story.list::<ContactEntry>();
        assert_eq!(
            (lines[0].kind, lines[0].interviewee, lines[0].staff.len()),
            (ContactKind::HomeVisit, Some(Interviewee::Nobody), 2)
        );
        assert_eq!(
            (lines[1].kind, lines[1].reached),
            (ContactKind::PhoneCheck, Some(false)),
            "somebody else may have answered"
        );
    }
}
