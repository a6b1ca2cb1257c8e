//! Published clients of the EventStoreDB protocol, from their package registries, in a scratch folder outside the tree.
//! The Rust ones are always there; those that need Python or Node only where these are.

use std::path::{Path, PathBuf};
use std::process::Command;

const PYTHON: [(&str, &str); 2] = [("kurrentdbclient", "1.3.5"), ("esdbclient", "1.1.7")];
const NODE: [(&str, &str); 2] = [
    ("@kurrent/kurrentdb-client", "1.3.1"),
    ("@eventstore/db-client", "6.2.1"),
];

/// What was installed.
pub(crate) struct Clients {
    /// Where: `rust`, `python` and `node` in it, as far as they are there.
    pub(crate) directory: PathBuf,
    /// For people: which there are, and which are missing for want of what.
    pub(crate) said: String,
}

/// Installs what is not installed yet.
pub(crate) fn install(cargo: &str) -> Result<Clients, String> {
    let directory = std::env::temp_dir().join("waystation-clients");
    std::fs::create_dir_all(&directory).map_err(|error| format!("cannot create {}: {error}", directory.display()))?;
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/clients/rust/Cargo.toml");
    run(Command::new(cargo)
        .args(["build", "--quiet", "--locked", "--manifest-path"])
        .arg(manifest)
        .env("CARGO_TARGET_DIR", directory.join("rust")))?;
    let mut said = vec!["Rust".to_owned()];
    for (language, program, version, install) in [
        (
            "Python",
            "python3",
            "import sys; assert sys.version_info >= (3, 10)",
            python as Install,
        ),
        (
            "Node",
            "node",
            "if (parseInt(process.versions.node) < 20) process.exit(1)",
            node,
        ),
    ] {
        let flag = if language == "Python" { "-c" } else { "-e" };
        let there = Command::new(program).args([flag, version]).output();
        if there.is_ok_and(|output| output.status.success()) {
            install(&directory.join(language.to_lowercase()))?;
            said.push(language.to_owned());
        } else {
            said.push(format!("{language} NOT RUN (there is no {program} that is new enough)"));
        }
    }
    Ok(Clients {
        directory,
        said: said.join(", "),
    })
}

type Install = fn(&Path) -> Result<(), String>;

/// Runs an installation unless the same one was finished before.
fn once(directory: &Path, wanted: &str, install: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    let mark = directory.join("installed");
    if std::fs::read_to_string(&mark).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    eprintln!("xtask: installing {wanted}");
    let failed = |error: std::io::Error| format!("{}: {error}", directory.display());
    // What an earlier try left may be half of something.
    if directory.exists() {
        std::fs::remove_dir_all(directory).map_err(failed)?;
    }
    std::fs::create_dir_all(directory).map_err(failed)?;
    install()?;
    std::fs::write(mark, wanted).map_err(failed)
}

fn python(directory: &Path) -> Result<(), String> {
    for (name, version) in PYTHON {
        // One environment each: they disagree about what they need.
        let own = directory.join(name);
        let wanted = format!("{name}=={version}");
        once(&own, &wanted, || {
            run(Command::new("python3").args(["-m", "venv"]).arg(&own))?;
            run(Command::new(own.join("bin/pip")).args(["install", "--quiet", &wanted]))
        })?;
    }
    Ok(())
}

fn node(directory: &Path) -> Result<(), String> {
    let wanted = NODE.map(|(name, version)| format!("{name}@{version}"));
    once(directory, &wanted.join(" "), || {
        run(Command::new("npm")
            .args(["install", "--silent", "--no-save", "--no-audit", "--no-fund"])
            .args(&wanted)
            .current_dir(directory))
    })
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)))
}
