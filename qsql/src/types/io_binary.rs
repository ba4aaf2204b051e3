//! Values from and to PostgreSQL's binary wire format: big-endian, fixed widths, counted arrays and rows.

use super::range::{self, Bound, Multirange, Range, RangeInfo, Span};
use super::{
    Array, BitString, Datum, Inet, Interval, Numeric, Oid, array_text, coerce, info, json, jsonb, jsonpath,
    macaddr, oid, user,
};
use crate::error::{Result, SqlError};
use crate::sql_err;
use std::sync::Arc;

/// The version byte in front of a `jsonb`'s text.
const JSONB_VERSION: u8 = 1;
/// The version byte in front of a `jsonpath`'s text.
const JSONPATH_VERSION: u8 = 1;

/// A cursor over a message.
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let (head, rest) = self
            .0
            .split_at_checked(count)
            .ok_or_else(|| sql_err!(PROTOCOL_VIOLATION, "insufficient data left in message"))?;
        self.0 = rest;
        Ok(head)
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        bytes.copy_from_slice(self.take(N)?);
        Ok(bytes)
    }

    fn i16(&mut self) -> Result<i16> {
        self.fixed().map(i16::from_be_bytes)
    }

    pub(super) fn i32(&mut self) -> Result<i32> {
        self.fixed().map(i32::from_be_bytes)
    }

    fn i64(&mut self) -> Result<i64> {
        self.fixed().map(i64::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32> {
        self.fixed().map(u32::from_be_bytes)
    }

    /// A counted value; `None` is NULL.
    pub(super) fn counted(&mut self) -> Result<Option<&'a [u8]>> {
        match self.i32()? {
            -1 => Ok(None),
            count => match usize::try_from(count) {
                Ok(count) => self.take(count).map(Some),
                Err(_) => Err(sql_err!(INVALID_BINARY_REPRESENTATION, "insufficient data left in message")),
            },
        }
    }
}

/// The text of bytes.
///
/// # Errors
/// 22021 where they are not UTF-8, or hold a zero byte.
pub fn checked_text(bytes: &[u8]) -> Result<&str> {
    let s = std::str::from_utf8(bytes).map_err(|e| {
        let at = e.valid_up_to();
        let shown: Vec<String> =
            bytes[at..].iter().take(e.error_len().unwrap_or(1)).map(|b| format!("0x{b:02x}")).collect();
        sql_err!(
            CHARACTER_NOT_IN_REPERTOIRE,
            "invalid byte sequence for encoding \"UTF8\": {}",
            shown.join(" ")
        )
    })?;
    if s.contains('\0') {
        return Err(sql_err!(
            CHARACTER_NOT_IN_REPERTOIRE,
            "invalid byte sequence for encoding \"UTF8\": 0x00"
        ));
    }
    Ok(s)
}

/// Reads a value of type `oid` from the binary format and applies `typmod`.
///
/// # Errors
/// 22P03 for malformed bytes, 08P01 when they end early, 0A000 for types not built, and those of the modifier.
pub fn recv_binary(type_oid: Oid, typmod: i32, bytes: &[u8]) -> Result<Datum> {
    let mut input = Bytes(bytes);
    let value = match type_oid {
        oid::TEXT | oid::UNKNOWN | oid::CSTRING | oid::REFCURSOR | oid::VARCHAR | oid::BPCHAR => {
            let text = checked_text(bytes)?;
            return coerce::apply_typmod(Datum::text(text), type_oid, typmod, false);
        }
        oid::NAME => {
            let text = checked_text(bytes)?;
            if text.len() > super::io_text::NAME_LENGTH_MAX {
                return Err(sql_err!(NAME_TOO_LONG, "identifier too long")
                    .detail("Identifier must be less than 64 characters."));
            }
            return Ok(Datum::text(text));
        }
        oid::BYTEA => return Ok(Datum::Bytea(bytes.into())),
        oid::BIT => return Ok(Datum::Bits(BitString::recv(bytes)?.fit_fixed(typmod, false)?)),
        oid::VARBIT => return Ok(Datum::Bits(BitString::recv(bytes)?.fit_varying(typmod, false)?)),
        oid::INET | oid::CIDR => return Inet::recv(bytes, type_oid).map(Datum::Inet),
        oid::MACADDR => Datum::MacAddr(input.fixed()?),
        oid::MACADDR8 if bytes.len() == 6 => Datum::MacAddr8(macaddr::widen(input.fixed()?)),
        oid::MACADDR8 => Datum::MacAddr8(input.fixed()?),
        oid::MONEY => Datum::Money(input.i64()?),
        oid::JSON => {
            let text = checked_text(bytes)?;
            json::validate(text)?;
            return Ok(Datum::text(text));
        }
        oid::JSONPATH => {
            let version = input.take(1)?[0];
            if version != JSONPATH_VERSION {
                // XX000 in PostgreSQL; it is the client's error.
                return Err(sql_err!(
                    INVALID_BINARY_REPRESENTATION,
                    "unsupported jsonpath version number: {version}"
                ));
            }
            return Ok(Datum::text(jsonpath::parse(checked_text(input.0)?)?.to_string()));
        }
        oid::JSONB => {
            let version = input.take(1)?[0];
            if version != JSONB_VERSION {
                return Err(sql_err!(
                    INVALID_BINARY_REPRESENTATION,
                    "unsupported jsonb version number {version}"
                ));
            }
            return Ok(Datum::Jsonb(jsonb::parse(checked_text(input.0)?)?));
        }
        oid::NUMERIC => return Ok(Datum::Numeric(Numeric::recv(bytes)?.apply_typmod(typmod)?)),
        oid::BOOL => Datum::Bool(input.take(1)?[0] != 0),
        oid::CHAR => Datum::Char(input.take(1)?[0]),
        oid::INT2 => Datum::Int2(input.i16()?),
        oid::INT4 => Datum::Int4(input.i32()?),
        oid::INT8 | oid::XID8 | oid::PG_LSN => Datum::Int8(input.i64()?),
        oid::OID | oid::XID | oid::CID => Datum::Oid(input.u32()?),
        oid::FLOAT4 => Datum::Float4(f32::from_bits(input.u32()?)),
        oid::FLOAT8 => Datum::Float8(f64::from_bits(input.i64()? as u64)),
        oid::DATE => Datum::Date(check_date(input.i32()?)?),
        oid::TIME => Datum::Time(check_time(input.i64()?)?),
        oid::TIMETZ => Datum::TimeTz(check_time(input.i64()?)?, check_zone(input.i32()?)?),
        oid::TIMESTAMP => Datum::Timestamp(check_timestamp(input.i64()?)?),
        oid::TIMESTAMPTZ => Datum::TimestampTz(check_timestamp(input.i64()?)?),
        oid::INTERVAL => {
            let (micros, days, months) = (input.i64()?, input.i32()?, input.i32()?);
            Datum::Interval(Arc::new(Interval { months, days, micros }))
        }
        oid::UUID => Datum::Uuid(Arc::new(input.fixed()?)),
        oid::TID => Datum::Tid(input.u32()?, input.i16()? as u16),
        oid::RECORD => recv_record(&mut input)?,
        _ if info::is_reg(type_oid) => Datum::Oid(input.u32()?),
        _ => match (info::element_of(type_oid), range::of_range(type_oid), range::of_multirange(type_oid)) {
            (Some(element), ..) => recv_array(&mut input, element, typmod)?,
            (_, Some(info), _) => Datum::Range(Arc::new(recv_range(&mut input, info)?)),
            (.., Some(info)) => Datum::Multirange(Arc::new(recv_multirange(&mut input, info)?)),
            (None, None, None) if let Some(value) = user::recv_binary(type_oid, bytes)? => return Ok(value),
            (None, None, None) => {
                let name = info::type_name(type_oid);
                return Err(SqlError::unsupported(format_args!("binary input of type {name}")));
            }
        },
    };
    if !input.0.is_empty() {
        return Err(sql_err!(INVALID_BINARY_REPRESENTATION, "incorrect binary data format"));
    }
    match type_oid {
        oid::TIME | oid::TIMETZ | oid::TIMESTAMP | oid::TIMESTAMPTZ | oid::INTERVAL => {
            coerce::apply_typmod(value, type_oid, typmod, false)
        }
        _ => Ok(value),
    }
}

fn check_date(days: i32) -> Result<i32> {
    match super::datetime::is_valid_date(days) {
        true => Ok(days),
        false => Err(sql_err!(DATETIME_FIELD_OVERFLOW, "date out of range")),
    }
}

fn check_timestamp(micros: i64) -> Result<i64> {
    match super::datetime::is_valid_timestamp(micros) {
        true => Ok(micros),
        false => Err(sql_err!(DATETIME_FIELD_OVERFLOW, "timestamp out of range")),
    }
}

fn check_time(micros: i64) -> Result<i64> {
    match (0..=super::datetime::USECS_PER_DAY).contains(&micros) {
        true => Ok(micros),
        false => Err(sql_err!(DATETIME_FIELD_OVERFLOW, "time out of range")),
    }
}

fn check_zone(seconds: i32) -> Result<i32> {
    match seconds.unsigned_abs() < 16 * 3600 {
        true => Ok(seconds),
        false => Err(sql_err!(INVALID_TIME_ZONE_DISPLACEMENT, "time zone displacement out of range")),
    }
}

fn recv_array(input: &mut Bytes<'_>, element: Oid, typmod: i32) -> Result<Datum> {
    let dimensions = input.i32()?;
    if dimensions < 0 {
        return Err(sql_err!(INVALID_BINARY_REPRESENTATION, "invalid number of dimensions: {dimensions}"));
    }
    if dimensions as usize > array_text::DIMENSIONS_MAX {
        return Err(sql_err!(
            PROGRAM_LIMIT_EXCEEDED,
            "number of array dimensions ({dimensions}) exceeds the maximum allowed (6)"
        ));
    }
    let flags = input.i32()?;
    if !(0..=1).contains(&flags) {
        return Err(sql_err!(INVALID_BINARY_REPRESENTATION, "invalid array flags"));
    }
    let sent = input.u32()?;
    if sent != element {
        return Err(sql_err!(
            DATATYPE_MISMATCH,
            "binary data has array element type {sent} ({}) instead of expected {element} ({})",
            info::type_name(sent),
            info::type_name(element)
        ));
    }
    let mut dims = Vec::new();
    let mut count = 1i64;
    for _ in 0..dimensions {
        let (length, lower) = (input.i32()?, input.i32()?);
        let fits = length >= 0 && lower.checked_add(length).is_some();
        count = count.saturating_mul(i64::from(length.max(0)));
        // Every element takes four bytes at least, so a larger count is a lie.
        if !fits || count > input.0.len() as i64 / 4 + 1 {
            return Err(sql_err!(
                PROGRAM_LIMIT_EXCEEDED,
                "array size exceeds the maximum allowed (134217727)"
            ));
        }
        dims.push((length, lower));
    }
    if dimensions == 0 || count == 0 {
        return Ok(Datum::Array(Arc::new(Array { element, dims: Vec::new(), items: Vec::new() })));
    }
    let mut items = Vec::with_capacity(count as usize);
    for _ in 0..count {
        items.push(match input.counted()? {
            Some(bytes) => recv_binary(element, typmod, bytes)?,
            None => Datum::Null,
        });
    }
    Ok(Datum::Array(Arc::new(Array { element, dims, items })))
}

fn recv_record(input: &mut Bytes<'_>) -> Result<Datum> {
    let count = input.i32()?;
    let mut fields = Vec::new();
    for _ in 0..count {
        let field = input.u32()?;
        fields.push(match input.counted()? {
            Some(bytes) => recv_binary(field, -1, bytes)?,
            None => Datum::Null,
        });
    }
    Ok(Datum::Record(fields.into()))
}

/// The bits of a range's first byte.
mod flag {
    pub const EMPTY: u8 = 0x01;
    pub const LOWER_INCLUSIVE: u8 = 0x02;
    pub const UPPER_INCLUSIVE: u8 = 0x04;
    pub const LOWER_INFINITE: u8 = 0x08;
    pub const UPPER_INFINITE: u8 = 0x10;
}

fn recv_range(input: &mut Bytes<'_>, info: RangeInfo) -> Result<Range> {
    let flags = input.take(1)?[0];
    if flags & flag::EMPTY != 0 {
        return Ok(Range { info, span: None });
    }
    let mut bound = |infinite: u8, inclusive: u8| {
        if flags & infinite != 0 {
            return Ok(Bound::UNBOUNDED);
        }
        let length = input.i32()?;
        let bytes = input.take(usize::try_from(length).unwrap_or(usize::MAX))?;
        Ok(Bound::new(recv_binary(info.element, -1, bytes)?, flags & inclusive != 0))
    };
    let lower = bound(flag::LOWER_INFINITE, flag::LOWER_INCLUSIVE)?;
    let upper = bound(flag::UPPER_INFINITE, flag::UPPER_INCLUSIVE)?;
    Range::new(info, lower, upper)
}

fn recv_multirange(input: &mut Bytes<'_>, info: RangeInfo) -> Result<Multirange> {
    let mut spans = Vec::new();
    for _ in 0..input.u32()? {
        let length = input.u32()?;
        let mut range = Bytes(input.take(length as usize)?);
        spans.extend(recv_range(&mut range, info)?.span);
        if !range.0.is_empty() {
            return Err(sql_err!(INVALID_BINARY_REPRESENTATION, "incorrect binary data format"));
        }
    }
    Ok(Multirange::new(info, spans))
}

fn send_range(span: Option<&Span>, element: Oid, out: &mut Vec<u8>) -> Result<()> {
    let Some(Span { lower, upper }) = span else {
        out.push(flag::EMPTY);
        return Ok(());
    };
    let bits = [
        (lower.inclusive, flag::LOWER_INCLUSIVE),
        (upper.inclusive, flag::UPPER_INCLUSIVE),
        (lower.is_infinite(), flag::LOWER_INFINITE),
        (upper.is_infinite(), flag::UPPER_INFINITE),
    ];
    out.push(bits.iter().filter(|(set, _)| *set).fold(0, |flags, (_, bit)| flags | bit));
    for bound in [lower, upper] {
        if !bound.is_infinite() {
            send_counted(&bound.value, element, out)?;
        }
    }
    Ok(())
}

fn send_multirange(value: &Multirange, out: &mut Vec<u8>) -> Result<()> {
    out.extend_from_slice(&count(value.spans.len())?);
    for span in &value.spans {
        let start = out.len();
        out.extend_from_slice(&[0; 4]);
        send_range(Some(span), value.info.element, out)?;
        let length = count(out.len() - start - 4)?;
        out[start..start + 4].copy_from_slice(&length);
    }
    Ok(())
}

/// Appends the binary form of `value`, which is of type `oid` and not NULL.
///
/// # Errors
/// 54000 when a part exceeds the format's counts, XX000 for NULL.
#[inline]
pub fn send_binary(value: &Datum, type_oid: Oid, out: &mut Vec<u8>) -> Result<()> {
    match value {
        Datum::Bool(v) => out.push(u8::from(*v)),
        Datum::Char(v) => out.push(*v),
        Datum::Int2(v) => out.extend_from_slice(&v.to_be_bytes()),
        Datum::Int4(v) => out.extend_from_slice(&v.to_be_bytes()),
        Datum::Int8(v) => out.extend_from_slice(&v.to_be_bytes()),
        Datum::Oid(v) => out.extend_from_slice(&v.to_be_bytes()),
        Datum::Float4(v) => out.extend_from_slice(&v.to_bits().to_be_bytes()),
        Datum::Float8(v) => out.extend_from_slice(&v.to_bits().to_be_bytes()),
        Datum::Text(v) => {
            if info::base_type(type_oid) == oid::JSONPATH {
                out.push(JSONPATH_VERSION);
            }
            out.extend_from_slice(v.as_bytes());
        }
        Datum::Bytea(v) => out.extend_from_slice(v),
        Datum::Numeric(v) => v.send(out),
        Datum::Date(v) => out.extend_from_slice(&v.to_be_bytes()),
        Datum::Time(v) | Datum::Timestamp(v) | Datum::TimestampTz(v) => {
            out.extend_from_slice(&v.to_be_bytes())
        }
        Datum::TimeTz(v, zone) => {
            out.extend_from_slice(&v.to_be_bytes());
            out.extend_from_slice(&zone.to_be_bytes());
        }
        Datum::Interval(v) => {
            out.extend_from_slice(&v.micros.to_be_bytes());
            out.extend_from_slice(&v.days.to_be_bytes());
            out.extend_from_slice(&v.months.to_be_bytes());
        }
        Datum::Uuid(v) => out.extend_from_slice(&v[..]),
        Datum::Bits(v) => out.extend_from_slice(v.stored()),
        Datum::Inet(v) => v.send(type_oid, out),
        Datum::MacAddr(v) => out.extend_from_slice(v),
        Datum::MacAddr8(v) => out.extend_from_slice(v),
        Datum::Money(v) => out.extend_from_slice(&v.to_be_bytes()),
        Datum::Jsonb(v) => {
            out.push(JSONB_VERSION);
            jsonb::write(jsonb::Node::new(v), out);
        }
        Datum::Tid(block, item) => {
            out.extend_from_slice(&block.to_be_bytes());
            out.extend_from_slice(&item.to_be_bytes());
        }
        Datum::Array(array) => send_array(array, out)?,
        Datum::Range(range) => send_range(range.span.as_ref(), range.info.element, out)?,
        Datum::Multirange(value) => send_multirange(value, out)?,
        Datum::Enum(ty, label) => out.extend_from_slice(user::enum_label(*ty, *label)?.as_bytes()),
        Datum::Record(fields) if let Some(relation) = user::row_relation(type_oid) => {
            user::send_record(fields, &relation, out)?;
        }
        Datum::Record(fields) => {
            out.extend_from_slice(&count(fields.len())?);
            for field in fields.iter() {
                out.extend_from_slice(&field.natural_type().to_be_bytes());
                send_counted(field, field.natural_type(), out)?;
            }
        }
        Datum::Null => {
            return Err(SqlError::internal(format_args!("binary output of NULL of type {type_oid}")));
        }
    }
    Ok(())
}

fn count(n: usize) -> Result<[u8; 4]> {
    i32::try_from(n)
        .map(i32::to_be_bytes)
        .map_err(|_| sql_err!(PROGRAM_LIMIT_EXCEEDED, "value exceeds the limits of the binary format"))
}

fn send_array(array: &Array, out: &mut Vec<u8>) -> Result<()> {
    out.extend_from_slice(&count(array.dims.len())?);
    let has_null = array.items.iter().any(Datum::is_null);
    out.extend_from_slice(&i32::from(has_null).to_be_bytes());
    out.extend_from_slice(&array.element.to_be_bytes());
    for (length, lower) in &array.dims {
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(&lower.to_be_bytes());
    }
    array.items.iter().try_for_each(|item| send_counted(item, array.element, out))
}

/// Appends length and value, or -1 for NULL.
pub(super) fn send_counted(value: &Datum, type_oid: Oid, out: &mut Vec<u8>) -> Result<()> {
    if value.is_null() {
        out.extend_from_slice(&(-1i32).to_be_bytes());
        return Ok(());
    }
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    send_binary(value, type_oid, out)?;
    let length = count(out.len() - start - 4)?;
    out[start..start + 4].copy_from_slice(&length);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{IoContext, io_text};
    use super::*;

    #[test]
    fn binary_round_trips() {
        let cx = IoContext::default();
        for (type_oid, text) in [
            (oid::BOOL, "t"),
            (oid::CHAR, "x"),
            (oid::INT2, "-2"),
            (oid::INT4, "70000"),
            (oid::INT8, "-9000000000"),
            (oid::FLOAT4, "1.5"),
            (oid::FLOAT8, "-0.1"),
            (oid::NUMERIC, "-123456.7890"),
            (oid::TEXT, "a\u{e4}"),
            (oid::NAME, "pg_class"),
            (oid::BYTEA, "\\x00ff"),
            (oid::UUID, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
            (oid::VARBIT, "10110"),
            (oid::INET, "10.1.2.3/8"),
            (oid::CIDR, "2001:db8::/32"),
            (oid::MACADDR, "08:00:2b:01:02:03"),
            (oid::MONEY, "-$1,234.50"),
            (oid::JSONB, "{\"a\": [1, null]}"),
            (oid::JSONPATH, "$.\"a\"[*]"),
            (oid::JSON, " {\"a\":[1] }"),
            (oid::OID, "4294967295"),
            (oid::TID, "(7,65535)"),
            (1231, "[0:1]={1.50,NULL}"),
            (1009, "{{a,\"b c\"},{NULL,\"\"}}"),
            (1007, "{}"),
        ] {
            let value = io_text::parse_text(type_oid, -1, text, &cx).unwrap();
            let mut bytes = Vec::new();
            send_binary(&value, type_oid, &mut bytes).unwrap();
            let back = recv_binary(type_oid, -1, &bytes).unwrap();
            assert_eq!(io_text::to_text(&back, type_oid, &cx).unwrap(), text);
            if !matches!(type_oid, oid::TEXT | oid::NAME | oid::BYTEA) {
                assert!(recv_binary(type_oid, -1, &bytes[..bytes.len() - 1]).is_err(), "{text}");
            }
        }
        let row = Datum::Record([Datum::Int4(1), Datum::Null, Datum::text("a b")].into());
        let mut bytes = Vec::new();
        send_binary(&row, oid::RECORD, &mut bytes).unwrap();
        let back = recv_binary(oid::RECORD, -1, &bytes).unwrap();
        assert_eq!(io_text::to_text(&back, oid::RECORD, &cx).unwrap(), "(1,,\"a b\")");
        assert!(recv_binary(oid::TEXT, -1, &[0xff]).is_err() && recv_binary(oid::TEXT, -1, &[0]).is_err());
    }
}
