//! Batches: up to [`BATCH_ROWS`] rows as vectors, with the selection of those that count.

use std::sync::Arc;

use nq_qsql::types::{DataType, Datum};

use super::vector::{Kind, Vector};

/// Rows a full batch has. Operators may pass on a few more where splitting would cost more than it saves, never more than 65535.
pub const BATCH_ROWS: usize = 1024;

/// Rows on their way between operators. Vectors are shared, never changed once they are in a batch.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// One vector per slot, each `len` long (or constant).
    pub columns: Vec<Arc<Vector>>,
    /// Rows held.
    pub len: usize,
    /// The rows that count, ascending; `None`: all.
    pub selection: Option<Vec<u16>>,
}

/// The rows of a batch that a computation is for.
#[derive(Clone, Copy, Debug)]
pub enum Rows<'a> {
    /// Rows `0..n`.
    All(usize),
    /// These rows, ascending.
    Some(&'a [u16]),
}

impl<'a> Rows<'a> {
    /// How many.
    pub fn count(self) -> usize {
        match self {
            Rows::All(n) => n,
            Rows::Some(rows) => rows.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.count() == 0
    }

    /// Iterates over the row numbers.
    pub fn iter(self) -> RowIter<'a> {
        match self {
            Rows::All(n) => RowIter { next: 0, end: n, rows: None },
            Rows::Some(rows) => RowIter { next: 0, end: rows.len(), rows: Some(rows) },
        }
    }

    /// Returns the `k`-th of the rows.
    pub fn nth(self, k: usize) -> usize {
        match self {
            Rows::All(_) => k,
            Rows::Some(rows) => usize::from(rows[k]),
        }
    }
}

/// Iterator of [`Rows::iter`].
#[derive(Clone, Debug)]
pub struct RowIter<'a> {
    next: usize,
    end: usize,
    rows: Option<&'a [u16]>,
}

impl Iterator for RowIter<'_> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        if self.next == self.end {
            return None;
        }
        let k = self.next;
        self.next += 1;
        Some(match self.rows {
            None => k,
            Some(rows) => usize::from(rows[k]),
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.end - self.next, Some(self.end - self.next))
    }
}

impl ExactSizeIterator for RowIter<'_> {}

impl Batch {
    /// Makes a batch of which all rows count.
    pub fn new(columns: Vec<Arc<Vector>>, len: usize) -> Batch {
        debug_assert!(columns.iter().all(|c| c.constant || c.len() == len), "vectors of unequal length");
        Batch { columns, len, selection: None }
    }

    /// The rows that count.
    pub fn rows(&self) -> Rows<'_> {
        match &self.selection {
            None => Rows::All(self.len),
            Some(rows) => Rows::Some(rows),
        }
    }

    /// How many rows count.
    pub fn count(&self) -> usize {
        self.selection.as_ref().map_or(self.len, Vec::len)
    }

    /// Returns the batch with only the counting rows left.
    pub fn compact(self) -> Batch {
        match self.selection {
            None => self,
            Some(rows) => {
                let columns = self.columns.iter().map(|c| Arc::new(c.select(&rows))).collect();
                Batch { columns, len: rows.len(), selection: None }
            }
        }
    }

    /// Keeps only the counting rows `from..to` (positions among those that count).
    pub fn slice(mut self, from: usize, to: usize) -> Batch {
        if from == 0 && to >= self.count() {
            return self;
        }
        self.selection = Some(match self.selection {
            None => (from as u16..to as u16).collect(),
            Some(rows) => rows[from..to].to_vec(),
        });
        self
    }

    /// Returns the values of one row. `types` has one entry per slot wanted.
    pub fn row(&self, row: usize, types: &[DataType]) -> Vec<Datum> {
        self.columns.iter().zip(types).map(|(c, ty)| c.datum(row, ty.oid)).collect()
    }

    /// Makes a batch from rows of values.
    pub fn from_rows<R: AsRef<[Datum]>>(rows: &[R], types: &[DataType]) -> Batch {
        let columns = types
            .iter()
            .enumerate()
            .map(|(slot, ty)| {
                let mut vector = Vector::new(Kind::of(ty.oid));
                rows.iter().for_each(|r| vector.push_datum(&r.as_ref()[slot]));
                Arc::new(vector)
            })
            .collect();
        Batch { columns, len: rows.len(), selection: None }
    }

    /// Heap bytes, roughly.
    pub fn bytes(&self) -> usize {
        self.columns.iter().map(|c| c.bytes() + size_of::<Vector>()).sum()
    }
}

/// Rows being collected, one growing vector per slot.
#[derive(Debug, Default)]
pub struct Builder {
    kinds: Vec<Kind>,
    /// One vector per slot.
    pub columns: Vec<Vector>,
    /// Rows so far.
    pub len: usize,
}

impl Builder {
    /// Makes an empty builder for slots of these types.
    pub fn new(types: &[DataType]) -> Builder {
        let kinds: Vec<Kind> = types.iter().map(|t| Kind::of(t.oid)).collect();
        Builder { columns: kinds.iter().map(|&k| Vector::new(k)).collect(), kinds, len: 0 }
    }

    /// Makes an empty builder for slots like those of `batch`.
    pub fn like(batch: &Batch) -> Builder {
        let kinds: Vec<Kind> = batch.columns.iter().map(|c| c.kind()).collect();
        Builder { columns: kinds.iter().map(|&k| Vector::new(k)).collect(), kinds, len: 0 }
    }

    /// Appends rows of a batch, given by number; strings are copied.
    pub fn append_rows(&mut self, batch: &Batch, rows: &[u16]) {
        for (to, from) in self.columns.iter_mut().zip(&batch.columns) {
            to.append(from, rows.iter().map(|&r| usize::from(r)));
        }
        self.len += rows.len();
    }

    /// Appends the counting rows of a batch with the same slots; strings are copied.
    pub fn append(&mut self, batch: &Batch) {
        for (to, from) in self.columns.iter_mut().zip(&batch.columns) {
            to.append(from, batch.rows().iter());
        }
        self.len += batch.count();
    }

    /// Appends a row of values.
    pub fn push_row(&mut self, row: &[Datum]) {
        self.columns.iter_mut().zip(row).for_each(|(c, d)| c.push_datum(d));
        self.len += 1;
    }

    /// Takes the rows as a batch; the builder is empty afterwards. There must be at most [`BATCH_ROWS`].
    pub fn finish(&mut self) -> Batch {
        let taken = self.columns.iter_mut().zip(&self.kinds);
        let columns = taken.map(|(c, &kind)| Arc::new(std::mem::replace(c, Vector::new(kind)))).collect();
        Batch { columns, len: std::mem::take(&mut self.len), selection: None }
    }

    /// Returns rows `from..to` as a batch.
    pub fn slice(&self, from: usize, to: usize) -> Batch {
        let rows: Vec<u32> = (from as u32..to as u32).collect();
        self.gather(&rows)
    }

    /// Returns the rows `rows` as a batch; strings are shared.
    pub fn gather(&self, rows: &[u32]) -> Batch {
        Batch {
            columns: self.columns.iter().map(|c| Arc::new(c.gather(rows))).collect(),
            len: rows.len(),
            selection: None,
        }
    }

    /// Forgets the rows.
    pub fn clear(&mut self) {
        for (column, &kind) in self.columns.iter_mut().zip(&self.kinds) {
            if kind == Kind::Decimal {
                *column = Vector::new(kind);
            } else {
                column.clear();
            }
        }
        self.len = 0;
    }

    /// Heap bytes, roughly.
    pub fn bytes(&self) -> usize {
        self.columns.iter().map(Vector::bytes).sum()
    }
}

impl Builder {
    /// Returns a builder of the rows `rows` of `from`, whose slots have `types`; strings are copied.
    pub fn take(from: &Builder, types: &[DataType], rows: &[u32]) -> Builder {
        let mut kept = Builder::new(types);
        for (to, column) in kept.columns.iter_mut().zip(&from.columns) {
            to.append(column, rows.iter().map(|&r| r as usize));
        }
        kept.len = rows.len();
        kept
    }
}
