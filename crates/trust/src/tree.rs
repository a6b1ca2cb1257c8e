//! The Merkle tree of RFC 6962, grown at its right edge only.
//!
//! Full tiles of 256 hashes are handed out once and never change. What is kept to go on growing is the frontier (the
//! roots of the complete subtrees, at most 64) and the hashes of each level's unfinished tile (at most 255 a level).

use sha2::{Digest, Sha256};

/// A SHA-256 hash.
pub type Hash = [u8; 32];

/// Hashes in a full tile.
pub const TILE_WIDTH: usize = 256;
/// Tree levels that one tile spans.
pub(crate) const TILE_LEVELS: u32 = 8;

/// `SHA-256(0x00 ‖ header)`.
pub fn leaf_hash(header: &[u8]) -> Hash {
    let mut hash = Sha256::new();
    hash.update([0x00]);
    hash.update(header);
    hash.finalize().into()
}

/// `SHA-256(0x01 ‖ left ‖ right)`.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut hash = Sha256::new();
    hash.update([0x01]);
    hash.update(left);
    hash.update(right);
    hash.finalize().into()
}

/// The root of the tree without leaves: the hash of nothing.
pub fn empty_root() -> Hash {
    Sha256::digest(b"").into()
}

/// The root over `hashes` taken as the leaves of one subtree, split as RFC 6962 splits.
pub fn subtree_root(hashes: &[Hash]) -> Hash {
    match hashes {
        [] => empty_root(),
        [only] => *only,
        _ => {
            let split = hashes.len().next_power_of_two() / 2;
            node_hash(&subtree_root(&hashes[..split]), &subtree_root(&hashes[split..]))
        }
    }
}

/// A full, immutable tile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tile {
    /// 0 for tiles of leaf hashes; a tile of level L+1 holds the roots of 256 tiles of level L.
    pub level: u32,
    /// Place among the tiles of its level, from 0.
    pub index: u64,
    /// Exactly [`TILE_WIDTH`] hashes.
    pub hashes: Vec<Hash>,
    /// Root of the subtree over `hashes`.
    pub root: Hash,
}

/// The growing edge of a tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    size: u64,
    peaks: Vec<Hash>,
    unfinished: Vec<Vec<Hash>>,
}

impl Tree {
    /// Restores an edge from what was stored: the frontier, and the hashes of each level's unfinished tile from level
    /// 0 up. `None` when the counts do not fit the size, or the two do not describe the same tree.
    pub fn restore(size: u64, peaks: Vec<Hash>, mut unfinished: Vec<Vec<Hash>>) -> Option<Self> {
        if peaks.len() != size.count_ones() as usize {
            return None;
        }
        while unfinished.last().is_some_and(Vec::is_empty) {
            unfinished.pop();
        }
        for level in 0..u64::BITS / TILE_LEVELS {
            let expected = ((size >> (level * TILE_LEVELS)) % TILE_WIDTH as u64) as usize;
            let held = unfinished.get(level as usize).map_or(0, Vec::len);
            if held != expected {
                return None;
            }
        }
        let tree = Self {
            size,
            peaks,
            unfinished,
        };
        (tree.peaks_of_unfinished() == tree.peaks).then_some(tree)
    }

    fn peaks_of_unfinished(&self) -> Vec<Hash> {
        let mut peaks = Vec::new();
        for hashes in self.unfinished.iter().rev() {
            let mut rest = hashes.as_slice();
            while !rest.is_empty() {
                let width = 1 << rest.len().ilog2();
                peaks.push(subtree_root(&rest[..width]));
                rest = &rest[width..];
            }
        }
        peaks
    }

    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Roots of the complete subtrees, largest first.
    pub fn peaks(&self) -> &[Hash] {
        &self.peaks
    }

    /// The hashes of a level's unfinished tile, fewer than [`TILE_WIDTH`].
    pub fn unfinished(&self, level: usize) -> &[Hash] {
        self.unfinished.get(level).map_or(&[], Vec::as_slice)
    }

    /// The root over all leaves.
    pub fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev();
        let Some(last) = peaks.next() else { return empty_root() };
        peaks.fold(*last, |right, left| node_hash(left, &right))
    }

    /// Adds a leaf; tiles that become full are pushed to `full`, lower levels first.
    pub fn append(&mut self, leaf: Hash, full: &mut Vec<Tile>) {
        self.peaks.push(leaf);
        let mut below = self.size;
        while below & 1 == 1 {
            let (Some(right), Some(left)) = (self.peaks.pop(), self.peaks.pop()) else {
                unreachable!("a tree of odd size has a peak for its lowest bit")
            };
            self.peaks.push(node_hash(&left, &right));
            below >>= 1;
        }
        self.size += 1;

        let mut carry = leaf;
        for level in 0.. {
            if self.unfinished.len() == level {
                self.unfinished.push(Vec::with_capacity(TILE_WIDTH));
            }
            let unfinished = &mut self.unfinished[level];
            unfinished.push(carry);
            if unfinished.len() < TILE_WIDTH {
                break;
            }
            let hashes = std::mem::take(unfinished);
            carry = subtree_root(&hashes);
            let index = (self.size >> (TILE_LEVELS * (level as u32 + 1))) - 1;
            full.push(Tile {
                level: level as u32,
                index,
                hashes,
                root: carry,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(number: u64) -> Hash {
        leaf_hash(&number.to_be_bytes())
    }

    #[test]
    fn the_root_equals_the_definition_for_every_small_size() {
        let mut tree = Tree::default();
        let mut leaves = Vec::new();
        assert_eq!(tree.root(), empty_root());
        for number in 0..700 {
            tree.append(leaf(number), &mut Vec::new());
            leaves.push(leaf(number));
            assert_eq!(tree.root(), subtree_root(&leaves), "size {}", number + 1);
        }
    }

    #[test]
    fn tiles_come_full_in_order_and_an_edge_restores_from_them() {
        let mut tree = Tree::default();
        let mut tiles = Vec::new();
        for number in 0..66_000 {
            tree.append(leaf(number), &mut tiles);
        }
        assert_eq!(tiles.iter().filter(|tile| tile.level == 0).count(), 257);
        assert_eq!(tiles.iter().filter(|tile| tile.level == 1).count(), 1);
        let level_0: Vec<u64> = tiles.iter().filter(|t| t.level == 0).map(|t| t.index).collect();
        assert_eq!(level_0, (0..257).collect::<Vec<_>>());

        let leaves: Vec<Hash> = (65_792..66_000).map(leaf).collect();
        let level_1 = vec![tiles.last().expect("some tile").root];
        let level_2 = vec![tiles.iter().find(|t| t.level == 1).expect("one").root];
        let unfinished = vec![leaves, level_1, level_2];
        let restored = Tree::restore(66_000, tree.peaks().to_vec(), unfinished.clone());
        assert_eq!(restored.as_ref().map(Tree::root), Some(tree.root()));

        let mut forged = unfinished;
        forged[0][5] = [9; 32];
        assert_eq!(Tree::restore(66_000, tree.peaks().to_vec(), forged), None);
    }
}
