//! Proofs from stored tiles: a handful of tiles and the unfinished right edge, never the whole log.

use std::collections::HashMap;
use std::ops::Range;

use waystation_trust::{Hash, Node, TILE_WIDTH, consistency_ranges, inclusion_ranges, join, range_nodes, subtree_root};

use crate::engine::{Engine, Value};
use crate::error::StorageError;
use crate::log::Log;
use crate::record::LogName;

impl Log {
    /// Proof that the event at `position` is in the tree of the first `size` events; RFC 9162 order.
    ///
    /// # Errors
    /// [`StorageError::Invalid`] unless `1 ≤ position ≤ size ≤` the log's size; [`StorageError::Corrupt`].
    pub async fn inclusion_proof(&self, position: u64, size: u64) -> Result<Vec<Hash>, StorageError> {
        if position == 0 || position > size || size > self.head().size {
            return Err(StorageError::Invalid(format!(
                "position {position} is not in a tree of {size}"
            )));
        }
        self.prove(&inclusion_ranges(position - 1, size)).await
    }

    /// Proof that the tree of the first `old` events is a prefix of that of the first `new`.
    ///
    /// # Errors
    /// [`StorageError::Invalid`] unless `old ≤ new ≤` the log's size; [`StorageError::Corrupt`].
    pub async fn consistency_proof(&self, old: u64, new: u64) -> Result<Vec<Hash>, StorageError> {
        if old > new || new > self.head().size {
            return Err(StorageError::Invalid(format!("no tree grew from {old} to {new}")));
        }
        self.prove(&consistency_ranges(old, new)).await
    }

    /// The root of the tree of the first `size` events.
    ///
    /// # Errors
    /// [`StorageError::Invalid`] when the log is shorter; [`StorageError::Corrupt`].
    pub async fn root_at(&self, size: u64) -> Result<Hash, StorageError> {
        if size > self.head().size {
            return Err(StorageError::Invalid(format!("the log is shorter than {size}")));
        }
        if size == 0 {
            return Ok(waystation_trust::empty_root());
        }
        let whole = 0..size;
        Ok(self.prove(std::slice::from_ref(&whole)).await?.remove(0))
    }

    async fn prove(&self, ranges: &[Range<u64>]) -> Result<Vec<Hash>, StorageError> {
        let mut tiles = Tiles::new(self.inner.name, self.inner.engine.as_ref());
        let mut proof = Vec::with_capacity(ranges.len());
        for range in ranges {
            let mut nodes = Vec::new();
            for node in range_nodes(range) {
                nodes.push(tiles.node(node).await?);
            }
            proof.extend(join(&nodes));
        }
        Ok(proof)
    }
}

/// Reads tiles, full or unfinished, each at most once.
pub(super) struct Tiles<'a> {
    name: LogName,
    engine: &'a dyn Engine,
    seen: HashMap<(u32, u64), Vec<Hash>>,
}

impl<'a> Tiles<'a> {
    pub(super) fn new(name: LogName, engine: &'a dyn Engine) -> Self {
        Self {
            name,
            engine,
            seen: HashMap::new(),
        }
    }

    async fn node(&mut self, node: Node) -> Result<Hash, StorageError> {
        let (tile_level, height) = (node.level / 8, node.level % 8);
        let first = node.index << height;
        let tile = (tile_level, first / TILE_WIDTH as u64);
        if !self.seen.contains_key(&tile) {
            let hashes = self.tile(tile.0, tile.1).await?;
            self.seen.insert(tile, hashes);
        }
        let start = (first % TILE_WIDTH as u64) as usize;
        self.seen[&tile]
            .get(start..start + (1 << height))
            .map(subtree_root)
            .ok_or_else(|| StorageError::Corrupt {
                position: 0,
                what: format!("tile {}/{} is too short", tile.0, tile.1),
            })
    }

    /// The hashes of a tile: from its row when full, else from the leaves or the tiles below.
    pub(super) async fn tile(&self, level: u32, number: u64) -> Result<Vec<Hash>, StorageError> {
        let log = self.name.as_str();
        let sql = format!("SELECT hashes FROM {log}_tile WHERE level = $1 AND number = $2");
        let key = vec![Value::I64(i64::from(level)), Value::I64(number as i64)];
        let rows = self.engine.query(&sql, key).await?;
        if !rows.is_empty() {
            return split_hashes(rows.slice(0, 0));
        }
        self.unfinished(level, number * TILE_WIDTH as u64).await
    }

    /// Up to 255 hashes of a level from `first` on, from the leaves or the tiles below.
    pub(super) async fn unfinished(&self, level: u32, first: u64) -> Result<Vec<Hash>, StorageError> {
        let log = self.name.as_str();
        let first = first as i64;
        let width = TILE_WIDTH as i64;
        let rows = if level == 0 {
            let sql = format!("SELECT leaf FROM {log}_event WHERE position > $1 AND position <= $2 ORDER BY position");
            self.engine
                .query(&sql, vec![Value::I64(first), Value::I64(first + width)])
                .await?
        } else {
            let sql = format!(
                "SELECT root FROM {log}_tile WHERE level = $1 AND number >= $2 AND number < $3 ORDER BY number"
            );
            let key = vec![
                Value::I64(i64::from(level) - 1),
                Value::I64(first),
                Value::I64(first + width),
            ];
            self.engine.query(&sql, key).await?
        };
        let mut hashes = Vec::with_capacity(rows.len());
        for row in 0..rows.len() {
            hashes.extend(split_hashes(rows.slice(row, 0))?);
        }
        Ok(hashes)
    }
}

/// A run of 32-byte hashes.
pub(super) fn split_hashes(bytes: &[u8]) -> Result<Vec<Hash>, StorageError> {
    let (hashes, rest) = bytes.as_chunks::<32>();
    if !rest.is_empty() {
        return Err(StorageError::Corrupt {
            position: 0,
            what: "a stored hash has the wrong length".into(),
        });
    }
    Ok(hashes.to_vec())
}
