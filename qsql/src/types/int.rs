//! Integers from and to text: the inner loops of COPY and of result rows.
//!
//! Input accepts what PostgreSQL 16 and later accept: surrounding white space, a sign, `0x`, `0o` and `0b` prefixes, and
//! single underscores between digits.

use crate::error::Result;
use crate::sql_err;

/// `"00" .. "99"`, so that two digits are written at a time.
const PAIRS: &[u8; 200] = b"0001020304050607080910111213141516171819\
2021222324252627282930313233343536373839\
4041424344454647484950515253545556575859\
6061626364656667686970717273747576777879\
8081828384858687888990919293949596979899";

/// Longest decimal text of a `u64`.
pub const U64_DIGITS_MAX: usize = 20;

/// Writes `v` at the end of `buf` and returns the index of its first digit.
#[inline]
pub fn digits_of(mut v: u64, buf: &mut [u8; U64_DIGITS_MAX]) -> usize {
    let mut at = U64_DIGITS_MAX;
    while v >= 100 {
        let pair = (v % 100) as usize * 2;
        v /= 100;
        at -= 2;
        buf[at..at + 2].copy_from_slice(&PAIRS[pair..pair + 2]);
    }
    if v >= 10 {
        let pair = v as usize * 2;
        at -= 2;
        buf[at..at + 2].copy_from_slice(&PAIRS[pair..pair + 2]);
    } else {
        at -= 1;
        buf[at] = b'0' + v as u8;
    }
    at
}

/// Appends `v` in decimal.
#[inline]
pub fn write_u64(v: u64, out: &mut Vec<u8>) {
    let mut buf = [0; U64_DIGITS_MAX];
    let at = digits_of(v, &mut buf);
    out.extend_from_slice(&buf[at..]);
}

/// Appends `v` in decimal.
#[inline]
pub fn write_i64(v: i64, out: &mut Vec<u8>) {
    if v < 0 {
        out.push(b'-');
    }
    write_u64(v.unsigned_abs(), out);
}

/// Appends `v`, which is below 100, as two digits.
#[inline]
pub fn write_2(v: u32, out: &mut Vec<u8>) {
    let pair = (v % 100) as usize * 2;
    out.extend_from_slice(&PAIRS[pair..pair + 2]);
}

/// Appends `v` with leading zeros up to `width` digits.
#[inline]
pub fn write_padded(v: u64, width: usize, out: &mut Vec<u8>) {
    let mut buf = [b'0'; U64_DIGITS_MAX];
    let at = digits_of(v, &mut buf).min(U64_DIGITS_MAX - width.min(U64_DIGITS_MAX));
    out.extend_from_slice(&buf[at..]);
}

/// Why a text is not an integer of the wanted width.
enum Fault {
    Syntax,
    Range,
}

/// Whether PostgreSQL's `isspace` skips `b` around numbers.
#[inline]
pub(crate) fn is_space(b: u8) -> bool {
    matches!(b, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

/// Removes the white space at both ends.
#[inline]
pub(crate) fn trim(mut text: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = text
        && is_space(*first)
    {
        text = rest;
    }
    while let [rest @ .., last] = text
        && is_space(*last)
    {
        text = rest;
    }
    text
}

/// Reads a signed integer whose magnitude must not exceed `max` (`max + 1` when negative).
#[inline]
fn parse_signed(text: &[u8], max: u64) -> Result<i64, Fault> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    // Up to 18 plain digits cannot overflow: no check within the loop.
    if !digits.is_empty() && digits.len() <= 18 {
        let mut v = 0u64;
        let mut bad = 0u8;
        for &b in digits {
            let d = b.wrapping_sub(b'0');
            bad |= u8::from(d > 9);
            v = v.wrapping_mul(10).wrapping_add(u64::from(d));
        }
        if bad == 0 {
            return signed(negative, v, max);
        }
    }
    parse_slow(text, max)
}

fn signed(negative: bool, magnitude: u64, max: u64) -> Result<i64, Fault> {
    match (negative, magnitude) {
        (false, v) if v <= max => Ok(v as i64),
        (true, v) if v <= max + 1 => Ok((v as i64).wrapping_neg()),
        _ => Err(Fault::Range),
    }
}

fn parse_slow(text: &[u8], max: u64) -> Result<i64, Fault> {
    let text = trim(text);
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let v = match digits {
        [b'0', b'x' | b'X', rest @ ..] => magnitude(rest, 16, true),
        [b'0', b'o' | b'O', rest @ ..] => magnitude(rest, 8, true),
        [b'0', b'b' | b'B', rest @ ..] => magnitude(rest, 2, true),
        rest => magnitude(rest, 10, false),
    };
    signed(negative, v?, max)
}

/// Reads digits of `radix`, with single underscores between them (after a prefix, also before the first).
fn magnitude(digits: &[u8], radix: u64, prefixed: bool) -> Result<u64, Fault> {
    let mut v = Some(0u64);
    let mut after_digit = prefixed;
    let mut any = false;
    for &b in digits {
        if b == b'_' {
            if !after_digit {
                return Err(Fault::Syntax);
            }
            after_digit = false;
            continue;
        }
        let d = (b as char).to_digit(radix as u32).ok_or(Fault::Syntax)?;
        v = v.and_then(|v| v.checked_mul(radix)).and_then(|v| v.checked_add(u64::from(d)));
        after_digit = true;
        any = true;
    }
    if !any || !after_digit {
        return Err(Fault::Syntax);
    }
    v.ok_or(Fault::Range)
}

#[cold]
fn fail(fault: Fault, text: &[u8], type_name: &str) -> crate::SqlError {
    let shown = String::from_utf8_lossy(text);
    match fault {
        Fault::Syntax => {
            sql_err!(INVALID_TEXT_REPRESENTATION, "invalid input syntax for type {type_name}: \"{shown}\"")
        }
        Fault::Range => {
            sql_err!(NUMERIC_VALUE_OUT_OF_RANGE, "value \"{shown}\" is out of range for type {type_name}")
        }
    }
}

/// Reads a `smallint`.
pub fn parse_i16(text: &[u8]) -> Result<i16> {
    parse_signed(text, i16::MAX as u64).map(|v| v as i16).map_err(|f| fail(f, text, "smallint"))
}

/// Reads an `integer`.
pub fn parse_i32(text: &[u8]) -> Result<i32> {
    parse_signed(text, i32::MAX as u64).map(|v| v as i32).map_err(|f| fail(f, text, "integer"))
}

/// Reads a `bigint`.
pub fn parse_i64(text: &[u8]) -> Result<i64> {
    parse_signed(text, i64::MAX as u64).map_err(|f| fail(f, text, "bigint"))
}

/// Reads an `oid`, `xid` or `cid` as C's `strtoul` with base 0 does: `0x` means hexadecimal, a leading `0` octal, and negative
/// numbers wrap. What is left after wrapping must fit 32 bits, taken as unsigned or signed.
pub fn parse_u32(text: &[u8], type_name: &str) -> Result<u32> {
    let value = parse_unsigned(text)
        .and_then(|(v, rest)| if rest.is_empty() { fit_u32(v) } else { Err(Fault::Syntax) });
    value.map_err(|f| fail(f, text, type_name))
}

/// Reads an `xid8`; see [`parse_u32`].
pub fn parse_u64(text: &[u8], type_name: &str) -> Result<u64> {
    let value =
        parse_unsigned(text).and_then(|(v, rest)| if rest.is_empty() { Ok(v) } else { Err(Fault::Syntax) });
    value.map_err(|f| fail(f, text, type_name))
}

/// Reads the `oid` in front of `text`, an element of an `oidvector`; returns it and the rest.
pub(super) fn parse_u32_prefix(text: &[u8]) -> Result<(u32, &[u8])> {
    let value = parse_unsigned(text).and_then(|(v, rest)| Ok((fit_u32(v)?, rest)));
    value.map_err(|f| fail(f, text, "oid"))
}

/// Reads the decimal `smallint` in front of `text`, an element of an `int2vector`; returns it and the rest.
pub(super) fn parse_i16_prefix(text: &[u8]) -> Result<(i16, &[u8])> {
    let end = text.iter().position(|b| *b == b' ').unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    let sign = usize::from(matches!(number.first(), Some(b'-' | b'+')));
    let plain = number[sign..].iter().all(u8::is_ascii_digit);
    let value = if plain { parse_slow(number, i16::MAX as u64) } else { Err(Fault::Syntax) };
    value.map(|v| (v as i16, rest)).map_err(|f| fail(f, text, "smallint"))
}

fn fit_u32(v: u64) -> Result<u32, Fault> {
    let low = v as u32;
    let same = v == u64::from(low) || v == i64::from(low as i32) as u64;
    if same { Ok(low) } else { Err(Fault::Range) }
}

/// C's `strtoul` with base 0; white space after the number is skipped.
fn parse_unsigned(text: &[u8]) -> Result<(u64, &[u8]), Fault> {
    let spaces = text.iter().take_while(|b| is_space(**b)).count();
    let (negative, digits) = match &text[spaces..] {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let (radix, digits) = match digits {
        [b'0', b'x' | b'X', rest @ ..] if rest.first().is_some_and(u8::is_ascii_hexdigit) => (16, rest),
        [b'0', ..] => (8, digits),
        rest => (10, rest),
    };
    let count = digits.iter().take_while(|b| (**b as char).is_digit(radix)).count();
    if count == 0 {
        return Err(Fault::Syntax);
    }
    let v = magnitude(&digits[..count], u64::from(radix), false)?;
    let rest = &digits[count..];
    let rest = &rest[rest.iter().take_while(|b| is_space(**b)).count()..];
    Ok((if negative { v.wrapping_neg() } else { v }, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_read_as_postgresql_reads_them() {
        for (text, want) in [
            ("0", 0),
            ("-0", 0),
            ("  42\n", 42),
            ("+7", 7),
            ("-2147483648", i32::MIN),
            ("2147483647", i32::MAX),
            ("0x7fffffff", i32::MAX),
            ("-0x80000000", i32::MIN),
            ("0o17", 15),
            ("0b1010", 10),
            ("1_000_000", 1_000_000),
            ("0x_ff", 255),
            ("00000000000000000000000012", 12),
        ] {
            assert_eq!(parse_i32(text.as_bytes()).unwrap(), want, "{text}");
        }
        for text in ["", " ", "-", "1 2", "1.0", "_1", "1_", "1__2", "0x", "0b2", "--1", "1a"] {
            let e = parse_i32(text.as_bytes()).unwrap_err();
            assert_eq!(e.message(), format!("invalid input syntax for type integer: \"{text}\""));
        }
        let e = parse_i32(b"2147483648").unwrap_err();
        assert_eq!(e.message(), "value \"2147483648\" is out of range for type integer");
        assert_eq!(parse_i64(b"-9223372036854775808").unwrap(), i64::MIN);
        assert!(parse_i64(b"9223372036854775808").is_err());
        assert!(parse_i16(b"-32769").is_err());
        assert_eq!(parse_u32(b"-1", "oid").unwrap(), u32::MAX);
        assert!(parse_u32(b"4294967296", "oid").is_err());
    }

    #[test]
    fn integers_print() {
        for v in [0, 9, 10, 99, 100, 12345, i64::MAX, i64::MIN, -1] {
            let mut out = Vec::new();
            write_i64(v, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), v.to_string());
        }
        let mut out = Vec::new();
        write_padded(42, 6, &mut out);
        write_padded(1234567, 3, &mut out);
        write_2(7, &mut out);
        assert_eq!(out, b"000042123456707");
    }
}
