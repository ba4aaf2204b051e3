//! Byte strings whose memcmp order is the order of the values: the keys of the B+ trees.
//!
//! A column is a marker byte and, unless NULL, the value; no column's bytes are the beginning of another's, so columns can
//! follow each other.
//!
//! ```text
//! marker    00 NULL (nulls first) | 01 value | 02 NULL (nulls last)
//! integers  big-endian, sign bit flipped; dates and times likewise; oid without the flip
//! floats    big-endian bits, sign bit flipped, all bits when negative; one NaN, one zero
//! numeric   see `numeric::key`
//! text      the bytes, then 00 (text has no 00 inside)
//! bytea     the bytes with 00 as 00 FF, then 00 01
//! interval  its length in microseconds, 16 bytes
//! bits      as bytea, then the number of bits
//! inet      the family, the address of the network, the length of the netmask, the address
//! jsonb     see `jsonb::key`
//! enum      the position of its label
//! array     each element 01 value or 02 NULL, then 00, the dimensions, the lower bounds
//! row       each field 01 value or 02 NULL, then 00; a value has its type's OID in front
//! composite each field 01 value or 02 NULL up to the last that is not NULL, then 03
//! range     each span 01 and its ends, then 00; a lower end is 00 (none) or 01 value and 00 inclusive or 01 exclusive,
//!           an upper end 01 value and 00 exclusive or 01 inclusive, or 02 (none); a multirange likewise
//! ```
//!
//! A descending column has the bytes of its value complemented. Equal values have equal keys, so a key does not tell the scale
//! of a numeric, the padding of a `bpchar`, the sign of zero or the fields of an interval: see [`is_exact`].

use super::compare::trim;
use super::datetime::interval;
use super::range::{self, Bound, Multirange, Range, RangeInfo, Span};
use super::{Array, BitString, Datum, Inet, Interval, Numeric, Oid, info, jsonb, oid, user};
use crate::error::{Result, SqlError};
use crate::sql_err;
use std::borrow::Cow;
use std::sync::Arc;

const NULL_FIRST: u8 = 0;
const VALUE: u8 = 1;
const NULL_LAST: u8 = 2;
const END: u8 = 0;
/// All further fields of a row of a named type are NULL: one that is older than a field has the key of one with NULL there.
const REST_NULL: u8 = 3;

const SIGN_16: u16 = 1 << 15;
const SIGN_32: u32 = 1 << 31;
const SIGN_64: u64 = 1 << 63;
const SIGN_128: u128 = 1 << 127;

#[cold]
fn corrupt() -> SqlError {
    sql_err!(INDEX_CORRUPTED, "invalid index key")
}

/// Whether decoding gives back the very value, not only an equal one.
pub fn is_exact(type_oid: Oid) -> bool {
    let type_oid = info::base_type(type_oid);
    let exact = !matches!(
        type_oid,
        oid::NUMERIC
            | oid::BPCHAR
            | oid::FLOAT4
            | oid::FLOAT8
            | oid::INTERVAL
            | oid::JSONB
            | oid::RECORD
            | oid::RECORD_ARRAY
    );
    exact
        && info::element_of(type_oid).is_none_or(is_exact)
        && range_info(type_oid).is_none_or(|info| is_exact(info.element))
        && !info::is_composite(type_oid)
}

/// The facts of a range or multirange type.
fn range_info(type_oid: Oid) -> Option<RangeInfo> {
    range::of_range(type_oid).or_else(|| range::of_multirange(type_oid))
}

/// Appends the key form of `value`; `desc` and `nulls_first` as in CREATE INDEX.
///
/// # Errors
/// 22021 for text with a zero byte.
#[inline]
pub fn encode(value: &Datum, type_oid: Oid, desc: bool, nulls_first: bool, out: &mut Vec<u8>) -> Result<()> {
    if value.is_null() {
        out.push(if nulls_first { NULL_FIRST } else { NULL_LAST });
        return Ok(());
    }
    out.push(VALUE);
    let start = out.len();
    encode_value(value, type_oid, out)?;
    if desc {
        out[start..].iter_mut().for_each(|b| *b = !*b);
    }
    Ok(())
}

fn encode_value(value: &Datum, type_oid: Oid, out: &mut Vec<u8>) -> Result<()> {
    match value {
        Datum::Int4(v) | Datum::Date(v) => out.extend_from_slice(&(*v as u32 ^ SIGN_32).to_be_bytes()),
        Datum::Int8(v) if matches!(info::base_type(type_oid), oid::XID8 | oid::PG_LSN) => {
            out.extend_from_slice(&v.to_be_bytes())
        }
        Datum::Int8(v) | Datum::Timestamp(v) | Datum::TimestampTz(v) | Datum::Time(v) | Datum::Money(v) => {
            out.extend_from_slice(&(*v as u64 ^ SIGN_64).to_be_bytes());
        }
        Datum::Int2(v) => out.extend_from_slice(&(*v as u16 ^ SIGN_16).to_be_bytes()),
        Datum::Text(v) => {
            let text = if info::base_type(type_oid) == oid::BPCHAR { trim(v) } else { v };
            if memchr::memchr(0, text.as_bytes()).is_some() {
                return Err(sql_err!(
                    CHARACTER_NOT_IN_REPERTOIRE,
                    "invalid byte sequence for encoding \"UTF8\": 0x00"
                ));
            }
            out.extend_from_slice(text.as_bytes());
            out.push(END);
        }
        Datum::Bool(v) => out.push(u8::from(*v)),
        Datum::Char(v) => out.push(*v),
        Datum::Oid(v) => out.extend_from_slice(&v.to_be_bytes()),
        Datum::Tid(block, item) => {
            out.extend_from_slice(&block.to_be_bytes());
            out.extend_from_slice(&item.to_be_bytes());
        }
        Datum::Float4(v) => out.extend_from_slice(&order_f32(*v).to_be_bytes()),
        Datum::Float8(v) => out.extend_from_slice(&order_f64(*v).to_be_bytes()),
        Datum::Numeric(v) => v.encode_key(out),
        Datum::Bytea(v) => encode_bytes(v, out),
        Datum::Bits(v) => {
            encode_bytes(v.bytes(), out);
            out.extend_from_slice(&(v.len() as u32).to_be_bytes());
        }
        Datum::Inet(v) => {
            out.push(v.family_byte());
            out.extend_from_slice(v.network().octets());
            out.push(v.bits);
            out.extend_from_slice(v.octets());
        }
        Datum::MacAddr(v) => out.extend_from_slice(v),
        Datum::MacAddr8(v) => out.extend_from_slice(v),
        Datum::TimeTz(time, zone) => {
            let instant = time + i64::from(*zone) * super::datetime::USECS_PER_SEC;
            out.extend_from_slice(&(instant as u64 ^ SIGN_64).to_be_bytes());
            out.extend_from_slice(&(*zone as u32 ^ SIGN_32).to_be_bytes());
        }
        Datum::Interval(v) => out.extend_from_slice(&(interval::length(v) as u128 ^ SIGN_128).to_be_bytes()),
        Datum::Uuid(v) => out.extend_from_slice(&v[..]),
        Datum::Jsonb(v) => jsonb::encode_key(jsonb::Node::new(v), out),
        Datum::Array(array) => {
            encode_list(array.items.iter().map(|item| (item, array.element)), out)?;
            out.push(array.dims.len() as u8);
            for field in array.dims.iter().map(|d| d.0).chain(array.dims.iter().map(|d| d.1)) {
                out.extend_from_slice(&(field as u32 ^ SIGN_32).to_be_bytes());
            }
        }
        Datum::Enum(ty, label) => {
            if !user::encode_position(*ty, *label, out) {
                return Err(SqlError::internal(format_args!("enum {ty} has no label {label}")));
            }
        }
        Datum::Record(fields) => {
            if let Some(relation) = user::row_relation(type_oid) {
                let field = |i| fields.get(i).unwrap_or(&Datum::Null);
                let live: Vec<_> = relation.live_columns().map(|(i, c)| (field(i), c.ty.oid)).collect();
                let end = live.iter().rposition(|(value, _)| !value.is_null()).map_or(0, |last| last + 1);
                for (value, ty) in &live[..end] {
                    encode(value, *ty, false, false, out)?;
                }
                out.push(REST_NULL);
                return Ok(());
            }
            // A field's type is not known when reading, so it goes before the value; rows of one type agree in it.
            for field in fields.iter() {
                if field.is_null() {
                    out.push(NULL_LAST);
                    continue;
                }
                out.push(VALUE);
                out.extend_from_slice(&field.natural_type().to_be_bytes());
                encode_value(field, field.natural_type(), out)?;
            }
            out.push(END);
        }
        Datum::Range(v) => encode_spans(v.spans(), v.info.element, out)?,
        Datum::Multirange(v) => encode_spans(v.spans(), v.info.element, out)?,
        Datum::Null => return Err(SqlError::internal("NULL inside an index key value")),
    }
    Ok(())
}

/// The bytes, with an end that no other bytes begin with.
fn encode_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    for &b in bytes {
        out.push(b);
        if b == 0 {
            out.push(0xff);
        }
    }
    out.extend_from_slice(&[0, 1]);
}

fn encode_list<'a>(items: impl Iterator<Item = (&'a Datum, Oid)>, out: &mut Vec<u8>) -> Result<()> {
    for (item, type_oid) in items {
        if item.is_null() {
            out.push(NULL_LAST);
        } else {
            out.push(VALUE);
            encode_value(item, type_oid, out)?;
        }
    }
    out.push(END);
    Ok(())
}

fn encode_spans(spans: &[Span], element: Oid, out: &mut Vec<u8>) -> Result<()> {
    for Span { lower, upper } in spans {
        out.push(VALUE);
        if lower.is_infinite() {
            out.push(NULL_FIRST);
        } else {
            out.push(VALUE);
            encode_value(&lower.value, element, out)?;
            out.push(u8::from(!lower.inclusive));
        }
        if upper.is_infinite() {
            out.push(NULL_LAST);
        } else {
            out.push(VALUE);
            encode_value(&upper.value, element, out)?;
            out.push(u8::from(upper.inclusive));
        }
    }
    out.push(END);
    Ok(())
}

fn order_f64(v: f64) -> u64 {
    let v = if v.is_nan() { f64::NAN } else { v + 0.0 };
    let bits = if v.is_nan() { f64::NAN.to_bits() & !SIGN_64 } else { v.to_bits() };
    if bits & SIGN_64 == 0 { bits | SIGN_64 } else { !bits }
}

fn order_f32(v: f32) -> u32 {
    let bits = if v.is_nan() { f32::NAN.to_bits() & !SIGN_32 } else { (v + 0.0).to_bits() };
    if bits & SIGN_32 == 0 { bits | SIGN_32 } else { !bits }
}

/// A cursor over a key; descending columns are complemented while reading.
struct Key<'a> {
    bytes: &'a [u8],
    at: usize,
    flip: u8,
}

impl Key<'_> {
    fn byte(&mut self) -> Result<u8> {
        let b = self.bytes.get(self.at).ok_or_else(corrupt)?;
        self.at += 1;
        Ok(b ^ self.flip)
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut value = [0; N];
        for slot in &mut value {
            *slot = self.byte()?;
        }
        Ok(value)
    }

    fn i32(&mut self) -> Result<i32> {
        self.fixed().map(|b| (u32::from_be_bytes(b) ^ SIGN_32) as i32)
    }

    fn i64(&mut self) -> Result<i64> {
        self.fixed().map(|b| (u64::from_be_bytes(b) ^ SIGN_64) as i64)
    }

    /// What is left, as it was before it was complemented.
    fn rest(&self) -> Cow<'_, [u8]> {
        match self.flip {
            0 => Cow::Borrowed(&self.bytes[self.at..]),
            flip => Cow::Owned(self.bytes[self.at..].iter().map(|b| b ^ flip).collect()),
        }
    }

    fn until_end(&mut self) -> Result<String> {
        let length = self.bytes[self.at..].iter().position(|b| b ^ self.flip == END).ok_or_else(corrupt)?;
        let text = self.bytes[self.at..self.at + length].iter().map(|b| b ^ self.flip).collect();
        self.at += length + 1;
        String::from_utf8(text).map_err(|_| corrupt())
    }
}

/// Reads one key column from the front of `bytes`; returns it and the number of bytes it took. The value equals the one
/// encoded; see [`is_exact`].
///
/// # Errors
/// XX002 when the bytes are no key of this type, 0A000 for types without keys.
pub fn decode(bytes: &[u8], type_oid: Oid, desc: bool, nulls_first: bool) -> Result<(Datum, usize)> {
    let null = if nulls_first { NULL_FIRST } else { NULL_LAST };
    match bytes.first() {
        Some(&VALUE) => {
            let mut key = Key { bytes, at: 1, flip: if desc { 0xff } else { 0 } };
            let value = decode_value(&mut key, type_oid)?;
            Ok((value, key.at))
        }
        Some(marker) if *marker == null => Ok((Datum::Null, 1)),
        _ => Err(corrupt()),
    }
}

fn decode_value(key: &mut Key<'_>, type_oid: Oid) -> Result<Datum> {
    Ok(match type_oid {
        oid::BOOL => Datum::Bool(key.byte()? != 0),
        oid::CHAR => Datum::Char(key.byte()?),
        oid::INT2 => Datum::Int2((u16::from_be_bytes(key.fixed()?) ^ SIGN_16) as i16),
        oid::INT4 => Datum::Int4(key.i32()?),
        oid::INT8 => Datum::Int8(key.i64()?),
        oid::XID8 | oid::PG_LSN => Datum::Int8(i64::from_be_bytes(key.fixed()?)),
        oid::OID | oid::XID | oid::CID => Datum::Oid(u32::from_be_bytes(key.fixed()?)),
        oid::TID => Datum::Tid(u32::from_be_bytes(key.fixed()?), u16::from_be_bytes(key.fixed()?)),
        oid::FLOAT4 => {
            let bits = u32::from_be_bytes(key.fixed()?);
            Datum::Float4(f32::from_bits(if bits & SIGN_32 != 0 { bits ^ SIGN_32 } else { !bits }))
        }
        oid::FLOAT8 => {
            let bits = u64::from_be_bytes(key.fixed()?);
            Datum::Float8(f64::from_bits(if bits & SIGN_64 != 0 { bits ^ SIGN_64 } else { !bits }))
        }
        oid::NUMERIC => {
            let (value, taken) = Numeric::decode_key(&key.rest())?;
            key.at += taken;
            Datum::Numeric(value)
        }
        oid::JSONB => {
            let (value, taken) = jsonb::decode_key(&key.rest())?;
            key.at += taken;
            Datum::Jsonb(value)
        }
        oid::TEXT | oid::VARCHAR | oid::BPCHAR | oid::NAME | oid::UNKNOWN | oid::REFCURSOR => {
            Datum::text(key.until_end()?)
        }
        oid::BYTEA => Datum::Bytea(decode_bytes(key)?.into()),
        oid::BIT | oid::VARBIT => {
            let bytes = decode_bytes(key)?;
            let length: [u8; 4] = key.fixed()?;
            let stored = [&length[..], &bytes[..]].concat();
            Datum::Bits(BitString::from_stored(&stored).ok_or_else(corrupt)?)
        }
        oid::INET | oid::CIDR => decode_inet(key)?,
        oid::MACADDR => Datum::MacAddr(key.fixed()?),
        oid::MACADDR8 => Datum::MacAddr8(key.fixed()?),
        oid::MONEY => Datum::Money(key.i64()?),
        oid::DATE => Datum::Date(key.i32()?),
        oid::TIME => Datum::Time(key.i64()?),
        oid::TIMETZ => {
            let (instant, zone) = (key.i64()?, key.i32()?);
            Datum::TimeTz(instant.wrapping_sub(i64::from(zone) * super::datetime::USECS_PER_SEC), zone)
        }
        oid::TIMESTAMP => Datum::Timestamp(key.i64()?),
        oid::TIMESTAMPTZ => Datum::TimestampTz(key.i64()?),
        oid::INTERVAL => {
            let length = (u128::from_be_bytes(key.fixed()?) ^ SIGN_128) as i128;
            Datum::Interval(Arc::new(interval_of_length(length)?))
        }
        oid::UUID => Datum::Uuid(Arc::new(key.fixed()?)),
        oid::RECORD => decode_record(key)?,
        _ if info::is_reg(type_oid) => Datum::Oid(u32::from_be_bytes(key.fixed()?)),
        _ if let Some(info) = range::of_range(type_oid) => {
            let mut spans = decode_spans(key, info.element)?.into_iter();
            let span = spans.next();
            if spans.next().is_some() {
                return Err(corrupt());
            }
            Datum::Range(Arc::new(Range { info, span }))
        }
        _ if let Some(info) = range::of_multirange(type_oid) => {
            Datum::Multirange(Arc::new(Multirange { info, spans: decode_spans(key, info.element)? }))
        }
        _ => match info::element_of(type_oid) {
            Some(element) => decode_array(key, element)?,
            None if let Some(ty) = user::find(type_oid) => decode_user(key, &ty)?,
            None => {
                let name = info::type_name(type_oid);
                return Err(SqlError::unsupported(format_args!("an index key of type {name}")));
            }
        },
    })
}

fn decode_bytes(key: &mut Key<'_>) -> Result<Vec<u8>> {
    let mut value = Vec::new();
    loop {
        match key.byte()? {
            0 => match key.byte()? {
                0xff => value.push(0),
                1 => return Ok(value),
                _ => return Err(corrupt()),
            },
            b => value.push(b),
        }
    }
}

fn decode_inet(key: &mut Key<'_>) -> Result<Datum> {
    let mut address = Inet { v6: false, bits: 0, bytes: [0; 16] };
    address.v6 = key.byte()? != address.family_byte();
    let size = address.octets().len();
    for _ in 0..size {
        key.byte()?;
    }
    address.bits = key.byte()?;
    for i in 0..size {
        address.bytes[i] = key.byte()?;
    }
    if address.bits > address.bits_max() {
        return Err(corrupt());
    }
    Ok(Datum::Inet(address))
}

/// An interval of whole days and a rest that has the given length.
fn interval_of_length(length: i128) -> Result<Interval> {
    for special in [interval::INFINITY, interval::NEG_INFINITY] {
        if interval::length(&special) == length {
            return Ok(special);
        }
    }
    let day = i128::from(super::datetime::USECS_PER_DAY);
    // The longest intervals do not fit 32-bit months: what is over goes to the days, then to the microseconds.
    let within = |v: i128| v.clamp(i128::from(i32::MIN + 1), i128::from(i32::MAX - 1));
    let kept = within(length / (30 * day));
    let rest = length - kept * 30 * day;
    let days = within(rest / day);
    let micros = rest - days * day;
    match (i32::try_from(kept), i32::try_from(days), i64::try_from(micros)) {
        (Ok(months), Ok(days), Ok(micros)) => Ok(Interval { months, days, micros }),
        _ => Err(corrupt()),
    }
}

fn decode_user(key: &mut Key<'_>, ty: &user::UserType) -> Result<Datum> {
    match &ty.kind {
        user::UserKind::Enum(_) => {
            let rest = key.rest();
            let length = user::position_length(&rest).ok_or_else(corrupt)?;
            let label = user::decode_position(ty.info.oid, &rest[..length]).ok_or_else(corrupt)?;
            key.at += length;
            Ok(Datum::Enum(ty.info.oid, label))
        }
        user::UserKind::Domain(domain) => decode_value(key, domain.base.oid),
        user::UserKind::Composite(relation) => {
            let mut fields = vec![Datum::Null; relation.columns.len()];
            let mut live = relation.live_columns();
            loop {
                match (key.byte()?, live.next()) {
                    (REST_NULL, _) => break Ok(Datum::Record(fields.into())),
                    (VALUE, Some((i, column))) => fields[i] = decode_value(key, column.ty.oid)?,
                    (NULL_LAST, Some(_)) => {}
                    _ => return Err(corrupt()),
                }
            }
        }
        user::UserKind::Range(_) | user::UserKind::Multirange(_) | user::UserKind::Array => Err(corrupt()),
    }
}

fn decode_array(key: &mut Key<'_>, element: Oid) -> Result<Datum> {
    let mut items = Vec::new();
    loop {
        match key.byte()? {
            END => break,
            VALUE => items.push(decode_value(key, element)?),
            NULL_LAST => items.push(Datum::Null),
            _ => return Err(corrupt()),
        }
    }
    let count = usize::from(key.byte()?);
    let lengths: Vec<i32> = (0..count).map(|_| key.i32()).collect::<Result<_>>()?;
    let dims = lengths.into_iter().map(|length| Ok((length, key.i32()?))).collect::<Result<_>>()?;
    Ok(Datum::Array(Arc::new(Array { element, dims, items })))
}

fn decode_spans(key: &mut Key<'_>, element: Oid) -> Result<Vec<Span>> {
    let mut spans = Vec::new();
    loop {
        match key.byte()? {
            END => return Ok(spans),
            VALUE => {}
            _ => return Err(corrupt()),
        }
        let lower = match key.byte()? {
            NULL_FIRST => Bound::UNBOUNDED,
            VALUE => {
                let value = decode_value(key, element)?;
                Bound::new(value, key.byte()? == 0)
            }
            _ => return Err(corrupt()),
        };
        let upper = match key.byte()? {
            NULL_LAST => Bound::UNBOUNDED,
            VALUE => {
                let value = decode_value(key, element)?;
                Bound::new(value, key.byte()? != 0)
            }
            _ => return Err(corrupt()),
        };
        spans.push(Span { lower, upper });
    }
}

fn decode_record(key: &mut Key<'_>) -> Result<Datum> {
    let mut fields = Vec::new();
    loop {
        match key.byte()? {
            END => break,
            VALUE => {
                let type_oid = u32::from_be_bytes(key.fixed()?);
                fields.push(decode_value(key, type_oid)?);
            }
            NULL_LAST => fields.push(Datum::Null),
            _ => return Err(corrupt()),
        }
    }
    Ok(Datum::Record(fields.into()))
}

#[cfg(test)]
mod tests {
    use super::super::compare::compare;
    use super::*;
    use proptest::prelude::*;

    fn key(value: &Datum, type_oid: Oid, desc: bool) -> Vec<u8> {
        let mut out = Vec::new();
        encode(value, type_oid, desc, false, &mut out).unwrap();
        out
    }

    /// Pairs of values of one type.
    fn pair() -> impl Strategy<Value = (Oid, Datum, Datum)> {
        fn of(
            oid: Oid,
            value: impl Strategy<Value = Datum> + Clone + 'static,
        ) -> BoxedStrategy<(Oid, Datum, Datum)> {
            let or_null = prop_oneof![9 => value, 1 => Just(Datum::Null)];
            (Just(oid), or_null.clone(), or_null).boxed()
        }
        let int = any::<i32>().prop_map(Datum::Int4);
        let near = prop_oneof![Just(0.0), Just(-0.0), Just(f64::NAN), Just(-f64::NAN), any::<f64>()];
        let text = "[a-c \u{e4}]{0,4}".prop_map(Datum::text);
        let bytes = proptest::collection::vec(prop_oneof![Just(0u8), Just(1), Just(255), any::<u8>()], 0..5);
        let interval = (-3i32..3, -40i32..40, any::<i32>()).prop_map(|(months, days, micros)| {
            Datum::Interval(Arc::new(Interval { months, days, micros: i64::from(micros) * 5000 }))
        });
        let array =
            proptest::collection::vec(prop_oneof![(-2i32..2).prop_map(Datum::Int4), Just(Datum::Null)], 0..4)
                .prop_map(|items| {
                    let dims = if items.is_empty() { vec![] } else { vec![(items.len() as i32, 1)] };
                    Datum::Array(Arc::new(Array { element: oid::INT4, dims, items }))
                });
        let row =
            (-2i32..2, "[ab]{0,2}").prop_map(|(n, t)| Datum::Record([Datum::Int4(n), Datum::text(t)].into()));
        prop_oneof![
            of(oid::INT4, int),
            of(oid::INT8, any::<i64>().prop_map(Datum::Int8)),
            of(oid::INT2, any::<i16>().prop_map(Datum::Int2)),
            of(oid::FLOAT8, near.clone().prop_map(Datum::Float8)),
            of(oid::FLOAT4, near.prop_map(|v| Datum::Float4(v as f32))),
            of(oid::TEXT, text.clone()),
            of(oid::BPCHAR, text),
            of(oid::BYTEA, bytes.prop_map(|b| Datum::Bytea(b.into()))),
            of(oid::TIMESTAMP, any::<i64>().prop_map(Datum::Timestamp)),
            of(
                oid::TIMETZ,
                (0i64..86_400, -50_000i32..50_000).prop_map(|(t, z)| Datum::TimeTz(t * 1_000_000, z))
            ),
            of(oid::INTERVAL, interval),
            of(1007, array),
            of(oid::RECORD, row),
        ]
    }

    proptest! {
        #[test]
        fn keys_order_as_values((type_oid, a, b) in pair()) {
            let order = compare(&a, &b, type_oid);
            prop_assert_eq!(key(&a, type_oid, false).cmp(&key(&b, type_oid, false)), order);
            if !a.is_null() && !b.is_null() {
                prop_assert_eq!(key(&a, type_oid, true).cmp(&key(&b, type_oid, true)), order.reverse());
            }
        }

        #[test]
        fn keys_decode((type_oid, a, b) in pair(), desc in any::<bool>()) {
            let mut bytes = key(&a, type_oid, desc);
            let length = bytes.len();
            bytes.extend(key(&b, type_oid, desc));
            let (back, taken) = decode(&bytes, type_oid, desc, false).unwrap();
            prop_assert_eq!(taken, length);
            prop_assert!(compare(&back, &a, type_oid).is_eq(), "{:?} {:?}", back, a);
            for cut in 0..length {
                let _ = decode(&bytes[..cut], type_oid, desc, false);
            }
        }
    }
}
