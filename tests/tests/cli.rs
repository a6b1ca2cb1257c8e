//! The command line: demo, import, verify and its exit codes.

use std::path::Path;

use waystation_storage::testing::{TestDatabase, on_both};
use waystation_tests::{STATION, json, run, signing_key};

fn sample() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/cli/samples/day-book.csv");
    root.display().to_string()
}

fn migrate(database: &TestDatabase) {
    assert!(run(&["migrate", "--database", &database.url]).status.success());
}

fn import(database: &TestDatabase, file: &str, more: &[&str]) -> std::process::Output {
    let mut arguments = vec![
        "import",
        file,
        "--database",
        &database.url,
        "--station",
        STATION,
        "--json",
    ];
    arguments.extend(more);
    run(&arguments)
}

#[test]
fn the_sample_day_book_is_imported_once() {
    on_both(|database| async move {
        migrate(&database);
        let dry = json(&import(&database, &sample(), &["--dry-run"]));
        assert_eq!(
            (&dry["rows"], &dry["new"], &dry["problems"]),
            (&23.into(), &23.into(), &0.into()),
            "{dry}"
        );
        let first = json(&import(&database, &sample(), &[]));
        assert_eq!((&first["new"], &first["known"]), (&23.into(), &0.into()), "{first}");
        let count = || {
            let out = run(&[
                "events",
                "list",
                "--database",
                &database.url,
                "--limit",
                "1000",
                "--json",
            ]);
            String::from_utf8(out.stdout).expect("is text").lines().count()
        };
        let events = count();
        let again = json(&import(&database, &sample(), &[]));
        assert_eq!((&again["new"], &again["known"]), (&0.into(), &23.into()), "{again}");
        assert_eq!(count(), events, "importing the same file again records nothing");
        // A spreadsheet has written the days in its own way.
        let directory = tempfile::tempdir().expect("a directory");
        let saved = directory.path().join("saved-again.csv");
        let text = std::fs::read_to_string(sample()).expect("reads");
        std::fs::write(&saved, text.replace("2026-01-", "2026/1/")).expect("writes");
        let again = json(&import(&database, &saved.display().to_string(), &[]));
        assert_eq!((&again["new"], &again["known"]), (&0.into(), &23.into()), "{again}");
        // An order number that another case has: the rehearsal knows the log.
        let taken = directory.path().join("taken.csv");
        let lines: Vec<&str> = text.lines().collect();
        let order = lines[1].replace("DB-001", "DB-777").replace("p-db-001", "p-db-777");
        std::fs::write(&taken, format!("{}\n{order}\n", lines[0])).expect("writes");
        let out = import(&database, &taken.display().to_string(), &["--dry-run"]);
        assert_eq!(out.status.code(), Some(4), "{}", json(&out));
        let name = directory.path().join("name.csv");
        std::fs::write(&name, format!("{}\n{}\n", lines[0], lines[1].replace("DB-001", "张三"))).expect("writes");
        let out = import(&database, &name.display().to_string(), &[]);
        assert_eq!(json(&out)["listed"][0]["column"], "case", "{}", json(&out));
        assert_eq!(count(), events);
        let verified = run(&["verify", "--database", &database.url, "--json"]);
        assert!(verified.status.success(), "{}", json(&verified));
    });
}

#[test]
fn a_day_book_with_mistakes_is_refused_whole_by_row_and_column() {
    on_both(|database| async move {
        migrate(&database);
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("bad.csv");
        let text = std::fs::read_to_string(sample()).expect("reads");
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines[4] = "2026-01-07,送达,DB-999,,worker-2,专干,,,,,,".into();
        lines[13] = lines[13].replace("当面", "写信");
        std::fs::write(&file, lines.join("\n")).expect("writes");
        let out = import(&database, &file.display().to_string(), &[]);
        assert_eq!(out.status.code(), Some(4));
        let report = json(&out);
        let listed = report["listed"].as_array().expect("is a list");
        let places: Vec<_> = listed
            .iter()
            .map(|one| (one["row"].as_u64(), one["column"].as_str()))
            .collect();
        assert!(places.contains(&(Some(5), Some("what"))), "{report}");
        assert!(places.contains(&(Some(14), Some("detail"))), "{report}");
        let out = run(&["events", "list", "--database", &database.url, "--json"]);
        let events = String::from_utf8_lossy(&out.stdout).into_owned();
        assert_eq!(
            events.lines().count(),
            1,
            "only the log's first event is there: {events}"
        );
    });
}

#[test]
fn verify_names_what_was_changed_behind_its_back_and_exits_by_its_kind() {
    on_both(|database| async move {
        migrate(&database);
        assert!(import(&database, &sample(), &[]).status.success());
        let before = run(&["verify", "--database", &database.url]);
        assert!(before.status.success(), "{before:?}");
        // The last byte becomes another one.
        let byte = |column: &str| match database.kind {
            "sqlite" => format!("{column} = unhex(substr(hex({column}), 1, length(hex({column})) - 2) || '21')"),
            _ => format!("{column} = set_byte({column}, length({column}) - 1, 33)"),
        };
        for (part, table, column, place, expected, code) in [
            (
                "views",
                "view_document",
                "body",
                "WHERE id = 'DB-001'",
                "views caseload DB-001",
                15,
            ),
            ("log", "main_event", "body", "WHERE position = 9", "main event 9", 10),
            (
                "log",
                "main_event",
                "header",
                "WHERE position = 12",
                "main event 12",
                10,
            ),
        ] {
            database
                .tamper(part, &format!("UPDATE {table} SET {} {place}", byte(column)))
                .await
                .expect("is changed");
            let out = run(&["verify", "--database", &database.url]);
            let text = String::from_utf8_lossy(&out.stdout);
            assert_eq!(out.status.code(), Some(code), "{text}");
            assert!(text.contains(expected), "{expected} in {text}");
        }
    });
}

#[test]
fn a_stored_document_that_does_not_read_halts_its_view_and_a_rebuild_mends_it() {
    on_both(|database| async move {
        migrate(&database);
        assert!(import(&database, &sample(), &[]).status.success());
        assert!(run(&["verify", "--database", &database.url]).status.success());
        database
            .tamper("views", "DELETE FROM view_key WHERE id = 'DB-002'")
            .await
            .expect("is changed");
        let sql = match database.kind {
            "sqlite" => "UPDATE view_document SET body = x'7b' WHERE id = 'DB-001'",
            _ => "UPDATE view_document SET body = '\\x7b' WHERE id = 'DB-001'",
        };
        database.tamper("views", sql).await.expect("is changed");
        // A new event makes the caseload read the document again.
        let directory = tempfile::tempdir().expect("a directory");
        let more = directory.path().join("more.csv");
        let heading = std::fs::read_to_string(sample())
            .expect("reads")
            .lines()
            .next()
            .map(str::to_owned);
        let row = "2026-03-19,见面,DB-001,,worker-1,专干,,当面,,,否,";
        std::fs::write(&more, format!("{}\n{row}\n", heading.expect("has headings"))).expect("writes");
        assert!(import(&database, &more.display().to_string(), &[]).status.success());
        let verified = run(&["verify", "--database", &database.url]);
        assert_eq!(verified.status.code(), Some(15), "{verified:?}");
        let shown = json(&run(&["projections", "--database", &database.url, "--json"]));
        let caseload = shown["projections"]
            .as_array()
            .and_then(|all| all.iter().find(|one| one["projection"] == "caseload").cloned());
        assert_eq!(
            caseload.map(|one| one["state"].clone()),
            Some("HALTED".into()),
            "{shown}"
        );
        assert!(
            run(&["projections", "--database", &database.url, "--rebuild", "all"])
                .status
                .success()
        );
        let mended = run(&["verify", "--database", &database.url]);
        assert!(mended.status.success(), "{mended:?}");
    });
}

#[test]
fn a_database_that_is_missing_newer_or_not_one_is_refused_with_its_exit_code() {
    on_both(|database| async move {
        let missing = run(&["verify", "--database", &database.url]);
        assert!([Some(6), Some(8)].contains(&missing.status.code()), "{missing:?}");
        migrate(&database);
        for part in ["log", "views"] {
            database
                .tamper(part, "INSERT INTO schema_migration (number) VALUES (999)")
                .await
                .expect("is changed");
            if database.kind == "postgres" {
                break;
            }
        }
        let newer = run(&["verify", "--database", &database.url]);
        assert_eq!(newer.status.code(), Some(8), "{newer:?}");
        let nonsense = run(&["verify", "--database", "mysql://here"]);
        assert_eq!(nonsense.status.code(), Some(8), "{nonsense:?}");
        let outside = run(&["serve", "--listen", "0.0.0.0:0", "--database", &database.url]);
        assert_eq!(outside.status.code(), Some(8), "{outside:?}");
    });
}

#[test]
fn the_demo_proves_itself() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name).display().to_string();
    let out = run(&[
        "demo",
        "--once",
        "--json",
        "--until",
        "2026-10-31",
        "--dir",
        &path("demo"),
    ]);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let summary = json(&out);
    assert_eq!(summary["healthy"], true, "{summary}");
    let shown = &summary["trust"]["shown"];
    for what in ["denied", "emergency", "opened", "sealed", "erased", "tampered"] {
        assert_eq!(shown[what]["holds"], true, "{what}: {summary}");
    }
    assert_eq!(summary["trust"]["accounts"].as_array().map(Vec::len), Some(4));
    assert!(
        summary["events"].as_u64().is_some_and(|events| events > 10_000),
        "{summary}"
    );
    assert!(
        summary["cases_by_stage"]["DISCHARGED"]
            .as_u64()
            .is_some_and(|cases| cases > 0),
        "{summary}"
    );
    for check in [
        "RECORDED_LATE",
        "READ_IN_CONFLICT",
        "REUSED_EVIDENCE",
        "AWARD_WITHOUT_BASIS",
        "TRANSFER_GAP",
        "REFUSAL_WITHOUT_NOTICE",
        "POLICY_CHANGED_IN_WINDOW",
    ] {
        let database = format!("sqlite:{}", path("demo/demo.db"));
        let found = json(&run(&["inspect", check, "--json", "--database", &database]));
        assert_ne!(found["total"], 0, "README says that {check} finds something: {found}");
        assert!(found["total"].is_u64(), "{found}");
    }
    // The page for inspectors is about this year.
    waystation_tests::inspection::hold(&directory.path().join("demo"));
    // An inspector takes the year home and verifies it with a script that has none of our code.
    let (key, verifier) = signing_key(directory.path());
    let database = format!("sqlite:{}/demo.db", path("demo"));
    let bundle = [
        "export",
        "bundle",
        "--database",
        &database,
        "--signing-key",
        &key,
        "--out",
    ];
    let exported = run(&[&bundle[..], &[&path("bundle")]].concat());
    assert!(exported.status.success(), "{exported:?}");
    let script = path("bundle/verify.py");
    let mut python = std::process::Command::new("python3");
    let verified = python
        .args([&script, "--key", &verifier, &path("bundle")])
        .output()
        .expect("python runs");
    assert!(verified.status.success(), "{verified:?}");
}
