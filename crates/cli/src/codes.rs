//! Values as tables show them and options name them: by the codes that events and JSON have.

use std::fmt::Display;

use serde::Serialize;
use waystation_app::StorageError;

/// The code of a value; empty for none.
pub(crate) fn code<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(code)) => code,
        _ => String::new(),
    }
}

/// A value that there may be; empty for none.
pub(crate) fn cell(value: Option<impl Display>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

/// The value that a code names.
pub(crate) fn named<T: Serialize + Copy>(name: Option<&str>, all: &[T]) -> anyhow::Result<Option<T>> {
    let Some(name) = name else { return Ok(None) };
    match all.iter().find(|value| code(*value) == name) {
        Some(value) => Ok(Some(*value)),
        None => {
            let codes: Vec<String> = all.iter().map(code).collect();
            Err(StorageError::Url(format!("{name} is none of {}", codes.join(", "))).into())
        }
    }
}
