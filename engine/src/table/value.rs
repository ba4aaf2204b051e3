//! Any value as self-describing bytes: a tag and the payload, numbers little-endian.
//!
//! Rows use this form for the types that have no compact one (arrays, records, ...), spill files for `Datum` columns.

use std::sync::Arc;

use nq_qsql::error::{Result, SqlError};
use nq_qsql::sql_err;
use nq_qsql::types::range::{self, Bound, RangeInfo, Span};
use nq_qsql::types::{Array, BitString, Datum, Inet, Interval, Multirange, Numeric, Range};

use crate::exec::vector::text;

/// Tags of the payloads; part of the file format.
mod tag {
    pub const NULL: u8 = 0;
    pub const BOOL: u8 = 1;
    pub const CHAR: u8 = 2;
    pub const INT2: u8 = 3;
    pub const INT4: u8 = 4;
    pub const INT8: u8 = 5;
    pub const OID: u8 = 6;
    pub const TID: u8 = 7;
    pub const FLOAT4: u8 = 8;
    pub const FLOAT8: u8 = 9;
    pub const NUMERIC: u8 = 10;
    pub const TEXT: u8 = 11;
    pub const BYTEA: u8 = 12;
    pub const DATE: u8 = 13;
    pub const TIME: u8 = 14;
    pub const TIMETZ: u8 = 15;
    pub const TIMESTAMP: u8 = 16;
    pub const TIMESTAMPTZ: u8 = 17;
    pub const INTERVAL: u8 = 18;
    pub const UUID: u8 = 19;
    pub const ARRAY: u8 = 20;
    pub const RECORD: u8 = 21;
    pub const JSONB: u8 = 22;
    pub const RANGE: u8 = 23;
    pub const MULTIRANGE: u8 = 24;
    pub const BITS: u8 = 25;
    pub const INET4: u8 = 26;
    pub const INET6: u8 = 27;
    pub const MACADDR: u8 = 28;
    pub const MACADDR8: u8 = 29;
    pub const MONEY: u8 = 30;
    pub const ENUM: u8 = 31;
}

/// Deepest nesting of arrays and records that is read back.
const DEPTH_MAX: u32 = 64;

/// Appends the number in as few little-endian bytes as its sign allows: 0 takes none.
#[inline]
pub fn put_short(value: i64, out: &mut Vec<u8>) {
    let spare = if value < 0 { (!value).leading_zeros() } else { value.leading_zeros() };
    let bytes = if value == 0 { 0 } else { (65 - spare as usize).div_ceil(8) };
    out.extend_from_slice(&value.to_le_bytes()[..bytes]);
}

/// Reads what [`put_short`] wrote; the whole slice is the number.
#[inline]
pub fn get_short(bytes: &[u8]) -> i64 {
    let mut wide = [0; 8];
    let len = bytes.len().min(8);
    wide[..len].copy_from_slice(&bytes[..len]);
    if len == 0 {
        return 0;
    }
    let spare = 64 - 8 * len as u32;
    i64::from_le_bytes(wide) << spare >> spare
}

/// Appends a numeric: its scale and the unscaled number, or 255 and PostgreSQL's binary form.
pub fn put_numeric(value: &Numeric, out: &mut Vec<u8>) {
    match value {
        Numeric::Small { unscaled, scale } if *scale < u8::MAX => {
            out.push(*scale);
            put_short(*unscaled, out);
        }
        wide => {
            out.push(u8::MAX);
            wide.send(out);
        }
    }
}

/// Reads what [`put_numeric`] wrote; the whole slice is the value.
///
/// # Errors
/// XX001 for bytes that it never wrote.
pub fn get_numeric(bytes: &[u8]) -> Result<Numeric> {
    match bytes.split_first() {
        Some((&u8::MAX, wide)) => Numeric::recv(wide),
        Some((&scale, short)) => Ok(Numeric::Small { unscaled: get_short(short), scale }),
        None => Err(damaged()),
    }
}

/// The error for stored bytes that cannot have been written here.
#[cold]
pub fn damaged() -> SqlError {
    sql_err!(DATA_CORRUPTED, "stored row data is damaged")
}

fn put_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    out.extend_from_slice(bytes);
}

/// Appends a value.
pub fn put(value: &Datum, out: &mut Vec<u8>) {
    macro_rules! fixed {
        ($tag:ident, $($x:expr),+) => {{
            out.push(tag::$tag);
            $(out.extend_from_slice(&$x.to_le_bytes());)+
        }};
    }
    match value {
        Datum::Null => out.push(tag::NULL),
        Datum::Bool(x) => out.extend_from_slice(&[tag::BOOL, u8::from(*x)]),
        Datum::Char(x) => out.extend_from_slice(&[tag::CHAR, *x]),
        Datum::Int2(x) => fixed!(INT2, x),
        Datum::Int4(x) => fixed!(INT4, x),
        Datum::Int8(x) => fixed!(INT8, x),
        Datum::Oid(x) => fixed!(OID, x),
        Datum::Enum(ty, label) => fixed!(ENUM, ty, label),
        Datum::Tid(block, item) => fixed!(TID, block, item),
        Datum::Float4(x) => fixed!(FLOAT4, x),
        Datum::Float8(x) => fixed!(FLOAT8, x),
        Datum::Date(x) => fixed!(DATE, x),
        Datum::Time(x) => fixed!(TIME, x),
        Datum::TimeTz(x, zone) => fixed!(TIMETZ, x, zone),
        Datum::Timestamp(x) => fixed!(TIMESTAMP, x),
        Datum::TimestampTz(x) => fixed!(TIMESTAMPTZ, x),
        Datum::Interval(iv) => fixed!(INTERVAL, iv.months, iv.days, iv.micros),
        Datum::Uuid(bytes) => {
            out.push(tag::UUID);
            out.extend_from_slice(&bytes[..]);
        }
        Datum::Numeric(n) => {
            out.push(tag::NUMERIC);
            let at = out.len();
            out.extend_from_slice(&[0; 4]);
            put_numeric(n, out);
            let len = (out.len() - at - 4) as u32;
            out[at..at + 4].copy_from_slice(&len.to_le_bytes());
        }
        Datum::Text(s) => {
            out.push(tag::TEXT);
            put_bytes(s.as_bytes(), out);
        }
        Datum::Bytea(b) => {
            out.push(tag::BYTEA);
            put_bytes(b, out);
        }
        Datum::Bits(b) => {
            out.push(tag::BITS);
            put_bytes(b.stored(), out);
        }
        Datum::Inet(address) => {
            out.extend_from_slice(&[if address.v6 { tag::INET6 } else { tag::INET4 }, address.bits]);
            out.extend_from_slice(address.octets());
        }
        Datum::MacAddr(bytes) => {
            out.push(tag::MACADDR);
            out.extend_from_slice(bytes);
        }
        Datum::MacAddr8(bytes) => {
            out.push(tag::MACADDR8);
            out.extend_from_slice(bytes);
        }
        Datum::Money(x) => fixed!(MONEY, x),
        Datum::Jsonb(b) => {
            out.push(tag::JSONB);
            put_bytes(b, out);
        }
        Datum::Array(array) => {
            fixed!(ARRAY, array.element, (array.dims.len() as u32));
            for (length, lower) in &array.dims {
                out.extend_from_slice(&length.to_le_bytes());
                out.extend_from_slice(&lower.to_le_bytes());
            }
            out.extend_from_slice(&(array.items.len() as u32).to_le_bytes());
            array.items.iter().for_each(|item| put(item, out));
        }
        Datum::Range(range) => {
            out.push(tag::RANGE);
            put_range_info(&range.info, out);
            put_spans(range.spans(), out);
        }
        Datum::Multirange(value) => {
            out.push(tag::MULTIRANGE);
            put_range_info(&value.info, out);
            put_spans(value.spans(), out);
        }
        Datum::Record(fields) => {
            fixed!(RECORD, (fields.len() as u32));
            fields.iter().for_each(|field| put(field, out));
        }
    }
}

/// Appends the facts of a range type: the OID of a built-in one says it all.
fn put_range_info(info: &RangeInfo, out: &mut Vec<u8>) {
    out.extend_from_slice(&info.range.to_le_bytes());
    if !range::BUILT_IN.contains(info) {
        out.extend_from_slice(&info.multirange.to_le_bytes());
        out.extend_from_slice(&info.element.to_le_bytes());
        out.push(u8::from(info.discrete));
    }
}

fn get_range_info(bytes: &mut &[u8]) -> Result<RangeInfo> {
    let range = u32::from_le_bytes(take(bytes)?);
    if let Some(info) = range::BUILT_IN.iter().find(|info| info.range == range) {
        return Ok(*info);
    }
    let (multirange, element) = (u32::from_le_bytes(take(bytes)?), u32::from_le_bytes(take(bytes)?));
    Ok(RangeInfo { range, multirange, element, discrete: take::<1>(bytes)? != [0] })
}

/// Whether an end is part of the span: bits of a span's first byte.
const LOWER_INCLUSIVE: u8 = 1;
const UPPER_INCLUSIVE: u8 = 2;

fn put_spans(spans: &[Span], out: &mut Vec<u8>) {
    out.extend_from_slice(&(spans.len() as u32).to_le_bytes());
    for Span { lower, upper } in spans {
        let bit = |set: bool, bit: u8| if set { bit } else { 0 };
        out.push(bit(lower.inclusive, LOWER_INCLUSIVE) | bit(upper.inclusive, UPPER_INCLUSIVE));
        put(&lower.value, out);
        put(&upper.value, out);
    }
}

fn get_spans(bytes: &mut &[u8], depth: u32) -> Result<Vec<Span>> {
    let count = u32::from_le_bytes(take(bytes)?) as usize;
    if count > bytes.len() {
        return Err(damaged());
    }
    let mut spans = Vec::with_capacity(count);
    for _ in 0..count {
        let [flags] = take(bytes)?;
        let lower = Bound::new(get_nested(bytes, depth + 1)?, flags & LOWER_INCLUSIVE != 0);
        let upper = Bound::new(get_nested(bytes, depth + 1)?, flags & UPPER_INCLUSIVE != 0);
        spans.push(Span { lower, upper });
    }
    Ok(spans)
}

/// Reads one value from the front of `bytes` and moves past it.
///
/// # Errors
/// XX001 for bytes that [`put`] never wrote.
pub fn get(bytes: &mut &[u8]) -> Result<Datum> {
    get_nested(bytes, 0)
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N]> {
    let (head, rest) = bytes.split_first_chunk::<N>().ok_or_else(damaged)?;
    *bytes = rest;
    Ok(*head)
}

fn take_slice<'a>(bytes: &mut &'a [u8]) -> Result<&'a [u8]> {
    let len = u32::from_le_bytes(take(bytes)?) as usize;
    let (head, rest) = bytes.split_at_checked(len).ok_or_else(damaged)?;
    *bytes = rest;
    Ok(head)
}

fn get_nested(bytes: &mut &[u8], depth: u32) -> Result<Datum> {
    let [tag] = take(bytes)?;
    Ok(match tag {
        tag::NULL => Datum::Null,
        tag::BOOL => Datum::Bool(take::<1>(bytes)? != [0]),
        tag::CHAR => Datum::Char(take::<1>(bytes)?[0]),
        tag::INT2 => Datum::Int2(i16::from_le_bytes(take(bytes)?)),
        tag::INT4 => Datum::Int4(i32::from_le_bytes(take(bytes)?)),
        tag::INT8 => Datum::Int8(i64::from_le_bytes(take(bytes)?)),
        tag::OID => Datum::Oid(u32::from_le_bytes(take(bytes)?)),
        tag::ENUM => Datum::Enum(u32::from_le_bytes(take(bytes)?), u32::from_le_bytes(take(bytes)?)),
        tag::TID => Datum::Tid(u32::from_le_bytes(take(bytes)?), u16::from_le_bytes(take(bytes)?)),
        tag::FLOAT4 => Datum::Float4(f32::from_le_bytes(take(bytes)?)),
        tag::FLOAT8 => Datum::Float8(f64::from_le_bytes(take(bytes)?)),
        tag::DATE => Datum::Date(i32::from_le_bytes(take(bytes)?)),
        tag::TIME => Datum::Time(i64::from_le_bytes(take(bytes)?)),
        tag::TIMETZ => Datum::TimeTz(i64::from_le_bytes(take(bytes)?), i32::from_le_bytes(take(bytes)?)),
        tag::TIMESTAMP => Datum::Timestamp(i64::from_le_bytes(take(bytes)?)),
        tag::TIMESTAMPTZ => Datum::TimestampTz(i64::from_le_bytes(take(bytes)?)),
        tag::INTERVAL => Datum::Interval(Arc::new(Interval {
            months: i32::from_le_bytes(take(bytes)?),
            days: i32::from_le_bytes(take(bytes)?),
            micros: i64::from_le_bytes(take(bytes)?),
        })),
        tag::UUID => Datum::Uuid(Arc::new(take(bytes)?)),
        tag::NUMERIC => Datum::Numeric(get_numeric(take_slice(bytes)?)?),
        tag::TEXT => Datum::Text(text(take_slice(bytes)?)),
        tag::BYTEA => Datum::Bytea(Arc::from(take_slice(bytes)?)),
        tag::BITS => Datum::Bits(BitString::from_stored(take_slice(bytes)?).ok_or_else(damaged)?),
        tag::INET4 => {
            let [bits] = take(bytes)?;
            Datum::Inet(Inet::v4(take(bytes)?, bits.min(32)))
        }
        tag::INET6 => {
            let [bits] = take(bytes)?;
            Datum::Inet(Inet { v6: true, bits: bits.min(128), bytes: take(bytes)? })
        }
        tag::MACADDR => Datum::MacAddr(take(bytes)?),
        tag::MACADDR8 => Datum::MacAddr8(take(bytes)?),
        tag::MONEY => Datum::Money(i64::from_le_bytes(take(bytes)?)),
        tag::JSONB => Datum::Jsonb(Arc::from(take_slice(bytes)?)),
        tag::ARRAY if depth < DEPTH_MAX => {
            let element = u32::from_le_bytes(take(bytes)?);
            let count = u32::from_le_bytes(take(bytes)?) as usize;
            if count > bytes.len() / 8 {
                return Err(damaged());
            }
            let mut dims = Vec::with_capacity(count);
            for _ in 0..count {
                dims.push((i32::from_le_bytes(take(bytes)?), i32::from_le_bytes(take(bytes)?)));
            }
            Datum::Array(Arc::new(Array { element, dims, items: get_list(bytes, depth)? }))
        }
        tag::RECORD if depth < DEPTH_MAX => Datum::Record(get_list(bytes, depth)?.into()),
        tag::RANGE if depth < DEPTH_MAX => {
            let info = get_range_info(bytes)?;
            Datum::Range(Arc::new(Range { info, span: get_spans(bytes, depth)?.pop() }))
        }
        tag::MULTIRANGE if depth < DEPTH_MAX => {
            let info = get_range_info(bytes)?;
            Datum::Multirange(Arc::new(Multirange { info, spans: get_spans(bytes, depth)? }))
        }
        _ => return Err(damaged()),
    })
}

fn get_list(bytes: &mut &[u8], depth: u32) -> Result<Vec<Datum>> {
    let count = u32::from_le_bytes(take(bytes)?) as usize;
    if count > bytes.len() {
        return Err(damaged());
    }
    (0..count).map(|_| get_nested(bytes, depth + 1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_numbers() {
        for value in [0, 1, -1, 127, 128, -128, -129, 255, 32_767, 1 << 40, i64::MAX, i64::MIN] {
            let mut out = Vec::new();
            put_short(value, &mut out);
            assert_eq!(get_short(&out), value, "{out:?}");
        }
        let mut out = Vec::new();
        put_short(-128, &mut out);
        assert_eq!(out, [0x80]);
    }

    #[test]
    fn values_come_back_and_damage_is_noticed() {
        let array = Array { element: 23, dims: vec![(2, 1)], items: vec![Datum::Int4(1), Datum::Null] };
        let value = Datum::Record(Arc::from(vec![
            Datum::text("x"),
            Datum::Array(Arc::new(array)),
            Datum::Numeric(Numeric::Small { unscaled: -150, scale: 2 }),
            Datum::TimeTz(5, -3600),
            Datum::Multirange(Arc::new(Multirange {
                info: range::INT4RANGE,
                spans: vec![Span { lower: Bound::UNBOUNDED, upper: Bound::new(Datum::Int4(7), false) }],
            })),
            Datum::Range(Arc::new(Range { info: RangeInfo { range: 70000, ..range::NUMRANGE }, span: None })),
        ]));
        let mut out = Vec::new();
        put(&value, &mut out);
        let mut rest = &out[..];
        assert_eq!(format!("{:?}", get(&mut rest).expect("whole")), format!("{value:?}"));
        assert!(rest.is_empty());
        for cut in 0..out.len() {
            assert!(get(&mut &out[..cut]).is_err(), "cut at {cut}");
        }
    }
}
