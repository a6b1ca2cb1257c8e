//! The station issues a paper.

use jiff::civil::Date;
use serde::Serialize;

use super::{DocumentIssued, DocumentKind};
use crate::case::event::CaseEvent;
use crate::case::rules::{check_actor, check_day_from, check_registered};
use crate::case::state::Case;
use crate::kernel::{Claim, Command, Context, Role};
use crate::rejection::{Reason, Rejection};

/// Largest number of a register of one kind and year.
const SERIAL_MAX: u32 = 99_999;

/// Records a paper under its number in the station's register; a number is used once in a kind and year.
#[derive(Clone, Debug, Serialize)]
pub struct IssueDocument {
    /// What.
    pub kind: DocumentKind,
    /// Its number: 1 to 99,999.
    pub serial: u32,
    /// Day; its year is that of the register.
    pub on: Date,
}

impl Command for IssueDocument {
    type Aggregate = Case;
    const NAME: &'static str = "IssueDocument";

    fn decide(&self, case: &Case, context: &Context<'_>) -> Result<Vec<CaseEvent>, Rejection> {
        check_actor(case, &[Role::CaseWorker, Role::Supervisor], context)?;
        // Also after the end: what is issued about a case that is over is still numbered.
        check_registered(case)?;
        check_day_from("on", self.on, case.notified_on, context)?;
        if !(1..=SERIAL_MAX).contains(&self.serial) {
            return Err(Rejection::of(Reason::FieldInvalid, "serial").with("expected", "1 to 99999"));
        }
        Ok(vec![
            DocumentIssued {
                document: u32::try_from(case.documents.len())
                    .unwrap_or(u32::MAX)
                    .saturating_add(1),
                kind: self.kind,
                serial: self.serial,
                on: self.on,
                station: case.station.clone(),
            }
            .into(),
        ])
    }

    fn claims(&self, case: &Case) -> Vec<Claim> {
        let (kind, year, serial) = (self.kind.as_str(), self.on.year(), self.serial);
        vec![Claim {
            category: "documentnumber",
            value: format!("{}/{kind}/{year}/{serial}", case.station),
            rejection: Rejection::of(Reason::DocumentNumberInUse, "serial"),
        }]
    }
}
