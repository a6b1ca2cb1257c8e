//! SoftHSM, a PKCS #11 device in software: found, or installed where that may be done; the tests of devices need one.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where its library lies.
const PLACES: [&str; 4] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
];
const INSTALL: &str = "apt-get update && apt-get install -y --no-install-recommends softhsm2";

/// A place for tokens of one run.
pub(crate) struct SoftHsm {
    /// The library, when there is one.
    pub(crate) module: Option<PathBuf>,
    /// What `SOFTHSM2_CONF` names.
    pub(crate) configuration: PathBuf,
    directory: PathBuf,
}

impl SoftHsm {
    /// For the last line.
    pub(crate) fn said(&self) -> String {
        match &self.module {
            Some(_) => "SoftHSM".to_owned(),
            None => format!("NOT RUN, no SoftHSM ({INSTALL})"),
        }
    }
}

impl Drop for SoftHsm {
    fn drop(&mut self) {
        // Tokens of a run that is over; leaving them would do no harm.
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

fn find() -> Option<PathBuf> {
    PLACES
        .iter()
        .map(Path::new)
        .find(|path| path.is_file())
        .map(Path::to_owned)
}

pub(crate) fn find_or_install() -> Result<SoftHsm, String> {
    let mut module = find();
    if module.is_none() {
        eprintln!("xtask: installing Debian's softhsm2 for the tests of devices");
        // Where it cannot be installed, the last line says that those did not run.
        let _ = Command::new("sh")
            .args(["-c", INSTALL])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        module = find();
    }
    let directory = std::env::temp_dir().join(format!("waystation-softhsm-{}", std::process::id()));
    let (tokens, configuration) = (directory.join("tokens"), directory.join("softhsm2.conf"));
    let failed = |error: std::io::Error| format!("{}: {error}", directory.display());
    std::fs::create_dir_all(&tokens).map_err(failed)?;
    std::fs::write(&configuration, format!("directories.tokendir = {}\n", tokens.display())).map_err(failed)?;
    Ok(SoftHsm {
        module,
        configuration,
        directory,
    })
}
