//! The caseload.

use std::collections::HashMap;

use waystation_domain::Date;
use waystation_domain::case::{Programme, RiskClass, Stage};

use super::{Page, PageRequest, ReadOptions, everything, under};
use crate::app::App;
use crate::error::AppError;
use crate::views::{CaseSummary, Caseload, CaseloadKey};

/// Which cases, in which order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CaseQuery {
    /// Only this station's.
    pub station: Option<String>,
    /// Only in this stage.
    pub stage: Option<Stage>,
    /// Only this worker's; an empty string for unassigned ones.
    pub worker: Option<String>,
    /// Only of this programme.
    pub programme: Option<Programme>,
    /// Only about this person.
    pub person: Option<String>,
    /// Only with something past due.
    pub past_due: bool,
    /// Only whose term ends by this day and that are not over.
    pub ending_by: Option<Date>,
    /// Only that are bound by the agreement and had no contact on this day or since.
    pub no_contact_since: Option<Date>,
    /// Only who is on leave on this day, as far as was known at the moment.
    pub on_leave_on: Option<Date>,
    /// Only who cannot be reached.
    pub lost: bool,
    /// Only whom another station looks after too.
    pub dual_control: bool,
    /// Only at this branch of the station.
    pub branch: Option<String>,
    /// Only where this class of risk holds.
    pub risk: Option<RiskClass>,
    /// By the next day something is due (needs a station) instead of by id.
    pub by_next_due: bool,
    /// Largest first.
    pub descending: bool,
}

impl CaseQuery {
    /// Whether what is shown beside the stage is what is asked for.
    fn shows(&self, case: &CaseSummary) -> bool {
        let (overlay, is_over) = (&case.overlay, case.stage.is_closed());
        let quiet = |since| case.stage.is_bound() && case.last_contact.is_none_or(|last| last < since);
        self.ending_by
            .is_none_or(|by| !is_over && case.term_end.is_some_and(|end| end <= by))
            && self.no_contact_since.is_none_or(quiet)
            && self
                .on_leave_on
                .is_none_or(|day| case.stage != Stage::Suspended && overlay.leave_on(day).is_some())
            && !(self.lost && overlay.lost_since.is_none())
            && !(self.dual_control && overlay.dual_control.is_none())
            && (self.branch.is_none() || self.branch == overlay.branch)
            && self.risk.is_none_or(|class| overlay.risk == Some(class))
    }
}

impl App {
    /// A page of the caseload.
    ///
    /// # Errors
    /// [`AppError::PageTokenMismatch`], [`AppError::AsOfInFuture`], [`AppError::ProjectionBehind`],
    /// [`AppError::ProjectionHalted`], [`AppError::Storage`].
    pub async fn list_cases(
        &self,
        query: &CaseQuery,
        page: &PageRequest,
        options: ReadOptions,
    ) -> Result<Page<(String, CaseSummary)>, AppError> {
        // The narrowest index that gives the asked-for order; the filter below does the rest.
        let mut range = match (&query.station, &query.person) {
            (Some(station), _) if query.by_next_due => under(CaseloadKey::StationNextDue as u16, &[station]),
            (_, Some(person)) => under(CaseloadKey::Person as u16, &[person]),
            (Some(station), None) => match (&query.worker, query.stage) {
                (Some(worker), _) => under(CaseloadKey::StationWorker as u16, &[station, worker]),
                (None, Some(stage)) => under(CaseloadKey::StationStage as u16, &[station, stage.as_str()]),
                (None, None) => under(CaseloadKey::Station as u16, &[station]),
            },
            (None, None) => everything(CaseloadKey::Everywhere as u16),
        };
        range.descending = query.descending;
        let asked = format!("{query:?}");
        let wanted = |case: &CaseSummary| {
            query.station.as_ref().is_none_or(|station| *station == case.station)
                && query.stage.is_none_or(|stage| stage == case.stage)
                && query
                    .worker
                    .as_ref()
                    .is_none_or(|worker| *worker == case.worker.clone().unwrap_or_default())
                && query.programme.is_none_or(|programme| programme == case.programme)
                && query.person.as_ref().is_none_or(|person| *person == case.person)
                && !(query.past_due && case.past_due() == 0)
                && query.shows(case)
        };
        self.list::<Caseload>(range, &[&asked], page, options, wanted).await
    }

    /// A page of the cases that are on their way from or to a station.
    ///
    /// # Errors
    /// As [`App::list_cases`].
    pub async fn list_transfers(
        &self,
        station: &str,
        page: &PageRequest,
        options: ReadOptions,
    ) -> Result<Page<(String, CaseSummary)>, AppError> {
        let range = under(CaseloadKey::Transfer as u16, &[station]);
        self.list::<Caseload>(range, &["transfers", station], page, options, |_| true)
            .await
    }

    /// Some cases as they are now, by id.
    ///
    /// # Errors
    /// As [`App::list_cases`].
    pub async fn cases_now(&self, ids: &[String]) -> Result<HashMap<String, CaseSummary>, AppError> {
        self.now_of::<Caseload>(ids).await
    }

    /// One case, and the moment the answer is for.
    ///
    /// # Errors
    /// As [`App::list_cases`], and [`AppError::NotFound`].
    pub async fn get_case(&self, id: &str, options: ReadOptions) -> Result<(CaseSummary, u64), AppError> {
        self.document::<Caseload>(id, "case", options).await
    }
}
