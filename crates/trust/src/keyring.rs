//! The keys that guard the keys: one for each epoch, which wraps the data keys of people, and one that makes look-up tokens.
//!
//! A wrapped data key can linger in old files and backups for years. Erasure is therefore complete only when the epoch
//! that wrapped it is destroyed here, in the one place that is small enough to be wiped for certain.

use std::collections::BTreeMap;
use std::fmt;

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::envelope::{DataKey, NONCE_BYTES};

type Key = Zeroizing<[u8; 32]>;

/// A keyring under a passphrase.
const LOCKED: &[u8; 4] = b"WSK1";
/// A keyring without one.
const OPEN: &[u8; 4] = b"WSK0";
/// Argon2id for passphrases: KiB of memory, passes, lanes.
const PASSPHRASE_COST: (u32, u32, u32) = (19_456, 2, 1);
/// Argon2id for look-up tokens: an identity number has few unknown digits, so each guess must cost something.
const TOKEN_COST: (u32, u32, u32) = (8_192, 1, 1);
/// Most memory a stored keyring may ask for, in KiB.
const MEMORY_KIB_MAX: u32 = 1024 * 1024;
/// Longest stored keyring, in bytes.
pub const KEYRING_BYTES_MAX: usize = 1024 * 1024;
const SALT_BYTES: usize = 16;
const COST_BYTES: usize = 12;

/// Why a keyring does not open or a key is not unwrapped. It never says more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    /// It is no keyring.
    #[error("it is not a keyring")]
    Malformed,
    /// The passphrase is wrong, or the keyring was altered.
    #[error("the passphrase does not open the keyring")]
    WrongPassphrase,
    /// It has a passphrase and none was given, or the other way round.
    #[error("the keyring is kept with a passphrase, or must be given without one")]
    Passphrase,
    /// The epoch was destroyed, or never was.
    #[error("the epoch's key does not exist any more")]
    NoSuchEpoch,
    /// The wrapped key belongs to another person, version or epoch, or was altered.
    #[error("the wrapped key does not open")]
    DoesNotOpen,
}

/// What may be looked up by its exact value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// An 18-digit identity number.
    IdNumber,
    /// A telephone number.
    Phone,
}

impl TokenKind {
    /// Stored and transported name.
    pub fn as_str(self) -> &'static str {
        match self {
            TokenKind::IdNumber => "ID_NUMBER",
            TokenKind::Phone => "PHONE",
        }
    }
}

/// A data key under the key of an epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrapped {
    /// The epoch.
    pub epoch: u32,
    /// Nonce and ciphertext.
    pub bytes: Vec<u8>,
}

/// The keyring, open. Wiped when dropped; shown by nothing.
#[derive(Clone)]
pub struct Keyring {
    epochs: BTreeMap<u32, Option<Key>>,
    token: Key,
    digest: Key,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Keyring(epoch {})", self.epoch())
    }
}

fn stretch(secret: &[u8], salt: &[u8], (memory, passes, lanes): (u32, u32, u32)) -> Result<Key, KeyringError> {
    let params = Params::new(memory, passes, lanes, Some(32)).map_err(|_| KeyringError::Malformed)?;
    let mut key = Key::default();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(secret, salt, key.as_mut())
        .map_err(|_| KeyringError::Malformed)?;
    Ok(key)
}

fn mac(key: &Key, parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_ref()).expect("any length of key will do");
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

fn wrap_place(subject: [u8; 16], version: u32, epoch: u32) -> Vec<u8> {
    [
        b"WSW1".as_slice(),
        &subject,
        &version.to_be_bytes(),
        &epoch.to_be_bytes(),
    ]
    .concat()
}

impl Keyring {
    /// A keyring with its first epoch, of 96 random bytes.
    pub fn new(random: &[u8; 96]) -> Self {
        let key = |from: usize| {
            let mut key = Key::default();
            key.copy_from_slice(&random[from..from + 32]);
            key
        };
        Self {
            epochs: BTreeMap::from([(1, Some(key(0)))]),
            token: key(32),
            digest: key(64),
        }
    }

    /// The epoch that wraps new keys.
    pub fn epoch(&self) -> u32 {
        self.epochs.keys().next_back().copied().unwrap_or(0)
    }

    /// Epochs whose keys still exist, oldest first.
    pub fn living(&self) -> Vec<u32> {
        let living = self.epochs.iter().filter(|(_, key)| key.is_some());
        living.map(|(epoch, _)| *epoch).collect()
    }

    /// Begins an epoch with a new random key. Says its number.
    pub fn begin_epoch(&mut self, key: [u8; 32]) -> u32 {
        let epoch = self.epoch() + 1;
        self.epochs.insert(epoch, Some(Zeroizing::new(key)));
        epoch
    }

    /// Destroys an older epoch's key for good. Says whether it existed; the newest stays.
    pub fn destroy_epoch(&mut self, epoch: u32) -> bool {
        if epoch == self.epoch() {
            return false;
        }
        self.epochs.get_mut(&epoch).is_some_and(|key| key.take().is_some())
    }

    /// Wraps a person's key with the newest epoch's.
    ///
    /// # Errors
    /// [`KeyringError::NoSuchEpoch`] when the keyring is empty.
    pub fn wrap(
        &self,
        subject: [u8; 16],
        version: u32,
        key: &DataKey,
        nonce: [u8; NONCE_BYTES],
    ) -> Result<Wrapped, KeyringError> {
        let epoch = self.epoch();
        let cipher = self.cipher(epoch)?;
        let payload = Payload {
            msg: key.bytes(),
            aad: &wrap_place(subject, version, epoch),
        };
        let sealed = cipher
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| KeyringError::DoesNotOpen)?;
        Ok(Wrapped {
            epoch,
            bytes: [nonce.as_slice(), &sealed].concat(),
        })
    }

    /// Unwraps a person's key.
    ///
    /// # Errors
    /// [`KeyringError::NoSuchEpoch`], [`KeyringError::DoesNotOpen`].
    pub fn unwrap(&self, subject: [u8; 16], version: u32, wrapped: &Wrapped) -> Result<DataKey, KeyringError> {
        let cipher = self.cipher(wrapped.epoch)?;
        let (nonce, sealed) = wrapped
            .bytes
            .split_first_chunk::<NONCE_BYTES>()
            .ok_or(KeyringError::DoesNotOpen)?;
        let payload = Payload {
            msg: sealed,
            aad: &wrap_place(subject, version, wrapped.epoch),
        };
        let opened = cipher
            .decrypt(&XNonce::from(*nonce), payload)
            .map_err(|_| KeyringError::DoesNotOpen)?;
        let opened = Zeroizing::new(opened);
        let bytes = opened.as_slice().try_into().map_err(|_| KeyringError::DoesNotOpen)?;
        Ok(DataKey::new(bytes))
    }

    fn cipher(&self, epoch: u32) -> Result<XChaCha20Poly1305, KeyringError> {
        let key = self.epochs.get(&epoch).and_then(Option::as_ref);
        let key = key.ok_or(KeyringError::NoSuchEpoch)?;
        Ok(XChaCha20Poly1305::new((&**key).into()))
    }

    /// The token under which a value is looked up. Slow on purpose (some milliseconds), so that a stolen table cannot be
    /// searched through even by somebody who has this keyring.
    ///
    /// # Errors
    /// When memory does not suffice.
    pub fn token(&self, kind: TokenKind, value: &str) -> Result<[u8; 16], KeyringError> {
        let stretched = stretch(value.as_bytes(), self.token.as_ref(), TOKEN_COST)?;
        let whole = mac(&self.token, &[kind.as_str().as_bytes(), stretched.as_ref()]);
        let mut half = [0; 16];
        half.copy_from_slice(&whole[..16]);
        Ok(half)
    }

    /// A digest that only holders of the keyring can make, so that what it is of cannot be guessed.
    pub fn digest(&self, parts: &[&[u8]]) -> [u8; 16] {
        let whole = mac(&self.digest, parts);
        let mut half = [0; 16];
        half.copy_from_slice(&whole[..16]);
        half
    }

    /// What somebody's password comes to. Slow on purpose, and worth nothing to whoever has the table without the keyring.
    ///
    /// # Errors
    /// When memory does not suffice.
    pub fn password(&self, account: &str, password: &str, salt: &[u8; 16]) -> Result<[u8; 32], KeyringError> {
        let stretched = stretch(password.as_bytes(), salt, PASSPHRASE_COST)?;
        Ok(mac(
            &self.digest,
            &[b"password", account.as_bytes(), stretched.as_ref()],
        ))
    }

    /// The secret of somebody's second factor: made again whenever it is needed, and kept nowhere.
    pub fn factor(&self, account: &str, nonce: &[u8; 16]) -> Zeroizing<[u8; 20]> {
        let whole = mac(&self.digest, &[b"second factor", account.as_bytes(), nonce]);
        let mut secret = Zeroizing::new([0; 20]);
        secret.copy_from_slice(&whole[..20]);
        secret
    }

    fn plain(&self) -> Zeroizing<Vec<u8>> {
        let mut plain = Zeroizing::new(Vec::with_capacity(64 + self.epochs.len() * 37));
        plain.extend_from_slice(self.token.as_ref());
        plain.extend_from_slice(self.digest.as_ref());
        for (epoch, key) in &self.epochs {
            plain.extend_from_slice(&epoch.to_be_bytes());
            plain.push(u8::from(key.is_some()));
            plain.extend_from_slice(key.as_ref().map_or(&[0; 32], |key| key.as_ref()));
        }
        plain
    }

    fn parse(plain: &[u8]) -> Result<Self, KeyringError> {
        let (token, rest) = plain.split_first_chunk::<32>().ok_or(KeyringError::Malformed)?;
        let (digest, rest) = rest.split_first_chunk::<32>().ok_or(KeyringError::Malformed)?;
        let (entries, rest) = rest.as_chunks::<37>();
        if !rest.is_empty() || entries.is_empty() {
            return Err(KeyringError::Malformed);
        }
        let mut epochs = BTreeMap::new();
        for entry in entries {
            let (number, rest) = entry.split_first_chunk::<4>().ok_or(KeyringError::Malformed)?;
            let (alive, key) = rest.split_first().ok_or(KeyringError::Malformed)?;
            let key: [u8; 32] = key.try_into().map_err(|_| KeyringError::Malformed)?;
            epochs.insert(u32::from_be_bytes(*number), (*alive == 1).then(|| Zeroizing::new(key)));
        }
        Ok(Self {
            epochs,
            token: Zeroizing::new(*token),
            digest: Zeroizing::new(*digest),
        })
    }

    /// The stored form: under a passphrase, with 40 fresh random bytes.
    ///
    /// # Errors
    /// When memory does not suffice.
    pub fn lock(&self, passphrase: &str, random: &[u8; SALT_BYTES + NONCE_BYTES]) -> Result<Vec<u8>, KeyringError> {
        let (memory, passes, lanes) = PASSPHRASE_COST;
        let (salt, nonce) = random.split_at(SALT_BYTES);
        let mut stored = LOCKED.to_vec();
        for number in [memory, passes, lanes] {
            stored.extend_from_slice(&number.to_be_bytes());
        }
        stored.extend_from_slice(salt);
        let key = stretch(passphrase.as_bytes(), salt, PASSPHRASE_COST)?;
        let nonce: [u8; NONCE_BYTES] = nonce.try_into().map_err(|_| KeyringError::Malformed)?;
        let payload = Payload {
            msg: &self.plain(),
            aad: &stored,
        };
        let sealed = XChaCha20Poly1305::new((&*key).into())
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| KeyringError::Malformed)?;
        stored.extend_from_slice(&nonce);
        stored.extend_from_slice(&sealed);
        Ok(stored)
    }

    /// The stored form without a passphrase: whoever reads it has all keys.
    pub fn unprotected(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new([OPEN.as_slice(), &self.plain()].concat())
    }

    /// Reads a stored form; a passphrase is needed exactly when it was stored with one.
    ///
    /// # Errors
    /// [`KeyringError`], by what is wrong.
    pub fn unlock(stored: &[u8], passphrase: Option<&str>) -> Result<Self, KeyringError> {
        if stored.len() > KEYRING_BYTES_MAX {
            return Err(KeyringError::Malformed);
        }
        let (magic, rest) = stored.split_first_chunk::<4>().ok_or(KeyringError::Malformed)?;
        match (magic, passphrase) {
            (OPEN, None) => Self::parse(rest),
            (LOCKED, Some(passphrase)) => {
                let head = 4 + COST_BYTES + SALT_BYTES;
                let (associated, rest) = stored.split_at_checked(head).ok_or(KeyringError::Malformed)?;
                let number = |at: usize| {
                    let bytes = associated[at..at + 4].try_into().unwrap_or_default();
                    u32::from_be_bytes(bytes)
                };
                let cost = (number(4), number(8), number(12));
                if cost.0 > MEMORY_KIB_MAX || cost.1 > 100 || cost.2 > 16 {
                    return Err(KeyringError::Malformed);
                }
                let (nonce, sealed) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(KeyringError::Malformed)?;
                let key = stretch(passphrase.as_bytes(), &associated[4 + COST_BYTES..], cost)?;
                let payload = Payload {
                    msg: sealed,
                    aad: associated,
                };
                let plain = XChaCha20Poly1305::new((&*key).into())
                    .decrypt(&XNonce::from(*nonce), payload)
                    .map_err(|_| KeyringError::WrongPassphrase)?;
                Self::parse(&Zeroizing::new(plain))
            }
            (OPEN, Some(_)) | (LOCKED, None) => Err(KeyringError::Passphrase),
            _ => Err(KeyringError::Malformed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring() -> Keyring {
        let mut random = [0; 96];
        for (at, byte) in (0_u8..).zip(&mut random) {
            *byte = at;
        }
        Keyring::new(&random)
    }

    #[test]
    fn a_wrapped_key_opens_for_its_person_only_and_not_after_its_epoch() {
        let mut ring = ring();
        let key = DataKey::new([1; 32]);
        let wrapped = ring.wrap([7; 16], 1, &key, [9; 24]).expect("wraps");
        let opened = ring.unwrap([7; 16], 1, &wrapped).expect("opens");
        assert_eq!(opened.commitment(), key.commitment());
        // T-15: swapped between persons or versions.
        assert_eq!(ring.unwrap([8; 16], 1, &wrapped).err(), Some(KeyringError::DoesNotOpen));
        assert_eq!(ring.unwrap([7; 16], 2, &wrapped).err(), Some(KeyringError::DoesNotOpen));
        let short = Wrapped {
            bytes: wrapped.bytes[..20].to_vec(),
            ..wrapped.clone()
        };
        assert_eq!(ring.unwrap([7; 16], 1, &short).err(), Some(KeyringError::DoesNotOpen));

        assert!(!ring.destroy_epoch(1), "the newest epoch stays");
        assert_eq!(ring.begin_epoch([3; 32]), 2);
        assert!(ring.unwrap([7; 16], 1, &wrapped).is_ok(), "an older epoch still opens");
        assert!(ring.destroy_epoch(1) && !ring.destroy_epoch(1));
        // T-16: a backup of the wrapped key is worth nothing now.
        assert_eq!(ring.unwrap([7; 16], 1, &wrapped).err(), Some(KeyringError::NoSuchEpoch));
        assert_eq!(ring.living(), [2]);
    }

    #[test]
    fn a_keyring_opens_with_its_passphrase_and_keeps_what_it_was() {
        let mut ring = ring();
        ring.begin_epoch([3; 32]);
        ring.destroy_epoch(1);
        let stored = ring.lock("correct horse", &[4; 40]).expect("locks");
        let again = Keyring::unlock(&stored, Some("correct horse")).expect("opens");
        assert_eq!(again.living(), [2]);
        assert_eq!(again.digest(&[b"x"]), ring.digest(&[b"x"]));
        for (passphrase, error) in [
            (Some("wrong"), KeyringError::WrongPassphrase),
            (None, KeyringError::Passphrase),
        ] {
            assert_eq!(Keyring::unlock(&stored, passphrase).err(), Some(error));
        }
        for at in 0..stored.len() {
            if (4..16).contains(&at) {
                continue; // other costs take other times, and end the same way
            }
            let mut altered = stored.clone();
            altered[at] ^= 1;
            assert!(Keyring::unlock(&altered, Some("correct horse")).is_err(), "{at}");
            if at > 40 {
                break;
            }
        }
        let open = ring.unprotected();
        assert_eq!(Keyring::unlock(&open, None).expect("opens").living(), [2]);
        assert_eq!(Keyring::unlock(&open, Some("x")).err(), Some(KeyringError::Passphrase));
        assert_eq!(Keyring::unlock(b"WSK0short", None).err(), Some(KeyringError::Malformed));
    }

    #[test]
    fn tokens_depend_on_the_keyring_the_kind_and_the_value() {
        let (one, other) = (ring(), Keyring::new(&[9; 96]));
        let token = one.token(TokenKind::IdNumber, "11010519491231002X").expect("is made");
        assert_eq!(
            token,
            one.token(TokenKind::IdNumber, "11010519491231002X").expect("is made")
        );
        assert_ne!(
            token,
            one.token(TokenKind::Phone, "11010519491231002X").expect("is made")
        );
        assert_ne!(
            token,
            one.token(TokenKind::IdNumber, "110105194912310038").expect("is made")
        );
        assert_ne!(
            token,
            other.token(TokenKind::IdNumber, "11010519491231002X").expect("is made")
        );
        assert!(!format!("{one:?}").contains("32"));
    }
}
