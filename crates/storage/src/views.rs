//! Views at rest: versioned documents, look-up keys and a checkpoint, saved together or not at all.

use std::sync::Arc;

use bytes::Bytes;

use crate::engine::{Column, Engine, Insert, Rows, Update, Value, Write};
use crate::error::StorageError;

/// `to_position` of a key that still holds.
pub const OPEN_END: u64 = i64::MAX as u64;
/// Documents fetched by one statement.
const FETCH_MAX: usize = 64;
/// Rows of one page of a list.
const LIST_MAX: usize = 1_000;

/// What a generation of a view is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GenerationState {
    /// Answers queries and follows the log.
    Live,
    /// Fills beside the live one.
    Building,
    /// Stopped at an event it could not apply.
    Halted,
    /// Replaced; may be dropped.
    Retired,
}

impl GenerationState {
    const ALL: [GenerationState; 4] = [
        GenerationState::Live,
        GenerationState::Building,
        GenerationState::Halted,
        GenerationState::Retired,
    ];

    /// Name, as stored and as shown.
    pub fn as_str(self) -> &'static str {
        match self {
            GenerationState::Live => "LIVE",
            GenerationState::Building => "BUILDING",
            GenerationState::Halted => "HALTED",
            GenerationState::Retired => "RETIRED",
        }
    }
}

/// One filling of a view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generation {
    /// Number, unique in the store.
    pub id: i64,
    /// View name.
    pub view: String,
    /// Version of the view's fold.
    pub version: u32,
    /// What it is doing.
    pub state: GenerationState,
    /// Checkpoint: every event up to here is folded in.
    pub position: u64,
    /// Why it halted; empty otherwise. Never event contents.
    pub failure: String,
}

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

    /// All generations, oldest first.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn generations(&self) -> Result<Vec<Generation>, StorageError> {
        let sql = "SELECT generation, view, version, state, position, failure FROM view_generation ORDER BY generation";
        let rows = self.engine.query(sql, Vec::new()).await?;
        (0..rows.len())
            .map(|row| {
                let state = rows.text(row, 3);
                let state = GenerationState::ALL.into_iter().find(|known| known.as_str() == state);
                Ok(Generation {
                    id: rows.i64(row, 0),
                    view: rows.text(row, 1),
                    version: rows.u64(row, 2) as u32,
                    state: state.ok_or_else(|| StorageError::Corrupt {
                        position: 0,
                        what: "a view generation has an unknown state".into(),
                    })?,
                    position: rows.u64(row, 4),
                    failure: rows.text(row, 5),
                })
            })
            .collect()
    }

    /// Begins an empty generation.
    ///
    /// # Errors
    /// When another process began one at the same moment, or the database cannot be asked.
    pub async fn create(&self, view: &str, version: u32, state: GenerationState) -> Result<Generation, StorageError> {
        let id = self.generations().await?.last().map_or(1, |last| last.id + 1);
        let row = vec![
            Column::I64(vec![id]),
            Column::Text(vec![view.to_owned()]),
            Column::I64(vec![i64::from(version)]),
            Column::Text(vec![state.as_str().to_owned()]),
            Column::I64(vec![0]),
            Column::Text(vec![String::new()]),
        ];
        let insert = Insert {
            table: "view_generation".into(),
            columns: &["generation", "view", "version", "state", "position", "failure"],
            values: row,
        };
        self.engine
            .write(Write {
                inserts: vec![insert],
                ..Write::default()
            })
            .await?;
        Ok(Generation {
            id,
            view: view.to_owned(),
            version,
            state,
            position: 0,
            failure: String::new(),
        })
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
            let mut ids = Vec::with_capacity(batch.documents.len());
            let mut froms = Vec::with_capacity(batch.documents.len());
            let mut bodies = Vec::with_capacity(batch.documents.len());
            for document in batch.documents {
                ids.push(document.id);
                froms.push(document.from_position as i64);
                bodies.push(document.body);
            }
            write.inserts.push(Insert {
                table: "view_document".into(),
                columns: &["generation", "id", "from_position", "body"],
                values: vec![
                    same(ids.len()),
                    Column::Text(ids),
                    Column::I64(froms),
                    Column::Bytes(bodies),
                ],
            });
        }
        if !batch.opened.is_empty() {
            let mut columns = (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
            for key in batch.opened {
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

    /// Changes what a generation is doing.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn set_state(&self, generation: i64, state: GenerationState, failure: &str) -> Result<(), StorageError> {
        let update = Update {
            table: "view_generation".into(),
            columns: &["state", "failure", "generation"],
            set: 2,
            only: "",
            values: vec![
                Column::Text(vec![state.as_str().into()]),
                Column::Text(vec![failure.into()]),
                Column::I64(vec![generation]),
            ],
        };
        self.engine
            .write(Write {
                updates: vec![update],
                ..Write::default()
            })
            .await?;
        Ok(())
    }

    /// Makes a built generation the live one and retires the one before, in one transaction.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn swap(&self, built: i64, retired: Option<i64>) -> Result<(), StorageError> {
        let ids: Vec<i64> = std::iter::once(built).chain(retired).collect();
        let states = [GenerationState::Live, GenerationState::Retired];
        let update = Update {
            table: "view_generation".into(),
            columns: &["state", "generation"],
            set: 1,
            only: "",
            values: vec![
                Column::Text(states[..ids.len()].iter().map(|state| state.as_str().into()).collect()),
                Column::I64(ids),
            ],
        };
        self.engine
            .write(Write {
                updates: vec![update],
                ..Write::default()
            })
            .await?;
        Ok(())
    }

    /// Drops a generation and everything in it.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn drop_generation(&self, generation: i64) -> Result<(), StorageError> {
        let script = format!(
            "DELETE FROM view_document WHERE generation = {generation};
             DELETE FROM view_key WHERE generation = {generation};
             DELETE FROM view_generation WHERE generation = {generation}"
        );
        Ok(self.engine.script(&script).await?)
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
        for chunk in ids.chunks(FETCH_MAX) {
            let width = if chunk.len() == 1 {
                1
            } else if chunk.len() <= 8 {
                8
            } else {
                FETCH_MAX
            };
            let padded = chunk.iter().chain(std::iter::repeat(&chunk[0])).take(width);
            let marks: Vec<String> = (3..width + 3).map(|n| format!("${n}")).collect();
            let sql = format!(
                "SELECT id, from_position, body FROM view_document d \
                 WHERE generation = $1 AND id IN ({}) AND from_position = \
                 (SELECT max(from_position) FROM view_document \
                  WHERE generation = $1 AND id = d.id AND from_position <= $2)",
                marks.join(", ")
            );
            let mut parameters = vec![Value::I64(generation), Value::I64(at as i64)];
            parameters.extend(padded.map(|id| Value::Text(id.clone())));
            found.extend(versions(&self.engine.query(&sql, parameters).await?));
        }
        found.retain(|document| !document.body.is_empty());
        Ok(found)
    }

    /// All versions of a document from `after` (exclusive) on, oldest first, at most `limit`; ended ones included.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn history(
        &self,
        generation: i64,
        id: &str,
        after: u64,
        limit: usize,
    ) -> Result<Vec<DocumentVersion>, StorageError> {
        let sql = "SELECT id, from_position, body FROM view_document \
                   WHERE generation = $1 AND id = $2 AND from_position > $3 ORDER BY from_position LIMIT $4";
        let parameters = vec![
            Value::I64(generation),
            Value::Text(id.to_owned()),
            Value::I64(after as i64),
            Value::I64(limit.min(LIST_MAX) as i64),
        ];
        Ok(versions(&self.engine.query(sql, parameters).await?).collect())
    }

    /// Every version of every document, in (id, position) order, after a given one: for verifying a whole view.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn scan(
        &self,
        generation: i64,
        after: (&str, u64),
        limit: usize,
    ) -> Result<Vec<DocumentVersion>, StorageError> {
        let sql = "SELECT id, from_position, body FROM view_document \
                   WHERE generation = $1 AND (id, from_position) > ($2, $3) ORDER BY id, from_position LIMIT $4";
        let parameters = vec![
            Value::I64(generation),
            Value::Text(after.0.to_owned()),
            Value::I64(after.1 as i64),
            Value::I64(limit as i64),
        ];
        Ok(versions(&self.engine.query(sql, parameters).await?).collect())
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

fn versions(rows: &Rows) -> impl Iterator<Item = DocumentVersion> + '_ {
    (0..rows.len()).map(|row| DocumentVersion {
        id: rows.text(row, 0),
        from_position: rows.u64(row, 1),
        body: rows.bytes(row, 2),
    })
}
