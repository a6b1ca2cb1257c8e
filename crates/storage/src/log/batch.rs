//! Turns accepted appends into the rows of one transaction: headers, digests, leaves, tiles and the new frontier.

use bytes::Bytes;
use waystation_trust::{Hash, Header, SealedDigest, Tile, Tree, body_digest, encode_body, envelope_digest, leaf_hash};

use crate::engine::{Column, Insert, Update, Value, Write};
use crate::error::StorageError;
use crate::log::places::Filling;
use crate::log::stored::encode_envelopes;
use crate::record::{LogName, NewEvent, RecordedEvent, Request, SealedPart};

/// Rows being collected for one group commit.
pub(super) struct Batch {
    name: LogName,
    first: u64,
    recorded_us: i64,
    tree: Tree,
    tiles: Vec<Tile>,
    first_leaf: Option<Hash>,
    salts: Vec<u8>,
    new_streams: (Vec<i64>, Vec<String>),
    filling: Option<Filling>,
    position: Vec<i64>,
    stream: Vec<i64>,
    revision: Vec<i64>,
    stored: Vec<Stored>,
    salt: Vec<Bytes>,
    sealed: Vec<Option<Bytes>>,
    request: Vec<Option<Bytes>>,
    fingerprint: Vec<Option<Bytes>>,
    request_events: Vec<Option<i64>>,
    bytes: usize,
}

/// Header, body and leaf of an event, one after the other, and the lengths of the first two.
struct Stored {
    bytes: Bytes,
    lengths: [usize; 2],
}

impl Stored {
    fn header(&self) -> Bytes {
        self.bytes.slice(..self.lengths[0])
    }

    fn body(&self) -> Bytes {
        self.bytes.slice(self.lengths[0]..self.leaf_at())
    }

    fn leaf(&self) -> Bytes {
        self.bytes.slice(self.leaf_at()..)
    }

    fn leaf_at(&self) -> usize {
        self.lengths[0] + self.lengths[1]
    }
}

/// What is the same for all events of one append.
pub(super) struct Origin {
    pub(super) category: u8,
    pub(super) actor: [u8; 16],
    pub(super) causation: [u8; 16],
}

fn digest(part: &SealedPart) -> SealedDigest {
    SealedDigest {
        subject: part.subject,
        key_version: part.key_version,
        field: part.field,
        length: part.envelope.len() as u32,
        digest: envelope_digest(&part.envelope),
    }
}

impl Batch {
    pub(super) fn new(name: LogName, tree: &Tree, recorded_us: i64) -> Self {
        Self {
            name,
            first: tree.size() + 1,
            recorded_us,
            tree: tree.clone(),
            tiles: Vec::new(),
            first_leaf: None,
            salts: Vec::new(),
            new_streams: Default::default(),
            filling: None,
            position: Vec::new(),
            stream: Vec::new(),
            revision: Vec::new(),
            stored: Vec::new(),
            salt: Vec::new(),
            sealed: Vec::new(),
            request: Vec::new(),
            fingerprint: Vec::new(),
            request_events: Vec::new(),
            bytes: 0,
        }
    }

    pub(super) fn events(&self) -> usize {
        self.position.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn next_position(&self) -> u64 {
        self.tree.size() + 1
    }

    pub(super) fn tree(&self) -> &Tree {
        &self.tree
    }

    /// Leaf of the batch's first event: salted, so it tells our batch from any other at the same position.
    pub(super) fn first_leaf(&self) -> Option<(u64, Hash)> {
        self.first_leaf.map(|leaf| (self.first, leaf))
    }

    /// Leaf of the event that was added last.
    pub(super) fn last_leaf(&self) -> Hash {
        let leaf = self.stored.last().and_then(|last| last.leaf().as_ref().try_into().ok());
        leaf.unwrap_or_default()
    }

    pub(super) fn new_stream(&mut self, number: i64, name: &str) {
        self.new_streams.0.push(number);
        self.new_streams.1.push(name.to_owned());
    }

    /// Has the batch fill the table of places, too, if it completes a step.
    pub(super) fn fill(&mut self, rows: Option<Filling>) {
        self.filling = rows;
    }

    /// Random bytes are fetched for many events at once; one system call an event would be measurable.
    fn next_salt(&mut self) -> Result<[u8; 16], StorageError> {
        if self.salts.is_empty() {
            let mut salts = vec![0; 16 * 64];
            getrandom::fill(&mut salts)
                .map_err(|error| StorageError::Unavailable(format!("the system gives no random bytes: {error}")))?;
            self.salts = salts;
        }
        let mut salt = [0; 16];
        let rest = self.salts.len() - salt.len();
        salt.copy_from_slice(&self.salts[rest..]);
        self.salts.truncate(rest);
        Ok(salt)
    }

    /// Adds one event at the next position.
    pub(super) fn push(
        &mut self,
        origin: &Origin,
        stream: (i64, &str),
        revision: u64,
        event: &NewEvent,
        request: Option<(Request, usize)>,
    ) -> Result<(), StorageError> {
        let bound = |error: waystation_trust::HeaderError| StorageError::Invalid(error.to_string());
        let position = self.next_position();
        let salt = self.next_salt()?;
        let body = encode_body(event.content_type, &event.metadata, &event.data).map_err(bound)?;
        let header = Header {
            category: origin.category,
            position,
            event_id: event.id,
            stream: stream.1,
            revision,
            event_type: &event.event_type,
            schema: event.schema,
            recorded_us: self.recorded_us,
            actor: origin.actor,
            causation: origin.causation,
            body_length: body.len() as u32,
            body_digest: body_digest(&salt, &body),
            sealed: event.sealed.iter().map(digest).collect(),
        };
        let mut stored = header.encode().map_err(bound)?;
        let leaf = leaf_hash(&stored);
        let lengths = [stored.len(), body.len()];
        stored.reserve_exact(body.len() + leaf.len());
        stored.extend_from_slice(&body);
        stored.extend_from_slice(&leaf);
        self.first_leaf.get_or_insert(leaf);
        self.tree.append(leaf, &mut self.tiles);
        self.bytes += lengths[0] + lengths[1];
        self.position.push(position as i64);
        self.stream.push(stream.0);
        self.revision.push(revision as i64);
        self.stored.push(Stored {
            bytes: stored.into(),
            lengths,
        });
        self.salt.push(Bytes::copy_from_slice(&salt));
        let sealed = event.sealed.iter().map(|part| &part.envelope);
        self.sealed
            .push((!event.sealed.is_empty()).then(|| encode_envelopes(sealed)));
        self.request
            .push(request.map(|(request, _)| Bytes::copy_from_slice(&request.id)));
        self.fingerprint
            .push(request.map(|(request, _)| Bytes::copy_from_slice(&request.fingerprint)));
        self.request_events.push(request.map(|(_, events)| events as i64));
        Ok(())
    }

    /// The events as readers will see them.
    pub(super) fn recorded(&self) -> impl Iterator<Item = RecordedEvent> + '_ {
        (self.first..).zip(&self.stored).map_while(|(position, stored)| {
            // Made by us a moment ago; if it did not read, the tail would end here and readers would ask the database.
            RecordedEvent::read(position, stored.bytes.clone(), stored.lengths).ok()
        })
    }

    /// The transaction. Its guard is the fence: the stored tree must end exactly where this batch begins, and the
    /// last event must be there; the primary key on position refuses whatever a guard's snapshot could miss.
    pub(super) fn write(&self) -> Write {
        let log = self.name.as_str();
        let before = self.first as i64 - 1;
        let mut inserts = vec![Insert {
            table: format!("{log}_event"),
            columns: &[
                "position",
                "stream",
                "revision",
                "header",
                "leaf",
                "salt",
                "body",
                "sealed",
                "request",
                "fingerprint",
                "request_events",
            ],
            values: vec![
                Column::I64(self.position.clone()),
                Column::I64(self.stream.clone()),
                Column::I64(self.revision.clone()),
                Column::Bytes(self.stored.iter().map(Stored::header).collect()),
                Column::Bytes(self.stored.iter().map(Stored::leaf).collect()),
                Column::Bytes(self.salt.clone()),
                Column::Bytes(self.stored.iter().map(Stored::body).collect()),
                Column::OptionBytes(self.sealed.clone()),
                Column::OptionBytes(self.request.clone()),
                Column::OptionBytes(self.fingerprint.clone()),
                Column::OptionI64(self.request_events.clone()),
            ],
        }];
        if !self.new_streams.0.is_empty() {
            inserts.push(Insert {
                table: format!("{log}_stream"),
                columns: &["stream", "name"],
                values: vec![
                    Column::I64(self.new_streams.0.clone()),
                    Column::Text(self.new_streams.1.clone()),
                ],
            });
        }
        if let Some(rows) = &self.filling {
            inserts.push(Insert {
                table: format!("{log}_place"),
                columns: &["stream", "revision", "position"],
                values: rows.clone().map(Column::I64).into(),
            });
        }
        if !self.tiles.is_empty() {
            let number = |part: fn(&Tile) -> i64| Column::I64(self.tiles.iter().map(part).collect());
            inserts.push(Insert {
                table: format!("{log}_tile"),
                columns: &["level", "number", "hashes", "root"],
                values: vec![
                    number(|tile| i64::from(tile.level)),
                    number(|tile| tile.index as i64),
                    Column::Bytes(self.tiles.iter().map(|tile| tile.hashes.concat().into()).collect()),
                    Column::Bytes(
                        self.tiles
                            .iter()
                            .map(|tile| Bytes::copy_from_slice(&tile.root))
                            .collect(),
                    ),
                ],
            });
        }
        Write {
            guard: Some((
                format!(
                    "SELECT 1 FROM {log}_tree WHERE size = $1 \
                     AND ($1 = 0 OR EXISTS (SELECT 1 FROM {log}_event WHERE position = $1))"
                ),
                vec![Value::I64(before)],
            )),
            inserts,
            updates: vec![Update {
                table: format!("{log}_tree"),
                columns: &["size", "frontier", "root", "id"],
                set: 3,
                only: "",
                values: vec![
                    Column::I64(vec![self.tree.size() as i64]),
                    Column::Bytes(vec![self.tree.peaks().concat().into()]),
                    Column::Bytes(vec![Bytes::copy_from_slice(&self.tree.root())]),
                    Column::I64(vec![1]),
                ],
            }],
        }
    }
}
