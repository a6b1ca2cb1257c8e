//! A process that dies with people's data in its memory leaves none of it behind.
#![cfg(target_os = "linux")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use waystation_tests::people::{ID, person, registration, text};
use waystation_tests::{Server, binary, run};

fn dumps(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).expect("is a directory");
    let names = entries.map(|entry| entry.expect("reads").file_name().to_string_lossy().into_owned());
    names.filter(|name| name.starts_with("core")).collect()
}

/// Ends a process whatever happens.
struct Ended(u32);

impl Drop for Ended {
    fn drop(&mut self) {
        // It is gone already when all went well.
        let _ = Command::new("kill")
            .args(["-KILL", &self.0.to_string()])
            .stderr(Stdio::null())
            .status();
    }
}

#[test]
fn a_server_that_crashes_dumps_no_memory() {
    let directory = tempfile::tempdir().expect("a directory");
    let database = format!("sqlite:{}", directory.path().join("log.db").display());
    assert!(run(&["migrate", "--database", &database]).status.success());
    // What this machine does with a process that does not mind: where it writes no dumps, only the limit is shown.
    let control = tempfile::tempdir().expect("a directory");
    let mut shell = Command::new("sh");
    shell
        .args(["-c", "ulimit -c unlimited; kill -ABRT $$"])
        .current_dir(control.path());
    assert!(!shell.status().expect("runs").success());
    let writes_dumps = !dumps(control.path()).is_empty();

    let serve = format!(
        "ulimit -c unlimited; exec {} serve --insecure --listen 127.0.0.1:0 --database {database}",
        binary().display()
    );
    let mut child = Command::new("sh")
        .args(["-c", &serve])
        .current_dir(directory.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("starts");
    let mut line = String::new();
    let mut out = BufReader::new(child.stdout.take().expect("is piped"));
    out.read_line(&mut line).expect("says where it serves");
    let _ended = Ended(child.id());
    let server = Server::at(line.trim().rsplit(' ').next().expect("has words"));
    let runtime = tokio::runtime::Runtime::new().expect("starts");
    runtime.block_on(async {
        let mut leader = server.clients("leader-1", "SUPERVISOR").await;
        let registered = leader.people.register_person(registration("p-1", ID)).await;
        let receipt = registered.expect("is registered").into_inner();
        let shown = person(&mut leader, "p-1", true, &receipt).await;
        assert_eq!(text(&shown.id_number).0, ID, "it is in the server's memory");
    });
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", child.id())).expect("Linux says");
    let core = limits.lines().find(|line| line.starts_with("Max core file size"));
    let words: Vec<&str> = core.unwrap_or_default().split_whitespace().collect();
    assert_eq!(words.get(4..6), Some(&["0", "0"][..]), "{core:?}");
    let killed = Command::new("kill").args(["-ABRT", &child.id().to_string()]).status();
    assert!(killed.expect("runs").success());
    assert!(!child.wait().expect("ends").success());
    assert_eq!(dumps(directory.path()), Vec::<String>::new());
    eprintln!("this machine writes dumps here: {writes_dumps}");
}
