//! The project's own chores. Standard library only, so that it builds in seconds.

mod bench;
mod clients;
mod deny;
mod postgres;
mod softhsm;
mod test;

use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask test [arguments for cargo test]
       cargo xtask bench [--quick] [--json] [--only=sqlite|postgres]";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let result = match arguments.next().as_deref() {
        Some("test") => test::run(&arguments.collect::<Vec<_>>()),
        Some("bench") => bench::run(&arguments.collect::<Vec<_>>()),
        _ => Err(USAGE.to_owned()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}
