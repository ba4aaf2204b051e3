//! Values from and to PostgreSQL's text form.
//!
//! One `match` by type, each arm a call of the type's own reader or writer; those work on byte slices and append to the
//! caller's buffer, so that neither COPY nor a result row allocates per value.

use super::datetime::{date, interval, time, timestamp};
use super::{
    Array, BitString, Datum, Inet, IoContext, Numeric, Oid, array_text, bytea, coerce, float, info, int,
    json, jsonb, jsonpath, macaddr, money, oid, range, user,
};
use crate::error::{Result, SqlError};
use crate::sql_err;
use std::sync::Arc;

/// Longest identifier in bytes.
pub const NAME_LENGTH_MAX: usize = 63;

#[cold]
fn syntax(type_name: &str, text: &str) -> SqlError {
    sql_err!(INVALID_TEXT_REPRESENTATION, "invalid input syntax for type {type_name}: \"{text}\"")
}

/// Reads a value of type `oid` from its text form and applies `typmod` as an input function does.
///
/// # Errors
/// The type's own: 22P02, 22003, 22007, 22008, 22001 and so on with PostgreSQL's texts; 0A000 for types not built.
pub fn parse_text(type_oid: Oid, typmod: i32, text: &str, cx: &IoContext<'_>) -> Result<Datum> {
    let bytes = text.as_bytes();
    let value = match type_oid {
        oid::INT4 => Datum::Int4(int::parse_i32(bytes)?),
        oid::INT8 => Datum::Int8(int::parse_i64(bytes)?),
        oid::INT2 => Datum::Int2(int::parse_i16(bytes)?),
        oid::FLOAT8 => Datum::Float8(float::parse_f64(bytes)?),
        oid::FLOAT4 => Datum::Float4(float::parse_f32(bytes)?),
        oid::NUMERIC => Datum::Numeric(Numeric::parse_bytes(bytes)?.apply_typmod(typmod)?),
        oid::TEXT | oid::UNKNOWN | oid::CSTRING | oid::REFCURSOR => Datum::text(text),
        oid::VARCHAR | oid::BPCHAR if typmod >= 4 => coerce::fit_text(text, type_oid, typmod, false)?,
        oid::VARCHAR | oid::BPCHAR => Datum::text(text),
        oid::BOOL => Datum::Bool(parse_bool(text)?),
        oid::DATE => Datum::Date(date::parse(text, cx)?),
        oid::TIMESTAMP => Datum::Timestamp(timestamp::parse(text, typmod, cx)?),
        oid::TIMESTAMPTZ => Datum::TimestampTz(timestamp::parse_tz(text, typmod, cx)?),
        oid::TIME => Datum::Time(time::parse(text, typmod, cx)?),
        oid::TIMETZ => {
            let (time, zone) = time::parse_tz(text, typmod, cx)?;
            Datum::TimeTz(time, zone)
        }
        oid::INTERVAL => Datum::Interval(Arc::new(interval::parse(text, typmod, cx)?)),
        oid::BYTEA => Datum::Bytea(bytea::parse(bytes)?.into()),
        oid::UUID => Datum::Uuid(Arc::new(parse_uuid(text)?)),
        oid::BIT => Datum::Bits(BitString::parse(text)?.fit_fixed(typmod, false)?),
        oid::VARBIT => Datum::Bits(BitString::parse(text)?.fit_varying(typmod, false)?),
        oid::INET | oid::CIDR => Datum::Inet(Inet::parse(text, type_oid)?),
        oid::MACADDR => Datum::MacAddr(macaddr::parse(text)?),
        oid::MACADDR8 => Datum::MacAddr8(macaddr::parse8(text)?),
        oid::MONEY => Datum::Money(money::parse(text)?),
        oid::JSON => {
            json::validate(text)?;
            Datum::text(text)
        }
        oid::JSONB => Datum::Jsonb(jsonb::parse(text)?),
        oid::JSONPATH => Datum::text(jsonpath::parse(text)?.to_string()),
        oid::NAME => Datum::text(truncate_name(text)),
        oid::CHAR => Datum::Char(parse_char(bytes)),
        oid::OID => Datum::Oid(int::parse_u32(bytes, "oid")?),
        oid::XID => Datum::Oid(int::parse_u32(bytes, "xid")?),
        oid::CID => Datum::Oid(int::parse_u32(bytes, "cid")?),
        oid::XID8 => Datum::Int8(int::parse_u64(bytes, "xid8")? as i64),
        oid::PG_LSN => Datum::Int8(parse_lsn(text).ok_or_else(|| syntax("pg_lsn", text))? as i64),
        oid::PG_SNAPSHOT | oid::TXID_SNAPSHOT => {
            Datum::text(parse_snapshot(text).ok_or_else(|| syntax("pg_snapshot", text))?)
        }
        oid::ACLITEM => Datum::text(text),
        oid::TID => parse_tid(text)?,
        oid::INT2VECTOR => parse_vector(text, oid::INT2)?,
        oid::OIDVECTOR => parse_vector(text, oid::OID)?,
        oid::RECORD => {
            return Err(SqlError::new(
                crate::SqlState::FEATURE_NOT_SUPPORTED,
                "input of anonymous composite types is not implemented",
            ));
        }
        _ if info::is_reg(type_oid) => Datum::Oid(parse_reg(type_oid, text, cx)?),
        _ => return parse_other(type_oid, typmod, text, cx),
    };
    Ok(value)
}

/// Ranges, arrays, and the refusal of what is not built.
fn parse_other(type_oid: Oid, typmod: i32, text: &str, cx: &IoContext<'_>) -> Result<Datum> {
    if let Some(value) = user::parse_text(type_oid, text, cx)? {
        return Ok(value);
    }
    if let Some(info) = range::of_range(type_oid) {
        return Ok(Datum::Range(Arc::new(range::text::parse_range(info, text, cx)?)));
    }
    if let Some(info) = range::of_multirange(type_oid) {
        return Ok(Datum::Multirange(Arc::new(range::text::parse_multirange(info, text, cx)?)));
    }
    let Some(element) = info::element_of(type_oid) else {
        let name = info::type_name(type_oid);
        if info::by_oid(type_oid).is_some_and(|t| t.kind == info::TypeKind::Pseudo) {
            return Err(sql_err!(FEATURE_NOT_SUPPORTED, "cannot accept a value of type {name}"));
        }
        return Err(SqlError::unsupported(format_args!("input of type {name}")));
    };
    let delimiter = info::by_oid(element).map_or(b',', |t| t.delim);
    let array =
        array_text::parse_array(text, element, delimiter, |item| parse_text(element, typmod, item, cx))?;
    Ok(Datum::Array(Arc::new(array)))
}

/// Appends the text form of `value`, which is of type `oid` and not NULL.
///
/// # Errors
/// 0A000 for types not built, XX000 when the value is not of the type.
#[inline]
pub fn write_text(value: &Datum, type_oid: Oid, cx: &IoContext<'_>, out: &mut Vec<u8>) -> Result<()> {
    match value {
        Datum::Int4(v) => int::write_i64(i64::from(*v), out),
        Datum::Int8(v) if info::base_type(type_oid) == oid::XID8 => int::write_u64(*v as u64, out),
        Datum::Int8(v) if info::base_type(type_oid) == oid::PG_LSN => write_lsn(*v as u64, out),
        Datum::Int8(v) => int::write_i64(*v, out),
        Datum::Int2(v) => int::write_i64(i64::from(*v), out),
        Datum::Text(text) => out.extend_from_slice(text.as_bytes()),
        Datum::Float8(v) => float::write_f64(*v, cx.extra_float_digits, out),
        Datum::Float4(v) => float::write_f32(*v, cx.extra_float_digits, out),
        Datum::Numeric(v) => v.write(out),
        Datum::Bool(v) => out.push(if *v { b't' } else { b'f' }),
        Datum::Date(v) => date::write(*v, cx, out),
        Datum::Timestamp(v) => timestamp::write(*v, cx, out),
        Datum::TimestampTz(v) => timestamp::write_tz(*v, cx, out),
        Datum::Time(v) => time::write(*v, out),
        Datum::TimeTz(v, zone) => time::write_tz(*v, *zone, out),
        Datum::Interval(v) => interval::write(v, cx, out),
        Datum::Bytea(v) => bytea::write(v, cx.bytea_output, out),
        Datum::Uuid(v) => write_uuid(v, out),
        Datum::Bits(v) => v.write(out),
        Datum::Inet(v) => v.write(type_oid, out),
        Datum::MacAddr(v) => macaddr::write(v, out),
        Datum::MacAddr8(v) => macaddr::write(v, out),
        Datum::Money(v) => money::write(*v, out),
        Datum::Jsonb(v) => jsonb::write(jsonb::Node::new(v), out),
        Datum::Char(v) => write_char(*v, out),
        Datum::Oid(v) if info::is_reg(info::base_type(type_oid)) => {
            write_reg(*v, info::base_type(type_oid), cx, out)
        }
        Datum::Oid(v) => int::write_u64(u64::from(*v), out),
        Datum::Tid(block, item) => out.extend_from_slice(format!("({block},{item})").as_bytes()),
        Datum::Array(array) => write_array(array, type_oid, cx, out)?,
        Datum::Enum(ty, label) => out.extend_from_slice(user::enum_label(*ty, *label)?.as_bytes()),
        Datum::Record(fields) if let Some(relation) = user::row_relation(type_oid) => {
            user::write_record(fields, &relation, cx, out)?;
        }
        Datum::Record(fields) => {
            array_text::write_record(fields, out, |_, field, out| {
                write_text(field, field.natural_type(), cx, out)
            })?;
        }
        Datum::Range(v) => range::text::write_range(v, cx, out)?,
        Datum::Multirange(v) => range::text::write_multirange(v, cx, out)?,
        Datum::Null => return Err(SqlError::internal("output function called for NULL")),
    }
    Ok(())
}

fn write_array(array: &Array, type_oid: Oid, cx: &IoContext<'_>, out: &mut Vec<u8>) -> Result<()> {
    if matches!(info::base_type(type_oid), oid::INT2VECTOR | oid::OIDVECTOR) {
        for (i, item) in array.items.iter().enumerate() {
            if i > 0 {
                out.push(b' ');
            }
            write_text(item, array.element, cx, out)?;
        }
        return Ok(());
    }
    let delimiter = info::by_oid(array.element).map_or(b',', |t| t.delim);
    array_text::write_array(array, delimiter, out, |item, out| write_text(item, array.element, cx, out))
}

/// Returns the text form of `value` as a string; see [`write_text`].
pub fn to_text(value: &Datum, oid: Oid, cx: &IoContext<'_>) -> Result<String> {
    let mut out = Vec::new();
    write_text(value, oid, cx, &mut out)?;
    String::from_utf8(out).map_err(|_| SqlError::internal("output function produced invalid UTF-8"))
}

/// Reads a boolean: any unambiguous beginning of true, false, yes, no, on, off, or 1 and 0.
pub fn parse_bool(text: &str) -> Result<bool> {
    let word = text.trim_matches(|c: char| u8::try_from(c).is_ok_and(int::is_space));
    if let [b't' | b'T'] = word.as_bytes() {
        return Ok(true);
    }
    let begins = |full: &str, least: usize| {
        (least..=full.len()).contains(&word.len())
            && full.as_bytes()[..word.len()].eq_ignore_ascii_case(word.as_bytes())
    };
    if begins("true", 1) || begins("yes", 1) || begins("on", 2) || word == "1" {
        Ok(true)
    } else if begins("false", 1) || begins("no", 1) || begins("off", 2) || word == "0" {
        Ok(false)
    } else {
        Err(syntax("boolean", text))
    }
}

/// Cuts an identifier to PostgreSQL's 63 bytes, at a character's edge.
pub fn truncate_name(text: &str) -> &str {
    &text[..text.floor_char_boundary(NAME_LENGTH_MAX)]
}

/// Reads a `"char"`: the first byte, or `\ooo`.
fn parse_char(text: &[u8]) -> u8 {
    match text {
        [b'\\', a @ b'0'..=b'7', b @ b'0'..=b'7', c @ b'0'..=b'7'] => {
            (a - b'0') << 6 | (b - b'0') << 3 | (c - b'0')
        }
        [first, ..] => *first,
        [] => 0,
    }
}

fn write_char(byte: u8, out: &mut Vec<u8>) {
    match byte {
        0 => {}
        0x80.. => {
            out.extend_from_slice(&[b'\\', b'0' + (byte >> 6), b'0' + (byte >> 3 & 7), b'0' + (byte & 7)])
        }
        _ => out.push(byte),
    }
}

/// Reads a UUID: 32 hex digits, braces around and hyphens after every four digits allowed.
fn parse_uuid(text: &str) -> Result<[u8; 16]> {
    let bytes = text.as_bytes();
    let body = match bytes {
        [b'{', inner @ .., b'}'] => inner,
        _ => bytes,
    };
    let mut uuid = [0u8; 16];
    let mut nibbles = 0;
    let mut rest = body;
    while let [b, tail @ ..] = rest {
        if *b == b'-' && nibbles > 0 && nibbles % 4 == 0 && nibbles < 32 && rest.len() < body.len() {
            rest = tail;
            // One hyphen at most: the next must be a digit.
            if !rest.first().is_some_and(u8::is_ascii_hexdigit) {
                return Err(syntax("uuid", text));
            }
            continue;
        }
        let digit = (*b as char).to_digit(16).filter(|_| nibbles < 32).ok_or_else(|| syntax("uuid", text))?;
        uuid[nibbles / 2] |= (digit as u8) << (4 * (1 - nibbles % 2));
        nibbles += 1;
        rest = tail;
    }
    if nibbles == 32 { Ok(uuid) } else { Err(syntax("uuid", text)) }
}

fn write_uuid(uuid: &[u8; 16], out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    for (i, b) in uuid.iter().enumerate() {
        if matches!(i, 4 | 6 | 8 | 10) {
            out.push(b'-');
        }
        out.extend_from_slice(&[HEX[usize::from(b >> 4)], HEX[usize::from(b & 15)]]);
    }
}

/// Reads a `tid` as PostgreSQL does: two numbers behind `(` and `,`, each without blanks after it; what follows `)` and stands
/// before `(` is not looked at.
fn parse_tid(text: &str) -> Result<Datum> {
    let tid = (|| {
        let open = text.find(['(', ','])?;
        let (block, rest) = text[open + 1..].split_once(',')?;
        let (item, _) = rest.split_once(')')?;
        let number = |part: &str| match part.trim_start() {
            "" => Some(0),
            digits => digits.parse::<i64>().ok(),
        };
        let block = number(block)?;
        let wrapped = u32::try_from(block).ok().or_else(|| i32::try_from(block).ok().map(|b| b as u32))?;
        Some((wrapped, u16::try_from(number(item)?).ok()?))
    })();
    match tid {
        Some((block, item)) => Ok(Datum::Tid(block, item)),
        None => Err(syntax("tid", text)),
    }
}

/// Reads an `int2vector` or `oidvector`: blank-separated numbers, an array from index 0.
fn parse_vector(text: &str, element: Oid) -> Result<Datum> {
    let mut items = Vec::new();
    let mut rest = text.as_bytes();
    loop {
        while let [first, tail @ ..] = rest
            && int::is_space(*first)
        {
            rest = tail;
        }
        if rest.is_empty() {
            break;
        }
        let item;
        if element == oid::INT2 {
            let value;
            (value, rest) = int::parse_i16_prefix(rest)?;
            item = Datum::Int2(value);
        } else {
            let value;
            (value, rest) = int::parse_u32_prefix(rest)?;
            item = Datum::Oid(value);
        }
        items.push(item);
    }
    let length = i32::try_from(items.len()).map_err(|_| SqlError::internal("vector too long"))?;
    Ok(Datum::Array(Arc::new(Array { element, dims: vec![(length, 0)], items })))
}

fn parse_reg(kind: Oid, text: &str, cx: &IoContext<'_>) -> Result<Oid> {
    if text == "-" {
        return Ok(0);
    }
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        return int::parse_u32(text.as_bytes(), "oid");
    }
    match cx.reg {
        Some(catalog) => catalog.resolve_reg(kind, text),
        None => Err(SqlError::unsupported(format_args!("input of {} by name here", info::type_name(kind)))),
    }
}

/// Reads a position in the log: two hexadecimal numbers of at most eight digits.
fn parse_lsn(text: &str) -> Option<u64> {
    let half = |part: &str| match part.len() {
        1..=8 if part.bytes().all(|b| b.is_ascii_hexdigit()) => u64::from_str_radix(part, 16).ok(),
        _ => None,
    };
    let (high, low) = text.split_once('/')?;
    Some(half(high)? << 32 | half(low)?)
}

fn write_lsn(value: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("{:X}/{:X}", value >> 32, value & 0xFFFF_FFFF).as_bytes());
}

/// Reads a snapshot: `xmin:xmax:xip,xip,...`, with `xmin <= xip < xmax` in ascending order; duplicates go.
fn parse_snapshot(text: &str) -> Option<String> {
    let number = |text: &str| text.parse::<i64>().ok().filter(|xid| *xid > 0);
    let mut parts = text.splitn(3, ':');
    let (xmin, xmax) = (number(parts.next()?)?, number(parts.next()?)?);
    let running = parts.next()?;
    if xmin > xmax {
        return None;
    }
    let (mut last, mut kept) = (0, Vec::new());
    for xid in running.split_terminator(',') {
        let xid = number(xid).filter(|xid| (xmin..xmax).contains(xid) && *xid >= last)?;
        if xid != last {
            kept.push(xid.to_string());
        }
        last = xid;
    }
    Some(format!("{xmin}:{xmax}:{}", kept.join(",")))
}

fn write_reg(value: Oid, kind: Oid, cx: &IoContext<'_>, out: &mut Vec<u8>) {
    if value == 0 {
        return out.push(if matches!(kind, oid::REGOPER | oid::REGOPERATOR) { b'0' } else { b'-' });
    }
    match cx.reg.and_then(|catalog| catalog.reg_name(kind, value)) {
        Some(name) => out.extend_from_slice(name.as_bytes()),
        None => int::write_u64(u64::from(value), out),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn again(type_oid: Oid, typmod: i32, text: &str) -> String {
        let cx = IoContext::default();
        match parse_text(type_oid, typmod, text, &cx).and_then(|v| to_text(&v, type_oid, &cx)) {
            Ok(text) => text,
            Err(e) => format!("!{} {}", e.code().as_str(), e.message()),
        }
    }

    #[test]
    fn values_read_and_print() {
        for (type_oid, typmod, text, want) in [
            (oid::BOOL, -1, " tRu ", "t"),
            (oid::BOOL, -1, "of", "f"),
            (oid::BOOL, -1, "o", "!22P02 invalid input syntax for type boolean: \"o\""),
            (oid::BOOL, -1, "", "!22P02 invalid input syntax for type boolean: \"\""),
            (oid::CHAR, -1, "abc", "a"),
            (oid::CHAR, -1, "\\377", "\\377"),
            (oid::CHAR, -1, "", ""),
            (oid::VARCHAR, 7, "abcd", "!22001 value too long for type character varying(3)"),
            (oid::VARCHAR, 7, "abc  ", "abc"),
            (oid::BPCHAR, 9, "ab", "ab   "),
            (oid::NUMERIC, 655366, "12.345", "12.35"),
            (oid::UUID, -1, "{A0EEBC99-9C0B4EF8-BB6D6BB9BD380A11}", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
            (oid::UUID, -1, "a0eebc99-", "!22P02 invalid input syntax for type uuid: \"a0eebc99-\""),
            (oid::TID, -1, "(1,2)", "(1,2)"),
            (oid::TID, -1, "(1)", "!22P02 invalid input syntax for type tid: \"(1)\""),
            (oid::INT2VECTOR, -1, " 1 2  3", "1 2 3"),
            (oid::OIDVECTOR, -1, "x", "!22P02 invalid input syntax for type oid: \"x\""),
            (oid::REGCLASS, -1, "1259", "1259"),
            (oid::REGCLASS, -1, "-", "-"),
            (oid::XID8, -1, "18446744073709551615", "18446744073709551615"),
            (oid::PG_LSN, -1, "16/b374D848", "16/B374D848"),
            (oid::PG_LSN, -1, "FFFFFFFF/0", "FFFFFFFF/0"),
            (oid::PG_LSN, -1, "16/", "!22P02 invalid input syntax for type pg_lsn: \"16/\""),
            (oid::PG_SNAPSHOT, -1, "10:20:10,14,15", "10:20:10,14,15"),
            (oid::PG_SNAPSHOT, -1, "31:12:", "!22P02 invalid input syntax for type pg_snapshot: \"31:12:\""),
            (1007, -1, "{1,NULL,3}", "{1,NULL,3}"),
            (1007, -1, "{1 2}", "!22P02 invalid input syntax for type integer: \"1 2\""),
            (1015, 6, "{abc}", "!22001 value too long for type character varying(2)"),
            (oid::RECORD, -1, "(1)", "!0A000 input of anonymous composite types is not implemented"),
            (600, -1, "(1,2)", "!0A000 input of type point is not supported"),
        ] {
            assert_eq!(again(type_oid, typmod, text), want, "{text}");
        }
    }
}
