//! Proves: what an event's bytes hash to, and how those hashes form a tree whose root commits to all history.
//!
//! This room is pure. It knows no SQL, no network and no domain: it turns bytes into hashes and hashes into proofs.
//! The formats are RFC 6962 / RFC 9162 trees over the canonical header `WSL1`, with C2SP-shaped 256-wide tiles.

pub mod bundle;
pub mod cosign;
pub mod disclosure;
pub mod envelope;
pub mod hex;
pub mod keyring;
pub mod leaf;
mod named_key;
pub mod note;
pub mod policy;
pub mod proof;
pub mod receipt;
pub mod recipient;
pub mod sealed_key;
pub mod tree;
pub mod witness;

/// The bytes of standard base64.
pub fn decode_base64(text: &str) -> Option<Vec<u8>> {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.decode(text).ok()
}

/// The thumbprint of a certificate (RFC 8705, `x5t#S256`): SHA-256 over its DER, in base64url without padding.
pub fn thumbprint(certificate: &[u8]) -> String {
    use base64::Engine;
    use sha2::Digest;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(sha2::Sha256::digest(certificate))
}

pub use cosign::{CosignatureVerifier, Cosigner};
pub use envelope::{DataKey, EnvelopeError, Place};
pub use keyring::{Keyring, KeyringError, TokenKind, Wrapped};
pub use leaf::{
    Header, HeaderError, SEALED_PARTS_MAX, SealedDigest, body_digest, encode_body, envelope_digest, parse_body,
};
pub use note::{Checkpoint, Note, NoteError, Signer, Verifier};
pub use policy::{Accepted, PolicyError, TrustPolicy, WitnessEntry};
pub use proof::{Node, consistency_ranges, inclusion_ranges, join, range_nodes, verify_consistency, verify_inclusion};
pub use tree::{Hash, TILE_WIDTH, Tile, Tree, empty_root, leaf_hash, node_hash, subtree_root};
