//! The tamper matrix: each way to change history, by somebody with the whole database and sometimes the key, with the exit
//! code it gives and the place that is named; and the one way that nobody inside can find.

use waystation_storage::testing::{TestDatabase, on_both};
use waystation_tests::forger::{History, literal};
use waystation_tests::people::{ID, OTHER_ID, registration};
use waystation_tests::{Clients, ORIGIN, Server, check_in, json, new_key, run, signing_key, today};
use waystation_trust::{Cosigner, Note, Signer};

/// What is done to the log before anything is changed.
struct Scene {
    directory: tempfile::TempDir,
    verifier: String,
    signer: Signer,
    healthy: History,
    /// Size of the kept outside checkpoint.
    anchored: usize,
}

async fn checkpoint(clients: &mut Clients) -> (usize, String) {
    let given = clients
        .audit
        .get_checkpoint(waystation_api::v1::GetCheckpointRequest {})
        .await;
    let given = given.expect("is given").into_inner();
    (given.size as usize, given.note)
}

async fn scene(database: &TestDatabase) -> Scene {
    let directory = tempfile::tempdir().expect("a directory");
    let (file, verifier) = signing_key(directory.path());
    let secret = std::fs::read_to_string(&file).expect("reads");
    assert!(run(&["migrate", "--database", &database.url]).status.success());
    let mut server = Server::serve_with(&database.url, &["--signing-key", &file]);
    let mut clients = server.clients("worker-1", "CASE_WORKER").await;
    let day = today();
    for (id, number) in [("p-1", ID), ("p-2", OTHER_ID)] {
        let registered = clients.people.register_person(registration(id, number)).await;
        registered.expect("is registered");
    }
    let mut anchored = 0;
    for case in 0..12 {
        let name = format!("c{case}");
        clients.active_case(&name, &day).await.expect("becomes active");
        for _ in 0..18 {
            let recorded = clients.cases.record_check_in(check_in(&name, &day)).await;
            recorded.expect("is recorded");
        }
        let (size, note) = checkpoint(&mut clients).await;
        if case == 9 {
            std::fs::write(directory.path().join("anchor"), note).expect("is kept");
            anchored = size;
        }
    }
    server.kill();
    let healthy = History::of(&database.url).await;
    assert!(
        healthy.rows.len() > 300 && healthy.checkpoints.len() >= 12,
        "{}",
        healthy.rows.len()
    );
    Scene {
        directory,
        verifier,
        signer: Signer::parse(&secret).expect("reads"),
        healthy,
        anchored,
    }
}

impl Scene {
    fn path(&self, name: &str) -> String {
        self.directory.path().join(name).display().to_string()
    }

    /// Exit code and findings of `verify db` against the outside checkpoint.
    fn verify(&self, database: &TestDatabase, more: &[&str]) -> (i32, String) {
        let anchor = self.path("anchor");
        let mut arguments = vec!["verify", "db", "--database", &database.url, "--json"];
        if more.is_empty() {
            arguments.extend(["--anchor", &anchor, "--verifier", &self.verifier]);
        }
        arguments.extend(more);
        let out = run(&arguments);
        (out.status.code().unwrap_or(-1), json(&out).to_string())
    }
}

#[test]
fn every_way_to_change_history_is_found_named_and_told_apart() {
    on_both(|database| async move {
        let scene = scene(&database).await;
        let healthy = &scene.healthy;
        let attacked = async |what: &str, history: Option<History>, sql: Option<String>, code: i32, place: &str| {
            healthy.write(&database).await;
            if let Some(history) = history {
                history.write(&database).await;
            }
            if let Some(sql) = sql {
                database.tamper("log", &sql).await.expect("is changed");
            }
            let (found, report) = scene.verify(&database, &[]);
            assert_eq!(found, code, "{what} on {}: {report}", database.kind);
            assert!(
                report.contains(place),
                "{what} on {}: {place} in {report}",
                database.kind
            );
        };
        let blob = |bytes: &[u8]| literal(database.kind, bytes);
        let forged_body = |at: usize| {
            let mut body = healthy.rows[at].body.clone();
            let last = body.len() - 2;
            body[last] ^= 1;
            body
        };
        attacked("nothing", None, None, 0, "\"healthy\":true").await;

        // T-01: the body alone.
        let sql = format!(
            "UPDATE main_event SET body = {} WHERE position = 124",
            blob(&forged_body(123))
        );
        attacked("the body", None, Some(sql), 10, "event 124").await;

        // T-13: one person's sealed fields in the place of another's.
        let mut sealed = (1..).zip(&healthy.rows).filter(|(_, row)| !row.sealed.is_empty());
        let mut next = || sealed.next().map(|(position, _): (u64, _)| position).expect("is there");
        let (one, other) = (next(), next());
        let sql = format!(
            "UPDATE main_event SET sealed = (SELECT sealed FROM main_event WHERE position = {other}) WHERE position = {one}"
        );
        attacked("sealed fields", None, Some(sql), 10, &format!("event {one}")).await;

        // T-02: the row made consistent; then the tiles and the frontier too.
        let mut forged = healthy.clone();
        forged.rows[123].forge(&forged_body(123));
        let row = &forged.rows[123];
        let sql = format!(
            "UPDATE main_event SET body = {}, header = {}, leaf = {} WHERE position = 124",
            blob(&row.body),
            blob(&row.header),
            blob(&waystation_trust::leaf_hash(&row.header))
        );
        attacked("the whole row", None, Some(sql), 11, "tile 0/0").await;
        attacked(
            "the row and the tree",
            Some(forged.clone()),
            None,
            12,
            "signed over another tree",
        )
        .await;

        // T-03: with the stolen signing key.
        forged.sign(&scene.signer);
        attacked("the tree and the signatures", Some(forged), None, 13, "fork: the first").await;

        // T-05: the tail cut off.
        let tail = healthy.rows.len() - 10;
        let sql = format!("DELETE FROM main_event WHERE position > {tail}");
        attacked("the last ten rows", None, Some(sql), 11, "size differs").await;

        // T-06: an older backup, whole.
        let mut older = healthy.clone();
        older.rows.truncate(scene.anchored - 20);
        older.checkpoints.retain(|kept| kept.size as usize <= older.rows.len());
        older.sign(&scene.signer);
        attacked("an older backup", Some(older), None, 14, "rollback: the log has").await;

        // T-08: two events change places; one is put in.
        let mut swapped = healthy.clone();
        let differ = |at: &usize| healthy.rows[*at].body != healthy.rows[*at + 1].body;
        let a = (150..scene.anchored - 2).find(differ).expect("two neighbours differ");
        let b = a + 1;
        let (body_a, body_b) = (swapped.rows[a].body.clone(), swapped.rows[b].body.clone());
        swapped.rows[a].forge(&body_b);
        swapped.rows[b].forge(&body_a);
        swapped.sign(&scene.signer);
        attacked("two events", Some(swapped), None, 13, "fork: the first").await;
        let mut inserted = healthy.clone();
        let extra = inserted.rows[150].clone();
        inserted.rows.insert(150, extra);
        inserted.renumber();
        inserted.sign(&scene.signer);
        attacked("an event put in", Some(inserted), None, 13, "fork: the first").await;

        // T-09: one bit of a tile.
        let hashes = waystation_trust::leaf_hash(&healthy.rows[0].header);
        let sql = format!(
            "UPDATE main_tile SET root = {} WHERE level = 0 AND number = 0",
            blob(&hashes)
        );
        attacked("a tile", None, Some(sql), 11, "tile 0/0").await;

        // All checkpoints gone.
        let sql = "DELETE FROM main_checkpoint".to_owned();
        attacked("the checkpoints", None, Some(sql), 12, "has not kept what it gave out").await;

        // A body taken out: erasing destroys keys and never takes out rows.
        let sql = format!(
            "UPDATE main_event SET body = {0}, salt = {0} WHERE position = 124",
            blob(b"")
        );
        attacked("a body taken out", None, Some(sql), 10, "event 124").await;

        // What nobody finds: a change after the last outside checkpoint, by somebody with the key. The time between two
        // witnessed checkpoints is the window.
        let mut window = healthy.clone();
        let late = scene.anchored + 5;
        window.rows[late].forge(&forged_body(late));
        window.sign(&scene.signer);
        attacked("inside the window", Some(window), None, 0, "\"healthy\":true").await;

        // Without an outside checkpoint nobody may be sure.
        healthy.write(&database).await;
        let (code, report) = scene.verify(&database, &["--verifier", &scene.verifier]);
        assert_eq!(code, 19, "{report}");
        let (code, report) = scene.verify(&database, &["--verifier", &scene.verifier, "--no-anchor"]);
        assert_eq!(code, 0, "{report}");
    });
}

#[test]
fn times_that_witnesses_contradict_and_events_that_none_has_seen_are_found() {
    on_both(|database| async move {
        let scene = scene(&database).await;
        let (secret_file, key) = new_key(
            scene.directory.path(),
            "witness",
            &["--witness", "--origin", "witness.test/1"],
        );
        let witness = Cosigner::parse(&std::fs::read_to_string(secret_file).expect("reads")).expect("reads");
        let policy = scene.path("policy");
        let text = format!("log {}\nwitness w {key}\nquorum w\n", scene.verifier);
        std::fs::write(&policy, text).expect("is written");
        let check = |history: &History| {
            assert_eq!(history.rows.len(), scene.healthy.rows.len());
            scene.verify(&database, &["--policy", &policy, "--no-anchor"])
        };
        // T-36, exit 16: nobody has cosigned anything.
        let (code, report) = check(&scene.healthy);
        assert_eq!(code, 16, "{report}");
        let cosigned = |shift: i64| {
            let mut history = scene.healthy.clone();
            for kept in &mut history.checkpoints {
                let header = &history.rows[kept.size as usize - 1].header;
                let recorded = waystation_trust::Header::parse(header).expect("parses").recorded_us / 1_000_000;
                let text = Note::parse(&kept.note).expect("is a note").text;
                let at = u64::try_from(recorded + shift).expect("is after 1970");
                kept.note += &witness.cosign(&text, at);
                kept.witnesses = 1;
            }
            history
        };
        let good = cosigned(30);
        good.write(&database).await;
        let (code, report) = check(&good);
        assert_eq!(code, 0, "{report}");
        // T-12, exit 18: the station's clock was two hours behind the witness's, or ahead of it.
        for shift in [7_200, -7_200] {
            let backdated = cosigned(shift);
            backdated.write(&database).await;
            let (code, report) = check(&backdated);
            assert_eq!(code, 18, "{shift}: {report}");
        }
        assert_eq!(ORIGIN, scene.signer.verifier().origin());
    });
}
