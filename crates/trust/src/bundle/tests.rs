//! Bundles written and checked.

use super::*;
use crate::note::Signer;

type Files = HashMap<String, Vec<u8>>;

fn signer() -> Signer {
    Signer::new("waystation.test/1", &[7; 32]).expect("is a name")
}

fn header(position: u64, salt: [u8; 16], body: &[u8]) -> Vec<u8> {
    let header = Header {
        category: 1,
        position,
        event_id: [1; 16],
        stream: "case-1",
        revision: position - 1,
        event_type: "t",
        schema: 1,
        recorded_us: position as i64,
        actor: [0; 16],
        causation: [0; 16],
        body_length: body.len() as u32,
        body_digest: body_digest(&salt, body),
        sealed: Vec::new(),
    };
    header.encode().expect("fits")
}

fn bundle(size: u64) -> Files {
    let (mut files, mut tree, mut full) = (Files::new(), Tree::default(), Vec::new());
    let (mut entries, mut blobs, mut leaves) = (Vec::new(), Vec::new(), Vec::new());
    for position in 1..=size {
        let blob = Blob {
            salt: [position as u8; 16],
            body: b"body",
            envelopes: Vec::new(),
        };
        let header = header(position, blob.salt, blob.body);
        put_entry(&mut entries, &header);
        put_blob(&mut blobs, Some(&blob));
        leaves.push(leaf_hash(&header));
        tree.append(leaf_hash(&header), &mut full);
        if leaves.len() == TILE_WIDTH || position == size {
            let (number, width) = ((position - 1) / TILE_WIDTH as u64, leaves.len());
            files.insert(entries_path(number, width), std::mem::take(&mut entries));
            files.insert(blobs_path(number, width), std::mem::take(&mut blobs));
            files.insert(tile_path(0, number, width), std::mem::take(&mut leaves).concat());
        }
    }
    for tile in full.iter().filter(|tile| tile.level > 0) {
        files.insert(tile_path(tile.level, tile.index, TILE_WIDTH), tile.hashes.concat());
    }
    for level in 1..8 {
        let edge = tree.unfinished(level);
        if !edge.is_empty() {
            let number = (size >> (8 * level)) / TILE_WIDTH as u64;
            files.insert(tile_path(level as u32, number, edge.len()), edge.concat());
        }
    }
    files.insert(CHECKPOINT.into(), signer().sign(size, tree.root()).into_bytes());
    files
}

fn kinds(files: &Files, anchor: Option<&Checkpoint>) -> Vec<Kind> {
    let policy = TrustPolicy::of_log(signer().verifier());
    let report = verify(|path| files.get(path).cloned(), &policy, anchor);
    report.contradictions.iter().map(|found| found.kind).collect()
}

#[test]
fn a_bundle_of_any_size_verifies() {
    for size in [1, 2, 255, 256, 257, 600] {
        assert_eq!(kinds(&bundle(size), None), [], "{size}");
    }
}

#[test]
fn every_changed_file_is_named() {
    let files = bundle(300);
    for (path, bytes) in &files {
        let mut altered = files.clone();
        let mut changed = bytes.clone();
        let middle = changed.len() / 2;
        changed[middle] ^= 1;
        altered.insert(path.clone(), changed);
        assert_ne!(kinds(&altered, None), [], "{path}");
        let mut without = files.clone();
        without.remove(path);
        assert_ne!(kinds(&without, None), [], "{path}");
    }
}

#[test]
fn an_anchor_finds_a_fork_and_a_rollback() {
    let anchor = |size, root| Checkpoint {
        origin: "waystation.test/1".into(),
        size,
        root,
    };
    let files = bundle(300);
    assert_eq!(kinds(&files, Some(&anchor(200, [0; 32]))), [Kind::Fork]);
    assert_eq!(kinds(&files, Some(&anchor(301, [0; 32]))), [Kind::Rollback]);
    let mut tree = Tree::default();
    for position in 1..=200_u64 {
        tree.append(
            leaf_hash(&header(position, [position as u8; 16], b"body")),
            &mut Vec::new(),
        );
    }
    assert_eq!(kinds(&files, Some(&anchor(200, tree.root()))), []);
}

#[test]
fn paths_are_those_of_the_specification() {
    assert_eq!(tile_path(0, 1_234_067, 256), "tile/0/x001/x234/067");
    assert_eq!(entries_path(273, 112), "tile/entries/273.p/112");
}
