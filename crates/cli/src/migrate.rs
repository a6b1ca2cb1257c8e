//! `waystation migrate`.

use std::process::ExitCode;

use clap::Args;

use crate::lang::say;

#[derive(Args)]
pub(crate) struct Migrate {
    /// sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE
    #[arg(long)]
    database: String,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

impl Migrate {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let store = crate::open(&self.database, true).await?;
        let (database, applied) = (store.describe().to_owned(), store.migrated().to_vec());
        store.close().await;
        if self.json {
            println!("{}", serde_json::json!({ "database": database, "applied": applied }));
        } else if applied.is_empty() {
            println!("{database}: {}", say("nothing to do", "无需变更"));
        } else {
            println!("{database}: {} {applied:?}", say("applied", "已应用"));
        }
        Ok(ExitCode::SUCCESS)
    }
}
