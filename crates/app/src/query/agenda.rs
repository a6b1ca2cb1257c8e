//! The agenda: what is due and overdue.

use waystation_domain::Date;
use waystation_domain::case::{Debtor, ObligationKind};

use super::{Page, PageRequest, ReadOptions, under};
use crate::app::App;
use crate::error::AppError;
use crate::view::key;
use crate::views::{Agenda, AgendaEntry, AgendaKey};

/// Which obligations; in the order of their last day, or of their number for one case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AgendaQuery {
    /// This station's outstanding ones (open and past due).
    pub station: String,
    /// All of one case instead, met and cancelled ones included.
    pub case: Option<String>,
    /// Only due by this day.
    pub due_by: Option<Date>,
    /// Only past due.
    pub past_due: bool,
    /// Only of this kind.
    pub kind: Option<ObligationKind>,
    /// Only what this debtor owes.
    pub debtor: Option<Debtor>,
}

impl App {
    /// A page of the agenda.
    ///
    /// # Errors
    /// As [`App::list_cases`].
    pub async fn list_agenda(
        &self,
        query: &AgendaQuery,
        page: &PageRequest,
        options: ReadOptions,
    ) -> Result<Page<(String, AgendaEntry)>, AppError> {
        let mut range = under(AgendaKey::Outstanding as u16, &[&query.station]);
        if let Some(day) = query.due_by {
            range.high = key(&[&query.station, &format!("{day}\u{2}")]);
        }
        if let Some(case) = &query.case {
            range = waystation_storage::KeyRange {
                name: AgendaKey::Case as u16,
                low: format!("{case}/"),
                high: format!("{case}0"), // '0' follows '/'
                descending: false,
            };
        }
        let asked = format!("{query:?}");
        let wanted = |entry: &AgendaEntry| {
            (query.case.is_none() || query.station.is_empty() || entry.station == query.station)
                && query.due_by.is_none_or(|day| entry.window_to <= day)
                && query.kind.is_none_or(|kind| kind == entry.kind)
                && query.debtor.is_none_or(|debtor| debtor == entry.debtor)
                && (!query.past_due || entry.state.is_past_due())
        };
        self.list::<Agenda>(range, &[&asked], page, options, wanted).await
    }
}
