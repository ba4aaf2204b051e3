//! Strings: length, case, trimming, padding, substrings, replacement.
//!
//! Positions and lengths count characters. Case mapping is Unicode's simple one (PostgreSQL's `C.UTF-8` locale).

use std::sync::Arc;

use super::EvalCx;
use super::args::{Char, Id, arg, scalar};
use super::large::{LARGE_BYTES, MAX_BYTES};
use crate::error::{Result, SqlError};
use crate::sql_err;
use crate::types::coerce::apply_typmod;
use crate::types::oid::{BPCHAR, CIDR, VARCHAR};
use crate::types::{Array, Datum, IoContext, Oid, Text, info, int, io_binary, io_text};

/// Longest name in bytes (`NAMEDATALEN - 1`).
const NAME_BYTES: usize = 63;

/// The input function of type `oid`, called as a function.
pub(super) fn type_input(cx: &mut EvalCx<'_>, args: &[Datum], oid: Oid) -> Result<Datum> {
    io_text::parse_text(oid, -1, arg(args, 0)?, cx.io)
}

/// The output function of type `oid`, called as a function.
pub(super) fn type_output(cx: &mut EvalCx<'_>, args: &[Datum], oid: Oid) -> Result<Datum> {
    match args.first() {
        Some(value) => io_text::to_text(value, oid, cx.io).map(Datum::text),
        None => Err(SqlError::internal("output function called without argument")),
    }
}

/// The binary form of a value of type `oid`.
pub(super) fn type_send(oid: Oid, args: &[Datum]) -> Result<Datum> {
    let value: &Datum = arg(args, 0)?;
    let mut out = Vec::new();
    io_binary::send_binary(value, oid, &mut out)?;
    Ok(Datum::Bytea(out.into()))
}

/// The modifier that a list of texts means for a type.
pub(super) fn typmod_in(type_oid: Oid, args: &[Datum]) -> Result<Datum> {
    let list: &Array = arg(args, 0)?;
    let number = |item: &Datum| match item {
        Datum::Text(text) => int::parse_i32(text.as_bytes()),
        _ => Err(sql_err!(NULL_VALUE_NOT_ALLOWED, "typmod array must not contain nulls")),
    };
    let numbers = list.items.iter().map(number).collect::<Result<Vec<_>>>()?;
    info::typmod_in(type_oid, &numbers).map(Datum::Int4)
}

/// The text of a type's modifier.
pub(super) fn typmod_out(type_oid: Oid, args: &[Datum]) -> Result<Datum> {
    Ok(Datum::text(info::typmod_out(type_oid, arg(args, 0)?)))
}

/// Appends what a cast to `text` makes of a value: for some types that is not the text form.
pub(super) fn write_cast(value: &Datum, oid: Oid, io: &IoContext<'_>, out: &mut Vec<u8>) -> Result<()> {
    match value {
        Datum::Bool(v) => out.extend_from_slice(if *v { b"true" } else { b"false" }),
        Datum::Inet(address) => address.write(CIDR, out),
        Datum::Text(text) if oid == BPCHAR => out.extend_from_slice(text.trim_end_matches(' ').as_bytes()),
        value => io_text::write_text(value, oid, io, out)?,
    }
    Ok(())
}

#[cold]
pub(super) fn too_large() -> SqlError {
    sql_err!(PROGRAM_LIMIT_EXCEEDED, "requested length too large")
}

scalar! {
    textcat[cx](a: &str, b: &str) -> Datum = {
        cx.reserve(a.len() + b.len())?;
        Datum::Text(concat(a, b))
    };
    textanycat_2003[cx](a: &str, b: &Datum) -> String = {
        let ty = cx.arg_types.get(1).map_or(crate::types::oid::TEXT, |t| t.oid);
        let mut out = a.as_bytes().to_vec();
        write_cast(b, ty, cx.io, &mut out)?;
        utf8(out)?
    };
    anytextcat_2004[cx](a: &Datum, b: &str) -> String = {
        let ty = cx.arg_types.first().map_or(crate::types::oid::TEXT, |t| t.oid);
        let mut out = Vec::new();
        write_cast(a, ty, cx.io, &mut out)?;
        out.extend_from_slice(b.as_bytes());
        utf8(out)?
    };
    textlen(a: &str) -> i32 = count_chars(a) as i32;
    bpcharlen(a: &str) -> i32 = count_chars(a.trim_end_matches(' ')) as i32;
    textoctetlen(a: &str) -> i32 = a.len() as i32;
    bpcharoctetlen(a: &str) -> i32 = a.len() as i32;
    bit_length_1811(a: &str) -> i32 = a.len() as i32 * 8;
    lower(a: &str) -> String = map_case(a, u8::to_ascii_lowercase, |c| single(c, c.to_lowercase()));
    upper(a: &str) -> String = map_case(a, u8::to_ascii_uppercase, |c| single(c, c.to_uppercase()));
    casefold(a: &str) -> String = map_case(a, u8::to_ascii_lowercase, |c| single(c, c.to_lowercase()));
    initcap(a: &str) -> String = capitalize(a);

    btrim(a: &str, set: &str) -> &str = trim_start(trim_end(a, set), set);
    btrim1(a: &str) -> &str = a.trim_matches(' ');
    ltrim(a: &str, set: &str) -> &str = trim_start(a, set);
    ltrim1(a: &str) -> &str = a.trim_start_matches(' ');
    rtrim(a: &str, set: &str) -> &str = trim_end(a, set);
    rtrim1(a: &str) -> &str = a.trim_end_matches(' ');
    lpad[cx](a: &str, n: i32, fill: &str) -> String = pad(cx, a, n, fill, true)?;
    rpad[cx](a: &str, n: i32, fill: &str) -> String = pad(cx, a, n, fill, false)?;
    lpad_879[cx](a: &str, n: i32) -> String = pad(cx, a, n, " ", true)?;
    rpad_880[cx](a: &str, n: i32) -> String = pad(cx, a, n, " ", false)?;

    text_substr(a: &str, from: i32, len: i32) -> &str = substring(a, from, Some(len))?;
    text_substr_no_len(a: &str, from: i32) -> &str = substring(a, from, None)?;
    text_left(a: &str, n: i32) -> &str = left(a, n);
    text_right(a: &str, n: i32) -> &str = right(a, n);
    textpos(a: &str, what: &str) -> i32 = position(a, what);
    textoverlay(a: &str, new: &str, from: i32, len: i32) -> String = overlay(a, new, from, len)?;
    textoverlay_no_len(a: &str, new: &str, from: i32) -> String = overlay(a, new, from, count_chars(new) as i32)?;
    replace_text[cx](a: &str, from: &str, to: &str) -> String = replaced(cx, a, from, to)?;
    translate(a: &str, from: &str, to: &str) -> String = translated(a, from, to);
    repeat[cx](a: &str, n: i32) -> String = {
        let n = n.max(0) as usize;
        if a.len().checked_mul(n).is_none_or(|bytes| bytes > MAX_BYTES) {
            return Err(too_large());
        }
        cx.reserve(a.len() * n)?;
        a.repeat(n)
    };
    text_reverse(a: &str) -> String = a.chars().rev().collect();
    split_part(a: &str, by: &str, n: i32) -> &str = part(a, by, n)?;
    text_starts_with(a: &str, start: &str) -> bool = a.starts_with(start);
    ascii(a: &str) -> i32 = a.chars().next().map_or(0, |c| c as i32);
    chr(code: i32) -> String = character(code)?.to_string();
    unistr(a: &str) -> String = unescape_unicode(a)?;

    bpchar(a: &Datum, typmod: i32, explicit: bool) -> Datum = fitted(a, BPCHAR, typmod, explicit)?;
    varchar(a: &Datum, typmod: i32, explicit: bool) -> Datum = fitted(a, VARCHAR, typmod, explicit)?;
    text_name(a: &str) -> &str = clip_name(a);
    bpchar_name(a: &str) -> &str = clip_name(a).trim_end_matches(' ');
    name_text(a: &Datum) -> Datum = a.clone();
    name_bpchar(a: &Datum) -> Datum = a.clone();
    char_text(a: Char) -> String = char_to_string(a.0);
    char_bpchar(a: Char) -> String = char_to_string(a.0);
    text_char(a: &str) -> Char = char_from_text(a);
    nameconcatoid(a: &str, id: Id) -> String = {
        let suffix = format!("_{}", id.0);
        let mut keep = NAME_BYTES.saturating_sub(suffix.len()).min(a.len());
        while !a.is_char_boundary(keep) {
            keep -= 1;
        }
        format!("{}{suffix}", &a[..keep])
    };
}

/// Fits a string to a modifier; one that means no length does nothing.
fn fitted(a: &Datum, type_oid: Oid, typmod: i32, explicit: bool) -> Result<Datum> {
    apply_typmod(a.clone(), type_oid, if typmod < 4 { -1 } else { typmod }, explicit)
}

/// Joins two strings with one allocation.
fn concat(a: &str, b: &str) -> Text {
    if b.is_empty() {
        return a.into();
    }
    let mut out = String::with_capacity(a.len() + b.len());
    out.push_str(a);
    out.push_str(b);
    Arc::from(out)
}

/// The text of an output function.
pub(super) fn utf8(bytes: Vec<u8>) -> Result<String> {
    String::from_utf8(bytes).map_err(|_| SqlError::internal("output function produced invalid UTF-8"))
}

/// Number of characters; a byte count for ASCII.
pub(super) fn count_chars(s: &str) -> usize {
    if s.is_ascii() { s.len() } else { s.chars().count() }
}

/// Byte offset of the `n`-th character (0-based), or the length.
fn char_offset(s: &str, n: usize) -> usize {
    if s.is_ascii() { n.min(s.len()) } else { s.char_indices().nth(n).map_or(s.len(), |(at, _)| at) }
}

fn map_case(s: &str, ascii: impl Fn(&u8) -> u8, other: impl Fn(char) -> char) -> String {
    if s.is_ascii() {
        s.bytes().map(|b| char::from(ascii(&b))).collect()
    } else {
        s.chars().map(other).collect()
    }
}

/// The simple mapping of a character: its full mapping when that is one character, else itself.
fn single(c: char, mut mapped: impl Iterator<Item = char>) -> char {
    match (mapped.next(), mapped.next()) {
        (Some(only), None) => only,
        _ => c,
    }
}

fn capitalize(s: &str) -> String {
    let mut inside = false;
    s.chars()
        .map(|c| {
            let mapped = if inside { single(c, c.to_lowercase()) } else { single(c, c.to_uppercase()) };
            inside = c.is_alphanumeric();
            mapped
        })
        .collect()
}

fn trim_start<'a>(s: &'a str, set: &str) -> &'a str {
    s.trim_start_matches(|c| set.contains(c))
}

fn trim_end<'a>(s: &'a str, set: &str) -> &'a str {
    s.trim_end_matches(|c| set.contains(c))
}

fn pad(cx: &mut EvalCx<'_>, s: &str, length: i32, fill: &str, left: bool) -> Result<String> {
    let length = length.max(0) as usize;
    let have = count_chars(s);
    if length <= have || fill.is_empty() {
        return Ok(s[..char_offset(s, length)].to_owned());
    }
    let missing = length - have;
    if missing.saturating_mul(4) > MAX_BYTES {
        return Err(too_large());
    }
    let widest = fill.chars().map(char::len_utf8).max().unwrap_or(1);
    let bytes = missing * widest + s.len();
    cx.reserve(bytes)?;
    let padding = fill.chars().cycle().take(missing);
    let mut out = String::with_capacity(bytes);
    if left {
        out.extend(padding);
        out.push_str(s);
    } else {
        out.push_str(s);
        out.extend(padding);
    }
    Ok(out)
}

fn replaced(cx: &mut EvalCx<'_>, s: &str, from: &str, to: &str) -> Result<String> {
    if from.is_empty() {
        return Ok(s.to_owned());
    }
    // As long as it could get at most is rarely long enough to be counted.
    if (s.len() / from.len()).saturating_mul(to.len()).saturating_add(s.len()) >= LARGE_BYTES {
        let count = s.matches(from).count();
        let kept = s.len() - count * from.len();
        let bytes = count.saturating_mul(to.len()).saturating_add(kept);
        if bytes > MAX_BYTES {
            return Err(super::large::buffer_full(kept, bytes - kept));
        }
        cx.reserve(bytes)?;
    }
    Ok(s.replace(from, to))
}

/// The range of 0-based positions that `substring(... from .. for ..)` means.
pub(super) fn substring_range(from: i32, len: Option<i32>) -> Result<(usize, usize)> {
    let start = i64::from(from) - 1;
    let end = match len {
        None => i64::MAX,
        Some(len) if len < 0 => {
            return Err(sql_err!(SUBSTRING_ERROR, "negative substring length not allowed"));
        }
        Some(len) => start + i64::from(len),
    };
    let start = start.max(0);
    Ok((start as usize, end.max(start) as usize))
}

/// `substring(s from from for len)`, 1-based; the part before the string's start counts against the length.
pub(super) fn substring(s: &str, from: i32, len: Option<i32>) -> Result<&str> {
    let (start, end) = substring_range(from, len)?;
    let first = char_offset(s, start);
    let rest = &s[first..];
    Ok(&rest[..char_offset(rest, end - start)])
}

fn left(s: &str, n: i32) -> &str {
    let keep = if n >= 0 { n as usize } else { count_chars(s).saturating_sub(n.unsigned_abs() as usize) };
    &s[..char_offset(s, keep)]
}

fn right(s: &str, n: i32) -> &str {
    let skip = if n >= 0 { count_chars(s).saturating_sub(n as usize) } else { n.unsigned_abs() as usize };
    &s[char_offset(s, skip)..]
}

/// 1-based position of `what` in `s`, 0 when it is not there.
fn position(s: &str, what: &str) -> i32 {
    match memchr::memmem::find(s.as_bytes(), what.as_bytes()) {
        Some(at) => count_chars(&s[..at]) as i32 + 1,
        None => 0,
    }
}

fn overlay(s: &str, new: &str, from: i32, len: i32) -> Result<String> {
    if from <= 0 {
        return Err(sql_err!(SUBSTRING_ERROR, "negative substring length not allowed"));
    }
    let after =
        from.checked_add(len).ok_or_else(|| sql_err!(NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range"))?;
    let head = substring(s, 1, Some(from - 1))?;
    let tail = substring(s, after, None)?;
    Ok([head, new, tail].concat())
}

fn translated(s: &str, from: &str, to: &str) -> String {
    let from: Vec<char> = from.chars().collect();
    let to: Vec<char> = to.chars().collect();
    s.chars()
        .filter_map(|c| match from.iter().position(|&f| f == c) {
            None => Some(c),
            Some(i) => to.get(i).copied(),
        })
        .collect()
}

fn part<'a>(s: &'a str, by: &str, n: i32) -> Result<&'a str> {
    if n == 0 {
        return Err(sql_err!(INVALID_PARAMETER_VALUE, "field position must not be zero"));
    }
    if s.is_empty() {
        return Ok("");
    }
    if by.is_empty() {
        return Ok(if n == 1 || n == -1 { s } else { "" });
    }
    let at = n.unsigned_abs() as usize - 1;
    Ok(if n > 0 { s.split(by).nth(at) } else { s.rsplit(by).nth(at) }.unwrap_or(""))
}

fn character(code: i32) -> Result<char> {
    match code {
        ..0 => Err(sql_err!(INVALID_PARAMETER_VALUE, "character number must be positive")),
        0 => Err(sql_err!(PROGRAM_LIMIT_EXCEEDED, "null character not permitted")),
        0x11_0000.. => {
            Err(sql_err!(PROGRAM_LIMIT_EXCEEDED, "requested character too large for encoding: {code}"))
        }
        _ => char::from_u32(code as u32).ok_or_else(|| {
            sql_err!(PROGRAM_LIMIT_EXCEEDED, "requested character not valid for encoding: {code}")
        }),
    }
}

/// Cuts a string to the length of a name, at a character boundary.
fn clip_name(s: &str) -> &str {
    let mut keep = s.len().min(NAME_BYTES);
    while !s.is_char_boundary(keep) {
        keep -= 1;
    }
    &s[..keep]
}

fn char_to_string(c: u8) -> String {
    match c {
        0 => String::new(),
        1..0x80 => char::from(c).to_string(),
        _ => format!("\\{c:03o}"),
    }
}

fn char_from_text(s: &str) -> Char {
    let octal = |b: u8| (b'0'..=b'7').contains(&b);
    match s.as_bytes() {
        [b'\\', a, b, c] if octal(*a) && octal(*b) && octal(*c) => {
            Char(((a - b'0') << 6) | ((b - b'0') << 3) | (c - b'0'))
        }
        [first, ..] => Char(*first),
        [] => Char(0),
    }
}

/// `unistr`: `\XXXX`, `\+XXXXXX`, `\uXXXX`, `\UXXXXXXXX` and `\\`.
fn unescape_unicode(s: &str) -> Result<String> {
    let invalid = || {
        sql_err!(SYNTAX_ERROR, "invalid Unicode escape")
            .hint("Unicode escapes must be \\XXXX, \\+XXXXXX, \\uXXXX, or \\UXXXXXXXX.")
    };
    let pair = || sql_err!(SYNTAX_ERROR, "invalid Unicode surrogate pair");
    let mut out = String::with_capacity(s.len());
    let mut high: Option<u32> = None;
    let mut rest = s;
    while let Some(at) = rest.find('\\') {
        if at > 0 && high.is_some() {
            return Err(pair());
        }
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(tail) = rest.strip_prefix('\\') {
            if high.is_some() {
                return Err(pair());
            }
            out.push('\\');
            rest = tail;
            continue;
        }
        let (skip, digits) = match rest.as_bytes().first() {
            Some(b'+') => (1, 6),
            Some(b'u') => (1, 4),
            Some(b'U') => (1, 8),
            _ => (0, 4),
        };
        let hex = rest.get(skip..skip + digits).filter(|h| h.bytes().all(|b| b.is_ascii_hexdigit()));
        let code = hex.and_then(|h| u32::from_str_radix(h, 16).ok()).ok_or_else(invalid)?;
        rest = &rest[skip + digits..];
        match (high.take(), code) {
            (Some(first), 0xdc00..=0xdfff) => {
                let joined = 0x1_0000 + ((first - 0xd800) << 10) + (code - 0xdc00);
                out.push(char::from_u32(joined).ok_or_else(pair)?);
            }
            (Some(_), _) | (None, 0xdc00..=0xdfff) => return Err(pair()),
            (None, 0xd800..=0xdbff) => high = Some(code),
            (None, _) => {
                let c = char::from_u32(code).filter(|&c| c != '\0');
                out.push(c.ok_or_else(|| {
                    sql_err!(INVALID_PARAMETER_VALUE, "invalid Unicode code point: {code:04X}")
                })?);
            }
        }
    }
    if high.is_some() {
        return Err(pair());
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn substring_counts_what_lies_before_the_start() {
        assert_eq!(substring("hello", -1, Some(4)).ok(), Some("he"));
        assert_eq!(substring("h\u{e9}llo", 2, Some(2)).ok(), Some("\u{e9}l"));
        assert_eq!(substring("hello", 3, None).ok(), Some("llo"));
        assert_eq!(substring("hello", 2, Some(i32::MAX)).ok(), Some("ello"));
        assert!(substring("hello", 2, Some(-1)).is_err());
    }

    #[test]
    fn parts_count_from_either_end() {
        assert_eq!(part("a,b,c", ",", 2).ok(), Some("b"));
        assert_eq!(part("a,b,c", ",", -1).ok(), Some("c"));
        assert_eq!(part("a,b,c", ",", 4).ok(), Some(""));
        assert_eq!(part("abc", "", -1).ok(), Some("abc"));
    }

    fn with_cx(test: impl FnOnce(&mut EvalCx<'_>)) {
        use crate::func::eval::{ConstantHost, tests::Nothing};
        let (io, mut host) = (Default::default(), ConstantHost { catalog: &Nothing, time: 0 });
        test(&mut EvalCx {
            io: &io,
            host: &mut host,
            arg_types: &[],
            result: crate::types::DataType::of(25),
        });
    }

    /// The host of constant folding has no memory for long values.
    #[test]
    fn memory_is_asked_for_before_long_values_are_made() {
        with_cx(|cx| {
            let code = |r: Result<Datum>| r.map_err(|e| e.code().as_str().to_owned()).err();
            let text = |n: usize| Datum::text("x".repeat(n));
            assert!(repeat(cx, &[text(1), Datum::Int4(1000)]).is_ok());
            assert_eq!(code(repeat(cx, &[text(1), Datum::Int4(2_000_000)])).as_deref(), Some("53200"));
            assert_eq!(code(repeat(cx, &[text(2), Datum::Int4(i32::MAX)])).as_deref(), Some("54000"));
            assert_eq!(code(textcat(cx, &[text(600_000), text(600_000)])).as_deref(), Some("53200"));
            let long = replaced(cx, &"x".repeat(5000), "x", &"y".repeat(300));
            assert_eq!(code(long.map(Datum::text)).as_deref(), Some("53200"));
            assert_eq!(replaced(cx, "banana", "an", "AN").ok().as_deref(), Some("bANANa"));
            assert_eq!(cx.enlarge(1000, 1000).is_ok(), cx.enlarge(1 << 19, 1).is_ok());
            assert_eq!(
                cx.enlarge(MAX_BYTES, 1).map_err(|e| e.code().as_str().to_owned()),
                Err("54000".into())
            );
        });
    }

    #[test]
    fn padding_and_sides() {
        with_cx(|cx| {
            assert_eq!(pad(cx, "hi", 5, "xy", true).ok().as_deref(), Some("xyxhi"));
            assert_eq!(pad(cx, "hi", 4, "é", false).ok().as_deref(), Some("hiéé"));
            assert_eq!(pad(cx, "hello", 2, " ", false).ok().as_deref(), Some("he"));
        });
        assert_eq!(left("abcde", -2), "abc");
        assert_eq!(right("abcde", -2), "cde");
        assert_eq!(overlay("Txxxxas", "hom", 2, 4).ok().as_deref(), Some("Thomas"));
    }

    #[test]
    fn unicode_escapes() {
        assert_eq!(unescape_unicode("d\\0061t\\+000061\\\\").ok().as_deref(), Some("data\\"));
        assert_eq!(unescape_unicode("\\d83d\\de00").ok().as_deref(), Some("\u{1f600}"));
        assert!(unescape_unicode("\\d83dx").is_err());
    }
}
