//! Stock EventStoreDB clients, from their package registries, take the tour on both databases. `cargo xtask test`
//! installs them; those that need Python or Node are run where these are, and its last line says so.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use waystation_api::event_store::client::users::users_client::UsersClient;
use waystation_api::event_store::client::users::{CreateReq, create_req};
use waystation_storage::testing::on_both;
use waystation_tests::authority::{Authority, connect, place};
use waystation_tests::{Bearing, SECURE, Server, account, json, run};

fn installed() -> PathBuf {
    let directory = std::env::var("WAYSTATION_TEST_CLIENTS");
    directory
        .expect("cargo xtask test installs the clients and says where")
        .into()
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("clients").join(name)
}

/// Runs a tour on both databases. The server is killed and started again when the tour says so.
fn tour(program: &Path, arguments: &[&str], folder: &Path) {
    on_both(|database| async move {
        let mut server = Server::start(&database.url);
        let uri = format!("esdb://{}?tls=false", server.address);
        let mut child = Command::new(program)
            .args(arguments)
            .arg(&uri)
            .current_dir(folder)
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the client is installed");
        let mut errors = BufReader::new(child.stderr.take().expect("is piped"));
        let errors = std::thread::spawn(move || std::io::read_to_string(&mut errors).unwrap_or_default());
        let mut said = Vec::new();
        for line in BufReader::new(child.stdout.take().expect("is piped")).lines() {
            let line = line.expect("is text");
            if line == "RESTART" {
                server.restart(&database.url);
                let answer = child.stdin.as_mut().expect("is piped").write_all(b"started\n");
                answer.expect("the tour waits");
            }
            said.push(line);
        }
        let status = child.wait().expect("ends");
        let done = said.last().is_some_and(|line| line == "DONE");
        assert!(
            status.success() && done,
            "on {}: {}\n{}",
            database.kind,
            said.join("\n"),
            errors.join().unwrap_or_default()
        );
        assert!(said.iter().any(|line| line == "RESTART"));
        // Deletes, tombstones and metadata hid events from readers; the log and its tree are whole.
        server.kill();
        let verified = run(&["verify", "--database", &database.url, "--json"]);
        assert!(verified.status.success(), "{}", json(&verified));
    });
}

fn rust(client: &str) {
    let here = installed();
    tour(&here.join("rust/debug/waystation-client-tour"), &[client], &here);
}

/// Runs only where `cargo xtask test` found Python; its last line says when it did not.
fn python(client: &str) {
    let own = installed().join("python").join(client);
    if own.is_dir() {
        let tour_py = script("tour.py");
        tour(&own.join("bin/python"), &[&tour_py.display().to_string(), client], &own);
    }
}

#[test]
fn a_stock_client_shows_a_password_over_tls() {
    let python = || installed().join("python/kurrentdbclient/bin/python");
    if !python().is_file() {
        return; // the last line of the run says so
    }
    on_both(|database| async move {
        assert!(run(&["migrate", "--database", &database.url]).status.success());
        let security = account(&database.url, "security-1", "SECURITY_ADMIN");
        let site = Authority::new("servers of Qingzhen");
        let pair = site.server(2);
        let directory = tempfile::tempdir().expect("makes a directory");
        let path = |name: &str, text: &str| place(directory.path(), name, text).display().to_string();
        let (certificate, key) = (path("server.pem", &pair.certificate), path("server.key", &pair.key));
        let authority = path("authority.pem", &site.certificate);
        let server = Server::serve_with(&database.url, &[SECURE, "--tls-cert", &certificate, "--tls-key", &key]);
        let channel = connect(&server.address, &site, None).await.expect("connects");
        let mut users = UsersClient::with_interceptor(channel, Bearing::new(&security));
        for name in ["stats-1", "stats-2"] {
            let options = create_req::Options {
                login_name: name.into(),
                password: "a-long-password".into(),
                full_name: String::new(),
                groups: vec!["SERVICE".into(), "district-1".into()],
            };
            let request = CreateReq { options: Some(options) };
            users.create(request).await.expect("is made");
        }
        let port = server.address.rsplit(':').next().expect("has a port");
        let uri = |name: &str| format!("esdb://{name}:a-long-password@localhost:{port}");
        let output = Command::new(python())
            .arg(script("secure.py"))
            .args([&authority, &uri("stats-1"), &uri("stats-2")])
            .output()
            .expect("the client is installed");
        let (said, errors) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        assert!(output.status.success() && said.trim() == "DONE", "{said}\n{errors}");
    });
}

/// As [`python`].
fn node(client: &str) {
    let own = installed().join("node");
    if own.is_dir() {
        let tour_mjs = script("tour.mjs");
        tour(Path::new("node"), &[&tour_mjs.display().to_string(), client], &own);
    }
}

/// The snippet of a language in the documentation, for a server that is elsewhere.
fn snippet(language: &str, uri: &str) -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/eventstore-clients.md");
    let page = std::fs::read_to_string(page).expect("the page is there");
    let rest = page.split(&format!("```{language}\n")).nth(1).expect("the page has it");
    let snippet = rest.split("```").next().expect("it ends");
    let place = "esdb://127.0.0.1:7420?tls=false";
    assert!(snippet.contains(place), "it says where it connects");
    snippet.replace(place, uri)
}

/// Runs a program to its end on both databases and looks for what it must say.
fn says(prepare: impl Fn(&str) -> Command, expected: &[&str]) {
    on_both(|database| {
        let server = Server::start(&database.url);
        let output = prepare(&format!("esdb://{}?tls=false", server.address)).output();
        async move {
            let output = output.expect("the client is installed");
            let said = String::from_utf8_lossy(&output.stdout);
            let errors = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{said}\n{errors}");
            for expected in expected {
                assert!(said.contains(expected), "{expected} in {said}");
            }
            drop(server);
        }
    });
}

#[test]
fn the_documentations_rust_snippet_runs() {
    let program = installed().join("rust/debug/snippet");
    let prepare = |uri: &str| {
        let mut command = Command::new(&program);
        command.arg(uri);
        command
    };
    says(prepare, &["0 VisitPlanned", "seen "]);
}

#[test]
fn the_documentations_python_snippet_runs() {
    let own = installed().join("python/kurrentdbclient");
    if own.is_dir() {
        let prepare = |uri: &str| {
            let mut command = Command::new(own.join("bin/python"));
            command.arg("-c").arg(snippet("python", uri));
            command
        };
        says(prepare, &["0 VisitPlanned {'room': 3}", "visits-python"]);
    }
}

#[test]
fn the_documentations_node_snippet_runs() {
    let own = installed().join("node");
    if own.is_dir() {
        let prepare = |uri: &str| {
            let mut command = Command::new("node");
            command.args(["--input-type=module", "--eval"]);
            command.arg(snippet("js", uri)).current_dir(&own);
            command
        };
        says(prepare, &["0n VisitPlanned { room: 3 }", "seen "]);
    }
}

/// Ends a program when the test does, however it ends.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn lines(child: &mut Child) -> impl Iterator<Item = String> + use<> {
    let out = BufReader::new(child.stdout.take().expect("is piped"));
    out.lines().map(|line| line.expect("is text"))
}

#[test]
fn a_client_that_follows_everything_sees_the_demo_being_made_once_and_in_order() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut demo = Command::new(waystation_tests::binary())
        .args([
            "demo",
            "--listen",
            "127.0.0.1:0",
            "--lang",
            "en",
            "--until",
            "2026-10-31",
            "--dir",
        ])
        .arg(directory.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map(Ended)
        .expect("the binary starts");
    let mut said = lines(&mut demo.0);
    let first = said.next().expect("says where it serves");
    let address = first.rsplit(' ').next().expect("has words");
    let mut follower = Command::new(installed().join("rust/debug/waystation-client-tour"))
        .args(["follow", &format!("esdb://{address}?tls=false")])
        .stdout(Stdio::piped())
        .spawn()
        .map(Ended)
        .expect("the client is installed");
    let followed = lines(&mut follower.0);
    let (positions, seen) = std::sync::mpsc::channel();
    let reading = std::thread::spawn(move || {
        for line in followed.take_while(|line| line != "DONE") {
            let position: u64 = line.parse().expect("is a position");
            positions.send(position).expect("the test waits");
        }
    });
    let made = said.any(|line| line.contains("What to try next"));
    assert!(made, "the year was made while it was followed");
    // Nothing happens any more; what is still on its way comes within moments.
    let mut all: Vec<u64> = Vec::new();
    while let Ok(position) = seen.recv_timeout(std::time::Duration::from_secs(3)) {
        all.push(position);
    }
    drop((demo, follower));
    reading.join().expect("reads to the end");
    let url = format!("sqlite:{}", directory.path().join("demo.db").display());
    let verified = run(&["verify", "--database", &url, "--json"]);
    let size = json(&verified)["parts"][0]["looked_at"].as_u64().expect("is a number");
    assert!(size > 10_000, "{}", json(&verified));
    assert_eq!(all, (1..=size).collect::<Vec<_>>());
}

#[test]
fn rust_kurrentdb() {
    rust("kurrentdb");
}

#[test]
fn rust_eventstore() {
    rust("eventstore");
}

#[test]
fn python_kurrentdbclient() {
    python("kurrentdbclient");
}

#[test]
fn python_esdbclient() {
    python("esdbclient");
}

#[test]
fn node_kurrentdb_client() {
    node("@kurrent/kurrentdb-client");
}

#[test]
fn node_eventstore_db_client() {
    node("@eventstore/db-client");
}
