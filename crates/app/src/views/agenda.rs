//! Agenda: one document an obligation, due and overdue; also what the clock works from.

use serde::{Deserialize, Serialize};
pub use waystation_domain::case::ObligationState;
use waystation_domain::case::{CaseEvent, Debtor, ObligationKind};
use waystation_domain::{Date, Fact};

use crate::recorded::Recorded;
use crate::view::{Keys, View};

/// The agenda view.
pub struct Agenda;

/// One obligation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgendaEntry {
    /// Case.
    pub case: String,
    /// Station.
    pub station: String,
    /// Number within the case.
    pub number: u32,
    /// What.
    pub kind: ObligationKind,
    /// Who.
    pub debtor: Debtor,
    /// First day on which it can be met.
    pub window_from: Date,
    /// Last day in time.
    pub window_to: Date,
    /// How it stands.
    pub state: ObligationState,
    /// Day the clock noticed, once past due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detected_on: Option<Date>,
    /// Day it was met.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fulfilled_on: Option<Date>,
    /// Day on which the participant was first told of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notified_on: Option<Date>,
    /// Policy pack and key behind it.
    pub source: String,
}

impl AgendaEntry {
    /// First day on which the clock has something to do about it.
    fn clock_on(&self) -> Date {
        match self.kind {
            // The term itself ends on the first day of this window.
            ObligationKind::DischargeNoticeWatch => self.window_from,
            ObligationKind::ReportIn
            | ObligationKind::MonthlyMeeting
            | ObligationKind::UrineTest
            | ObligationKind::LeaveReturn
            | ObligationKind::PoliceReport
            | ObligationKind::TransferReportIn
            | ObligationKind::SignAgreement
            | ObligationKind::HomeVisit
            | ObligationKind::HalfYearSummary
            | ObligationKind::AnnualAssessment
            | ObligationKind::RiskReview => waystation_domain::calendar::add_days(self.window_to, 1),
        }
    }
}

/// Keys of the agenda.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum AgendaKey {
    /// station, last day, entry; open and past-due ones.
    Outstanding = 0,
    /// First day on which the clock has something to do, entry; open ones.
    Clock = 1,
    /// case, entry.
    Case = 2,
}

fn entry_id(case: &str, number: u32) -> String {
    format!("{case}/{number:06}")
}

impl View for Agenda {
    type Document = AgendaEntry;
    const NAME: &'static str = "agenda";
    const VERSION: u32 = 4;

    fn touched(recorded: &Recorded) -> Vec<String> {
        let Fact::Case(event) = &recorded.fact else {
            return Vec::new();
        };
        let number = match event {
            CaseEvent::ObligationNotified(fact) => fact.number,
            CaseEvent::TransferReportedIn(fact) => {
                let along = fact.obligations.iter();
                return along.map(|number| entry_id(recorded.id(), *number)).collect();
            }
            event => match ObligationState::after(event) {
                Some((number, _)) => number,
                None => return Vec::new(),
            },
        };
        vec![entry_id(recorded.id(), number)]
    }

    fn creates(recorded: &Recorded) -> bool {
        matches!(recorded.fact, Fact::Case(CaseEvent::ObligationOpened(_)))
    }

    fn apply(_: &str, document: Option<AgendaEntry>, recorded: &Recorded) -> Option<AgendaEntry> {
        if let Fact::Case(CaseEvent::ObligationOpened(fact)) = &recorded.fact {
            return Some(AgendaEntry {
                case: recorded.id().to_owned(),
                station: fact.station.as_ref().unwrap_or(&recorded.metadata.station).clone(),
                number: fact.number,
                kind: fact.kind,
                debtor: fact.debtor,
                window_from: fact.window_from,
                window_to: fact.window_to,
                state: ObligationState::Open,
                detected_on: None,
                fulfilled_on: None,
                notified_on: None,
                source: fact.source.clone(),
            });
        }
        let mut entry = document?;
        let Fact::Case(event) = &recorded.fact else {
            return Some(entry);
        };
        if let Some((_, state)) = ObligationState::after(event) {
            entry.state = state;
        }
        match event {
            CaseEvent::ObligationFulfilled(fact) => entry.fulfilled_on = Some(fact.on),
            CaseEvent::ObligationNotified(fact) => {
                // Also when it is written down later.
                entry.notified_on = Some(entry.notified_on.map_or(fact.on, |first| first.min(fact.on)));
            }
            CaseEvent::ObligationPastDue(fact) => entry.detected_on = Some(fact.detected_on),
            CaseEvent::ObligationReopened(_) => entry.fulfilled_on = None,
            CaseEvent::TransferReportedIn(fact) => entry.station.clone_from(&fact.to_station),
            _ => {}
        }
        Some(entry)
    }

    fn keys(id: &str, entry: &AgendaEntry, keys: &mut Keys) {
        keys.add(AgendaKey::Case as u16, &[id]);
        if matches!(
            entry.state,
            ObligationState::Open | ObligationState::PastDue | ObligationState::MissedConfirmed
        ) {
            let day = entry.window_to.to_string();
            keys.add(AgendaKey::Outstanding as u16, &[&entry.station, &day, id]);
        }
        if entry.state == ObligationState::Open {
            keys.add(AgendaKey::Clock as u16, &[&entry.clock_on().to_string(), id]);
        }
    }
}
