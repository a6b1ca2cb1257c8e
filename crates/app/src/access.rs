//! Reading is an act. Before anything about a person leaves, a record of who reads what and why is durable in the access
//! log; the receipt it gives is what opens sealed fields. No record, no reading.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use waystation_domain::{FieldClass, Principal, Role};
use waystation_storage::{
    Append, Direction, ExpectedRevision, LogName, NewEvent, PAGE_EVENTS_MAX, RecordedEvent, StreamAppend,
};
use waystation_trust::{DataKey, Hash};

use crate::app::App;
use crate::error::AppError;
use crate::ids;
use crate::ids::subject;
use crate::query::{Page, PageRequest};
use crate::vault::FieldValue;

/// Header category of access records.
const CATEGORY_ACCESS: u8 = 2;
/// Stored type of a granted access.
const GRANTED: &str = "access.granted.v1";
/// Persons named in one record; more become further records of the same append.
const PERSONS_MAX: usize = 256;
/// How long a receipt opens what it names.
const RECEIPT_LASTS: Duration = Duration::from_secs(60);
/// Access records looked at for one page of a report.
const SCANNED_MAX: u64 = 50_000;

/// What somebody reads for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Purpose {
    /// Working with the participant.
    Care,
    /// Reviewing what was done.
    Supervision,
    /// An inspection.
    Inspection,
    /// A request of the person.
    SubjectRequest,
    /// An emergency, without the usual permission.
    BreakGlass,
}

impl Purpose {
    /// All purposes.
    pub const ALL: [Purpose; 5] = [
        Purpose::Care,
        Purpose::Supervision,
        Purpose::Inspection,
        Purpose::SubjectRequest,
        Purpose::BreakGlass,
    ];

    /// The stored and transported name.
    pub fn as_str(self) -> &'static str {
        match self {
            Purpose::Care => "CARE",
            Purpose::Supervision => "SUPERVISION",
            Purpose::Inspection => "INSPECTION",
            Purpose::SubjectRequest => "SUBJECT_REQUEST",
            Purpose::BreakGlass => "BREAK_GLASS",
        }
    }

    /// What a role reads for when it does not say: what the role is there for.
    pub fn of(role: Role) -> Self {
        match role {
            Role::CaseWorker | Role::StoreKeeper | Role::System => Purpose::Care,
            Role::Supervisor | Role::DistrictOfficer => Purpose::Supervision,
            Role::Inspector | Role::AuditAdmin => Purpose::Inspection,
            Role::SystemAdmin | Role::SecurityAdmin | Role::Service => Purpose::Supervision,
            Role::PrivacyOfficer => Purpose::SubjectRequest,
        }
    }
}

/// Stands for whoever it may be about, where somebody reads events of everybody.
pub const EVERYBODY: &str = "*";

/// What somebody is about to read.
pub struct Access<'a> {
    /// Who.
    pub principal: &'a Principal,
    /// By which call: `CaseService/GetCase`.
    pub rpc: &'static str,
    /// What for.
    pub purpose: Purpose,
    /// About whom: random ids.
    pub persons: Vec<String>,
    /// Which kinds of data.
    pub classes: Vec<FieldClass>,
    /// The moment of the main log the answer is for.
    pub at: u64,
}

/// A record of access, as stored and as shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessRecord {
    /// Principal id.
    pub principal: String,
    /// Role in which they read.
    pub role: Role,
    /// Their station.
    pub station: String,
    /// By which call.
    pub rpc: String,
    /// What for.
    pub purpose: Purpose,
    /// About whom.
    pub persons: Vec<String>,
    /// Which kinds of data.
    pub classes: Vec<FieldClass>,
    /// The moment of the main log they saw.
    pub at: u64,
    /// Digest of the permissions in force.
    #[serde(default)]
    pub policies: String,
}

/// Proof that an access is on record. It can be made in one place, opens what the record names, and no longer than a minute.
#[derive(Debug)]
pub struct AccessReceipt {
    /// Position of the record that names each person.
    positions: BTreeMap<String, u64>,
    classes: Vec<FieldClass>,
    until: Instant,
    /// Keys it has opened, by subject and version; they go with it.
    keys: Mutex<HashMap<([u8; 16], u32), OpenedKey>>,
}

/// A person's key, and what the log says it commits to.
pub(crate) type OpenedKey = Arc<(DataKey, Hash)>;

impl AccessReceipt {
    /// A key it has opened already.
    pub(crate) fn key(&self, subject: [u8; 16], version: u32) -> Option<OpenedKey> {
        let keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.get(&(subject, version)).map(Arc::clone)
    }

    /// Keeps a key for the next field.
    pub(crate) fn keep(&self, subject: [u8; 16], version: u32, key: OpenedKey) {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.insert((subject, version), key);
    }

    /// Whether it opens this kind of data about this person, now.
    pub(crate) fn covers(&self, person: &str, class: FieldClass) -> bool {
        self.positions.contains_key(person) && self.classes.contains(&class) && Instant::now() < self.until
    }
}

/// A line of a report on who read what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessLine {
    /// Place in the access log.
    pub position: u64,
    /// When, microseconds since 1970 UTC.
    pub recorded_us: i64,
    /// What was recorded.
    pub record: AccessRecord,
}

impl AccessRecord {
    /// Reads one from the access log.
    pub(crate) fn read(event: &RecordedEvent) -> Result<Self, AppError> {
        serde_json::from_slice(event.data()).map_err(|error| AppError::Undecodable {
            position: event.position,
            what: format!("the access record does not read at column {}", error.column()),
        })
    }
}

/// The stream of what somebody reads in the month of a time.
pub(crate) fn access_stream(principal: &str, us: i64) -> String {
    format!("access-{principal}-{}", month(us))
}

/// The civil month of a time in UTC, as `202611`.
fn month(us: i64) -> String {
    let day = waystation_domain::calendar::day_of(us);
    format!("{:04}{:02}", day.year(), day.month())
}

impl App {
    /// Puts an access on record, durably. Nothing may be shown before this returns.
    ///
    /// # Errors
    /// [`AppError::Storage`]: nothing may be shown.
    pub async fn record_access(&self, access: Access<'_>) -> Result<AccessReceipt, AppError> {
        let log = self.store().log(LogName::Access);
        let principal = access.principal;
        let mut persons = access.persons;
        persons.sort_unstable();
        persons.dedup();
        let chunks: Vec<&[String]> = match persons.as_slice() {
            [] => vec![&[]],
            persons => persons.chunks(PERSONS_MAX).collect(),
        };
        let seed = ids::random();
        let (mut events, mut records) = (Vec::with_capacity(chunks.len()), Vec::with_capacity(chunks.len()));
        for (number, chunk) in (0_u32..).zip(&chunks) {
            let record = AccessRecord {
                principal: principal.id.clone(),
                role: principal.role,
                station: principal.station.clone(),
                rpc: access.rpc.to_owned(),
                purpose: access.purpose,
                persons: chunk.to_vec(),
                classes: access.classes.clone(),
                at: access.at,
                policies: self.permissions().digest().to_owned(),
            };
            let data = serde_json::to_vec(&record).map_err(|error| AppError::Internal(error.to_string()))?;
            events.push(NewEvent {
                id: ids::digest(&[seed.as_bytes(), &number.to_le_bytes()]),
                event_type: GRANTED.into(),
                schema: 1,
                content_type: "application/json",
                metadata: Default::default(),
                data: data.into(),
                sealed: Vec::new(),
            });
            records.push(record);
        }
        let append = Append {
            request: None,
            category: CATEGORY_ACCESS,
            actor: ids::principal(&principal.id),
            causation: *seed.as_bytes(),
            streams: vec![StreamAppend {
                stream: access_stream(&principal.id, self.now_us()),
                expected: ExpectedRevision::Any,
                events,
            }],
        };
        let appended = log.append(append).await?;
        for record in &records {
            self.budgets().note(record, self.now_us()).await;
        }
        let mut positions = BTreeMap::new();
        for (position, chunk) in (appended.first_position..).zip(&chunks) {
            if access.classes.iter().any(|class| *class != FieldClass::Status) && !chunk.is_empty() {
                let subjects: Vec<[u8; 16]> = chunk.iter().map(|person| subject(person)).collect();
                self.vault().keys().record_openings(position, &subjects).await?;
            }
            positions.extend(chunk.iter().map(|person| (person.clone(), position)));
        }
        Ok(AccessReceipt {
            positions,
            classes: access.classes,
            until: Instant::now() + RECEIPT_LASTS,
            keys: Mutex::default(),
        })
    }

    /// Opens a personal field of the event at a position, on the strength of a receipt; nothing of a person who is sealed or
    /// whose erasure is decided.
    ///
    /// # Errors
    /// [`AppError::Undecodable`] when the field is not what the log committed to; [`AppError::Storage`].
    pub async fn open_field(
        &self,
        receipt: &AccessReceipt,
        person: &str,
        position: u64,
        field: waystation_domain::Field,
    ) -> Result<FieldValue, AppError> {
        let state = self.standing(person).await?;
        if state.erasure_committed {
            return Ok(FieldValue::Erased);
        }
        if state.sealed {
            return Ok(FieldValue::Sealed);
        }
        self.vault().open(receipt, self.main(), person, (position, field)).await
    }

    /// Who read what about a person, oldest first. Bounded by records looked at: a short page with a token goes on.
    ///
    /// # Errors
    /// [`AppError::PageTokenMismatch`], [`AppError::Storage`].
    pub async fn list_access(&self, person: &str, page: &PageRequest) -> Result<Page<AccessLine>, AppError> {
        let log = self.store().log(LogName::Access);
        let begin = match page.token.as_str() {
            "" => 1,
            token => token.parse::<u64>().map_err(|_| AppError::PageTokenMismatch)?,
        };
        let head = log.head().size;
        let (mut rows, mut from) = (Vec::new(), begin.max(1));
        while from <= head && from - begin < SCANNED_MAX {
            for event in log.page_all(from, Direction::Forwards, PAGE_EVENTS_MAX).await? {
                let record = AccessRecord::read(&event)?;
                if record.persons.iter().any(|named| named == person || named == EVERYBODY) {
                    if rows.len() == page.rows() {
                        return Ok(Page {
                            rows,
                            next: event.position.to_string(),
                            position: head,
                        });
                    }
                    rows.push(AccessLine {
                        position: event.position,
                        recorded_us: event.recorded_us,
                        record,
                    });
                }
                from = event.position + 1;
            }
        }
        let next = if from <= head { from.to_string() } else { String::new() };
        Ok(Page {
            rows,
            next,
            position: head,
        })
    }
}
