//! A device that holds the root key (PKCS #11): the keyring's file is encrypted by it, and the key never leaves it.

use std::path::Path;
use std::sync::Mutex;

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::aead::GcmParams;
use cryptoki::object::{Attribute, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;
use zeroize::Zeroizing;

use crate::error::AppError;
use crate::keyring_source::RootKey;
use crate::vault::random;

/// First bytes of what the device has encrypted; authenticated with it.
const MAGIC: &[u8; 4] = b"WSK2";
const IV_BYTES: usize = 12;
const TAG_BITS: u64 = 128;
/// Length of the root key: AES-256.
const KEY_BYTES: u64 = 32;

/// A root key in a device.
pub struct DeviceKey {
    // Sessions are not for several threads at once; the library must outlive them.
    session: Mutex<Session>,
    key: ObjectHandle,
    _library: Pkcs11,
}

fn wrong(what: impl std::fmt::Display) -> AppError {
    AppError::KeyringFile(format!("the device: {what}"))
}

fn template(label: &str) -> Vec<Attribute> {
    vec![
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::AES),
        Attribute::Label(label.as_bytes().to_vec()),
    ]
}

impl DeviceKey {
    /// Finds the one AES key of a label in the token of a label; makes it there when it is missing and may be made: it
    /// cannot be read or taken out.
    ///
    /// # Errors
    /// [`AppError::KeyringFile`] says what of it is not there, or that the PIN is wrong.
    pub fn open(module: &Path, token: &str, label: &str, pin: &str, make: bool) -> Result<Self, AppError> {
        let library =
            Pkcs11::new(module).map_err(|_| wrong(format!("{}: it is no PKCS #11 library", module.display())))?;
        library
            .initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK))
            .map_err(wrong)?;
        let mut found = None;
        for slot in library.get_slots_with_token().map_err(wrong)? {
            if library.get_token_info(slot).map_err(wrong)?.label() == token {
                found = Some(slot);
            }
        }
        let slot = found.ok_or_else(|| wrong(format!("there is no token {token}")))?;
        let session = library.open_rw_session(slot).map_err(wrong)?;
        let pin = AuthPin::new(pin.to_owned().into());
        session
            .login(UserType::User, Some(&pin))
            .map_err(|_| wrong("it does not open with this PIN"))?;
        let keys = session.find_objects(&template(label)).map_err(wrong)?;
        let key = match keys.as_slice() {
            [key] => *key,
            [] if make => {
                let mut making = template(label);
                making.extend([
                    Attribute::ValueLen(KEY_BYTES.into()),
                    Attribute::Token(true),
                    Attribute::Private(true),
                    Attribute::Sensitive(true),
                    Attribute::Extractable(false),
                    Attribute::Encrypt(true),
                    Attribute::Decrypt(true),
                ]);
                session.generate_key(&Mechanism::AesKeyGen, &making).map_err(wrong)?
            }
            [] => return Err(wrong(format!("there is no key {label} in the token"))),
            _ => return Err(wrong(format!("there are several keys {label} in the token"))),
        };
        Ok(Self {
            session: Mutex::new(session),
            key,
            _library: library,
        })
    }

    fn with<T>(
        &self,
        mut iv: [u8; IV_BYTES],
        act: impl FnOnce(&Session, &Mechanism<'_>) -> cryptoki::error::Result<T>,
    ) -> Result<T, AppError> {
        let session = self.session.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let params = GcmParams::new(&mut iv, MAGIC, TAG_BITS.into()).map_err(wrong)?;
        act(&session, &Mechanism::AesGcm(params)).map_err(wrong)
    }
}

impl RootKey for DeviceKey {
    fn seal(&self, plain: &[u8]) -> Result<Vec<u8>, AppError> {
        let iv = random()?;
        let sealed = self.with(iv, |session, mechanism| session.encrypt(mechanism, self.key, plain))?;
        Ok([&MAGIC[..], &iv, &sealed].concat())
    }

    fn open(&self, stored: &[u8]) -> Result<Zeroizing<Vec<u8>>, AppError> {
        let sealed = stored
            .strip_prefix(MAGIC)
            .and_then(<[u8]>::split_first_chunk::<IV_BYTES>);
        let (iv, sealed) = sealed.ok_or_else(|| wrong("the keyring's file was not encrypted by one"))?;
        let opened = self.with(*iv, |session, mechanism| session.decrypt(mechanism, self.key, sealed));
        opened
            .map(Zeroizing::new)
            .map_err(|_| wrong("the keyring's file does not open with its key"))
    }
}
