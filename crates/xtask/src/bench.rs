//! `cargo xtask bench`: builds everything in release and runs the benchmark against a PostgreSQL with syncs on.

use std::path::Path;
use std::process::Command;

use crate::postgres;

/// As the measurements that the bars come from: memory for a log and the library's table, everything else as it is shipped;
/// the write-ahead log may grow, so that no run has more checkpoints than another.
const SETTINGS: &str = "-c shared_buffers=1GB -c max_wal_size=4GB";

pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let postgres = postgres::find_or_start(SETTINGS)?;
    eprintln!("xtask: PostgreSQL: {}", postgres.origin);
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let run = |command: &mut Command, what: &str| match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{what}: {status}")),
        Err(error) => Err(format!("{what}: {error}")),
    };
    let target = std::env::var("CARGO_TARGET_DIR").unwrap_or_else(|_| "target".into());
    let target = Path::new(&target);
    let packages = [
        "build",
        "--release",
        "-p",
        "waystation-cli",
        "-p",
        "waystation-tests",
        "--bins",
    ];
    run(Command::new(&cargo).args(packages), "cargo build")?;
    let peer = target.join("peer");
    if !arguments.iter().any(|argument| argument == "--only=sqlite") {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/peer/Cargo.toml");
        run(
            Command::new(cargo)
                .args(["build", "--release", "--locked", "--manifest-path"])
                .arg(manifest)
                .arg("--target-dir")
                .arg(&peer),
            "cargo build of what is compared with on PostgreSQL (without it: --only=sqlite)",
        )?;
    }
    run(
        Command::new(target.join("release/bench"))
            .arg(format!("--postgres={}", postgres.url))
            .arg(format!("--peer={}", peer.join("release/waystation-peer").display()))
            .args(arguments),
        "bench",
    )
}
