//! Many rows at once: encoded as they come, stored by one append, their index entries in key order.
//!
//! A row is begun by [`Bulk::begin`], filled column by column (text straight from its bytes) and ended by [`Bulk::end_row`], which
//! checks NOT NULL and encodes the index keys. [`Bulk::store`] hands all to the store.

use nq_qsql::catalog::Generated;
use nq_qsql::error::{Result, SqlError};
use nq_qsql::func::access::AccessMethod;
use nq_qsql::types::{DataType, Datum, Numeric, Oid};
use nq_storage::TreeId;

use super::{KeySource, Writer};
use crate::error::store_error;
use crate::exec::vector::{Values, Vector, text};
use crate::exec::{Batch, ExecCx};
use crate::table::key::{self, ROW_ID_BYTES, row_key};
use crate::table::method::row_keys;
use crate::table::row::{RowScratch, RowWriter, Storage};

/// Rows on their way into a table.
pub struct Bulk {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    scratch: RowScratch,
    /// One per index.
    keys: Vec<Keys>,
    /// Whether an index reads the column.
    keyed: Vec<bool>,
    /// Values of the keyed columns of the row begun.
    held: Vec<Datum>,
    /// The first column of the row begun that is NULL and must not be.
    null: Option<usize>,
}

/// Entries for one index.
#[derive(Default)]
struct Keys {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
}

/// An index entry: its key in [`Keys::bytes`], to be followed by the row id if `suffix`.
struct Entry {
    start: u32,
    end: u32,
    row: u32,
    suffix: bool,
}

/// Why rows were not stored.
#[derive(Debug)]
pub struct Refused {
    /// The row, counted from 0, if it is one row's fault.
    pub row: Option<usize>,
    /// The error.
    pub error: SqlError,
}

impl From<SqlError> for Refused {
    fn from(error: SqlError) -> Refused {
        Refused { row: None, error }
    }
}

/// The row being filled, column by column in the table's order.
pub struct RowSlot<'a> {
    row: RowWriter<'a>,
    writer: &'a Writer,
    keyed: &'a [bool],
    held: &'a mut [Datum],
    null: &'a mut Option<usize>,
}

impl RowSlot<'_> {
    /// Fills the next column.
    ///
    /// # Errors
    /// XX000 when the value is not of the column's type.
    #[inline]
    pub fn value(&mut self, value: Datum) -> Result<()> {
        let column = self.row.column();
        self.row.push(&value)?;
        if value.is_null() && self.null.is_none() && self.writer.refuses_null(column) {
            *self.null = Some(column);
        }
        if self.keyed.get(column) == Some(&true) {
            self.held[column] = value;
        }
        Ok(())
    }

    /// Fills the next column, a character one, from its bytes, which are UTF-8.
    #[inline]
    pub fn text(&mut self, bytes: &[u8]) {
        let column = self.row.column();
        self.row.push_text(bytes);
        if self.keyed.get(column) == Some(&true) {
            self.held[column] = Datum::Text(text(bytes));
        }
    }

    /// Fills the next column, which is stored in `N` bytes, with these; `datum` is the value that they are.
    #[inline]
    pub fn fixed<const N: usize>(&mut self, bytes: [u8; N], datum: Datum) {
        let column = self.row.column();
        self.row.push_fixed(bytes);
        if self.keyed[column] {
            self.held[column] = datum;
        }
    }

    /// Fills the next column, a numeric one, from an unscaled value and a scale below 255.
    #[inline]
    pub fn decimal(&mut self, unscaled: i64, scale: u8) {
        let column = self.row.column();
        self.row.push_decimal(unscaled, scale);
        if self.keyed[column] {
            self.held[column] = Datum::Numeric(Numeric::Small { unscaled, scale });
        }
    }

    /// Fills the next column with row `row` of a vector of values of type `oid`, which the column can hold.
    ///
    /// # Errors
    /// XX000 when the vector is of another type.
    #[inline]
    fn cell(&mut self, vector: &Vector, oid: Oid, row: usize) -> Result<()> {
        let column = self.row.column();
        if self.keyed[column] || vector.is_null(row) {
            return self.value(vector.datum(row, oid));
        }
        let at = vector.at(row);
        match (self.writer.storage(column), &vector.values) {
            (Storage::I16, Values::I16(values)) => self.row.push_fixed(values[at].to_le_bytes()),
            (Storage::I32, Values::I32(values)) => self.row.push_fixed(values[at].to_le_bytes()),
            (Storage::I64, Values::I64(values)) => self.row.push_fixed(values[at].to_le_bytes()),
            (Storage::F64, Values::F64(values)) => self.row.push_fixed(values[at].to_le_bytes()),
            (Storage::Bytes, Values::Str(values)) => self.row.push_text(values.get(at)),
            (Storage::Numeric, Values::Decimal(scale, values)) if *scale < u8::MAX => {
                self.row.push_decimal(values[at], *scale);
            }
            _ => return self.value(vector.datum(row, oid)),
        }
        Ok(())
    }

    /// Ends the filling; columns left are NULL.
    pub fn finish(self) {
        self.row.finish();
    }
}

impl Bulk {
    /// Makes room for rows of `writer`'s table.
    pub fn new(writer: &Writer) -> Bulk {
        let mut keyed = vec![false; writer.types.len()];
        for index in &writer.indexes {
            index.reads.iter().for_each(|&c| keyed[c] = true);
        }
        Bulk {
            bytes: Vec::new(),
            ends: Vec::new(),
            scratch: RowScratch::default(),
            keys: writer.indexes.iter().map(|_| Keys::default()).collect(),
            held: vec![Datum::Null; keyed.len()],
            keyed,
            null: None,
        }
    }

    /// Rows that have ended.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether no row has ended.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Bytes of the rows and keys.
    pub fn bytes(&self) -> usize {
        self.bytes.len() + self.keys.iter().map(|k| k.bytes.len()).sum::<usize>()
    }

    /// Begins a row.
    pub fn begin<'a>(&'a mut self, writer: &'a Writer) -> RowSlot<'a> {
        self.null = None;
        RowSlot {
            row: RowWriter::new(&writer.layout, &mut self.bytes, &mut self.scratch),
            writer,
            keyed: &self.keyed,
            held: &mut self.held,
            null: &mut self.null,
        }
    }

    /// Gives up the row begun.
    pub fn abandon_row(&mut self) {
        self.bytes.truncate(self.ends.last().copied().unwrap_or(0));
    }

    /// Ends a row of a table for which [`Writer::is_plain`] holds.
    ///
    /// # Errors
    /// 23502; 54000 for a key that is too long.
    pub fn end_row(&mut self, writer: &Writer, cx: &ExecCx<'_>) -> Result<()> {
        if let Some(column) = self.null {
            let row = writer.decode(&self.bytes[self.ends.last().copied().unwrap_or(0)..])?;
            return Err(writer.null_violation(&row, column, cx));
        }
        let row = self.ends.len() as u32;
        for (index, keys) in writer.indexes.iter().zip(&mut self.keys) {
            if index.index.method != AccessMethod::Btree {
                let value = |key: &KeySource| match key {
                    KeySource::Column(from) => Ok(self.held[*from].clone()),
                    KeySource::Computed(_) => {
                        Err(SqlError::internal("a computed index key in a plain table"))
                    }
                };
                let values = index.keys.iter().map(value).collect::<Result<Vec<Datum>>>()?;
                row_keys(&index.index, &values)?.iter().for_each(|key| keys.push(key, row, true));
                continue;
            }
            let (start, mut null) = (keys.bytes.len() as u32, false);
            for (key, column) in index.keys.iter().zip(&*index.index.columns) {
                let KeySource::Column(from) = key else {
                    return Err(SqlError::internal("a computed index key in a plain table"));
                };
                let value = &self.held[*from];
                null |= value.is_null();
                key::encode_column(column, value, &mut keys.bytes)?;
            }
            keys.end_entry(start, row, key::needs_suffix(&index.index, null));
        }
        self.ends.push(self.bytes.len());
        Ok(())
    }

    /// Takes rows that [`Writer::complete`] has completed.
    ///
    /// # Errors
    /// Those of key expressions.
    pub fn push_rows(&mut self, writer: &Writer, rows: &[Vec<Datum>], cx: &mut ExecCx<'_>) -> Result<()> {
        let first = self.ends.len();
        for row in rows {
            let mut slot = RowWriter::new(&writer.layout, &mut self.bytes, &mut self.scratch);
            for value in &row[..row.len().min(writer.types.len())] {
                slot.push(value)?;
            }
            slot.finish();
            self.ends.push(self.bytes.len());
        }
        for (keys, of_index) in self.keys.iter_mut().zip(writer.entries(rows, |_| true, cx)?) {
            for (number, entry) in of_index.into_iter().enumerate() {
                let Some(entry) = entry else { continue };
                entry.keys().for_each(|key| keys.push(key, (first + number) as u32, entry.has_suffix()));
            }
        }
        Ok(())
    }

    /// Takes the rows of a batch of columns of these types into a table for which [`Writer::is_plain`] holds.
    ///
    /// # Errors
    /// As [`Bulk::end_row`].
    pub fn push_batch(
        &mut self,
        writer: &Writer,
        batch: &Batch,
        types: &[DataType],
        cx: &ExecCx<'_>,
    ) -> Result<()> {
        let empty = |i: usize| match writer.relation.columns.get(i) {
            Some(column) => column.dropped || column.generated == Generated::Virtual,
            None => true,
        };
        let sources: Vec<Option<(&Vector, Oid)>> = (0..writer.types.len())
            .map(|i| match (batch.columns.get(i), types.get(i)) {
                (Some(vector), Some(ty)) if !empty(i) => Some((&**vector, ty.oid)),
                _ => None,
            })
            .collect();
        for row in 0..batch.len {
            let mut slot = self.begin(writer);
            for source in &sources {
                match source {
                    Some((vector, oid)) => slot.cell(vector, *oid, row)?,
                    None => slot.value(Datum::Null)?,
                }
            }
            slot.finish();
            self.end_row(writer, cx)?;
        }
        Ok(())
    }

    /// Stores all rows; none is left.
    ///
    /// # Errors
    /// 23505 with the first row that is refused, and the store's. The caller rolls back then.
    pub fn store(&mut self, writer: &Writer, cx: &mut ExecCx<'_>) -> Result<(), Refused> {
        if self.ends.is_empty() {
            return Ok(());
        }
        let count = self.ends.len() as u64;
        let first = cx.txn.next_row_id(writer.tree(), count).map_err(store_error)?;
        let mut start = 0;
        let bytes = &self.bytes;
        let mut rows = self.ends.iter().map(|&end| {
            let row = &bytes[start..end];
            start = end;
            row
        });
        cx.txn.append_rows(writer.tree(), first, &mut rows).map_err(store_error)?;
        let mut refused: Option<(u32, usize)> = None;
        for (i, keys) in self.keys.iter_mut().enumerate() {
            if let Some(row) = keys.store(writer, i, first, cx)?
                && refused.is_none_or(|(before, _)| row < before)
            {
                refused = Some((row, i));
            }
        }
        if let Some((row, index)) = refused {
            let row = row as usize;
            let start = if row == 0 { 0 } else { self.ends[row - 1] };
            let values = writer.decode(&self.bytes[start..self.ends[row]])?;
            return Err(Refused { row: Some(row), error: writer.unique_violation(index, &values, cx) });
        }
        let row_bytes = |row: usize| {
            let start = if row == 0 { 0 } else { self.ends[row - 1] };
            &self.bytes[start..self.ends[row]]
        };
        for i in (0..writer.indexes.len()).filter(|&i| writer.indexes[i].excludes.is_some()) {
            for row in 0..self.ends.len() {
                let values = writer.decode(row_bytes(row))?;
                // Rows behind this one find it themselves.
                let excluded = writer.exclude(i, &values, first + row as u64, Some(first + count), cx);
                excluded.map_err(|error| Refused { row: Some(row), error })?;
            }
        }
        let value = |row: usize, column: usize| writer.layout.read(row_bytes(row))?.datum(column);
        writer.check_references(self.ends.len(), |row| first + row as u64, value, cx)?;
        self.bytes.clear();
        self.ends.clear();
        Ok(())
    }
}

impl Keys {
    /// Takes a key.
    fn push(&mut self, key: &[u8], row: u32, suffix: bool) {
        let start = self.bytes.len() as u32;
        self.bytes.extend_from_slice(key);
        self.end_entry(start, row, suffix);
    }

    fn end_entry(&mut self, start: u32, row: u32, suffix: bool) {
        let end = self.bytes.len() as u32;
        if suffix {
            self.bytes.extend_from_slice(&[0; ROW_ID_BYTES]);
        }
        self.entries.push(Entry { start, end, row, suffix });
    }

    /// Stores the entries in key order; answers the first row whose key is there already.
    fn store(&mut self, writer: &Writer, i: usize, first: u64, cx: &mut ExecCx<'_>) -> Result<Option<u32>> {
        let index = &writer.indexes[i].index;
        let tree = TreeId(index.tree);
        for entry in self.entries.iter_mut().filter(|e| e.suffix) {
            let at = entry.end as usize;
            self.bytes[at..at + ROW_ID_BYTES].copy_from_slice(&row_key(first + u64::from(entry.row)));
            entry.end += ROW_ID_BYTES as u32;
        }
        let bytes = &self.bytes;
        let key = |e: &Entry| &bytes[e.start as usize..e.end as usize];
        if !self.entries.is_sorted_by(|a, b| key(a) <= key(b)) {
            // Equal keys stay in the order of the rows: the later one is refused.
            self.entries.sort_by(|a, b| key(a).cmp(key(b)));
        }
        let mut refused: Option<u32> = None;
        let entries: Vec<(&[u8], [u8; ROW_ID_BYTES])> =
            self.entries.iter().map(|entry| (key(entry), row_key(first + u64::from(entry.row)))).collect();
        let refuse = |number: usize| {
            let row = self.entries[number].row;
            refused = Some(refused.map_or(row, |before| before.min(row)));
        };
        cx.txn.insert_many(tree, &entries, refuse).map_err(store_error)?;
        if index.deferrable && index.exclusion.is_empty() {
            for entry in &self.entries {
                writer.note_rivals(i, key(entry), first + u64::from(entry.row), cx)?;
            }
        }
        self.bytes.clear();
        self.entries.clear();
        Ok(refused)
    }
}

impl Writer {
    /// Whether what a row needs beside its bytes is NOT NULL and index keys that are columns: then rows may be filled in place.
    pub fn is_plain(&self) -> bool {
        self.checks.is_empty()
            && self.policies.is_empty()
            && self.generated.is_empty()
            && self.computed.is_empty()
            && !self.relation.columns.iter().any(|c| c.generated == nq_qsql::catalog::Generated::Virtual)
            && !self.indexes.iter().any(|i| i.is_computed())
    }

    /// How the values of a column are stored.
    pub fn storage(&self, column: usize) -> Storage {
        self.layout.places()[column].storage
    }

    #[inline]
    fn refuses_null(&self, column: usize) -> bool {
        self.required.get(column) == Some(&true)
    }
}
