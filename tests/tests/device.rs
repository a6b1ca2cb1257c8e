//! A keyring whose root key is in a PKCS #11 device: SoftHSM, where `cargo xtask test` has found it and says so.

use std::process::Command;

use waystation_api::v1;
use waystation_storage::testing::on_both;
use waystation_tests::people::{ID, get, registration, text};
use waystation_tests::{Server, run};

/// Names the library of the device; its configuration is in the environment too.
const MODULE: &str = "WAYSTATION_TEST_PKCS11";

fn token(label: &str) {
    let made = Command::new("softhsm2-util")
        .args([
            "--init-token",
            "--free",
            "--label",
            label,
            "--pin",
            "1234",
            "--so-pin",
            "5678",
        ])
        .output()
        .expect("SoftHSM is there");
    assert!(made.status.success(), "{made:?}");
}

#[test]
fn a_keyring_opens_with_its_device_and_with_nothing_else() {
    let Ok(module) = std::env::var(MODULE) else {
        eprintln!("{MODULE} is not set: not run");
        return;
    };
    on_both(|database| {
        let module = module.clone();
        async move {
            let directory = tempfile::tempdir().expect("a directory");
            let at = |name: &str| directory.path().join(name).display().to_string();
            let (own, other) = (format!("own-{}", database.kind), format!("other-{}", database.kind));
            token(&own);
            token(&other);
            std::fs::write(at("pin"), "1234\n").expect("writes");
            std::fs::write(at("wrong"), "4321\n").expect("writes");
            let (ring, pin, wrong, url) = (at("ring"), at("pin"), at("wrong"), database.url.clone());
            let device = |token: &str, pin: &str| {
                let device = ["--keyring", &ring, "--pkcs11-module", &module, "--pkcs11-token", token];
                [&device[..], &["--passphrase-file", pin]]
                    .concat()
                    .into_iter()
                    .map(str::to_owned)
                    .collect::<Vec<_>>()
            };
            let with = |device: &[String], arguments: &[&str]| {
                let device: Vec<&str> = device.iter().map(String::as_str).collect();
                run(&[arguments, &device].concat())
            };
            let good = device(&own, &pin);
            assert_eq!(
                with(&device("nobody", &pin), &["keys", "new"]).status.code(),
                Some(8),
                "no such token"
            );
            assert_eq!(
                with(&device(&own, &wrong), &["keys", "new"]).status.code(),
                Some(8),
                "another PIN"
            );
            assert!(!directory.path().join("ring").exists());
            let made = with(&good, &["keys", "new"]);
            assert!(made.status.success(), "{made:?}");
            assert!(
                with(&device(&other, &pin), &["keys", "new"]).status.code() == Some(8),
                "nothing is written over"
            );

            assert!(run(&["migrate", "--database", &url]).status.success());
            let arguments: Vec<&str> = good.iter().map(String::as_str).collect();
            let mut server = Server::serve_with(&url, &arguments);
            let mut worker = server.clients("worker-1", "CASE_WORKER").await;
            worker
                .people
                .register_person(registration("p-1", ID))
                .await
                .expect("is sealed");
            server.kill();
            // A new epoch replaces the file; what was sealed before opens after it.
            let rotated = with(&good, &["keys", "rotate", "--database", &url]);
            assert!(rotated.status.success(), "{rotated:?}");
            let verified = with(&good, &["verify", "keys", "--database", &url]);
            assert!(verified.status.success(), "{verified:?}");
            let mut server = Server::serve_with(&url, &arguments);
            let mut leader = server.clients("leader-1", "SUPERVISOR").await;
            let shown = leader
                .people
                .get_person(get("p-1", true))
                .await
                .expect("is read")
                .into_inner();
            assert_eq!(text(&shown.id_number), (ID, v1::FieldState::Open));
            server.kill();

            let refused = |device: &[String], why: &str| {
                let refused = with(device, &["verify", "keys", "--database", &url]);
                assert_eq!(refused.status.code(), Some(8), "{why}: {refused:?}");
                let said = String::from_utf8_lossy(&refused.stderr).into_owned();
                assert!(!said.contains("1234") && !said.contains("4321"), "{said}");
            };
            refused(&device(&own, &wrong), "another PIN");
            refused(&device(&other, &pin), "a token without the key");
            let passphrase = ["--keyring", &ring, "--passphrase-file", &pin].map(str::to_owned);
            refused(&passphrase, "a passphrase does not open it");
            let stored = std::fs::read(&ring).expect("is there");
            assert!(stored.starts_with(b"WSK2"));
            for (altered, why) in [
                (&stored[..20], "cut"),
                (&[&stored[..40], &[stored[40] ^ 1], &stored[41..]].concat(), "altered"),
            ] {
                std::fs::write(&ring, altered).expect("writes");
                refused(&good, why);
            }
            std::fs::write(&ring, &stored).expect("writes");
            assert!(with(&good, &["verify", "keys", "--database", &url]).status.success());
        }
    });
}
