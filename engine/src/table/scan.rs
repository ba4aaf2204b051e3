//! Stored rows into vectors.
//!
//! A cursor's records are copied out under the leaf's latch into one buffer ([`RawRows`]); then whole columns are decoded from it: those of the
//! filter first, all others for the rows that pass (late materialisation). Long strings are not copied again: views point into the buffer.

use std::sync::Arc;

use nq_qsql::error::Result;
use nq_qsql::plan::physical::ScanColumn;
use nq_qsql::types::{DataType, Datum, Oid};

use super::row::{Head, Place, RowLayout, Storage};
use super::value::{damaged, get_numeric};
use crate::exec::ExecCx;
use crate::exec::batch::{Batch, Builder, Rows};
use crate::exec::eval::Conditions;
use crate::exec::memory::{Memory, Reservation};
use crate::exec::vector::{Kind, Values, Vector};

/// Rows as stored, with their ids.
pub struct RawRows {
    /// While rows are being added.
    open: Vec<u8>,
    /// Once they are read; the last [`PADDING`] bytes belong to no row.
    bytes: Arc<Vec<u8>>,
    /// End of each row.
    ends: Vec<u32>,
    ids: Vec<u64>,
    /// Buffers that vectors still looked into when the next rows were read.
    lent: Vec<Arc<Vec<u8>>>,
    /// The memory of all these buffers, once they are larger than [`SMALL_BYTES`], and how much it is.
    held: (Reservation, usize),
    /// Bytes after which a batch of rows is full: [`SMALL_BYTES`] until a batch has filled them and memory is granted.
    most: usize,
}

/// Buffers that are waited for: those of the batches that are usually on their way at a time.
const LENT: usize = 4;

/// Bytes after which a batch of rows is full at most.
const RAW_BYTES: usize = 1 << 19;
/// Bytes after which it is full at first, and as long as memory is refused; so much needs no account.
const SMALL_BYTES: usize = 1 << 16;
/// Bytes behind the last row, so that a short number can be loaded as a whole word.
const PADDING: usize = 8;

impl RawRows {
    /// Makes room for no row yet, whose memory is the statement's.
    pub fn new(memory: &Arc<Memory>) -> RawRows {
        RawRows {
            open: Vec::new(),
            bytes: Arc::default(),
            ends: Vec::new(),
            ids: Vec::new(),
            lent: Vec::new(),
            held: (memory.reservation(), 0),
            most: SMALL_BYTES,
        }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Appends a row; answers whether there should be more. Rows are read after [`RawRows::seal`].
    #[inline]
    pub fn push(&mut self, id: u64, row: &[u8]) -> bool {
        self.open.extend_from_slice(row);
        self.ends.push(self.open.len() as u32);
        self.ids.push(id);
        self.open.len() < self.most
    }

    /// Makes the rows readable.
    pub fn seal(&mut self) {
        self.open.extend_from_slice(&[0; PADDING]);
        self.bytes = Arc::new(std::mem::take(&mut self.open));
    }

    /// Bytes of the rows.
    pub fn byte_len(&self) -> usize {
        self.ends.last().map_or(0, |&end| end as usize)
    }

    /// Forgets the rows; takes another buffer if vectors still look into the old one.
    pub fn clear(&mut self) {
        self.ends.clear();
        self.ids.clear();
        let bytes = std::mem::take(&mut self.bytes);
        let size = bytes.len();
        self.open = match Arc::try_unwrap(bytes) {
            Ok(open) => open,
            Err(shared) => {
                let back = self.lent.iter().position(|b| Arc::strong_count(b) == 1);
                let back = back.and_then(|at| Arc::into_inner(self.lent.swap_remove(at)));
                if self.lent.len() < LENT {
                    self.lent.push(shared);
                }
                back.unwrap_or_else(|| Vec::with_capacity(size))
            }
        };
        self.open.clear();
        self.settle(size >= self.most);
    }

    /// Accounts for the buffers, and for a larger one if the last was full; when that is refused, keeps only a small one.
    fn settle(&mut self, full: bool) {
        let open = self.open.capacity().max(if full { RAW_BYTES } else { 0 });
        let kept = open + self.lent.iter().map(|b| b.capacity()).sum::<usize>();
        if kept <= SMALL_BYTES.max(self.held.1) {
            return;
        }
        if self.held.0.try_resize(kept) {
            self.held.1 = kept;
            self.most = RAW_BYTES;
            return;
        }
        self.lent.clear();
        self.open.shrink_to(SMALL_BYTES);
        let _shrinking_is_allowed = self.held.0.try_resize(0);
        self.held.1 = 0;
        self.most = SMALL_BYTES;
    }

    #[inline]
    fn start(&self, row: usize) -> usize {
        if row == 0 { 0 } else { self.ends[row - 1] as usize }
    }

    #[inline]
    fn range(&self, row: usize) -> (usize, usize) {
        (self.start(row), self.ends[row] as usize)
    }
}

/// Decodes the columns of a scan.
pub struct TableReader {
    layout: RowLayout,
    table: Oid,
    columns: Vec<ScanColumn>,
    kinds: Vec<Kind>,
    filter: Conditions,
    /// Slots that the filter reads.
    filter_slots: Vec<usize>,
    /// The heads of the rows at work; one for all of them if they are [`TableReader::alike`].
    heads: Vec<Head>,
    /// The rows at work have the same columns and no NULL, so that every column is at the same place in each.
    alike: bool,
}

impl TableReader {
    /// Reads rows of `layout` into slots of `types`.
    pub fn new(
        layout: RowLayout,
        table: Oid,
        columns: &[ScanColumn],
        types: &[DataType],
        filter: Conditions,
        filter_slots: Vec<usize>,
    ) -> TableReader {
        let kinds = types.iter().map(|t| Kind::of(t.oid)).collect();
        TableReader {
            layout,
            table,
            columns: columns.to_vec(),
            kinds,
            filter,
            filter_slots,
            heads: Vec::new(),
            alike: false,
        }
    }

    /// Opens the rows, for [`TableReader::column`].
    ///
    /// # Errors
    /// XX001 for damaged rows.
    pub fn open(&mut self, raw: &RawRows) -> Result<()> {
        self.heads.clear();
        self.alike = true;
        let bytes = &raw.bytes[..];
        if let Some(&end) = raw.ends.first() {
            let first = Head::new(&self.layout, &bytes[..end as usize]).ok_or_else(damaged)?;
            let mut start = 0;
            for &end in &raw.ends {
                if !first.fits(&bytes[start..end as usize]) {
                    self.alike = false;
                    break;
                }
                start = end as usize;
            }
            self.heads.push(first);
        }
        if !self.alike {
            self.heads.clear();
            for row in 0..raw.len() {
                let (start, end) = raw.range(row);
                self.heads.push(Head::new(&self.layout, &bytes[start..end]).ok_or_else(damaged)?);
            }
        }
        Ok(())
    }

    /// Appends to `out` those of the rows that pass the filter.
    ///
    /// # Errors
    /// XX001 for damaged rows; what the filter raises.
    pub fn append(&mut self, raw: &RawRows, out: &mut Builder, cx: &mut ExecCx<'_>) -> Result<()> {
        self.open(raw)?;
        if self.filter.is_empty() {
            for slot in 0..self.columns.len() {
                self.decode(slot, raw, Rows::All(raw.len()), &mut out.columns[slot])?;
            }
            out.len += raw.len();
            return Ok(());
        }
        let blank = Arc::new(Vector { constant: true, ..Vector::of(Values::Bool(vec![false])) });
        let mut columns = vec![blank; self.columns.len()];
        for &slot in &self.filter_slots {
            let mut vector = Vector::new(self.kinds[slot]);
            self.decode(slot, raw, Rows::All(raw.len()), &mut vector)?;
            columns[slot] = Arc::new(vector);
        }
        let passed = self.filter.apply(Batch { columns, len: raw.len(), selection: None }, cx)?;
        if passed.count() == 0 {
            return Ok(());
        }
        for slot in 0..self.columns.len() {
            let to = &mut out.columns[slot];
            if !self.filter_slots.contains(&slot) {
                self.decode(slot, raw, passed.rows(), to)?;
            } else {
                to.append(&passed.columns[slot], passed.rows().iter());
            }
        }
        out.len += passed.count();
        Ok(())
    }

    /// Returns one slot of the opened rows, aligned with `rows`.
    pub fn column(&self, slot: usize, raw: &RawRows, rows: Rows<'_>) -> Result<Vector> {
        let mut vector = Vector::new(self.kinds[slot]);
        self.decode(slot, raw, rows, &mut vector)?;
        Ok(vector)
    }

    /// Appends one slot of some rows.
    fn decode(&self, slot: usize, raw: &RawRows, rows: Rows<'_>, out: &mut Vector) -> Result<()> {
        let attribute = match self.columns[slot] {
            ScanColumn::Attribute(attribute) => attribute,
            ScanColumn::RowId => {
                rows.iter().for_each(|r| out.push_datum(&Datum::Int8(raw.ids[r] as i64)));
                return Ok(());
            }
            ScanColumn::Ctid => {
                rows.iter().for_each(|r| out.push_datum(&ctid(raw.ids[r])));
                return Ok(());
            }
            ScanColumn::TableOid => {
                rows.iter().for_each(|_| out.push_datum(&Datum::Oid(self.table)));
                return Ok(());
            }
            ScanColumn::Xmin => return Err(nq_qsql::error::SqlError::unsupported("system column \"xmin\"")),
        };
        let Some(place) = self.layout.places().get(attribute) else { return Err(damaged()) };
        match self.heads.first() {
            Some(head) if self.alike && attribute < head.columns => {
                self.decode_alike(*head, place, attribute, raw, rows, out)
            }
            None => Ok(()),
            Some(_) => self.decode_each(place, slot, attribute, raw, rows, out),
        }
    }

    /// Appends a column of rows that have it, not NULL, at the same place.
    fn decode_alike(
        &self,
        head: Head,
        place: &Place,
        attribute: usize,
        raw: &RawRows,
        rows: Rows<'_>,
        out: &mut Vector,
    ) -> Result<()> {
        let bytes = &raw.bytes[..];
        let at = head.fixed + place.slot as usize;
        macro_rules! fixed {
            ($v:expr, $width:literal, $read:expr) => {
                $v.extend(rows.iter().map(|row| {
                    let from = raw.start(row) + at;
                    // The head was checked against the row: its fixed part is there.
                    let chunk = bytes.get(from..from + $width).and_then(|b| b.first_chunk::<$width>());
                    $read(chunk.copied().unwrap_or_default())
                }))
            };
        }
        match (place.storage, &mut out.values) {
            (Storage::I32, Values::I32(v)) => fixed!(v, 4, i32::from_le_bytes),
            (Storage::I64, Values::I64(v)) => fixed!(v, 8, i64::from_le_bytes),
            (Storage::I16, Values::I16(v)) => fixed!(v, 2, i16::from_le_bytes),
            (Storage::F64, Values::F64(v)) => fixed!(v, 8, f64::from_le_bytes),
            (Storage::F32, Values::F32(v)) => fixed!(v, 4, f32::from_le_bytes),
            (Storage::Bool, Values::Bool(v)) => fixed!(v, 1, |b: [u8; 1]| b[0] != 0),
            (Storage::U32, Values::I64(v)) => fixed!(v, 4, |b| i64::from(u32::from_le_bytes(b))),
            (Storage::Bytes, Values::Str(strings)) => {
                let number = strings.adopt(&raw.bytes);
                strings.reserve(rows.count());
                for row in rows.iter() {
                    let (start, end) = raw.range(row);
                    let (from, to) = head.range(&bytes[start..end], place.slot as usize);
                    strings.push_within(number, bytes, start + from, to - from);
                }
            }
            (Storage::Numeric, _) => {
                let mut rows = rows.iter();
                let place = |row: usize| {
                    let (start, end) = raw.range(row);
                    let (from, to) = head.range(&bytes[start..end], place.slot as usize);
                    (start + from, start + to)
                };
                // As long as the numbers are short and of one scale.
                let mut odd = rows.next().map(place);
                if let Some((from, to)) = odd.take() {
                    push_numeric(out, bytes, from, to)?;
                }
                if let Values::Decimal(scale, v) = &mut out.values {
                    for row in rows.by_ref() {
                        let (from, to) = place(row);
                        match short_numeric(bytes, from, to) {
                            Some((unscaled, its)) if its == *scale => v.push(unscaled),
                            _ => {
                                odd = Some((from, to));
                                break;
                            }
                        }
                    }
                }
                for (from, to) in odd.into_iter().chain(rows.map(place)) {
                    push_numeric(out, bytes, from, to)?;
                }
            }
            _ => {
                for row in rows.iter() {
                    let (start, end) = raw.range(row);
                    out.push_datum(&self.layout.read(&bytes[start..end])?.datum(attribute)?);
                }
            }
        }
        Ok(())
    }

    /// Appends a column of any rows.
    fn decode_each(
        &self,
        place: &Place,
        slot: usize,
        attribute: usize,
        raw: &RawRows,
        rows: Rows<'_>,
        out: &mut Vector,
    ) -> Result<()> {
        let head = |row: usize| &self.heads[if self.alike { 0 } else { row }];
        let bytes = &raw.bytes[..];
        let at = place.slot as usize;
        // Where the value of a row starts, unless it is NULL or the row is older than the column.
        let missing = |row: usize| attribute >= head(row).columns;
        let null = |row: usize| {
            let (start, end) = raw.range(row);
            head(row).is_null(&bytes[start..end], attribute)
        };
        macro_rules! fixed {
            ($v:expr, $ty:ty, $read:expr) => {
                for row in rows.iter() {
                    if missing(row) || null(row) {
                        if !missing(row) || place.missing.is_null() {
                            out.nulls.set($v.len());
                            $v.push(Default::default());
                        } else {
                            let mut one = Vector::new(self.kinds[slot]);
                            one.push_datum(&place.missing);
                            if let Some(value) = <$ty as Plain>::first(&one.values) {
                                $v.push(value);
                            }
                        }
                        continue;
                    }
                    let start = raw.range(row).0 + head(row).fixed + at;
                    let Some(chunk) = bytes.get(start..).and_then(|b| b.first_chunk()) else {
                        return Err(damaged());
                    };
                    $v.push($read(*chunk));
                }
            };
        }
        match (place.storage, &mut out.values) {
            (Storage::I32, Values::I32(v)) => fixed!(v, i32, i32::from_le_bytes),
            (Storage::I64, Values::I64(v)) => fixed!(v, i64, i64::from_le_bytes),
            (Storage::I16, Values::I16(v)) => fixed!(v, i16, i16::from_le_bytes),
            (Storage::F64, Values::F64(v)) => fixed!(v, f64, f64::from_le_bytes),
            (Storage::F32, Values::F32(v)) => fixed!(v, f32, f32::from_le_bytes),
            (Storage::Bool, Values::Bool(v)) => fixed!(v, bool, |b: [u8; 1]| b[0] != 0),
            (Storage::U32, Values::I64(v)) => fixed!(v, i64, |b| i64::from(u32::from_le_bytes(b))),
            (Storage::Bytes, Values::Str(strings)) => {
                let number = strings.adopt(&raw.bytes);
                for row in rows.iter() {
                    let (start, end) = raw.range(row);
                    if missing(row) || head(row).is_null(&bytes[start..end], attribute) {
                        match &place.missing {
                            Datum::Text(s) if missing(row) => strings.push(s.as_bytes()),
                            Datum::Bytea(b) if missing(row) => strings.push(b),
                            _ => {
                                out.nulls.set(strings.len());
                                strings.push(b"");
                            }
                        }
                        continue;
                    }
                    let (from, to) = head(row).range(&bytes[start..end], at);
                    strings.push_within(number, bytes, start + from, to - from);
                }
            }
            (Storage::Numeric, _) => {
                for row in rows.iter() {
                    let (start, end) = raw.range(row);
                    let row_bytes = &bytes[start..end];
                    if missing(row) {
                        out.push_datum(&place.missing);
                    } else if head(row).is_null(row_bytes, attribute) {
                        out.push_null();
                    } else {
                        let (from, to) = head(row).range(row_bytes, at);
                        push_numeric(out, bytes, start + from, start + to)?;
                    }
                }
            }
            _ => {
                for row in rows.iter() {
                    let (start, end) = raw.range(row);
                    out.push_datum(&self.layout.read(&bytes[start..end])?.datum(attribute)?);
                }
            }
        }
        Ok(())
    }
}

/// The numeric stored at `bytes[from..to]`, as unscaled value and scale, if it is short; [`PADDING`] more bytes follow.
#[inline]
fn short_numeric(bytes: &[u8], from: usize, to: usize) -> Option<(i64, u8)> {
    if to <= from || to - from > 9 || bytes[from] == u8::MAX {
        return None;
    }
    let word = bytes.get(from + 1..)?.first_chunk::<8>()?;
    // What follows the number is shifted out.
    let spare = 8 * (9 - (to - from)) as u32;
    let unscaled = if spare == 64 { 0 } else { i64::from_le_bytes(*word) << spare >> spare };
    Some((unscaled, bytes[from]))
}

/// Appends the numeric stored at `bytes[from..to]`; [`PADDING`] more bytes follow.
#[inline]
fn push_numeric(out: &mut Vector, bytes: &[u8], from: usize, to: usize) -> Result<()> {
    match short_numeric(bytes, from, to) {
        Some((unscaled, scale)) => out.push_decimal(unscaled, scale),
        None => out.push_datum(&Datum::Numeric(get_numeric(&bytes[from..to])?)),
    }
    Ok(())
}

/// The `ctid` that a row id shows as: 256 rows to a "block", items counted from 1.
pub fn ctid(row_id: u64) -> Datum {
    Datum::Tid((row_id >> 8) as u32, (row_id & 0xff) as u16 + 1)
}

/// The row id that shows as this `ctid`, as far as 40 bits go.
pub fn row_id_of(block: u32, item: u16) -> Option<u64> {
    let item = item.checked_sub(1).filter(|i| *i <= 0xff)?;
    Some(u64::from(block) << 8 | u64::from(item))
}

/// Flat value types, for reading a column's missing value.
trait Plain: Sized {
    fn first(values: &Values) -> Option<Self>;
}

macro_rules! plain {
    ($($ty:ty => $variant:ident),*) => { $(impl Plain for $ty {
        fn first(values: &Values) -> Option<Self> {
            match values {
                Values::$variant(v) => v.first().copied(),
                _ => None,
            }
        }
    })* };
}

plain!(bool => Bool, i16 => I16, i32 => I32, i64 => I64, f32 => F32, f64 => F64);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::memory::Budget;

    /// Bytes of a batch filled with rows of a kilobyte.
    fn fill(raw: &mut RawRows) -> usize {
        raw.clear();
        while raw.push(1, &[7; 1024]) {}
        raw.seal();
        raw.bytes.len()
    }

    #[test]
    fn buffers_are_accounted_for_and_small_when_refused() {
        for (work_mem, full) in [(16 << 20, RAW_BYTES), (SMALL_BYTES, SMALL_BYTES)] {
            let budget = Budget::new(1 << 30, 1 << 30);
            let mut raw = RawRows::new(&Memory::new(&budget, work_mem));
            assert_eq!((fill(&mut raw), budget.used()), (SMALL_BYTES + PADDING, 0));
            let mut lent = Vec::new();
            for _ in 0..3 {
                assert_eq!(fill(&mut raw), full + PADDING);
                lent.push(Arc::clone(&raw.bytes));
            }
            raw.clear();
            let kept = raw.lent.iter().map(|b| b.capacity()).sum::<usize>();
            assert_eq!(kept > 0, work_mem > SMALL_BYTES);
            assert!(budget.used() >= kept);
            drop(raw);
            assert_eq!(budget.used(), 0);
        }
    }
}
