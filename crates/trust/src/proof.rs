//! Inclusion and consistency proofs, made and checked as RFC 9162 §2.1.3–2.1.5 says.
//!
//! A proof is a list of subtree roots. This file says *which* subtrees ([`inclusion_ranges`], [`consistency_ranges`])
//! and which complete nodes make each of them up ([`range_nodes`]); whoever holds the tiles fetches those nodes and
//! joins them ([`join`]).

use std::ops::Range;

use crate::tree::{Hash, node_hash};

/// A complete subtree: `2^level` leaves, the `index`-th of that width.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Node {
    /// Height above the leaves.
    pub level: u32,
    /// Place among the nodes of its level, from 0.
    pub index: u64,
}

/// Largest power of two smaller than `size`; `size` is at least 2.
fn split(size: u64) -> u64 {
    1 << (size - 1).ilog2()
}

/// The leaf ranges whose roots prove that leaf `index` is in the tree of `size` leaves, deepest first. Empty when the
/// leaf is not in the tree, or is all of it.
pub fn inclusion_ranges(index: u64, size: u64) -> Vec<Range<u64>> {
    let mut ranges = Vec::new();
    if index < size {
        let (mut start, mut end) = (0, size);
        while end - start > 1 {
            let middle = start + split(end - start);
            if index < middle {
                ranges.push(middle..end);
                end = middle;
            } else {
                ranges.push(start..middle);
                start = middle;
            }
        }
        ranges.reverse();
    }
    ranges
}

/// The leaf ranges whose roots prove that the tree of `old` leaves is a prefix of the tree of `new` leaves. Empty when
/// either is empty, or they are equal, or `old` is larger.
pub fn consistency_ranges(old: u64, new: u64) -> Vec<Range<u64>> {
    let mut ranges = Vec::new();
    if old == 0 || old >= new {
        return ranges;
    }
    let (mut start, mut end) = (0, new);
    let mut whole = true;
    while old != end {
        let middle = start + split(end - start);
        if old <= middle {
            ranges.push(middle..end);
            end = middle;
        } else {
            ranges.push(start..middle);
            start = middle;
            whole = false;
        }
    }
    if !whole {
        ranges.push(start..end);
    }
    ranges.reverse();
    ranges
}

/// The complete nodes that make up a range of a proof, left to right. The range starts at a multiple of its own
/// largest power of two, as all ranges of proofs do.
pub fn range_nodes(range: &Range<u64>) -> Vec<Node> {
    let mut nodes = Vec::new();
    let mut start = range.start;
    while start < range.end {
        let level = (range.end - start).ilog2();
        nodes.push(Node {
            level,
            index: start >> level,
        });
        start += 1 << level;
    }
    nodes
}

/// The root of a range from its complete nodes, left to right. `None` for no nodes.
pub fn join(nodes: &[Hash]) -> Option<Hash> {
    let (last, rest) = nodes.split_last()?;
    Some(rest.iter().rev().fold(*last, |right, left| node_hash(left, &right)))
}

/// Whether `proof` shows that `leaf` is leaf number `index` (from 0) of the tree of `size` leaves with this `root`.
pub fn verify_inclusion(leaf: &Hash, index: u64, size: u64, proof: &[Hash], root: &Hash) -> bool {
    if index >= size {
        return false;
    }
    let (mut node, mut last) = (index, size - 1);
    let mut hash = *leaf;
    for step in proof {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(step, &hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, step);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && hash == *root
}

/// Whether `proof` shows that the tree of `old` leaves with `old_root` is a prefix of the tree of `new` leaves with
/// `new_root`. The empty tree is a prefix of every tree, with an empty proof.
pub fn verify_consistency(old: u64, new: u64, proof: &[Hash], old_root: &Hash, new_root: &Hash) -> bool {
    if old == 0 || old == new {
        return old <= new && proof.is_empty() && (old == 0 || old_root == new_root);
    }
    if old > new {
        return false;
    }
    let whole = old.is_power_of_two().then_some(*old_root);
    let mut steps = whole.iter().chain(proof);
    let Some(first) = steps.next() else { return false };
    let (mut node, mut last) = (old - 1, new - 1);
    while node & 1 == 1 {
        node >>= 1;
        last >>= 1;
    }
    let (mut old_hash, mut new_hash) = (*first, *first);
    for step in steps {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            old_hash = node_hash(step, &old_hash);
            new_hash = node_hash(step, &new_hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            new_hash = node_hash(&new_hash, step);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && old_hash == *old_root && new_hash == *new_root
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{leaf_hash, subtree_root};
    use ct_merkle::mem_backed_tree::MemoryBackedTree;
    use sha2::Sha256;

    const SIZES: u64 = 140;

    fn bytes(number: u64) -> Vec<u8> {
        number.to_be_bytes().to_vec()
    }

    fn make(ranges: &[Range<u64>], leaves: &[Hash]) -> Vec<Hash> {
        let node = |node: Node| {
            let width = 1_usize << node.level;
            let start = node.index as usize * width;
            subtree_root(&leaves[start..start + width])
        };
        ranges
            .iter()
            .filter_map(|range| join(&range_nodes(range).into_iter().map(node).collect::<Vec<_>>()))
            .collect()
    }

    fn flat(proof: &[Hash]) -> Vec<u8> {
        proof.concat()
    }

    #[test]
    fn proofs_agree_with_an_independent_implementation_for_every_small_size() {
        let mut oracle = MemoryBackedTree::<Sha256, Vec<u8>>::new();
        let mut leaves = Vec::new();
        let mut roots = vec![crate::tree::empty_root()];
        for size in 1..=SIZES {
            oracle.push(bytes(size - 1));
            leaves.push(leaf_hash(&bytes(size - 1)));
            let root = subtree_root(&leaves);
            assert_eq!(root.as_slice(), oracle.root().as_bytes().as_slice(), "root of {size}");
            roots.push(root);
            for index in 0..size {
                let proof = make(&inclusion_ranges(index, size), &leaves);
                let theirs = oracle.prove_inclusion(index as usize);
                assert_eq!(flat(&proof), theirs.as_bytes(), "inclusion {index} of {size}");
                assert!(verify_inclusion(&leaves[index as usize], index, size, &proof, &root));
            }
            for old in 1..size {
                let proof = make(&consistency_ranges(old, size), &leaves);
                let theirs = oracle.prove_consistency((size - old) as usize);
                assert_eq!(flat(&proof), theirs.as_bytes(), "consistency {old} to {size}");
                assert!(verify_consistency(old, size, &proof, &roots[old as usize], &root));
            }
        }
    }

    #[test]
    fn corrupted_proofs_are_refused() {
        let leaves: Vec<Hash> = (0..37).map(|n| leaf_hash(&bytes(n))).collect();
        let root = subtree_root(&leaves);
        for size in 2..=37_u64 {
            let old_root = subtree_root(&leaves[..size as usize - 1]);
            let proof = make(&consistency_ranges(size - 1, size), &leaves[..size as usize]);
            let new_root = subtree_root(&leaves[..size as usize]);
            for at in 0..proof.len() {
                let mut forged = proof.clone();
                forged[at][0] ^= 1;
                assert!(!verify_consistency(size - 1, size, &forged, &old_root, &new_root));
                assert!(!verify_consistency(size - 1, size, &proof[..at], &old_root, &new_root));
            }
        }
        for index in 0..37 {
            let proof = make(&inclusion_ranges(index, 37), &leaves);
            let leaf = leaves[index as usize];
            for at in 0..proof.len() {
                let mut forged = proof.clone();
                forged[at][31] ^= 128;
                assert!(!verify_inclusion(&leaf, index, 37, &forged, &root));
            }
            assert!(!verify_inclusion(&leaf, index, 37, &proof[1..], &root));
            assert!(!verify_inclusion(&leaf, (index + 1) % 37, 37, &proof, &root));
        }
    }
}
