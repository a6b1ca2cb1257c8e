//! The three traits everything else is made of, and what a decision may look at.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::personal::Field;
use crate::policy::Policy;
use crate::rejection::Rejection;

/// State folded from the events of one stream.
pub trait Aggregate: Default + Clone + Send + Sync + 'static {
    /// Stream category: the stream of aggregate `x` is `CATEGORY-x`.
    const CATEGORY: &'static str;
    /// Its events: a closed enum.
    type Event: Event;

    /// Takes a fact in. Facts cannot be refused, so this never fails.
    fn evolve(&mut self, event: &Self::Event);

    /// The person whose key seals the personal fields of the facts of the aggregate with this id.
    fn subject<'a>(&'a self, id: &'a str) -> &'a str;
}

/// A closed set of facts with a stored form.
pub trait Event: Clone + std::fmt::Debug + Send + Sync + 'static {
    /// Every stored type, such as `case.check_in_recorded.v1`.
    const TYPES: &'static [&'static str];

    /// The stored type of this fact.
    fn event_type(&self) -> &'static str;

    /// The stored bytes (JSON), without the personal fields.
    fn encode(&self) -> Vec<u8>;

    /// The personal fields, clear, to be sealed beside.
    fn personal(&self) -> Vec<(Field, &str)>;

    /// Reads stored bytes; facts of earlier shapes come back in today's.
    ///
    /// # Errors
    /// [`DecodeError`] for an unknown type or bytes that are not of that type.
    fn decode(event_type: &str, data: &[u8]) -> Result<Self, DecodeError>;
}

/// Stored bytes that are not a fact this release knows.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The type is not known.
    #[error("unknown event type {0}")]
    UnknownType(String),
    /// The bytes are not of the type. The message names fields, never values.
    #[error("event of type {event_type} does not read at column {column}")]
    Malformed {
        /// The type.
        event_type: String,
        /// Where reading stopped.
        column: usize,
    },
}

/// Reads the stored form of a fact. Text that is checked once, as a whole, is read faster than string by string.
pub(crate) fn read<F: serde::de::DeserializeOwned>(data: &[u8]) -> Result<F, serde_json::Error> {
    match std::str::from_utf8(data) {
        Ok(text) => serde_json::from_str(text),
        Err(_) => serde_json::from_slice(data), // says where
    }
}

/// Something somebody asks for; decided by a pure function.
pub trait Command: Serialize + Send + Sync {
    /// What it is asked of.
    type Aggregate: Aggregate;
    /// Stable name for fingerprints, audit and telemetry: `RecordCheckIn`.
    const NAME: &'static str;

    /// The facts that follow, or why not. No facts: it was already so.
    ///
    /// # Errors
    /// The rule that says no.
    fn decide(
        &self,
        state: &Self::Aggregate,
        context: &Context<'_>,
    ) -> Result<Vec<<Self::Aggregate as Aggregate>::Event>, Rejection>;

    /// What follows for another record.
    fn follows(&self, _: &Self::Aggregate) -> Option<Follows> {
        None
    }

    /// Values that must not be in use elsewhere; claimed in the same append.
    fn claims(&self, _: &Self::Aggregate) -> Vec<Claim> {
        Vec::new()
    }
}

/// A fact about another record that follows from a command, in the same append. The record has to be there; else nothing follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Follows {
    /// Stream of the other record.
    pub stream: String,
    /// Stored type.
    pub event_type: &'static str,
    /// Stored bytes, without personal fields.
    pub data: Vec<u8>,
}

/// A value that only one aggregate may hold, such as an order number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Stream category: `order`.
    pub category: &'static str,
    /// The value; it reaches the log only as a digest.
    pub value: String,
    /// What to answer when somebody else holds it.
    pub rejection: Rejection,
}

/// What a person or system may do here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Role {
    /// 禁毒专干: works with participants.
    CaseWorker,
    /// 街道禁毒办负责人: confirms and approves.
    Supervisor,
    /// 区县: watches many stations, writes no case facts.
    DistrictOfficer,
    /// Reads and replays.
    Inspector,
    /// The points store.
    StoreKeeper,
    /// Approves sealing and erasure; sees no case.
    PrivacyOfficer,
    /// 系统管理员: runs the installation; sees no data.
    SystemAdmin,
    /// 安全管理员: says who may what; sees no data.
    SecurityAdmin,
    /// 审计管理员: reads the records of reading; changes nothing.
    AuditAdmin,
    /// A program of another office, with streams of its own in the log; sees no record.
    Service,
    /// Waystation itself: clock, import.
    System,
}

impl Role {
    /// All roles, in the order of `domain` documentation.
    pub const ALL: [Role; 11] = [
        Role::CaseWorker,
        Role::Supervisor,
        Role::DistrictOfficer,
        Role::Inspector,
        Role::StoreKeeper,
        Role::PrivacyOfficer,
        Role::SystemAdmin,
        Role::SecurityAdmin,
        Role::AuditAdmin,
        Role::Service,
        Role::System,
    ];

    /// The stored and transported name: `CASE_WORKER`.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::CaseWorker => "CASE_WORKER",
            Role::Supervisor => "SUPERVISOR",
            Role::DistrictOfficer => "DISTRICT_OFFICER",
            Role::Inspector => "INSPECTOR",
            Role::StoreKeeper => "STORE_KEEPER",
            Role::PrivacyOfficer => "PRIVACY_OFFICER",
            Role::SystemAdmin => "SYSTEM_ADMIN",
            Role::SecurityAdmin => "SECURITY_ADMIN",
            Role::AuditAdmin => "AUDIT_ADMIN",
            Role::Service => "SERVICE",
            Role::System => "SYSTEM",
        }
    }

    /// The role of a name.
    pub fn parse(name: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.as_str() == name)
    }
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Principal {
    /// Pseudonymous staff id, such as `worker-3`.
    pub id: String,
    /// In which role.
    pub role: Role,
    /// Station or office.
    pub station: String,
}

/// What a decision may look at besides the state.
pub struct Context<'a> {
    /// Today in China.
    pub today: Date,
    /// Who asks.
    pub actor: &'a Principal,
    /// Rule values.
    pub policy: &'a Policy,
}

/// Defines a closed event enum with its stored types: one line a fact; older types of the same fact follow after `|`.
macro_rules! events {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $tag:literal $(| $older:literal)* => $variant:ident,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$doc])* $variant($variant),)+
        }

        impl $crate::kernel::Event for $name {
            const TYPES: &'static [&'static str] = &[$($tag),+];

            fn event_type(&self) -> &'static str {
                match self { $($name::$variant(_) => $tag,)+ }
            }

            fn encode(&self) -> Vec<u8> {
                let bytes = match self { $($name::$variant(fact) => serde_json::to_vec(fact),)+ };
                bytes.expect("facts hold only strings, numbers, dates and lists of them")
            }

            fn personal(&self) -> Vec<($crate::personal::Field, &str)> {
                $crate::personal::present(&self.sealed_fields())
            }

            fn decode(event_type: &str, data: &[u8]) -> Result<Self, $crate::kernel::DecodeError> {
                let malformed = |error: serde_json::Error| $crate::kernel::DecodeError::Malformed {
                    event_type: event_type.to_owned(),
                    column: error.column(),
                };
                match event_type {
                    $($tag $(| $older)* => $crate::kernel::read(data).map($name::$variant).map_err(malformed),)+
                    _ => Err($crate::kernel::DecodeError::UnknownType(event_type.to_owned())),
                }
            }
        }

        $(impl From<$variant> for $name {
            fn from(fact: $variant) -> Self { $name::$variant(fact) }
        })+
    };
}
pub(crate) use events;
