//! Proves: acceptance through the real doors, on both databases. This is the harness: it starts the real binary on a
//! fresh database and stops it again.

pub mod authority;
pub mod canaries;
mod clients;
pub mod compliance;
pub mod forger;
pub mod inspection;
pub mod matrix;
pub mod people;
pub mod policy;
pub mod records;

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use tonic::transport::Channel;
use waystation_api::v1;

pub use clients::{Acting, Bearing, Clients, base64};

/// Station of all tests.
pub const STATION: &str = "station-qinglongshan";

/// The built `waystation` binary, which lies beside this program or, for tests, one directory above.
///
/// # Panics
/// When it is not built.
pub fn binary() -> PathBuf {
    let this = std::env::current_exe().expect("a program has a path");
    let found = this
        .ancestors()
        .skip(1)
        .take(2)
        .map(|directory| directory.join("waystation"))
        .find(|path| path.is_file());
    found.expect("the binary is not built; run `cargo xtask test` or `cargo xtask bench`, which do")
}

/// Runs the binary to its end.
pub fn run(arguments: &[&str]) -> Output {
    Command::new(binary())
        .args(arguments)
        .args(["--lang", "en"])
        .output()
        .expect("the binary runs")
}

/// Makes an account at [`STATION`] and returns its token, as `authorization` wants it.
///
/// # Panics
/// When it cannot be made.
pub fn account(database: &str, id: &str, role: &str) -> String {
    let add = ["accounts", "add", "--database", database, "--id", id, "--role", role];
    let made = run(&[&add[..], &["--station", STATION]].concat());
    assert!(made.status.success(), "{made:?}");
    format!("Bearer {}", String::from_utf8(made.stdout).expect("is text").trim())
}

/// Origin of the logs of tests that sign.
pub const ORIGIN: &str = "waystation.test/qinglongshan/1";

/// A file with a signing key, and the key that verifies.
///
/// # Panics
/// When the key cannot be made.
pub fn signing_key(directory: &std::path::Path) -> (String, String) {
    new_key(directory, "key", &["--origin", ORIGIN])
}

/// A file with a key of its own name, and the key that verifies.
///
/// # Panics
/// When the key cannot be made.
pub fn new_key(directory: &std::path::Path, name: &str, arguments: &[&str]) -> (String, String) {
    let file = directory.join(name).display().to_string();
    let made = run(&[&["key", "new", "--out", &file], arguments].concat());
    assert!(made.status.success(), "{made:?}");
    let verifier = String::from_utf8(made.stdout).expect("is text").trim().to_owned();
    (file, verifier)
}

/// A file with the key of a witness, and the key that verifies.
///
/// # Panics
/// When the key cannot be made.
pub fn witness_key(directory: &std::path::Path) -> (String, String) {
    new_key(
        directory,
        "witness",
        &["--witness", "--origin", "witness.test/district"],
    )
}

/// Standard output as JSON.
pub fn json(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| {
        let (out, err) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        panic!("not JSON: {out}\n{err}")
    })
}

/// Among the arguments of a server: ask for tokens instead of believing metadata.
pub const SECURE: &str = "secure";

/// Starts the binary and waits until it says, at the end of its first line, where it serves.
fn announced(arguments: &[&str]) -> (Child, String) {
    awaited(Command::new(binary()).args(arguments))
}

fn awaited(command: &mut Command) -> (Child, String) {
    let mut child = command
        .args(["--lang", "en"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary starts");
    let mut line = String::new();
    let mut out = BufReader::new(child.stdout.take().expect("is piped"));
    out.read_line(&mut line).expect("says where it serves");
    let address = line.trim().rsplit(' ').next().expect("a line has words").to_owned();
    assert!(address.contains(':'), "the server did not start: {line}");
    (child, address)
}

/// A running server; killed when dropped.
pub struct Server {
    child: Option<Child>,
    /// `127.0.0.1:PORT`
    pub address: String,
    arguments: Vec<String>,
}

impl Server {
    /// Migrates the database and serves it on a free loopback port.
    pub fn start(database: &str) -> Self {
        let migrated = run(&["migrate", "--database", database]);
        assert!(
            migrated.status.success(),
            "{}",
            String::from_utf8_lossy(&migrated.stderr)
        );
        Self::serve(database)
    }

    /// Serves a database that is there already.
    pub fn serve(database: &str) -> Self {
        Self::serve_with(database, &[])
    }

    /// As [`Server::serve`], with further arguments, which a restart repeats.
    pub fn serve_with(database: &str, arguments: &[&str]) -> Self {
        Self::serve_at(database, "127.0.0.1:0", arguments)
    }

    /// Kills it and serves the same database at the same address again.
    pub fn restart(&mut self, database: &str) {
        self.kill();
        let arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
        *self = Self::serve_at(database, &self.address, &arguments);
    }

    fn serve_at(database: &str, address: &str, arguments: &[&str]) -> Self {
        let mut serve = vec!["serve", "--listen", address, "--database", database];
        if !arguments.contains(&SECURE) {
            serve.push("--insecure");
        }
        serve.extend(arguments.iter().filter(|argument| **argument != SECURE));
        let (child, address) = announced(&serve);
        Self {
            child: Some(child),
            address,
            arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect(),
        }
    }

    /// As [`Server::serve`], on a disk on which no file can grow beyond so many kibibytes: writing more fails, as it does
    /// on a disk that is broken or full.
    pub fn serve_on_a_bad_disk(database: &str, kibibytes: u64) -> Self {
        // The limit is in blocks of 512 bytes. Who ignores the signal is told by the call that fails.
        let shell = format!("trap '' XFSZ; ulimit -f {}; exec \"$@\"", kibibytes * 2);
        let mut command = Command::new("sh");
        command.args(["-c", &shell, "sh"]).arg(binary());
        command.args(["serve", "--listen", "127.0.0.1:0", "--insecure", "--database", database]);
        let (child, address) = awaited(&mut command);
        Self::of(child, address)
    }

    /// What is in memory of it, in KiB.
    pub fn memory(&self) -> u64 {
        let child = self.child.as_ref().expect("is ours");
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).expect("Linux says");
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = resident.and_then(|text| text.split_whitespace().next());
        number.expect("says how much").parse().expect("is a number")
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        let child = self.child.as_mut().expect("is ours");
        child.try_wait().expect("can be asked").is_some()
    }

    /// One that was started in a way of its own; from now on it ends like the others.
    pub fn of(child: Child, address: String) -> Self {
        Self {
            child: Some(child),
            address,
            arguments: Vec::new(),
        }
    }

    /// One that somebody else has started and will end.
    pub fn at(address: &str) -> Self {
        Self {
            child: None,
            address: address.to_owned(),
            arguments: Vec::new(),
        }
    }

    /// A witness on a free loopback port.
    pub fn witness(arguments: &[&str]) -> Self {
        let (child, address) = announced(&[&["witness", "--listen", "127.0.0.1:0"], arguments].concat());
        Self::of(child, address)
    }

    /// Ends it the hard way, as a power cut would.
    pub fn kill(&mut self) {
        let child = self.child.as_mut().expect("is ours to end");
        // It may have ended by itself.
        let _ = child.kill();
        child.wait().expect("ends");
    }

    /// A connection.
    pub async fn connect(&self) -> Channel {
        let endpoint = Channel::from_shared(format!("http://{}", self.address)).expect("is a URL");
        endpoint.connect().await.expect("connects")
    }

    /// Clients that act as somebody.
    pub async fn clients(&self, actor: &str, role: &str) -> Clients {
        Clients::over(&self.connect().await, actor, role)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // It may have been killed already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// An order for a new case.
pub fn order(id: &str, on: &str) -> v1::RegisterOrderRequest {
    v1::RegisterOrderRequest {
        case_id: id.into(),
        person: format!("p-{id}"),
        programme: v1::Programme::CommunityDetox.into(),
        order_no: format!("order-{id}"),
        authority: "PSB".into(),
        decided_on: on.into(),
        notified_on: on.into(),
        term_months: 36,
        place_basis: v1::PlaceBasis::Household.into(),
        ..Default::default()
    }
}

/// A check-in face to face.
pub fn check_in(id: &str, on: &str) -> v1::RecordCheckInRequest {
    v1::RecordCheckInRequest {
        name: format!("cases/{id}"),
        on: on.into(),
        mode: v1::CheckInMode::InPerson.into(),
        ..Default::default()
    }
}

/// Today in China, as the server sees it.
pub fn today() -> String {
    let out = Command::new("date")
        .env("TZ", "CST-8")
        .arg("+%F")
        .output()
        .expect("date runs");
    String::from_utf8(out.stdout).expect("is text").trim().to_owned()
}

/// Reading at or after a receipt.
pub fn after(receipt: &v1::CommandReceipt) -> Option<v1::ReadOptions> {
    Some(v1::ReadOptions {
        min_position: receipt.position,
        as_of: None,
    })
}

/// Reading as of a position.
pub fn as_of(position: i64) -> Option<v1::ReadOptions> {
    Some(v1::ReadOptions {
        min_position: 0,
        as_of: Some(v1::read_options::AsOf::AsOfPosition(position)),
    })
}

/// Reading everything, as a client of EventStoreDB asks for it.
pub fn read_all() -> waystation_api::event_store::client::streams::ReadReq {
    use waystation_api::event_store::client::Empty;
    use waystation_api::event_store::client::streams::read_req::options::all_options::AllOption;
    use waystation_api::event_store::client::streams::read_req::options::{AllOptions, StreamOption};
    read(StreamOption::All(AllOptions {
        all_option: Some(AllOption::Start(Empty {})),
    }))
}

/// Reading a stream from its beginning, as a client of EventStoreDB asks for it.
pub fn read_stream(name: &str) -> waystation_api::event_store::client::streams::ReadReq {
    use waystation_api::event_store::client::streams::read_req::options::StreamOption;
    use waystation_api::event_store::client::{Empty, StreamIdentifier, StreamStart, stream_start};
    read(StreamOption::Stream(StreamStart {
        stream_identifier: Some(StreamIdentifier {
            stream_name: name.as_bytes().to_vec().into(),
        }),
        revision_option: Some(stream_start::RevisionOption::Start(Empty {})),
    }))
}

fn read(
    stream: waystation_api::event_store::client::streams::read_req::options::StreamOption,
) -> waystation_api::event_store::client::streams::ReadReq {
    use waystation_api::event_store::client::streams::ReadReq;
    use waystation_api::event_store::client::streams::read_req::Options;
    use waystation_api::event_store::client::streams::read_req::options::{CountOption, FilterOption};
    use waystation_api::event_store::client::uuid_option::Content;
    use waystation_api::event_store::client::{Empty, UuidOption};
    let options = Options {
        uuid_option: Some(UuidOption {
            content: Some(Content::String(Empty {})),
        }),
        stream_option: Some(stream),
        count_option: Some(CountOption::Count(10_000)),
        filter_option: Some(FilterOption::NoFilter(Empty {})),
        ..Options::default()
    };
    ReadReq { options: Some(options) }
}
