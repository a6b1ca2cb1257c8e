//! The rows of one result in one buffer: a million events cost a few thousand allocations, not millions.

use bytes::{Bytes, BytesMut};

#[derive(Clone, Copy, Debug)]
enum Cell {
    Null,
    I64(i64),
    Span { start: u32, length: u32 },
}

/// A result, read by row and column number.
#[derive(Clone, Debug)]
pub(crate) struct Rows {
    width: usize,
    cells: Vec<Cell>,
    buffer: Bytes,
}

/// Collects a result; both engines fill it.
#[derive(Debug)]
pub(super) struct RowsBuilder {
    width: usize,
    cells: Vec<Cell>,
    buffer: BytesMut,
}

impl RowsBuilder {
    pub(super) fn new(width: usize) -> Self {
        Self {
            width: width.max(1),
            cells: Vec::new(),
            buffer: BytesMut::new(),
        }
    }

    pub(super) fn null(&mut self) {
        self.cells.push(Cell::Null);
    }

    pub(super) fn i64(&mut self, value: i64) {
        self.cells.push(Cell::I64(value));
    }

    pub(super) fn bytes(&mut self, value: &[u8]) {
        let start = u32::try_from(self.buffer.len()).expect("pages are bounded far below 4 GiB");
        self.buffer.extend_from_slice(value);
        self.cells.push(Cell::Span {
            start,
            length: value.len() as u32,
        });
    }

    pub(super) fn finish(self) -> Rows {
        Rows {
            width: self.width,
            cells: self.cells,
            buffer: self.buffer.freeze(),
        }
    }
}

impl Rows {
    pub(crate) fn len(&self) -> usize {
        self.cells.len() / self.width
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
            Cell::Span { start, length } => self.buffer.slice(start as usize..start as usize + length as usize),
            _ => Bytes::new(),
        }
    }

    /// The bytes of a cell, borrowed.
    pub(crate) fn slice(&self, row: usize, column: usize) -> &[u8] {
        match self.cell(row, column) {
            Cell::Span { start, length } => &self.buffer[start as usize..start as usize + length as usize],
            _ => &[],
        }
    }

    /// Text; what is not UTF-8 reads as replacement characters, so that a damaged row cannot stop `verify`.
    pub(crate) fn text(&self, row: usize, column: usize) -> String {
        String::from_utf8_lossy(self.slice(row, column)).into_owned()
    }
}
