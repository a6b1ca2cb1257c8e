//! What a witness decides (C2SP tlog-witness): it cosigns a log's checkpoint only when the log has grown, without
//! change, from the one it cosigned last. Pure: keeping what was cosigned last, and HTTP, are the caller's.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::note::{Checkpoint, NOTE_BYTES_MAX, Note, NoteError};
use crate::policy::TrustPolicy;
use crate::proof::verify_consistency;
use crate::tree::{Hash, empty_root};

/// Most hashes of one consistency proof.
pub const PROOF_HASHES_MAX: usize = 63;
/// Longest request in bytes: proof, note and what separates them.
pub const REQUEST_BYTES_MAX: usize = NOTE_BYTES_MAX + 64 * 64;

/// `POST add-checkpoint`: a checkpoint, and the proof that it continues an older one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// Size of the checkpoint the witness is believed to have cosigned last.
    pub old_size: u64,
    /// Consistency proof from there.
    pub proof: Vec<Hash>,
    /// The signed checkpoint.
    pub note: String,
}

/// Why a witness does not cosign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The request does not read, or the checkpoint is older than it says.
    Malformed,
    /// A log the witness does not watch.
    UnknownLog,
    /// No signature by the log.
    Unsigned,
    /// The witness cosigned another size last; or, with this very size, another tree: a fork.
    Conflict {
        /// Size it cosigned last.
        size: u64,
    },
    /// The log did not grow from there.
    Inconsistent,
}

impl AddCheckpoint {
    /// The request's body.
    pub fn text(&self) -> String {
        let mut text = format!("old {}\n", self.old_size);
        for hash in &self.proof {
            text += &STANDARD.encode(hash);
            text.push('\n');
        }
        format!("{text}\n{}", self.note)
    }

    /// Reads a request's body.
    ///
    /// # Errors
    /// [`Refusal::Malformed`].
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        if text.len() > REQUEST_BYTES_MAX {
            return Err(Refusal::Malformed);
        }
        let (head, note) = text.split_once("\n\n").ok_or(Refusal::Malformed)?;
        let mut lines = head.lines();
        let old = lines.next().and_then(|line| line.strip_prefix("old "));
        let old_size: u64 = old.and_then(|size| size.parse().ok()).ok_or(Refusal::Malformed)?;
        let mut proof = Vec::new();
        for line in lines {
            let hash = STANDARD.decode(line).ok().and_then(|hash| Hash::try_from(hash).ok());
            proof.push(hash.ok_or(Refusal::Malformed)?);
        }
        let read = Self {
            old_size,
            proof,
            note: note.to_owned(),
        };
        if read.proof.len() > PROOF_HASHES_MAX || read.text() != text {
            return Err(Refusal::Malformed);
        }
        Ok(read)
    }

    /// The log the note claims to be of; `None` when it is no checkpoint.
    pub fn origin(&self) -> Option<String> {
        let note = Note::parse(&self.note).ok()?;
        Some(Checkpoint::parse(&note.text).ok()?.origin)
    }

    /// The checkpoint to cosign, and the text to cosign it with, if it continues the one cosigned last. `logs` are the
    /// logs that are watched.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn decide(
        &self,
        logs: &TrustPolicy,
        last: impl FnOnce(&str) -> Option<Checkpoint>,
    ) -> Result<(Checkpoint, String), Refusal> {
        let note = Note::parse(&self.note).map_err(|_| Refusal::Malformed)?;
        let claimed = Checkpoint::parse(&note.text).map_err(|_| Refusal::Malformed)?;
        if !logs.knows(&claimed.origin) {
            return Err(Refusal::UnknownLog);
        }
        let checkpoint = logs.accept_unwitnessed(&self.note).map_err(|error| match error {
            NoteError::Malformed | NoteError::NotACheckpoint => Refusal::Malformed,
            _ => Refusal::Unsigned,
        })?;
        if self.old_size > checkpoint.size {
            return Err(Refusal::Malformed);
        }
        let (size, root) = last(&checkpoint.origin).map_or((0, empty_root()), |last| (last.size, last.root));
        if self.old_size != size || size == checkpoint.size && root != checkpoint.root {
            return Err(Refusal::Conflict { size });
        }
        if verify_consistency(size, checkpoint.size, &self.proof, &root, &checkpoint.root) {
            Ok((checkpoint, note.text))
        } else {
            Err(Refusal::Inconsistent)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::note::Signer;
    use crate::proof::{consistency_ranges, join, range_nodes};
    use crate::tree::{leaf_hash, subtree_root};

    fn signer() -> Signer {
        Signer::new("waystation.test/1", &[7; 32]).expect("is a name")
    }

    fn leaves(count: u8) -> Vec<Hash> {
        (0..count).map(|number| leaf_hash(&[number])).collect()
    }

    fn request(old: u64, new: u8) -> AddCheckpoint {
        let leaves = leaves(new);
        let node = |level: u32, index: u64| {
            let width = 1_usize << level;
            subtree_root(&leaves[index as usize * width..(index as usize + 1) * width])
        };
        let proof = consistency_ranges(old, u64::from(new)).into_iter().filter_map(|range| {
            let nodes: Vec<Hash> = range_nodes(&range).iter().map(|at| node(at.level, at.index)).collect();
            join(&nodes)
        });
        AddCheckpoint {
            old_size: old,
            proof: proof.collect(),
            note: signer().sign(u64::from(new), subtree_root(&leaves)),
        }
    }

    fn checkpoint(size: u8) -> Checkpoint {
        Checkpoint {
            origin: "waystation.test/1".into(),
            size: size.into(),
            root: subtree_root(&leaves(size)),
        }
    }

    #[test]
    fn only_what_continues_the_last_is_cosigned() {
        let logs = TrustPolicy::of_log(signer().verifier());
        let decide = |request: &AddCheckpoint, last: Option<Checkpoint>| {
            request.decide(&logs, |_| last).map(|(accepted, _)| accepted.size)
        };
        assert_eq!(decide(&request(0, 5), None), Ok(5));
        assert_eq!(decide(&request(5, 9), Some(checkpoint(5))), Ok(9));
        assert_eq!(decide(&request(9, 9), Some(checkpoint(9))), Ok(9));
        assert_eq!(decide(&request(5, 9), None), Err(Refusal::Conflict { size: 0 }));
        assert_eq!(
            decide(&request(5, 9), Some(checkpoint(7))),
            Err(Refusal::Conflict { size: 7 })
        );
        let forked = Checkpoint {
            root: [1; 32],
            ..checkpoint(9)
        };
        assert_eq!(
            decide(&request(9, 9), Some(forked.clone())),
            Err(Refusal::Conflict { size: 9 })
        );
        let forked = Checkpoint { size: 5, ..forked };
        assert_eq!(decide(&request(5, 9), Some(forked)), Err(Refusal::Inconsistent));
        let backwards = AddCheckpoint {
            old_size: 9,
            ..request(5, 5)
        };
        assert_eq!(decide(&backwards, Some(checkpoint(9))), Err(Refusal::Malformed));

        let stranger = Signer::new("waystation.test/2", &[7; 32]).expect("is a name");
        let other = AddCheckpoint {
            note: stranger.sign(5, [0; 32]),
            ..request(0, 5)
        };
        assert_eq!(decide(&other, None), Err(Refusal::UnknownLog));
        let forger = Signer::new("waystation.test/1", &[8; 32]).expect("is a name");
        let forged = AddCheckpoint {
            note: forger.sign(5, [0; 32]),
            ..request(0, 5)
        };
        assert_eq!(decide(&forged, None), Err(Refusal::Unsigned));
    }

    #[test]
    fn a_request_reads_back_and_an_oversized_one_does_not() {
        let asked = request(5, 9);
        assert_eq!(AddCheckpoint::parse(&asked.text()), Ok(asked.clone()));
        for text in [
            asked.text().replacen("old 5", "old 05", 1),
            asked.text().replacen("old 5", "new 5", 1),
            asked.text().replacen('\n', "\nnonsense\n", 1),
            "old 5\n".to_owned(),
        ] {
            assert_eq!(AddCheckpoint::parse(&text), Err(Refusal::Malformed), "{text}");
        }
        let many = AddCheckpoint {
            proof: vec![[0; 32]; PROOF_HASHES_MAX + 1],
            ..asked
        };
        assert_eq!(AddCheckpoint::parse(&many.text()), Err(Refusal::Malformed));
    }
}
