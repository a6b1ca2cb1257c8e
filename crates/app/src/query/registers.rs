//! Registers of a station: what was done in the cases that it has, folded from their events, page by page.

use waystation_domain::Date;
use waystation_domain::register::Entry;

use super::token::Token;
use super::{AsOf, Page, PageRequest, ReadOptions};
use crate::app::App;
use crate::error::AppError;
use crate::views::CaseSummary;

/// A line of a register, with the case that it is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed<E> {
    /// The case.
    pub case: String,
    /// The person it is about.
    pub person: String,
    /// The line.
    pub entry: E,
}

/// Which lines, of which page.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The station.
    pub station: String,
    /// Only lines that stand under this day or a later one.
    pub from: Option<Date>,
    /// Only lines that stand under this day or an earlier one.
    pub to: Option<Date>,
    /// Which piece.
    pub page: PageRequest,
    /// Which register, and what else was asked: a page token goes on with the same only.
    pub query: String,
}

impl Asked {
    fn parts(&self) -> [&str; 3] {
        ["register", &self.station, &self.query]
    }

    /// The moment of a page: of the first page's answer, or as asked.
    ///
    /// # Errors
    /// [`AppError::PageTokenMismatch`].
    pub fn moment(&self, read: ReadOptions) -> Result<ReadOptions, AppError> {
        let token = Token::read(&self.page.token, &self.parts())?;
        Ok(token.map_or(read, |token| ReadOptions {
            min_position: None,
            as_of: Some(AsOf::Position(token.at)),
        }))
    }
}

/// A page of a register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Register<E> {
    /// Lines by day, case and number; where to go on; the moment.
    pub page: Page<Listed<E>>,
    /// Lines that were asked for, on this page or another.
    pub total: u64,
    /// Days of all of them, where the register adds them up.
    pub days: i64,
}

impl App {
    /// The cases that a register is of, and the moment: every case that a station has, or one, if it has that.
    ///
    /// # Errors
    /// As [`App::cases_of_station`].
    pub async fn cases_of_register(
        &self,
        station: &str,
        case: Option<&str>,
        read: ReadOptions,
    ) -> Result<(Vec<(String, CaseSummary)>, u64), AppError> {
        let Some(case) = case else {
            return self.cases_of_station(station, read).await;
        };
        match self.get_case(case, read).await {
            Ok((summary, position)) if summary.station == station => Ok((vec![(case.to_owned(), summary)], position)),
            Ok((_, position)) => Ok((Vec::new(), position)),
            Err(AppError::NotFound { .. }) => {
                Ok((Vec::new(), self.moment(read).await?.unwrap_or(self.main().head().size)))
            }
            Err(error) => Err(error),
        }
    }

    /// A page of a register of some cases as of the moment of [`Asked::moment`]; the caller has chosen those that may be read.
    /// One call about several cases at a time, others wait.
    ///
    /// # Errors
    /// [`AppError::PageTokenMismatch`]; [`AppError::Rejected`] when policy gives no value on a day that counts;
    /// [`AppError::Storage`], [`AppError::Undecodable`].
    pub async fn register<E: Entry>(
        &self,
        asked: &Asked,
        cases: &[(String, CaseSummary)],
        (options, position): (ReadOptions, u64),
        filter: &E::Filter,
    ) -> Result<Register<E>, AppError> {
        // One case is soon read.
        let _turn = match cases {
            [] | [_] => None,
            _ => Some(self.registers().lock().await),
        };
        let token = Token::read(&asked.page.token, &asked.parts())?;
        if token.as_ref().is_some_and(|token| token.at != position) {
            return Err(AppError::PageTokenMismatch);
        }
        let policy = self.policy_as_of(&asked.station, position).await?;
        // Every page stands on the day of the first.
        let day = match token.as_ref().and_then(|token| token.id.parse().ok()) {
            Some(day) => day,
            None => self.day_of(options, position).await?,
        };
        let mut lines = Vec::new();
        for (case, summary) in cases {
            let history = self.told_of(case, position).await?;
            let of_case = E::of_case(&history, day, &policy)?;
            let held = |entry: &E| {
                let on = entry.on();
                asked.from.is_none_or(|from| from <= on) && asked.to.is_none_or(|to| on <= to) && entry.is_among(filter)
            };
            lines.extend(of_case.into_iter().filter(held).map(|entry| Listed {
                case: case.clone(),
                person: summary.person.clone(),
                entry,
            }));
        }
        lines.sort_by_cached_key(key);
        let (total, days) = (lines.len() as u64, lines.iter().map(|line| line.entry.days()).sum());
        let begin = token.map_or(0, |token| lines.partition_point(|line| key(line) <= token.value));
        let mut rows = lines.split_off(begin);
        let more = rows.len() > asked.page.rows();
        rows.truncate(asked.page.rows());
        let next = match rows.last() {
            Some(last) if more => Token {
                at: position,
                value: key(last),
                id: day.to_string(),
            }
            .write(&asked.parts()),
            _ => String::new(),
        };
        Ok(Register {
            page: Page { rows, next, position },
            total,
            days,
        })
    }
}

/// What a page goes on after: day, case and number.
fn key<E: Entry>(line: &Listed<E>) -> String {
    format!("{}/{}/{:020}", line.entry.on(), line.case, line.entry.number())
}
