//! People with unmistakable values go through everything; the values are found nowhere but in entitled replies: in no
//! database file, event, view, error, log line, export or output of a command, in no usual encoding.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use waystation_storage::testing::on_both;
use waystation_tests::canaries::{Canaries, ID, NAME, NOTES, checked, figures, found, go_further, go_through, values};
use waystation_tests::people::{dump, files};
use waystation_tests::{STATION, Server, account, base64, binary, run, signing_key};

fn all_files(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).expect("reads") {
        let path = entry.expect("reads").path();
        if path.is_dir() {
            files.extend(all_files(&path));
        } else {
            files.push(path);
        }
    }
    files
}

#[test]
fn canaries_are_found_nowhere_but_in_entitled_replies() {
    // T-20
    on_both(|database| async move {
        let number = checked(ID);
        let values = values(&number);
        let canaries = Canaries::of(values.iter().cloned());
        for value in &values {
            for haystack in [format!("x{value}x"), base64(format!("y{value}zz").as_bytes())] {
                assert_eq!(
                    found(haystack.as_bytes(), &canaries),
                    std::slice::from_ref(value),
                    "the search finds it"
                );
            }
        }
        let directory = tempfile::tempdir().expect("a directory");
        let at = |name: &str| directory.path().join(name).display().to_string();
        let (key, _) = signing_key(directory.path());
        assert!(run(&["migrate", "--database", &database.url]).status.success());
        account(&database.url, "worker-1", "CASE_WORKER");
        account(&database.url, "inspector-1", "INSPECTOR");
        // The server with everything it says kept.
        let log = std::fs::File::create(at("server.log")).expect("is made");
        let child = Command::new(binary())
            .args([
                "serve",
                "--insecure",
                "--listen",
                "127.0.0.1:0",
                "--lang",
                "en",
                "--link-streams",
            ])
            .args(["--database", &database.url, "--signing-key", &key])
            .env("RUST_LOG", "trace")
            .stdout(Stdio::from(log.try_clone().expect("is shared")))
            .stderr(Stdio::from(log))
            .spawn()
            .expect("starts");
        let address = loop {
            let said = std::fs::read_to_string(at("server.log")).unwrap_or_default();
            if let Some(line) = said.lines().find(|line| line.starts_with("serving gRPC on ")) {
                break line.rsplit(' ').next().expect("has words").to_owned();
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        };
        let server = Server::of(child, address);
        let said = go_through(&server, &number).await + &go_further(&server, &number).await + &figures(&server).await;
        assert_eq!(
            found(said.as_bytes(), &canaries),
            Vec::<String>::new(),
            "in answers and errors"
        );
        // What stock clients read is the log as it is.
        let channel = server.connect().await;
        let mut streams = waystation_api::event_store::client::streams::streams_client::StreamsClient::new(channel);
        let mut events = streams
            .read(waystation_tests::read_all())
            .await
            .expect("reads")
            .into_inner();
        let mut count = 0;
        while let Some(event) = events.message().await.expect("goes on") {
            let bytes = format!("{event:?}");
            assert_eq!(found(bytes.as_bytes(), &canaries), Vec::<String>::new(), "in an event");
            count += 1;
        }
        assert!(count > 20, "{count}");
        drop(server);
        assert_eq!(
            found(&std::fs::read(at("server.log")).expect("reads"), &canaries),
            Vec::<String>::new(),
            "in the log"
        );

        // Commands at the database, and what they write.
        let day_book = format!(
            "日期,事项,案件,人员,经办人,角色,原因\n2026-01-05,见面,{NAME},,worker-1,专干,{}\n",
            NOTES[3]
        );
        std::fs::write(at("book.csv"), day_book).expect("is written");
        let out = at("bundle");
        let inspector = run(&["keys", "identity", "--out", &at("inspector")]);
        let recipient = String::from_utf8(inspector.stdout).expect("is text").trim().to_owned();
        let disclosed = [
            "--person",
            "p-1",
            "--recipient",
            &recipient,
            "--inspector",
            "inspector-1",
        ];
        let bundle = ["export", "bundle", "--signing-key", &key, "--out"];
        let (opened, report, gone) = (at("bundle/opened"), at("bundle/report"), at("bundle/gone"));
        for (arguments, code) in [
            (&["events", "list", "--limit", "1000", "--json"][..], 0),
            (&["events", "show", "2", "--json"], 0),
            (&["replay", "--json"], 0),
            (&["verify", "--json"], 0),
            (&["verify", "keys", "--json"], 0),
            (&["verify", "access", "--json"], 0),
            (&["projections", "--json"], 0),
            (&["import", &at("book.csv"), "--station", STATION], 4),
            (&[&bundle[..], &[&out]].concat(), 0),
            (&[&bundle[..], &[&opened], &disclosed[..]].concat(), 0),
            (
                &[
                    "export",
                    "access",
                    "--signing-key",
                    &key,
                    "--person",
                    "p-1",
                    "--out",
                    &report,
                ],
                0,
            ),
            (
                &[
                    "export",
                    "certificate",
                    "--signing-key",
                    &key,
                    "--person",
                    "p-9",
                    "--out",
                    &gone,
                ],
                7,
            ),
        ] {
            let done = run(&[arguments, &["--database", &database.url]].concat());
            let printed = [done.stdout, done.stderr].concat();
            assert_eq!(
                done.status.code(),
                Some(code),
                "{arguments:?}: {}",
                String::from_utf8_lossy(&printed)
            );
            assert!(!printed.is_empty(), "{arguments:?}");
            assert_eq!(found(&printed, &canaries), Vec::<String>::new(), "{arguments:?}");
        }
        for path in all_files(Path::new(&out)) {
            let bytes = std::fs::read(&path).expect("reads");
            assert_eq!(found(&bytes, &canaries), Vec::<String>::new(), "{}", path.display());
        }
        let backup = dump(&database).await;
        assert!(backup.len() > 10_000, "{}", backup.len());
        assert_eq!(found(&backup, &canaries), Vec::<String>::new(), "in a backup");
        for path in files(&database).await {
            // Files of a running server come and go.
            let bytes = std::fs::read(&path).unwrap_or_default();
            assert_eq!(found(&bytes, &canaries), Vec::<String>::new(), "{}", path.display());
        }
    });
}
