//! Keys: erasure that takes them, epochs that make it final, swaps that are found, and the keyring's own guard.

use std::path::Path;

use waystation_api::v1;
use waystation_storage::testing::{TestDatabase, on_both};
use waystation_tests::people::{ID, OTHER_ID, erase, files, get, holds, person, reason, registration, text};
use waystation_tests::{Server, json, order, run, today};

/// Makes PostgreSQL write what it holds in memory.
async fn flush(database: &TestDatabase) {
    if database.kind == "postgres" {
        let pool = sqlx::PgPool::connect(&database.url).await.expect("connects");
        sqlx::query("CHECKPOINT").execute(&pool).await.expect("is written");
    }
}

/// Whether this PostgreSQL writes new log over old segments instead of removing them, so that old bytes stay for a while.
/// The cluster that `cargo xtask test` starts does not.
async fn recycles(database: &TestDatabase) -> bool {
    let pool = sqlx::PgPool::connect(&database.url).await.expect("connects");
    let shown: String = sqlx::query_scalar("SHOW wal_recycle")
        .fetch_one(&pool)
        .await
        .expect("is told");
    if shown == "on" {
        eprintln!("this PostgreSQL recycles its write-ahead log: pg_wal is not looked at");
    }
    shown == "on"
}

#[test]
fn erasure_takes_the_keys_and_leaves_every_proof() {
    on_both(|database| async move {
        let directory = tempfile::tempdir().expect("a directory");
        let (file, key) = waystation_tests::signing_key(directory.path());
        assert!(run(&["migrate", "--database", &database.url]).status.success());
        let mut server = Server::serve_with(&database.url, &["--signing-key", &file]);
        let mut clients = server.clients("worker-1", "CASE_WORKER").await;
        let registered = clients.people.register_person(registration("p-1", ID)).await;
        let registered = registered.expect("is registered").into_inner();
        clients
            .people
            .register_person(registration("p-2", OTHER_ID))
            .await
            .expect("is registered");
        let case = v1::RegisterOrderRequest {
            person: "p-1".into(),
            ..order("c1", &today())
        };
        clients.cases.register_order(case).await.expect("is registered");
        let asked = v1::GetReceiptRequest {
            position: registered.position,
        };
        let kept = clients.audit.get_receipt(asked).await.expect("is given").into_inner();
        let store = waystation_storage::Store::open_to_verify(&database.url).await;
        let subject = waystation_app::ids::subject("p-1");
        let wrapped = match &store {
            Ok(store) => store.keys().of(subject).await.expect("is asked")[0]
                .wrapped
                .bytes
                .clone(),
            // SQLite: the server has it open.
            Err(_) => {
                let path = database.path().expect("is a file").with_file_name("test.db-keys");
                let connection = rusqlite::Connection::open(path).expect("opens");
                let sql = "SELECT wrapped FROM data_key WHERE subject = ?1";
                connection
                    .query_row(sql, [subject.as_slice()], |row| row.get(0))
                    .expect("is there")
            }
        };
        drop(store);
        flush(&database).await;
        assert!(
            files(&database).await.iter().any(|path| holds(path, &wrapped)),
            "the key is there before"
        );

        let done = erase(&server, "p-1").await;
        let shown = person(&mut clients, "p-1", true, &done).await;
        assert_eq!(text(&shown.full_name), ("", v1::FieldState::Erased));
        assert!(shown.person.expect("is there").erased);
        let other = person(&mut clients, "p-2", true, &done).await;
        assert_eq!(text(&other.full_name).1, v1::FieldState::Open, "nobody else is");
        let revealed = v1::GetCaseRequest {
            name: "cases/c1".into(),
            reveal: true,
            read: None,
        };
        let case = clients
            .cases
            .get_case(revealed)
            .await
            .expect("is there")
            .into_inner()
            .case
            .expect("is there");
        assert_eq!((case.person.as_str(), case.order_no.as_str()), ("p-1", ""));
        let found = v1::find_people_request::By::IdNumber(ID.into());
        let found = clients
            .people
            .find_people(v1::FindPeopleRequest { by: Some(found) })
            .await;
        assert!(found.expect("is answered").into_inner().names.is_empty());
        let contact = v1::UpdateContactRequest {
            name: "people/p-1".into(),
            phone: "13900139000".into(),
            verified_by: v1::VerifiedBy::Call.into(),
            ..Default::default()
        };
        let refused = clients.people.update_contact(contact).await.expect_err("is refused");
        assert_eq!(reason(&refused), "PERSON_ERASED");
        server.kill();

        let certificate = |person: &str, out: &str| {
            let out = directory.path().join(out).display().to_string();
            let export = [
                "export",
                "certificate",
                "--database",
                &database.url,
                "--signing-key",
                &file,
            ];
            run(&[&export[..], &["--person", person, "--out", &out]].concat())
                .status
                .code()
        };
        assert_eq!(certificate("p-2", "none"), Some(7), "is not erased");
        assert_eq!(certificate("p-1", "none"), Some(4), "a backup would still open");
        let rotated = run(&["keys", "rotate", "--database", &database.url]);
        assert!(rotated.status.success(), "{rotated:?}");
        assert_eq!(certificate("p-1", "certificate"), Some(0));
        for step in ["1-keys-destroyed", "2-wrapping-destroyed"] {
            let at = |kind: &str| {
                directory
                    .path()
                    .join("certificate")
                    .join(format!("{step}.{kind}"))
                    .display()
                    .to_string()
            };
            let verify = |header: &str| {
                let proof = [
                    "verify",
                    "proof",
                    &at("receipt"),
                    "--header",
                    header,
                    "--verifier",
                    &key,
                ];
                run(&proof).status.code()
            };
            assert_eq!(verify(&at("header")), Some(0), "{step}");
            let mut altered = std::fs::read(at("header")).expect("is there");
            altered[60] ^= 1;
            std::fs::write(at("altered"), altered).expect("writes");
            assert_eq!(verify(&at("altered")), Some(11), "{step}");
        }
        if database.kind == "postgres" {
            // The write-ahead log lets go of old segments; `docs` says what a station has to set.
            let pool = sqlx::PgPool::connect(&database.url).await.expect("connects");
            for _ in 0..3 {
                sqlx::query("SELECT pg_switch_wal()")
                    .execute(&pool)
                    .await
                    .expect("switches");
                sqlx::query("CHECKPOINT").execute(&pool).await.expect("is written");
            }
        }
        let kept_log = database.kind == "postgres" && recycles(&database).await;
        for path in files(&database).await {
            if kept_log && path.components().any(|part| part.as_os_str() == "pg_wal") {
                continue;
            }
            assert!(!holds(&path, &wrapped), "the wrapped key lingers in {}", path.display());
        }
        // T-16: and the epoch that wrapped it is gone, so a copy from a backup opens nothing.
        for part in [&["verify"][..], &["verify", "keys"], &["verify", "access"]] {
            let verified = run(&[part, &["--database", &database.url, "--json"]].concat());
            assert!(verified.status.success(), "{part:?}: {}", json(&verified));
        }
        let at = |name: &str| directory.path().join(name).display().to_string();
        std::fs::write(at("receipt"), &kept.receipt).expect("is kept");
        std::fs::write(at("header"), &kept.header).expect("is kept");
        let proof = [
            "verify",
            "proof",
            &at("receipt"),
            "--header",
            &at("header"),
            "--verifier",
            &key,
        ];
        assert!(run(&proof).status.success(), "an old proof still verifies");
        let server = Server::serve_with(&database.url, &["--signing-key", &file]);
        let mut clients = server.clients("worker-1", "CASE_WORKER").await;
        let other = clients
            .people
            .get_person(get("p-2", true))
            .await
            .expect("is there")
            .into_inner();
        assert_eq!(
            text(&other.id_number),
            (OTHER_ID, v1::FieldState::Open),
            "after a new epoch"
        );
        let erased = clients
            .people
            .get_person(get("p-1", true))
            .await
            .expect("is there")
            .into_inner();
        assert_eq!(text(&erased.full_name).1, v1::FieldState::Erased);
    });
}

#[test]
fn keys_that_were_swapped_and_openings_without_a_record_are_found() {
    on_both(|database| async move {
        let mut server = Server::start(&database.url);
        let mut clients = server.clients("worker-1", "CASE_WORKER").await;
        clients
            .people
            .register_person(registration("p-1", ID))
            .await
            .expect("is registered");
        let registered = clients.people.register_person(registration("p-2", OTHER_ID)).await;
        let read = registered.expect("is registered").into_inner();
        person(&mut clients, "p-1", true, &read).await;
        server.kill();
        let keys = |sql: String| {
            let database = &database;
            async move {
                match database.path() {
                    Some(path) => {
                        let connection = rusqlite::Connection::open(path.with_file_name("test.db-keys"));
                        connection.expect("opens").execute_batch(&sql).expect("is changed");
                    }
                    None => database.tamper("log", &sql).await.expect("is changed"),
                }
            }
        };
        // T-23: somebody unwrapped a key and left no record.
        let forged = waystation_tests::forger::literal(database.kind, &waystation_app::ids::subject("p-2"));
        keys(format!(
            "INSERT INTO key_opening (position, subject) VALUES (1, {forged})"
        ))
        .await;
        let verified = run(&["verify", "access", "--database", &database.url, "--json"]);
        assert_eq!(verified.status.code(), Some(20), "{}", json(&verified));
        // T-15: two wrapped keys change places.
        let (one, two) = (waystation_app::ids::subject("p-1"), waystation_app::ids::subject("p-2"));
        let literal = |bytes: &[u8]| waystation_tests::forger::literal(database.kind, bytes);
        let (one, two, between) = (literal(&one), literal(&two), literal(&[0; 16]));
        keys(format!(
            "UPDATE data_key SET subject = {between} WHERE subject = {one};
             UPDATE data_key SET subject = {one} WHERE subject = {two};
             UPDATE data_key SET subject = {two} WHERE subject = {between}"
        ))
        .await;
        let verified = run(&["verify", "keys", "--database", &database.url, "--json"]);
        let report = json(&verified);
        assert_eq!(verified.status.code(), Some(17), "{report}");
        assert_eq!(report["parts"][0]["found"], 2, "both are named: {report}");
        let server = Server::serve(&database.url);
        let mut clients = server.clients("worker-1", "CASE_WORKER").await;
        let refused = clients
            .people
            .get_person(get("p-1", true))
            .await
            .expect_err("opens nothing");
        assert!(!format!("{refused:?}").contains("买买提"), "{refused:?}");
    });
}

#[test]
fn a_keyring_opens_only_with_its_passphrase_and_for_its_owner() {
    let directory = tempfile::tempdir().expect("a directory");
    let at = |name: &str| directory.path().join(name).display().to_string();
    std::fs::write(at("passphrase"), "correct horse battery\n").expect("is written");
    std::fs::write(at("wrong"), "incorrect horse battery\n").expect("is written");
    std::fs::write(at("short"), "short\n").expect("is written");
    let with = |passphrase: &str, more: &[&str]| {
        let place = [
            "--keyring".to_owned(),
            at("keyring"),
            "--passphrase-file".to_owned(),
            at(passphrase),
        ];
        let place: Vec<&str> = place.iter().map(String::as_str).collect();
        run(&[more, &place].concat())
    };
    assert_eq!(with("short", &["keys", "new"]).status.code(), Some(8));
    assert!(with("passphrase", &["keys", "new"]).status.success());
    assert_eq!(
        with("passphrase", &["keys", "new"]).status.code(),
        Some(8),
        "it is not overwritten"
    );
    let url = format!("sqlite:{}", at("station.db"));
    assert!(with("passphrase", &["migrate", "--database", &url]).status.success());
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/cli/samples/day-book.csv");
    let sample = sample.display().to_string();
    let import = [
        "import",
        &sample,
        "--database",
        &url,
        "--station",
        waystation_tests::STATION,
        "--json",
    ];
    let wrong = with("wrong", &import);
    assert_eq!(wrong.status.code(), Some(8), "{wrong:?}");
    assert!(!String::from_utf8_lossy(&wrong.stderr).contains("horse"));
    assert!(with("passphrase", &import).status.success());
    assert!(
        with("passphrase", &["verify", "keys", "--database", &url])
            .status
            .success()
    );
    assert!(
        with("passphrase", &["keys", "rotate", "--database", &url])
            .status
            .success()
    );
    assert!(
        with("passphrase", &["verify", "keys", "--database", &url])
            .status
            .success()
    );
    let none = run(&["verify", "keys", "--database", &url]);
    assert_ne!(none.status.code(), Some(0), "another keyring opens nothing");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(at("keyring"), std::fs::Permissions::from_mode(0o644)).expect("is changed");
        let open = with("passphrase", &["verify", "keys", "--database", &url]);
        assert_eq!(open.status.code(), Some(8), "{open:?}");
    }
    std::fs::write(at("keyring"), b"WSK1 truncated").expect("is written");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(at("keyring"), std::fs::Permissions::from_mode(0o600)).expect("is changed");
    }
    assert_eq!(
        with("passphrase", &["verify", "keys", "--database", &url])
            .status
            .code(),
        Some(8)
    );
}
