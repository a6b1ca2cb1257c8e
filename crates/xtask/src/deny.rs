//! What may be linked: `cargo deny` where it is installed; the last line of the run says what of it was asked.

use std::process::{Command, Stdio};

/// Runs what can be run of it, and says what that was.
pub(crate) fn check(cargo: &str) -> Result<String, String> {
    let deny = |arguments: &[&str]| {
        let mut command = Command::new(cargo);
        command.arg("deny").args(arguments);
        command
    };
    let succeeds = |arguments: &[&str]| {
        let mut command = deny(arguments);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    if !succeeds(&["--version"]) {
        return Ok("cargo deny is not installed".into());
    }
    // The list of known vulnerabilities comes over the network, which a machine may not have.
    let reachable = succeeds(&["fetch", "db"]);
    let mut asked = vec!["bans", "licenses", "sources"];
    asked.extend(Some("advisories").filter(|_| reachable));
    let status = deny(&["--log-level", "error", "check"]).args(&asked).status();
    if status.is_ok_and(|status| status.success()) {
        let rest = if reachable {
            ""
        } else {
            ", not advisories, whose list cannot be reached"
        };
        Ok(format!("{}{rest}", asked.join(" ")))
    } else {
        Err("cargo deny found what must not be linked".into())
    }
}
