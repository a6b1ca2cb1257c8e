//! The canonical header `WSL1`: the exact bytes that become a leaf of the tree.
//!
//! Every value has one encoding (big-endian, no optional parts, trailing bytes refused), so that two parties who hold
//! the same header hold the same hash. The header holds digests of the body and of each ciphertext, never their
//! plaintext: a body may be removed later and every proof stays valid.

use sha2::{Digest, Sha256};

use crate::tree::Hash;

const MAGIC: &[u8; 4] = b"WSL1";
/// Hash and cipher suite 1: SHA-256 and XChaCha20-Poly1305.
pub const SUITE: u8 = 1;
/// Longest header in bytes, so that it fits a C2SP entry bundle (u16 length).
pub const HEADER_BYTES_MAX: usize = 65_535;
/// Most sealed parts one event may carry.
pub const SEALED_PARTS_MAX: usize = 256;

/// The digest of one sealed field: whose key, which version, which field, how long and what bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedDigest {
    /// Random id of the person whose key seals the field.
    pub subject: [u8; 16],
    /// Version of that person's data key.
    pub key_version: u32,
    /// Field number within the event type.
    pub field: u16,
    /// Length of the stored envelope in bytes.
    pub length: u32,
    /// `SHA-256(0x03 ‖ envelope)`.
    pub digest: Hash,
}

/// What a leaf commits to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// 1 case, 2 access, 3 key, 4 admin, 5 system, 6 foreign.
    pub category: u8,
    /// Place in the log, from 1 without gaps.
    pub position: u64,
    /// Unique id of the event.
    pub event_id: [u8; 16],
    /// Stream name, UTF-8.
    pub stream: &'a str,
    /// Place in the stream, from 0 without gaps.
    pub revision: u64,
    /// Event type, UTF-8.
    pub event_type: &'a str,
    /// Version of the event type's shape; 0 when the writer has none.
    pub schema: u16,
    /// When the log came to hold the event, microseconds since 1970 UTC; never decreases with position.
    pub recorded_us: i64,
    /// Principal who caused the event.
    pub actor: [u8; 16],
    /// Request (command) that caused the event.
    pub causation: [u8; 16],
    /// Length of the stored body in bytes.
    pub body_length: u32,
    /// `SHA-256(0x02 ‖ salt ‖ body)`.
    pub body_digest: Hash,
    /// Digests of the sealed parts, in field order.
    pub sealed: Vec<SealedDigest>,
}

/// Why bytes are not a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// The bytes end early or go on after the end.
    #[error("header has the wrong length")]
    Length,
    /// The magic or the suite is not one we know.
    #[error("header is of an unknown kind")]
    Kind,
    /// A name is not UTF-8.
    #[error("header holds a name that is not UTF-8")]
    Utf8,
    /// A name or a list is longer than its bound.
    #[error("header holds more than it may")]
    Bound,
}

impl<'a> Header<'a> {
    /// The canonical bytes.
    ///
    /// # Errors
    /// [`HeaderError::Bound`] when a name exceeds 65,535 bytes, there are more than [`SEALED_PARTS_MAX`] sealed parts,
    /// or the whole exceeds [`HEADER_BYTES_MAX`].
    pub fn encode(&self) -> Result<Vec<u8>, HeaderError> {
        let stream_length = u16::try_from(self.stream.len()).map_err(|_| HeaderError::Bound)?;
        let type_length = u16::try_from(self.event_type.len()).map_err(|_| HeaderError::Bound)?;
        if self.sealed.len() > SEALED_PARTS_MAX {
            return Err(HeaderError::Bound);
        }
        let mut out = Vec::with_capacity(160 + self.stream.len() + self.event_type.len());
        out.extend_from_slice(MAGIC);
        out.push(SUITE);
        out.push(self.category);
        out.extend_from_slice(&self.position.to_be_bytes());
        out.extend_from_slice(&self.event_id);
        out.extend_from_slice(&stream_length.to_be_bytes());
        out.extend_from_slice(self.stream.as_bytes());
        out.extend_from_slice(&self.revision.to_be_bytes());
        out.extend_from_slice(&type_length.to_be_bytes());
        out.extend_from_slice(self.event_type.as_bytes());
        out.extend_from_slice(&self.schema.to_be_bytes());
        out.extend_from_slice(&self.recorded_us.to_be_bytes());
        out.extend_from_slice(&self.actor);
        out.extend_from_slice(&self.causation);
        out.extend_from_slice(&self.body_length.to_be_bytes());
        out.extend_from_slice(&self.body_digest);
        out.extend_from_slice(&(self.sealed.len() as u16).to_be_bytes());
        for part in &self.sealed {
            out.extend_from_slice(&part.subject);
            out.extend_from_slice(&part.key_version.to_be_bytes());
            out.extend_from_slice(&part.field.to_be_bytes());
            out.extend_from_slice(&part.length.to_be_bytes());
            out.extend_from_slice(&part.digest);
        }
        if out.len() > HEADER_BYTES_MAX {
            return Err(HeaderError::Bound);
        }
        Ok(out)
    }

    /// Reads canonical bytes back; every byte must be accounted for.
    ///
    /// # Errors
    /// [`HeaderError`] names what is wrong.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, HeaderError> {
        let mut reader = Reader { bytes };
        if reader.take(4)? != MAGIC || reader.array::<1>()? != [SUITE] {
            return Err(HeaderError::Kind);
        }
        let [category] = reader.array::<1>()?;
        let position = u64::from_be_bytes(reader.array()?);
        let event_id = reader.array()?;
        let stream = reader.name()?;
        let revision = u64::from_be_bytes(reader.array()?);
        let event_type = reader.name()?;
        let schema = u16::from_be_bytes(reader.array()?);
        let recorded_us = i64::from_be_bytes(reader.array()?);
        let actor = reader.array()?;
        let causation = reader.array()?;
        let body_length = u32::from_be_bytes(reader.array()?);
        let body_digest = reader.array()?;
        let count = usize::from(u16::from_be_bytes(reader.array()?));
        if count > SEALED_PARTS_MAX {
            return Err(HeaderError::Bound);
        }
        let mut sealed = Vec::with_capacity(count);
        for _ in 0..count {
            sealed.push(SealedDigest {
                subject: reader.array()?,
                key_version: u32::from_be_bytes(reader.array()?),
                field: u16::from_be_bytes(reader.array()?),
                length: u32::from_be_bytes(reader.array()?),
                digest: reader.array()?,
            });
        }
        if !reader.bytes.is_empty() {
            return Err(HeaderError::Length);
        }
        Ok(Header {
            category,
            position,
            event_id,
            stream,
            revision,
            event_type,
            schema,
            recorded_us,
            actor,
            causation,
            body_length,
            body_digest,
            sealed,
        })
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], HeaderError> {
        let (head, rest) = self.bytes.split_at_checked(count).ok_or(HeaderError::Length)?;
        self.bytes = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], HeaderError> {
        self.take(N)?.try_into().map_err(|_| HeaderError::Length)
    }

    fn name(&mut self) -> Result<&'a str, HeaderError> {
        let length = usize::from(u16::from_be_bytes(self.array()?));
        std::str::from_utf8(self.take(length)?).map_err(|_| HeaderError::Utf8)
    }
}

/// `SHA-256(0x02 ‖ salt ‖ body)`: the salt keeps a low-entropy body from being guessed from its digest.
pub fn body_digest(salt: &[u8; 16], body: &[u8]) -> Hash {
    let mut hash = Sha256::new();
    hash.update([0x02]);
    hash.update(salt);
    hash.update(body);
    hash.finalize().into()
}

/// `SHA-256(0x03 ‖ envelope)`: of ciphertext only, so that it tells nothing when the key is gone.
pub fn envelope_digest(envelope: &[u8]) -> Hash {
    let mut hash = Sha256::new();
    hash.update([0x03]);
    hash.update(envelope);
    hash.finalize().into()
}

/// The stored body: content type, metadata and data, each behind its length (u32, big-endian).
///
/// # Errors
/// [`HeaderError::Bound`] when a part exceeds 4 GiB.
pub fn encode_body(content_type: &str, metadata: &[u8], data: &[u8]) -> Result<Vec<u8>, HeaderError> {
    let mut body = Vec::with_capacity(12 + content_type.len() + metadata.len() + data.len());
    for part in [content_type.as_bytes(), metadata, data] {
        let length = u32::try_from(part.len()).map_err(|_| HeaderError::Bound)?;
        body.extend_from_slice(&length.to_be_bytes());
        body.extend_from_slice(part);
    }
    Ok(body)
}

/// The three parts of a stored body as byte ranges: content type, metadata, data.
///
/// # Errors
/// [`HeaderError::Length`] when the lengths do not add up to the body.
pub fn parse_body(body: &[u8]) -> Result<[std::ops::Range<usize>; 3], HeaderError> {
    let mut parts = [0..0, 0..0, 0..0];
    let mut at = 0_usize;
    for part in &mut parts {
        let length: [u8; 4] = body
            .get(at..at + 4)
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or(HeaderError::Length)?;
        let start = at + 4;
        let end = start
            .checked_add(u32::from_be_bytes(length) as usize)
            .filter(|end| *end <= body.len())
            .ok_or(HeaderError::Length)?;
        *part = start..end;
        at = end;
    }
    if at == body.len() {
        Ok(parts)
    } else {
        Err(HeaderError::Length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Header<'static> {
        Header {
            category: 1,
            position: 7,
            event_id: [3; 16],
            stream: "case-7f",
            revision: 2,
            event_type: "case.talk_recorded.v1",
            schema: 1,
            recorded_us: 1_700_000_000_000_000,
            actor: [4; 16],
            causation: [5; 16],
            body_length: 9,
            body_digest: [6; 32],
            sealed: vec![SealedDigest {
                subject: [7; 16],
                key_version: 1,
                field: 2,
                length: 64,
                digest: [8; 32],
            }],
        }
    }

    #[test]
    fn a_header_reads_back_as_it_was_written() {
        let header = sample();
        let bytes = header.encode().expect("fits");
        assert_eq!(Header::parse(&bytes), Ok(header));
    }

    #[test]
    fn every_flipped_bit_is_refused_or_gives_another_header_with_exactly_its_own_bytes() {
        let bytes = sample().encode().expect("fits");
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            if let Ok(header) = Header::parse(&changed) {
                assert_ne!(header, sample(), "bit {bit}");
                assert_eq!(header.encode().expect("fits"), changed, "bit {bit}");
            }
        }
    }

    #[test]
    fn trailing_and_missing_bytes_are_refused() {
        let mut bytes = sample().encode().expect("fits");
        assert_eq!(Header::parse(&bytes[..bytes.len() - 1]), Err(HeaderError::Length));
        bytes.push(0);
        assert_eq!(Header::parse(&bytes), Err(HeaderError::Length));
    }

    #[test]
    fn a_body_splits_into_its_parts_and_nothing_else() {
        let body = encode_body("application/json", b"{}", b"data").expect("fits");
        let [content_type, metadata, data] = parse_body(&body).expect("whole");
        assert_eq!(&body[content_type], b"application/json");
        assert_eq!(&body[metadata], b"{}");
        assert_eq!(&body[data], b"data");
        assert_eq!(parse_body(&body[..body.len() - 1]), Err(HeaderError::Length));
        assert_eq!(parse_body(&[255; 12]), Err(HeaderError::Length));
    }
}
