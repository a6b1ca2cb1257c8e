//! Signed checkpoints as they were given out. The log keeps what it has claimed about itself, so that `verify` can hold it
//! to every claim.

use bytes::Bytes;

use crate::engine::{Column, EngineError, Insert, Value, Write};
use crate::error::StorageError;
use crate::log::Log;

/// Checkpoints of one page.
const PAGE_MAX: usize = 1_024;

/// A claim that was given out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptCheckpoint {
    /// Events it covers.
    pub size: u64,
    /// Witnesses that had cosigned it.
    pub witnesses: u64,
    /// The signed note.
    pub note: String,
}

impl Log {
    /// Keeps a checkpoint for good; one that is there already stays as it is.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn keep_checkpoint(&self, kept: &KeptCheckpoint) -> Result<(), StorageError> {
        let insert = Insert {
            table: format!("{}_checkpoint", self.inner.name.as_str()),
            columns: &["size", "witnesses", "note"],
            values: vec![
                Column::I64(vec![kept.size as i64]),
                Column::I64(vec![kept.witnesses as i64]),
                Column::Bytes(vec![Bytes::copy_from_slice(kept.note.as_bytes())]),
            ],
        };
        let write = Write {
            inserts: vec![insert],
            ..Write::default()
        };
        match self.inner.engine.write(write).await {
            Ok(_) | Err(EngineError::Unique { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// A page of checkpoints, smallest first, after one with this size and number of witnesses.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn checkpoints(&self, after: Option<(u64, u64)>) -> Result<Vec<KeptCheckpoint>, StorageError> {
        let log = self.inner.name.as_str();
        let (size, witnesses) = after.map_or((-1, -1), |(size, witnesses)| (size as i64, witnesses as i64));
        let sql = format!(
            "SELECT size, witnesses, note FROM {log}_checkpoint \
             WHERE size > $1 OR (size = $1 AND witnesses > $2) ORDER BY size, witnesses LIMIT $3"
        );
        let parameters = vec![Value::I64(size), Value::I64(witnesses), Value::I64(PAGE_MAX as i64)];
        let rows = self.inner.engine.query(&sql, parameters).await?;
        let kept = (0..rows.len()).map(|row| KeptCheckpoint {
            size: rows.u64(row, 0),
            witnesses: rows.u64(row, 1),
            note: rows.text(row, 2),
        });
        Ok(kept.collect())
    }

    /// The kept checkpoint that covers most, and of those the one with most witnesses.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn newest_checkpoint(&self, witnessed: bool) -> Result<Option<KeptCheckpoint>, StorageError> {
        let log = self.inner.name.as_str();
        let sql = format!(
            "SELECT size, witnesses, note FROM {log}_checkpoint WHERE witnesses >= $1 \
             ORDER BY size DESC, witnesses DESC LIMIT 1"
        );
        let rows = self
            .inner
            .engine
            .query(&sql, vec![Value::I64(i64::from(witnessed))])
            .await?;
        Ok((!rows.is_empty()).then(|| KeptCheckpoint {
            size: rows.u64(0, 0),
            witnesses: rows.u64(0, 1),
            note: rows.text(0, 2),
        }))
    }
}
