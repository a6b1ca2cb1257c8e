//! Keys that leave with a bundle: on record before they do, and encrypted to the inspector who reads with them.

use waystation_domain::{Field, FieldClass, Principal, Reason, Rejection, Role};
use waystation_trust::bundle::Blob;
use waystation_trust::disclosure::{DisclosedKey, OpenedField, disclose};
use waystation_trust::recipient::{RecipientError, check_recipient};

use crate::access::{Access, Purpose};
use crate::app::App;
use crate::error::AppError;
use crate::ids::{is_id, subject};
use crate::vault::{KEY_CREATED, stored_commitment};

/// The call that access records name.
const EXPORT: &str = "export bundle";
/// People whose keys leave with one bundle.
const PEOPLE_MAX: usize = 1_000;

impl App {
    /// The keys of people, encrypted to an inspector, whose reading of everything about them is on record before.
    ///
    /// # Errors
    /// A rejection when somebody is not on file, sealed or erased, or the recipient is none; [`AppError::Storage`].
    pub async fn disclose_keys(
        &self,
        people: &[String],
        recipient: &str,
        inspector: &str,
    ) -> Result<Vec<u8>, AppError> {
        let wrong = |field, expected: &str| Rejection::of(Reason::FieldInvalid, field).with("expected", expected);
        check_recipient(recipient).map_err(|_| wrong("recipient", "a recipient, age1…"))?;
        if !is_id(inspector) {
            return Err(wrong("inspector", "the name of an account").into());
        }
        if people.len() > PEOPLE_MAX {
            return Err(wrong("person", "at most 1000 people").into());
        }
        for person in people {
            let state = self.standing(person).await?;
            let reason = match () {
                () if !state.registered => Reason::PersonNotFound,
                () if state.erasure_committed => Reason::PersonErased,
                () if state.sealed => Reason::PersonSealed,
                () if state.restricted => Reason::PersonRestricted,
                () => continue,
            };
            return Err(Rejection::of(reason, "person").into());
        }
        let principal = Principal {
            id: inspector.to_owned(),
            role: Role::Inspector,
            station: "-".to_owned(),
        };
        let access = Access {
            principal: &principal,
            rpc: EXPORT,
            purpose: Purpose::Inspection,
            persons: people.to_vec(),
            classes: FieldClass::ALL.to_vec(),
            at: self.main().head().size,
        };
        self.record_access(access).await?;
        let mut keys = Vec::new();
        for person in people {
            let subject = subject(person);
            for stored in self.vault().keys().of(subject).await? {
                keys.push(DisclosedKey {
                    person: person.clone(),
                    subject,
                    version: stored.version,
                    key: self.vault().unwrap(&stored).await?,
                });
            }
        }
        disclose(&keys, recipient).map_err(|error| AppError::Internal(error.to_string()))
    }
}

/// What the keys in a bundle open; see [`waystation_trust::disclosure::open_bundle`]. Verify the bundle first.
///
/// # Errors
/// [`RecipientError`] when the keys do not open with this identity.
pub fn open_bundle(
    read: impl Fn(&str) -> Option<Vec<u8>>,
    size: u64,
    identity: &str,
) -> Result<Vec<OpenedField>, RecipientError> {
    waystation_trust::disclosure::open_bundle(read, size, identity, |header, blob: &Blob<'_>| {
        if header.event_type != KEY_CREATED {
            return None;
        }
        stored_commitment(blob.body)
    })
}

/// The transported name of a field's number.
pub fn field_name(number: u16) -> &'static str {
    let named = Field::ALL.iter().find(|field| field.number() == number);
    named.map_or("?", |field| field.as_str())
}
