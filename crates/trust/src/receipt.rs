//! A receipt: the proof that one event is in a signed tree, in the text form of C2SP tlog-proof, to be kept and verified
//! offline.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::note::{NOTE_BYTES_MAX, NoteError};
use crate::policy::{Accepted, TrustPolicy};
use crate::proof::verify_inclusion;
use crate::tree::{Hash, leaf_hash};

const FIRST_LINE: &str = "c2sp.org/tlog-proof@v1";
/// Longest receipt that is read, in bytes.
pub const RECEIPT_BYTES_MAX: usize = NOTE_BYTES_MAX + 64 * 1024;
/// Most hashes of an inclusion proof.
const HASHES_MAX: usize = 64;

/// A receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Leaf, from 0: the event's position − 1.
    pub index: u64,
    /// Inclusion proof.
    pub hashes: Vec<Hash>,
    /// The signed checkpoint it proves inclusion in.
    pub note: String,
}

impl Receipt {
    /// The receipt as text.
    pub fn text(&self) -> String {
        let mut text = format!("{FIRST_LINE}\nindex {}\n", self.index);
        for hash in &self.hashes {
            text += &STANDARD.encode(hash);
            text.push('\n');
        }
        format!("{text}\n{}", self.note)
    }

    /// Reads a receipt. A line `extra` is passed over: it proves nothing.
    ///
    /// # Errors
    /// [`NoteError::Malformed`].
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        if text.len() > RECEIPT_BYTES_MAX {
            return Err(NoteError::Malformed);
        }
        let (head, note) = text.split_once("\n\n").ok_or(NoteError::Malformed)?;
        let mut lines = head.lines().filter(|line| !line.starts_with("extra "));
        if lines.next() != Some(FIRST_LINE) {
            return Err(NoteError::Malformed);
        }
        let index = lines.next().and_then(|line| line.strip_prefix("index "));
        let index = index.and_then(|index| index.parse().ok()).ok_or(NoteError::Malformed)?;
        let mut hashes = Vec::new();
        for line in lines {
            let hash = STANDARD.decode(line).ok().and_then(|hash| Hash::try_from(hash).ok());
            hashes.push(hash.ok_or(NoteError::Malformed)?);
        }
        if hashes.len() > HASHES_MAX {
            return Err(NoteError::Malformed);
        }
        Ok(Self {
            index,
            hashes,
            note: note.to_owned(),
        })
    }

    /// Whether it proves that the event with this header is in a tree the policy accepts.
    ///
    /// # Errors
    /// [`NoteError`]; [`NoteError::NotIncluded`] when the header is not the one at that place.
    pub fn verify(&self, header: &[u8], policy: &TrustPolicy) -> Result<Accepted, NoteError> {
        let accepted = policy.accept(&self.note)?;
        let tree = &accepted.checkpoint;
        if verify_inclusion(&leaf_hash(header), self.index, tree.size, &self.hashes, &tree.root) {
            Ok(accepted)
        } else {
            Err(NoteError::NotIncluded)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::note::Signer;
    use crate::tree::node_hash;

    #[test]
    fn a_receipt_proves_its_own_header_and_no_other() {
        let signer = Signer::new("waystation.test/1", &[7; 32]).expect("is a name");
        let policy = TrustPolicy::of_log(signer.verifier());
        let (first, second) = (leaf_hash(b"one"), leaf_hash(b"two"));
        let receipt = Receipt {
            index: 1,
            hashes: vec![first],
            note: signer.sign(2, node_hash(&first, &second)),
        };
        let read = Receipt::parse(&receipt.text()).expect("reads");
        assert_eq!(read, receipt);
        assert_eq!(read.verify(b"two", &policy).expect("is in").checkpoint.size, 2);
        assert_eq!(read.verify(b"one", &policy), Err(NoteError::NotIncluded));
        let moved = Receipt { index: 0, ..read };
        assert_eq!(moved.verify(b"two", &policy), Err(NoteError::NotIncluded));
        for text in [
            "",
            "c2sp.org/tlog-proof@v2\nindex 0\n\nnote\n",
            "c2sp.org/tlog-proof@v1\n\n",
        ] {
            assert_eq!(Receipt::parse(text), Err(NoteError::Malformed));
        }
        // More hashes than a tree can have levels, and more text than anybody reads.
        let oversized = |count| Receipt {
            hashes: vec![first; count],
            ..receipt.clone()
        };
        assert!(Receipt::parse(&oversized(HASHES_MAX).text()).is_ok());
        assert_eq!(
            Receipt::parse(&oversized(HASHES_MAX + 1).text()),
            Err(NoteError::Malformed)
        );
        let endless = format!("{}{}", receipt.text(), "x".repeat(RECEIPT_BYTES_MAX));
        assert_eq!(Receipt::parse(&endless), Err(NoteError::Malformed));
    }
}
