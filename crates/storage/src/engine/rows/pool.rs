//! Buffers that are used again: fresh memory of the size of a page of history costs more to get, zeroed by the kernel, than
//! to fill.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

/// Bytes of a chunk that is used again.
pub(super) const CHUNK_BYTES: usize = 256 * 1024;
/// Chunks kept for later: 16 MiB.
const CHUNKS_KEPT_MAX: usize = 64;

static KEPT: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());

/// An empty chunk.
pub(super) fn chunk() -> Vec<u8> {
    let kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner).pop();
    kept.unwrap_or_else(|| Vec::with_capacity(CHUNK_BYTES))
}

/// A filled buffer, to be shared; a chunk comes back here when nobody holds a part of it any more.
pub(super) fn share(buffer: Vec<u8>) -> Bytes {
    if buffer.capacity() == CHUNK_BYTES {
        Bytes::from_owner(Chunk(buffer))
    } else {
        buffer.into()
    }
}

struct Chunk(Vec<u8>);

impl AsRef<[u8]> for Chunk {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        let mut buffer = std::mem::take(&mut self.0);
        buffer.clear();
        let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < CHUNKS_KEPT_MAX {
            kept.push(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_is_used_again_when_its_last_part_is_gone() {
        let mut filled = chunk();
        filled.extend_from_slice(b"abc");
        let place = filled.as_ptr();
        let shared = share(filled);
        let part = shared.slice(1..2);
        drop(shared);
        let other = chunk();
        assert_ne!(other.as_ptr(), place);
        assert_eq!(part, b"b".as_slice());
        drop(part);
        // Tests beside this one may have taken it first.
        let kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(
            kept.iter()
                .all(|buffer| buffer.is_empty() && buffer.capacity() == CHUNK_BYTES)
        );
    }
}
