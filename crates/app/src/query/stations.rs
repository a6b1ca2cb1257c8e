//! Station statistics: how many cases stand where, and what happened month by month.

use waystation_domain::case::Stage;

use super::{Page, PageRequest, ReadOptions, under};
use crate::app::App;
use crate::error::AppError;
use crate::views::{Caseload, CaseloadKey, StationMonth, StationMonths, StationMonthsKey};

/// How a station stands at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StationNow {
    /// Cases by stage, in the order of a case's life; stages without cases included.
    pub stages: Vec<(Stage, u64)>,
    /// The moment the answer is for.
    pub position: u64,
}

impl App {
    /// How a station stands.
    ///
    /// # Errors
    /// As [`App::list_cases`].
    pub async fn station_now(&self, station: &str, options: ReadOptions) -> Result<StationNow, AppError> {
        let (generation, position) = self.generation::<Caseload>(options).await?;
        let mut stages = Vec::new();
        for stage in Stage::ALL.into_iter().filter(|stage| *stage != Stage::Unregistered) {
            let range = under(CaseloadKey::StationStage as u16, &[station, stage.as_str()]);
            stages.push((stage, self.views().count(generation, &range, position).await?));
        }
        Ok(StationNow { stages, position })
    }

    /// What happened in a station, month by month, oldest first.
    ///
    /// # Errors
    /// As [`App::list_cases`].
    pub async fn station_months(
        &self,
        station: &str,
        page: &PageRequest,
        options: ReadOptions,
    ) -> Result<Page<StationMonth>, AppError> {
        let range = under(StationMonthsKey::Station as u16, &[station]);
        let page = self.list::<StationMonths>(range, &[], page, options, |_| true).await?;
        let rows = page.rows.into_iter().map(|(_, month)| month).collect();
        Ok(Page {
            rows,
            next: page.next,
            position: page.position,
        })
    }
}
