//! `waystation key`: the key that signs a log's checkpoints, and the file that keeps it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use waystation_app::{Cosigner, NoteError, Signer, StorageError};

use crate::lang::say;

/// Largest key file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 4 * 1024;

#[derive(Args)]
pub(crate) struct Key {
    #[command(subcommand)]
    command: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Make a signing key in a file that only its owner can read, and print the key that verifies
    New {
        /// Names the log for good, such as waystation.guiyang/qinglongshan/1
        #[arg(long)]
        origin: String,
        /// A key for a witness instead; the origin is then the witness's name
        #[arg(long)]
        witness: bool,
        /// The file; it must not exist
        #[arg(long)]
        out: PathBuf,
    },
    /// Print the key that verifies what a signing key signs; it can be given to anybody
    Show {
        /// The file of the signing key
        file: PathBuf,
    },
}

impl Key {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Chore::New { origin, witness, out } => {
                let mut seed = [0; 32];
                getrandom::fill(&mut seed)
                    .map_err(|error| anyhow::anyhow!("the system gives no random bytes: {error}"))?;
                let wrong = |_: NoteError| {
                    StorageError::Url("--origin: expected 1 to 256 visible ASCII characters other than `+`".into())
                };
                let (secret, verifier) = if witness {
                    let cosigner = Cosigner::new(&origin, &seed).map_err(wrong)?;
                    (cosigner.secret(), cosigner.verifier().to_string())
                } else {
                    let signer = Signer::new(&origin, &seed).map_err(wrong)?;
                    (signer.secret(), signer.verifier().to_string())
                };
                write(&out, &secret)?;
                println!("{verifier}");
                eprintln!(
                    "{}",
                    say(
                        "Keep the file secret and the printed key where the log's owner cannot change it.",
                        "请妥善保密该文件；并将上面打印的公钥存放在日志保管者无法更改之处。"
                    )
                );
            }
            Chore::Show { file } => match Cosigner::parse(&text(&file)?) {
                Ok(cosigner) => println!("{}", cosigner.verifier()),
                Err(_) => println!("{}", read(&file)?.verifier()),
            },
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn write(path: &Path, secret: &str) -> anyhow::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options
        .open(path)
        .with_context(|| format!("cannot create {}", path.display()))?;
    writeln!(file, "{secret}").context("cannot write the key")?;
    file.sync_all().context("cannot write the key")
}

/// Reads a signing key. A file that others can read is refused.
pub(crate) fn read(path: &Path) -> anyhow::Result<Signer> {
    Signer::parse(&text(path)?)
        .map_err(|_| StorageError::Url(format!("{}: it is not a signing key", path.display())).into())
}

/// Reads a witness's key. A file that others can read is refused.
pub(crate) fn read_cosigner(path: &Path) -> anyhow::Result<Cosigner> {
    Cosigner::parse(&text(path)?)
        .map_err(|_| StorageError::Url(format!("{}: it is not a witness's key", path.display())).into())
}

fn text(path: &Path) -> anyhow::Result<String> {
    let about = std::fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
    #[cfg(unix)]
    if std::os::unix::fs::PermissionsExt::mode(&about.permissions()) & 0o077 != 0 {
        bail!(StorageError::Url(format!(
            "{}: others can read it; run chmod 600",
            path.display()
        )));
    }
    if about.len() > FILE_BYTES_MAX {
        bail!(StorageError::Url(format!("{}: too long for a key", path.display())));
    }
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}
