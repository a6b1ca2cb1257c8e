//! Folding a page of the log into what one step of a view changes.

use std::collections::HashMap;
use std::num::NonZeroUsize;

use bytes::Bytes;
use lru::LruCache;
use waystation_storage::{DocumentVersion, KeyClose, KeyOpen, OPEN_END, PAGE_EVENTS_MAX, RecordedEvent, ViewBatch};

use crate::error::AppError;
use crate::recorded::Recorded;
use crate::view::{Keys, OnUnreadable, View};

/// Documents each live view keeps in memory.
pub(crate) const DOCUMENTS_CACHED_MAX: usize = 50_000;
/// Touches of documents that a step gathers before it is saved, beyond the page that filled it.
const GATHERED_MAX: usize = 16_384;
/// Bytes of documents that a step gathers before it is saved, likewise.
const GATHERED_BYTES_MAX: usize = 16 << 20;
// A document that is folded but not saved yet must not leave memory: a step may be on its way while the next gathers, each
// with the page that filled it, and that with two documents an event on average. Most views touch one.
const _: () = assert!(DOCUMENTS_CACHED_MAX > 2 * (GATHERED_MAX + 2 * PAGE_EVENTS_MAX));

/// One event of a page, as views see it.
pub(crate) enum Entry {
    /// A fact.
    Ours(Box<Recorded>),
    /// An event of another tenant of the log.
    Foreign,
    /// An event of a reserved stream that does not read.
    Unreadable { position: u64, what: String },
}

/// Decodes a page once for all views.
pub(crate) fn decode_page(events: Vec<RecordedEvent>) -> Vec<Entry> {
    let decode = |event: RecordedEvent| {
        let position = event.position;
        match Recorded::decode(event) {
            Ok(Some(recorded)) => Entry::Ours(Box::new(recorded)),
            Ok(None) => Entry::Foreign,
            Err(error) => Entry::Unreadable {
                position,
                what: error.to_string(),
            },
        }
    };
    events.into_iter().map(decode).collect()
}

/// What one step of a view changes, while it is being collected.
#[derive(Default)]
pub(crate) struct Step {
    pub(crate) batch: ViewBatch,
    /// Keys opened in this step and still open: where in the batch.
    open: HashMap<(u16, String, String), usize>,
    /// Documents touched, also those that did not change.
    touched: usize,
    /// Size of the documents in the batch.
    bytes: usize,
}

impl Step {
    /// It should be saved before more is folded.
    pub(crate) fn is_full(&self) -> bool {
        self.touched >= GATHERED_MAX || self.bytes >= GATHERED_BYTES_MAX
    }

    fn open(&mut self, (name, value): (u16, String), id: &str, position: u64) {
        self.open
            .insert((name, value.clone(), id.to_owned()), self.batch.opened.len());
        self.batch.opened.push(KeyOpen {
            name,
            value,
            id: id.to_owned(),
            from_position: position,
            to_position: OPEN_END,
        });
    }

    fn close(&mut self, (name, value): (u16, String), id: &str, position: u64) {
        match self.open.remove(&(name, value.clone(), id.to_owned())) {
            Some(at) => self.batch.opened[at].to_position = position,
            None => {
                let id = id.to_owned();
                self.batch.closed.push(KeyClose {
                    name,
                    value,
                    id,
                    to_position: position,
                });
            }
        }
    }
}

/// A view with the documents it is working on; hides the document's type.
pub(crate) trait Fold: Send {
    fn name(&self) -> &'static str;
    fn version(&self) -> u32;
    fn on_unreadable(&self) -> OnUnreadable;
    /// Ids an event touches that are not in memory.
    fn unknown(&mut self, recorded: &Recorded) -> Vec<String>;
    /// Takes stored documents into memory; ids without a document do not exist.
    fn load(&mut self, ids: &[String], found: &[DocumentVersion]) -> Result<(), AppError>;
    /// Folds an event; every id it touches must be in memory.
    fn apply(&mut self, recorded: &Recorded, step: &mut Step);
    /// Ids and encoded documents in memory.
    fn documents(&self) -> Vec<(String, Bytes)>;
    /// Memory has no more room, so that documents may have left it.
    fn full(&self) -> bool;
    /// The same view with nothing in memory.
    fn fresh(&self) -> Box<dyn Fold>;
    /// Keeps every document in memory: for folds that start from nothing and save nothing.
    fn unbounded(&mut self);
}

/// A fold of a view, with nothing in memory.
pub(crate) fn fold_of<V: View>() -> Box<dyn Fold> {
    let capacity = NonZeroUsize::new(DOCUMENTS_CACHED_MAX).unwrap_or(NonZeroUsize::MIN);
    Box::new(Folder::<V> {
        held: LruCache::new(capacity),
        encoded: Vec::new(),
        keys: Keys::default(),
    })
}

struct Folder<V: View> {
    held: LruCache<String, Held<V::Document>>,
    /// Where a document is encoded, to see whether it changed.
    encoded: Vec<u8>,
    /// Where its keys are made, likewise.
    keys: Keys,
}

struct Held<D> {
    document: Option<D>,
    body: Bytes,
    keys: Vec<(u16, String)>,
}

impl<D> Held<D> {
    fn nothing() -> Self {
        Self {
            document: None,
            body: Bytes::new(),
            keys: Vec::new(),
        }
    }
}

impl<V: View> Fold for Folder<V> {
    fn name(&self) -> &'static str {
        V::NAME
    }

    fn version(&self) -> u32 {
        V::VERSION
    }

    fn on_unreadable(&self) -> OnUnreadable {
        V::ON_UNREADABLE
    }

    fn unknown(&mut self, recorded: &Recorded) -> Vec<String> {
        if V::creates(recorded) {
            return Vec::new();
        }
        let mut ids = V::touched(recorded);
        // What the page needs must not be pushed out by what is loaded for it.
        ids.retain(|id| !self.held.promote(id));
        ids
    }

    fn load(&mut self, ids: &[String], found: &[DocumentVersion]) -> Result<(), AppError> {
        for id in ids {
            self.held.put(id.clone(), Held::nothing());
        }
        for stored in found {
            let document = serde_json::from_slice(&stored.body).map_err(|_| AppError::Undecodable {
                position: stored.from_position,
                what: format!("a stored document of the view {}", V::NAME),
            })?;
            let keys = self.keys.of::<V>(&stored.id, Some(&document)).to_vec();
            let held = Held {
                document: Some(document),
                body: stored.body.clone(),
                keys,
            };
            self.held.put(stored.id.clone(), held);
        }
        Ok(())
    }

    fn apply(&mut self, recorded: &Recorded, step: &mut Step) {
        let position = recorded.position();
        for id in V::touched(recorded) {
            step.touched += 1;
            let held = self.held.get_or_insert_mut_ref(id.as_str(), Held::nothing);
            held.document = V::apply(&id, held.document.take(), recorded);
            self.encoded.clear();
            if let Some(document) = &held.document {
                serde_json::to_writer(&mut self.encoded, document)
                    .expect("documents hold only strings, numbers, dates and lists of them");
            }
            if self.encoded == held.body {
                continue;
            }
            let body = Bytes::copy_from_slice(&self.encoded);
            let keys = self.keys.of::<V>(&id, held.document.as_ref());
            if keys != held.keys {
                let before = std::mem::replace(&mut held.keys, keys.to_vec());
                for gone in before.iter().filter(|key| !held.keys.contains(key)) {
                    step.close(gone.clone(), &id, position);
                }
                for new in held.keys.iter().filter(|key| !before.contains(key)) {
                    step.open(new.clone(), &id, position);
                }
            }
            held.body = body.clone();
            step.bytes += body.len();
            step.batch.documents.push(DocumentVersion {
                id,
                from_position: position,
                body,
            });
        }
    }

    fn documents(&self) -> Vec<(String, Bytes)> {
        let held = self.held.iter().filter(|(_, held)| held.document.is_some());
        held.map(|(id, held)| (id.clone(), held.body.clone())).collect()
    }

    fn full(&self) -> bool {
        self.held.len() >= self.held.cap().get()
    }

    fn fresh(&self) -> Box<dyn Fold> {
        fold_of::<V>()
    }

    fn unbounded(&mut self) {
        self.held = LruCache::unbounded();
    }
}
