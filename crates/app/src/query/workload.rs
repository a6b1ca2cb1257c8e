//! How many cases each worker of a station has, and how many policy would have.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use waystation_domain::policy::Sourced;

use super::ReadOptions;
use crate::app::App;
use crate::error::AppError;

/// What one worker has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Load {
    /// Staff id; empty for cases without a worker.
    pub worker: String,
    /// Cases that are not over.
    pub cases: u64,
    /// More than policy would have.
    pub over: bool,
}

/// The load of a station as of a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workload {
    /// Most cases first.
    pub workers: Vec<Load>,
    /// How many cases policy would have a worker have at most.
    pub limit: Sourced<i64>,
    /// The moment.
    pub position: u64,
}

/// The policy key of the limit.
const LIMIT: &str = "load.max_cases_per_worker";

impl App {
    /// How many cases each worker of a station has at a moment. A load that is too large stops nobody from taking a case: it is
    /// shown.
    ///
    /// # Errors
    /// As [`App::cases_of_station`]; [`AppError::Rejected`] when policy gives no limit on that day.
    pub async fn workload(&self, station: &str, options: ReadOptions) -> Result<Workload, AppError> {
        let (cases, position) = self.cases_of_station(station, options).await?;
        let policy = self.policy_as_of(station, position).await?;
        let day = self.day_of(options, position).await?;
        let limit = policy.number(LIMIT, day)?;
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        for (_, case) in cases.iter().filter(|(_, case)| !case.stage.is_closed()) {
            *counts.entry(case.worker.clone().unwrap_or_default()).or_default() += 1;
        }
        let load = |(worker, cases): (String, u64)| Load {
            over: !worker.is_empty() && i64::try_from(cases).is_ok_and(|cases| cases > limit.value),
            worker,
            cases,
        };
        let mut workers: Vec<Load> = counts.into_iter().map(load).collect();
        workers.sort_by_key(|load| Reverse(load.cases));
        Ok(Workload {
            workers,
            limit,
            position,
        })
    }
}
