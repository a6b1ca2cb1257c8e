//! Signed checkpoints in the text formats of C2SP (signed-note, tlog-checkpoint), so that a stranger can verify them with
//! tools that are not ours.
//!
//! A note is a text, an empty line, and a line for each signature: an em dash, the key's name, and base64 of the key's
//! four-byte id and the signature. A checkpoint's text is origin, size and root; the origin is also the key's name.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::named_key::{Kind, PublicKey, SecretKey};
use crate::tree::Hash;

/// Longest note that is read, in bytes.
pub const NOTE_BYTES_MAX: usize = 64 * 1024;
/// Most signatures that are looked at in one note.
const SIGNATURES_MAX: usize = 100;
/// Why a note or a key is not accepted. Messages never hold key material.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// It is no signed note, or too long.
    #[error("it is not a signed note")]
    Malformed,
    /// The text is no checkpoint: origin, size and root on three lines.
    #[error("the note's text is not a checkpoint")]
    NotACheckpoint,
    /// The checkpoint is of another log than the key's.
    #[error("the checkpoint is of another log")]
    OtherOrigin,
    /// No signature by the key.
    #[error("the note is not signed by this key")]
    Unsigned,
    /// A signature by the key that does not fit the text.
    #[error("the signature does not fit the text")]
    BadSignature,
    /// Too few of the witnesses that are asked for have cosigned.
    #[error("too few witnesses have cosigned the note")]
    Unwitnessed,
    /// The proof does not lead from the event to the checkpoint's root.
    #[error("the proof does not show that the event is in the checkpoint's tree")]
    NotIncluded,
    /// A key or name that does not read.
    #[error("the key does not read")]
    BadKey,
}

/// What a log claims about itself: how long it is, and the root that commits to all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Names the log for good.
    pub origin: String,
    /// Events.
    pub size: u64,
    /// Root of the tree over them.
    pub root: Hash,
}

impl Checkpoint {
    /// The text that is signed.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root))
    }

    /// Reads such a text. Only the one form [`Checkpoint::text`] gives is accepted.
    ///
    /// # Errors
    /// [`NoteError::NotACheckpoint`].
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let mut lines = text.lines();
        let (Some(origin), Some(size), Some(root), None) = (lines.next(), lines.next(), lines.next(), lines.next())
        else {
            return Err(NoteError::NotACheckpoint);
        };
        let root = STANDARD.decode(root).ok().and_then(|root| Hash::try_from(root).ok());
        let read = Self {
            origin: origin.to_owned(),
            size: size.parse().map_err(|_| NoteError::NotACheckpoint)?,
            root: root.ok_or(NoteError::NotACheckpoint)?,
        };
        // Leading zeros, signs, missing ends of line: another text would be another signature.
        if read.text() == text && !origin.is_empty() {
            Ok(read)
        } else {
            Err(NoteError::NotACheckpoint)
        }
    }
}

/// A signature of a note: the key's name and id, and the bytes.
pub(crate) type SignatureLine = (String, [u8; 4], Vec<u8>);

/// The text of a signature.
pub(crate) fn signature_line(name: &str, id: [u8; 4], signature: &[u8]) -> String {
    format!("— {name} {}\n", STANDARD.encode([&id[..], signature].concat()))
}

/// Reads signatures, of which only the first hundred are looked at.
pub(crate) fn parse_signatures(lines: &str) -> Result<Vec<SignatureLine>, NoteError> {
    let mut signatures = Vec::new();
    for line in lines.lines().take(SIGNATURES_MAX) {
        let rest = line.strip_prefix("— ").ok_or(NoteError::Malformed)?;
        let (name, encoded) = rest.split_once(' ').ok_or(NoteError::Malformed)?;
        let bytes = STANDARD.decode(encoded).map_err(|_| NoteError::Malformed)?;
        let (id, signature) = bytes.split_first_chunk().ok_or(NoteError::Malformed)?;
        signatures.push((name.to_owned(), *id, signature.to_vec()));
    }
    Ok(signatures)
}

/// A note, taken apart but not verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// What is signed, with its last end of line.
    pub text: String,
    pub(crate) signatures: Vec<SignatureLine>,
}

impl Note {
    /// Takes a note apart.
    ///
    /// # Errors
    /// [`NoteError::Malformed`].
    pub fn parse(note: &str) -> Result<Self, NoteError> {
        if note.len() > NOTE_BYTES_MAX {
            return Err(NoteError::Malformed);
        }
        let (text, lines) = note.rsplit_once("\n\n").ok_or(NoteError::Malformed)?;
        if !lines.ends_with('\n') {
            return Err(NoteError::Malformed);
        }
        Ok(Self {
            text: format!("{text}\n"),
            signatures: parse_signatures(lines)?,
        })
    }
}

/// What the origin of the log of readings ends with; it begins as the main log's does, and its key is the same.
const ACCESS: &str = "/access";

/// Signs checkpoints of one log. Neither shown by `Debug` nor serialised.
pub struct Signer(SecretKey);

impl fmt::Debug for Signer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Signer({})", self.0.public().name)
    }
}

impl Signer {
    /// A key for a log of this origin, made of 32 random bytes.
    ///
    /// # Errors
    /// [`NoteError::BadKey`] unless the origin has 1 to 256 visible ASCII characters other than `+`.
    pub fn new(origin: &str, seed: &[u8; 32]) -> Result<Self, NoteError> {
        SecretKey::new(Kind::Log, origin, seed).map(Self)
    }

    /// Reads what [`Signer::secret`] gave.
    ///
    /// # Errors
    /// [`NoteError::BadKey`].
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        SecretKey::parse(Kind::Log, text).map(Self)
    }

    /// The key as text, to be kept secret.
    pub fn secret(&self) -> String {
        self.0.text()
    }

    /// Who can verify what this signs.
    pub fn verifier(&self) -> Verifier {
        Verifier(self.0.public().clone())
    }

    /// Signs for the log of readings beside this log.
    ///
    /// # Errors
    /// [`NoteError::BadKey`] when the origin is so long that nothing fits behind it.
    pub fn of_access(&self) -> Result<Self, NoteError> {
        let origin = format!("{}{ACCESS}", self.0.public().name);
        self.0.named(&origin).map(Self)
    }

    /// A signed checkpoint of the log.
    pub fn sign(&self, size: u64, root: Hash) -> String {
        let checkpoint = Checkpoint {
            origin: self.0.public().name.clone(),
            size,
            root,
        };
        let text = checkpoint.text();
        format!("{text}\n{}", self.0.line(&[], &text))
    }
}

/// Verifies checkpoints of one log; shown as text, it can be given to anybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verifier(PublicKey);

impl fmt::Display for Verifier {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl Verifier {
    /// Verifies for the log of readings beside this log.
    pub fn of_access(&self) -> Self {
        let mut public = self.0.clone();
        public.name += ACCESS;
        Self(public)
    }

    /// Reads what `Display` gave.
    ///
    /// # Errors
    /// [`NoteError::BadKey`].
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        PublicKey::parse(Kind::Log, text).map(Self)
    }

    /// The checkpoint in a note, if this key has signed it. Signatures by others are passed over.
    ///
    /// # Errors
    /// [`NoteError`], by what is wrong.
    pub fn open(&self, note: &str) -> Result<Checkpoint, NoteError> {
        let Note { text, signatures } = Note::parse(note)?;
        let mut outcome = Err(NoteError::Unsigned);
        for (_, _, signature) in self.0.mine(&signatures) {
            self.0.verify(&text, signature)?;
            outcome = Ok(());
        }
        outcome?;
        let checkpoint = Checkpoint::parse(&text)?;
        if checkpoint.origin == self.0.name {
            Ok(checkpoint)
        } else {
            Err(NoteError::OtherOrigin)
        }
    }

    /// The name of the key, which is the log's origin.
    pub fn origin(&self) -> &str {
        &self.0.name
    }

    /// The raw public key, for tools that know no notes.
    pub fn public_key(&self) -> [u8; 32] {
        self.0.key.to_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signer() -> Signer {
        Signer::new("waystation.test/station/1", &[7; 32]).expect("is a name")
    }

    #[test]
    fn what_is_signed_opens_and_nothing_else_does() {
        let signer = signer();
        let verifier = signer.verifier();
        let note = signer.sign(42, [9; 32]);
        let opened = verifier.open(&note).expect("is ours");
        assert_eq!((opened.size, opened.root), (42, [9; 32]));
        for at in 0..note.len() {
            let mut altered = note.clone().into_bytes();
            altered[at] ^= 1;
            if let Ok(altered) = String::from_utf8(altered) {
                assert!(verifier.open(&altered).is_err(), "byte {at} may not change");
            }
        }
        let other = Signer::new("waystation.test/station/1", &[8; 32]).expect("is a name");
        assert_eq!(other.verifier().open(&note), Err(NoteError::Unsigned));
        assert_eq!(
            verifier.open(&"x".repeat(NOTE_BYTES_MAX + 1)),
            Err(NoteError::Malformed)
        );
    }

    #[test]
    fn a_cosignature_beside_ours_is_passed_over() {
        let signer = signer();
        let note = format!("{}— witness.example AAAAAAAA\n", signer.sign(1, [0; 32]));
        assert!(signer.verifier().open(&note).is_ok());
    }

    #[test]
    fn keys_survive_as_text_and_altered_ones_are_refused() {
        let signer = signer();
        let again = Signer::parse(&signer.secret()).expect("reads");
        assert_eq!(again.verifier(), signer.verifier());
        let shown = signer.verifier().to_string();
        assert_eq!(Verifier::parse(&shown), Ok(signer.verifier()));
        assert_eq!(
            Verifier::parse(&shown.replace("station/1", "station/2")),
            Err(NoteError::BadKey)
        );
        assert!(Signer::parse(&shown).is_err());
        assert!(!format!("{signer:?}").contains(&signer.secret()));
        for name in ["", "with space", "with+plus", "街道"] {
            assert!(Signer::new(name, &[1; 32]).is_err(), "{name}");
        }
    }

    #[test]
    fn a_checkpoint_has_one_form() {
        let text = signer().sign(5, [1; 32]);
        let text = text.split("\n\n").next().expect("has a text").to_owned() + "\n";
        assert!(Checkpoint::parse(&text).is_ok());
        for other in [
            text.replace("\n5\n", "\n05\n"),
            text.replace("\n5\n", "\n+5\n"),
            text.clone() + "more\n",
        ] {
            assert_eq!(Checkpoint::parse(&other), Err(NoteError::NotACheckpoint), "{other}");
        }
    }
}
