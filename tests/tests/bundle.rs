//! An inspector takes a log home and verifies it with a script that has none of our code.

use std::path::{Path, PathBuf};
use std::process::Command;

use waystation_api::v1;
use waystation_storage::testing::on_both;
use waystation_tests::people::{ID, OTHER_ID, registration};
use waystation_tests::{Server, check_in, run, signing_key, today};

/// Exit codes of the bundle's own script and of `verify bundle`, which must be the same.
fn verify(bundle: &Path, key: &str, anchor: Option<&Path>) -> (Option<i32>, String) {
    let directory = bundle.display().to_string();
    let mut more = Vec::new();
    if let Some(anchor) = anchor {
        more.extend(["--anchor".to_owned(), anchor.display().to_string()]);
    }
    let script = Command::new("python3")
        .arg(bundle.join("verify.py"))
        .args(["--key", key])
        .args(&more)
        .arg(&directory)
        .output()
        .expect("python runs");
    let more: Vec<&str> = more.iter().map(String::as_str).collect();
    let ours = run(&[&["verify", "bundle", &directory, "--verifier", key], more.as_slice()].concat());
    let said = String::from_utf8_lossy(&script.stdout).into_owned() + &String::from_utf8_lossy(&script.stderr);
    assert_eq!(
        script.status.code(),
        ours.status.code(),
        "{said}\n{}",
        String::from_utf8_lossy(&ours.stdout)
    );
    (script.status.code(), said)
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("is made");
    for entry in std::fs::read_dir(from).expect("reads") {
        let path = entry.expect("reads").path();
        let target = to.join(path.file_name().expect("has a name"));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).expect("copies");
        }
    }
}

/// The unfinished file of the `number`-th 256.
fn unfinished(directory: &Path, kind: &str, number: &str) -> PathBuf {
    let found = std::fs::read_dir(directory.join(kind).join(format!("{number}.p")))
        .expect("reads")
        .next();
    found.expect("is there").expect("reads").path()
}

fn flip(path: PathBuf, from_end: usize) {
    let mut bytes = std::fs::read(&path).expect("reads");
    let at = bytes.len() - from_end;
    bytes[at] ^= 1;
    std::fs::write(path, bytes).expect("writes");
}

#[test]
fn a_bundle_is_accepted_whole_and_refused_in_ten_altered_copies() {
    on_both(|database| async move {
        let directory = tempfile::tempdir().expect("a directory");
        let at = |name: &str| directory.path().join(name);
        let text = |name: &str| at(name).display().to_string();
        let (file, key) = signing_key(directory.path());
        assert!(run(&["migrate", "--database", &database.url]).status.success());
        let mut server = Server::serve_with(&database.url, &["--signing-key", &file]);
        let mut clients = server.clients("worker-1", "CASE_WORKER").await;
        let day = today();
        clients.active_case("c1", &day).await.expect("becomes active");
        let kept = clients.audit.get_checkpoint(v1::GetCheckpointRequest {}).await;
        std::fs::write(at("anchor"), kept.expect("is given").into_inner().note).expect("is kept");
        for _ in 0..300 {
            let recorded = clients.cases.record_check_in(check_in("c1", &day)).await;
            recorded.expect("is recorded");
        }
        server.kill();
        let export = |out: &str, more: &[&str]| {
            let out = text(out);
            let arguments = [
                "export",
                "bundle",
                "--database",
                &database.url,
                "--signing-key",
                &file,
                "--out",
                &out,
            ];
            run(&[&arguments, more].concat())
        };
        let made = export("bundle", &[]);
        assert!(made.status.success(), "{made:?}");
        assert!(!export("bundle", &[]).status.success(), "nothing is written over");
        let (code, said) = verify(&at("bundle"), &key, Some(&at("anchor")));
        assert_eq!(code, Some(0), "{said}");
        assert!(said.starts_with("good: 3"), "{said}");
        assert!(export("headers", &["--headers-only"]).status.success());
        let (code, said) = verify(&at("headers"), &key, Some(&at("anchor")));
        assert_eq!(code, Some(0), "{said}");

        let (other_file, other_key) =
            waystation_tests::new_key(directory.path(), "other", &["--origin", "other.test/1"]);
        let alter = |name: &str, change: &dyn Fn(&Path)| {
            copy(&at("bundle"), &at(name));
            change(&at(name));
            verify(&at(name), &key, None)
        };
        type Change<'a> = (&'static str, i32, &'a dyn Fn(&Path));
        let changes: [Change<'_>; 10] = [
            ("1-header", 10, &|b| flip(b.join("tile/entries/000"), 300)),
            ("2-body", 10, &|b| flip(b.join("blobs/000"), 3)),
            ("3-tile", 11, &|b| flip(b.join("tile/0/000"), 1)),
            ("4-upper-tile", 11, &|b| flip(b.join("tile/1/000.p/1"), 1)),
            ("5-root", 12, &|b| {
                let note = std::fs::read_to_string(b.join("checkpoint")).expect("reads");
                let lines: Vec<&str> = note.split('\n').collect();
                let root = lines[2].replacen(['A', 'b', 'c', 'd', 'e', 'f', 'g'], "h", 1);
                std::fs::write(b.join("checkpoint"), note.replacen(lines[2], &root, 1) + " ").expect("writes");
            }),
            ("6-signature", 12, &|b| {
                let note = std::fs::read_to_string(b.join("checkpoint")).expect("reads");
                let text = note.split("\n\n").next().expect("has a text");
                std::fs::write(b.join("checkpoint"), format!("{text}\n\n")).expect("writes");
            }),
            ("7-last-event-cut-off", 10, &|b| {
                let path = unfinished(b, "tile/entries", "001");
                let bytes = std::fs::read(&path).expect("reads");
                std::fs::write(&path, &bytes[..bytes.len() - 200]).expect("writes");
            }),
            ("8-missing", 10, &|b| {
                std::fs::remove_file(unfinished(b, "blobs", "001")).expect("is removed");
            }),
            ("9-trailing", 10, &|b| {
                let path = unfinished(b, "blobs", "001");
                let bytes = std::fs::read(&path).expect("reads");
                std::fs::write(&path, [bytes.as_slice(), &[0]].concat()).expect("writes");
            }),
            ("10-other-key", 12, &|b| {
                let out = b.display().to_string();
                std::fs::remove_dir_all(b).expect("is removed");
                let arguments = ["export", "bundle", "--database", &database.url];
                let more = ["--signing-key", &other_file, "--out", &out];
                assert!(run(&[arguments, more].concat()).status.success());
            }),
        ];
        for (name, expected, change) in changes {
            let (code, said) = alter(name, change);
            assert_eq!(code, Some(expected), "{name}: {said}");
        }
        let (code, _) = verify(&at("10-other-key"), &other_key, None);
        assert_eq!(code, Some(0), "it is a good bundle of another log");
        let nonsense = run(&["verify", "bundle", &text("bundle"), "--verifier", "nonsense"]);
        assert_eq!(nonsense.status.code(), Some(8), "{nonsense:?}");
    });
}

#[test]
fn a_bundle_of_another_history_is_a_fork_and_of_a_shorter_one_a_rollback() {
    let directory = tempfile::tempdir().expect("a directory");
    let at = |name: &str| directory.path().join(name);
    let text = |name: &str| at(name).display().to_string();
    let (file, key) = signing_key(directory.path());
    let runtime = tokio::runtime::Runtime::new().expect("starts");
    let make = |name: &str, cases: u8| {
        let url = format!("sqlite:{}", text(&format!("{name}.db")));
        assert!(run(&["migrate", "--database", &url]).status.success());
        let mut server = Server::serve_with(&url, &["--signing-key", &file]);
        runtime.block_on(async {
            let mut clients = server.clients("worker-1", "CASE_WORKER").await;
            for case in 0..cases {
                clients
                    .active_case(&format!("{name}-{case}"), &today())
                    .await
                    .expect("becomes active");
            }
            let note = clients.audit.get_checkpoint(v1::GetCheckpointRequest {}).await;
            std::fs::write(at(&format!("{name}.note")), note.expect("is given").into_inner().note).expect("is kept");
        });
        server.kill();
        let out = text(name);
        let made = run(&[
            "export",
            "bundle",
            "--database",
            &url,
            "--signing-key",
            &file,
            "--out",
            &out,
        ]);
        assert!(made.status.success(), "{made:?}");
    };
    make("one", 2);
    make("two", 3);
    let (code, said) = verify(&at("two"), &key, Some(&at("one.note")));
    assert_eq!(code, Some(13), "{said}");
    let (code, said) = verify(&at("one"), &key, Some(&at("two.note")));
    assert_eq!(code, Some(14), "{said}");
}

#[test]
fn an_inspector_opens_what_was_disclosed_to_her_and_it_is_on_record() {
    on_both(|database| async move {
        let directory = tempfile::tempdir().expect("a directory");
        let at = |name: &str| directory.path().join(name).display().to_string();
        let (file, key) = signing_key(directory.path());
        let url = database.url.as_str();
        assert!(run(&["migrate", "--database", url]).status.success());
        let server = Server::serve(url);
        let mut worker = server.clients("worker-1", "CASE_WORKER").await;
        for (id, number) in [("p-1", ID), ("p-2", OTHER_ID)] {
            let registered = worker.people.register_person(registration(id, number)).await;
            registered.expect("is registered");
        }
        drop(server);
        let identity = |name: &str| {
            let made = run(&["keys", "identity", "--out", &at(name)]);
            String::from_utf8(made.stdout).expect("is text").trim().to_owned()
        };
        let (hers, _) = (identity("inspector.age"), identity("stranger.age"));
        let export = |out: &str, person: &str, recipient: &str| {
            let arguments = [
                "export",
                "bundle",
                "--database",
                url,
                "--signing-key",
                &file,
                "--out",
                &at(out),
            ];
            let more = [
                "--person",
                person,
                "--recipient",
                recipient,
                "--inspector",
                "inspector-1",
            ];
            run(&[&arguments[..], &more].concat()).status.code()
        };
        assert_eq!(export("none", "nobody", &hers), Some(4), "nobody of this name");
        assert_eq!(export("none", "p-1", "age1nobody"), Some(4), "no recipient");
        assert!(
            !directory.path().join("none").exists(),
            "nothing is begun that is refused"
        );
        assert_eq!(export("bundle", "p-1", &hers), Some(0));
        let (code, said) = verify(&directory.path().join("bundle"), &key, None);
        assert_eq!(code, Some(0), "{said}");

        let open = |bundle: &str, identity: &str| {
            let open = [
                "export",
                "open",
                &at(bundle),
                "--identity",
                &at(identity),
                "--verifier",
                &key,
                "--json",
            ];
            let out = run(&open);
            (out.status.code(), String::from_utf8(out.stdout).expect("is text"))
        };
        let (code, opened) = open("bundle", "inspector.age");
        assert_eq!(code, Some(0), "{opened}");
        assert!(opened.contains(ID) && opened.contains("\"person\":\"p-1\""), "{opened}");
        assert!(
            !opened.contains(OTHER_ID) && !opened.contains("p-2"),
            "nobody else's: {opened}"
        );
        assert_eq!(open("bundle", "stranger.age").0, Some(8), "not encrypted to her");
        // In clear nothing of it is in the bundle.
        let keys = std::fs::read(directory.path().join("bundle/keys.age")).expect("is there");
        assert!(keys.starts_with(b"age-encryption.org/v1"));
        // Altered keys open nothing, an altered bundle is not even tried.
        copy(&directory.path().join("bundle"), &directory.path().join("altered"));
        flip(directory.path().join("altered/keys.age"), 1);
        assert_eq!(open("altered", "inspector.age").0, Some(8));
        flip(unfinished(&directory.path().join("altered"), "blobs", "000"), 40);
        assert_eq!(open("altered", "inspector.age").0, Some(3));

        // It is on record, with everything else she might have read, and nothing was unwrapped without.
        let server = Server::serve(url);
        let mut leader = server.clients("leader-1", "SUPERVISOR").await;
        let accesses = async |leader: &mut waystation_tests::Clients, name: &str| {
            let asked = v1::ListAccessRequest {
                name: name.into(),
                page_size: 100,
                ..Default::default()
            };
            let listed = leader
                .people
                .list_access(asked)
                .await
                .expect("lists")
                .into_inner()
                .records;
            listed
                .iter()
                .filter(|record| record.rpc == "export bundle")
                .map(|record| record.principal.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(accesses(&mut leader, "people/p-1").await, ["inspector-1"]);
        assert_eq!(accesses(&mut leader, "people/p-2").await, Vec::<String>::new());
        drop(server);
        assert!(run(&["verify", "access", "--database", url]).status.success());
    });
}
