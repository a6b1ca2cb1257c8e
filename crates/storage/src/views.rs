//! Views at rest: versioned documents, look-up keys and a checkpoint, saved together or not at all.

mod generation;
mod pack;

use std::sync::Arc;

use bytes::Bytes;

use crate::engine::{ASKED_MAX, Column, Engine, Insert, Rows, Update, Value, Write, padded};
use crate::error::StorageError;

pub use generation::{Generation, GenerationState};

/// `to_position` of a key that still holds.
pub const OPEN_END: u64 = i64::MAX as u64;
/// Rows of one page of a list.
const LIST_MAX: usize = 1_001;

/// A new version of a document.
#[derive(Clone, Debug)]
pub struct DocumentVersion {
    /// Document id.
    pub id: String,
    /// Position of the event that made it.
    pub from_position: u64,
    /// Encoded document; empty when the document ceased to be.
    pub body: Bytes,
}

/// A look-up key that begins to hold.
#[derive(Clone, Debug)]
pub struct KeyOpen {
    /// Number of the key within the view.
    pub name: u16,
    /// Value, sorted bytewise.
    pub value: String,
    /// Document id.
    pub id: String,
    /// Position of the event that made it hold.
    pub from_position: u64,
    /// Position from which it no longer holds; [`OPEN_END`] if it still does.
    pub to_position: u64,
}

/// A stored key that ceases to hold.
#[derive(Clone, Debug)]
pub struct KeyClose {
    /// Number of the key within the view.
    pub name: u16,
    /// Value.
    pub value: String,
    /// Document id.
    pub id: String,
    /// Position of the event that ended it.
    pub to_position: u64,
}

/// What one step of a projector changes.
#[derive(Clone, Debug, Default)]
pub struct ViewBatch {
    /// New document versions.
    pub documents: Vec<DocumentVersion>,
    /// Keys that begin (and perhaps end) in this step.
    pub opened: Vec<KeyOpen>,
    /// Keys of earlier steps that end.
    pub closed: Vec<KeyClose>,
}

/// Which keys a list goes through: values from `low` (inclusive) to `high` (exclusive).
#[derive(Clone, Debug)]
pub struct KeyRange {
    /// Number of the key within the view.
    pub name: u16,
    /// Smallest value.
    pub low: String,
    /// First value past the range.
    pub high: String,
    /// Largest value first.
    pub descending: bool,
}

/// A piece of a list: value and document id.
pub type ListPage = Vec<(String, String)>;

/// The views of a store. Cheap to clone.
#[derive(Clone)]
pub struct ViewStore {
    engine: Arc<dyn Engine>,
}

impl ViewStore {
    pub(crate) fn new(engine: Arc<dyn Engine>) -> Self {
        Self { engine }
    }

    /// Saves a step and moves the checkpoint `from` → `to`. `false`: the checkpoint was not at `from` (another runner
    /// was first, or the generation halted), and nothing was saved.
    ///
    /// # Errors
    /// When the database cannot be asked; nothing was saved.
    pub async fn save(&self, generation: i64, from: u64, to: u64, batch: ViewBatch) -> Result<bool, StorageError> {
        let guard = "UPDATE view_generation SET position = $3 \
                     WHERE generation = $1 AND position = $2 AND state IN ('LIVE', 'BUILDING') RETURNING generation";
        let parameters = vec![Value::I64(generation), Value::I64(from as i64), Value::I64(to as i64)];
        let mut write = Write {
            guard: Some((guard.into(), parameters)),
            ..Write::default()
        };
        let same = |count: usize| Column::I64(vec![generation; count]);
        if !batch.documents.is_empty() {
            let mut rows = pack::pack(batch.documents);
            // In the order of the index, whose pages are then written once each, not once a row.
            rows.sort_unstable_by(|a, b| (&a.id, a.from_position).cmp(&(&b.id, b.from_position)));
            let mut columns = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
            for row in rows {
                columns.0.push(row.id);
                columns.1.push(row.from_position as i64);
                columns.2.push(row.body);
                columns.3.push((!row.later.is_empty()).then(|| row.later.into()));
            }
            write.inserts.push(Insert {
                table: "view_document".into(),
                columns: &["generation", "id", "from_position", "body", "later"],
                values: vec![
                    same(columns.0.len()),
                    Column::Text(columns.0),
                    Column::I64(columns.1),
                    Column::Bytes(columns.2),
                    Column::OptionBytes(columns.3),
                ],
            });
        }
        if !batch.opened.is_empty() {
            let mut opened = batch.opened;
            opened.sort_unstable_by(|a, b| {
                (a.name, &a.value, &a.id, a.from_position).cmp(&(b.name, &b.value, &b.id, b.from_position))
            });
            let mut columns = (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
            for key in opened {
                columns.0.push(i64::from(key.name));
                columns.1.push(key.value);
                columns.2.push(key.id);
                columns.3.push(key.from_position as i64);
                columns.4.push(key.to_position as i64);
            }
            write.inserts.push(Insert {
                table: "view_key".into(),
                columns: &["generation", "name", "value", "id", "from_position", "to_position"],
                values: vec![
                    same(columns.0.len()),
                    Column::I64(columns.0),
                    Column::Text(columns.1),
                    Column::Text(columns.2),
                    Column::I64(columns.3),
                    Column::I64(columns.4),
                ],
            });
        }
        if !batch.closed.is_empty() {
            let mut columns = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
            for key in batch.closed {
                columns.0.push(key.to_position as i64);
                columns.1.push(i64::from(key.name));
                columns.2.push(key.value);
                columns.3.push(key.id);
            }
            let count = columns.0.len();
            write.updates.push(Update {
                table: "view_key".into(),
                columns: &["to_position", "generation", "name", "value", "id"],
                set: 1,
                only: "t.to_position = 9223372036854775807",
                values: vec![
                    Column::I64(columns.0),
                    same(count),
                    Column::I64(columns.1),
                    Column::Text(columns.2),
                    Column::Text(columns.3),
                ],
            });
        }
        Ok(self.engine.write(write).await?)
    }

    /// The versions of documents that hold at a position, in no order; documents that do not exist there are left out.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn documents(
        &self,
        generation: i64,
        ids: &[String],
        at: u64,
    ) -> Result<Vec<DocumentVersion>, StorageError> {
        let mut found = Vec::with_capacity(ids.len());
        for chunk in ids.chunks(ASKED_MAX) {
            let width = padded(chunk.len());
            // One index lookup a document, however many versions it has; no document has the empty id of the padding.
            let lookup = |number: usize| {
                format!(
                    "SELECT * FROM (SELECT id, from_position, body, later FROM view_document \
                     WHERE generation = $1 AND id = ${number} AND from_position <= $2 \
                     ORDER BY from_position DESC LIMIT 1) d{number}"
                )
            };
            let lookups: Vec<String> = (3..width + 3).map(lookup).collect();
            let sql = lookups.join(" UNION ALL ");
            let mut parameters = vec![Value::I64(generation), Value::I64(at as i64)];
            parameters.extend(chunk.iter().map(|id| Value::Text(id.clone())));
            parameters.resize(width + 2, Value::Text(String::new()));
            let rows = self.engine.query(&sql, parameters).await?;
            for row in 0..rows.len() {
                let versions = versions(&rows, row).into_iter();
                found.extend(versions.take_while(|version| version.from_position <= at).last());
            }
        }
        found.retain(|document| !document.body.is_empty());
        Ok(found)
    }

    /// Every version of every document, in (id, position) order, after a given one: for verifying a whole view. At least
    /// `limit`, up to the end of a row, if there are so many; none at the end.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn scan(
        &self,
        generation: i64,
        after: (&str, u64),
        limit: usize,
    ) -> Result<Vec<DocumentVersion>, StorageError> {
        let sql = "SELECT id, from_position, body, later FROM view_document \
                   WHERE generation = $1 AND (id, from_position) >= ($2, COALESCE((SELECT max(from_position) \
                   FROM view_document WHERE generation = $1 AND id = $2 AND from_position <= $3), 0)) \
                   ORDER BY id, from_position LIMIT $4";
        let parameters = vec![
            Value::I64(generation),
            Value::Text(after.0.to_owned()),
            Value::I64(after.1 as i64),
            Value::I64(limit.max(1) as i64 + 1),
        ];
        let rows = self.engine.query(sql, parameters).await?;
        let mut found = Vec::new();
        for row in 0..rows.len() {
            let versions = versions(&rows, row).into_iter();
            found.extend(versions.filter(|version| (version.id.as_str(), version.from_position) > after));
            // Whole rows only: the next page begins after the last version of this one.
            if found.len() >= limit {
                break;
            }
        }
        Ok(found)
    }

    /// Every key ever opened, in (name, value, id, position) order, after a given one: for verifying a whole view.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn scan_keys(
        &self,
        generation: i64,
        after: Option<&KeyOpen>,
        limit: usize,
    ) -> Result<Vec<KeyOpen>, StorageError> {
        let sql = "SELECT name, value, id, from_position, to_position FROM view_key \
                   WHERE generation = $1 AND (name, value, id, from_position) > ($2, $3, $4, $5) \
                   ORDER BY name, value, id, from_position LIMIT $6";
        let parameters = vec![
            Value::I64(generation),
            Value::I64(after.map_or(-1, |key| i64::from(key.name))),
            Value::Text(after.map_or_else(String::new, |key| key.value.clone())),
            Value::Text(after.map_or_else(String::new, |key| key.id.clone())),
            Value::I64(after.map_or(0, |key| key.from_position as i64)),
            Value::I64(limit as i64),
        ];
        let rows = self.engine.query(sql, parameters).await?;
        let key = |row| KeyOpen {
            name: rows.u64(row, 0) as u16,
            value: rows.text(row, 1),
            id: rows.text(row, 2),
            from_position: rows.u64(row, 3),
            to_position: rows.u64(row, 4),
        };
        Ok((0..rows.len()).map(key).collect())
    }

    /// How many keys in a range hold at a position.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn count(&self, generation: i64, range: &KeyRange, at: u64) -> Result<u64, StorageError> {
        let sql = "SELECT count(*) FROM view_key WHERE generation = $1 AND name = $2 AND value >= $3 AND value < $4 \
                   AND from_position <= $5 AND to_position > $5";
        let parameters = vec![
            Value::I64(generation),
            Value::I64(i64::from(range.name)),
            Value::Text(range.low.clone()),
            Value::Text(range.high.clone()),
            Value::I64(at as i64),
        ];
        Ok(self.engine.query(sql, parameters).await?.u64(0, 0))
    }

    /// The keys in a range that hold at a position, after a given (value, id) in the list's order.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn list(
        &self,
        generation: i64,
        range: &KeyRange,
        after: Option<&(String, String)>,
        at: u64,
        limit: usize,
    ) -> Result<ListPage, StorageError> {
        let (comparison, order) = if range.descending { ("<", "DESC") } else { (">", "ASC") };
        // Without a place to go on from, begin outside the range: before its first value, or past its last.
        let begin = if range.descending {
            range.high.clone()
        } else {
            range.low.clone()
        };
        let (value, id) = after.cloned().unwrap_or((begin, String::new()));
        let inclusive = if after.is_none() && !range.descending {
            ">="
        } else {
            comparison
        };
        let sql = format!(
            "SELECT value, id FROM view_key WHERE generation = $1 AND name = $2 AND value >= $3 AND value < $4 \
             AND (value, id) {inclusive} ($5, $6) AND from_position <= $7 AND to_position > $7 \
             ORDER BY value {order}, id {order} LIMIT $8"
        );
        let parameters = vec![
            Value::I64(generation),
            Value::I64(i64::from(range.name)),
            Value::Text(range.low.clone()),
            Value::Text(range.high.clone()),
            Value::Text(value),
            Value::Text(id),
            Value::I64(at as i64),
            Value::I64(limit.min(LIST_MAX) as i64),
        ];
        let rows = self.engine.query(&sql, parameters).await?;
        Ok((0..rows.len())
            .map(|row| (rows.text(row, 0), rows.text(row, 1)))
            .collect())
    }
}

/// The versions that a row holds.
fn versions(rows: &Rows, row: usize) -> Vec<DocumentVersion> {
    let first = DocumentVersion {
        id: rows.text(row, 0),
        from_position: rows.u64(row, 1),
        body: rows.bytes(row, 2),
    };
    pack::unpack(first, rows.slice(row, 3))
}
