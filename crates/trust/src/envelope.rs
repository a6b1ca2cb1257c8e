//! Envelopes: one field of one event, readable only with the key of the person it is about.
//!
//! `WSE1 ‖ suite ‖ key version ‖ nonce ‖ ciphertext`. The ciphertext is bound to its place (stream, revision, event, type,
//! field, person, key version), so it opens nowhere else; the plaintext is padded, so its length says little.

use std::fmt;

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::leaf::SUITE;
use crate::tree::Hash;

const MAGIC: &[u8; 4] = b"WSE1";
const PLACE_MAGIC: &[u8; 4] = b"WSA1";
/// Bytes of a nonce, random for each envelope.
pub const NONCE_BYTES: usize = 24;
/// Bytes before the ciphertext.
const HEAD_BYTES: usize = 4 + 1 + 4 + NONCE_BYTES;
/// Longest plaintext of one field, in bytes.
pub const PLAINTEXT_BYTES_MAX: usize = 64 * 1024;
/// Lengths to which plaintexts are padded; longer ones to a multiple of the last.
const PADDED: [usize; 7] = [32, 64, 128, 256, 1_024, 4_096, 16_384];

/// Why an envelope does not open. It never says more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// It is no envelope, or a truncated one.
    #[error("it is not an envelope")]
    Malformed,
    /// Another key, another place, or altered bytes.
    #[error("the envelope does not open with this key at this place")]
    DoesNotOpen,
    /// The key is not the one the log committed to when it was made.
    #[error("the key is not the one the log committed to")]
    NotCommitted,
    /// The plaintext is longer than [`PLAINTEXT_BYTES_MAX`].
    #[error("the field is too long")]
    TooLong,
}

/// A person's data key. Wiped when dropped; shown by nothing.
pub struct DataKey(Zeroizing<[u8; 32]>);

impl fmt::Debug for DataKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("DataKey")
    }
}

impl DataKey {
    /// A key of 32 random bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn derive(&self, purpose: &[u8]) -> Zeroizing<[u8; 32]> {
        let mut derived = Zeroizing::new([0; 32]);
        Hkdf::<Sha256>::new(None, self.0.as_ref())
            .expand(purpose, derived.as_mut())
            .expect("32 bytes are fewer than HKDF can give");
        derived
    }

    /// What the log commits to when the key is made. AEADs do not commit to keys: without this, one ciphertext could be
    /// made that two keys open to two texts.
    pub fn commitment(&self) -> Hash {
        *self.derive(b"ws/kc/1")
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        let key = self.derive(b"ws/enc/1");
        XChaCha20Poly1305::new((&*key).into())
    }
}

/// Where an envelope belongs.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Log it is in.
    pub log: &'a str,
    /// Stream of the event.
    pub stream: &'a str,
    /// Revision of the event.
    pub revision: u64,
    /// Id of the event.
    pub event_id: [u8; 16],
    /// Type of the event.
    pub event_type: &'a str,
    /// Version of the type's shape.
    pub schema: u16,
    /// Field within the type.
    pub field: u16,
    /// Person whose key it is.
    pub subject: [u8; 16],
    /// Version of the key.
    pub key_version: u32,
}

impl Place<'_> {
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = PLACE_MAGIC.to_vec();
        bytes.push(SUITE);
        for text in [self.log, self.stream, self.event_type] {
            // Names are bounded far below 64 KiB.
            bytes.extend_from_slice(&(text.len() as u16).to_be_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        bytes.extend_from_slice(&self.revision.to_be_bytes());
        bytes.extend_from_slice(&self.event_id);
        bytes.extend_from_slice(&self.schema.to_be_bytes());
        bytes.extend_from_slice(&self.field.to_be_bytes());
        bytes.extend_from_slice(&self.subject);
        bytes.extend_from_slice(&self.key_version.to_be_bytes());
        bytes
    }
}

/// The length, the bytes, and zeros up to one of a few lengths.
fn pad(plaintext: &[u8]) -> Zeroizing<Vec<u8>> {
    let wanted = plaintext.len() + 4;
    let step = PADDED[PADDED.len() - 1];
    let length = PADDED.iter().copied().find(|length| *length >= wanted);
    let mut padded = Zeroizing::new(Vec::with_capacity(length.unwrap_or(wanted.next_multiple_of(step))));
    padded.extend_from_slice(&(plaintext.len() as u32).to_be_bytes());
    padded.extend_from_slice(plaintext);
    padded.resize(length.unwrap_or(wanted.next_multiple_of(step)), 0);
    padded
}

/// Seals a field at its place.
///
/// # Errors
/// [`EnvelopeError::TooLong`].
pub fn seal(
    key: &DataKey,
    place: &Place<'_>,
    nonce: [u8; NONCE_BYTES],
    plaintext: &[u8],
) -> Result<Vec<u8>, EnvelopeError> {
    if plaintext.len() > PLAINTEXT_BYTES_MAX {
        return Err(EnvelopeError::TooLong);
    }
    let padded = pad(plaintext);
    let payload = Payload {
        msg: &padded,
        aad: &place.bytes(),
    };
    let sealed = key
        .cipher()
        .encrypt(&XNonce::from(nonce), payload)
        .map_err(|_| EnvelopeError::TooLong)?;
    let mut envelope = Vec::with_capacity(HEAD_BYTES + sealed.len());
    envelope.extend_from_slice(MAGIC);
    envelope.push(SUITE);
    envelope.extend_from_slice(&place.key_version.to_be_bytes());
    envelope.extend_from_slice(&nonce);
    envelope.extend_from_slice(&sealed);
    Ok(envelope)
}

/// Opens a field at its place. `committed`: what the log says the key commits to.
///
/// # Errors
/// [`EnvelopeError`], by what is wrong.
pub fn open(
    key: &DataKey,
    committed: &Hash,
    place: &Place<'_>,
    envelope: &[u8],
) -> Result<Zeroizing<Vec<u8>>, EnvelopeError> {
    if key.commitment() != *committed {
        return Err(EnvelopeError::NotCommitted);
    }
    let (head, sealed) = envelope.split_at_checked(HEAD_BYTES).ok_or(EnvelopeError::Malformed)?;
    if &head[..4] != MAGIC || head[4] != SUITE || head[5..9] != place.key_version.to_be_bytes() {
        return Err(EnvelopeError::Malformed);
    }
    let nonce: [u8; NONCE_BYTES] = head[9..].try_into().map_err(|_| EnvelopeError::Malformed)?;
    let payload = Payload {
        msg: sealed,
        aad: &place.bytes(),
    };
    let padded = key
        .cipher()
        .decrypt(&XNonce::from(nonce), payload)
        .map_err(|_| EnvelopeError::DoesNotOpen)?;
    let padded = Zeroizing::new(padded);
    let (length, rest) = padded.split_first_chunk().ok_or(EnvelopeError::Malformed)?;
    let plaintext = rest.get(..u32::from_be_bytes(*length) as usize);
    plaintext
        .map(|plaintext| Zeroizing::new(plaintext.to_vec()))
        .ok_or(EnvelopeError::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place<'static> {
        Place {
            log: "main",
            stream: "person-1",
            revision: 3,
            event_id: [1; 16],
            event_type: "person.registered.v1",
            schema: 1,
            field: 2,
            subject: [9; 16],
            key_version: 1,
        }
    }

    #[test]
    fn an_envelope_opens_at_its_place_with_its_key_and_nowhere_else() {
        let key = DataKey::new([7; 32]);
        let committed = key.commitment();
        let envelope = seal(&key, &place(), [5; 24], "王小明".as_bytes()).expect("seals");
        let opened = open(&key, &committed, &place(), &envelope).expect("opens");
        assert_eq!(opened.as_slice(), "王小明".as_bytes());
        // T-13: every part of the place counts.
        let elsewhere = [
            Place {
                log: "access",
                ..place()
            },
            Place {
                stream: "person-2",
                ..place()
            },
            Place { revision: 4, ..place() },
            Place {
                event_id: [2; 16],
                ..place()
            },
            Place {
                event_type: "person.registered.v2",
                ..place()
            },
            Place { schema: 2, ..place() },
            Place { field: 3, ..place() },
            Place {
                subject: [8; 16],
                ..place()
            },
        ];
        for other in elsewhere {
            assert_eq!(
                open(&key, &committed, &other, &envelope),
                Err(EnvelopeError::DoesNotOpen),
                "{other:?}"
            );
        }
        let newer = Place {
            key_version: 2,
            ..place()
        };
        assert_eq!(open(&key, &committed, &newer, &envelope), Err(EnvelopeError::Malformed));
        for length in 0..envelope.len() {
            assert!(
                open(&key, &committed, &place(), &envelope[..length]).is_err(),
                "{length}"
            );
        }
        for at in 0..envelope.len() {
            let mut altered = envelope.clone();
            altered[at] ^= 1;
            assert!(open(&key, &committed, &place(), &altered).is_err(), "{at}");
        }
    }

    #[test]
    fn a_key_the_log_did_not_commit_to_opens_nothing() {
        // T-14: whatever the cipher would make of it.
        let (key, other) = (DataKey::new([7; 32]), DataKey::new([8; 32]));
        let envelope = seal(&other, &place(), [5; 24], b"NEGATIVE").expect("seals");
        assert_eq!(
            open(&other, &key.commitment(), &place(), &envelope),
            Err(EnvelopeError::NotCommitted)
        );
    }

    #[test]
    fn lengths_do_not_tell_texts_apart() {
        // T-38
        let key = DataKey::new([7; 32]);
        let length = |text: &str| seal(&key, &place(), [5; 24], text.as_bytes()).expect("seals").len();
        assert_eq!(length("POSITIVE"), length("NEGATIVE, at 09:30"));
        assert_eq!(length(""), length("yes"));
        let long = vec![b'x'; PLAINTEXT_BYTES_MAX + 1];
        assert_eq!(seal(&key, &place(), [5; 24], &long), Err(EnvelopeError::TooLong));
        let longest = seal(&key, &place(), [5; 24], &long[1..]).expect("seals");
        let opened = open(&key, &key.commitment(), &place(), &longest).expect("opens");
        assert_eq!(opened.len(), PLAINTEXT_BYTES_MAX);
    }
}
