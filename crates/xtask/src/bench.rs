//! `cargo xtask bench`: builds everything in release and runs the benchmark against a PostgreSQL with syncs on.

use std::process::Command;

use crate::postgres;

pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let postgres = postgres::find_or_start()?;
    eprintln!("xtask: PostgreSQL: {}", postgres.origin);
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let run = |command: &mut Command, what: &str| match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{what}: {status}")),
        Err(error) => Err(format!("{what}: {error}")),
    };
    let packages = [
        "build",
        "--release",
        "-p",
        "waystation-cli",
        "-p",
        "waystation-tests",
        "--bins",
    ];
    run(Command::new(cargo).args(packages), "cargo build")?;
    let target = std::env::var("CARGO_TARGET_DIR").unwrap_or_else(|_| "target".into());
    let program = std::path::Path::new(&target).join("release/bench");
    run(
        Command::new(program)
            .arg(format!("--postgres={}", postgres.url))
            .args(arguments),
        "bench",
    )
}
