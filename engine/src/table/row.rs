//! The row format.
//!
//! ```text
//! OFFSET  SIZE        DESCRIPTION
//! 0       2           n, the number of columns when the row was written; bit 15: end offsets are 4 bytes wide, else 2
//! 2       (n+7)/8     NULL bits: bit i%8 of byte i/8 set = column i is NULL
//! ..      fixed(n)    values of the fixed-width columns in column order, NULLs too (as zeros), little-endian, unaligned
//! ..      2|4 each    end of each variable-width column's value, counted from the first value byte
//! ..      ..          values of the variable-width columns
//! ```
//!
//! 1. Where a fixed column lies within the fixed part depends on the columns before it only, so rows of any age share one layout:
//!    a column beyond `n` was added later and reads as its `missing` value.
//! 2. A dropped column keeps its type and its place; new rows hold NULL there.
//! 3. A column's bytes are found without looking at other columns' values.

use nq_qsql::catalog::{Column, Generated};
use nq_qsql::error::Result;
use nq_qsql::sql_err;
use nq_qsql::types::{Datum, Interval, IoContext, Numeric, Oid, info, io_binary, io_text, jsonb, oid};
use std::sync::Arc;

use super::value::{self, damaged, get_numeric, put_numeric};
use crate::exec::vector::{is_oid, text};

/// End offsets are four bytes wide.
const WIDE: u16 = 1 << 15;

/// How a column's values are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "named like the types")]
pub enum Storage {
    Bool,
    Char,
    I16,
    I32,
    I64,
    U32,
    F32,
    F64,
    TimeTz,
    Interval,
    Uuid,
    Tid,
    /// The label's OID.
    Enum,
    /// Variable: [`put_numeric`].
    Numeric,
    /// Variable: the bytes.
    Bytes,
    /// Variable: [`value::put`].
    Value,
}

impl Storage {
    /// Returns the storage of a type.
    pub fn of(oid: Oid) -> Storage {
        match oid {
            oid::BOOL => Storage::Bool,
            oid::CHAR => Storage::Char,
            oid::INT2 => Storage::I16,
            oid::INT4 | oid::DATE => Storage::I32,
            oid::INT8 | oid::TIMESTAMP | oid::TIMESTAMPTZ | oid::TIME => Storage::I64,
            _ if is_oid(oid) => Storage::U32,
            oid::FLOAT4 => Storage::F32,
            oid::FLOAT8 => Storage::F64,
            oid::TIMETZ => Storage::TimeTz,
            oid::INTERVAL => Storage::Interval,
            oid::UUID => Storage::Uuid,
            oid::TID => Storage::Tid,
            oid::NUMERIC => Storage::Numeric,
            oid::TEXT
            | oid::VARCHAR
            | oid::BPCHAR
            | oid::NAME
            | oid::UNKNOWN
            | oid::BYTEA
            | oid::JSON
            | oid::JSONB
            | oid::XML => Storage::Bytes,
            _ => match info::by_oid(oid).map(|ty| ty.kind) {
                Some(info::TypeKind::Enum) => Storage::Enum,
                Some(info::TypeKind::Domain) => Storage::of(info::base_type(oid)),
                _ => Storage::Value,
            },
        }
    }

    /// Bytes of a fixed-width value; `None` for variable width.
    pub fn width(self) -> Option<usize> {
        Some(match self {
            Storage::Bool | Storage::Char => 1,
            Storage::I16 => 2,
            Storage::I32 | Storage::U32 | Storage::F32 | Storage::Enum => 4,
            Storage::Tid => 6,
            Storage::I64 | Storage::F64 => 8,
            Storage::TimeTz => 12,
            Storage::Interval | Storage::Uuid => 16,
            Storage::Numeric | Storage::Bytes | Storage::Value => return None,
        })
    }
}

/// Where a column is found.
#[derive(Clone, Debug)]
pub struct Place {
    /// Its type.
    pub oid: Oid,
    /// How it is stored.
    pub storage: Storage,
    /// Fixed width: offset within the fixed part. Variable: number among the variable columns.
    pub slot: u32,
    /// Value in rows older than the column.
    pub missing: Datum,
}

/// The layout of a table's rows. Made once per plan or relation version.
#[derive(Clone, Debug)]
pub struct RowLayout {
    places: Vec<Place>,
    /// `[n]`: bytes of the fixed part of a row of n columns.
    fixed: Vec<u32>,
    /// `[n]`: variable columns of a row of n columns.
    variable: Vec<u32>,
}

impl RowLayout {
    /// Lays out rows of a relation's columns.
    pub fn new(columns: &[Column]) -> RowLayout {
        let missing =
            |c: &Column| if c.dropped { Datum::Null } else { c.missing.clone().unwrap_or(Datum::Null) };
        // Virtual columns are stored as NULL, whatever their type is or becomes.
        let stored = |c: &Column| match c.generated {
            Generated::Virtual => oid::BOOL,
            _ => c.ty.oid,
        };
        RowLayout::of(columns.iter().map(|c| (stored(c), missing(c))))
    }

    /// Lays out rows of columns of these types with their missing values.
    pub fn of(columns: impl Iterator<Item = (Oid, Datum)>) -> RowLayout {
        let mut layout = RowLayout { places: Vec::new(), fixed: vec![0], variable: vec![0] };
        let (mut fixed, mut variable) = (0, 0);
        for (oid, missing) in columns {
            let storage = Storage::of(oid);
            let slot = match storage.width() {
                Some(width) => {
                    fixed += width as u32;
                    fixed - width as u32
                }
                None => {
                    variable += 1;
                    variable - 1
                }
            };
            layout.places.push(Place { oid: info::base_type(oid), storage, slot, missing });
            layout.fixed.push(fixed);
            layout.variable.push(variable);
        }
        layout
    }

    /// The columns' places.
    pub fn places(&self) -> &[Place] {
        &self.places
    }

    /// Appends the row of these values, one per column; values beyond `places` are ignored.
    ///
    /// # Errors
    /// XX000 when a value is not of its column's type (a broken plan).
    pub fn encode(&self, values: &[Datum], out: &mut Vec<u8>) -> Result<()> {
        let mut scratch = RowScratch::default();
        let mut writer = RowWriter::new(self, out, &mut scratch);
        for value in &values[..values.len().min(self.places.len())] {
            writer.push(value)?;
        }
        writer.finish();
        Ok(())
    }

    /// Opens a stored row.
    ///
    /// # Errors
    /// XX001 for a row shorter than its header says.
    #[inline]
    pub fn read<'a>(&'a self, bytes: &'a [u8]) -> Result<RowReader<'a>> {
        let head = Head::new(self, bytes).ok_or_else(damaged)?;
        Ok(RowReader { layout: self, bytes, head })
    }
}

/// Offsets of a row's parts.
#[derive(Clone, Copy, Debug)]
pub struct Head {
    /// Columns stored.
    pub columns: usize,
    /// Start of the fixed part.
    pub fixed: usize,
    /// Start of the end offsets.
    ends: usize,
    /// Start of the variable values.
    values: usize,
    wide: bool,
}

impl Head {
    /// Finds the parts; `None` for a damaged row.
    #[inline]
    pub fn new(layout: &RowLayout, bytes: &[u8]) -> Option<Head> {
        let word = u16::from_le_bytes(*bytes.first_chunk::<2>()?);
        let columns = usize::from(word & !WIDE);
        let wide = word & WIDE != 0;
        let fixed = 2 + columns.div_ceil(8);
        let ends = fixed + *layout.fixed.get(columns)? as usize;
        let values = ends + layout.variable[columns] as usize * if wide { 4 } else { 2 };
        (values <= bytes.len()).then_some(Head { columns, fixed, ends, values, wide })
    }

    /// Whether a row has as many columns as the head's and none of them NULL.
    #[inline]
    pub fn fits(&self, bytes: &[u8]) -> bool {
        let columns = self.columns as u16 | if self.wide { WIDE } else { 0 };
        bytes.len() >= self.values
            && bytes[..2] == columns.to_le_bytes()
            && match self.fixed {
                3 => bytes[2] == 0,
                4 => bytes[2] | bytes[3] == 0,
                fixed => bytes[2..fixed].iter().all(|&b| b == 0),
            }
    }

    /// Whether stored column `i` is NULL.
    #[inline]
    pub fn is_null(&self, bytes: &[u8], i: usize) -> bool {
        bytes[2 + i / 8] >> (i % 8) & 1 != 0
    }

    fn end(&self, bytes: &[u8], slot: usize) -> usize {
        if self.wide {
            let at = self.ends + 4 * slot;
            bytes[at..].first_chunk::<4>().map_or(0, |b| u32::from_le_bytes(*b) as usize)
        } else {
            let at = self.ends + 2 * slot;
            bytes[at..].first_chunk::<2>().map_or(0, |b| usize::from(u16::from_le_bytes(*b)))
        }
    }

    /// Byte range of variable column number `slot`; empty for a damaged one.
    #[inline]
    pub fn range(&self, bytes: &[u8], slot: usize) -> (usize, usize) {
        let start = if slot == 0 { 0 } else { self.end(bytes, slot - 1) };
        let (start, end) = (self.values + start, self.values + self.end(bytes, slot));
        if start <= end && end <= bytes.len() { (start, end) } else { (0, 0) }
    }
}

/// A stored row, opened.
#[derive(Clone, Copy)]
pub struct RowReader<'a> {
    layout: &'a RowLayout,
    bytes: &'a [u8],
    head: Head,
}

/// One stored field, not yet a [`Datum`].
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "named like the datums")]
pub enum FieldRef<'a> {
    Null,
    Bool(bool),
    Char(u8),
    Int2(i16),
    Int4(i32),
    Int8(i64),
    Date(i32),
    Time(i64),
    Timestamp(i64),
    TimestampTz(i64),
    Oid(u32),
    Enum(Oid, u32),
    Float4(f32),
    Float8(f64),
    /// Unscaled value and scale.
    Decimal(i64, u8),
    /// A numeric as stored.
    Numeric(&'a [u8]),
    /// Text, `bytea` or anything whose wire form is its bytes.
    Text(&'a [u8]),
    Bytea(&'a [u8]),
    Jsonb(&'a [u8]),
    /// Any other value, self-describing.
    Value(&'a [u8]),
    TimeTz(i64, i32),
    Interval(Interval),
    Uuid(&'a [u8; 16]),
    Tid(u32, u16),
    /// The value of a column added after the row was written.
    Missing(&'a Datum),
}

impl<'a> RowReader<'a> {
    /// Returns column `i`.
    pub fn field(&self, i: usize) -> FieldRef<'a> {
        let Some(place) = self.layout.places.get(i) else { return FieldRef::Null };
        if i >= self.head.columns {
            return match &place.missing {
                Datum::Null => FieldRef::Null,
                value => FieldRef::Missing(value),
            };
        }
        if self.head.is_null(self.bytes, i) {
            return FieldRef::Null;
        }
        if place.storage.width().is_none() {
            let (start, end) = self.head.range(self.bytes, place.slot as usize);
            let bytes = &self.bytes[start..end];
            return match place.storage {
                Storage::Numeric => match bytes.split_first() {
                    Some((&scale, short)) if scale != u8::MAX => {
                        FieldRef::Decimal(value::get_short(short), scale)
                    }
                    _ => FieldRef::Numeric(bytes),
                },
                Storage::Bytes if place.oid == oid::BYTEA => FieldRef::Bytea(bytes),
                Storage::Bytes if place.oid == oid::JSONB => FieldRef::Jsonb(bytes),
                Storage::Bytes => FieldRef::Text(bytes),
                _ => FieldRef::Value(bytes),
            };
        }
        fixed_field(place, &self.bytes[self.head.fixed + place.slot as usize..]).unwrap_or(FieldRef::Null)
    }

    /// Returns column `i` as a value.
    pub fn datum(&self, i: usize) -> Result<Datum> {
        self.field(i).to_datum()
    }

    /// Returns all columns.
    pub fn datums(&self) -> Result<Vec<Datum>> {
        (0..self.layout.places.len()).map(|i| self.datum(i)).collect()
    }
}

fn fixed_field<'a>(place: &Place, bytes: &'a [u8]) -> Option<FieldRef<'a>> {
    Some(match place.storage {
        Storage::Bool => FieldRef::Bool(*bytes.first()? != 0),
        Storage::Char => FieldRef::Char(*bytes.first()?),
        Storage::I16 => FieldRef::Int2(i16::from_le_bytes(*bytes.first_chunk()?)),
        Storage::I32 => match i32::from_le_bytes(*bytes.first_chunk()?) {
            date if place.oid == oid::DATE => FieldRef::Date(date),
            int => FieldRef::Int4(int),
        },
        Storage::I64 => {
            let value = i64::from_le_bytes(*bytes.first_chunk()?);
            match place.oid {
                oid::TIMESTAMP => FieldRef::Timestamp(value),
                oid::TIMESTAMPTZ => FieldRef::TimestampTz(value),
                oid::TIME => FieldRef::Time(value),
                _ => FieldRef::Int8(value),
            }
        }
        Storage::U32 => FieldRef::Oid(u32::from_le_bytes(*bytes.first_chunk()?)),
        Storage::Enum => FieldRef::Enum(place.oid, u32::from_le_bytes(*bytes.first_chunk()?)),
        Storage::F32 => FieldRef::Float4(f32::from_le_bytes(*bytes.first_chunk()?)),
        Storage::F64 => FieldRef::Float8(f64::from_le_bytes(*bytes.first_chunk()?)),
        Storage::TimeTz => FieldRef::TimeTz(
            i64::from_le_bytes(*bytes.first_chunk()?),
            i32::from_le_bytes(*bytes.get(8..)?.first_chunk()?),
        ),
        Storage::Interval => FieldRef::Interval(Interval {
            months: i32::from_le_bytes(*bytes.first_chunk()?),
            days: i32::from_le_bytes(*bytes.get(4..)?.first_chunk()?),
            micros: i64::from_le_bytes(*bytes.get(8..)?.first_chunk()?),
        }),
        Storage::Uuid => FieldRef::Uuid(bytes.first_chunk()?),
        Storage::Tid => FieldRef::Tid(
            u32::from_le_bytes(*bytes.first_chunk()?),
            u16::from_le_bytes(*bytes.get(4..)?.first_chunk()?),
        ),
        Storage::Numeric | Storage::Bytes | Storage::Value => return None,
    })
}

impl FieldRef<'_> {
    /// Whether this is NULL.
    pub fn is_null(&self) -> bool {
        matches!(self, FieldRef::Null)
    }

    /// Returns the value.
    ///
    /// # Errors
    /// XX001 for damaged bytes.
    pub fn to_datum(&self) -> Result<Datum> {
        Ok(match *self {
            FieldRef::Null => Datum::Null,
            FieldRef::Bool(x) => Datum::Bool(x),
            FieldRef::Char(x) => Datum::Char(x),
            FieldRef::Int2(x) => Datum::Int2(x),
            FieldRef::Int4(x) => Datum::Int4(x),
            FieldRef::Int8(x) => Datum::Int8(x),
            FieldRef::Date(x) => Datum::Date(x),
            FieldRef::Time(x) => Datum::Time(x),
            FieldRef::Timestamp(x) => Datum::Timestamp(x),
            FieldRef::TimestampTz(x) => Datum::TimestampTz(x),
            FieldRef::Oid(x) => Datum::Oid(x),
            FieldRef::Enum(ty, label) => Datum::Enum(ty, label),
            FieldRef::Float4(x) => Datum::Float4(x),
            FieldRef::Float8(x) => Datum::Float8(x),
            FieldRef::Decimal(unscaled, scale) => Datum::Numeric(Numeric::Small { unscaled, scale }),
            FieldRef::Numeric(bytes) => Datum::Numeric(get_numeric(bytes)?),
            FieldRef::Text(bytes) => Datum::Text(text(bytes)),
            FieldRef::Bytea(bytes) => Datum::Bytea(Arc::from(bytes)),
            FieldRef::Jsonb(bytes) => Datum::Jsonb(Arc::from(bytes)),
            FieldRef::Value(mut bytes) => value::get(&mut bytes)?,
            FieldRef::TimeTz(micros, zone) => Datum::TimeTz(micros, zone),
            FieldRef::Interval(iv) => Datum::Interval(Arc::new(iv)),
            FieldRef::Uuid(bytes) => Datum::Uuid(Arc::new(*bytes)),
            FieldRef::Tid(block, item) => Datum::Tid(block, item),
            FieldRef::Missing(value) => value.clone(),
        })
    }

    /// Appends the text wire form; integers and text need no detour. The field is not NULL.
    pub fn write_text(&self, oid: Oid, io: &IoContext<'_>, out: &mut Vec<u8>) -> Result<()> {
        match *self {
            FieldRef::Bool(x) => out.push(if x { b't' } else { b'f' }),
            FieldRef::Int2(x) => put_decimal(i64::from(x), out),
            FieldRef::Int4(x) => put_decimal(i64::from(x), out),
            FieldRef::Int8(x) => put_decimal(x, out),
            FieldRef::Text(bytes) => out.extend_from_slice(bytes),
            FieldRef::Jsonb(bytes) => jsonb::write(jsonb::Node::new(bytes), out),
            _ => io_text::write_text(&self.to_datum()?, oid, io, out)?,
        }
        Ok(())
    }

    /// Appends the binary wire form. The field is not NULL.
    pub fn write_binary(&self, oid: Oid, out: &mut Vec<u8>) -> Result<()> {
        match *self {
            FieldRef::Bool(x) => out.push(u8::from(x)),
            FieldRef::Int2(x) => out.extend_from_slice(&x.to_be_bytes()),
            FieldRef::Int4(x) | FieldRef::Date(x) => out.extend_from_slice(&x.to_be_bytes()),
            FieldRef::Int8(x) | FieldRef::Timestamp(x) | FieldRef::TimestampTz(x) | FieldRef::Time(x) => {
                out.extend_from_slice(&x.to_be_bytes());
            }
            FieldRef::Float8(x) => out.extend_from_slice(&x.to_be_bytes()),
            FieldRef::Text(bytes) | FieldRef::Bytea(bytes) => out.extend_from_slice(bytes),
            _ => io_binary::send_binary(&self.to_datum()?, oid, out)?,
        }
        Ok(())
    }
}

/// Appends an integer in decimal digits.
pub fn put_decimal(value: i64, out: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    let mut rest = value.unsigned_abs();
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if value < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(&digits[at..]);
}

/// Where the variable values of the row being written end. Kept from row to row for its memory.
#[derive(Debug, Default)]
pub struct RowScratch {
    ends: Vec<u32>,
}

/// Writes a row column by column: values of datums, or the bytes a COPY has parsed.
///
/// Variable values are appended behind room for narrow end offsets; a row that needs wide ones is moved when it is finished.
pub struct RowWriter<'a> {
    layout: &'a RowLayout,
    out: &'a mut Vec<u8>,
    ends: &'a mut Vec<u32>,
    start: usize,
    /// Start of the fixed part.
    fixed: usize,
    /// Start of the variable values.
    values: usize,
    column: usize,
}

impl<'a> RowWriter<'a> {
    /// Starts a row of all the layout's columns at the end of `out`.
    #[inline]
    pub fn new(layout: &'a RowLayout, out: &'a mut Vec<u8>, scratch: &'a mut RowScratch) -> RowWriter<'a> {
        let (columns, start) = (layout.places.len(), out.len());
        let fixed = start + 2 + columns.div_ceil(8);
        let values = fixed + layout.fixed[columns] as usize + 2 * layout.variable[columns] as usize;
        out.resize(values, 0);
        out[start..start + 2].copy_from_slice(&(columns as u16).to_le_bytes());
        scratch.ends.clear();
        RowWriter { layout, out, ends: &mut scratch.ends, start, fixed, values, column: 0 }
    }

    /// Writes the next column.
    ///
    /// # Errors
    /// XX000 when the value is not of the column's type or there is no further column.
    pub fn push(&mut self, value: &Datum) -> Result<()> {
        let Some(place) = self.layout.places.get(self.column) else {
            return Err(sql_err!(INTERNAL_ERROR, "row has more values than columns"));
        };
        macro_rules! fixed {
            ($($x:expr),+) => { self.put_fixed(place.slot, &[$(&$x.to_le_bytes()[..]),+]) };
        }
        match (place.storage, value) {
            (_, Datum::Null) => self.put_null(),
            (Storage::Bool, Datum::Bool(x)) => self.put_fixed(place.slot, &[&[u8::from(*x)]]),
            (Storage::Char, Datum::Char(x)) => self.put_fixed(place.slot, &[&[*x]]),
            (Storage::I16, Datum::Int2(x)) => fixed!(x),
            (Storage::I32, Datum::Int4(x) | Datum::Date(x)) => fixed!(x),
            (Storage::I64, Datum::Int8(x) | Datum::Timestamp(x) | Datum::TimestampTz(x) | Datum::Time(x)) => {
                fixed!(x)
            }
            (Storage::U32, Datum::Oid(x)) => fixed!(x),
            (Storage::Enum, Datum::Enum(_, x)) => fixed!(x),
            (Storage::F32, Datum::Float4(x)) => fixed!(x),
            (Storage::F64, Datum::Float8(x)) => fixed!(x),
            (Storage::TimeTz, Datum::TimeTz(x, zone)) => fixed!(x, zone),
            (Storage::Interval, Datum::Interval(iv)) => fixed!(iv.months, iv.days, iv.micros),
            (Storage::Uuid, Datum::Uuid(bytes)) => self.put_fixed(place.slot, &[&bytes[..]]),
            (Storage::Tid, Datum::Tid(block, item)) => fixed!(block, item),
            (Storage::Numeric, Datum::Numeric(n)) => {
                put_numeric(n, self.out);
                self.end_variable();
            }
            (Storage::Bytes, Datum::Text(s)) => self.put_bytes(s.as_bytes()),
            (Storage::Bytes, Datum::Bytea(b) | Datum::Jsonb(b)) => self.put_bytes(b),
            (Storage::Value, value) => {
                value::put(value, self.out);
                self.end_variable();
            }
            (storage, value) => {
                return Err(sql_err!(INTERNAL_ERROR, "value {value:?} cannot be stored as {storage:?}"));
            }
        }
        self.column += 1;
        Ok(())
    }

    /// Writes the next column, a text or `bytea` one, from its bytes.
    #[inline]
    pub fn push_text(&mut self, bytes: &[u8]) {
        self.put_bytes(bytes);
        self.column += 1;
    }

    /// Writes the next column, which is stored in `N` bytes: these.
    #[inline]
    pub fn push_fixed<const N: usize>(&mut self, bytes: [u8; N]) {
        let at = self.fixed + self.layout.places[self.column].slot as usize;
        self.out[at..at + N].copy_from_slice(&bytes);
        self.column += 1;
    }

    /// Writes the next column, a numeric one, from its unscaled value and its scale, which is below 255.
    #[inline]
    pub fn push_decimal(&mut self, unscaled: i64, scale: u8) {
        self.out.push(scale);
        value::put_short(unscaled, self.out);
        self.end_variable();
        self.column += 1;
    }

    /// The column that is written next.
    #[inline]
    pub fn column(&self) -> usize {
        self.column
    }

    fn put_null(&mut self) {
        self.out[self.start + 2 + self.column / 8] |= 1 << (self.column % 8);
        if self.layout.places[self.column].storage.width().is_none() {
            self.end_variable();
        }
    }

    #[inline]
    fn put_bytes(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
        self.end_variable();
    }

    #[inline]
    fn end_variable(&mut self) {
        self.ends.push((self.out.len() - self.values) as u32);
    }

    #[inline]
    fn put_fixed(&mut self, slot: u32, parts: &[&[u8]]) {
        let mut at = self.fixed + slot as usize;
        for part in parts {
            self.out[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        }
    }

    /// Ends the row; columns not written are NULL.
    #[inline]
    pub fn finish(mut self) {
        while self.column < self.layout.places.len() {
            self.put_null();
            self.column += 1;
        }
        if self.out.len() - self.values > usize::from(u16::MAX) {
            return self.widen();
        }
        let at = self.values - 2 * self.ends.len();
        for (place, end) in self.out[at..self.values].chunks_exact_mut(2).zip(&*self.ends) {
            place.copy_from_slice(&(*end as u16).to_le_bytes());
        }
    }

    /// Makes room for end offsets of four bytes and writes them.
    #[cold]
    fn widen(self) {
        let word = self.layout.places.len() as u16 | WIDE;
        self.out[self.start..self.start + 2].copy_from_slice(&word.to_le_bytes());
        let at = self.values - 2 * self.ends.len();
        self.out.splice(at..self.values, self.ends.iter().flat_map(|end| end.to_le_bytes()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(types: &[Oid]) -> RowLayout {
        RowLayout::of(types.iter().map(|&t| (t, Datum::Null)))
    }

    #[test]
    fn rows_come_back() {
        let types =
            [oid::INT4, oid::TEXT, oid::NUMERIC, oid::BOOL, oid::TIMESTAMP, oid::BYTEA, 1007, oid::INTERVAL];
        let array =
            nq_qsql::types::Array { element: oid::INT4, dims: vec![(1, 1)], items: vec![Datum::Int4(3)] };
        let iv = Interval { months: 1, days: -2, micros: 3 };
        let rows = [
            vec![
                Datum::Int4(-5),
                Datum::text("hello"),
                Datum::Numeric(Numeric::Small { unscaled: 12345, scale: 2 }),
                Datum::Bool(true),
                Datum::Timestamp(i64::MAX),
                Datum::Bytea(Arc::from(&[1u8, 2][..])),
                Datum::Array(Arc::new(array)),
                Datum::Interval(Arc::new(iv)),
            ],
            vec![Datum::Null; 8],
            vec![Datum::Int4(1), Datum::text("x".repeat(70_000)), Datum::Null, Datum::Null],
        ];
        let layout = layout(&types);
        for row in &rows {
            let mut out = vec![9];
            layout.encode(row, &mut out).expect("typed");
            let mut expected = row.clone();
            expected.resize(8, Datum::Null);
            let read = layout.read(&out[1..]).expect("whole").datums().expect("whole");
            assert_eq!(format!("{read:?}"), format!("{expected:?}"));
        }
    }

    #[test]
    fn the_format_is_this() {
        let layout = layout(&[oid::INT2, oid::TEXT, oid::INT4]);
        let mut out = Vec::new();
        layout.encode(&[Datum::Int2(-2), Datum::text("ab"), Datum::Null], &mut out).expect("typed");
        assert_eq!(out, [3, 0, 0b100, 0xfe, 0xff, 0, 0, 0, 0, 2, 0, b'a', b'b']);
    }

    #[test]
    fn a_column_added_later_reads_its_missing_value() {
        let mut out = Vec::new();
        layout(&[oid::INT4]).encode(&[Datum::Int4(1)], &mut out).expect("typed");
        let wider = RowLayout::of([(oid::INT4, Datum::Null), (oid::TEXT, Datum::text("new"))].into_iter());
        let row = wider.read(&out).expect("whole");
        assert!(matches!(row.field(1), FieldRef::Missing(Datum::Text(t)) if &**t == "new"));
    }

    #[test]
    fn damage_does_not_panic() {
        let layout = layout(&[oid::INT4, oid::TEXT, oid::NUMERIC]);
        let mut out = Vec::new();
        let n = Datum::Numeric(Numeric::Small { unscaled: 7, scale: 0 });
        layout.encode(&[Datum::Int4(1), Datum::text("abc"), n], &mut out).expect("typed");
        for cut in 0..out.len() {
            if let Ok(row) = layout.read(&out[..cut]) {
                let _ = row.datums();
            }
        }
        for (i, flip) in (0..out.len()).flat_map(|i| [(i, 0xff), (i, 0x01)]) {
            let mut bad = out.clone();
            bad[i] ^= flip;
            if let Ok(row) = layout.read(&bad) {
                let _ = row.datums();
            }
        }
    }
}
