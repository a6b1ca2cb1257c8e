//! `cargo xtask bench`: builds everything in release and runs the benchmark against a PostgreSQL with syncs on.

use std::path::Path;
use std::process::Command;

use crate::postgres;

/// What is measured.
const PROGRAMS: [&str; 6] = ["build", "--release", "-p", "waystation-cli", "-p", "waystation-tests"];

pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let postgres = postgres::find_or_start()?;
    eprintln!("xtask: PostgreSQL: {}", postgres.origin);
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let run = |command: &mut Command, what: &str| match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{what}: {status}")),
        Err(error) => Err(format!("{what}: {error}")),
    };
    run(Command::new(&cargo).args(PROGRAMS).arg("--bins"), "cargo build")?;
    // Outside the tree, where the published clients of the tests are, too.
    let peer = std::env::temp_dir().join("waystation-peer");
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/peer/Cargo.toml");
    run(
        Command::new(cargo)
            .args(["build", "--release", "--locked", "--manifest-path"])
            .arg(manifest)
            .env("CARGO_TARGET_DIR", &peer),
        "cargo build of the peer",
    )?;
    let target = std::env::var("CARGO_TARGET_DIR").unwrap_or_else(|_| "target".into());
    run(
        Command::new(Path::new(&target).join("release/bench"))
            .arg(format!("--postgres={}", postgres.url))
            .arg(format!("--peer={}", peer.join("release/waystation-peer").display()))
            .args(arguments),
        "bench",
    )
}
