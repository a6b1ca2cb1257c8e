//! The views of Waystation: a file and two lines each.

mod actors;
mod agenda;
mod caseload;
mod people;
mod points_accounts;
mod station_months;

pub use actors::Actors;
pub(crate) use actors::{ACTOR_BUCKET, ActorKey};
pub use agenda::{Agenda, AgendaEntry, AgendaKey, ObligationState};
pub use caseload::{CaseSummary, Caseload, CaseloadKey, LastTest, Leave, OpenObligation, Overlay};
pub(crate) use people::PeopleKey;
pub use people::{BrokenGlass, ErasureState, OpenProposal, OpenRequest, People, PersonSummary, ProtectiveFact};
pub use points_accounts::{AccountSummary, PointsAccounts, PointsAccountsKey};
pub use station_months::{StationMonth, StationMonths, StationMonthsKey};

use crate::projection::{Fold, fold_of};

/// A fresh fold of every view.
pub(crate) fn all() -> Vec<Box<dyn Fold>> {
    vec![
        fold_of::<Caseload>(),
        fold_of::<Agenda>(),
        fold_of::<PointsAccounts>(),
        fold_of::<People>(),
        fold_of::<StationMonths>(),
        fold_of::<Actors>(),
    ]
}
