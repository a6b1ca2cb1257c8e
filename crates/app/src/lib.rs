//! Runs: executes commands, projects views, answers queries, runs the clock. The one door for transports.
//!
//! Reading order: [`App`] (what can be asked), `execute` (from a command to an append), `projection` (from the log to
//! views), [`views`] (each view, one file), `query` (from views to answers), `replay` (the proof).

mod access;
mod accounts;
mod aggregates;
mod app;
mod belief;
mod budget;
mod clock;
#[cfg(feature = "pkcs11")]
mod device;
mod disclosure;
mod emergency;
mod erasure;
mod error;
mod execute;
pub mod ids;
mod keyring_source;
mod keys;
mod merging;
mod people;
mod permission;
mod projection;
mod query;
mod recorded;
mod rehearse;
mod replay;
mod rules;
mod scheduler;
mod sealing;
mod sessions;
mod system;
mod vault;
mod view;
pub mod views;

pub use access::{Access, AccessLine, AccessReceipt, AccessRecord, EVERYBODY, Purpose};
pub use accounts::{ACCOUNTS_LISTED_MAX, Identified, Proof, basic_credentials, parse_token};
pub use app::{App, AppOptions};
pub use belief::{Belief, Beliefs, Held, OnItsWay};
pub use budget::{Budget, REVEAL_ENTRY, SEARCH};
pub use clock::{Clock, ManualClock, SystemClock};
#[cfg(feature = "pkcs11")]
pub use device::DeviceKey;
pub use disclosure::{field_name, open_bundle};
pub use erasure::Erasure;
pub use error::AppError;
pub use execute::{Envelope, Receipt};
pub use keyring_source::{KeyringSource, RootKey, write_keyring_file};
pub use keys::{KeyReport, Rotation};
pub use permission::{Action, POLICIES, Permissions, SCHEMA, Target};
pub use projection::{GenerationStatus, ViewStatus};
pub use query::{
    AgendaQuery, AsOf, Asked, AuditEntry, CASES_INSPECTED_MAX, CaseQuery, Compliance, ComplianceCounter,
    DocumentRegister, Evidence, Found, Inspected, Issued, LedgerLine, Listed, Load, PAGE_MAX, Page, PageRequest,
    ReadOptions, Register, RoleHeld, Simulated, Simulation, StationNow, TimeRange, Workload,
};
pub use recorded::{RESERVED_CATEGORIES, Recorded};
pub use rehearse::{Rehearsal, Rehearsed};
pub use replay::{CaseReplay, Difference, ReplayReport, ReplayStep};
pub use rules::Rules;
pub use sessions::Session;
pub use vault::FieldValue;
pub use view::{Keys, OnUnreadable, View};
pub use waystation_trust::disclosure::{DISCLOSED_KEYS, OpenedField};
pub use waystation_trust::receipt::Receipt as KeptReceipt;
pub use waystation_trust::recipient::{RecipientError, new_identity};
pub use waystation_trust::{
    Checkpoint, CosignatureVerifier, Cosigner, Header, Keyring, Note, NoteError, Signer, TokenKind, TrustPolicy,
    Verifier, body_digest, bundle, thumbprint, witness,
};

pub use waystation_storage::{
    APPEND_EVENTS_MAX, Append, Appended, Direction, EVENT_BYTES_MAX, ExpectedRevision, Finding, GenerationState,
    KeptCheckpoint, Log, LogName, Mark, NewEvent, PAGE_EVENTS_MAX, RecordedEvent, STREAM_BYTES_MAX, SealedPart,
    StorageError, Store, StoreOptions, StoredEvent, StreamAppend, Subscription, TYPE_BYTES_MAX, TreeHead, VerifyReport,
};
