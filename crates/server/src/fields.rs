//! Reading the fields of a request. Everything that is wrong is collected and answered at once, by field.

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};
use uuid::Uuid;
use waystation_api::v1;
use waystation_app::{AsOf, PAGE_MAX, PageRequest, ReadOptions};
use waystation_domain::Date;
use waystation_domain::case::Debtor;

use crate::status::{DOMAIN, LANGUAGE};

/// What is wrong with a request.
#[derive(Default)]
pub(crate) struct Fields {
    wrong: Vec<FieldViolation>,
}

impl Fields {
    pub(crate) fn wrong(&mut self, field: &str, expected: &str) {
        self.wrong
            .push(FieldViolation::new(field, format!("expected {expected}")));
    }

    /// Answers with everything that is wrong, if anything is.
    pub(crate) fn finish(self) -> Result<(), Status> {
        let Some(first) = self.wrong.first() else { return Ok(()) };
        let message = format!("{}: {}", first.field, first.description);
        let names: Vec<&str> = self.wrong.iter().map(|wrong| wrong.field.as_str()).collect();
        let chinese = format!("字段格式不正确：{}", names.join("、"));
        let reason = if names == ["name"] {
            "INVALID_RESOURCE_NAME"
        } else {
            "FIELD_INVALID"
        };
        let mut details = ErrorDetails::new();
        let metadata = [("field".to_owned(), first.field.clone())];
        details
            .set_error_info(reason, DOMAIN, metadata)
            .set_localized_message(LANGUAGE, chinese);
        details.set_bad_request(self.wrong);
        Err(Status::with_error_details(Code::InvalidArgument, message, details))
    }

    /// A day, `2026-03-02`.
    pub(crate) fn day(&mut self, field: &str, text: &str) -> Date {
        // Exactly this form: other spellings of a day would give one fact several fingerprints.
        let day = Some(text)
            .filter(|text| text.len() == 10)
            .and_then(|text| text.parse().ok());
        day.unwrap_or_else(|| {
            self.wrong(field, "a day such as 2026-03-02");
            Date::default()
        })
    }

    /// A day, or nothing.
    pub(crate) fn optional_day(&mut self, field: &str, text: &str) -> Option<Date> {
        (!text.is_empty()).then(|| self.day(field, text))
    }

    /// A value of an enumeration other than its first, which means that none was given.
    pub(crate) fn choice<T: Copy>(&mut self, field: &str, number: i32, values: &[T]) -> Option<T> {
        let found = usize::try_from(number - 1).ok().and_then(|at| values.get(at)).copied();
        if found.is_none() {
            self.wrong(field, &format!("a value from 1 to {}", values.len()));
        }
        found
    }

    /// As [`Fields::choice`], with the first value for none.
    pub(crate) fn optional_choice<T: Copy>(&mut self, field: &str, number: i32, values: &[T]) -> Option<T> {
        if number == 0 {
            None
        } else {
            self.choice(field, number, values)
        }
    }

    /// An id: letters, digits, `-`, `_` and `.`.
    pub(crate) fn id(&mut self, field: &str, id: &str) -> String {
        if !waystation_app::ids::is_id(id) {
            self.wrong(field, "1 to 64 letters, digits, `-`, `_` or `.`, and nobody's number");
        }
        id.to_owned()
    }

    /// The id in a resource name `collection/{id}`.
    pub(crate) fn name(&mut self, field: &str, collection: &str, name: &str) -> String {
        let id = name.strip_prefix(collection).and_then(|rest| rest.strip_prefix('/'));
        match id.filter(|id| !id.contains('/')) {
            Some(id) => {
                let before = self.wrong.len();
                let id = self.id(field, id);
                if self.wrong.len() > before {
                    self.wrong.truncate(before);
                    self.wrong(
                        field,
                        &format!("{collection}/ and 1 to 64 letters, digits, `-`, `_` or `.`"),
                    );
                }
                id
            }
            None => {
                self.wrong(field, &format!("a name such as {collection}/7f3a"));
                String::new()
            }
        }
    }

    /// Case and revision of an event name `cases/{case}/events/{revision}`.
    pub(crate) fn event(&mut self, field: &str, name: &str) -> (String, u64) {
        let parts: Vec<&str> = name.split('/').collect();
        if let ["cases", case, "events", revision] = parts[..]
            && let Ok(revision) = revision.parse::<u64>()
            && i64::try_from(revision).is_ok()
        {
            return (self.id(field, case), revision);
        }
        self.wrong(field, "an event name such as cases/7f3a/events/12");
        (String::new(), 0)
    }

    /// The stream of a record's name.
    pub(crate) fn stream(&mut self, field: &str, record: &str) -> String {
        if let Some(person) = record.strip_prefix("pointsAccounts/") {
            return format!("points-{}", self.id(field, person));
        }
        if record.starts_with("people/") {
            return format!("person-{}", self.name(field, "people", record));
        }
        format!("case-{}", self.name(field, "cases", record))
    }

    pub(crate) fn request_id(&mut self, text: &str) -> Option<Uuid> {
        if text.is_empty() {
            return None;
        }
        let id = Uuid::try_parse(text).ok().filter(|id| !id.is_nil());
        if id.is_none() {
            self.wrong("request_id", "a UUID");
        }
        id
    }

    pub(crate) fn etag(&mut self, text: &str) -> Option<u64> {
        if text.is_empty() {
            return None;
        }
        let revision = text.parse().ok().filter(|revision| i64::try_from(*revision).is_ok());
        if revision.is_none() {
            self.wrong("etag", "an etag as a receipt or a record gave it");
        }
        revision
    }

    /// Who owes something; nobody in particular when empty.
    pub(crate) fn debtor(&mut self, field: &str, name: &str) -> Option<Debtor> {
        let found = Debtor::ALL.into_iter().find(|debtor| debtor.as_str() == name);
        if found.is_none() && !name.is_empty() {
            self.wrong(field, "PARTICIPANT, STATION or POLICE");
        }
        found
    }

    /// A count that is 0 or more.
    pub(crate) fn number(&mut self, field: &str, number: i32) -> u32 {
        u32::try_from(number).unwrap_or_else(|_| {
            self.wrong(field, "0 or more");
            0
        })
    }

    pub(crate) fn position(&mut self, field: &str, number: i64) -> u64 {
        u64::try_from(number).unwrap_or_else(|_| {
            self.wrong(field, "a position, 0 or more");
            0
        })
    }

    pub(crate) fn page(&mut self, size: i32, token: String) -> PageRequest {
        // More than the most is not an error: the page is the largest there is (AIP-158).
        let size = usize::try_from(size).map_or_else(
            |_| {
                self.wrong("page_size", "0 or more");
                0
            },
            |size| size.min(PAGE_MAX),
        );
        PageRequest { size, token }
    }

    pub(crate) fn read(&mut self, read: Option<v1::ReadOptions>) -> ReadOptions {
        let Some(read) = read else {
            return ReadOptions::default();
        };
        let min_position = (read.min_position != 0).then(|| self.position("read.min_position", read.min_position));
        let as_of = read.as_of.map(|as_of| match as_of {
            v1::read_options::AsOf::AsOfPosition(position) => {
                AsOf::Position(self.position("read.as_of_position", position))
            }
            v1::read_options::AsOf::AsOfTime(time) => AsOf::Recorded(self.time("read.as_of_time", time)),
        });
        ReadOptions { min_position, as_of }
    }

    /// Microseconds since 1970 UTC.
    pub(crate) fn time(&mut self, field: &str, time: prost_types::Timestamp) -> i64 {
        let us = time
            .seconds
            .checked_mul(1_000_000)
            .and_then(|us| us.checked_add(i64::from(time.nanos) / 1_000));
        us.filter(|_| (0..1_000_000_000).contains(&time.nanos))
            .unwrap_or_else(|| {
                self.wrong(field, "a time between the years 1 and 9999");
                0
            })
    }
}

/// Text, or nothing when empty.
pub(crate) fn optional(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}
