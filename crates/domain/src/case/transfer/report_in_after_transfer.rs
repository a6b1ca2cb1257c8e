//! The participant reports to the new station, whose case it is from then on.

use jiff::civil::Date;
use serde::Serialize;

use super::{TransferReportedIn, check_receiver, under_way};
use crate::case::event::CaseEvent;
use crate::case::obligation::{ObligationFulfilled, ObligationKind};
use crate::case::rules::{LIVE, Opener, check_day_from, check_role, check_stage, check_text};
use crate::case::state::Case;
use crate::kernel::{Aggregate, Command, Context, Event, Follows, Role};
use crate::person::{Person, PersonEvent, PersonMoved};
use crate::personal::Personal;
use crate::rejection::{Reason, Rejection};

/// Records the report to the new station (戒毒条例 22). The term runs on; the new agreement is signed next.
#[derive(Clone, Debug, Serialize)]
pub struct ReportInAfterTransfer {
    /// Day.
    pub on: Date,
    /// Their identity was checked.
    pub identity_checked: bool,
    /// The reason for being late; only a supervisor accepts one.
    pub justification: Option<String>,
}

impl Command for ReportInAfterTransfer {
    type Aggregate = Case;
    const NAME: &'static str = "ReportInAfterTransfer";

    fn follows(&self, case: &Case) -> Option<Follows> {
        let station = case.transfer.as_ref()?.to.clone();
        let moved = PersonEvent::from(PersonMoved {
            from: case.station.clone(),
            station,
        });
        Some(Follows {
            stream: format!("{}-{}", Person::CATEGORY, case.person),
            event_type: moved.event_type(),
            data: moved.encode(),
        })
    }

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        let staff = [Role::CaseWorker, Role::Supervisor];
        check_role(&staff, context)?;
        let transfer = under_way(case, context)?;
        check_receiver(transfer, &staff, context)?;
        check_stage(case, &LIVE)?;
        let Some(effective_on) = transfer.effective_on else {
            return Err(Reason::NotAccepted.into());
        };
        check_day_from("on", self.on, Some(effective_on), context)?;
        if !self.identity_checked {
            return Err(Rejection::of(Reason::IdentityNotChecked, "identity_checked"));
        }
        let mut owed = case.obligations.iter();
        let report = owed.find(|owed| owed.kind == ObligationKind::TransferReportIn);
        let late = report.is_some_and(|report| self.on > report.window_to);
        if late {
            let Some(code) = &self.justification else {
                return Err(Rejection::of(Reason::JustificationRequired, "justification"));
            };
            check_text("justification", code)?;
            check_role(&[Role::Supervisor], context)?;
        }
        let mut events = Vec::new();
        // Before the case moves: it is to the old station that it was owed.
        events.extend(report.map(|report| {
            let (number, on) = (report.number, self.on);
            CaseEvent::from(ObligationFulfilled { number, on, late })
        }));
        let along = case.obligations.iter().map(|owed| owed.number);
        let fact = TransferReportedIn {
            on: self.on,
            person: case.person.clone(),
            from_station: case.station.clone(),
            to_station: transfer.to.clone(),
            obligations: along
                .filter(|number| report.is_none_or(|report| report.number != *number))
                .collect(),
            late,
            justification: Personal::from(&self.justification.clone().filter(|_| late)),
        };
        events.push(fact.into());
        events.extend(Opener::after(case).agreement(self.on, context)?);
        Ok(events)
    }
}
