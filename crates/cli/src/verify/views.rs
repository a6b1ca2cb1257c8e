//! The views of a database, folded again from the log.

use std::process::ExitCode;

use clap::Args;

use super::{compare_views, report};

#[derive(Args)]
pub(super) struct Views {
    /// sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE
    #[arg(long)]
    database: String,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

impl Views {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let app = crate::open_app(&self.database).await?;
        let line = compare_views(&app).await?;
        app.close().await;
        Ok(report(&[line], self.json))
    }
}
