//! The house rules that a machine can check: arrows between rooms, file sizes, migration pairs, words.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Longest file in lines.
const LINES_MAX: usize = 500;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).expect("is a directory") {
        let path = entry.expect("reads").path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for top in ["crates", "tests", "proto", "migrations"] {
        files(&root().join(top), &mut found);
    }
    found
}

/// Names under `[dependencies]` of a manifest.
fn dependencies(manifest: &str) -> Vec<String> {
    let section = manifest.split("[dependencies]").nth(1).unwrap_or_default();
    let lines = section.lines().skip(1).take_while(|line| !line.starts_with('['));
    let name = |line: &str| line.split(['.', ' ', '=']).next().unwrap_or_default().to_owned();
    lines
        .filter(|line| !line.trim().is_empty() && !line.starts_with('#'))
        .map(name)
        .collect()
}

#[test]
fn arrows_go_the_way_the_architecture_says() {
    let allowed: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("domain", &[] as &[&str]),
        ("trust", &[]),
        ("storage", &["trust"]),
        ("app", &["domain", "storage", "trust"]),
        ("api", &[]),
        ("server", &["api", "app", "domain"]),
        ("cli", &["api", "app", "domain", "server"]),
        ("xtask", &[]),
    ]);
    // What only certain rooms may use.
    let alone: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("sqlx", &["storage"] as &[&str]),
        ("rusqlite", &["storage"]),
        ("cedar-policy", &["app"]),
        ("cryptoki", &["app"]),
        ("ed25519-dalek", &["trust"]),
        ("base64", &["trust"]),
        ("age", &["trust"]),
        ("argon2", &["trust"]),
        ("chacha20poly1305", &["trust"]),
        ("hkdf", &["trust"]),
        ("hmac", &["trust"]),
        ("prost", &["api"]),
        ("tonic-prost", &["api"]),
        ("tonic", &["api", "server"]),
        ("tonic-web", &["server"]),
        ("jsonwebtoken", &["server"]),
        ("rustls", &["server"]),
        ("rustls-webpki", &["server"]),
        ("tokio-rustls", &["server"]),
        ("axum", &["server"]),
        ("hyper", &["server"]),
        ("hyper-util", &["server"]),
        ("http-body-util", &["server"]),
        ("clap", &["cli"]),
        ("comfy-table", &["cli"]),
        ("csv", &["cli"]),
        ("indicatif", &["cli"]),
    ]);
    for (room, rooms) in &allowed {
        let path = root().join("crates").join(room).join("Cargo.toml");
        let used = dependencies(&std::fs::read_to_string(path).expect("every room has a manifest"));
        for name in &used {
            if let Some(other) = name.strip_prefix("waystation-") {
                assert!(rooms.contains(&other), "{room} must not use {other}");
            }
            if let Some(only) = alone.get(name.as_str()) {
                assert!(only.contains(room), "{room} must not use {name}; only {only:?} may");
            }
        }
        if *room == "xtask" {
            assert!(used.is_empty(), "xtask uses the standard library only");
        }
    }
}

#[test]
fn what_deny_toml_bans_is_not_linked() {
    // T-40; `cargo deny` says the same, and more, where it is installed.
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let linked = std::process::Command::new(cargo)
        .args([
            "tree",
            "--workspace",
            "--all-features",
            "--prefix",
            "none",
            "--format",
            "{p}",
        ])
        .current_dir(root())
        .output()
        .expect("runs");
    let linked = String::from_utf8(linked.stdout).expect("is text");
    let linked: BTreeSet<&str> = linked.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(linked.contains("tonic") && linked.len() > 100, "{linked:?}");
    let rules = std::fs::read_to_string(root().join("deny.toml")).expect("is there");
    let rules = rules.lines().filter(|line| line.trim_start().starts_with("{ crate = "));
    // Those with wrappers are for some rooms only: see the arrows.
    let banned: Vec<&str> = rules
        .filter(|rule| !rule.contains("wrappers"))
        .filter_map(|rule| rule.split('"').nth(1))
        .collect();
    assert!(banned.contains(&"rsa"), "{banned:?}");
    for name in banned {
        assert!(!linked.contains(name), "{name} is linked");
    }
}

#[test]
fn only_a_record_of_reading_makes_a_receipt() {
    // T-21: what opens a field takes a receipt, and a receipt is made in the one place that has just recorded it.
    let made: Vec<PathBuf> = sources()
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .filter(|path| !path.ends_with("tidy.rs"))
        .filter(|path| {
            let text = std::fs::read_to_string(path).expect("is text");
            text.lines()
                .any(|line| line.contains("AccessReceipt {") && !line.contains("struct") && !line.contains("impl"))
        })
        .collect();
    assert_eq!(made.len(), 1, "{made:?}");
    assert!(made[0].ends_with("crates/app/src/access.rs"));
}

#[test]
fn files_stay_readable() {
    for path in sources() {
        if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).expect("is text");
            let lines = text.lines().count();
            assert!(lines <= LINES_MAX, "{} has {lines} lines", path.display());
            assert!(
                !path.ends_with("mod.rs"),
                "{}: name.rs beside name/ instead",
                path.display()
            );
            assert!(
                // What is included into another file cannot have inner docs.
                text.starts_with("//!") || text.starts_with("// "),
                "{} does not say what it is for",
                path.display()
            );
        }
    }
}

#[test]
fn every_migration_exists_for_both_databases() {
    let names = |database: &str| {
        let mut found = Vec::new();
        files(&root().join("migrations").join(database), &mut found);
        let mut names: Vec<_> = found
            .iter()
            .filter_map(|path| path.file_name())
            .map(|name| name.to_owned())
            .collect();
        names.sort();
        names
    };
    assert_eq!(names("sqlite"), names("postgres"));
    assert!(!names("sqlite").is_empty());
}

#[test]
fn people_are_called_what_they_are() {
    // Written in halves, so that this list is not found by itself.
    let banned = [["add", "ict"], ["junk", "ie"], ["offen", "der"]].map(|halves| halves.concat());
    for path in sources() {
        if let Ok(text) = std::fs::read_to_string(&path) {
            let text = text.to_lowercase();
            for word in &banned {
                assert!(!text.contains(word.as_str()), "{} says {word}", path.display());
            }
        }
    }
}

/// Reasons that no test meets over gRPC, each with why.
const REASONS_NOT_MET: [&str; 2] = [
    // Said by `export certificate`, a command of the machine; `sealing` meets it.
    "EPOCH_STILL_LIVES",
    // Of a station with 50,000 cases.
    "STATION_TOO_LARGE",
];

#[test]
fn every_rule_that_says_no_is_met_by_a_test_over_grpc() {
    let mut paths = Vec::new();
    files(&root().join("tests/tests"), &mut paths);
    files(&root().join("tests/src"), &mut paths);
    paths.retain(|path| !path.ends_with("tidy.rs"));
    let texts = paths.iter().map(|path| std::fs::read_to_string(path).expect("is text"));
    let tests: String = texts.collect();
    let met = |code: &str| tests.contains(&format!("\"{code}\""));
    for reason in waystation_domain::Reason::ALL {
        let code = reason.code();
        assert_ne!(met(code), REASONS_NOT_MET.contains(&code), "{code}");
    }
}

#[test]
fn every_rpc_is_called_by_a_test_or_named_as_not() {
    let mut calls = String::new();
    for file in [
        "tests/tests/acceptance.rs",
        "tests/tests/bad_input.rs",
        "tests/tests/commands.rs",
        "tests/tests/compliance.rs",
        "tests/tests/conflict.rs",
        "tests/tests/emergency.rs",
        "tests/tests/findings.rs",
        "tests/tests/identity.rs",
        "tests/tests/lifecycle.rs",
        "tests/tests/on_file.rs",
        "tests/tests/org.rs",
        "tests/tests/people.rs",
        "tests/tests/planned_tests.rs",
        "tests/tests/policies.rs",
        "tests/tests/proofs.rs",
        "tests/tests/boards_of_station.rs",
        "tests/tests/registers.rs",
        "tests/tests/registers_of_station.rs",
        "tests/tests/rejections.rs",
        "tests/tests/sessions.rs",
        "tests/tests/support.rs",
        "tests/tests/transfers.rs",
        "tests/tests/voids.rs",
        "tests/src/lib.rs",
    ] {
        calls += &std::fs::read_to_string(root().join(file)).expect("is there");
    }
    let mut protos = Vec::new();
    files(&root().join("proto/waystation"), &mut protos);
    let mut missing = Vec::new();
    for path in protos {
        let text = std::fs::read_to_string(&path).expect("is text");
        for line in text.lines().filter_map(|line| line.trim().strip_prefix("rpc ")) {
            let name = line.split('(').next().unwrap_or_default();
            let snake: String = name
                .char_indices()
                .flat_map(|(at, letter)| {
                    let underscore = (letter.is_uppercase() && at > 0).then_some('_');
                    underscore.into_iter().chain(letter.to_lowercase())
                })
                .collect();
            if !calls.contains(&format!(".{snake}(")) {
                missing.push(name.to_owned());
            }
        }
    }
    assert!(missing.is_empty(), "no test calls {missing:?}");
}
