//! Cosignatures: a witness says that at a time, this was the newest head it had seen of a log that only grew
//! (C2SP tlog-cosignature, Ed25519).

use std::fmt;

use crate::named_key::{Kind, PublicKey, SecretKey};
use crate::note::{Note, NoteError, parse_signatures, signature_line};

/// Signs for a witness. Neither shown by `Debug` nor serialised.
pub struct Cosigner(SecretKey);

impl fmt::Debug for Cosigner {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Cosigner({})", self.0.public().name)
    }
}

impl Cosigner {
    /// A key for a witness of this name, made of 32 random bytes.
    ///
    /// # Errors
    /// [`NoteError::BadKey`] unless the name has 1 to 256 visible ASCII characters other than `+`.
    pub fn new(name: &str, seed: &[u8; 32]) -> Result<Self, NoteError> {
        SecretKey::new(Kind::Witness, name, seed).map(Self)
    }

    /// Reads what [`Cosigner::secret`] gave.
    ///
    /// # Errors
    /// [`NoteError::BadKey`].
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        SecretKey::parse(Kind::Witness, text).map(Self)
    }

    /// The key as text, to be kept secret.
    pub fn secret(&self) -> String {
        self.0.text()
    }

    /// Who can verify what this signs.
    pub fn verifier(&self) -> CosignatureVerifier {
        CosignatureVerifier(self.0.public().clone())
    }

    /// The signature line for a checkpoint's text, at a time in seconds since 1970 UTC.
    pub fn cosign(&self, text: &str, at: u64) -> String {
        self.0.line(&at.to_be_bytes(), &message(text, at))
    }
}

fn message(text: &str, at: u64) -> String {
    format!("cosignature/v1\ntime {at}\n{text}")
}

/// Verifies the cosignatures of one witness; shown as text, it can be given to anybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CosignatureVerifier(PublicKey);

impl fmt::Display for CosignatureVerifier {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl CosignatureVerifier {
    /// Reads what `Display` gave.
    ///
    /// # Errors
    /// [`NoteError::BadKey`].
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        PublicKey::parse(Kind::Witness, text).map(Self)
    }

    /// When this witness cosigned the note, in seconds since 1970 UTC.
    ///
    /// # Errors
    /// [`NoteError::Unsigned`], [`NoteError::BadSignature`].
    pub fn time_of(&self, note: &Note) -> Result<u64, NoteError> {
        let (_, _, signature) = self.0.mine(&note.signatures).next().ok_or(NoteError::Unsigned)?;
        let (time, signature) = signature.split_first_chunk().ok_or(NoteError::BadSignature)?;
        let at = u64::from_be_bytes(*time);
        self.0.verify(&message(&note.text, at), signature).map(|()| at)
    }

    /// The line of a witness's answer that this key signed over the text; lines of others are left out.
    ///
    /// # Errors
    /// [`NoteError`], by what is wrong.
    pub fn line_of(&self, answer: &str, text: &str) -> Result<String, NoteError> {
        let note = Note {
            text: text.to_owned(),
            signatures: parse_signatures(answer)?,
        };
        self.time_of(&note)?;
        let (name, id, signature) = self.0.mine(&note.signatures).next().ok_or(NoteError::Unsigned)?;
        Ok(signature_line(name, *id, signature))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::note::Signer;

    #[test]
    fn a_cosignature_says_when_and_fits_only_its_text() {
        let witness = Cosigner::new("witness.test/district", &[3; 32]).expect("is a name");
        let signer = Signer::new("waystation.test/1", &[7; 32]).expect("is a name");
        let signed = signer.sign(42, [9; 32]);
        let text = Note::parse(&signed).expect("is a note").text;
        let line = witness.cosign(&text, 1_700_000_000);
        let note = Note::parse(&format!("{signed}{line}")).expect("is a note");
        assert_eq!(witness.verifier().time_of(&note), Ok(1_700_000_000));
        assert!(signer.verifier().open(&format!("{signed}{line}")).is_ok());
        assert_eq!(witness.verifier().line_of(&line, &text), Ok(line.clone()));
        assert_eq!(
            witness.verifier().line_of(&line, "another\n"),
            Err(NoteError::BadSignature)
        );
        let other = Cosigner::new("witness.test/district", &[4; 32]).expect("is a name");
        assert_eq!(other.verifier().time_of(&note), Err(NoteError::Unsigned));
    }

    #[test]
    fn keys_survive_as_text_and_are_not_keys_of_logs() {
        let witness = Cosigner::new("witness.test/district", &[3; 32]).expect("is a name");
        let again = Cosigner::parse(&witness.secret()).expect("reads");
        assert_eq!(again.verifier(), witness.verifier());
        let shown = witness.verifier().to_string();
        assert_eq!(CosignatureVerifier::parse(&shown), Ok(witness.verifier()));
        assert!(crate::note::Verifier::parse(&shown).is_err());
        assert!(Signer::parse(&witness.secret()).is_err());
    }
}
