//! What a view is: a pure fold of the log into documents, with keys to find them by.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::recorded::Recorded;

/// What a view does about an event of a reserved stream that does not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnUnreadable {
    /// Stop: a wrong answer would be worse than none. A rebuild by a release that reads it goes on.
    Halt,
    /// Leave the event out, and say so: statistics and indexes stay useful.
    Park,
}

/// A view. Adding one is a file with an implementation and a line in [`crate::views`].
pub trait View: Send + Sync + 'static {
    /// A document.
    type Document: Serialize + DeserializeOwned + Clone + PartialEq + Send + Sync;
    /// Name, as in `projections list`.
    const NAME: &'static str;
    /// Version of the fold; a new one is filled beside the old and takes its place when caught up.
    const VERSION: u32;

    /// What to do about an event of ours that does not read.
    const ON_UNREADABLE: OnUnreadable = OnUnreadable::Halt;

    /// Ids of the documents an event may change.
    fn touched(recorded: &Recorded) -> Vec<String>;

    /// Whether the documents an event touches cannot have existed before it; saves looking for them.
    fn creates(_recorded: &Recorded) -> bool {
        false
    }

    /// The document after an event; `None` when it does not exist (any more).
    fn apply(id: &str, document: Option<Self::Document>, recorded: &Recorded) -> Option<Self::Document>;

    /// Adds the keys under which the document can be listed, each once.
    fn keys(id: &str, document: &Self::Document, keys: &mut Keys);
}

/// Keys of a document: number and value, sorted bytewise. Its memory is used again for the next document, because most
/// events change no key.
#[derive(Default)]
pub struct Keys {
    kept: Vec<(u16, String)>,
    count: usize,
}

impl Keys {
    /// Adds a key whose value is made of parts, as [`key`] joins them.
    pub(crate) fn add(&mut self, number: u16, parts: &[&str]) {
        if self.count == self.kept.len() {
            self.kept.push((number, String::new()));
        }
        let (kept, value) = &mut self.kept[self.count];
        *kept = number;
        value.clear();
        join(value, parts);
        self.count += 1;
    }

    /// The keys of a document of a view, instead of those of the one before; none of none.
    pub(crate) fn of<V: View>(&mut self, id: &str, document: Option<&V::Document>) -> &[(u16, String)] {
        self.count = 0;
        if let Some(document) = document {
            V::keys(id, document, self);
        }
        &self.kept[..self.count]
    }
}

/// Joins the parts of a key so that shorter parts sort before longer ones: no part holds the separator.
pub(crate) fn key(parts: &[&str]) -> String {
    let mut value = String::new();
    join(&mut value, parts);
    value
}

fn join(value: &mut String, parts: &[&str]) {
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            value.push_str(KEY_SEPARATOR);
        }
        value.push_str(part);
    }
}

/// Sorts before every printable character.
pub(crate) const KEY_SEPARATOR: &str = "\u{1}";
/// Sorts after the separator and before every printable character: ends a range of keys with a common prefix.
pub(crate) const KEY_END: &str = "\u{2}";
