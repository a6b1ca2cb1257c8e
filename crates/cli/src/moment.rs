//! A past moment, as options say it.

use clap::Args;
use waystation_app::{AsOf, ReadOptions};

#[derive(Args)]
pub(crate) struct Moment {
    /// Up to this position; the end of the log when not given
    #[arg(long, conflicts_with = "time")]
    position: Option<u64>,
    /// Up to what had been recorded by this time, such as 2026-03-02T09:00:00Z
    #[arg(long)]
    time: Option<jiff::Timestamp>,
}

impl Moment {
    pub(crate) fn read(&self) -> ReadOptions {
        let as_of = match (self.position, self.time) {
            (Some(position), _) => Some(AsOf::Position(position)),
            (None, Some(time)) => Some(AsOf::Recorded(time.as_microsecond())),
            (None, None) => None,
        };
        ReadOptions {
            min_position: None,
            as_of,
        }
    }
}
