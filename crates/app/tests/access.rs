//! Lists go on record in chunks: every person in them is named, and finds the reading.

use std::sync::Arc;

use waystation_app::{Access, App, AppOptions, LogName, ManualClock, PageRequest, Purpose};
use waystation_domain::{FieldClass, Principal, Role};
use waystation_storage::testing::on_both;

const PERSONS: usize = 600;
/// Persons in one record, see `access.rs`.
const CHUNK: usize = 256;

#[test]
fn a_long_list_is_several_records_and_everybody_in_it_finds_theirs() {
    on_both(|database| async move {
        let options = AppOptions {
            keys: None,
            keyring: Default::default(),
            database: database.url.clone(),
            migrate: true,
            clock: Arc::new(ManualClock::at(1_772_409_600_000_000)),
        };
        let app = App::open(options).await.expect("opens");
        let person = |number: usize| format!("p-{number:03}");
        let principal = Principal {
            id: "inspector-1".into(),
            role: Role::Inspector,
            station: "station-a".into(),
        };
        let access = |persons: Vec<String>| Access {
            principal: &principal,
            rpc: "CaseService/ListCases",
            purpose: Purpose::Inspection,
            persons,
            classes: vec![FieldClass::Status],
            at: 1,
        };
        // In any order, and some of them twice.
        let mut persons: Vec<String> = (0..PERSONS).rev().map(person).collect();
        persons.extend((0..10).map(person));
        app.record_access(access(persons)).await.expect("is recorded");
        let log = app.store().log(LogName::Access);
        assert_eq!(log.head().size as usize, PERSONS.div_ceil(CHUNK));
        for number in [0, CHUNK - 1, CHUNK, PERSONS - 1] {
            let page = PageRequest::default();
            let found = app.list_access(&person(number), &page).await.expect("is listed").rows;
            assert_eq!(found.len(), 1, "{number}");
            assert_eq!(found[0].position as usize, number / CHUNK + 1);
            assert!(found[0].record.persons.len() <= CHUNK);
        }
        // A list of nobody is on record, too.
        app.record_access(access(Vec::new())).await.expect("is recorded");
        assert_eq!(log.head().size as usize, PERSONS.div_ceil(CHUNK) + 1);
        app.close().await;
    });
}
