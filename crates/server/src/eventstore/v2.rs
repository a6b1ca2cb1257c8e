//! The second generation of the protocol's appends: many streams at once, all or nothing.

mod records;
mod session;
mod told;

use std::collections::HashMap;

use bytes::Bytes;
use prost_types::value::Kind;
use serde_json::{Map, Value};
use tonic::{Request, Response, Status, Streaming};
use uuid::Uuid;
use waystation_api::kurrentdb::streams_service_server::StreamsService;
use waystation_api::kurrentdb::{
    AppendRecord, AppendRecordsRequest, AppendRecordsResponse, AppendRequest, AppendSessionResponse, SchemaFormat,
};
use waystation_app::{ExpectedRevision, NewEvent, ids};

use super::EventStore;
use super::caller::Caller;
use super::failure::Failure;
use super::wire;

/// Most streams that one request may write; each is locked and read before anything is decided.
const STREAMS_MAX: usize = 1_024;
/// What the names of properties that the server writes begin with.
const SCHEMA_PREFIX: &str = "$schema.";
/// Deepest nesting of a property's value.
const DEPTH_MAX: usize = 32;

#[async_trait::async_trait]
impl StreamsService for EventStore {
    async fn append_session(
        &self,
        request: Request<Streaming<AppendRequest>>,
    ) -> Result<Response<AppendSessionResponse>, Status> {
        let caller = Caller::of(&request);
        Ok(Response::new(self.session(&caller, request.into_inner()).await?))
    }

    async fn append_records(
        &self,
        request: Request<AppendRecordsRequest>,
    ) -> Result<Response<AppendRecordsResponse>, Status> {
        let caller = Caller::of(&request);
        Ok(Response::new(self.records(&caller, request.into_inner()).await?))
    }
}

/// What a number says about where a stream ends: from 0 the last revision, below that a state.
fn expected(number: i64) -> Option<ExpectedRevision> {
    match number {
        -1 => Some(ExpectedRevision::NoStream),
        -2 => Some(ExpectedRevision::Any),
        -4 => Some(ExpectedRevision::StreamExists),
        _ => u64::try_from(number).ok().map(ExpectedRevision::Exact),
    }
}

/// A record as an event, checked.
fn event(record: AppendRecord) -> Result<NewEvent, Failure> {
    let id = match record.record_id.as_deref() {
        None | Some("") => ids::random().into_bytes(),
        Some(text) => Uuid::try_parse(text)
            .map_err(|_| Failure::Invalid("record_id: expected a UUID".into()))?
            .into_bytes(),
    };
    let schema = record
        .schema
        .ok_or_else(|| Failure::Invalid("schema: expected one".into()))?;
    let format = match schema.format() {
        SchemaFormat::Json => "Json",
        SchemaFormat::Protobuf => "Protobuf",
        SchemaFormat::Avro => "Avro",
        SchemaFormat::Bytes => "Bytes",
        SchemaFormat::Unspecified => return Err(Failure::Invalid("schema.format: expected one".into())),
    };
    if schema.name.is_empty() {
        return Err(Failure::Invalid("schema.name: expected one".into()));
    }
    if record.properties.keys().any(|key| key.starts_with(SCHEMA_PREFIX)) {
        return Err(Failure::Invalid(format!(
            "properties: names beginning with {SCHEMA_PREFIX} are the server's"
        )));
    }
    let mut metadata = properties(record.properties)?;
    let mut put = |key: &str, value: &str| metadata.insert(key.to_owned(), Value::from(value));
    put("$schema.name", &schema.name);
    put("$schema.format", format);
    if let Some(id) = &schema.id {
        put("$schema.id", id);
    }
    let metadata = Bytes::from(Value::Object(metadata).to_string());
    wire::new_event(id, &schema.name, format == "Json", metadata, record.data)
}

fn properties(properties: HashMap<String, prost_types::Value>) -> Result<Map<String, Value>, Failure> {
    let read = |(key, value): (String, prost_types::Value)| Ok((key, json(value, DEPTH_MAX)?));
    properties.into_iter().map(read).collect()
}

fn json(value: prost_types::Value, depth: usize) -> Result<Value, Failure> {
    if depth == 0 {
        return Err(Failure::Invalid(format!(
            "properties: expected at most {DEPTH_MAX} levels"
        )));
    }
    Ok(match value.kind {
        None | Some(Kind::NullValue(_)) => Value::Null,
        Some(Kind::BoolValue(value)) => value.into(),
        Some(Kind::NumberValue(value)) => number(value)?,
        Some(Kind::StringValue(value)) => value.into(),
        Some(Kind::ListValue(list)) => {
            let values = list.values.into_iter().map(|value| json(value, depth - 1));
            Value::Array(values.collect::<Result<_, _>>()?)
        }
        Some(Kind::StructValue(fields)) => {
            let fields = fields.fields.into_iter();
            let fields = fields.map(|(key, value)| Ok((key, json(value, depth - 1)?)));
            Value::Object(fields.collect::<Result<_, Failure>>()?)
        }
    })
}

/// On the wire every number is a double; whole ones are written as people wrote them.
fn number(value: f64) -> Result<Value, Failure> {
    const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;
    if value.fract() == 0.0 && value.abs() <= WHOLE_MAX {
        return Ok(Value::from(value as i64));
    }
    serde_json::Number::from_f64(value)
        .map(Value::Number)
        .ok_or_else(|| Failure::Invalid("properties: expected finite numbers".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(format: SchemaFormat, properties: &[(&str, Kind)]) -> AppendRecord {
        let property = |(key, kind): &(&str, Kind)| {
            let value = prost_types::Value {
                kind: Some(kind.clone()),
            };
            ((*key).to_owned(), value)
        };
        AppendRecord {
            properties: properties.iter().map(property).collect(),
            schema: Some(waystation_api::kurrentdb::SchemaInfo {
                format: format.into(),
                name: "thing.v1".into(),
                id: None,
            }),
            ..AppendRecord::default()
        }
    }

    #[test]
    fn properties_become_metadata_beside_the_schema() {
        let asked = record(
            SchemaFormat::Json,
            &[("whole", Kind::NumberValue(7.0)), ("half", Kind::NumberValue(0.5))],
        );
        let event = event(asked).expect("fits");
        assert_eq!(event.content_type, wire::JSON);
        let metadata: Value = serde_json::from_slice(&event.metadata).expect("is JSON");
        let expected = serde_json::json!({
            "$schema.name": "thing.v1", "$schema.format": "Json", "whole": 7, "half": 0.5
        });
        assert_eq!(metadata, expected);
    }

    #[test]
    fn records_without_a_format_or_with_endless_numbers_are_refused() {
        let unspecified = record(SchemaFormat::Unspecified, &[]);
        assert!(matches!(event(unspecified), Err(Failure::Invalid(_))));
        let endless = record(SchemaFormat::Json, &[("x", Kind::NumberValue(f64::NAN))]);
        assert!(matches!(event(endless), Err(Failure::Invalid(_))));
        let mut deep = Kind::BoolValue(true);
        for _ in 0..DEPTH_MAX {
            let values = vec![prost_types::Value { kind: Some(deep) }];
            deep = Kind::ListValue(prost_types::ListValue { values });
        }
        let nested = record(SchemaFormat::Json, &[("x", deep)]);
        assert!(matches!(event(nested), Err(Failure::Invalid(_))));
    }
}
