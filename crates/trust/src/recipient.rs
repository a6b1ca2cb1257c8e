//! Encrypting to somebody who is not here: the holders of sealed keys, an inspector who takes a bundle away. The format is
//! age (age-encryption.org/v1, X25519), so that they can open it with tools that are not ours.

use age::secrecy::ExposeSecret;
use age::x25519;
use zeroize::Zeroizing;

/// Largest message that is opened, in bytes.
const MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Why something is not encrypted or opened.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum RecipientError {
    /// It is no recipient.
    #[error("expected a recipient, age1…")]
    Recipient,
    /// It is no identity.
    #[error("expected an identity, AGE-SECRET-KEY-1…")]
    Identity,
    /// It was not encrypted to this identity, or is not what was encrypted.
    #[error("it does not open with this identity")]
    DoesNotOpen,
}

/// A new identity, and the recipient that others encrypt to.
pub fn new_identity() -> (Zeroizing<String>, String) {
    let identity = x25519::Identity::generate();
    let recipient = identity.to_public().to_string();
    (
        Zeroizing::new(identity.to_string().expose_secret().to_owned()),
        recipient,
    )
}

/// Whether text names a recipient.
///
/// # Errors
/// [`RecipientError::Recipient`].
pub fn check_recipient(recipient: &str) -> Result<(), RecipientError> {
    parse(recipient).map(drop)
}

fn parse(recipient: &str) -> Result<x25519::Recipient, RecipientError> {
    recipient.parse().map_err(|_| RecipientError::Recipient)
}

/// Encrypts to a recipient.
///
/// # Errors
/// [`RecipientError::Recipient`].
pub fn encrypt_to(recipient: &str, plain: &[u8]) -> Result<Vec<u8>, RecipientError> {
    age::encrypt(&parse(recipient)?, plain).map_err(|_| RecipientError::Recipient)
}

/// Opens what was encrypted to an identity: the line of a file of identities that is no comment.
///
/// # Errors
/// [`RecipientError::Identity`], [`RecipientError::DoesNotOpen`].
pub fn decrypt_with(identity: &str, encrypted: &[u8]) -> Result<Zeroizing<Vec<u8>>, RecipientError> {
    let mut lines = identity
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    let identity: x25519::Identity = lines
        .next()
        .and_then(|line| line.parse().ok())
        .ok_or(RecipientError::Identity)?;
    if encrypted.len() > MESSAGE_BYTES_MAX {
        return Err(RecipientError::DoesNotOpen);
    }
    age::decrypt(&identity, encrypted)
        .map(Zeroizing::new)
        .map_err(|_| RecipientError::DoesNotOpen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encrypted_to_one_opens_for_nobody_else() {
        let ((mine, to_me), (other, to_other)) = (new_identity(), new_identity());
        let encrypted = encrypt_to(&to_me, b"key").expect("encrypts");
        let file = format!("# made today\n\n{}\n", *mine);
        assert_eq!(decrypt_with(&file, &encrypted).expect("opens").as_slice(), b"key");
        assert_eq!(decrypt_with(&other, &encrypted), Err(RecipientError::DoesNotOpen));
        // One inside the other takes both.
        let twice = encrypt_to(&to_other, &encrypted).expect("encrypts");
        assert_eq!(decrypt_with(&mine, &twice), Err(RecipientError::DoesNotOpen));
        let inner = decrypt_with(&other, &twice).expect("opens");
        assert_eq!(decrypt_with(&mine, &inner).expect("opens").as_slice(), b"key");
        for at in 0..encrypted.len() {
            let mut altered = encrypted.clone();
            altered[at] ^= 1;
            assert!(decrypt_with(&mine, &altered).is_err(), "{at}");
            assert!(decrypt_with(&mine, &encrypted[..at]).is_err(), "{at}");
        }
    }

    #[test]
    fn what_is_none_is_said() {
        let (identity, recipient) = new_identity();
        for wrong in ["", "age1", &recipient[..40], identity.as_str()] {
            assert_eq!(check_recipient(wrong), Err(RecipientError::Recipient), "{wrong}");
        }
        assert_eq!(check_recipient(&recipient), Ok(()));
        for wrong in ["", "# none", "AGE-SECRET-KEY-1", recipient.as_str()] {
            assert_eq!(decrypt_with(wrong, b"x"), Err(RecipientError::Identity), "{wrong}");
        }
    }
}
