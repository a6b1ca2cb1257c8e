//! Where the records of the matrix are in the log, and who hears of them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tonic::transport::Channel;
use tonic::{Response, Status, Streaming};
use waystation_api::event_store::client::streams::read_resp;
use waystation_api::event_store::client::streams::streams_client::StreamsClient;
use waystation_api::v1;

use super::RECORDS;
use crate::{Clients, STATION};

/// A watch that has said nothing for so long has said all.
const SILENCE: Duration = Duration::from_secs(2);

/// The position of the first event of each record's case.
///
/// # Panics
/// When there is none.
pub async fn entries(channel: &Channel) -> BTreeMap<&'static str, i64> {
    let mut streams = StreamsClient::new(channel.clone());
    let mut entries = BTreeMap::new();
    for (_, id) in RECORDS {
        let read = streams.read(crate::read_stream(&format!("case-{id}"))).await;
        let first = read.expect("is read").into_inner().message().await.expect("is read");
        let Some(read_resp::Content::Event(event)) = first.and_then(|first| first.content) else {
            panic!("the case of {id} has no event");
        };
        let position = event.event.expect("is there").commit_position;
        entries.insert(id, position as i64);
    }
    entries
}

/// The records of which somebody who watches everything from the beginning hears.
///
/// # Panics
/// When a watch breaks.
pub async fn watched(channel: &Channel, role: &str) -> [(&'static str, String); 2] {
    let mut clients = Clients::at(channel, "worker-1", role, STATION);
    let entries = v1::WatchAuditEntriesRequest {
        after_position: Some(0),
        ..Default::default()
    };
    let entries = clients.audit.watch_audit_entries(entries).await;
    let cases = v1::WatchCasesRequest {
        after_position: Some(0),
        ..Default::default()
    };
    let cases = clients.cases.watch_cases(cases).await;
    let entries = heard(entries, |reply| {
        reply
            .entry
            .map_or_else(String::new, |entry| entry.stream.replacen("case-", "cases/", 1))
    });
    let cases = heard(cases, |reply| reply.case.map_or_else(String::new, |case| case.name));
    let (entries, cases) = tokio::join!(entries, cases);
    [
        ("AuditService/WatchAuditEntries", entries),
        ("CaseService/WatchCases", cases),
    ]
}

async fn heard<T>(watch: Result<Response<Streaming<T>>, Status>, record: impl Fn(T) -> String) -> String {
    let Ok(watch) = watch else { return String::new() };
    let (mut watch, mut names) = (watch.into_inner(), BTreeSet::new());
    while let Ok(reply) = tokio::time::timeout(SILENCE, watch.message()).await {
        names.insert(record(reply.expect("goes on").expect("goes on")));
    }
    let seen = |(_, id): &(char, &str)| names.contains(&format!("cases/{id}"));
    RECORDS.into_iter().filter(seen).map(|(letter, _)| letter).collect()
}
