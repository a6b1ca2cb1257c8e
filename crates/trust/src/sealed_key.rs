//! A person's key, encrypted to two holders, one inside the other: neither opens it alone.

use zeroize::Zeroizing;

use crate::envelope::DataKey;
use crate::recipient::{RecipientError, decrypt_with, encrypt_to};

/// Names what is encrypted, so that nothing else is taken for it.
const MAGIC: &[u8; 4] = b"WSS1";

fn place(subject: [u8; 16], version: u32) -> Vec<u8> {
    [&MAGIC[..], &subject, &version.to_be_bytes()].concat()
}

/// Encrypts a person's key to the first holder, and that to the second.
///
/// # Errors
/// [`RecipientError::Recipient`].
pub fn seal_for_two(
    key: &DataKey,
    subject: [u8; 16],
    version: u32,
    holders: &[String; 2],
) -> Result<Vec<u8>, RecipientError> {
    let message = Zeroizing::new([place(subject, version).as_slice(), key.bytes()].concat());
    encrypt_to(&holders[1], &encrypt_to(&holders[0], &message)?)
}

/// Opens it with the identities of both, in either order.
///
/// # Errors
/// [`RecipientError::Identity`]; [`RecipientError::DoesNotOpen`] also when it is another person's key, or another version.
pub fn open_by_two(
    sealed: &[u8],
    subject: [u8; 16],
    version: u32,
    identities: &[Zeroizing<String>; 2],
) -> Result<DataKey, RecipientError> {
    let [one, other] = identities;
    let half = match decrypt_with(one, sealed) {
        Err(RecipientError::DoesNotOpen) => decrypt_with(other, sealed).map(|half| (half, one)),
        half => half.map(|half| (half, other)),
    };
    let (half, rest) = half?;
    let message = decrypt_with(rest, &half)?;
    let key = message.strip_prefix(place(subject, version).as_slice());
    let key = key
        .and_then(|key| key.try_into().ok())
        .ok_or(RecipientError::DoesNotOpen)?;
    Ok(DataKey::new(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipient::new_identity;

    #[test]
    fn two_open_it_and_one_does_not() {
        let ((one, to_one), (other, to_other)) = (new_identity(), new_identity());
        let (stranger, _) = new_identity();
        let key = DataKey::new([7; 32]);
        let sealed = seal_for_two(&key, [1; 16], 2, &[to_one, to_other]).expect("seals");
        let open = |pair: [&Zeroizing<String>; 2], subject: [u8; 16], version: u32| {
            let opened = open_by_two(&sealed, subject, version, &pair.map(Clone::clone));
            opened.map(|key| key.commitment())
        };
        for pair in [[&one, &other], [&other, &one]] {
            assert_eq!(open(pair, [1; 16], 2), Ok(key.commitment()));
        }
        for pair in [[&one, &one], [&other, &other], [&one, &stranger], [&stranger, &other]] {
            assert_eq!(open(pair, [1; 16], 2), Err(RecipientError::DoesNotOpen));
        }
        assert_eq!(
            open([&one, &other], [2; 16], 2),
            Err(RecipientError::DoesNotOpen),
            "another person's"
        );
        assert_eq!(
            open([&one, &other], [1; 16], 1),
            Err(RecipientError::DoesNotOpen),
            "another version"
        );
    }
}
