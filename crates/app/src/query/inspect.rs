//! What an inspection looks for, in every case of a station as of a moment. Each case is folded from its own events: no view can
//! be behind, and no more than one case is held at a time.

use std::collections::{BTreeMap, BTreeSet};

use waystation_domain::account::{Account, AccountEvent};
use waystation_domain::case::{Case, CaseEvent};
use waystation_domain::finding::{Asked, Check, Finding, Told, find, reused, without_basis};
use waystation_domain::points::{PointsAccount, PointsEvent};
use waystation_domain::{Aggregate, Date, Fact, Reason, Rejection, Role, calendar};
use waystation_storage::{Direction, LogName, PAGE_EVENTS_MAX};

use super::{AsOf, CaseQuery, PAGE_MAX, PageRequest, ReadOptions};
use crate::access::{AccessRecord, EVERYBODY};
use crate::aggregates::stream_of;
use crate::app::App;
use crate::error::AppError;
use crate::recorded::Recorded;
use crate::views::CaseSummary;

/// Most cases of one inspection; a station with more is asked about in parts, by other means.
pub const CASES_INSPECTED_MAX: usize = 50_000;

/// Most readings that are named for one reader and person.
const READINGS_NAMED_MAX: usize = 20;

/// Events of a stream read at once.
const BATCH: usize = 256;

/// Something that was found in a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The case.
    pub case: String,
    /// The person it is about.
    pub person: String,
    /// What.
    pub finding: Finding,
}

/// What was looked for, and where.
#[derive(Clone, Debug)]
pub struct Inspected<'a> {
    /// What is looked for.
    pub check: Check,
    /// First day asked about; the first of the calendar when absent.
    pub from: Option<Date>,
    /// Last day asked about; the day of the moment when absent.
    pub to: Option<Date>,
    /// The station.
    pub station: &'a str,
}

impl App {
    /// Every case that a station has at a moment, and the moment.
    ///
    /// # Errors
    /// As [`App::list_cases`].
    pub async fn cases_of_station(
        &self,
        station: &str,
        mut options: ReadOptions,
    ) -> Result<(Vec<(String, CaseSummary)>, u64), AppError> {
        let query = CaseQuery {
            station: Some(station.to_owned()),
            ..CaseQuery::default()
        };
        let mut page = PageRequest {
            size: PAGE_MAX,
            token: String::new(),
        };
        let mut cases = Vec::new();
        loop {
            let found = self.list_cases(&query, &page, options).await?;
            cases.extend(found.rows);
            if found.next.is_empty() {
                return Ok((cases, found.position));
            }
            if cases.len() >= CASES_INSPECTED_MAX {
                let no = Rejection::of(Reason::StationTooLarge, "station");
                return Err(no.with("cases", CASES_INSPECTED_MAX).into());
            }
            options.as_of = Some(AsOf::Position(found.position));
            page.token = found.next;
        }
    }

    /// Looks for something in cases as of a moment; the caller has chosen those that may be read. One call at a time, others
    /// wait.
    ///
    /// # Errors
    /// [`AppError::Rejected`] when policy gives no value on a day that is asked about; [`AppError::Storage`],
    /// [`AppError::Undecodable`].
    pub async fn inspect(
        &self,
        inspected: &Inspected<'_>,
        cases: &[(String, CaseSummary)],
        (options, position): (ReadOptions, u64),
    ) -> Result<Vec<Found>, AppError> {
        let _turn = self.simulations().lock().await;
        let policy = self.policy_as_of(inspected.station, position).await?;
        let day = self.day_of(options, position).await?;
        let asked = Asked {
            from: inspected.from.unwrap_or(calendar::FIRST_DAY),
            to: inspected.to.unwrap_or(day).min(day),
            policy: &policy,
        };
        match inspected.check {
            Check::ReusedEvidence => self.reused_evidence(cases, &asked, position).await,
            Check::AwardWithoutBasis => self.awards_without_basis(cases, &asked, position).await,
            Check::ReadInConflict => self.read_in_conflict(cases, &asked, position).await,
            check => {
                let mut found = Vec::new();
                for (case, summary) in cases {
                    let history = self.told_of(case, position).await?;
                    if station_on(&history, asked.to).is_some_and(|station| station != inspected.station) {
                        continue; // it came later, and answers for nothing of that day here
                    }
                    let findings = find(check, &history, &asked)?;
                    found.extend(findings.into_iter().map(|finding| about(case, summary, finding)));
                }
                Ok(found)
            }
        }
    }

    /// The events of a case up to a moment.
    pub(super) async fn told_of(&self, case: &str, position: u64) -> Result<Vec<Told>, AppError> {
        let stream = stream_of::<Case>(case);
        let of_case = |fact| match fact {
            Fact::Case(event) => Some(event),
            _ => None,
        };
        self.told(&stream, position, of_case).await
    }

    async fn told<E>(
        &self,
        stream: &str,
        position: u64,
        of: impl Fn(Fact) -> Option<E> + Send,
    ) -> Result<Vec<Told<E>>, AppError>
    where
        E: Send,
    {
        let (mut told, mut revision) = (Vec::new(), 0);
        loop {
            let page = self.main().read_stream(stream, revision, Direction::Forwards, BATCH);
            let page = page.await?;
            let more = page.len() == BATCH;
            revision += BATCH as u64;
            for event in page {
                if event.position > position {
                    return Ok(told);
                }
                let (at, revision, recorded_us) = (event.position, event.revision, event.recorded_us);
                let Some(recorded) = Recorded::decode(event)? else {
                    continue;
                };
                let metadata = recorded.metadata;
                told.extend(of(recorded.fact).map(|event| Told {
                    position: at,
                    revision,
                    recorded_on: calendar::day_of(recorded_us),
                    actor: metadata.actor.clone(),
                    by_clock: metadata.role == Role::System,
                    event,
                }));
            }
            if !more {
                return Ok(told);
            }
        }
    }

    async fn reused_evidence(
        &self,
        cases: &[(String, CaseSummary)],
        asked: &Asked<'_>,
        position: u64,
    ) -> Result<Vec<Found>, AppError> {
        let mut kept: Vec<(&(String, CaseSummary), Vec<Told>)> = Vec::new();
        for case in cases {
            let mut history = self.told_of(&case.0, position).await?;
            // Only what names evidence is kept of every case.
            history.retain(|told| match &told.event {
                CaseEvent::CheckInRecorded(fact) => !fact.evidence.is_empty(),
                CaseEvent::TalkRecorded(fact) => !fact.evidence.is_empty(),
                CaseEvent::ContactVoided(_) => true,
                _ => false,
            });
            kept.push((case, history));
        }
        let by_id: BTreeMap<&str, &CaseSummary> = cases.iter().map(|(id, case)| (id.as_str(), case)).collect();
        let histories = kept.iter().map(|((id, _), history)| (id.as_str(), history.as_slice()));
        let found = reused(histories, asked).into_iter();
        Ok(found
            .filter_map(|(case, finding)| Some(about(case, by_id.get(case)?, finding)))
            .collect())
    }

    async fn awards_without_basis(
        &self,
        cases: &[(String, CaseSummary)],
        asked: &Asked<'_>,
        position: u64,
    ) -> Result<Vec<Found>, AppError> {
        let mut voided: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        let mut of_person = BTreeMap::new();
        for (id, case) in cases {
            let events = voided.entry(case.person.as_str()).or_default();
            for told in self.told_of(id, position).await? {
                if let CaseEvent::ContactVoided(fact) = told.event {
                    events.insert(format!("{}/{}", stream_of::<Case>(id), fact.revision));
                }
            }
            // An account is of a person: it is shown with the newest of their cases.
            of_person.insert(case.person.as_str(), (id, case));
        }
        let mut found = Vec::new();
        for (person, (id, case)) in of_person {
            let stream = stream_of::<PointsAccount>(person);
            let of_points = |fact| match fact {
                Fact::Points(event) => Some(event),
                _ => None,
            };
            let account: Vec<Told<PointsEvent>> = self.told(&stream, position, of_points).await?;
            let findings = without_basis(&account, &voided[person], asked);
            found.extend(findings.into_iter().map(|finding| about(id, case, finding)));
        }
        Ok(found)
    }

    /// Readings by accounts that are kept from a record, from before they were: declarations as of the moment, accounts that are
    /// closed included, looked up in the record of readings of the days asked about.
    async fn read_in_conflict(
        &self,
        cases: &[(String, CaseSummary)],
        asked: &Asked<'_>,
        position: u64,
    ) -> Result<Vec<Found>, AppError> {
        let mut close: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (account, persons) in self.conflicts_as_of(position).await? {
            close.insert(account, self.together(persons).await?);
        }
        let cases = cases.iter().map(|(id, case)| (case.person.as_str(), (id, case)));
        let of_person: BTreeMap<&str, (&String, &CaseSummary)> = cases.collect();
        let mut found: BTreeMap<(String, String), Found> = BTreeMap::new();
        let log = self.store().log(LogName::Access);
        let (first, last) = (
            calendar::start_of(asked.from),
            calendar::start_of(calendar::add_days(asked.to, 1)),
        );
        let (mut from, end) = (log.position_at(first - 1).await? + 1, log.position_at(last - 1).await?);
        while from <= end && !close.is_empty() {
            let page = log.page_all(from, Direction::Forwards, PAGE_EVENTS_MAX).await?;
            let Some(last) = page.last() else { break };
            from = last.position + 1;
            for event in page.iter().take_while(|event| event.position <= end) {
                let record = AccessRecord::read(event)?;
                let Some(persons) = close.get(&record.principal) else {
                    continue;
                };
                let everybody = record.persons.iter().any(|person| person == EVERYBODY);
                let seen = |person: &&String| everybody || record.persons.contains(*person);
                let day = calendar::day_of(event.recorded_us);
                for person in persons.iter().filter(seen) {
                    let Some((case, summary)) = of_person.get(person.as_str()) else {
                        continue;
                    };
                    let key = (record.principal.clone(), person.clone());
                    let one = found.entry(key).or_insert_with(|| {
                        let finding = Finding {
                            from: day,
                            to: None,
                            days: 0,
                            staff: Some(record.principal.clone()),
                            second: None,
                            detail: record.rpc.clone(),
                            positions: Vec::new(),
                        };
                        about(case, summary, finding)
                    });
                    one.finding.to = Some(day);
                    one.finding.days = calendar::days_between(one.finding.from, day);
                    if one.finding.positions.len() < READINGS_NAMED_MAX {
                        one.finding.positions.push(event.position);
                    }
                }
            }
        }
        Ok(found.into_values().collect())
    }

    /// Who was kept from whom, as far as was known at a position; read from the log, because a closed account keeps no other
    /// trace.
    async fn conflicts_as_of(&self, position: u64) -> Result<BTreeMap<String, BTreeSet<String>>, AppError> {
        let mut close: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let fold = |account, recorded: Recorded| match recorded.fact {
            Fact::Account(AccountEvent::ConflictDeclared(fact)) => {
                close.entry(account).or_default().insert(fact.person);
            }
            Fact::Account(AccountEvent::ConflictWithdrawn(fact)) => {
                close.entry(account).or_default().remove(&fact.person);
            }
            _ => {}
        };
        self.scan(Account::CATEGORY, position, fold).await?;
        Ok(close)
    }
}

/// The station that had a case on a day, if it had reached any.
fn station_on(history: &[Told], day: Date) -> Option<String> {
    let mut station = None;
    for told in history {
        match &told.event {
            CaseEvent::OrderRegistered(fact) => station = Some(fact.station.clone()),
            CaseEvent::TransferReportedIn(fact) if fact.on <= day => station = Some(fact.to_station.clone()),
            _ => {}
        }
    }
    station
}

fn about(case: &str, summary: &CaseSummary, finding: Finding) -> Found {
    Found {
        case: case.to_owned(),
        person: summary.person.clone(),
        finding,
    }
}
