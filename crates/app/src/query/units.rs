//! Figures under a tree: of a station, and of those that had gone into it by a day.

use std::collections::BTreeMap;

use waystation_domain::org_unit::{MergeOrgUnit, OrgUnit, RegisterOrgUnit, counted_under};
use waystation_domain::{Aggregate, Command, Date, Fact, Reason, Rejection, Role};

use super::{AsOf, PAGE_MAX, PageRequest, ReadOptions};
use crate::app::App;
use crate::error::AppError;
use crate::execute::{Envelope, Receipt};
use crate::recorded::Recorded;
use crate::views::StationMonth;

impl App {
    /// Registers, merges or closes a unit.
    ///
    /// # Errors
    /// As [`App::case`].
    pub async fn org_unit<C: Command<Aggregate = OrgUnit>>(
        &self,
        unit: &str,
        command: &C,
        envelope: &Envelope,
    ) -> Result<Receipt, AppError> {
        let receipt = self.run(self.units(), unit, command, envelope).await;
        // What it belongs to says which rules bind it.
        if receipt.is_ok() && !envelope.validate_only {
            self.reread_policies();
        }
        receipt
    }

    /// Registers a unit under another, which has to be there: nobody else's may come to stand above it later.
    ///
    /// # Errors
    /// As [`App::case`]; [`Reason::UnitNotFound`].
    pub async fn register_unit(
        &self,
        unit: &str,
        command: &RegisterOrgUnit,
        envelope: &Envelope,
    ) -> Result<Receipt, AppError> {
        if let Some(parent) = &command.parent
            && matches!(envelope.principal.role, Role::DistrictOfficer | Role::Supervisor)
            && self.units().durable(parent, self.main()).await?.from.is_none()
        {
            return Err(Rejection::of(Reason::UnitNotFound, "parent").into());
        }
        self.org_unit(unit, command, envelope).await
    }

    /// Merges a unit into another, which has to be there.
    ///
    /// # Errors
    /// As [`App::case`]; [`Reason::UnitNotFound`].
    pub async fn merge_unit(
        &self,
        unit: &str,
        command: &MergeOrgUnit,
        envelope: &Envelope,
    ) -> Result<Receipt, AppError> {
        let into = self.units().durable(&command.into, self.main()).await?;
        if into.from.is_none() && command.into != command.unit {
            return Err(Rejection::of(Reason::UnitNotFound, "into").into());
        }
        self.org_unit(unit, command, envelope).await
    }

    /// The units that are counted under a station by the tree of a day, as far as was known at a position. Reads the log once
    /// from its beginning; one call at a time, others wait.
    async fn under(&self, station: &str, tree_on: Date, position: u64) -> Result<Vec<String>, AppError> {
        let _turn = self.scans().lock().await;
        let mut units: BTreeMap<String, OrgUnit> = BTreeMap::new();
        let fold = |unit, recorded: Recorded| {
            if let Fact::OrgUnit(fact) = recorded.fact {
                units.entry(unit).or_default().evolve(&fact);
            }
        };
        self.scan(OrgUnit::CATEGORY, position, fold).await?;
        Ok(counted_under(&units, station, tree_on))
    }

    /// Months of a station with those of every unit that is counted under it by the tree of a day; and the units, and the moment.
    ///
    /// # Errors
    /// As [`App::list_cases`].
    pub async fn months_under(
        &self,
        station: &str,
        tree_on: Date,
        options: ReadOptions,
    ) -> Result<(Vec<StationMonth>, Vec<String>, u64), AppError> {
        let page = PageRequest {
            size: PAGE_MAX,
            token: String::new(),
        };
        let own = self.station_months(station, &page, options).await?;
        let position = own.position;
        let units = self.under(station, tree_on, position).await?;
        let mut months: BTreeMap<String, StationMonth> = BTreeMap::new();
        for unit in &units {
            let options = ReadOptions {
                min_position: None,
                as_of: Some(AsOf::Position(position)),
            };
            for month in self.station_months(unit, &page, options).await?.rows {
                let sum = months.entry(month.month.clone()).or_insert_with(|| StationMonth {
                    station: station.to_owned(),
                    month: month.month.clone(),
                    ..StationMonth::default()
                });
                sum.add(&month);
            }
        }
        Ok((months.into_values().collect(), units, position))
    }
}
