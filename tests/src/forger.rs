//! Somebody with full access to the database, who rewrites history and knows how the log is built: what `verify` must
//! find, and what it cannot.

use std::collections::HashMap;
use std::fmt::Write as _;

use waystation_storage::testing::TestDatabase;
use waystation_storage::{KeptCheckpoint, LogName, Store};
use waystation_trust::{Header, Signer, Tile, Tree, body_digest, leaf_hash};

/// A stored event, ready to be changed.
#[derive(Clone, Debug)]
pub struct Row {
    /// The stored header.
    pub header: Vec<u8>,
    /// Salt of the body's digest.
    pub salt: Vec<u8>,
    /// The stored body.
    pub body: Vec<u8>,
    /// Envelopes as stored, each behind its length; empty when there are none.
    pub sealed: Vec<u8>,
}

impl Row {
    /// Changes the body, and the header so that it fits.
    ///
    /// # Panics
    /// When the stored header does not parse.
    pub fn forge(&mut self, body: &[u8]) {
        let bytes = self.header.clone();
        let header = Header::parse(&bytes).expect("a healthy header parses");
        let salt = self.salt.as_slice().try_into().expect("a salt has 16 bytes");
        let forged = Header {
            body_length: body.len() as u32,
            body_digest: body_digest(&salt, body),
            ..header
        };
        self.header = forged.encode().expect("fits as before");
        self.body = body.to_vec();
    }

    /// The stream's name and the event's revision.
    ///
    /// # Panics
    /// When the stored header does not parse.
    pub fn place(&self) -> (String, u64) {
        let header = Header::parse(&self.header).expect("a healthy header parses");
        (header.stream.to_owned(), header.revision)
    }
}

/// Everything the main log consists of.
#[derive(Clone, Debug)]
pub struct History {
    /// Events in order.
    pub rows: Vec<Row>,
    /// What was signed.
    pub checkpoints: Vec<KeptCheckpoint>,
}

impl History {
    /// Reads a database that nobody has open.
    ///
    /// # Panics
    /// When it cannot be read.
    pub async fn of(url: &str) -> Self {
        let store = Store::open_to_verify(url).await.expect("opens");
        let log = store.log(LogName::Main);
        let mut rows: Vec<Row> = Vec::new();
        loop {
            let page = log.stored(rows.len() as u64 + 1).await.expect("reads");
            if page.is_empty() {
                break;
            }
            rows.extend(page.into_iter().map(|event| {
                let mut sealed = Vec::new();
                for envelope in &event.envelopes {
                    sealed.extend_from_slice(&(envelope.len() as u32).to_be_bytes());
                    sealed.extend_from_slice(envelope);
                }
                Row {
                    header: event.header.to_vec(),
                    salt: event.salt.to_vec(),
                    body: event.body.to_vec(),
                    sealed,
                }
            }));
        }
        let checkpoints = log.checkpoints(None).await.expect("reads");
        store.close().await;
        Self { rows, checkpoints }
    }

    /// Numbers positions and revisions anew, as if nothing had been put in or taken out.
    ///
    /// # Panics
    /// When a stored header does not parse.
    pub fn renumber(&mut self) {
        let mut next: HashMap<String, u64> = HashMap::new();
        for (position, row) in (1..).zip(&mut self.rows) {
            let bytes = row.header.clone();
            let header = Header::parse(&bytes).expect("a healthy header parses");
            let revision = next.entry(header.stream.to_owned()).or_default();
            let moved = Header {
                position,
                revision: *revision,
                ..header
            };
            row.header = moved.encode().expect("fits as before");
            *revision += 1;
        }
    }

    /// Signs every checkpoint again, over this history.
    pub fn sign(&mut self, signer: &Signer) {
        let (mut tree, mut tiles) = (Tree::default(), Vec::new());
        for (size, row) in (1..).zip(&self.rows) {
            tree.append(leaf_hash(&row.header), &mut tiles);
            for kept in self.checkpoints.iter_mut().filter(|kept| kept.size == size) {
                kept.note = signer.sign(size, tree.root());
            }
        }
    }

    /// Writes it in the place of what is there, rows, leaves, tiles, frontier and root all fitting.
    ///
    /// # Panics
    /// When the database refuses.
    pub async fn write(&self, database: &TestDatabase) {
        let blob = |bytes: &[u8]| literal(database.kind, bytes);
        let mut sql = String::from(
            "DELETE FROM main_event; DELETE FROM main_tile; DELETE FROM main_stream; DELETE FROM main_checkpoint;",
        );
        let (mut tree, mut tiles) = (Tree::default(), Vec::<Tile>::new());
        let mut streams: HashMap<String, usize> = HashMap::new();
        for (position, row) in (1..).zip(&self.rows) {
            let leaf = leaf_hash(&row.header);
            tree.append(leaf, &mut tiles);
            let (name, revision) = row.place();
            let next = streams.len() + 1;
            let stream = *streams.entry(name.clone()).or_insert_with(|| {
                let name = name.replace('\'', "''");
                let _ = write!(sql, "INSERT INTO main_stream VALUES ({next}, '{name}');");
                next
            });
            let sealed = match row.sealed.as_slice() {
                [] => "NULL".to_owned(),
                sealed => blob(sealed),
            };
            let _ = write!(
                sql,
                "INSERT INTO main_event (position, stream, revision, header, leaf, salt, body, sealed) \
                 VALUES ({position}, {stream}, {revision}, {}, {}, {}, {}, {sealed});",
                blob(&row.header),
                blob(&leaf),
                blob(&row.salt),
                blob(&row.body),
            );
        }
        if database.kind == "sqlite" {
            // The index of streams, as migration 10 fills it.
            let placed = self.rows.len() / 16_384 * 16_384;
            let _ = write!(
                sql,
                "DELETE FROM main_place; INSERT INTO main_place (stream, revision, position) \
                 SELECT stream, revision, position FROM main_event WHERE position <= {placed};"
            );
        }
        for tile in &tiles {
            let (level, number) = (tile.level, tile.index);
            let (hashes, root) = (blob(&tile.hashes.concat()), blob(&tile.root));
            let _ = write!(
                sql,
                "INSERT INTO main_tile VALUES ({level}, {number}, {hashes}, {root});"
            );
        }
        for kept in &self.checkpoints {
            let note = blob(kept.note.as_bytes());
            let _ = write!(
                sql,
                "INSERT INTO main_checkpoint VALUES ({}, {}, {note});",
                kept.size, kept.witnesses
            );
        }
        let _ = write!(
            sql,
            "UPDATE main_tree SET size = {}, frontier = {}, root = {}",
            tree.size(),
            blob(&tree.peaks().concat()),
            blob(&tree.root())
        );
        database.tamper("log", &sql).await.expect("the database obeys");
    }
}

/// Bytes as the database writes them in SQL.
pub fn literal(kind: &str, bytes: &[u8]) -> String {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    match kind {
        "sqlite" => format!("x'{hex}'"),
        _ => format!("'\\x{hex}'::bytea"),
    }
}
