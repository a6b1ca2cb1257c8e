//! Named Ed25519 keys as C2SP signed-note writes them: `name+id+base64(kind, 32 bytes)`. Logs and witnesses sign different
//! things with them; what a key is, and how it is written, is the same.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

use crate::note::{NoteError, SignatureLine, signature_line};

/// Longest name of a key, in bytes.
const NAME_BYTES_MAX: usize = 256;
/// Begins a key that must be kept secret.
const PRIVATE: &str = "PRIVATE+KEY+";

/// What a key signs; part of its id and of how it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    /// Checkpoints of a log.
    Log = 0x01,
    /// Cosignatures of a witness, which carry a time.
    Witness = 0x04,
}

/// A key that signs. Shown by nothing; wiped when dropped.
pub(crate) struct SecretKey {
    public: PublicKey,
    key: SigningKey,
}

/// A key that verifies; its text can be given to anybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PublicKey {
    pub(crate) name: String,
    kind: Kind,
    pub(crate) key: VerifyingKey,
}

fn is_name(name: &str) -> bool {
    (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'+')
}

fn encode(public: &PublicKey, bytes: &[u8; 32]) -> String {
    let id: String = public.id().iter().map(|byte| format!("{byte:02x}")).collect();
    let encoded = STANDARD.encode([&[public.kind as u8][..], bytes].concat());
    format!("{}+{id}+{encoded}", public.name)
}

/// Name and bytes; the id is compared by whoever writes the key again.
fn decode(text: &str, kind: Kind) -> Result<(&str, [u8; 32]), NoteError> {
    // Base64 has plus signs of its own.
    let mut parts = text.splitn(3, '+');
    let (Some(name), Some(_), Some(encoded)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(NoteError::BadKey);
    };
    let bytes = STANDARD.decode(encoded).map_err(|_| NoteError::BadKey)?;
    match bytes.split_first() {
        Some((found, key)) if *found == kind as u8 && is_name(name) => {
            Ok((name, key.try_into().map_err(|_| NoteError::BadKey)?))
        }
        _ => Err(NoteError::BadKey),
    }
}

impl SecretKey {
    /// Made of 32 random bytes, under a name of 1 to 256 visible ASCII characters other than `+`.
    pub(crate) fn new(kind: Kind, name: &str, seed: &[u8; 32]) -> Result<Self, NoteError> {
        if !is_name(name) {
            return Err(NoteError::BadKey);
        }
        let key = SigningKey::from_bytes(seed);
        let public = PublicKey {
            name: name.to_owned(),
            kind,
            key: key.verifying_key(),
        };
        Ok(Self { public, key })
    }

    /// The same key under another name.
    pub(crate) fn named(&self, name: &str) -> Result<Self, NoteError> {
        Self::new(self.public.kind, name, &self.key.to_bytes())
    }

    /// Reads what [`SecretKey::text`] gave.
    pub(crate) fn parse(kind: Kind, text: &str) -> Result<Self, NoteError> {
        let text = text.trim();
        let encoded = text.strip_prefix(PRIVATE).ok_or(NoteError::BadKey)?;
        let (name, seed) = decode(encoded, kind)?;
        let secret = Self::new(kind, name, &seed)?;
        if secret.text() == text {
            Ok(secret)
        } else {
            Err(NoteError::BadKey)
        }
    }

    /// The key as text, to be kept secret.
    pub(crate) fn text(&self) -> String {
        format!("{PRIVATE}{}", encode(&self.public, &self.key.to_bytes()))
    }

    pub(crate) fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The line of a note with the signature of a message, behind what comes before it.
    pub(crate) fn line(&self, before: &[u8], message: &str) -> String {
        let signature = self.key.sign(message.as_bytes()).to_bytes();
        signature_line(&self.public.name, self.public.id(), &[before, &signature].concat())
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&encode(self, self.key.as_bytes()))
    }
}

impl PublicKey {
    /// Reads what `Display` gave.
    pub(crate) fn parse(kind: Kind, text: &str) -> Result<Self, NoteError> {
        let text = text.trim();
        let (name, bytes) = decode(text, kind)?;
        let public = Self {
            name: name.to_owned(),
            kind,
            key: VerifyingKey::from_bytes(&bytes).map_err(|_| NoteError::BadKey)?,
        };
        // The id says which key was meant.
        if public.to_string() == text {
            Ok(public)
        } else {
            Err(NoteError::BadKey)
        }
    }

    fn id(&self) -> [u8; 4] {
        let mut hash = Sha256::new();
        hash.update(self.name.as_bytes());
        hash.update([b'\n', self.kind as u8]);
        hash.update(self.key.as_bytes());
        let hash: [u8; 32] = hash.finalize().into();
        [hash[0], hash[1], hash[2], hash[3]]
    }

    /// The signatures of a note that claim to be by this key.
    pub(crate) fn mine<'a>(&'a self, signatures: &'a [SignatureLine]) -> impl Iterator<Item = &'a SignatureLine> {
        let id = self.id();
        signatures
            .iter()
            .filter(move |(name, found, _)| *name == self.name && *found == id)
    }

    /// Whether the signature fits the message.
    pub(crate) fn verify(&self, message: &str, signature: &[u8]) -> Result<(), NoteError> {
        let signature = Signature::from_slice(signature).map_err(|_| NoteError::BadSignature)?;
        self.key
            .verify_strict(message.as_bytes(), &signature)
            .map_err(|_| NoteError::BadSignature)
    }
}
