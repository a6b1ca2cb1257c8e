//! The rows of one result in one buffer: a million events cost a few thousand allocations, not millions.

mod pool;

use std::ops::Range;

use bytes::Bytes;

use pool::CHUNK_BYTES;

/// Cells after which a result is taken for a page of history, and as many as such a page has: growing to it step by step
/// would copy them over and over.
const CELLS_FEW: usize = 1_024;
const CELLS_MANY: usize = 16 * 1_024;
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
    cut: bool,
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

    fn push(&mut self, cell: Cell) {
        if self.cells.len() == self.cells.capacity() && self.cells.len() >= CELLS_FEW {
            self.cells.reserve(CELLS_MANY);
        }
        self.cells.push(cell);
    }

    pub(super) fn null(&mut self) {
        self.push(Cell::Null);
    }

    pub(super) fn i64(&mut self, value: i64) {
        self.push(Cell::I64(value));
    }

    /// The values of a row lie one after the other in one chunk.
    pub(super) fn bytes(&mut self, value: &[u8]) {
        if self.buffer.len() + value.len() > self.buffer.capacity() {
            self.next_chunk(value.len());
        }
        self.bytes += value.len();
        let (chunk, start) = (self.full.len() as u32, self.buffer.len() as u32);
        self.buffer.extend_from_slice(value);
        self.push(Cell::Span {
            chunk,
            start,
            length: u32::try_from(value.len()).expect("cells are bounded far below 4 GiB"),
        });
    }

    /// Begins a chunk with room for so many bytes more of the row that has begun, which moves there.
    fn next_chunk(&mut self, room: usize) {
        let first = self.cells.len() - self.cells.len() % self.width;
        let row = &mut self.cells[first..];
        let begun = row.iter().find_map(|cell| match cell {
            Cell::Span { start, .. } => Some(*start as usize),
            _ => None,
        });
        let begun = begun.unwrap_or(self.buffer.len());
        // A row that is larger gets a chunk with room for what follows, which would move it once more.
        let mut size = (self.buffer.capacity() * 2).clamp(FIRST_CHUNK_BYTES, CHUNK_BYTES);
        let needed = self.buffer.len() - begun + room;
        if needed > size {
            size = needed + FIRST_CHUNK_BYTES;
        }
        let mut next = if size == CHUNK_BYTES {
            pool::chunk()
        } else {
            Vec::with_capacity(size)
        };
        next.extend_from_slice(&self.buffer[begun..]);
        self.buffer.truncate(begun);
        // One that is empty now goes back to where it came from.
        let filled = pool::share(std::mem::replace(&mut self.buffer, next));
        if !filled.is_empty() {
            self.full.push(filled);
        }
        for cell in row {
            if let Cell::Span { chunk, start, .. } = cell {
                *chunk = self.full.len() as u32;
                *start -= begun as u32;
            }
        }
    }

    /// The result; `cut`: it ends because of its bytes, and there may be more.
    pub(super) fn finish(mut self, cut: bool) -> Rows {
        self.full.push(pool::share(self.buffer));
        Rows {
            width: self.width,
            cells: self.cells,
            chunks: self.full,
            cut,
        }
    }
}

impl Rows {
    pub(crate) fn len(&self) -> usize {
        self.cells.len() / self.width
    }

    /// Whether it ends because of its bytes: then there may be more.
    pub(crate) fn is_cut(&self) -> bool {
        self.cut
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

    /// The bytes of several cells of a row, one after the other.
    pub(crate) fn joined(&self, row: usize, columns: Range<usize>) -> Bytes {
        let cells = &self.cells[row * self.width..][columns];
        let mut spans = cells.iter().filter_map(|cell| match *cell {
            Cell::Span { chunk, start, length } => Some((chunk as usize, start as usize, (start + length) as usize)),
            _ => None,
        });
        let Some((chunk, start, end)) = spans.next() else {
            return Bytes::new();
        };
        let end = spans.next_back().map_or(end, |(_, _, end)| end);
        self.chunks[chunk].slice(start..end)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_values_of_a_row_lie_together_also_where_a_chunk_ends() {
        // Lengths that no chunk is a multiple of, and one row that is larger than any.
        let length = |row: usize, column: usize| match row {
            700 => CHUNK_BYTES,
            _ => (row * 7 + column * 311) % 1_009,
        };
        let value = |row: usize, column: usize| vec![(row + column) as u8; length(row, column)];
        let mut builder = RowsBuilder::new(5);
        for row in 0..1_500 {
            builder.bytes(&value(row, 0));
            builder.i64(row as i64);
            builder.bytes(&value(row, 2));
            builder.null();
            builder.bytes(&value(row, 4));
        }
        let rows = builder.finish(false);
        assert!(rows.chunks.len() > 5, "the rows lie in {} chunks", rows.chunks.len());
        for row in 0..1_500 {
            assert_eq!(rows.i64(row, 1), row as i64);
            for column in [0, 2, 4] {
                assert_eq!(rows.slice(row, column), value(row, column), "{row} {column}");
            }
            let all = [value(row, 0), value(row, 2), value(row, 4)].concat();
            assert_eq!(rows.joined(row, 0..5), all, "{row}");
            assert_eq!(rows.joined(row, 1..4), value(row, 2), "{row}");
        }
        assert_eq!(rows.joined(0, 1..2), Bytes::new());
    }
}
