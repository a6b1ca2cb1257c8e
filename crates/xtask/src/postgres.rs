//! Finds a PostgreSQL for the tests, or starts a throw-away cluster and stops it afterwards.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A database URL for tests; if this run started the cluster, dropping this stops it and removes its files.
pub(crate) struct Postgres {
    pub(crate) url: String,
    pub(crate) origin: String,
    started: Option<Cluster>,
}

struct Cluster {
    bin: PathBuf,
    directory: PathBuf,
    as_postgres: bool,
}

/// A URL given in the environment, else a cluster of our own from installed server programs, else Debian's package if
/// it may be installed, else an error with the exact command.
///
/// `settings` are what a cluster of our own is started with, beside the port.
pub(crate) fn find_or_start(settings: &str) -> Result<Postgres, String> {
    if let Ok(url) = std::env::var("WAYSTATION_TEST_POSTGRES_URL") {
        return Ok(Postgres {
            url,
            origin: "WAYSTATION_TEST_POSTGRES_URL".into(),
            started: None,
        });
    }
    let bin = match installed() {
        Some(bin) => bin,
        None => {
            install()?;
            installed().ok_or("the package postgresql holds no server programs")?
        }
    };
    start(&bin, settings)
}

/// The newest directory with `initdb` and `postgres` in it.
fn installed() -> Option<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let major = entry.file_name().to_str()?.parse().ok()?;
            let bin = entry.path().join("bin");
            (bin.join("initdb").exists() && bin.join("postgres").exists()).then_some((major, bin))
        })
        .collect();
    found.sort();
    found.pop().filter(|(major, _)| *major >= 15).map(|(_, bin)| bin)
}

fn install() -> Result<(), String> {
    const COMMAND: &str = "apt-get update && apt-get install -y --no-install-recommends postgresql";
    let by_hand = || {
        format!("PostgreSQL 15 or newer is needed. Run\n  sudo sh -c '{COMMAND}'\nor set WAYSTATION_TEST_POSTGRES_URL")
    };
    eprintln!("xtask: installing Debian's postgresql for the tests");
    // Keeps the package from starting a cluster that nobody asked for.
    let script = format!(
        "mkdir -p /etc/postgresql-common && \
         echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf && {COMMAND}"
    );
    let mut command = if is_root() {
        Command::new("sh")
    } else {
        let mut sudo = Command::new("sudo");
        sudo.args(["-n", "sh"]);
        sudo
    };
    let status = command
        .args(["-c", &script])
        .stdout(Stdio::null())
        .status()
        .map_err(|_| by_hand())?;
    if status.success() { Ok(()) } else { Err(by_hand()) }
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output();
    output.is_ok_and(|output| output.stdout.starts_with(b"0\n"))
}

/// PostgreSQL refuses to run as root; its package brings a user for it.
fn server_command(program: &Path, as_postgres: bool) -> Command {
    if as_postgres {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]).arg(program);
        command
    } else {
        Command::new(program)
    }
}

fn run(mut command: Command, what: &str) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("{what}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{what} failed:\n{}", String::from_utf8_lossy(&output.stderr)))
}

fn start(bin: &Path, settings: &str) -> Result<Postgres, String> {
    let as_postgres = is_root();
    let directory = std::env::temp_dir().join(format!("waystation-test-postgres-{}", std::process::id()));
    std::fs::create_dir(&directory).map_err(|error| format!("cannot create {}: {error}", directory.display()))?;
    let cluster = Cluster {
        bin: bin.to_owned(),
        directory: directory.clone(),
        as_postgres,
    };
    if as_postgres {
        let mut chown = Command::new("chown");
        chown.arg("postgres").arg(&directory);
        run(chown, "chown")?;
    }
    let data = directory.join("data");
    let mut initdb = server_command(&bin.join("initdb"), as_postgres);
    initdb
        .arg("-D")
        .arg(&data)
        .args(["-U", "waystation", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"]);
    run(initdb, "initdb")?;
    let port = free_port()?;
    let options = format!(
        "-p {port} -h 127.0.0.1 -k {} -c max_connections=400 {settings}",
        directory.display()
    );
    let mut ctl = server_command(&bin.join("pg_ctl"), as_postgres);
    ctl.arg("-D")
        .arg(&data)
        .arg("-l")
        .arg(directory.join("log"))
        .args(["-w", "-o", &options, "start"]);
    // Pipes would be inherited by the server and never close.
    let status = ctl
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .map_err(|error| format!("pg_ctl: {error}"))?;
    if !status.success() {
        let log = std::fs::read_to_string(directory.join("log")).unwrap_or_default();
        return Err(format!("PostgreSQL did not start:\n{log}"));
    }
    Ok(Postgres {
        url: format!("postgres://waystation@127.0.0.1:{port}/postgres"),
        origin: format!("own cluster from {}", bin.display()),
        started: Some(cluster),
    })
}

fn free_port() -> Result<u16, String> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    Ok(listener.local_addr().map_err(|error| error.to_string())?.port())
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let Some(cluster) = self.started.take() else { return };
        let mut ctl = server_command(&cluster.bin.join("pg_ctl"), cluster.as_postgres);
        ctl.arg("-D")
            .arg(cluster.directory.join("data"))
            .args(["-m", "immediate", "stop"]);
        if let Err(message) = run(ctl, "stopping PostgreSQL") {
            eprintln!("xtask: {message}");
        }
        let _ = std::fs::remove_dir_all(&cluster.directory);
    }
}
