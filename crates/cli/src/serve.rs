//! `waystation serve`.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use waystation_app::{App, AppOptions, Signer, StorageError, SystemClock, TrustPolicy};
use waystation_server::{
    AccessTokens, CALLS_A_SECOND, Provider, ServeError, ServeOptions, Tls, TlsFiles, WITNESS_EVERY, Witnessing,
};

use crate::key;
use crate::lang::say;

/// Where to serve when nothing else is said.
pub(crate) const DEFAULT_LISTEN: &str = "127.0.0.1:7420";

/// How long requests that are under way may take after the signal to stop.
const GRACE: Duration = Duration::from_secs(5);

#[derive(Args)]
pub(crate) struct Serve {
    /// sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE
    #[arg(long)]
    database: String,
    /// Address to serve on; without TLS on loopback only
    #[arg(long, default_value = DEFAULT_LISTEN)]
    listen: String,
    /// Serve over TLS with this certificate and those up to its authority, in PEM; replaced files are taken over at once
    #[arg(long, value_name = "FILE", requires = "tls_key", conflicts_with = "insecure")]
    tls_cert: Option<PathBuf>,
    /// Private key of that certificate, in PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Authorities of clients' certificates, in PEM; one that names spiffe://waystation/STATION/ACCOUNT needs no token
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    client_ca: Option<PathBuf>,
    /// Lists of certificates those authorities have revoked (X509 CRL), in PEM; one for each authority, in date
    #[arg(long, value_name = "FILE", requires = "client_ca")]
    client_crl: Option<PathBuf>,
    /// Take access tokens (RFC 9068: at+jwt, ES256 or EdDSA, ten minutes at most) of this issuer; `sub` is the account
    #[arg(long, value_name = "URL", requires_all = ["oidc_audience", "oidc_keys"])]
    oidc_issuer: Option<String>,
    /// What those tokens must name as their audience
    #[arg(long, value_name = "NAME", requires = "oidc_issuer")]
    oidc_audience: Option<String>,
    /// The issuer's public keys, a JWK Set; a replaced file is taken over at once
    #[arg(long, value_name = "FILE", requires = "oidc_issuer")]
    oidc_keys: Option<PathBuf>,
    /// Believe what request metadata says about who calls, instead of asking for tokens; for trying out
    #[arg(long)]
    insecure: bool,
    /// Calls a second that one account may make, and twice as many at once
    #[arg(long, default_value_t = CALLS_A_SECOND, conflicts_with = "insecure")]
    calls_per_second: NonZeroU32,
    /// Keep streams of links by category ($ce-…) and by event type ($et-…) for EventStoreDB clients
    #[arg(long)]
    link_streams: bool,
    /// Sign the checkpoints that are given out with the key in this file; see `waystation key new`
    #[arg(long, value_name = "FILE")]
    signing_key: Option<PathBuf>,
    /// Have the checkpoints cosigned by the witnesses of this C2SP tlog-policy
    #[arg(long, value_name = "FILE", requires = "signing_key")]
    witness_policy: Option<PathBuf>,
    /// Seconds between two visits to the witnesses
    #[arg(long, default_value_t = WITNESS_EVERY.as_secs(), value_parser = clap::value_parser!(u64).range(1..=86_400))]
    witness_every: u64,
    /// A file outside the database for the newest signed checkpoint: a log that does not continue it is only read
    #[arg(long, value_name = "FILE", requires = "signing_key")]
    high_water: Option<PathBuf>,
}

impl Serve {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let signer = self.signing_key.as_deref().map(key::read).transpose()?.map(Arc::new);
        let witnessing = signer.clone().map(|signer| self.witnessing(signer)).transpose()?;
        let (insecure, link_streams) = (self.insecure, self.link_streams);
        let tls = self.tls()?;
        let access_tokens = self.access_tokens()?;
        let listener = listen(&self.listen, tls.is_some()).await?;
        let options = AppOptions {
            database: self.database,
            keys: crate::keys::database(),
            keyring: crate::keys::keyring()?,
            migrate: false,
            clock: Arc::new(SystemClock),
        };
        let app = App::open(options).await.context("cannot open the database")?;
        eprintln!("{}", app.store().describe());
        if !insecure && !app.has_accounts().await? {
            app.close().await;
            return Err(StorageError::Url(
                "nobody has an account: make one with `waystation accounts add`, or serve --insecure to try out".into(),
            )
            .into());
        }
        if let Some(witnessing) = &witnessing {
            witnessing.guard(&app).await?;
        }
        let app = Arc::new(app);
        let serve_options = ServeOptions {
            signer,
            witnessing,
            tls,
            access_tokens,
            calls_a_second: Some(self.calls_per_second),
            insecure,
            link_streams,
        };
        Serving::start(&app, listener, serve_options)?
            .until_interrupted(app)
            .await?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Serve {
    fn tls(&self) -> anyhow::Result<Option<Tls>> {
        let (Some(certificate), Some(key)) = (self.tls_cert.clone(), self.tls_key.clone()) else {
            return Ok(None);
        };
        let files = TlsFiles {
            certificate,
            key,
            client_ca: self.client_ca.clone(),
            client_crl: self.client_crl.clone(),
        };
        let tls = Tls::open(files).map_err(|error| StorageError::Url(error.to_string()))?;
        Ok(Some(tls))
    }

    fn access_tokens(&self) -> anyhow::Result<Option<AccessTokens>> {
        let given = (
            self.oidc_issuer.clone(),
            self.oidc_audience.clone(),
            self.oidc_keys.clone(),
        );
        let (Some(issuer), Some(audience), Some(keys)) = given else {
            return Ok(None);
        };
        let provider = Provider { issuer, audience, keys };
        let tokens = AccessTokens::open(provider).map_err(|error| StorageError::Url(error.to_string()))?;
        Ok(Some(tokens))
    }

    /// What is done with checkpoints besides giving them out.
    fn witnessing(&self, signer: Arc<Signer>) -> anyhow::Result<Witnessing> {
        let policy = match &self.witness_policy {
            Some(path) => {
                let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
                TrustPolicy::parse(&text).map_err(|error| StorageError::Url(format!("--witness-policy: {error}")))?
            }
            None => TrustPolicy::of_log(signer.verifier()),
        };
        Ok(Witnessing {
            signer,
            policy: Arc::new(policy),
            every: Duration::from_secs(self.witness_every),
            high_water: self.high_water.clone(),
        })
    }
}

/// Binds an address; in clear on loopback only.
pub(crate) async fn listen(address: &str, over_tls: bool) -> anyhow::Result<TcpListener> {
    let wrong = |what: &str| StorageError::Url(format!("--listen {address}: {what}"));
    let mut addresses = tokio::net::lookup_host(address)
        .await
        .map_err(|_| wrong("expected HOST:PORT"))?;
    let found = addresses.next().ok_or_else(|| wrong("expected HOST:PORT"))?;
    if !over_tls && !found.ip().is_loopback() {
        return Err(wrong("only loopback addresses are served without TLS; see --tls-cert").into());
    }
    TcpListener::bind(found)
        .await
        .with_context(|| format!("cannot listen on {found}"))
}

fn warn_of_insecurity() {
    let line = "=".repeat(78);
    eprintln!("{line}");
    eprintln!(
        "{}",
        say(
            "  NOT SECURE: callers are not authenticated. Anyone who can reach this port may\n  \
             act as anyone. Loopback only; do not forward this port; no real personal data.",
            "  未启用安全：不验证调用者身份，凡能连到本端口者皆可冒用任何身份。\n  \
             仅限本机；请勿转发此端口；请勿录入真实个人信息。"
        )
    );
    eprintln!("{line}");
}

/// A server at work.
pub(crate) struct Serving {
    stop: watch::Sender<bool>,
    server: JoinHandle<Result<(), ServeError>>,
}

impl Serving {
    /// Says that it serves, and where, and does.
    pub(crate) fn start(app: &Arc<App>, listener: TcpListener, options: ServeOptions) -> anyhow::Result<Self> {
        if options.insecure {
            warn_of_insecurity();
        }
        println!("{} {}", say("serving gRPC on", "gRPC 服务地址"), listener.local_addr()?);
        let (stop, stopped) = watch::channel(false);
        let server = tokio::spawn(waystation_server::serve(Arc::clone(app), listener, options, stopped));
        Ok(Self { stop, server })
    }

    /// Runs the clock until Ctrl-C or SIGTERM, then finishes what is under way and closes the store.
    pub(crate) async fn until_interrupted(mut self, app: Arc<App>) -> anyhow::Result<()> {
        let clock = tokio::spawn({
            let (app, stopped) = (Arc::clone(&app), self.stop.subscribe());
            async move { app.run_clock(stopped).await }
        });
        tokio::select! {
            result = interrupted() => result?,
            failed = &mut self.server => failed??,
        }
        self.stop.send_replace(true);
        clock.await?;
        if !self.server.is_finished() && tokio::time::timeout(GRACE, &mut self.server).await.is_err() {
            // Somebody keeps a stream open; whatever was acknowledged is durable.
            self.server.abort();
            let _ = self.server.await;
        }
        if let Some(app) = Arc::into_inner(app) {
            app.close().await;
        }
        Ok(())
    }
}

/// Returns on Ctrl-C or SIGTERM.
pub(crate) async fn interrupted() -> anyhow::Result<()> {
    #[cfg(unix)]
    {
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            result = tokio::signal::ctrl_c() => result?,
            _ = terminate.recv() => {}
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await?;
    Ok(())
}
