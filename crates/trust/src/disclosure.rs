//! Keys that leave with a bundle, for an inspector: what is in the message that is encrypted to her, and what it opens.

use std::collections::HashMap;

use zeroize::Zeroizing;

use crate::bundle::{Blob, each_event};
use crate::envelope::{DataKey, Place, open};
use crate::hex::{hex, unhex};
use crate::leaf::Header;
use crate::recipient::{RecipientError, decrypt_with, encrypt_to};
use crate::tree::Hash;

/// The file in a bundle.
pub const DISCLOSED_KEYS: &str = "keys.age";
/// The log that a bundle is of.
const LOG: &str = "main";

/// A key of a person who is in the inspection's scope.
pub struct DisclosedKey {
    /// The person's random id: no white space.
    pub person: String,
    /// How headers name the person.
    pub subject: [u8; 16],
    /// Which of their keys.
    pub version: u32,
    /// The key.
    pub key: DataKey,
}

impl DisclosedKey {
    fn line(&self) -> Zeroizing<String> {
        let key = Zeroizing::new(hex(self.key.bytes()));
        Zeroizing::new(format!(
            "{} {} {} {}\n",
            self.person,
            hex(&self.subject),
            self.version,
            *key
        ))
    }

    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let key = Self {
            person: words.next()?.to_owned(),
            subject: unhex(words.next()?)?,
            version: words.next()?.parse().ok()?,
            key: DataKey::new(unhex(words.next()?)?),
        };
        words.next().is_none().then_some(key)
    }
}

/// Encrypts keys to an inspector: one line a key, `PERSON SUBJECT VERSION KEY`, the last three in lower-case hexadecimal and
/// decimal.
///
/// # Errors
/// [`RecipientError::Recipient`].
pub fn disclose(keys: &[DisclosedKey], recipient: &str) -> Result<Vec<u8>, RecipientError> {
    let mut message = Zeroizing::new(Vec::new());
    for key in keys {
        message.extend_from_slice(key.line().as_bytes());
    }
    encrypt_to(recipient, &message)
}

/// A sealed field as the inspector reads it.
pub struct OpenedField {
    /// Place of the event in the log.
    pub position: u64,
    /// Type of the event.
    pub event_type: String,
    /// The person's random id.
    pub person: String,
    /// Number of the field.
    pub field: u16,
    /// What it says, or why it does not open.
    pub text: Result<Zeroizing<String>, String>,
}

/// Opens what the disclosed keys of a bundle open. What a key must commit to is what the bundle's own events say.
///
/// # Errors
/// [`RecipientError`] when the keys do not open with this identity.
pub fn open_bundle(
    read: impl Fn(&str) -> Option<Vec<u8>>,
    size: u64,
    identity: &str,
    commitment: impl Fn(&Header<'_>, &Blob<'_>) -> Option<(u32, Hash)>,
) -> Result<Vec<OpenedField>, RecipientError> {
    let encrypted = read(DISCLOSED_KEYS).ok_or(RecipientError::DoesNotOpen)?;
    let message = decrypt_with(identity, &encrypted)?;
    let lines = std::str::from_utf8(&message).map_err(|_| RecipientError::DoesNotOpen)?;
    let keys: Option<Vec<DisclosedKey>> = lines.lines().map(DisclosedKey::parse).collect();
    let keys = keys.ok_or(RecipientError::DoesNotOpen)?;
    let by_name: HashMap<([u8; 16], u32), &DisclosedKey> =
        keys.iter().map(|key| ((key.subject, key.version), key)).collect();
    let subjects: HashMap<String, [u8; 16]> = keys.iter().map(|key| (key_stream(&key.subject), key.subject)).collect();
    let mut committed: HashMap<([u8; 16], u32), Hash> = HashMap::new();
    // A key may be announced after the first event it seals, in the same append.
    each_event(&read, size, |header, blob| {
        if let Some(subject) = subjects.get(header.stream)
            && let Some((version, hash)) = commitment(header, blob)
        {
            committed.insert((*subject, version), hash);
        }
    });
    let mut opened = Vec::new();
    each_event(&read, size, |header, blob| {
        for (part, envelope) in header.sealed.iter().zip(&blob.envelopes) {
            let Some(key) = by_name.get(&(part.subject, part.key_version)) else {
                continue;
            };
            opened.push(OpenedField {
                position: header.position,
                event_type: header.event_type.to_owned(),
                person: key.person.clone(),
                field: part.field,
                text: text(
                    key,
                    committed.get(&(part.subject, part.key_version)),
                    header,
                    part.field,
                    envelope,
                ),
            });
        }
    });
    Ok(opened)
}

fn key_stream(subject: &[u8; 16]) -> String {
    format!("key-{}", hex(subject))
}

fn text(
    key: &DisclosedKey,
    committed: Option<&Hash>,
    header: &Header<'_>,
    field: u16,
    envelope: &[u8],
) -> Result<Zeroizing<String>, String> {
    let committed = committed.ok_or("the log does not commit to the key")?;
    let place = Place {
        log: LOG,
        stream: header.stream,
        revision: header.revision,
        event_id: header.event_id,
        event_type: header.event_type,
        schema: header.schema,
        field,
        subject: key.subject,
        key_version: key.version,
    };
    let plain = open(&key.key, committed, &place, envelope).map_err(|error| error.to_string())?;
    let text = std::str::from_utf8(&plain).map_err(|_| "it is no text")?;
    Ok(Zeroizing::new(text.to_owned()))
}
