//! Sealing with keys: what a sealed person's fields open with is with two holders, and comes back only with both.

use std::path::Path;

use waystation_api::v1;
use waystation_storage::testing::on_both;
use waystation_storage::{Store, StoreOptions};
use waystation_tests::people::{ID, OTHER_ID, decide, get, person, propose, registration, text};
use waystation_tests::{Clients, Server, run};

fn identity(directory: &Path, name: &str) -> (String, String) {
    let file = directory.join(name).display().to_string();
    let made = run(&["keys", "identity", "--out", &file]);
    assert!(made.status.success(), "{made:?}");
    (file, String::from_utf8(made.stdout).expect("is text").trim().to_owned())
}

/// Has two people do something with a person's record.
async fn act(server: &Server, id: &str, act: v1::Act, proposal: i32) -> v1::CommandReceipt {
    let mut leader = server.clients("leader-1", "SUPERVISOR").await;
    let mut privacy = server.clients("privacy-1", "PRIVACY_OFFICER").await;
    leader.people.propose_act(propose(id, act)).await.expect("is proposed");
    let decided = privacy.people.decide_act(decide(id, proposal)).await;
    decided.expect("is decided").into_inner()
}

async fn store(url: &str) -> Store {
    let options = StoreOptions {
        url: url.to_owned(),
        keys: None,
        migrate: false,
        time: std::sync::Arc::new(|| waystation_app::Clock::now_us(&waystation_app::SystemClock)),
    };
    Store::open(options).await.expect("opens")
}

async fn shown(clients: &mut Clients, id: &str, receipt: &v1::CommandReceipt) -> [v1::FieldState; 2] {
    let person = person(clients, id, true, receipt).await;
    [text(&person.full_name).1, text(&person.phone).1]
}

fn verified(url: &str) {
    for part in [&["verify"][..], &["verify", "keys"], &["verify", "access"]] {
        let verified = run(&[part, &["--database", url]].concat());
        assert!(verified.status.success(), "{part:?}: {verified:?}");
    }
}

#[test]
fn a_sealed_person_opens_with_both_holders_and_not_with_the_server_alone() {
    on_both(|database| async move {
        use v1::FieldState::{Erased, Open, Sealed};
        let url = database.url.as_str();
        let directory = tempfile::tempdir().expect("a directory");
        let (one, to_one) = identity(directory.path(), "privacy.age");
        let (other, to_other) = identity(directory.path(), "district.age");
        assert!(run(&["migrate", "--database", url]).status.success());
        let name = |first: &str, second: &str| {
            let holders = [
                "keys",
                "holders",
                "--database",
                url,
                "--first",
                first,
                "--second",
                second,
            ];
            run(&holders).status.code()
        };
        assert_eq!(name("age1nobody", &to_other), Some(4), "no recipient");
        assert_eq!(name(&to_one, &to_one), Some(4), "one person is not two");
        assert_eq!(name(&to_other, &to_one), Some(0));
        assert_eq!(name(&to_one, &to_other), Some(0), "others take their place");

        let mut server = Server::serve(url);
        let mut worker = server.clients("worker-1", "CASE_WORKER").await;
        for (id, number) in [("p-1", ID), ("p-2", OTHER_ID)] {
            worker
                .people
                .register_person(registration(id, number))
                .await
                .expect("is registered");
        }
        let sealed = act(&server, "p-1", v1::Act::Seal, 1).await;
        let mut privacy = server.clients("privacy-1", "PRIVACY_OFFICER").await;
        assert_eq!(shown(&mut privacy, "p-1", &sealed).await, [Sealed, Sealed]);
        act(&server, "p-2", v1::Act::Seal, 1).await;
        server.kill();

        // The server's own keys do not open it, and the holders' do not while the seal stands.
        let subject = waystation_app::ids::subject("p-1");
        let at_rest = store(url).await;
        assert_eq!(
            at_rest.keys().of(subject).await.expect("is asked"),
            [],
            "nothing the keyring opens"
        );
        let held = at_rest.keys().sealed(subject).await.expect("is asked");
        assert_eq!(held.iter().map(|key| key.version).collect::<Vec<_>>(), [1]);
        at_rest.close().await;
        let unseal = |identities: [&str; 2]| {
            let [first, second] = identities;
            let arguments = [
                "keys",
                "unseal",
                "--database",
                url,
                "--person",
                "p-1",
                "--identity",
                first,
            ];
            run(&[&arguments[..], &["--identity", second]].concat()).status.code()
        };
        assert_eq!(unseal([&one, &other]), Some(4), "the seal stands");
        verified(url);
        assert!(run(&["keys", "rotate", "--database", url]).status.success());

        // Two people lift it: the rule is gone, the keys are still with their holders. What is written meanwhile has a new one.
        let server = Server::serve(url);
        let mut worker = server.clients("worker-1", "CASE_WORKER").await;
        let mut leader = server.clients("leader-1", "SUPERVISOR").await;
        let lifted = act(&server, "p-1", v1::Act::LiftSeal, 2).await;
        assert_eq!(shown(&mut leader, "p-1", &lifted).await, [Sealed, Sealed]);
        let contact = v1::UpdateContactRequest {
            name: "people/p-1".into(),
            phone: "13900139000".into(),
            verified_by: v1::VerifiedBy::Call.into(),
            ..Default::default()
        };
        let moved = worker
            .people
            .update_contact(contact)
            .await
            .expect("is recorded")
            .into_inner();
        assert_eq!(shown(&mut leader, "p-1", &moved).await, [Sealed, Open]);
        // A sealed person may be erased.
        let gone = act(&server, "p-2", v1::Act::Erase, 2).await;
        assert_eq!(
            shown(&mut privacy_of(&server).await, "p-2", &gone).await,
            [Erased, Erased]
        );
        drop(server);
        assert_eq!(unseal([&one, &one]), Some(8), "one of them is not two");
        let (stranger, _) = identity(directory.path(), "stranger.age");
        assert_eq!(unseal([&one, &stranger]), Some(8));
        assert_eq!(unseal([&other, &one]), Some(0), "in either order");
        verified(url);
        let at_rest = store(url).await;
        let left = at_rest.keys().sealed(waystation_app::ids::subject("p-2")).await;
        assert_eq!(left.expect("is asked"), [], "erased is erased with the holders too");
        at_rest.close().await;
        let server = Server::serve(url);
        let mut leader = server.clients("leader-1", "SUPERVISOR").await;
        let opened = leader
            .people
            .get_person(get("p-1", true))
            .await
            .expect("is there")
            .into_inner();
        assert_eq!(
            (text(&opened.id_number), text(&opened.phone)),
            ((ID, Open), ("13900139000", Open))
        );
    });
}

async fn privacy_of(server: &Server) -> Clients {
    server.clients("privacy-1", "PRIVACY_OFFICER").await
}

#[test]
fn a_sealing_that_was_interrupted_is_finished() {
    on_both(|database| async move {
        let url = database.url.as_str();
        let directory = tempfile::tempdir().expect("a directory");
        let ((_, to_one), (_, to_other)) = (identity(directory.path(), "1"), identity(directory.path(), "2"));
        assert!(run(&["migrate", "--database", url]).status.success());
        let mut server = Server::serve(url);
        let mut worker = server.clients("worker-1", "CASE_WORKER").await;
        for (id, number) in [("p-1", ID), ("p-2", OTHER_ID)] {
            worker
                .people
                .register_person(registration(id, number))
                .await
                .expect("is registered");
        }
        // As a crash right after the decision leaves it: decided, noted as about to be, and the keys where they were.
        act(&server, "p-1", v1::Act::Seal, 1).await;
        server.kill();
        let at_rest = store(url).await;
        for person in ["p-1", "p-2"] {
            at_rest.keys().intend_to_seal(person, 0).await.expect("is noted");
        }
        at_rest.close().await;
        let holders = [
            "keys",
            "holders",
            "--database",
            url,
            "--first",
            &to_one,
            "--second",
            &to_other,
        ];
        assert!(run(&holders).status.success());
        let options = waystation_app::AppOptions {
            database: url.to_owned(),
            keys: None,
            keyring: waystation_app::KeyringSource::Database,
            migrate: false,
            clock: std::sync::Arc::new(waystation_app::SystemClock),
        };
        let app = waystation_app::App::open(options).await.expect("opens");
        app.tick().await.expect("goes on");
        let keys = app.store().keys();
        let versions = async |person: &str| {
            let subject = waystation_app::ids::subject(person);
            let living = keys.of(subject).await.expect("is asked").len();
            (living, keys.sealed(subject).await.expect("is asked").len())
        };
        assert_eq!(versions("p-1").await, (0, 1), "what was decided is done");
        assert_eq!(versions("p-2").await, (1, 0), "what was not is not");
        assert!(keys.intents_before(i64::MAX).await.expect("is asked").is_empty());
        app.close().await;
        verified(url);
    });
}
