//! `bytea`: bytes, bits, digests, `encode` and `decode`.

use md5::Md5;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use super::EvalCx;
use super::args::{arg, scalar};
use super::text::substring_range;
use crate::error::{Result, SqlError};
use crate::sql_err;
use crate::types::Datum;

scalar! {
    byteaoctetlen(a: &[u8]) -> i32 = a.len() as i32;
    bit_length_1810(a: &[u8]) -> i32 = a.len() as i32 * 8;
    bytea_bit_count(a: &[u8]) -> i64 = a.iter().map(|b| i64::from(b.count_ones())).sum();
    byteacat(a: &[u8], b: &[u8]) -> Vec<u8> = [a, b].concat();
    bytea_substr(a: &[u8], from: i32, len: i32) -> &[u8] = slice(a, from, Some(len))?;
    bytea_substr_no_len(a: &[u8], from: i32) -> &[u8] = slice(a, from, None)?;
    byteapos(a: &[u8], what: &[u8]) -> i32 = memchr::memmem::find(a, what).map_or(0, |at| at as i32 + 1);
    byteaoverlay(a: &[u8], new: &[u8], from: i32, len: i32) -> Vec<u8> = overlay(a, new, from, len)?;
    byteaoverlay_no_len(a: &[u8], new: &[u8], from: i32) -> Vec<u8> = overlay(a, new, from, new.len() as i32)?;
    byteatrim(a: &[u8], set: &[u8]) -> &[u8] = trim(a, set, true, true);
    bytealtrim(a: &[u8], set: &[u8]) -> &[u8] = trim(a, set, true, false);
    byteartrim(a: &[u8], set: &[u8]) -> &[u8] = trim(a, set, false, true);
    bytea_reverse(a: &[u8]) -> Vec<u8> = a.iter().rev().copied().collect();
    byteaGetByte(a: &[u8], n: i32) -> i32 = a[index(n.into(), a.len() as i64)?].into();
    byteaSetByte(a: &[u8], n: i32, value: i32) -> Vec<u8> = {
        let at = index(n.into(), a.len() as i64)?;
        let mut out = a.to_vec();
        out[at] = value as u8;
        out
    };
    byteaGetBit(a: &[u8], n: i64) -> i32 = {
        let at = index(n, a.len() as i64 * 8)?;
        i32::from(a[at / 8] >> (at % 8) & 1)
    };
    byteaSetBit(a: &[u8], n: i64, value: i32) -> Vec<u8> = {
        let at = index(n, a.len() as i64 * 8)?;
        if value != 0 && value != 1 {
            return Err(sql_err!(INVALID_PARAMETER_VALUE, "new bit must be 0 or 1"));
        }
        let mut out = a.to_vec();
        out[at / 8] = out[at / 8] & !(1 << (at % 8)) | (value as u8) << (at % 8);
        out
    };
    bytea_int2(a: &[u8]) -> i16 = integer(a, 2, "smallint")? as i16;
    bytea_int4(a: &[u8]) -> i32 = integer(a, 4, "integer")? as i32;
    bytea_int8(a: &[u8]) -> i64 = integer(a, 8, "bigint")?;

    md5_text(a: &str) -> String = hex(&Md5::digest(a.as_bytes()));
    md5_bytea(a: &[u8]) -> String = hex(&Md5::digest(a));
    sha224_bytea(a: &[u8]) -> Vec<u8> = Sha224::digest(a).to_vec();
    sha256_bytea(a: &[u8]) -> Vec<u8> = Sha256::digest(a).to_vec();
    sha384_bytea(a: &[u8]) -> Vec<u8> = Sha384::digest(a).to_vec();
    sha512_bytea(a: &[u8]) -> Vec<u8> = Sha512::digest(a).to_vec();
    crc32_bytea(a: &[u8]) -> i64 = crc(a, 0xedb8_8320).into();
    crc32c_bytea(a: &[u8]) -> i64 = crc(a, 0x82f6_3b78).into();

    binary_encode(a: &[u8], format: &str) -> String = match Format::named(format)? {
        Format::Hex => hex(a),
        Format::Base64 => base64(a),
        Format::Escape => escape(a),
    };
    binary_decode(a: &str, format: &str) -> Vec<u8> = match Format::named(format)? {
        Format::Hex => unhex(a)?,
        Format::Base64 => unbase64(a)?,
        Format::Escape => unescape(a)?,
    };
    pg_convert_to(a: &str, encoding: &str) -> Vec<u8> = {
        known_encoding(encoding)?;
        to_encoding(a, encoding)?
    };
    pg_convert_from(a: &[u8], encoding: &str) -> String = {
        known_encoding(encoding)?;
        from_encoding(a, encoding)?
    };
    pg_convert(a: &[u8], from: &str, to: &str) -> Vec<u8> = {
        known_encoding(from)?;
        known_encoding(to)?;
        to_encoding(&from_encoding(a, from)?, to)?
    };
    length_in_encoding(a: &[u8], encoding: &str) -> i32 = {
        known_encoding(encoding)?;
        from_encoding(a, encoding)?.chars().count() as i32
    };
    PG_char_to_encoding(name: &str) -> i32 = encoding_number(name).unwrap_or(-1);
}

/// `pg_encoding_to_char`
#[allow(non_snake_case, reason = "PostgreSQL's own name")]
pub(super) fn PG_encoding_to_char(_: &mut EvalCx<'_>, args: &[Datum]) -> Result<Datum> {
    let number: i32 = arg(args, 0)?;
    let name = ENCODINGS.iter().find(|e| e.1 == number).map_or("", |e| e.0);
    Ok(Datum::text(name))
}

fn slice(a: &[u8], from: i32, len: Option<i32>) -> Result<&[u8]> {
    let (start, end) = substring_range(from, len)?;
    let start = start.min(a.len());
    Ok(&a[start..end.clamp(start, a.len())])
}

fn overlay(a: &[u8], new: &[u8], from: i32, len: i32) -> Result<Vec<u8>> {
    if from <= 0 {
        return Err(sql_err!(SUBSTRING_ERROR, "negative substring length not allowed"));
    }
    let after =
        from.checked_add(len).ok_or_else(|| sql_err!(NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range"))?;
    Ok([slice(a, 1, Some(from - 1))?, new, slice(a, after, None)?].concat())
}

fn trim<'a>(mut a: &'a [u8], set: &[u8], start: bool, end: bool) -> &'a [u8] {
    while start && a.first().is_some_and(|b| set.contains(b)) {
        a = &a[1..];
    }
    while end && a.last().is_some_and(|b| set.contains(b)) {
        a = &a[..a.len() - 1];
    }
    a
}

fn index(n: i64, length: i64) -> Result<usize> {
    if (0..length).contains(&n) {
        Ok(n as usize)
    } else {
        Err(sql_err!(ARRAY_SUBSCRIPT_ERROR, "index {n} out of valid range, 0..{}", length - 1))
    }
}

/// A big-endian signed integer of at most `width` bytes.
fn integer(a: &[u8], width: usize, name: &str) -> Result<i64> {
    if a.len() > width {
        return Err(sql_err!(NUMERIC_VALUE_OUT_OF_RANGE, "{name} out of range"));
    }
    Ok(a.iter().fold(0_i64, |v, &b| v << 8 | i64::from(b)))
}

/// Reflected CRC-32 with the given polynomial, bit by bit over a table of nibbles.
fn crc(bytes: &[u8], polynomial: u32) -> u32 {
    let mut table = [0_u32; 16];
    for (i, entry) in table.iter_mut().enumerate() {
        *entry = (0..4).fold(i as u32, |v, _| if v & 1 == 1 { v >> 1 ^ polynomial } else { v >> 1 });
    }
    !bytes.iter().fold(!0_u32, |v, &b| {
        let v = table[((v ^ u32::from(b)) & 15) as usize] ^ v >> 4;
        table[((v ^ u32::from(b) >> 4) & 15) as usize] ^ v >> 4
    })
}

/// The formats of `encode` and `decode`.
enum Format {
    Hex,
    Base64,
    Escape,
}

impl Format {
    fn named(name: &str) -> Result<Format> {
        match name.to_ascii_lowercase().as_str() {
            "hex" => Ok(Format::Hex),
            "base64" => Ok(Format::Base64),
            "escape" => Ok(Format::Escape),
            _ => Err(sql_err!(INVALID_PARAMETER_VALUE, "unrecognized encoding: \"{name}\"")),
        }
    }
}

/// Lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |n: u8| char::from(DIGITS[usize::from(n & 15)]);
    bytes.iter().flat_map(|&b| [digit(b >> 4), digit(b)]).collect()
}

fn unhex(text: &str) -> Result<Vec<u8>> {
    let mut digits = text.chars().filter(|c| !matches!(c, ' ' | '\n' | '\t' | '\r'));
    let value = |c: char| {
        c.to_digit(16)
            .map(|d| d as u8)
            .ok_or_else(|| sql_err!(INVALID_PARAMETER_VALUE, "invalid hexadecimal digit: \"{c}\""))
    };
    let mut out = Vec::with_capacity(text.len() / 2);
    while let Some(high) = digits.next() {
        let high = value(high)?;
        let low = digits.next().ok_or_else(|| {
            sql_err!(INVALID_PARAMETER_VALUE, "invalid hexadecimal data: odd number of digits")
        })?;
        out.push(high << 4 | value(low)?);
    }
    Ok(out)
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// MIME base64: lines of 76 characters.
fn base64(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4 + bytes.len() / 57 + 1);
    let mut column = 0;
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().enumerate().fold(0_u32, |w, (i, &b)| w | u32::from(b) << (16 - 8 * i));
        for i in 0..4 {
            let digit = BASE64[(word >> (18 - 6 * i) & 63) as usize];
            out.push(if i <= chunk.len() { char::from(digit) } else { '=' });
        }
        column += 4;
        if column == 76 {
            out.push('\n');
            column = 0;
        }
    }
    out
}

fn unbase64(text: &str) -> Result<Vec<u8>> {
    let invalid_end = || {
        sql_err!(INVALID_PARAMETER_VALUE, "invalid base64 end sequence")
            .hint("Input data is missing padding, is truncated, or is otherwise corrupted.")
    };
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut word, mut count, mut padding) = (0_u32, 0, 0);
    for c in text.chars().filter(|c| !matches!(c, ' ' | '\t' | '\n' | '\r')) {
        let digit = if c == '=' {
            if padding == 0 {
                padding = match count {
                    2 => 1,
                    3 => 2,
                    _ => {
                        return Err(sql_err!(
                            INVALID_PARAMETER_VALUE,
                            "unexpected \"=\" while decoding base64 sequence"
                        ));
                    }
                };
            }
            0
        } else {
            let digit = u8::try_from(c).ok().and_then(|b| BASE64.iter().position(|&have| have == b));
            digit.filter(|_| padding == 0).ok_or_else(|| {
                sql_err!(
                    INVALID_PARAMETER_VALUE,
                    "invalid symbol \"{c}\" found while decoding base64 sequence"
                )
            })? as u32
        };
        word = word << 6 | digit;
        count += 1;
        if count == 4 {
            out.push((word >> 16) as u8);
            if padding == 0 || padding > 1 {
                out.push((word >> 8) as u8);
            }
            if padding == 0 {
                out.push(word as u8);
            }
            (word, count) = (0, 0);
        }
    }
    if count == 0 { Ok(out) } else { Err(invalid_end()) }
}

fn escape(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for &b in bytes {
        match b {
            b'\\' => out.push_str("\\\\"),
            0 | 0x80.. => out.push_str(&format!("\\{b:03o}")),
            _ => out.push(char::from(b)),
        }
    }
    out
}

fn unescape(text: &str) -> Result<Vec<u8>> {
    let octal = |b: &u8| (b'0'..=b'7').contains(b);
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    loop {
        rest = match rest {
            [] => return Ok(out),
            [b'\\', a @ b'0'..=b'3', b, c, tail @ ..] if octal(b) && octal(c) => {
                out.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                tail
            }
            [b'\\', b'\\', tail @ ..] => {
                out.push(b'\\');
                tail
            }
            [b'\\', ..] => {
                return Err(sql_err!(INVALID_TEXT_REPRESENTATION, "invalid input syntax for type bytea"));
            }
            [b, tail @ ..] => {
                out.push(*b);
                tail
            }
        }
    }
}

/// Encodings by name, with PostgreSQL's numbers; conversions exist for the first three.
static ENCODINGS: &[(&str, i32)] = &[
    ("SQL_ASCII", 0),
    ("UTF8", 6),
    ("LATIN1", 8),
    ("EUC_JP", 1),
    ("EUC_CN", 2),
    ("EUC_KR", 3),
    ("EUC_TW", 4),
    ("EUC_JIS_2004", 5),
    ("MULE_INTERNAL", 7),
    ("LATIN2", 9),
    ("LATIN3", 10),
    ("LATIN4", 11),
    ("LATIN5", 12),
    ("LATIN6", 13),
    ("LATIN7", 14),
    ("LATIN8", 15),
    ("LATIN9", 16),
    ("LATIN10", 17),
    ("WIN1256", 18),
    ("WIN1258", 19),
    ("WIN866", 20),
    ("WIN874", 21),
    ("KOI8R", 22),
    ("WIN1251", 23),
    ("WIN1252", 24),
    ("ISO_8859_5", 25),
    ("ISO_8859_6", 26),
    ("ISO_8859_7", 27),
    ("ISO_8859_8", 28),
    ("WIN1250", 29),
    ("WIN1253", 30),
    ("WIN1254", 31),
    ("WIN1255", 32),
    ("WIN1257", 33),
    ("KOI8U", 34),
    ("SJIS", 35),
    ("BIG5", 36),
    ("GBK", 37),
    ("UHC", 38),
    ("GB18030", 39),
    ("JOHAB", 40),
    ("SHIFT_JIS_2004", 41),
];

/// Finds an encoding as PostgreSQL does: by its letters and digits alone.
pub fn find_encoding(name: &str) -> Option<&'static str> {
    encoding(name).map(|e| e.0)
}

fn encoding(name: &str) -> Option<(&'static str, i32)> {
    let plain =
        |s: &str| s.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let wanted = match plain(name).as_str() {
        "unicode" => "utf8".to_owned(),
        "iso88591" => "latin1".to_owned(),
        other => other.to_owned(),
    };
    ENCODINGS.iter().find(|e| plain(e.0) == wanted).copied()
}

fn encoding_number(name: &str) -> Option<i32> {
    encoding(name).map(|e| e.1)
}

fn known_encoding(name: &str) -> Result<i32> {
    encoding_number(name)
        .ok_or_else(|| sql_err!(INVALID_PARAMETER_VALUE, "invalid destination encoding name \"{name}\""))
}

fn to_encoding(text: &str, encoding: &str) -> Result<Vec<u8>> {
    match encoding_number(encoding) {
        Some(0 | 6) => Ok(text.as_bytes().to_vec()),
        Some(8) => text
            .chars()
            .map(|c| {
                u8::try_from(c).map_err(|_| {
                    let bytes: Vec<String> = c.to_string().bytes().map(|b| format!("0x{b:02x}")).collect();
                    sql_err!(
                        UNTRANSLATABLE_CHARACTER,
                        "character with byte sequence {} in encoding \"UTF8\" has no equivalent in encoding \"LATIN1\"",
                        bytes.join(" ")
                    )
                })
            })
            .collect(),
        _ => Err(SqlError::unsupported(format_args!("conversion to encoding {encoding}"))),
    }
}

fn from_encoding(bytes: &[u8], encoding: &str) -> Result<String> {
    match encoding_number(encoding) {
        Some(0 | 6) => match std::str::from_utf8(bytes) {
            Ok(text) if !text.contains('\0') => Ok(text.to_owned()),
            Ok(_) => Err(sql_err!(
                CHARACTER_NOT_IN_REPERTOIRE,
                "invalid byte sequence for encoding \"UTF8\": 0x00"
            )),
            Err(e) => {
                let bad = &bytes[e.valid_up_to()..];
                let length = e.error_len().unwrap_or(bad.len()).max(1).min(bad.len());
                let shown: Vec<String> = bad[..length].iter().map(|b| format!("0x{b:02x}")).collect();
                Err(sql_err!(
                    CHARACTER_NOT_IN_REPERTOIRE,
                    "invalid byte sequence for encoding \"UTF8\": {}",
                    shown.join(" ")
                ))
            }
        },
        Some(8) => Ok(bytes.iter().map(|&b| char::from(b)).collect()),
        _ => Err(SqlError::unsupported(format_args!("conversion from encoding {encoding}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_there_and_back() {
        for text in ["", "a", "ab", "abc", "hello world"] {
            assert_eq!(unbase64(&base64(text.as_bytes())).ok().as_deref(), Some(text.as_bytes()));
        }
        assert_eq!(base64(b"hello"), "aGVsbG8=");
        assert!(unbase64("aGVsbG8").is_err());
        assert!(unbase64("aG!s").is_err());
    }

    #[test]
    fn checksums() {
        assert_eq!(crc(b"The quick brown fox jumps over the lazy dog.", 0xedb8_8320), 1_368_401_385);
        assert_eq!(crc(b"123456789", 0x82f6_3b78), 0xe306_9283);
        assert_eq!(hex(&Md5::digest(b"abc")), "900150983cd24fb0d6963f7d28e17f72");
    }

    #[test]
    fn escapes() {
        assert_eq!(escape(b"a\\\0\xff"), "a\\\\\\000\\377");
        assert_eq!(unescape("a\\\\\\000\\377").ok().as_deref(), Some(&b"a\\\0\xff"[..]));
        assert!(unescape("\\9").is_err());
    }
}
