//! Reads what the keys in a bundle open, at the inspector's, without a database.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use clap::Args;
use comfy_table::Table;
use waystation_app::{StorageError, TrustPolicy, Verifier, bundle, field_name, open_bundle};
use zeroize::Zeroizing;

use crate::lang::say;

/// Exit code when the bundle contradicts itself.
const BROKEN: u8 = 3;

#[derive(Args)]
pub(super) struct Open {
    /// The bundle's directory
    directory: PathBuf,
    /// The inspector's age identity
    #[arg(long, value_name = "FILE")]
    identity: PathBuf,
    /// The log's key, as the station gave it on an earlier day
    #[arg(long, value_name = "KEY")]
    verifier: String,
    /// Print one JSON object a line instead of a table
    #[arg(long)]
    json: bool,
}

impl Open {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let verifier = Verifier::parse(&self.verifier);
        let verifier = verifier.map_err(|error| StorageError::Url(format!("--verifier: {error}")))?;
        let policy = TrustPolicy::of_log(verifier);
        let read = |path: &str| std::fs::read(self.directory.join(path)).ok();
        // What does not prove itself is not worth reading.
        let verified = bundle::verify(read, &policy, None);
        if let Some(found) = verified.contradictions.first() {
            eprintln!(
                "{}: {}: {}",
                say("the bundle contradicts itself", "数据包自相矛盾"),
                found.place,
                found.what
            );
            return Ok(ExitCode::from(BROKEN));
        }
        let identity = std::fs::read_to_string(&self.identity).map(Zeroizing::new);
        let Ok(identity) = identity else {
            bail!(StorageError::Url(format!(
                "{}: it cannot be read",
                self.identity.display()
            )));
        };
        let fields = open_bundle(read, verified.events, &identity)
            .map_err(|error| StorageError::Url(format!("--identity: {error}")))?;
        let mut table = Table::new();
        table.set_header([
            say("position", "位置"),
            say("person", "人员"),
            say("what happened", "事件"),
            say("field", "字段"),
            say("text", "内容"),
        ]);
        let mut whole = true;
        for field in &fields {
            let name = field_name(field.field);
            let text = match &field.text {
                Ok(text) => text.as_str(),
                Err(what) => {
                    whole = false;
                    what
                }
            };
            if self.json {
                let line = serde_json::json!({
                    "position": field.position,
                    "person": field.person,
                    "type": field.event_type,
                    "field": name,
                    "opened": field.text.is_ok(),
                    "text": text,
                });
                println!("{line}");
            } else {
                let position = field.position.to_string();
                table.add_row([position.as_str(), &field.person, &field.event_type, name, text]);
            }
        }
        if !self.json {
            println!("{table}");
        }
        Ok(if whole {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(BROKEN)
        })
    }
}
