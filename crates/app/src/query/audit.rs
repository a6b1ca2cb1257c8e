//! The audit trail: who recorded what about whom, when it happened, when it was recorded, why, under which rules.
//! Its entries are the events themselves.

use std::sync::Arc;

use waystation_domain::{Date, Event, Fact, Field, Metadata};
use waystation_storage::Direction;

use super::token::Token;
use super::{Page, PageRequest, ReadOptions, SCAN_MAX, under};
use crate::app::App;
use crate::error::AppError;
use crate::recorded::Recorded;
use crate::views::{ACTOR_BUCKET, ActorKey, Actors};

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Place in the log.
    pub position: u64,
    /// Stream: `case-<id>`, `points-<id>` or `ordernumber-<digest>`.
    pub stream: String,
    /// Place in the stream.
    pub revision: u64,
    /// Stored event type.
    pub event_type: String,
    /// What happened, in English and Chinese.
    pub label: (&'static str, &'static str),
    /// The day it happened, as far as the event says.
    pub occurred_on: Option<Date>,
    /// When the log came to hold it, microseconds since 1970 UTC.
    pub recorded_us: i64,
    /// Who, in which role, by which way, which command, under which policy packs.
    pub metadata: Arc<Metadata>,
    /// Reason code, rule or policy key behind it.
    pub why: Option<String>,
    /// The event itself (JSON).
    pub data: String,
}

impl From<&Recorded> for AuditEntry {
    fn from(recorded: &Recorded) -> Self {
        Self {
            position: recorded.position(),
            stream: recorded.event.stream().to_owned(),
            revision: recorded.event.revision,
            event_type: recorded.event.event_type().to_owned(),
            label: recorded.fact.label(),
            occurred_on: recorded.fact.occurred_on(),
            recorded_us: recorded.event.recorded_us,
            metadata: recorded.metadata.clone(),
            why: recorded.fact.why().map(str::to_owned),
            data: shown(recorded),
        }
    }
}

impl App {
    /// The stream of an event, and which sealed fields it has; `None` when it is not one of Waystation's own.
    ///
    /// # Errors
    /// [`AppError::Undecodable`], [`AppError::Storage`].
    pub async fn sealed_at(&self, position: u64) -> Result<Option<(String, Vec<Field>)>, AppError> {
        let Some(event) = self.main().event_at(position).await? else {
            return Ok(None);
        };
        let stream = event.stream().to_owned();
        let recorded = Recorded::decode(event)?;
        Ok(recorded.map(|recorded| (stream, recorded.sealed_fields().into_keys().collect())))
    }
}

/// The event as it would be written today: what older events hold in clear and today's seal is left out.
fn shown(recorded: &Recorded) -> String {
    let written = match &recorded.fact {
        Fact::Case(event) => event.encode(),
        Fact::Points(event) => event.encode(),
        Fact::Person(event) => event.encode(),
        Fact::Account(event) => event.encode(),
        Fact::Policy(event) => event.encode(),
        Fact::OrgUnit(event) => event.encode(),
        Fact::Key | Fact::Claimed => recorded.event.data().to_vec(),
    };
    String::from_utf8_lossy(&written).into_owned()
}

/// When it was recorded, microseconds since 1970 UTC: from (inclusive) and to (exclusive).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeRange {
    /// First microsecond.
    pub from_us: i64,
    /// First microsecond past the range.
    pub to_us: i64,
}

impl App {
    /// Entries of one stream, oldest first.
    ///
    /// # Errors
    /// [`AppError::NotFound`] when the stream has no event at that moment; otherwise as [`App::list_cases`].
    pub async fn audit_by_stream(
        &self,
        stream: &str,
        page: &PageRequest,
        options: ReadOptions,
    ) -> Result<Page<AuditEntry>, AppError> {
        let parts = ["audit", "stream", stream];
        let (at, begin) = self.audit_place(page, &parts, options).await?;
        let size = page.rows();
        let mut events = self
            .main()
            .read_stream(stream, begin, Direction::Forwards, size + 1)
            .await?;
        events.retain(|event| event.position <= at);
        if events.is_empty() && begin == 0 {
            return Err(AppError::NotFound { kind: "record" });
        }
        let more = events.get(size).map(|event| event.revision);
        events.truncate(size);
        Ok(Page {
            rows: entries(events)?,
            next: next(at, more, &parts),
            position: at,
        })
    }

    /// Entries recorded in a stretch of time, oldest first.
    ///
    /// # Errors
    /// As [`App::list_cases`].
    pub async fn audit_by_time(
        &self,
        range: TimeRange,
        page: &PageRequest,
        options: ReadOptions,
    ) -> Result<Page<AuditEntry>, AppError> {
        let asked = format!("{range:?}");
        let parts = ["audit", "time", &asked];
        let (at, begin) = self.audit_place(page, &parts, options).await?;
        let first = match begin {
            0 => self.main().position_at(range.from_us.saturating_sub(1)).await? + 1,
            begin => begin,
        };
        let last = self.main().position_at(range.to_us.saturating_sub(1)).await?.min(at);
        let size = page.rows();
        let mut events = self.main().read_all(first, Direction::Forwards, size + 1).await?;
        events.retain(|event| event.position <= last);
        let more = events.get(size).map(|event| event.position);
        events.truncate(size);
        Ok(Page {
            rows: entries(events)?,
            next: next(at, more, &parts),
            position: at,
        })
    }

    /// Entries recorded by one principal, oldest first.
    ///
    /// # Errors
    /// As [`App::list_cases`].
    pub async fn audit_by_actor(
        &self,
        actor: &str,
        page: &PageRequest,
        options: ReadOptions,
    ) -> Result<Page<AuditEntry>, AppError> {
        let parts = ["audit", "actor", actor];
        let (at, begin) = self.audit_place(page, &parts, options).await?;
        let moment = ReadOptions {
            as_of: Some(super::AsOf::Position(at)),
            ..options
        };
        let (generation, at) = self.generation::<Actors>(moment).await?;
        let size = page.rows();
        let mut range = under(ActorKey::Actor as u16, &[actor]);
        if begin > 0 {
            range.low = crate::view::key(&[actor, &format!("{:016}", begin / ACTOR_BUCKET)]);
        }
        let stretches = self
            .views()
            .list(generation, &range, None, at, SCAN_MAX / ACTOR_BUCKET as usize + 1)
            .await?;
        let more_stretches = stretches.len() > SCAN_MAX / ACTOR_BUCKET as usize;
        let mut rows = Vec::new();
        let mut read_to = begin;
        for (_, id) in &stretches {
            let stretch = id
                .rsplit('\u{1}')
                .next()
                .and_then(|number| number.parse::<u64>().ok())
                .unwrap_or(0);
            let first = (stretch * ACTOR_BUCKET).max(begin).max(1);
            let count = ((stretch + 1) * ACTOR_BUCKET - first) as usize;
            for event in self.main().read_all(first, Direction::Forwards, count).await? {
                read_to = event.position + 1;
                if event.position > at {
                    break;
                }
                let Some(recorded) = Recorded::decode(event)? else {
                    continue;
                };
                if recorded.metadata.actor == actor {
                    if rows.len() == size {
                        let next = next(at, Some(recorded.position()), &parts);
                        return Ok(Page {
                            rows,
                            next,
                            position: at,
                        });
                    }
                    rows.push(AuditEntry::from(&recorded));
                }
            }
        }
        let more = Some(read_to).filter(|_| more_stretches);
        Ok(Page {
            rows,
            next: next(at, more, &parts),
            position: at,
        })
    }

    /// The moment of an audit list, and where in it to begin.
    async fn audit_place(
        &self,
        page: &PageRequest,
        parts: &[&str],
        options: ReadOptions,
    ) -> Result<(u64, u64), AppError> {
        match Token::read(&page.token, parts)? {
            Some(token) => Ok((token.at, token.value.parse().map_err(|_| AppError::PageTokenMismatch)?)),
            None => Ok((self.moment(options).await?.unwrap_or(self.main().head().size), 0)),
        }
    }
}

fn next(at: u64, more: Option<u64>, parts: &[&str]) -> String {
    more.map(|begin| {
        Token {
            at,
            value: begin.to_string(),
            id: String::new(),
        }
        .write(parts)
    })
    .unwrap_or_default()
}

fn entries(events: Vec<waystation_storage::RecordedEvent>) -> Result<Vec<AuditEntry>, AppError> {
    let mut entries = Vec::with_capacity(events.len());
    for event in events {
        if let Some(recorded) = Recorded::decode(event)? {
            entries.push(AuditEntry::from(&recorded));
        }
    }
    Ok(entries)
}
