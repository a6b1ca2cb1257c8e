//! Where keys are: what every command is told once, and `waystation keys`, the chores on them.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::OnceLock;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use waystation_app::{Keyring, KeyringSource, StorageError};
use zeroize::Zeroizing;

use crate::lang::say;

/// Environment variable with the keyring's passphrase.
const PASSPHRASE: &str = "WAYSTATION_PASSPHRASE";
/// Shortest passphrase of a new keyring, in characters.
const PASSPHRASE_CHARS_MIN: usize = 12;

/// Where keys are, for every command.
#[derive(Args, Clone, Default)]
pub(crate) struct KeyPlace {
    /// Where people's keys are kept, if not beside the database: sqlite:PATH or postgres://…
    #[arg(long, global = true, value_name = "URL")]
    keys: Option<String>,
    /// The keyring's file; without it the keyring lies unprotected in the keys' database
    #[arg(long, global = true, value_name = "FILE")]
    keyring: Option<PathBuf>,
    /// A file with the keyring's passphrase; otherwise the environment variable WAYSTATION_PASSPHRASE
    #[arg(long, global = true, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    #[cfg(feature = "pkcs11")]
    #[command(flatten)]
    device: Device,
}

/// Which device holds the root key, and which of its keys that is.
#[cfg(feature = "pkcs11")]
#[derive(Args, Clone, Default)]
struct Device {
    /// Library of a PKCS #11 device that holds the key of the keyring's file; its PIN goes where the passphrase goes
    #[arg(long, global = true, value_name = "FILE", requires_all = ["pkcs11_token", "keyring"])]
    pkcs11_module: Option<PathBuf>,
    /// Label of the device's token
    #[arg(long, global = true, value_name = "LABEL")]
    pkcs11_token: Option<String>,
    /// Label of the key in it; `keys new` makes it
    #[arg(long, global = true, value_name = "LABEL", default_value = "waystation")]
    pkcs11_key: String,
}

static PLACE: OnceLock<KeyPlace> = OnceLock::new();

/// Remembers where keys are.
pub(crate) fn choose(place: KeyPlace) {
    let _ = PLACE.set(place);
}

fn place() -> &'static KeyPlace {
    PLACE.get_or_init(KeyPlace::default)
}

/// The database of keys, if it is not beside the rest.
pub(crate) fn database() -> Option<String> {
    place().keys.clone()
}

/// Where the keyring is.
pub(crate) fn keyring() -> anyhow::Result<KeyringSource> {
    match &place().keyring {
        None => Ok(KeyringSource::Database),
        #[cfg(feature = "pkcs11")]
        Some(path) if place().device.pkcs11_module.is_some() => Ok(KeyringSource::Device {
            path: path.clone(),
            root: std::sync::Arc::new(device(false)?),
        }),
        Some(path) => Ok(KeyringSource::File {
            path: path.clone(),
            passphrase: passphrase()?,
        }),
    }
}

/// The device's key, made when it is missing and may be made.
#[cfg(feature = "pkcs11")]
fn device(make: bool) -> anyhow::Result<waystation_app::DeviceKey> {
    let Device {
        pkcs11_module: Some(module),
        pkcs11_token: Some(token),
        pkcs11_key,
    } = &place().device
    else {
        bail!(StorageError::Url(
            "--pkcs11-module and --pkcs11-token go together".into()
        ));
    };
    Ok(waystation_app::DeviceKey::open(
        module,
        token,
        pkcs11_key,
        &passphrase()?,
        make,
    )?)
}

fn passphrase() -> anyhow::Result<Zeroizing<String>> {
    let text = match &place().passphrase_file {
        Some(path) => {
            Zeroizing::new(std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?)
        }
        None => Zeroizing::new(std::env::var(PASSPHRASE).unwrap_or_default()),
    };
    let text = Zeroizing::new(text.trim_end_matches(['\n', '\r']).to_owned());
    if text.is_empty() {
        bail!(StorageError::Url(format!(
            "--keyring: its passphrase is needed, in {PASSPHRASE} or --passphrase-file"
        )));
    }
    Ok(text)
}

#[derive(Args)]
pub(crate) struct Keys {
    #[command(subcommand)]
    command: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Make a keyring in the file that --keyring names, under a passphrase
    New,
    /// Move the keyring out of the database into the file that --keyring names, under a passphrase
    Move {
        /// sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE; nobody else may have it open
        #[arg(long)]
        database: String,
    },
    /// Begin a new epoch and destroy the older ones: what was erased until now can never be opened again
    Rotate {
        /// sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE; nobody else may have it open
        #[arg(long)]
        database: String,
    },
    /// Make an age identity for a holder of sealed keys, or for an inspector; prints the recipient others encrypt to
    Identity {
        /// The file to write; only its owner can read it
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Name the two to whom the keys of sealed people are encrypted from now on
    Holders {
        /// sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE
        #[arg(long)]
        database: String,
        /// Recipient of the one, age1…
        #[arg(long)]
        first: String,
        /// Recipient of the other, age1…
        #[arg(long)]
        second: String,
    },
    /// Open the keys of a person whose seal two people have lifted, with the identities of both holders
    Unseal {
        /// sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE
        #[arg(long)]
        database: String,
        /// The person's random id
        #[arg(long)]
        person: String,
        /// A holder's file; give two
        #[arg(long, value_name = "FILE", required = true)]
        identity: Vec<PathBuf>,
    },
}

impl Keys {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Chore::New => new(),
            Chore::Move { database } => move_out(&database).await,
            Chore::Rotate { database } => rotate(&database).await,
            Chore::Identity { out } => identity(&out),
            Chore::Holders {
                database,
                first,
                second,
            } => {
                let app = crate::open_app_as_it_is(&database).await?;
                let named = app.name_key_holders(&[first, second]).await;
                app.close().await;
                named?;
                Ok(ExitCode::SUCCESS)
            }
            Chore::Unseal {
                database,
                person,
                identity,
            } => unseal(&database, &person, &identity).await,
        }
    }
}

fn random<const N: usize>() -> anyhow::Result<Zeroizing<[u8; N]>> {
    let mut bytes = Zeroizing::new([0; N]);
    getrandom::fill(&mut bytes[..]).map_err(|error| anyhow::anyhow!("the system gives no random bytes: {error}"))?;
    Ok(bytes)
}

fn new() -> anyhow::Result<ExitCode> {
    put_into_file(&Keyring::new(&*random::<96>()?))
}

async fn move_out(database: &str) -> anyhow::Result<ExitCode> {
    let store = crate::open(database, false).await?;
    let stored = store.keys().keyring().await?.map(Zeroizing::new);
    let Some(stored) = stored else {
        store.close().await;
        bail!(StorageError::Url("--database: there is no keyring in it".into()));
    };
    let moved = put_into_file(&Keyring::unlock(&stored, None)?);
    if moved.is_ok() {
        store.keys().drop_keyring().await?;
    }
    store.close().await;
    moved
}

/// Writes a keyring into the file that `--keyring` names, which must be new.
fn put_into_file(ring: &Keyring) -> anyhow::Result<ExitCode> {
    let Some(path) = &place().keyring else {
        bail!(StorageError::Url("--keyring FILE is needed".into()));
    };
    if path.exists() {
        bail!(StorageError::Url(format!("{}: it exists already", path.display())));
    }
    let stored = protected(ring)?;
    waystation_app::write_keyring_file(path, &stored)?;
    eprintln!(
        "{}",
        say(
            "Keep a copy of the file and what opens it apart from each other and from the database: without both,\n\
             nothing personal can be read again.",
            "请将该文件与开启它的口令或设备分开保管，且不要与数据库放在一起；缺少任何一个，个人信息都无法再读取。"
        )
    );
    Ok(ExitCode::SUCCESS)
}

/// A keyring as it is stored: encrypted by a device, or under a passphrase.
fn protected(ring: &Keyring) -> anyhow::Result<Vec<u8>> {
    #[cfg(feature = "pkcs11")]
    if place().device.pkcs11_module.is_some() {
        let device = device(true)?;
        return Ok(waystation_app::RootKey::seal(&device, &ring.unprotected())?);
    }
    let passphrase = passphrase()?;
    if passphrase.chars().count() < PASSPHRASE_CHARS_MIN {
        bail!(StorageError::Url(format!(
            "the passphrase: expected at least {PASSPHRASE_CHARS_MIN} characters"
        )));
    }
    Ok(ring.lock(&passphrase, &*random::<40>()?)?)
}

async fn rotate(database: &str) -> anyhow::Result<ExitCode> {
    let app = crate::open_app_as_it_is(database).await?;
    let rotation = app.rotate_keys().await?;
    app.close().await;
    println!("{} {}", say("epoch", "密钥周期"), rotation.epoch);
    println!("{} {}", say("keys wrapped anew", "重新封装的密钥"), rotation.rewrapped);
    let destroyed: Vec<String> = rotation.destroyed.iter().map(u32::to_string).collect();
    println!(
        "{} {}",
        say("epochs destroyed:", "已销毁的周期："),
        destroyed.join(", ")
    );
    Ok(ExitCode::SUCCESS)
}

fn identity(out: &Path) -> anyhow::Result<ExitCode> {
    if out.exists() {
        bail!(StorageError::Url(format!("{}: it exists already", out.display())));
    }
    let (identity, recipient) = waystation_app::new_identity();
    let text = Zeroizing::new(format!("# {recipient}\n{}\n", *identity));
    waystation_app::write_keyring_file(out, text.as_bytes())?;
    println!("{recipient}");
    Ok(ExitCode::SUCCESS)
}

async fn unseal(database: &str, person: &str, files: &[PathBuf]) -> anyhow::Result<ExitCode> {
    let [one, other] = files else {
        bail!(StorageError::Url(
            "--identity: expected two files, one of each holder".into()
        ));
    };
    let read = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()));
        text.map(Zeroizing::new)
    };
    let identities = [read(one)?, read(other)?];
    let app = crate::open_app_as_it_is(database).await?;
    let opened = app.unseal_keys(person, &identities).await;
    app.close().await;
    println!("{} {}", say("keys opened", "已解封的密钥"), opened?);
    Ok(ExitCode::SUCCESS)
}
