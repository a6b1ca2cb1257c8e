//! A stranger checks the log: signed checkpoints, proofs and anchors, on both databases.

use std::process::Command;

use tonic::Code;
use waystation_api::v1;
use waystation_storage::testing::on_both;
use waystation_tests::{Clients, ORIGIN, Server, check_in, json, run, signing_key, today};
use waystation_trust::{Hash, Verifier, leaf_hash, verify_consistency, verify_inclusion};

fn hash(bytes: &[u8]) -> Hash {
    bytes.try_into().expect("has 32 bytes")
}

fn hashes(all: &[Vec<u8>]) -> Vec<Hash> {
    all.iter().map(|one| hash(one)).collect()
}

async fn checkpoint(clients: &mut Clients) -> v1::GetCheckpointResponse {
    let request = v1::GetCheckpointRequest {};
    clients
        .audit
        .get_checkpoint(request)
        .await
        .expect("is given")
        .into_inner()
}

#[test]
fn checkpoints_are_signed_and_proofs_hold() {
    on_both(|database| async move {
        let directory = tempfile::tempdir().expect("a directory");
        let (file, verifier) = signing_key(directory.path());
        assert!(run(&["migrate", "--database", &database.url]).status.success());
        let server = Server::serve_with(&database.url, &["--signing-key", &file]);
        let mut clients = server.clients("worker-1", "CASE_WORKER").await;
        let day = today();
        clients.active_case("c1", &day).await.expect("becomes active");
        let old = checkpoint(&mut clients).await;
        assert_eq!(old.verifier, verifier);
        let opened = Verifier::parse(&verifier)
            .expect("reads")
            .open(&old.note)
            .expect("is signed");
        assert_eq!((opened.origin.as_str(), opened.size), (ORIGIN, old.size as u64));
        assert_eq!(opened.root, hash(&old.root));
        for _ in 0..300 {
            clients
                .cases
                .record_check_in(check_in("c1", &day))
                .await
                .expect("is recorded");
        }
        let new = checkpoint(&mut clients).await;
        let grown = v1::GetConsistencyProofRequest {
            old_size: old.size,
            new_size: 0,
        };
        let proof = clients
            .audit
            .get_consistency_proof(grown)
            .await
            .expect("is given")
            .into_inner();
        assert_eq!(
            (proof.new_size, &proof.old_root, &proof.new_root),
            (new.size, &old.root, &new.root)
        );
        let (before, after) = (hash(&old.root), hash(&new.root));
        assert!(verify_consistency(
            old.size as u64,
            new.size as u64,
            &hashes(&proof.hashes),
            &before,
            &after
        ));
        // Headers are for those who may read what they belong to.
        let mut inspector = server.clients("inspector-1", "INSPECTOR").await;
        for position in [1, old.size, new.size - 1, new.size] {
            let asked = v1::GetInclusionProofRequest { position, size: 0 };
            let proof = inspector
                .audit
                .get_inclusion_proof(asked)
                .await
                .expect("is given")
                .into_inner();
            let leaf = leaf_hash(&proof.header);
            let (index, size) = (position as u64 - 1, proof.size as u64);
            assert!(verify_inclusion(
                &leaf,
                index,
                size,
                &hashes(&proof.hashes),
                &hash(&proof.root)
            ));
            assert!(!verify_inclusion(
                &leaf,
                index ^ 1,
                size,
                &hashes(&proof.hashes),
                &hash(&proof.root)
            ));
        }
        for (position, size, field) in [
            (0, 0, "position"),
            (-1, 0, "position"),
            (5, 4, "position"),
            (1, i64::MAX, "size"),
        ] {
            let asked = v1::GetInclusionProofRequest { position, size };
            let status = clients.audit.get_inclusion_proof(asked).await.expect_err("is refused");
            assert_eq!(status.code(), Code::InvalidArgument);
            assert!(status.message().starts_with(field), "{status}");
        }
        for (old_size, new_size, field) in [(0, 0, "old_size"), (9, 8, "old_size"), (1, new.size + 1, "new_size")] {
            let asked = v1::GetConsistencyProofRequest { old_size, new_size };
            let status = clients
                .audit
                .get_consistency_proof(asked)
                .await
                .expect_err("is refused");
            assert_eq!(status.code(), Code::InvalidArgument);
            assert!(status.message().starts_with(field), "{status}");
        }
    });
}

#[test]
fn a_receipt_proves_its_event_offline_and_tiles_make_up_the_root() {
    on_both(|database| async move {
        let directory = tempfile::tempdir().expect("a directory");
        let (file, verifier) = signing_key(directory.path());
        assert!(run(&["migrate", "--database", &database.url]).status.success());
        let server = Server::serve_with(&database.url, &["--signing-key", &file]);
        let mut clients = server.clients("worker-1", "CASE_WORKER").await;
        let day = today();
        clients.active_case("c1", &day).await.expect("becomes active");
        for _ in 0..280 {
            clients
                .cases
                .record_check_in(check_in("c1", &day))
                .await
                .expect("is recorded");
        }
        let command = clients
            .cases
            .record_check_in(check_in("c1", &day))
            .await
            .expect("is recorded")
            .into_inner();
        let position = command.position;
        let asked = v1::GetReceiptRequest { position };
        let given = clients.audit.get_receipt(asked).await.expect("is given").into_inner();
        assert_eq!(command.leaf_hash, leaf_hash(&given.header), "the command's own receipt");
        let at = |name: &str| directory.path().join(name).display().to_string();
        std::fs::write(at("receipt"), &given.receipt).expect("is kept");
        std::fs::write(at("header"), &given.header).expect("is kept");
        let verify = |receipt: &str, header: &str| {
            let (receipt, header) = (at(receipt), at(header));
            let out = run(&[
                "verify",
                "proof",
                &receipt,
                "--header",
                &header,
                "--verifier",
                &verifier,
            ]);
            out.status.code()
        };
        assert_eq!(verify("receipt", "header"), Some(0));
        std::fs::write(at("other"), &given.header[1..]).expect("is written");
        assert_eq!(verify("receipt", "other"), Some(11));
        let forged = given.receipt.replacen(ORIGIN, "waystation.test/other/1", 1);
        std::fs::write(at("forged"), forged).expect("is written");
        assert_eq!(verify("forged", "header"), Some(12));

        let checkpoint = checkpoint(&mut clients).await;
        let asked = v1::GetEntryBundleRequest { number: 0 };
        let no = clients.audit.get_entry_bundle(asked).await;
        assert_eq!(no.expect_err("is refused").code(), Code::PermissionDenied);
        let asked = v1::GetReceiptRequest { position };
        let mut keeper = server.clients("store-1", "STORE_KEEPER").await;
        let bare = keeper.audit.get_receipt(asked).await.expect("is given").into_inner();
        assert_eq!((bare.header.len(), bare.receipt.is_empty()), (0, false));
        let mut inspector = server.clients("inspector-1", "INSPECTOR").await;
        let mut leaves = Vec::new();
        for number in 0..2 {
            let asked = v1::GetTileRequest { level: 0, number };
            let tile = clients.audit.get_tile(asked).await.expect("is given").into_inner();
            let asked = v1::GetEntryBundleRequest { number };
            let entries = inspector
                .audit
                .get_entry_bundle(asked)
                .await
                .expect("is given")
                .into_inner()
                .entries;
            let mut rest = entries.as_slice();
            let mut hashed = Vec::new();
            while let Some((length, after)) = rest.split_first_chunk::<2>() {
                let (header, after) = after.split_at(usize::from(u16::from_be_bytes(*length)));
                hashed.extend_from_slice(&leaf_hash(header));
                rest = after;
            }
            assert_eq!(hashed, tile.hashes, "the headers hash to the tile");
            leaves.extend(tile.hashes.chunks(32).map(hash));
        }
        let root = waystation_trust::subtree_root(&leaves[..checkpoint.size as usize]);
        assert_eq!(root, hash(&checkpoint.root));
        let beyond = v1::GetTileRequest { level: 0, number: 2 };
        let status = clients.audit.get_tile(beyond).await.expect_err("is refused");
        assert_eq!(status.code(), Code::InvalidArgument);
        let level = v1::GetTileRequest { level: 8, number: 0 };
        let status = clients.audit.get_tile(level).await.expect_err("is refused");
        assert!(status.message().starts_with("level"), "{status}");
        let beyond = v1::GetEntryBundleRequest { number: -1 };
        let status = inspector.audit.get_entry_bundle(beyond).await.expect_err("is refused");
        assert!(status.message().starts_with("number"), "{status}");
        let nowhere = v1::GetReceiptRequest { position: i64::MAX };
        let status = clients.audit.get_receipt(nowhere).await.expect_err("is refused");
        assert!(status.message().starts_with("position"), "{status}");
    });
}

#[test]
fn without_a_key_checkpoints_are_plain() {
    on_both(|database| async move {
        let server = Server::start(&database.url);
        let mut clients = server.clients("worker-1", "CASE_WORKER").await;
        let plain = checkpoint(&mut clients).await;
        assert_eq!((plain.size, plain.note.as_str(), plain.verifier.as_str()), (1, "", ""));
    });
}

/// Brings cases into a log and keeps its newest checkpoint.
async fn kept(url: &str, file: &str, note: &std::path::Path, cases: std::ops::Range<u8>) {
    let mut server = Server::serve_with(url, &["--signing-key", file]);
    let mut clients = server.clients("worker-1", "CASE_WORKER").await;
    for case in cases {
        clients
            .active_case(&format!("c{case}"), &today())
            .await
            .expect("becomes active");
    }
    let checkpoint = checkpoint(&mut clients).await;
    std::fs::write(note, &checkpoint.note).expect("is kept");
    server.kill();
}

#[test]
fn an_anchor_finds_a_fork_and_a_rollback_that_the_log_alone_hides() {
    on_both(|database| async move {
        let directory = tempfile::tempdir().expect("a directory");
        let (file, verifier) = signing_key(directory.path());
        let at = |name: &str| directory.path().join(name);
        let text = |path: &std::path::Path| path.display().to_string();
        assert!(run(&["migrate", "--database", &database.url]).status.success());
        kept(&database.url, &file, &at("first"), 0..2).await;
        let verify = |note: &std::path::Path, key: &str| {
            let note = text(note);
            run(&[
                "verify",
                "--database",
                &database.url,
                "--json",
                "--anchor",
                &note,
                "--verifier",
                key,
            ])
        };
        let grown = verify(&at("first"), &verifier);
        assert!(grown.status.success(), "{}", json(&grown));

        // The same owner writes another history with the same key: longer, and just as long. Each agrees with itself.
        let other = format!("sqlite:{}", text(&at("other.db")));
        assert!(run(&["migrate", "--database", &other]).status.success());
        kept(&other, &file, &at("forked"), 0..2).await;
        kept(&other, &file, &at("longer"), 2..3).await;
        for (note, says, code) in [("forked", "fork: ", 13), ("longer", "rollback: ", 14)] {
            let found = verify(&at(note), &verifier);
            assert_eq!(found.status.code(), Some(code), "{}", json(&found));
            let parts = json(&found);
            let anchor = parts["parts"]
                .as_array()
                .expect("is a list")
                .iter()
                .find(|part| part["part"] == "anchor");
            let finding = anchor.expect("is there")["findings"][0]
                .as_str()
                .expect("is text")
                .to_owned();
            assert!(finding.starts_with(says), "{finding}");
        }

        // Notes and keys that are no proof are refused before anything is looked at.
        let note = std::fs::read_to_string(at("first")).expect("is kept");
        std::fs::write(at("altered"), note.replacen('\n', "\n1", 1)).expect("is written");
        std::fs::write(at("empty"), "").expect("is written");
        for (note, key) in [
            ("altered", verifier.as_str()),
            ("empty", &verifier),
            ("first", "nonsense"),
            ("nowhere", &verifier),
        ] {
            let refused = verify(&at(note), key);
            assert!(
                !refused.status.success() && refused.stdout.is_empty(),
                "{note}: {refused:?}"
            );
        }
    });
}

#[test]
fn a_checkpoint_of_another_origin_is_no_anchor() {
    on_both(|database| async move {
        let directory = tempfile::tempdir().expect("a directory");
        let (key, verifier) = signing_key(directory.path());
        assert!(run(&["migrate", "--database", &database.url]).status.success());
        let mut server = Server::serve_with(&database.url, &["--signing-key", &key]);
        let mut clients = server.clients("worker-1", "CASE_WORKER").await;
        let given = checkpoint(&mut clients).await;
        server.kill();
        // The same key, the same tree, another log's name; and another key under this log's name.
        let (size, root) = (given.size as u64, given.root.as_slice().try_into().expect("is a hash"));
        let other_name = waystation_trust::Signer::new("waystation.test/elsewhere/1", &[7; 32]).expect("is a name");
        let other_key = waystation_trust::Signer::new(waystation_tests::ORIGIN, &[8; 32]).expect("is a name");
        for signer in [other_name, other_key] {
            let anchor = directory.path().join("anchor").display().to_string();
            std::fs::write(&anchor, signer.sign(size, root)).expect("is written");
            let verify = [
                "verify",
                "db",
                "--database",
                &database.url,
                "--verifier",
                &verifier,
                "--anchor",
                &anchor,
            ];
            let refused = run(&verify);
            let said = String::from_utf8_lossy(&refused.stderr).into_owned();
            assert_eq!(refused.status.code(), Some(8), "{said}");
            assert!(said.contains("--anchor"), "{said}");
        }
    });
}

#[test]
fn openssl_alone_verifies_a_checkpoint() {
    let directory = tempfile::tempdir().expect("a directory");
    let signer = waystation_trust::Signer::new(ORIGIN, &[5; 32]).expect("is a name");
    let note = signer.sign(7, [3; 32]);
    let (text, signature) = note.split_once("\n\n").expect("is signed");
    let encoded = signature.trim().rsplit(' ').next().expect("is there");
    let file = |name: &str| directory.path().join(name).display().to_string();
    let shell = "set -e; printf '%s\\n' \"$TEXT\" > text; printf %s \"$SIGNATURE\" | openssl base64 -d -A | tail -c 64 > signature; \
                 { printf '\\060\\052\\060\\005\\006\\003\\053\\145\\160\\003\\041\\000'; printf %s \"$KEY\" | xxd -r -p; } > key.der; \
                 openssl pkeyutl -verify -pubin -keyform DER -inkey key.der -rawin -in text -sigfile signature";
    let key: String = signer
        .verifier()
        .public_key()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let verified = |text: &str| {
        Command::new("sh")
            .args(["-c", shell])
            .current_dir(directory.path())
            .env("TEXT", text)
            .env("SIGNATURE", encoded)
            .env("KEY", &key)
            .output()
            .expect("a shell runs")
    };
    let good = verified(text);
    assert!(good.status.success(), "{good:?} in {}", file("."));
    assert!(!verified(&text.replace('7', "8")).status.success());
}

#[test]
fn a_key_that_others_can_read_or_that_is_none_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let (file, verifier) = signing_key(directory.path());
    let shown = run(&["key", "show", &file]);
    assert_eq!(String::from_utf8_lossy(&shown.stdout).trim(), verifier);
    let again = run(&["key", "new", "--origin", ORIGIN, "--out", &file]);
    assert!(!again.status.success(), "a key is not overwritten");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).expect("is changed");
        let open = run(&["key", "show", &file]);
        assert!(
            String::from_utf8_lossy(&open.stderr).contains("others can read it"),
            "{open:?}"
        );
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).expect("is changed");
    }
    std::fs::write(&file, "PRIVATE+KEY+nonsense").expect("is written");
    let nonsense = run(&["key", "show", &file]);
    assert_eq!(nonsense.status.code(), Some(8), "{nonsense:?}");
    assert!(
        !String::from_utf8_lossy(&nonsense.stderr).contains("nonsense"),
        "a key is not shown"
    );
    let named = run(&["key", "new", "--origin", "no spaces", "--out", &format!("{file}2")]);
    assert_eq!(named.status.code(), Some(8), "{named:?}");
}
