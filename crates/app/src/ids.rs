//! Random ids and digests of names: the only place that makes any.

use sha2::{Digest, Sha256};
use uuid::Uuid;
use waystation_domain::person::is_personal_number;
pub(crate) use waystation_trust::hex::{hex, unhex};

/// A fresh random id.
#[expect(clippy::disallowed_methods, reason = "this is the one place that makes ids")]
pub fn random() -> Uuid {
    Uuid::new_v4()
}

/// Half a SHA-256 over parts, each with its length, so that no two lists of parts collide.
pub(crate) fn digest(parts: &[&[u8]]) -> [u8; 16] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let whole = hash.finalize();
    let mut half = [0; 16];
    half.copy_from_slice(&whole[..16]);
    half
}

/// How an event's header names a principal.
pub fn principal(id: &str) -> [u8; 16] {
    digest(&[id.as_bytes()])
}

/// How headers and keys name a person.
pub fn subject(person: &str) -> [u8; 16] {
    digest(&[b"person", person.as_bytes()])
}

/// An id that the same name always gets, for requests that must be recognised when they come again.
pub fn named(parts: &[&str]) -> Uuid {
    let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
    Uuid::from_bytes(digest(&parts))
}

/// Longest id in bytes.
pub const ID_BYTES_MAX: usize = 64;

/// Whether text may be an id: 1 to 64 letters, digits, `-`, `_` or `.`, so that it can be part of a resource name and
/// cannot hold a person's name; and nobody's identity or telephone number.
pub fn is_id(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !text.is_empty() && text.len() <= ID_BYTES_MAX && text.bytes().all(allowed) && !is_personal_number(text)
}
