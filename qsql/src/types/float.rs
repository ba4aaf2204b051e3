//! Floating point from and to text.
//!
//! Output is the shortest text that reads back as the same number (Ryu: Adams 2018), in PostgreSQL's form: an exponent of at
//! least two digits below 1e-4 and from 1e15 (real: 1e6) on.
//!
//! Difference to the paper: PostgreSQL does not use a decimal that lies exactly half way to the neighbouring number, although
//! reading rounds it back (1e23 prints as 9.999999999999999e+22). Ryu does; such results are searched again.

use super::int::trim;
use crate::error::Result;
use crate::sql_err;

/// Digits in the shortest decimal of a double or a float.
const DIGITS_MAX: usize = 17;
const POW5: [u64; 28] = {
    let mut table = [1u64; 28];
    let mut i = 1;
    while i < 28 {
        table[i] = table[i - 1] * 5;
        i += 1;
    }
    table
};

/// A float type's limits for text output.
trait Float: ryu::Float + Copy + PartialEq + std::str::FromStr + std::fmt::LowerExp {
    /// SQL's name of the type.
    const NAME: &'static str;
    /// Decimal exponent from which on an exponent is printed.
    const EXPONENT_FROM: i32;
    /// Decimal digits that every value keeps; `extra_float_digits` adds to it.
    const DIGITS: i32;
    /// Bits of the significand.
    const BITS: u32;
    /// The value as a double.
    fn wide(self) -> f64;
}

impl Float for f64 {
    const NAME: &'static str = "double precision";
    const EXPONENT_FROM: i32 = 15;
    const DIGITS: i32 = 15;
    const BITS: u32 = 53;
    fn wide(self) -> f64 {
        self
    }
}

impl Float for f32 {
    const NAME: &'static str = "real";
    const EXPONENT_FROM: i32 = 6;
    const DIGITS: i32 = 6;
    const BITS: u32 = 24;
    fn wide(self) -> f64 {
        f64::from(self)
    }
}

/// Reads a `double precision`.
///
/// # Errors
/// 22P02 for bad syntax; 22003 when the value overflows or underflows to zero.
pub fn parse_f64(text: &[u8]) -> Result<f64> {
    parse(text)
}

/// Reads a `real`; errors as [`parse_f64`].
pub fn parse_f32(text: &[u8]) -> Result<f32> {
    parse(text)
}

fn parse<F: Float>(text: &[u8]) -> Result<F> {
    let body = trim(text);
    let value = std::str::from_utf8(body).ok().and_then(|s| s.parse::<F>().ok().or_else(|| parse_hex(s)));
    let Some(value) = value else {
        let shown = String::from_utf8_lossy(text);
        return Err(sql_err!(
            INVALID_TEXT_REPRESENTATION,
            "invalid input syntax for type {}: \"{shown}\"",
            F::NAME
        ));
    };
    let wide = value.wide();
    if wide == 0.0 || wide.is_infinite() {
        check_range(body, wide, F::NAME)?;
    }
    Ok(value)
}

/// A zero must be written with zeros only, an infinity with letters.
#[cold]
fn check_range(text: &[u8], value: f64, type_name: &str) -> Result<()> {
    let exact = match value == 0.0 {
        true => text.iter().take_while(|b| !matches!(b, b'e' | b'E')).all(|b| !(b'1'..=b'9').contains(b)),
        false => text.iter().any(|b| matches!(b, b'i' | b'I')),
    };
    if exact {
        return Ok(());
    }
    let shown = String::from_utf8_lossy(text);
    Err(sql_err!(NUMERIC_VALUE_OUT_OF_RANGE, "\"{shown}\" is out of range for type {type_name}"))
}

/// Reads C's hexadecimal form (`0x1F`, `0x1.8p3`), which `strtod` accepts too.
fn parse_hex<F: Float>(text: &str) -> Option<F> {
    /// Hexadecimal digits whose integer rounds correctly to a double.
    const HEX_DIGITS_MAX: usize = 32;
    let (sign, body) = match text.as_bytes().first()? {
        b'-' => (-1.0, &text[1..]),
        b'+' => (1.0, &text[1..]),
        _ => (1.0, text),
    };
    let body = body.strip_prefix("0x").or_else(|| body.strip_prefix("0X"))?;
    let (digits, exponent) = match body.split_once(['p', 'P']) {
        Some((digits, exponent)) => (digits, exponent.parse::<i32>().ok()?),
        None => (body, 0),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let all = format!("{whole}{part}");
    if all.is_empty() || all.len() > HEX_DIGITS_MAX || !all.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let value = u128::from_str_radix(&all, 16).ok()? as f64;
    let exponent = exponent.clamp(-5000, 5000) - 4 * part.len() as i32;
    // In two steps, so that the power itself stays within range.
    let scaled = value * 2f64.powi(exponent / 2) * 2f64.powi(exponent - exponent / 2);
    format!("{:e}", sign * scaled).parse().ok()
}

/// Appends a `double precision`; `extra_float_digits` above 0 means the shortest exact form.
pub fn write_f64(v: f64, extra_float_digits: i32, out: &mut Vec<u8>) {
    write(v, extra_float_digits, out);
}

/// Appends a `real`; see [`write_f64`].
pub fn write_f32(v: f32, extra_float_digits: i32, out: &mut Vec<u8>) {
    write(v, extra_float_digits, out);
}

fn write<F: Float>(v: F, extra: i32, out: &mut Vec<u8>) {
    let wide = v.wide();
    if wide.is_nan() {
        return out.extend_from_slice(b"NaN");
    }
    if wide.is_sign_negative() {
        out.push(b'-');
    }
    if wide.is_infinite() {
        return out.extend_from_slice(b"Infinity");
    }
    if wide == 0.0 {
        return out.push(b'0');
    }
    if extra > 0 {
        let mut decimal = Decimal::read(ryu::Buffer::new().format_finite(v).as_bytes());
        if decimal.is_midpoint(F::BITS) {
            decimal = beside_midpoint(v);
        }
        return decimal.write(F::EXPONENT_FROM, out);
    }
    let digits = (F::DIGITS + extra).max(1);
    let text = format!("{v:.*e}", digits as usize - 1);
    // %g prints an exponent from as many digits on as it was asked for.
    Decimal::read(text.as_bytes()).write(digits, out);
}

/// Significant digits without zeros at either end, and the power of ten of the first digit.
struct Decimal {
    digits: [u8; DIGITS_MAX],
    len: usize,
    exponent: i32,
}

impl Decimal {
    /// Takes apart `12.5`, `1.25e-7` and the like; a sign is skipped.
    fn read(text: &[u8]) -> Decimal {
        let mut decimal = Decimal { digits: [0; DIGITS_MAX], len: 0, exponent: -1 };
        let (mut seen_point, mut exponent, mut zeros) = (false, 0i32, 0);
        for (i, &b) in text.iter().enumerate() {
            match b {
                b'.' => seen_point = true,
                b'e' | b'E' => {
                    exponent =
                        std::str::from_utf8(&text[i + 1..]).ok().and_then(|s| s.parse().ok()).unwrap_or(0);
                    break;
                }
                b'0' => {
                    // Leading zeros move the exponent; inner ones count when a digit follows.
                    if decimal.len > 0 {
                        zeros += 1;
                    }
                    decimal.exponent += match (decimal.len > 0, seen_point) {
                        (true, false) => 1,
                        (false, true) => -1,
                        _ => 0,
                    };
                }
                b'1'..=b'9' => {
                    decimal.exponent += i32::from(!seen_point);
                    for digit in std::iter::repeat_n(b'0', zeros).chain([b]) {
                        if decimal.len < DIGITS_MAX {
                            decimal.digits[decimal.len] = digit;
                            decimal.len += 1;
                        }
                    }
                    zeros = 0;
                }
                _ => {}
            }
        }
        decimal.exponent += exponent;
        decimal
    }

    fn write(&self, exponent_from: i32, out: &mut Vec<u8>) {
        let digits = &self.digits[..self.len];
        let point = self.exponent + 1;
        if self.exponent < -4 || self.exponent >= exponent_from {
            out.push(digits[0]);
            if digits.len() > 1 {
                out.push(b'.');
                out.extend_from_slice(&digits[1..]);
            }
            out.extend_from_slice(if self.exponent < 0 { b"e-" } else { b"e+" });
            super::int::write_padded(u64::from(self.exponent.unsigned_abs()), 2, out);
        } else if point <= 0 {
            out.extend_from_slice(b"0.");
            out.resize(out.len() + point.unsigned_abs() as usize, b'0');
            out.extend_from_slice(digits);
        } else if point as usize >= digits.len() {
            out.extend_from_slice(digits);
            out.resize(out.len() + point as usize - digits.len(), b'0');
        } else {
            out.extend_from_slice(&digits[..point as usize]);
            out.push(b'.');
            out.extend_from_slice(&digits[point as usize..]);
        }
    }

    /// Whether the decimal lies exactly between two numbers of `bits` significant bits: it is then an odd number of
    /// `bits + 1` bits times a power of two.
    fn is_midpoint(&self, bits: u32) -> bool {
        let unscaled = self.digits[..self.len].iter().fold(0u64, |v, d| v * 10 + u64::from(d - b'0'));
        // unscaled * 10^e has the odd part of unscaled * 5^e.
        let e = self.exponent + 1 - self.len as i32;
        let odd = match e {
            0.. => {
                let Some(&power) = POW5.get(e as usize) else { return false };
                u128::from(unscaled) * u128::from(power)
            }
            _ => {
                let Some(&power) = POW5.get(e.unsigned_abs() as usize) else { return false };
                if unscaled % power != 0 {
                    return false;
                }
                u128::from(unscaled / power)
            }
        };
        odd != 0 && (odd >> odd.trailing_zeros()) >> bits == 1
    }
}

/// The shortest decimal that reads back as `v` and is no midpoint.
#[cold]
fn beside_midpoint<F: Float>(v: F) -> Decimal {
    let candidates = (0..DIGITS_MAX).map(|precision| format!("{v:.precision$e}"));
    let mut last = Decimal { digits: [b'0'; DIGITS_MAX], len: 1, exponent: 0 };
    for text in candidates {
        last = Decimal::read(text.as_bytes());
        if text.parse::<F>().is_ok_and(|back| back == v) && !last.is_midpoint(F::BITS) {
            break;
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(v: f64, extra: i32) -> String {
        let mut out = Vec::new();
        write_f64(v, extra, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn doubles_print_as_postgresql_prints_them() {
        for (v, want) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.5, "1.5"),
            (100.0, "100"),
            (1e23, "9.999999999999999e+22"),
            (1e22, "1e+22"),
            (1e15, "1e+15"),
            (123456789012345.0, "123456789012345"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (5e-324, "5e-324"),
            (9007199254740992.0, "9.007199254740992e+15"),
            (0.1, "0.1"),
            (f64::MAX, "1.7976931348623157e+308"),
            (f64::NEG_INFINITY, "-Infinity"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(text(v, 1), want);
        }
        assert_eq!(text(0.1 + 0.2, 0), "0.3");
        assert_eq!(text(1.0 / 3.0, -12), "0.333");
        assert_eq!(text(123456.0, -12), "1.23e+05");
        let mut out = Vec::new();
        for v in [1e6f32, 123456.0, f32::MIN_POSITIVE, 0.1] {
            write_f32(v, 1, &mut out);
            out.push(b' ');
        }
        assert_eq!(String::from_utf8(out).unwrap(), "1e+06 123456 1.1754944e-38 0.1 ");
    }

    #[test]
    fn input_and_its_errors() {
        for (t, want) in [
            (" 1.5 ", 1.5),
            ("-inf", f64::NEG_INFINITY),
            ("1e-3", 0.001),
            (".5", 0.5),
            ("0x10", 16.0),
            ("0e500", 0.0),
        ] {
            assert_eq!(parse_f64(t.as_bytes()).unwrap(), want);
        }
        for t in ["1e400", "1e-400"] {
            let want = format!("\"{t}\" is out of range for type double precision");
            assert_eq!(parse_f64(t.as_bytes()).unwrap_err().message(), want);
        }
        assert_eq!(parse_f32(b"x").unwrap_err().message(), "invalid input syntax for type real: \"x\"");
        assert!(parse_f64(b"").is_err());
    }

    proptest! {
        #[test]
        fn text_reads_back(bits in any::<u64>()) {
            let v = f64::from_bits(bits);
            prop_assume!(v.is_finite());
            prop_assert_eq!(parse_f64(text(v, 1).as_bytes()).unwrap(), v);
        }
    }
}
