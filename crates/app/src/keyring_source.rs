//! Where the keyring is kept: in a database, in a file under a passphrase, or in a file that a device encrypts.

use std::path::PathBuf;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::error::AppError;

/// Largest keyring file, in bytes.
const FILE_BYTES_MAX: u64 = waystation_trust::keyring::KEYRING_BYTES_MAX as u64;

/// Where the keyring is kept.
#[derive(Clone, Default)]
pub enum KeyringSource {
    /// In the keys' database, without a passphrase: whoever reads the database reads everything. For trying out.
    #[default]
    Database,
    /// In a file of its own, under a passphrase.
    File {
        /// The file.
        path: PathBuf,
        /// The passphrase.
        passphrase: Zeroizing<String>,
    },
    /// In a file of its own, encrypted by something that holds the root key itself.
    Device {
        /// The file.
        path: PathBuf,
        /// What encrypts it.
        root: Arc<dyn RootKey>,
    },
}

/// Something that holds a key under which the keyring is stored, such as a device, and never gives it out.
pub trait RootKey: Send + Sync {
    /// Encrypts the keyring.
    ///
    /// # Errors
    /// [`AppError::KeyringFile`] when it is not at hand.
    fn seal(&self, plain: &[u8]) -> Result<Vec<u8>, AppError>;

    /// Opens what it has encrypted.
    ///
    /// # Errors
    /// [`AppError::KeyringFile`] when it is not at hand, or did not encrypt this.
    fn open(&self, stored: &[u8]) -> Result<Zeroizing<Vec<u8>>, AppError>;
}

/// Reads a keyring file that only its owner can read.
pub(crate) fn read_file(path: &std::path::Path) -> Result<Vec<u8>, AppError> {
    let wrong = |what: &str| AppError::KeyringFile(format!("{}: {what}", path.display()));
    let about = std::fs::metadata(path).map_err(|_| wrong("it cannot be read"))?;
    #[cfg(unix)]
    if std::os::unix::fs::PermissionsExt::mode(&about.permissions()) & 0o077 != 0 {
        return Err(wrong("others can read it; run chmod 600"));
    }
    if about.len() > FILE_BYTES_MAX {
        return Err(wrong("it is too long for a keyring"));
    }
    std::fs::read(path).map_err(|_| wrong("it cannot be read"))
}

/// Writes a keyring file that only its owner can read: whole and durable, or not at all.
///
/// # Errors
/// [`AppError::KeyringFile`].
pub fn write_keyring_file(path: &std::path::Path, stored: &[u8]) -> Result<(), AppError> {
    let beside = path.with_extension("new");
    let write = || {
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&beside)?;
        std::io::Write::write_all(&mut file, stored)?;
        file.sync_all()?;
        let former = std::fs::OpenOptions::new().write(true).open(path).ok();
        std::fs::rename(&beside, path)?;
        // The name must not go back to the former file with the power: keys may be wrapped under the new one already.
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        std::fs::File::open(directory.unwrap_or(std::path::Path::new(".")))?.sync_all()?;
        if let Some(mut former) = former {
            let zeros = vec![0; former.metadata()?.len() as usize];
            std::io::Write::write_all(&mut former, &zeros)?;
            former.sync_all()?;
        }
        Ok(())
    };
    write().map_err(|error: std::io::Error| {
        AppError::KeyringFile(format!("{}: it cannot be written: {}", path.display(), error.kind()))
    })
}
