//! Events with everything their headers commit to: salts and sealed fields, which ordinary readers have no use for.

use bytes::Bytes;
use waystation_trust::{Hash, Header};

use super::proof::Tiles;
use crate::engine::{Rows, Value};
use crate::error::StorageError;
use crate::log::Log;

/// Events of one page.
const PAGE_MAX: u64 = 256;

/// An event as it is stored, with what its header's digests are of.
#[derive(Clone, Debug)]
pub struct StoredEvent {
    /// Place in the log.
    pub position: u64,
    /// The canonical header.
    pub header: Bytes,
    /// Salt of the body's digest.
    pub salt: [u8; 16],
    /// The body.
    pub body: Bytes,
    /// Envelopes of the sealed fields, in the header's order.
    pub envelopes: Vec<Bytes>,
}

/// The stored form of an event's envelopes: each behind its length (u32, big-endian).
pub(super) fn encode_envelopes<'a>(envelopes: impl Iterator<Item = &'a Bytes>) -> Bytes {
    let mut stored = Vec::new();
    for envelope in envelopes {
        stored.extend_from_slice(&(envelope.len() as u32).to_be_bytes());
        stored.extend_from_slice(envelope);
    }
    stored.into()
}

/// Takes stored envelopes apart; `None` when the lengths do not add up.
pub(super) fn decode_envelopes(stored: &Bytes) -> Option<Vec<Bytes>> {
    let mut envelopes = Vec::new();
    let mut at = 0;
    while at < stored.len() {
        let length: [u8; 4] = stored.get(at..at + 4)?.try_into().ok()?;
        let end = (at + 4).checked_add(u32::from_be_bytes(length) as usize)?;
        if end > stored.len() {
            return None;
        }
        envelopes.push(stored.slice(at + 4..end));
        at = end;
    }
    Some(envelopes)
}

fn stored(rows: &Rows, row: usize) -> Result<StoredEvent, StorageError> {
    let position = rows.u64(row, 0);
    let corrupt = |what: &str| StorageError::Corrupt {
        position,
        what: what.to_owned(),
    };
    Ok(StoredEvent {
        position,
        header: rows.bytes(row, 1),
        salt: rows
            .slice(row, 2)
            .try_into()
            .map_err(|_| corrupt("the salt has the wrong length"))?,
        body: rows.bytes(row, 3),
        envelopes: decode_envelopes(&rows.bytes(row, 4)).ok_or_else(|| corrupt("the sealed fields do not add up"))?,
    })
}

impl Log {
    /// Up to 256 events from `from` on, with all they commit to.
    ///
    /// # Errors
    /// [`StorageError::Corrupt`] when a row does not add up; [`StorageError::Unavailable`].
    pub async fn stored(&self, from: u64) -> Result<Vec<StoredEvent>, StorageError> {
        let log = self.inner.name.as_str();
        let last = (from.max(1) + PAGE_MAX - 1).min(self.head().size);
        let sql = format!(
            "SELECT position, header, salt, body, sealed FROM {log}_event WHERE position BETWEEN $1 AND $2 \
             ORDER BY position"
        );
        let parameters = vec![Value::I64(from.max(1) as i64), Value::I64(last as i64)];
        let rows = self.inner.engine.query(&sql, parameters).await?;
        (0..rows.len()).map(|row| stored(&rows, row)).collect()
    }

    /// The sealed field of an event, checked against the header's digest; `None` when the event has no such field.
    ///
    /// # Errors
    /// [`StorageError::Corrupt`] when the envelope is not the one the header commits to; [`StorageError::Unavailable`].
    pub async fn envelope(&self, position: u64, field: u16) -> Result<Option<(StoredEvent, Bytes)>, StorageError> {
        let corrupt = |what: &str| StorageError::Corrupt {
            position,
            what: what.to_owned(),
        };
        let log = self.inner.name.as_str();
        let sql = format!("SELECT position, header, salt, body, sealed FROM {log}_event WHERE position = $1");
        let rows = self.inner.engine.query(&sql, vec![Value::I64(position as i64)]).await?;
        if rows.is_empty() {
            return Ok(None);
        }
        self.until_durable(position).await;
        let event = stored(&rows, 0)?;
        let header = Header::parse(&event.header).map_err(|_| corrupt("the header does not parse"))?;
        let Some(at) = header.sealed.iter().position(|part| part.field == field) else {
            return Ok(None);
        };
        let envelope = event.envelopes.get(at).cloned().unwrap_or_default();
        if waystation_trust::envelope_digest(&envelope) != header.sealed[at].digest {
            return Err(corrupt("a sealed field does not hash to the header's digest"));
        }
        Ok(Some((event, envelope)))
    }

    /// The hashes of a tile, 256 when it is full, fewer at the right edge, none beyond it.
    ///
    /// # Errors
    /// [`StorageError::Corrupt`]; [`StorageError::Unavailable`].
    pub async fn tile(&self, level: u32, number: u64) -> Result<Vec<Hash>, StorageError> {
        let hashes = Tiles::new(self.inner.name, self.inner.engine.as_ref())
            .tile(level, number)
            .await?;
        // The last event under the tile, as far as it reaches.
        let reach = (number.saturating_mul(256) + hashes.len() as u64).checked_shl(8 * level);
        self.until_durable(reach.unwrap_or(u64::MAX)).await;
        Ok(hashes)
    }
}
