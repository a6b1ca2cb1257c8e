//! What privacy costs: commands with and without a sealed field, reads with and without a record of access, and the opening
//! of fields. Each is a ratio of two rates of the same run, so that whoever pays can see what for.

use std::sync::Arc;
use std::time::Duration;

use tonic::transport::Channel;
use waystation_api::v1;
use waystation_app::{Access, App, AppOptions, KeyringSource, Purpose, ReadOptions, SystemClock};
use waystation_domain::{FieldClass, Principal, Role};
use waystation_tests::{Clients, STATION};

use crate::load::{For, Measured, case_id, in_flight, pick};
use crate::report::Row;

/// As much as a case worker writes about a talk.
const NOTE: &str = "谈话约二十分钟。本人情绪平稳，按时服药，下周开始在社区食堂试工，愿意每周来站一次。";

/// Talks with a sealed note, against talks without.
pub(crate) async fn commands(
    database: &'static str,
    channel: &Channel,
    (count, time, cases): (usize, For, u64),
    on: &str,
) -> Vec<Row> {
    let mut rates = Vec::new();
    for note in ["", NOTE] {
        let client = Clients::over(channel, "worker-1", "CASE_WORKER").cases;
        let on = on.to_owned();
        let talk = move |number| {
            let mut client = client.clone();
            let request = v1::RecordTalkRequest {
                name: format!("cases/{}", case_id(pick(number, cases))),
                on: on.clone(),
                topics: vec![v1::TalkTopic::Life.into()],
                note: note.into(),
                ..Default::default()
            };
            async move {
                client.record_talk(request).await.expect("is recorded");
            }
        };
        // Keys and cases that commands meet for the first time are not what is measured.
        in_flight(count, For(Duration::from_secs(1)), talk.clone()).await;
        rates.push(in_flight(count, time, talk).await.rate);
    }
    let work = format!("a talk with its note sealed, unary, {count} in flight");
    vec![Row::new(database, work, rates[1], "commands/s").floor("without a note", rates[0])]
}

/// Cases read over gRPC, which puts each reading on record; masked, and with what is sealed opened.
pub(crate) async fn reads(
    database: &'static str,
    channel: &Channel,
    (count, time, cases): (usize, For, u64),
) -> Vec<Row> {
    let masked = read(channel, count, time, cases, false).await;
    let opened = read(channel, count, time, cases, true).await;
    let (alone, page) = (
        read(channel, 1, time, cases, false).await,
        read(channel, 1, time, cases, true).await,
    );
    let row = |work: &str, value, unit| Row::new(database, work, value, unit);
    vec![
        row("a case, masked, on record, 64 in flight", masked.rate, "reads/s"),
        row("the same with its fields opened", opened.rate, "reads/s").floor("masked", masked.rate),
        row(
            "a case's page with its fields opened, alone, p50",
            page.percentile(50),
            "µs",
        )
        .floor("masked", alone.percentile(50)),
    ]
}

async fn read(channel: &Channel, count: usize, time: For, cases: u64, reveal: bool) -> Measured {
    let client = Clients::over(channel, "worker-1", "CASE_WORKER").cases;
    in_flight(count, time, move |number| {
        let mut client = client.clone();
        let request = v1::GetCaseRequest {
            name: format!("cases/{}", case_id(pick(number, cases))),
            read: None,
            reveal,
        };
        async move {
            let case = client.get_case(request).await.expect("is there").into_inner();
            let order = case.case.expect("is there").order_no;
            assert_eq!(order.is_empty(), !reveal, "{order:?}");
        }
    })
    .await
}

/// The same reading inside one process, without and with its record: what the record alone costs.
pub(crate) async fn records(database: &'static str, url: &str, (count, time, cases): (usize, For, u64)) -> Vec<Row> {
    let options = AppOptions {
        database: url.to_owned(),
        keys: None,
        keyring: KeyringSource::Database,
        migrate: false,
        clock: Arc::new(SystemClock),
    };
    let app = Arc::new(App::open(options).await.expect("opens"));
    let mut measured = Vec::new();
    for recorded in [false, true] {
        let reader = Arc::clone(&app);
        measured.push(
            in_flight(count, time, move |number| {
                let app = Arc::clone(&reader);
                async move {
                    let id = case_id(pick(number, cases));
                    let (case, at) = app.get_case(&id, ReadOptions::default()).await.expect("is there");
                    if recorded {
                        put_on_record(&app, case.person, at).await;
                    }
                }
            })
            .await,
        );
    }
    if let Some(app) = Arc::into_inner(app) {
        app.close().await;
    }
    let work = format!("a case read and put on record, in process, {count} in flight");
    let row = Row::new(database, work, measured[1].rate, "reads/s");
    vec![row.floor("not on record", measured[0].rate)]
}

async fn put_on_record(app: &App, person: String, at: u64) {
    let principal = Principal {
        id: "worker-1".into(),
        role: Role::CaseWorker,
        station: STATION.into(),
    };
    let access = Access {
        principal: &principal,
        rpc: "CaseService/GetCase",
        purpose: Purpose::Care,
        persons: vec![person],
        classes: vec![FieldClass::Status],
        at,
    };
    app.record_access(access).await.expect("is on record");
}
