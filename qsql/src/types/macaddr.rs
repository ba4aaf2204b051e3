//! Hardware addresses: `macaddr` (EUI-48) and `macaddr8` (EUI-64).

use super::int::is_space;
use crate::error::{Result, SqlError};
use crate::sql_err;

#[cold]
fn syntax(type_name: &str, text: &str) -> SqlError {
    sql_err!(INVALID_TEXT_REPRESENTATION, "invalid input syntax for type {type_name}: \"{text}\"")
}

/// What PostgreSQL gives to `sscanf`, in this order: the digits a number has at most (0: any) and what stands behind each.
const FORMS: [(usize, [&str; 5]); 7] = [
    (0, [":", ":", ":", ":", ":"]),
    (0, ["-", "-", "-", "-", "-"]),
    (2, ["", "", ":", "", ""]),
    (2, ["", "", "-", "", ""]),
    (2, ["", ".", "", ".", ""]),
    (2, ["", "-", "", "-", ""]),
    (2, ["", "", "", "", ""]),
];

/// Reads an EUI-48 in any of the customary forms.
///
/// # Errors
/// 22P02, 22003 for a number above 255.
pub fn parse(text: &str) -> Result<[u8; 6]> {
    let numbers = FORMS.iter().find_map(|(width, between)| scan(text.as_bytes(), *width, between));
    let numbers = numbers.ok_or_else(|| syntax("macaddr", text))?;
    let mut address = [0; 6];
    for (slot, number) in address.iter_mut().zip(numbers) {
        *slot = u8::try_from(number).map_err(|_| {
            sql_err!(NUMERIC_VALUE_OUT_OF_RANGE, "invalid octet value in \"macaddr\" value: \"{text}\"")
        })?;
    }
    Ok(address)
}

/// Six numbers with the given separators, and nothing but blanks behind.
fn scan(mut text: &[u8], width: usize, between: &[&str; 5]) -> Option<[u32; 6]> {
    let mut numbers = [0; 6];
    for (i, number) in numbers.iter_mut().enumerate() {
        if i > 0 {
            text = text.strip_prefix(between[i - 1].as_bytes())?;
        }
        (*number, text) = scan_hex(text, width)?;
    }
    text.iter().all(|b| is_space(*b)).then_some(numbers)
}

/// C's `%x`: blanks, a sign and `0x` are allowed; the width counts the latter two.
fn scan_hex(text: &[u8], width: usize) -> Option<(u32, &[u8])> {
    let mut at = text.iter().position(|b| !is_space(*b))?;
    let end = if width == 0 { text.len() } else { text.len().min(at + width) };
    let digit = |i: usize| text[..end].get(i).and_then(|b| (*b as char).to_digit(16));
    let negative = text[at] == b'-' && at < end;
    if matches!(text[at], b'-' | b'+') {
        at += 1;
    }
    if text[..end].get(at) == Some(&b'0') && matches!(text[..end].get(at + 1), Some(b'x' | b'X')) {
        // The prefix alone is a number, too: glibc has read a zero.
        at += 2;
    } else {
        digit(at)?;
    }
    let mut value = 0_u64;
    while let Some(d) = digit(at) {
        value = value.checked_mul(16).map_or(u64::MAX, |v| v | u64::from(d));
        at += 1;
    }
    // C stores the low half of what it read.
    let value = value as u32;
    Some((if negative { value.wrapping_neg() } else { value }, &text[at..]))
}

/// Reads an EUI-64: pairs of digits, with one kind of separator or none; six pairs are an EUI-48, which gets FF FE in its middle.
///
/// # Errors
/// 22P02
pub fn parse8(text: &str) -> Result<[u8; 8]> {
    let bytes = text.as_bytes();
    let hex = |i: usize| bytes.get(i).and_then(|b| (*b as char).to_digit(16)).map(|d| d as u8);
    let wrong = || syntax("macaddr8", text);
    let mut at = bytes.iter().position(|b| !is_space(*b)).unwrap_or(bytes.len());
    let (mut address, mut count, mut spacer) = ([0; 8], 0, None);
    while at + 1 < bytes.len() {
        let (Some(high), Some(low)) = (hex(at), hex(at + 1)) else { return Err(wrong()) };
        *address.get_mut(count).ok_or_else(wrong)? = high << 4 | low;
        count += 1;
        at += 2;
        if let Some(here @ (b':' | b'-' | b'.')) = bytes.get(at) {
            if *spacer.get_or_insert(*here) != *here {
                return Err(wrong());
            }
            at += 1;
        }
        if (count == 6 || count == 8) && bytes.get(at).is_some_and(|b| is_space(*b)) {
            match bytes[at..].iter().all(|b| is_space(*b)) {
                true => break,
                false => return Err(wrong()),
            }
        }
    }
    match count {
        6 => Ok(widen([address[0], address[1], address[2], address[3], address[4], address[5]])),
        8 => Ok(address),
        _ => Err(wrong()),
    }
}

/// An EUI-48 as an EUI-64.
pub fn widen([a, b, c, d, e, f]: [u8; 6]) -> [u8; 8] {
    [a, b, c, 0xff, 0xfe, d, e, f]
}

/// An EUI-64 that was made of an EUI-48 as that.
///
/// # Errors
/// 22003 for others.
pub fn narrow(address: [u8; 8]) -> Result<[u8; 6]> {
    match address {
        [a, b, c, 0xff, 0xfe, d, e, f] => Ok([a, b, c, d, e, f]),
        _ => Err(sql_err!(NUMERIC_VALUE_OUT_OF_RANGE, "macaddr8 data out of range to convert to macaddr").hint(
            "Only addresses that have FF and FE as values in the 4th and 5th bytes from the left, for example \
             xx:xx:xx:ff:fe:xx:xx:xx, are eligible to be converted from macaddr8 to macaddr.",
        )),
    }
}

/// Appends the text form: pairs of digits with colons between.
pub fn write(address: &[u8], out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    for (i, b) in address.iter().enumerate() {
        if i > 0 {
            out.push(b':');
        }
        out.extend_from_slice(&[HEX[usize::from(b >> 4)], HEX[usize::from(b & 15)]]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        let want = [8, 0, 0x2b, 1, 2, 3];
        for text in [
            "08:00:2b:01:02:03",
            " 8:0:2b:1:2:3 ",
            "08-00-2B-01-02-03",
            "08002b:010203",
            "08002b-010203",
            "0800.2b01.0203",
            "0800-2b01-0203",
            "08002b010203",
            "0x8:0x:2b:+1:2:3",
        ] {
            assert_eq!(parse(text).unwrap(), want, "{text}");
        }
        for text in
            ["", "08:00:2b:01:02", "08:00:2b:01:02:03x", "08002b01020g", "-1:0:0:0:0:0", "100:0:0:0:0:0"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
        assert_eq!(parse8("08:00:2b:01:02:03").unwrap(), widen(want));
        assert_eq!(parse8(" 08002b0102030405 ").unwrap(), [8, 0, 0x2b, 1, 2, 3, 4, 5]);
        for text in ["", "08:00-2b:01:02:03:04:05", "08:00:2b:01:02:03:04", "08:00:2b:01:02:03 x"] {
            assert!(parse8(text).is_err(), "{text}");
        }
        assert_eq!(narrow(widen(want)).unwrap(), want);
        assert!(narrow([0; 8]).is_err());
    }
}
