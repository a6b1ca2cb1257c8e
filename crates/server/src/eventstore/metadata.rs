//! Stream metadata: what of a stream readers may see.

use std::time::Duration;

use serde_json::{Map, Value};

/// `$tb` of a deleted stream: nothing of it is readable.
pub(super) const DELETED: u64 = i64::MAX as u64;
/// What a delete writes.
pub(super) const DELETE: &[u8] = br#"{"$tb":9223372036854775807}"#;

/// Metadata as JSON; null when it is none.
pub(super) fn read(data: &[u8]) -> Value {
    serde_json::from_slice(data).unwrap_or_default()
}

/// The part of a stream's metadata that limits reading. Keys the protocol defines with values of the wrong kind do not
/// count, nor does metadata that is no JSON object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Limits {
    /// `$maxCount`: so many of the newest events.
    pub(super) count: Option<u64>,
    /// `$maxAge`: no older than this.
    pub(super) age: Option<Duration>,
    /// `$tb`: first readable revision.
    pub(super) before: Option<u64>,
}

impl Limits {
    pub(super) fn of(metadata: &Value) -> Self {
        let number = |key: &str| metadata.get(key).and_then(Value::as_u64);
        Self {
            count: number("$maxCount").filter(|count| *count > 0),
            age: number("$maxAge").filter(|age| *age > 0).map(Duration::from_secs),
            before: number("$tb"),
        }
    }

    /// Whether the stream was deleted and not written to since.
    pub(super) fn deleted(&self) -> bool {
        self.before == Some(DELETED)
    }

    /// First readable revision of a stream that ends at `last`.
    pub(super) fn lowest(&self, last: u64) -> u64 {
        let by_count = self.count.map_or(0, |count| (last + 1).saturating_sub(count));
        by_count.max(self.before.unwrap_or(0))
    }
}

/// The same metadata with another first readable revision; everything else is kept.
pub(super) fn readable_from(data: &[u8], first: u64) -> Vec<u8> {
    let mut object = match read(data) {
        Value::Object(object) => object,
        _ => Map::new(),
    };
    object.insert("$tb".into(), first.into());
    Value::Object(object).to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_ignore_what_makes_no_sense() {
        assert_eq!(Limits::of(&read(b"not json")), Limits::default());
        assert_eq!(
            Limits::of(&read(br#"{"$maxCount":0,"$maxAge":-1,"$tb":"x"}"#)),
            Limits::default()
        );
        let limits = Limits::of(&read(br#"{"$maxCount":2,"$tb":1,"mine":true}"#));
        assert_eq!((limits.lowest(9), limits.lowest(1)), (8, 1));
        assert!(Limits::of(&read(DELETE)).deleted());
    }

    #[test]
    fn revival_keeps_the_other_keys() {
        let kept = readable_from(br#"{"$tb":9223372036854775807,"mine":1}"#, 7);
        let kept: Value = serde_json::from_slice(&kept).expect("is JSON");
        assert_eq!(kept, serde_json::json!({ "$tb": 7, "mine": 1 }));
    }
}
