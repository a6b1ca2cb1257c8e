//! Points: balance and lots from the view, the ledger from the log itself.

use std::collections::HashMap;

use waystation_domain::points::{Basis, PointsAccount, PointsEvent};
use waystation_domain::{Aggregate, Date, Fact, Reason, Rejection};
use waystation_storage::{Direction, PAGE_EVENTS_MAX};

use super::token::Token;
use super::{Page, PageRequest, ReadOptions, everything, under};
use crate::aggregates::stream_of;
use crate::app::App;
use crate::error::AppError;
use crate::recorded::Recorded;
use crate::views::{AccountSummary, PointsAccounts, PointsAccountsKey};

/// One movement between two of the five accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerLine {
    /// Position of the event.
    pub position: u64,
    /// Revision of the event in the account's stream.
    pub revision: u64,
    /// Day.
    pub on: Option<Date>,
    /// Stored event type.
    pub event_type: String,
    /// Account the points left: `ISSUE`, `PERSON`, `REDEEMED`, `EXPIRED` or `WRITE_OFF`.
    pub from: &'static str,
    /// Account they went to.
    pub to: &'static str,
    /// How many, 0 or more.
    pub amount: i64,
    /// The person's points after the event.
    pub balance: i64,
    /// Principal who recorded it.
    pub actor: String,
}

impl App {
    /// Some accounts as they are now, by person.
    ///
    /// # Errors
    /// As [`App::list_cases`].
    pub async fn accounts_now(&self, persons: &[String]) -> Result<HashMap<String, AccountSummary>, AppError> {
        self.now_of::<PointsAccounts>(persons).await
    }

    /// One account, and the moment the answer is for.
    ///
    /// # Errors
    /// As [`App::get_case`].
    pub async fn get_account(&self, person: &str, options: ReadOptions) -> Result<(AccountSummary, u64), AppError> {
        self.document::<PointsAccounts>(person, "points account", options).await
    }

    /// A page of accounts, by person, of one station or all.
    ///
    /// # Errors
    /// As [`App::list_cases`].
    pub async fn list_accounts(
        &self,
        station: Option<&str>,
        page: &PageRequest,
        options: ReadOptions,
    ) -> Result<Page<(String, AccountSummary)>, AppError> {
        let range = match station {
            Some(station) => under(PointsAccountsKey::Station as u16, &[station]),
            None => everything(PointsAccountsKey::Person as u16),
        };
        self.list::<PointsAccounts>(range, &[], page, options, |_| true).await
    }

    /// A page of an account's movements, oldest first. Each event is folded from the stream, so the balance of a line
    /// is proved by the lines before it.
    ///
    /// # Errors
    /// As [`App::list_cases`], and [`AppError::NotFound`].
    pub async fn list_ledger(
        &self,
        person: &str,
        page: &PageRequest,
        options: ReadOptions,
    ) -> Result<Page<LedgerLine>, AppError> {
        let parts = ["ledger", person];
        let token = Token::read(&page.token, &parts)?;
        let at = match &token {
            Some(token) => token.at,
            None => self.moment(options).await?.unwrap_or(self.main().head().size),
        };
        let begin = token.and_then(|token| token.value.parse::<u64>().ok()).unwrap_or(0);
        let stream = stream_of::<PointsAccount>(person);
        let mut account = PointsAccount::default();
        let mut lines: Vec<LedgerLine> = Vec::new();
        let mut from = 0;
        loop {
            let events = self
                .main()
                .read_stream(&stream, from, Direction::Forwards, PAGE_EVENTS_MAX)
                .await?;
            let exhausted = events.len() < PAGE_EVENTS_MAX;
            for event in events {
                if event.position > at {
                    return self.ledger_page(lines, at, String::new());
                }
                from = event.revision + 1;
                if lines.last().is_some_and(|last| last.revision != event.revision) && lines.len() >= page.rows() {
                    let token = Token {
                        at,
                        value: event.revision.to_string(),
                        id: String::new(),
                    };
                    return self.ledger_page(lines, at, token.write(&parts));
                }
                let Some(recorded) = Recorded::decode(event)? else {
                    continue;
                };
                let Fact::Points(event) = &recorded.fact else { continue };
                account.evolve(event);
                if recorded.event.revision >= begin {
                    lines.extend(movements(event).into_iter().map(|(from, to, amount)| LedgerLine {
                        position: recorded.position(),
                        revision: recorded.event.revision,
                        on: recorded.fact.occurred_on(),
                        event_type: recorded.event.event_type().to_owned(),
                        from,
                        to,
                        amount,
                        balance: account.balance(),
                        actor: recorded.metadata.actor.clone(),
                    }));
                }
            }
            if exhausted {
                return self.ledger_page(lines, at, String::new());
            }
        }
    }

    fn ledger_page(&self, rows: Vec<LedgerLine>, at: u64, next: String) -> Result<Page<LedgerLine>, AppError> {
        if rows.is_empty() {
            return Err(AppError::NotFound { kind: "points account" });
        }
        Ok(Page {
            rows,
            next,
            position: at,
        })
    }

    /// The event that an award is for, as the log holds it.
    ///
    /// # Errors
    /// [`AppError::Rejected`] with [`Reason::BasisNotFound`], [`AppError::Storage`].
    pub async fn basis(&self, case: &str, revision: u64) -> Result<Basis, AppError> {
        let none = || AppError::Rejected(Rejection::of(Reason::BasisNotFound, "basis"));
        let stream = format!("case-{case}");
        let event = self
            .main()
            .read_stream(&stream, revision, Direction::Forwards, 1)
            .await?
            .pop();
        let event = event.filter(|event| event.revision == revision).ok_or_else(none)?;
        let recorded = Recorded::decode(event)?.ok_or_else(none)?;
        Ok(Basis {
            event: format!("case-{case}/{revision}"),
            event_type: recorded.event.event_type().to_owned(),
            person: self.person_of(case).await?,
            on: recorded.fact.occurred_on().ok_or_else(none)?,
        })
    }
}

/// Out of which account, into which, how many.
fn movements(event: &PointsEvent) -> Vec<(&'static str, &'static str, i64)> {
    let all = match event {
        PointsEvent::PointsAwarded(fact) => vec![("ISSUE", "PERSON", fact.amount)],
        PointsEvent::PointsAwardReversed(fact) => {
            vec![
                ("PERSON", "ISSUE", fact.amount),
                ("WRITE_OFF", "ISSUE", fact.written_off),
            ]
        }
        PointsEvent::PointsRedeemed(fact) => vec![("PERSON", "REDEEMED", fact.amount)],
        PointsEvent::RedemptionCancelled(fact) => {
            vec![
                ("REDEEMED", "PERSON", fact.returned),
                ("REDEEMED", "EXPIRED", fact.expired),
            ]
        }
        PointsEvent::PointsExpired(fact) => vec![("PERSON", "EXPIRED", fact.amount)],
    };
    all.into_iter().filter(|(_, _, amount)| *amount != 0).collect()
}
