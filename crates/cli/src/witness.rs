//! `waystation witness`: cosigns the checkpoints of logs that only grow. Run it somewhere the station cannot reach.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use tokio::net::TcpListener;
use tokio::sync::watch;
use waystation_app::{StorageError, SystemClock, TrustPolicy};
use waystation_server::WitnessOptions;

use crate::key;
use crate::lang::say;
use crate::serve::interrupted;

#[derive(Args)]
pub(crate) struct Witness {
    /// Address to serve on, HTTP; put a proxy with TLS before it to serve beyond this machine
    #[arg(long, default_value = "127.0.0.1:7421")]
    listen: String,
    /// The witness's key; see `waystation key new --witness`
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The logs to watch, as a C2SP tlog-policy
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// Directory that keeps the last checkpoint of each log
    #[arg(long, value_name = "DIR")]
    state: PathBuf,
}

impl Witness {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let cosigner = key::read_cosigner(&self.key)?;
        let text =
            std::fs::read_to_string(&self.policy).with_context(|| format!("cannot read {}", self.policy.display()))?;
        let logs = TrustPolicy::parse(&text).map_err(|error| StorageError::Url(format!("--policy: {error}")))?;
        std::fs::create_dir_all(&self.state)?;
        let listener = TcpListener::bind(&self.listen)
            .await
            .with_context(|| format!("cannot listen on {}", self.listen))?;
        println!("{} {}", say("witnessing on", "见证服务地址"), listener.local_addr()?);
        let options = WitnessOptions {
            cosigner,
            logs,
            directory: self.state,
            clock: Arc::new(SystemClock),
        };
        let (stop, stopped) = watch::channel(false);
        let server = tokio::spawn(waystation_server::serve_witness(listener, options, stopped));
        interrupted().await?;
        stop.send_replace(true);
        server.await??;
        Ok(ExitCode::SUCCESS)
    }
}
