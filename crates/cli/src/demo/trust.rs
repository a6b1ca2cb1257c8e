//! What the year's record is protected by, shown on itself: accounts with their tokens, a reading that is denied, a record
//! that two people sealed, one that two people erased, and a copy of the database in which a date was changed.

use std::path::Path;

use anyhow::Context;
use comfy_table::Table;
use serde_json::{Value, json};
use waystation_app::views::ErasureState;
use waystation_app::{Access, Action, App, CaseQuery, FieldValue, LogName, PageRequest, Purpose, ReadOptions, Store};
use waystation_domain::account::CreateAccount;
use waystation_domain::case::Stage;
use waystation_domain::person::{Act, DecideAct, Emergency, ProposeAct, RegisterPerson, ReviewGlass};
use waystation_domain::{Field, FieldClass, Principal, Role};

use super::STATION;
use super::person::{envelope, supervisor};
use crate::accounts::at_the_database;
use crate::lang::say;

/// Accounts of the demo.
const ACCOUNTS: [(&str, Role); 4] = [
    ("worker-1", Role::CaseWorker),
    ("supervisor-1", Role::Supervisor),
    ("privacy-1", Role::PrivacyOfficer),
    ("inspector-1", Role::Inspector),
];
/// 小林, on file since the story registered him, and in whose charge he is.
const LIN: &str = "p-xiaolin";
const LINS_WORKER: &str = "worker-ahong";

/// What dates of the year begin with.
const DATE: &[u8] = b"\"20";

/// What was shown.
pub(super) struct Shown {
    /// Id, role and token of each account.
    accounts: Vec<(&'static str, Role, String)>,
    /// Key, what was tried in either language, what came of it, and whether that is as it must be.
    rows: Vec<(&'static str, &'static str, String, bool)>,
}

/// Does all of it, in the last hours of the year. `database`: the file the year is in.
pub(super) async fn show(app: &App, database: &Path) -> anyhow::Result<Shown> {
    let mut accounts = Vec::new();
    for (id, role) in ACCOUNTS {
        let command = CreateAccount {
            role,
            station: STATION.to_owned(),
            until: None,
        };
        let token = app.create_account(id, &command, &at_the_database()).await?;
        accounts.push((id, role, token));
    }
    let (sealed, erased) = discharged(app).await?;
    register(app, &sealed, "陈某某", "999999197809223031").await?;
    by_two(app, &sealed, Act::Seal, "DETOX-REG-7").await?;
    register(app, &erased, "周某某", "999999198201174045").await?;
    by_two(app, &erased, Act::Erase, "PIPL-47").await?;

    let mut rows = Vec::new();
    let position = reveal(app, "worker-1", LIN).await?;
    rows.push((
        "denied",
        say(
            "worker-1 asks for the name of 小林, who is in another's charge",
            "worker-1 查看他人负责的小林的姓名",
        ),
        outcome(&position),
        position.is_none(),
    ));
    let emergency = (
        Emergency::Medical,
        "在站内突然昏迷，急救人员需要其姓名和家属电话".to_owned(),
    );
    app.break_glass(LIN, &emergency, &envelope("worker-1", Role::CaseWorker))
        .await?;
    let helped = reveal_for(app, "worker-1", LIN, Purpose::BreakGlass).await?;
    let review = ReviewGlass {
        glass: 1,
        justified: true,
    };
    app.person(LIN, &review, &supervisor()).await?;
    rows.push((
        "emergency",
        say(
            "worker-1 announces an emergency and asks again; supervisor-1 reviews it",
            "worker-1 申报紧急情况后再次查看，supervisor-1 事后复核",
        ),
        outcome(&helped),
        matches!(&helped, Some((FieldValue::Open(_), _))),
    ));
    let opened = reveal(app, LINS_WORKER, LIN).await?;
    rows.push((
        "opened",
        say(
            "worker-ahong, in whose charge he is, asks for it",
            "负责人 worker-ahong 查看小林的姓名",
        ),
        outcome(&opened),
        matches!(&opened, Some((FieldValue::Open(_), _))),
    ));
    let shut = reveal(app, "supervisor-1", &sealed).await?;
    rows.push((
        "sealed",
        say(
            "supervisor-1 asks for a name in a record that two people sealed",
            "supervisor-1 查看双人封存的档案中的姓名",
        ),
        format!("{sealed}: {}", outcome(&shut)),
        shut.is_none(),
    ));
    let gone = reveal(app, "supervisor-1", &erased).await?;
    rows.push((
        "erased",
        say(
            "supervisor-1 asks for a name in a record that two people erased",
            "supervisor-1 查看双人批准删除的档案中的姓名",
        ),
        format!("{erased}: {}", outcome(&gone)),
        matches!(&gone, Some((FieldValue::Erased, _))),
    ));
    let caught = tampered(app, database).await?;
    rows.push((
        "tampered",
        say(
            "a date is changed in a copy of the database; the copy is verified",
            "在数据库副本中改动一个日期后校验该副本",
        ),
        caught
            .clone()
            .unwrap_or_else(|| say("not noticed", "未发现").to_owned()),
        caught.is_some(),
    ));
    Ok(Shown { accounts, rows })
}

/// Registers somebody as a person on file; a made-up region code, so that nobody has the number.
pub(super) async fn register(app: &App, id: &str, name: &str, id_number: &str) -> anyhow::Result<()> {
    let command = RegisterPerson {
        name: name.into(),
        id_number: id_number.into(),
        phone: None,
        address: None,
        household_org: "QINGZHEN".into(),
    };
    let registered = app.register_person(id, &command, &supervisor()).await;
    registered
        .map(drop)
        .with_context(|| format!("RegisterPerson {id} was refused"))
}

/// The persons of two cases that have ended.
async fn discharged(app: &App) -> anyhow::Result<(String, String)> {
    let query = CaseQuery {
        stage: Some(Stage::Discharged),
        ..CaseQuery::default()
    };
    let page = PageRequest {
        size: 3,
        token: String::new(),
    };
    let cases = app.list_cases(&query, &page, now(app)).await?;
    // 阿红 is in the story.
    let mut persons = cases
        .rows
        .into_iter()
        .map(|(_, case)| case.person)
        .filter(|person| person != "p-ahong");
    let two = persons.next().zip(persons.next());
    two.context("nobody was discharged in this year; choose another --seed")
}

fn now(app: &App) -> ReadOptions {
    ReadOptions {
        min_position: Some(app.store().log(LogName::Main).head().size),
        as_of: None,
    }
}

/// One proposes, another decides.
async fn by_two(app: &App, person: &str, act: Act, basis: &str) -> anyhow::Result<()> {
    let propose = ProposeAct {
        act,
        other: None,
        basis: basis.into(),
        reason: "本人申请".into(),
    };
    app.propose_act(person, &propose, &supervisor()).await?;
    let decide = DecideAct {
        proposal: 1,
        approve: true,
    };
    app.decide_act(person, &decide, &envelope("privacy-1", Role::PrivacyOfficer))
        .await?;
    Ok(())
}

/// Asks for a name as a call would: permission first, then the record of it, then the key. `None`: denied.
async fn reveal(app: &App, who: &str, person: &str) -> anyhow::Result<Option<(FieldValue, u64)>> {
    let role = role_of(who);
    reveal_for(app, who, person, Purpose::of(role)).await
}

fn role_of(who: &str) -> Role {
    let account = ACCOUNTS.iter().find(|(id, _)| *id == who);
    account.map_or(Role::CaseWorker, |(_, role)| *role)
}

async fn reveal_for(app: &App, who: &str, person: &str, purpose: Purpose) -> anyhow::Result<Option<(FieldValue, u64)>> {
    let principal = Principal {
        id: who.into(),
        role: role_of(who),
        station: STATION.into(),
    };
    let (summary, at) = app.get_person(person, now(app)).await?;
    let mut target = app.person_target(person).await?;
    target.emergency = purpose == Purpose::BreakGlass && app.in_emergency(&principal, person).await?;
    if !app.permissions().allows(&principal, Action::Reveal, &target, purpose)? {
        return Ok(None);
    }
    let access = Access {
        principal: &principal,
        rpc: "PersonService/GetPerson",
        purpose,
        persons: vec![person.to_owned()],
        classes: vec![FieldClass::Identity],
        at,
    };
    let receipt = app.record_access(access).await?;
    let on_record = app.store().log(LogName::Access).head().size;
    let value = match summary.places.get(&Field::Name) {
        Some(place) => app.open_field(&receipt, person, *place, Field::Name).await?,
        None if summary.erasure != ErasureState::None => FieldValue::Erased,
        None => FieldValue::Absent,
    };
    Ok(Some((value, on_record)))
}

fn outcome(result: &Option<(FieldValue, u64)>) -> String {
    match result {
        None => say("denied", "拒绝").to_owned(),
        Some((value, position)) => {
            let value = match value {
                FieldValue::Open(name) => name.chars().take(1).chain("**".chars()).collect(),
                FieldValue::Sealed => say("sealed", "已封存").to_owned(),
                FieldValue::Erased => say("its key is gone", "密钥已销毁").to_owned(),
                FieldValue::Absent => say("nothing there", "无此内容").to_owned(),
            };
            let recorded = say("on record as access", "已留痕，访问记录第");
            format!("{value}; {recorded} {position}")
        }
    }
}

/// Changes one letter of an event in a copy of the database, as somebody who holds it could, and says what the verification
/// of the copy finds.
async fn tampered(app: &App, database: &Path) -> anyhow::Result<Option<String>> {
    let log = app.store().log(LogName::Main);
    let events = log.stored(log.head().size / 2).await?;
    let dated = events
        .iter()
        .map(|event| &event.body)
        .find(|body| holds(body, DATE).is_some());
    let body = dated.context("no event has a date")?;
    let scrap = tempfile::tempdir()?;
    let copy = scrap.path().join("copy.db");
    let url = format!("sqlite:{}", copy.display());
    app.store().move_into_file().await?;
    let mut bytes = std::fs::read(database)?;
    let (place, date) = holds(&bytes, body)
        .zip(holds(body, DATE))
        .context("the event is not in the file")?;
    bytes[place + date + DATE.len()] ^= 1;
    std::fs::write(&copy, bytes)?;
    let store = Store::open_to_verify(&url).await?;
    let report = store.log(LogName::Main).verify(|_, _| {}).await;
    store.close().await;
    Ok(report?.findings.first().map(ToString::to_string))
}

/// Where the one holds the other.
fn holds(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}

impl Shown {
    /// Whether everything came out as it must.
    pub(super) fn holds(&self) -> bool {
        self.rows.iter().all(|(.., holds)| *holds)
    }

    pub(super) fn json(&self) -> Value {
        let accounts = self.accounts.iter();
        let accounts: Vec<Value> = accounts
            .map(|(id, role, token)| json!({ "id": id, "role": role.as_str(), "token": token }))
            .collect();
        let rows: serde_json::Map<_, _> = self
            .rows
            .iter()
            .map(|(key, _, outcome, holds)| ((*key).to_owned(), json!({ "outcome": outcome, "holds": holds })))
            .collect();
        json!({ "accounts": accounts, "shown": rows })
    }

    pub(super) fn print(&self) {
        let mut table = Table::new();
        table.set_header([say("trust", "可信"), say("what came of it", "结果")]);
        for (_, what, outcome, _) in &self.rows {
            table.add_row([what, outcome.as_str()]);
        }
        println!("{table}");
        let mut table = Table::new();
        table.set_header([say("account", "账户"), say("role", "角色"), say("token", "令牌")]);
        for (id, role, token) in &self.accounts {
            table.add_row([id, role.as_str(), token.as_str()]);
        }
        println!("{table}");
    }

    /// The token of the first account, for somebody to try.
    pub(super) fn token(&self) -> &str {
        self.accounts.first().map_or("", |(_, _, token)| token)
    }
}
