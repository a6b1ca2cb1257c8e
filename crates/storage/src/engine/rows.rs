//! The rows of one result in one buffer: a million events cost a few thousand allocations, not millions.

mod pool;

use bytes::Bytes;

use pool::CHUNK_BYTES;

/// Bytes of the first chunk of a result; each next one is twice as large, up to [`CHUNK_BYTES`]. Growing one buffer would
/// copy everything twice, and whoever keeps one cell keeps its chunk.
const FIRST_CHUNK_BYTES: usize = 4 * 1024;

#[derive(Clone, Copy, Debug)]
enum Cell {
    Null,
    I64(i64),
    Span { chunk: u32, start: u32, length: u32 },
}

/// A result, read by row and column number.
#[derive(Clone, Debug)]
pub(crate) struct Rows {
    width: usize,
    cells: Vec<Cell>,
    chunks: Vec<Bytes>,
}

/// Collects a result; both engines fill it.
#[derive(Debug)]
pub(super) struct RowsBuilder {
    width: usize,
    cells: Vec<Cell>,
    full: Vec<Bytes>,
    buffer: Vec<u8>,
    bytes: usize,
}

impl RowsBuilder {
    pub(super) fn new(width: usize) -> Self {
        Self {
            width: width.max(1),
            cells: Vec::new(),
            full: Vec::new(),
            buffer: Vec::new(),
            bytes: 0,
        }
    }

    /// Bytes collected so far.
    pub(super) fn size(&self) -> usize {
        self.bytes
    }

    pub(super) fn null(&mut self) {
        self.cells.push(Cell::Null);
    }

    pub(super) fn i64(&mut self, value: i64) {
        self.cells.push(Cell::I64(value));
    }

    pub(super) fn bytes(&mut self, value: &[u8]) {
        if self.buffer.len() + value.len() > self.buffer.capacity() {
            self.next_chunk(value.len());
        }
        self.bytes += value.len();
        let (chunk, start) = (self.full.len() as u32, self.buffer.len() as u32);
        self.buffer.extend_from_slice(value);
        self.cells.push(Cell::Span {
            chunk,
            start,
            length: u32::try_from(value.len()).expect("cells are bounded far below 4 GiB"),
        });
    }

    /// Begins a chunk with room for so many bytes.
    fn next_chunk(&mut self, room: usize) {
        let size = (self.buffer.capacity() * 2)
            .clamp(FIRST_CHUNK_BYTES, CHUNK_BYTES)
            .max(room);
        let next = if size == CHUNK_BYTES {
            pool::chunk()
        } else {
            Vec::with_capacity(size)
        };
        let filled = std::mem::replace(&mut self.buffer, next);
        if !filled.is_empty() {
            self.full.push(pool::share(filled));
        }
    }

    pub(super) fn finish(mut self) -> Rows {
        self.full.push(pool::share(self.buffer));
        Rows {
            width: self.width,
            cells: self.cells,
            chunks: self.full,
        }
    }
}

impl Rows {
    pub(crate) fn len(&self) -> usize {
        self.cells.len() / self.width
    }

    /// Bytes of all values.
    pub(crate) fn size(&self) -> usize {
        self.chunks.iter().map(Bytes::len).sum()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    fn cell(&self, row: usize, column: usize) -> Cell {
        debug_assert!(column < self.width);
        self.cells[row * self.width + column]
    }

    /// A number; NULL reads as 0.
    pub(crate) fn i64(&self, row: usize, column: usize) -> i64 {
        match self.cell(row, column) {
            Cell::I64(value) => value,
            _ => 0,
        }
    }

    /// A number that was never negative; NULL reads as 0.
    pub(crate) fn u64(&self, row: usize, column: usize) -> u64 {
        u64::try_from(self.i64(row, column)).unwrap_or(0)
    }

    pub(crate) fn is_null(&self, row: usize, column: usize) -> bool {
        matches!(self.cell(row, column), Cell::Null)
    }

    /// The bytes of a cell, shared with the whole result's buffer; NULL reads as empty.
    pub(crate) fn bytes(&self, row: usize, column: usize) -> Bytes {
        match self.cell(row, column) {
            Cell::Span { chunk, start, length } => {
                self.chunks[chunk as usize].slice(start as usize..start as usize + length as usize)
            }
            _ => Bytes::new(),
        }
    }

    /// The bytes of a cell, borrowed.
    pub(crate) fn slice(&self, row: usize, column: usize) -> &[u8] {
        match self.cell(row, column) {
            Cell::Span { chunk, start, length } => {
                &self.chunks[chunk as usize][start as usize..start as usize + length as usize]
            }
            _ => &[],
        }
    }

    /// Text; what is not UTF-8 reads as replacement characters, so that a damaged row cannot stop `verify`.
    pub(crate) fn text(&self, row: usize, column: usize) -> String {
        String::from_utf8_lossy(self.slice(row, column)).into_owned()
    }
}
