//! Keys against the log, and openings against access records.

use std::process::ExitCode;

use clap::Args;
use waystation_app::KeyReport;

use super::{Line, code, report};

#[derive(Args)]
pub(super) struct Keys {
    /// sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE
    #[arg(long)]
    database: String,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub(super) struct Access {
    /// sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE
    #[arg(long)]
    database: String,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

fn line(part: &'static str, report: KeyReport, code: u8) -> Line {
    let named = report.findings.into_iter().map(|what| (code, what));
    Line::of(part, report.looked_at, named.collect())
}

impl Keys {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let app = crate::open_app_as_it_is(&self.database).await?;
        let found = app.verify_keys().await?;
        app.close().await;
        Ok(report(&[line("keys", found, code::KEY)], self.json))
    }
}

impl Access {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let app = crate::open_app_as_it_is(&self.database).await?;
        let found = app.verify_access().await?;
        app.close().await;
        Ok(report(&[line("access", found, code::UNRECORDED)], self.json))
    }
}
