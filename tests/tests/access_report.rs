//! Who has read about a person, as the person takes it home: every reading with a proof that holds offline, and a log of
//! readings that nobody changes unnoticed.

use waystation_api::v1;
use waystation_storage::testing::on_both;
use waystation_tests::people::get;
use waystation_tests::{STATION, Server, account, after, json, run, signing_key};

#[test]
fn a_report_proves_every_reading_and_says_nothing_of_others() {
    on_both(|database| async move {
        let directory = tempfile::tempdir().expect("makes a directory");
        let (key, verifier) = signing_key(directory.path());
        assert!(run(&["migrate", "--database", &database.url]).status.success());
        account(&database.url, "leader-1", "SUPERVISOR");
        let mut server = Server::serve_with(&database.url, &["--signing-key", &key]);
        let channel = server.connect().await;
        for (number, id) in ["p-1", "p-2"].into_iter().enumerate() {
            waystation_tests::records::record(&server, &channel, number, id, STATION, "worker-1").await;
        }
        let mut leader = server.clients("leader-1", "SUPERVISOR").await;
        let active = leader
            .active_case("c-3", &waystation_tests::today())
            .await
            .expect("is active");
        let list = v1::ListCasesRequest {
            station: STATION.into(),
            read: after(&active),
            ..Default::default()
        };
        leader.cases.list_cases(list).await.expect("reads about several");
        leader
            .people
            .get_person(get("p-1", true))
            .await
            .expect("reads about one");
        leader
            .people
            .get_person(get("p-2", true))
            .await
            .expect("reads about another");
        let checkpoint = leader.audit.get_checkpoint(v1::GetCheckpointRequest {}).await;
        let checkpoint = checkpoint.expect("is given").into_inner();
        assert!(checkpoint.access_size >= 3 && checkpoint.access_verifier.contains("/access+"));
        let anchor = directory.path().join("access-anchor").display().to_string();
        std::fs::write(&anchor, &checkpoint.access_note).expect("is kept");
        server.kill();

        let out = directory.path().join("report");
        let path = |name: &str| out.join(name).display().to_string();
        let export = |to: &str| {
            let report = ["export", "access", "--database", &database.url, "--signing-key", &key];
            run(&[&report[..], &["--person", "p-1", "--out", to]].concat())
        };
        let exported = export(&out.display().to_string());
        assert!(exported.status.success(), "{exported:?}");
        assert!(
            !export(&out.display().to_string()).status.success(),
            "nothing is written over"
        );
        let text = std::fs::read_to_string(out.join("README.txt")).expect("is there");
        assert!(
            text.contains("leader-1 (SUPERVISOR") && text.contains("PersonService/GetPerson"),
            "{text}"
        );
        assert!(text.contains("export access"), "writing it is a reading, too: {text}");
        assert!(!text.contains("p-2"));

        // Every line says how to check it; each check holds.
        let (mut proofs, mut whole) = (0, 0);
        for line in text.lines().filter_map(|line| line.trim().strip_prefix("waystation ")) {
            let words: Vec<String> = line.split(' ').map(|word| word.trim_matches('\'').to_owned()).collect();
            let local = |word: &String| {
                if word.starts_with("reading-") {
                    path(word)
                } else {
                    word.clone()
                }
            };
            let arguments: Vec<String> = words.iter().map(local).collect();
            let checked = run(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
            assert!(checked.status.success(), "{line}: {checked:?}");
            proofs += 1;
            whole += usize::from(line.contains("--body"));
        }
        assert!(proofs >= 3 && (1..proofs).contains(&whole), "{whole} of {proofs}");
        for entry in out.read_dir().expect("is there") {
            let bytes = std::fs::read(entry.expect("is there").path()).expect("reads");
            assert!(!bytes.windows(3).any(|part| part == b"p-2"), "another person is named");
        }

        // Another body, another header, another log.
        let body = text.lines().find(|line| line.contains("--body")).expect("is about one");
        let name = body
            .split(' ')
            .find(|word| word.ends_with(".body"))
            .expect("is named")
            .trim_end_matches(".body");
        let verify = |header: &str, body: &str, verifier: &str| {
            let (receipt, header, body) = (path(&format!("{name}.receipt")), path(header), path(body));
            let proof = [
                "verify",
                "proof",
                &receipt,
                "--header",
                &header,
                "--body",
                &body,
                "--verifier",
                verifier,
            ];
            run(&proof).status.code()
        };
        let (header, body) = (format!("{name}.header"), format!("{name}.body"));
        let altered = |file: &str| {
            let mut bytes = std::fs::read(out.join(file)).expect("reads");
            let last = bytes.len() - 1;
            bytes[last] ^= 1;
            std::fs::write(out.join("altered"), bytes).expect("writes");
            "altered"
        };
        let own = &checkpoint.access_verifier;
        assert_eq!(verify(&header, &body, own), Some(0));
        assert_eq!(verify(&header, altered(&body), own), Some(10));
        assert_eq!(verify(altered(&header), &body, own), Some(11));
        assert_eq!(
            verify(&header, &body, &verifier),
            Some(12),
            "the main log's key is for the main log"
        );

        // The log of readings keeps what it claimed, and is held to what an outsider kept.
        let held = |arguments: &[&str]| {
            let database = ["verify", "db", "--database", &database.url, "--verifier", &verifier];
            let verified = run(&[&database[..], &["--json", "--no-anchor"], arguments].concat());
            (verified.status.code(), json(&verified).to_string())
        };
        assert_eq!(held(&[]).0, Some(0), "{}", held(&[]).1);
        let anchored = [
            "verify",
            "db",
            "--database",
            &database.url,
            "--verifier",
            &verifier,
            "--anchor",
            &anchor,
        ];
        assert_eq!(
            run(&anchored).status.code(),
            Some(19),
            "only the log of readings is compared"
        );
        let is_sqlite = database.kind == "sqlite";
        let value = |sqlite: &'static str, postgres: &'static str| if is_sqlite { sqlite } else { postgres };
        let another = value("CAST('no note' AS BLOB)", "'\\x6e6f206e6f7465'");
        let notes = format!("UPDATE access_checkpoint SET note = {another}");
        database.tamper("log", &notes).await.expect("is done");
        let (code, said) = held(&[]);
        assert!(
            code == Some(12) && said.contains("access checkpoints"),
            "{code:?} {said}"
        );
        let another = value("CAST('{}' AS BLOB)", "'\\x7b7d'");
        let rows = format!("UPDATE access_event SET body = {another} WHERE position = 1");
        database.tamper("log", &rows).await.expect("is done");
        let (code, said) = held(&[]);
        assert!(code == Some(10) && said.contains("event 1"), "{code:?} {said}");
    });
}
