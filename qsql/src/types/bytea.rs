//! `bytea` from and to text: the hex and the escape format.

use super::io::ByteaOutput;
use crate::error::Result;
use crate::sql_err;

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Reads either format; `\x` begins hex.
///
/// # Errors
/// 22023 for bad hex, 22P02 for a bad escape.
pub fn parse(text: &[u8]) -> Result<Vec<u8>> {
    match text.strip_prefix(b"\\x") {
        Some(hex) => parse_hex(hex),
        None => parse_escape(text),
    }
}

fn parse_hex(text: &[u8]) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 2);
    let digit = |at: usize| match text[at] {
        b @ b'0'..=b'9' => Ok(b - b'0'),
        b @ b'a'..=b'f' => Ok(b - b'a' + 10),
        b @ b'A'..=b'F' => Ok(b - b'A' + 10),
        _ => {
            let shown = String::from_utf8_lossy(&text[at..]).chars().next().unwrap_or('?');
            Err(sql_err!(INVALID_PARAMETER_VALUE, "invalid hexadecimal digit: \"{shown}\""))
        }
    };
    let mut at = 0;
    while at < text.len() {
        if matches!(text[at], b' ' | b'\n' | b'\t' | b'\r') {
            at += 1;
            continue;
        }
        let high = digit(at)?;
        if at + 1 == text.len() {
            return Err(sql_err!(INVALID_PARAMETER_VALUE, "invalid hexadecimal data: odd number of digits"));
        }
        out.push(high << 4 | digit(at + 1)?);
        at += 2;
    }
    Ok(out)
}

fn parse_escape(mut text: &[u8]) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    loop {
        text = match text {
            [] => return Ok(out),
            [b'\\', b'\\', rest @ ..] => {
                out.push(b'\\');
                rest
            }
            [b'\\', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', rest @ ..] => {
                out.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                rest
            }
            [b'\\', ..] => {
                return Err(sql_err!(INVALID_TEXT_REPRESENTATION, "invalid input syntax for type bytea"));
            }
            [b, rest @ ..] => {
                out.push(*b);
                rest
            }
        };
    }
}

/// Appends the text form.
pub fn write(bytes: &[u8], format: ByteaOutput, out: &mut Vec<u8>) {
    match format {
        ByteaOutput::Hex => {
            out.reserve(2 + 2 * bytes.len());
            out.extend_from_slice(b"\\x");
            out.extend(bytes.iter().flat_map(|b| [HEX[usize::from(b >> 4)], HEX[usize::from(b & 15)]]));
        }
        ByteaOutput::Escape => {
            for &b in bytes {
                match b {
                    b'\\' => out.extend_from_slice(b"\\\\"),
                    b' '..=b'~' => out.push(b),
                    _ => {
                        out.extend_from_slice(&[b'\\', b'0' + (b >> 6), b'0' + (b >> 3 & 7), b'0' + (b & 7)])
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_formats() {
        assert_eq!(parse(b"\\x00fF 10").unwrap(), [0, 255, 16]);
        assert_eq!(parse(b"a\\\\b\\001\\377").unwrap(), [b'a', b'\\', b'b', 1, 255]);
        for (bad, want) in [
            ("\\xzz", "invalid hexadecimal digit: \"z\""),
            ("\\x1", "invalid hexadecimal data: odd number of digits"),
            ("\\12", "invalid input syntax for type bytea"),
        ] {
            assert_eq!(parse(bad.as_bytes()).unwrap_err().message(), want);
        }
        let mut out = Vec::new();
        write(&[0, b'\\', b'a', 255], ByteaOutput::Hex, &mut out);
        out.push(b' ');
        write(&[0, b'\\', b'a', 255], ByteaOutput::Escape, &mut out);
        assert_eq!(out, b"\\x005c61ff \\000\\\\a\\377");
    }
}
