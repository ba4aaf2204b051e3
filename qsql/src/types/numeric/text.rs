//! Reading and printing.
//!
//! Both have a first path for what nearly every value is: up to 18 digits with at most one point, nothing else.

use super::*;
use crate::types::int::{U64_DIGITS_MAX, digits_of, trim};

#[cold]
fn syntax(text: &[u8]) -> crate::SqlError {
    let shown = String::from_utf8_lossy(text);
    sql_err!(INVALID_TEXT_REPRESENTATION, "invalid input syntax for type numeric: \"{shown}\"")
}

/// Plain digits with at most one point and a minus sign; `None` leaves the text to the full grammar.
#[inline]
fn parse_plain(text: &[u8]) -> Option<Numeric> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    if digits.is_empty() || digits.len() > 19 {
        return None;
    }
    let mut v = 0u64;
    let mut point = digits.len();
    for (i, &b) in digits.iter().enumerate() {
        let d = b.wrapping_sub(b'0');
        if d <= 9 {
            v = v * 10 + u64::from(d);
        } else if b == b'.' && point == digits.len() {
            point = i;
        } else {
            return None;
        }
    }
    let scale = (digits.len() - point).saturating_sub(1);
    let count = digits.len() - usize::from(point < digits.len());
    if count == 0 || count > 18 {
        return None;
    }
    let v = v as i64;
    Some(Numeric::Small { unscaled: if negative { -v } else { v }, scale: scale as u8 })
}

/// Takes a run of digits with single underscores between them; returns the digits and the rest, `None` when an underscore
/// is misplaced. A run may be empty.
fn take_digits<'a>(text: &'a [u8], into: &mut Vec<u8>) -> Option<&'a [u8]> {
    let mut rest = text;
    loop {
        match rest {
            [b'0'..=b'9', ..] => {
                into.push(rest[0]);
                rest = &rest[1..];
            }
            [b'_', b'0'..=b'9', ..] if rest.len() < text.len() => rest = &rest[1..],
            [b'_', ..] => return None,
            _ => return Some(rest),
        }
    }
}

/// Why a text is no number.
enum Fault {
    Syntax,
    Overflow,
}

fn parse_full(text: &[u8]) -> Result<Numeric, Fault> {
    if text.eq_ignore_ascii_case(b"nan") {
        return Ok(Numeric::nan());
    }
    let (negative, body) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    if body.eq_ignore_ascii_case(b"infinity") || body.eq_ignore_ascii_case(b"inf") {
        return Ok(Numeric::infinity(negative));
    }
    let (magnitude, scale) = match body {
        [b'0', b'x' | b'X', rest @ ..] => (parse_radix(rest, 16)?, 0),
        [b'0', b'o' | b'O', rest @ ..] => (parse_radix(rest, 8)?, 0),
        [b'0', b'b' | b'B', rest @ ..] => (parse_radix(rest, 2)?, 0),
        _ => parse_decimal(body)?,
    };
    let negative = negative && !magnitude.is_zero();
    Numeric::from_big(Big { negative, magnitude, scale }).map_err(|_| Fault::Overflow)
}

fn parse_decimal(text: &[u8]) -> Result<(Mag, u32), Fault> {
    let mut digits = Vec::with_capacity(text.len());
    let mut rest = take_digits(text, &mut digits).ok_or(Fault::Syntax)?;
    let whole = digits.len();
    if let [b'.', tail @ ..] = rest {
        rest = take_digits(tail, &mut digits).ok_or(Fault::Syntax)?;
    }
    if digits.is_empty() {
        return Err(Fault::Syntax);
    }
    let mut scale = (digits.len() - whole) as i64;
    if let [b'e' | b'E', tail @ ..] = rest {
        let (minus, tail) = match tail {
            [b'-', t @ ..] => (true, t),
            [b'+', t @ ..] => (false, t),
            t => (false, t),
        };
        let mut exponent_digits = Vec::new();
        rest = take_digits(tail, &mut exponent_digits).ok_or(Fault::Syntax)?;
        if exponent_digits.is_empty() {
            return Err(Fault::Syntax);
        }
        let exponent = exponent_digits
            .iter()
            .try_fold(0i64, |v, &d| {
                Some(v * 10 + i64::from(d - b'0')).filter(|v| *v <= i64::from(i32::MAX / 2))
            })
            .ok_or(Fault::Overflow)?;
        scale += if minus { exponent } else { -exponent };
    }
    if !rest.is_empty() {
        return Err(Fault::Syntax);
    }
    let magnitude = Mag::from_digits(&digits);
    if scale > i64::from(SCALE_MAX) {
        return Err(Fault::Overflow);
    }
    if scale >= 0 {
        return Ok((magnitude, scale as u32));
    }
    if magnitude.is_zero() {
        return Ok((magnitude, 0));
    }
    if -scale > INTEGER_DIGITS_MAX as i64 {
        return Err(Fault::Overflow);
    }
    Ok((magnitude.mul_pow10(-scale as usize), 0))
}

fn parse_radix(text: &[u8], radix: u32) -> Result<Mag, Fault> {
    let mut value = Mag::zero();
    let mut after_digit = true;
    let mut any = false;
    for &b in text {
        if b == b'_' && after_digit {
            after_digit = false;
            continue;
        }
        let digit = (b as char).to_digit(radix).ok_or(Fault::Syntax)?;
        value = value.mul_small(radix);
        value.add_assign(&Mag::from_u128(u128::from(digit)));
        if value.digit_count() > INTEGER_DIGITS_MAX {
            return Err(Fault::Overflow);
        }
        (after_digit, any) = (true, true);
    }
    if any && after_digit { Ok(value) } else { Err(Fault::Syntax) }
}

impl Numeric {
    /// Reads PostgreSQL's numeric input: sign, digits with underscores, point, exponent, `0x`/`0o`/`0b` integers, `NaN`,
    /// `Infinity`, white space at both ends.
    ///
    /// # Errors
    /// 22P02 for bad syntax, 22003 beyond the limits.
    pub fn parse(text: &str) -> Result<Numeric> {
        Numeric::parse_bytes(text.as_bytes())
    }

    /// As [`Numeric::parse`].
    #[inline]
    pub fn parse_bytes(text: &[u8]) -> Result<Numeric> {
        match parse_plain(text) {
            Some(n) => Ok(n),
            None => parse_full(trim(text)).map_err(|fault| match fault {
                Fault::Syntax => syntax(text),
                Fault::Overflow => overflow(),
            }),
        }
    }

    /// Appends the text form.
    #[inline]
    pub fn write(&self, out: &mut Vec<u8>) {
        match self.class() {
            Class::Nan => out.extend_from_slice(b"NaN"),
            Class::Infinite { negative: false } => out.extend_from_slice(b"Infinity"),
            Class::Infinite { negative: true } => out.extend_from_slice(b"-Infinity"),
            Class::Finite => {
                if self.signum() < 0 {
                    out.push(b'-');
                }
                let scale = self.display_scale() as usize;
                self.with_digits(|digits| write_point(digits, scale, out));
            }
        }
    }

    /// Calls `f` with the digits of the unscaled number, without sign or leading zeros; none for zero.
    pub(super) fn with_digits<T>(&self, f: impl FnOnce(&[u8]) -> T) -> T {
        if let Numeric::Small { unscaled, .. } = self {
            let mut buf = [0; U64_DIGITS_MAX];
            let at = digits_of(unscaled.unsigned_abs(), &mut buf);
            return f(if *unscaled == 0 { &[] } else { &buf[at..] });
        }
        let mut digits = Vec::new();
        self.big().magnitude.write_digits(&mut digits);
        f(&digits)
    }
}

fn write_point(digits: &[u8], scale: usize, out: &mut Vec<u8>) {
    let whole = digits.len().saturating_sub(scale);
    if whole == 0 {
        out.push(b'0');
    }
    out.extend_from_slice(&digits[..whole]);
    if scale > 0 {
        out.push(b'.');
        out.resize(out.len() + scale.saturating_sub(digits.len()), b'0');
        out.extend_from_slice(&digits[whole..]);
    }
}

impl std::fmt::Display for Numeric {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut out = Vec::new();
        self.write(&mut out);
        f.write_str(&String::from_utf8_lossy(&out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn input_grammar() {
        for (text, want) in [
            ("0", "0"),
            ("-0.00", "0.00"),
            ("1.", "1"),
            (".5", "0.5"),
            (" +12.340 ", "12.340"),
            ("1.5e3", "1500"),
            ("1.50e1", "15.0"),
            ("15e-3", "0.015"),
            ("1_000.000_1", "1000.0001"),
            ("1e1_0", "10000000000"),
            ("0xff", "255"),
            ("-0b1_01", "-5"),
            ("0o777", "511"),
            ("nan", "NaN"),
            ("-inf", "-Infinity"),
            ("Infinity", "Infinity"),
            (
                "12345678901234567890123456789012345678901234567890.5",
                "12345678901234567890123456789012345678901234567890.5",
            ),
        ] {
            assert_eq!(Numeric::parse(text).unwrap().to_string(), want, "{text}");
        }
        for text in [
            "", " ", ".", "-", "1e", "1e+", "1 2", "1..2", "1._5", "_1", "1_", "1__0", "0x", "+nan", "abc",
            "1-",
        ] {
            let e = Numeric::parse(text).unwrap_err();
            assert_eq!(e.message(), format!("invalid input syntax for type numeric: \"{text}\""));
        }
        for text in ["1e131072", "1e-16384", "1e99999999999"] {
            assert_eq!(
                Numeric::parse(text).unwrap_err().message(),
                "value overflows numeric format",
                "{text}"
            );
        }
        assert!(Numeric::parse("1e131071").is_ok() && Numeric::parse("1e-16383").is_ok());
    }
}
