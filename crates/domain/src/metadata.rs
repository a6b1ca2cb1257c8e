//! What is recorded about every event besides the event: who, how, under which rules.

use serde::{Deserialize, Serialize};

use crate::kernel::Role;

/// By which way a fact came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Channel {
    /// A gRPC client.
    Api,
    /// A day-book file.
    Import,
    /// The clock.
    SystemClock,
}

/// The stored metadata of Waystation's own events (JSON); borrowed text will do to write it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata<T = String> {
    /// Principal id.
    pub actor: T,
    /// Role in which they acted.
    pub role: Role,
    /// Their station.
    pub station: T,
    /// By which way it came in.
    pub channel: Channel,
    /// The command that was asked for.
    pub command: T,
    /// Policy packs in force for the decision, lowest layer last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policy: Vec<T>,
}
