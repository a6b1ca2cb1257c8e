//! A bundle: a whole log as files, for somebody who has neither the database nor our program. The files are those of C2SP
//! tlog-tiles, with the headers as entries, and beside them `blobs/` with what the headers' digests are of.

use std::collections::HashMap;
use std::fmt;

use crate::leaf::{Header, body_digest, envelope_digest};
use crate::note::Checkpoint;
use crate::policy::TrustPolicy;
use crate::tree::{Hash, TILE_WIDTH, Tile, Tree, leaf_hash};

/// The signed checkpoint over everything in the bundle.
pub const CHECKPOINT: &str = "checkpoint";
/// Ends a name of a file that holds fewer than [`TILE_WIDTH`] of something.
const PARTIAL: &str = ".p/";
/// Microseconds by which clocks of station and witness may differ.
pub const CLOCK_SLACK_US: i64 = 5 * 60 * 1_000_000;

/// `x001/x234/067`: numbers in threes, as C2SP tlog-tiles has it.
fn number_path(number: u64) -> String {
    let mut path = format!("{:03}", number % 1_000);
    let mut rest = number / 1_000;
    while rest > 0 {
        path = format!("x{:03}/{path}", rest % 1_000);
        rest /= 1_000;
    }
    path
}

fn path(kind: &str, number: u64, width: usize) -> String {
    let whole = format!("{kind}/{}", number_path(number));
    if width == TILE_WIDTH {
        whole
    } else {
        format!("{whole}{PARTIAL}{width}")
    }
}

/// Where the tile of so many hashes is.
pub fn tile_path(level: u32, number: u64, width: usize) -> String {
    path(&format!("tile/{level}"), number, width)
}

/// Where the headers of leaves `256 × number` on are.
pub fn entries_path(number: u64, width: usize) -> String {
    path("tile/entries", number, width)
}

/// Where the bodies and envelopes of leaves `256 × number` on are.
pub fn blobs_path(number: u64, width: usize) -> String {
    path("blobs", number, width)
}

/// Adds a header to a file of headers.
pub fn put_entry(file: &mut Vec<u8>, header: &[u8]) {
    // Headers are bounded to fit.
    file.extend_from_slice(&(header.len() as u16).to_be_bytes());
    file.extend_from_slice(header);
}

/// What a header's digests are of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Blob<'a> {
    /// Salt of the body's digest.
    pub salt: [u8; 16],
    /// Stored body.
    pub body: &'a [u8],
    /// Envelopes of the sealed fields, in the header's order.
    pub envelopes: Vec<&'a [u8]>,
}

/// Adds a blob to a file of blobs; `None` for one that is withheld.
pub fn put_blob(file: &mut Vec<u8>, blob: Option<&Blob<'_>>) {
    let Some(blob) = blob else {
        file.push(0);
        return;
    };
    file.push(1);
    file.extend_from_slice(&blob.salt);
    for bytes in std::iter::once(&blob.body).chain(&blob.envelopes) {
        file.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
        file.extend_from_slice(bytes);
    }
}

struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(head)
    }

    fn entry(&mut self) -> Option<&'a [u8]> {
        let length: [u8; 2] = self.take(2)?.try_into().ok()?;
        self.take(usize::from(u16::from_be_bytes(length)))
    }

    fn long(&mut self) -> Option<&'a [u8]> {
        let length: [u8; 4] = self.take(4)?.try_into().ok()?;
        self.take(u32::from_be_bytes(length) as usize)
    }

    /// A blob for a header with so many sealed fields; the inner `None` for one that is withheld.
    fn blob(&mut self, sealed: usize) -> Option<Option<Blob<'a>>> {
        match self.take(1)? {
            [0] => Some(None),
            [1] => Some(Some(Blob {
                salt: self.take(16)?.try_into().ok()?,
                body: self.long()?,
                envelopes: (0..sealed).map(|_| self.long()).collect::<Option<_>>()?,
            })),
            _ => None,
        }
    }
}

/// What kind of contradiction was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// An event, its header, body or place.
    Row,
    /// A tile, the frontier or the root.
    Tree,
    /// A signature, or a signed checkpoint of another tree.
    Signature,
    /// The log is not the one an outside checkpoint covers.
    Fork,
    /// The log is shorter than an outside checkpoint.
    Rollback,
    /// An event bears a time that witnesses contradict.
    Backdated,
}

/// A contradiction: what kind, where, what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradiction {
    /// What kind.
    pub kind: Kind,
    /// Where: `event 7`, `tile/0/003`.
    pub place: String,
    /// What.
    pub what: String,
}

impl fmt::Display for Contradiction {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.place, self.what)
    }
}

/// What a bundle turned out to hold.
#[derive(Clone, Debug, Default)]
pub struct BundleReport {
    /// Events.
    pub events: u64,
    /// Events whose bodies were withheld.
    pub withheld: u64,
    /// What contradicts; at most a hundred.
    pub contradictions: Vec<Contradiction>,
}

/// Contradictions kept in a report.
const KEPT_MAX: usize = 100;

impl BundleReport {
    fn found(&mut self, kind: Kind, place: impl Into<String>, what: impl Into<String>) {
        if self.contradictions.len() < KEPT_MAX {
            self.contradictions.push(Contradiction {
                kind,
                place: place.into(),
                what: what.into(),
            });
        }
    }
}

/// Verifies a bundle from its files alone: `read` gives a file's bytes, `None` when there is no such file. `anchor` is a
/// checkpoint the inspector had before.
pub fn verify(
    read: impl Fn(&str) -> Option<Vec<u8>>,
    policy: &TrustPolicy,
    anchor: Option<&Checkpoint>,
) -> BundleReport {
    let mut report = BundleReport::default();
    let note = read(CHECKPOINT).and_then(|bytes| String::from_utf8(bytes).ok());
    let Some(note) = note else {
        report.found(Kind::Signature, CHECKPOINT, "it is missing");
        return report;
    };
    let accepted = match policy.accept(&note) {
        Ok(accepted) => accepted,
        Err(error) => {
            report.found(Kind::Signature, CHECKPOINT, error.to_string());
            return report;
        }
    };
    let checkpoint = &accepted.checkpoint;
    let mut walk = Walk {
        read: &read,
        report,
        tree: Tree::default(),
        tiles: Vec::new(),
        streams: HashMap::new(),
        recorded_us: i64::MIN,
        anchored: None,
    };
    let whole = walk.leaves(checkpoint.size, anchor);
    let latest = accepted.witnessed.first().map(|at| *at as i64 * 1_000_000);
    if latest.is_some_and(|at| walk.recorded_us > at + CLOCK_SLACK_US) {
        let place = format!("event {}", checkpoint.size);
        walk.report
            .found(Kind::Backdated, place, "it is newer than the witnesses' time");
    }
    if whole && walk.tree.root() != checkpoint.root {
        walk.report.found(
            Kind::Signature,
            CHECKPOINT,
            "it is signed over another tree than the entries'",
        );
    }
    if let Some(anchor) = anchor {
        if anchor.origin != checkpoint.origin {
            walk.report.found(Kind::Fork, "anchor", "it is of another log");
        } else if anchor.size > checkpoint.size {
            walk.report.found(
                Kind::Rollback,
                "anchor",
                format!("it covers {} events, the bundle has {}", anchor.size, checkpoint.size),
            );
        } else if whole && walk.anchored.is_some_and(|root| root != anchor.root) {
            walk.report.found(
                Kind::Fork,
                "anchor",
                format!("the first {} events are not those it covers", anchor.size),
            );
        }
    }
    walk.report.events = walk.tree.size();
    walk.report
}

/// Hands every event of a bundle whose body is not withheld to `each`, in order. It verifies nothing: [`verify`] first.
/// Says whether the files held so many events.
pub fn each_event(
    read: impl Fn(&str) -> Option<Vec<u8>>,
    size: u64,
    mut each: impl FnMut(&Header<'_>, &Blob<'_>),
) -> bool {
    for number in 0..size.div_ceil(TILE_WIDTH as u64) {
        let width = (size - number * TILE_WIDTH as u64).min(TILE_WIDTH as u64) as usize;
        let (entries, blobs) = (read(&entries_path(number, width)), read(&blobs_path(number, width)));
        let (Some(headers), Some(bodies)) = (entries, blobs) else {
            return false;
        };
        let (mut headers, mut bodies) = (Cursor(&headers), Cursor(&bodies));
        for _ in 0..width {
            let Some(Ok(header)) = headers.entry().map(Header::parse) else {
                return false;
            };
            let Some(blob) = bodies.blob(header.sealed.len()) else {
                return false;
            };
            if let Some(blob) = &blob {
                each(&header, blob);
            }
        }
    }
    true
}

struct Walk<'a, R> {
    read: &'a R,
    report: BundleReport,
    tree: Tree,
    tiles: Vec<Tile>,
    /// Next revision of each stream.
    streams: HashMap<String, u64>,
    recorded_us: i64,
    anchored: Option<Hash>,
}

impl<R: Fn(&str) -> Option<Vec<u8>>> Walk<'_, R> {
    /// Goes through all files in order; says whether all leaves were there.
    fn leaves(&mut self, size: u64, anchor: Option<&Checkpoint>) -> bool {
        for number in 0..size.div_ceil(TILE_WIDTH as u64) {
            let first = number * TILE_WIDTH as u64;
            let width = (size - first).min(TILE_WIDTH as u64) as usize;
            let (entries, blobs) = (entries_path(number, width), blobs_path(number, width));
            let (Some(headers), Some(bodies)) = ((self.read)(&entries), (self.read)(&blobs)) else {
                self.report.found(Kind::Row, entries, "it or its blobs are missing");
                return false;
            };
            let (mut headers, mut bodies) = (Cursor(&headers), Cursor(&bodies));
            let mut leaves = Vec::with_capacity(width);
            for offset in 0..width as u64 {
                let Some(header) = headers.entry() else {
                    self.report.found(Kind::Row, entries, "it ends early");
                    return false;
                };
                if !self.event(first + offset + 1, header, &mut bodies) {
                    return false;
                }
                leaves.push(leaf_hash(header));
                self.tree.append(leaf_hash(header), &mut self.tiles);
                if anchor.is_some_and(|anchor| anchor.size == self.tree.size()) {
                    self.anchored = Some(self.tree.root());
                }
            }
            if !headers.0.is_empty() || !bodies.0.is_empty() {
                self.report
                    .found(Kind::Row, entries, "it or its blobs go on after the end");
            }
            if width < TILE_WIDTH {
                self.tile(0, number, &leaves);
            }
            for tile in std::mem::take(&mut self.tiles) {
                self.tile(tile.level, tile.index, &tile.hashes);
            }
        }
        self.edges(size);
        true
    }

    /// The unfinished tiles above the leaves.
    fn edges(&mut self, size: u64) {
        for level in 1..8 {
            let complete = size >> (8 * level);
            let width = (complete % TILE_WIDTH as u64) as usize;
            if width > 0 {
                let hashes = self.tree.unfinished(level).to_vec();
                self.tile(
                    level as u32,
                    complete / TILE_WIDTH as u64,
                    &hashes[..width.min(hashes.len())],
                );
            }
        }
    }

    fn tile(&mut self, level: u32, number: u64, hashes: &[Hash]) {
        let path = tile_path(level, number, hashes.len());
        if (self.read)(&path).is_none_or(|found| found != hashes.concat()) {
            self.report
                .found(Kind::Tree, path, "it is missing, or differs from what is below it");
        }
    }

    /// Looks at one event; says whether it makes sense to go on.
    fn event(&mut self, position: u64, bytes: &[u8], bodies: &mut Cursor<'_>) -> bool {
        let place = format!("event {position}");
        let Ok(header) = Header::parse(bytes) else {
            self.report.found(Kind::Row, place, "the header does not parse");
            return false;
        };
        let next = self.streams.entry(header.stream.to_owned()).or_insert(0);
        let expected = *next;
        *next = header.revision + 1;
        let Some(blob) = bodies.blob(header.sealed.len()) else {
            self.report.found(Kind::Row, place, "the blobs do not add up");
            return false;
        };
        let what = if header.position != position {
            Some("the header belongs to another position")
        } else if header.revision != expected {
            Some("the revision does not follow the stream's last")
        } else if header.recorded_us < self.recorded_us {
            Some("the recorded time goes backwards")
        } else {
            blob.as_ref().and_then(|blob| blob_differs(&header, blob))
        };
        self.recorded_us = self.recorded_us.max(header.recorded_us);
        self.report.withheld += u64::from(blob.is_none());
        if let Some(what) = what {
            self.report.found(Kind::Row, place, what);
        }
        true
    }
}

/// Whether the body is not what the header's digest is of.
fn body_differs(header: &Header<'_>, blob: &Blob<'_>) -> Option<&'static str> {
    let differs =
        header.body_length as usize != blob.body.len() || body_digest(&blob.salt, blob.body) != header.body_digest;
    differs.then_some("the body does not hash to the header's digest")
}

/// What of a blob is not what the header's digests are of.
pub fn blob_differs(header: &Header<'_>, blob: &Blob<'_>) -> Option<&'static str> {
    let body = body_differs(header, blob);
    if body.is_some() {
        return body;
    }
    let fits =
        header.sealed.len() == blob.envelopes.len()
            && header.sealed.iter().zip(&blob.envelopes).all(|(part, envelope)| {
                part.length as usize == envelope.len() && part.digest == envelope_digest(envelope)
            });
    (!fits).then_some("a sealed field does not hash to the header's digest")
}

#[cfg(test)]
mod tests;
