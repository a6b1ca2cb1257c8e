//! Generations: one filling of a view each, so that a rebuild happens beside the one that answers.

use super::ViewStore;
use crate::engine::{Column, Insert, Update, Write};
use crate::error::StorageError;

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

/// Rows of a dropped generation that one transaction deletes.
const DROPPED_ROWS_MAX: usize = 5_000;

impl ViewStore {
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

    /// Makes a built generation the live one and retires others, in one transaction.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn swap(&self, built: i64, retired: &[i64]) -> Result<(), StorageError> {
        let ids: Vec<i64> = std::iter::once(built).chain(retired.iter().copied()).collect();
        let states = std::iter::once(GenerationState::Live).chain(std::iter::repeat(GenerationState::Retired));
        let update = Update {
            table: "view_generation".into(),
            columns: &["state", "generation"],
            set: 1,
            only: "",
            values: vec![
                Column::Text(states.take(ids.len()).map(|state| state.as_str().into()).collect()),
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

    /// Drops a generation and everything in it, a slice at a time, so that saves of live views get their turn.
    ///
    /// # Errors
    /// When the database cannot be asked; calling again goes on.
    pub async fn drop_generation(&self, generation: i64) -> Result<(), StorageError> {
        for (table, key) in [
            ("view_document", "id, from_position"),
            ("view_key", "name, value, id, from_position"),
        ] {
            let any = format!("SELECT 1 FROM {table} WHERE generation = {generation} LIMIT 1");
            while !self.engine.query(&any, Vec::new()).await?.is_empty() {
                let slice = format!(
                    "DELETE FROM {table} WHERE generation = {generation} AND ({key}) IN \
                     (SELECT {key} FROM {table} WHERE generation = {generation} ORDER BY {key} LIMIT {DROPPED_ROWS_MAX})"
                );
                self.engine.script(&slice).await?;
            }
        }
        let last = format!("DELETE FROM view_generation WHERE generation = {generation}");
        Ok(self.engine.script(&last).await?)
    }
}
