//! The rows of one result in one buffer: a million events cost a few thousand allocations, not millions.

use bytes::{Bytes, BytesMut};

/// Bytes of one chunk: growing one buffer to the size of a page would copy everything twice.
const CHUNK_BYTES: usize = 256 * 1024;

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
    buffer: BytesMut,
    bytes: usize,
}

impl RowsBuilder {
    pub(super) fn new(width: usize) -> Self {
        Self {
            width: width.max(1),
            cells: Vec::new(),
            full: Vec::new(),
            buffer: BytesMut::new(),
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
        if self.buffer.len() + value.len() > CHUNK_BYTES && !self.buffer.is_empty() {
            self.full
                .push(std::mem::replace(&mut self.buffer, BytesMut::with_capacity(CHUNK_BYTES)).freeze());
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

    pub(super) fn finish(mut self) -> Rows {
        self.full.push(self.buffer.freeze());
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
