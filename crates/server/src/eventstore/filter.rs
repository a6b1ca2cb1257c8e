//! Which events of the whole log a reader wants.

use fancy_regex::{Regex, RegexBuilder};
use waystation_api::event_store::client as v1;
use waystation_api::event_store::client::filter;
use waystation_app::RecordedEvent;

use super::failure::Failure;

/// Longest regular expression in bytes.
const REGEX_BYTES_MAX: usize = 4 * 1024;
/// Steps that one match may take; look-around and back-references can otherwise take for ever.
const REGEX_STEPS_MAX: usize = 10_000;
/// Most prefixes in one filter.
const PREFIXES_MAX: usize = 1_024;
/// Considered events between two checkpoints when the client names no window, before its multiplier.
const WINDOW_DEFAULT: u32 = 32;

/// See the module.
#[derive(Debug)]
pub(super) struct Filter {
    by_type: bool,
    test: Test,
    /// Considered events between two checkpoints of a subscription.
    pub(super) interval: u64,
}

#[derive(Debug)]
enum Test {
    Regex(Box<Regex>),
    Prefixes(Vec<String>),
}

impl Filter {
    /// Reads a filter. The regular expression wins over prefixes when there is one.
    pub(super) fn read(filter: v1::Filter) -> Result<Self, Failure> {
        let invalid = |what: String| Err(Failure::Invalid(what));
        let (by_type, expression) = match filter.filter {
            Some(filter::Filter::StreamIdentifier(expression)) => (false, expression),
            Some(filter::Filter::EventType(expression)) => (true, expression),
            None => return invalid("filter: expected stream_identifier or event_type".into()),
        };
        let test = if !expression.regex.is_empty() {
            if expression.regex.len() > REGEX_BYTES_MAX {
                return invalid(format!("filter.regex: expected at most {REGEX_BYTES_MAX} bytes"));
            }
            match RegexBuilder::new(&expression.regex)
                .backtrack_limit(REGEX_STEPS_MAX)
                .build()
            {
                Ok(regex) => Test::Regex(Box::new(regex)),
                Err(_) => return invalid("filter.regex: expected a regular expression".into()),
            }
        } else if expression.prefix.is_empty() || expression.prefix.len() > PREFIXES_MAX {
            return invalid(format!("filter: expected a regex, or 1 to {PREFIXES_MAX} prefixes"));
        } else if let ([index], false) = (&expression.prefix[..], by_type)
            && index.starts_with("$idx-")
        {
            return Err(Failure::IndexMissing(index.clone()));
        } else {
            Test::Prefixes(expression.prefix)
        };
        let window = match filter.window {
            Some(filter::Window::Max(max)) => max,
            Some(filter::Window::Count(_)) | None => WINDOW_DEFAULT,
        };
        Ok(Self {
            by_type,
            test,
            interval: u64::from(window) * u64::from(filter.checkpoint_interval_multiplier),
        })
    }

    /// Whether the reader wants an event.
    ///
    /// # Errors
    /// When the regular expression takes too many steps.
    pub(super) fn wants(&self, event: &RecordedEvent) -> Result<bool, Failure> {
        let text = if self.by_type {
            event.event_type()
        } else {
            event.stream()
        };
        match &self.test {
            Test::Prefixes(prefixes) => Ok(prefixes.iter().any(|prefix| text.starts_with(prefix.as_str()))),
            Test::Regex(regex) => regex.is_match(text).map_err(|_| {
                Failure::Invalid(format!(
                    "filter.regex: it takes more than {REGEX_STEPS_MAX} steps to match"
                ))
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn types(regex: &str) -> v1::Filter {
        let expression = filter::Expression {
            regex: regex.to_owned(),
            prefix: Vec::new(),
        };
        v1::Filter {
            filter: Some(filter::Filter::EventType(expression)),
            window: None,
            checkpoint_interval_multiplier: 2,
        }
    }

    #[test]
    fn look_ahead_compiles_and_nonsense_does_not() {
        let filter = Filter::read(types(r"^(?!(\$.+$|PersistentConfig\d+$|Result$))")).expect("compiles");
        assert_eq!(filter.interval, 64);
        for bad in ["(", "(?<", &"a".repeat(REGEX_BYTES_MAX + 1)] {
            assert!(matches!(Filter::read(types(bad)), Err(Failure::Invalid(_))));
        }
    }

    #[test]
    fn secondary_indexes_are_said_to_be_missing() {
        let expression = filter::Expression {
            regex: String::new(),
            prefix: vec!["$idx-user-orders".into()],
        };
        let asked = v1::Filter {
            filter: Some(filter::Filter::StreamIdentifier(expression)),
            ..types("")
        };
        assert!(matches!(Filter::read(asked), Err(Failure::IndexMissing(_))));
    }
}
