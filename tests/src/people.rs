//! People for tests: registering, reading and erasing them, and the files in which something of them may linger.

use std::path::{Path, PathBuf};

use tonic_types::StatusExt;
use waystation_api::v1;
use waystation_storage::testing::TestDatabase;

use crate::{Clients, Server, after, order, today};

/// The example number of GB 11643-1999.
pub const ID: &str = "11010519491231002X";
/// Another number with a right check digit.
pub const OTHER_ID: &str = "110105194912310038";

/// Somebody to register.
pub fn registration(id: &str, number: &str) -> v1::RegisterPersonRequest {
    v1::RegisterPersonRequest {
        person_id: id.into(),
        name: "阿卜杜拉•买买提".into(),
        id_number: number.into(),
        phone: "138 0013 8000".into(),
        address: "青龙山街道塔山1号".into(),
        household_org: "QINGZHEN".into(),
        ..Default::default()
    }
}

/// Registers somebody, by the number [`ID`], and a case about them.
///
/// # Panics
/// When either is refused.
pub async fn with_case(worker: &mut Clients, person: &str, case: &str) {
    let registered = worker.people.register_person(registration(person, ID)).await;
    registered.expect("is registered");
    let order = v1::RegisterOrderRequest {
        person: person.into(),
        ..order(case, &today())
    };
    worker.cases.register_order(order).await.expect("is registered");
}

/// Asking for a person.
pub fn get(id: &str, reveal: bool) -> v1::GetPersonRequest {
    v1::GetPersonRequest {
        name: format!("people/{id}"),
        reveal,
        read: None,
    }
}

/// A person, at or after a receipt.
///
/// # Panics
/// When there is none.
pub async fn person(
    clients: &mut Clients,
    id: &str,
    reveal: bool,
    receipt: &v1::CommandReceipt,
) -> v1::GetPersonResponse {
    let request = v1::GetPersonRequest {
        read: after(receipt),
        ..get(id, reveal)
    };
    clients.people.get_person(request).await.expect("is there").into_inner()
}

/// What a field shows.
///
/// # Panics
/// When the answer has no such field.
pub fn text(field: &Option<v1::PersonalField>) -> (&str, v1::FieldState) {
    let field = field.as_ref().expect("is answered");
    (&field.text, field.state())
}

/// Proposing an act.
pub fn propose(id: &str, act: v1::Act) -> v1::ProposeActRequest {
    v1::ProposeActRequest {
        name: format!("people/{id}"),
        act: act.into(),
        basis: "PIPL-47".into(),
        reason: "本人申请".into(),
        ..Default::default()
    }
}

/// Approving a proposal.
pub fn decide(id: &str, proposal: i32) -> v1::DecideActRequest {
    v1::DecideActRequest {
        name: format!("people/{id}"),
        proposal,
        approve: true,
        ..Default::default()
    }
}

/// Erases a person, by two people.
///
/// # Panics
/// When either is refused.
pub async fn erase(server: &Server, id: &str) -> v1::CommandReceipt {
    let mut leader = server.clients("leader-1", "SUPERVISOR").await;
    let mut privacy = server.clients("privacy-1", "PRIVACY_OFFICER").await;
    end_cases(&mut leader, id).await;
    leader
        .people
        .propose_act(propose(id, v1::Act::Erase))
        .await
        .expect("is proposed");
    let decided = privacy.people.decide_act(decide(id, 1)).await;
    decided.expect("is decided").into_inner()
}

/// Ends the open cases of a person, who cannot be erased before.
///
/// # Panics
/// When one cannot be ended.
pub async fn end_cases(leader: &mut Clients, person: &str) {
    let checkpoint = leader.audit.get_checkpoint(v1::GetCheckpointRequest {}).await;
    let of = v1::ListCasesRequest {
        person: person.into(),
        page_size: 100,
        read: Some(v1::ReadOptions {
            min_position: checkpoint.expect("is given").into_inner().size,
            as_of: None,
        }),
        ..Default::default()
    };
    for case in leader.cases.list_cases(of).await.expect("lists").into_inner().cases {
        if [v1::Stage::Terminated, v1::Stage::Discharged]
            .map(i32::from)
            .contains(&case.stage)
        {
            continue;
        }
        let end = v1::TerminateRequest {
            name: case.name,
            on: today(),
            reason: v1::TerminationReason::OrderRevoked.into(),
            document_no: "终止-1".into(),
            ..Default::default()
        };
        leader.cases.terminate(end).await.expect("is ended");
    }
}

/// The reason of a refusal.
pub fn reason(status: &tonic::Status) -> String {
    status
        .get_details_error_info()
        .map_or_else(String::new, |info| info.reason)
}

/// Files a database consists of, that may hold bytes of it.
///
/// # Panics
/// When they cannot be listed.
pub async fn files(database: &TestDatabase) -> Vec<PathBuf> {
    let directory = match database.path() {
        Some(path) => path.parent().expect("has one").to_owned(),
        None => {
            let pool = sqlx::PgPool::connect(&database.url).await.expect("connects");
            let directory: String = sqlx::query_scalar("SHOW data_directory")
                .fetch_one(&pool)
                .await
                .expect("is told");
            directory.into()
        }
    };
    let mut found = Vec::new();
    let mut open = vec![directory];
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(directory).expect("reads") {
            let path = entry.expect("reads").path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found
}

/// A backup of a database, in one piece: what SQLite writes into another file, and every row of PostgreSQL as text.
///
/// # Panics
/// When none can be made.
pub async fn dump(database: &TestDatabase) -> Vec<u8> {
    let mut dump = Vec::new();
    if let Some(path) = database.path() {
        for part in ["log", "views", "keys"] {
            let copy = path.with_file_name(format!("backup-{part}"));
            let into = format!("VACUUM INTO '{}'", copy.display());
            database.tamper(part, &into).await.expect("is copied");
            dump.extend(std::fs::read(&copy).expect("is there"));
        }
        return dump;
    }
    let pool = sqlx::PgPool::connect(&database.url).await.expect("connects");
    let tables = "SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables \
                  WHERE schemaname NOT IN ('pg_catalog', 'information_schema')";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&pool).await.expect("are listed");
    for table in tables {
        let rows = format!("SELECT row::text FROM {table} AS row");
        let rows: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(rows))
            .fetch_all(&pool)
            .await
            .expect("are read");
        dump.extend(rows.join("\n").into_bytes());
    }
    dump
}

/// Whether a file holds these bytes.
pub fn holds(path: &Path, needle: &[u8]) -> bool {
    // Files of a running server come and go.
    let bytes = std::fs::read(path).unwrap_or_default();
    bytes.windows(needle.len()).any(|window| window == needle)
}
