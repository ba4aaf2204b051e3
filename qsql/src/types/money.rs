//! `money`: a number of cents, read and written as PostgreSQL does under `lc_monetary = 'C'`.

use super::int::is_space;
use super::numeric::Numeric;
use crate::error::{Result, SqlError};
use crate::sql_err;

/// Digits behind the point.
const FRACTION: u32 = 2;
/// Cents of a unit.
const CENTS: i64 = 100;

/// `money out of range`
#[cold]
pub fn out_of_range() -> SqlError {
    sql_err!(NUMERIC_VALUE_OUT_OF_RANGE, "money out of range")
}

/// Reads the text form: a sign, a parenthesis or a currency symbol on either side, commas anywhere among the digits.
///
/// # Errors
/// 22P02, 22003.
pub fn parse(text: &str) -> Result<i64> {
    let too_large =
        || sql_err!(NUMERIC_VALUE_OUT_OF_RANGE, "value \"{text}\" is out of range for type money");
    let mut rest = text.as_bytes();
    let mut negative = false;
    skip_symbol(&mut rest);
    match rest.first() {
        Some(b'-' | b'(') => {
            negative = true;
            rest = &rest[1..];
        }
        Some(b'+') => rest = &rest[1..],
        _ => {}
    }
    skip_symbol(&mut rest);
    // The amount is gathered below zero, where there is one more.
    let (mut value, mut fraction) = (0_i64, None);
    while let [first, tail @ ..] = rest {
        match (first, fraction) {
            (b'0'..=b'9', None | Some(..FRACTION)) => {
                let digit = i64::from(first - b'0');
                value = value.checked_mul(10).and_then(|v| v.checked_sub(digit)).ok_or_else(too_large)?;
                fraction = fraction.map(|n| n + 1);
            }
            (b'.', None) => fraction = Some(0),
            (b',', _) => {}
            _ => break,
        }
        rest = tail;
    }
    if let Some(b'5'..=b'9') = rest.first() {
        value = value.checked_sub(1).ok_or_else(too_large)?;
    }
    for _ in fraction.unwrap_or(0)..FRACTION {
        value = value.checked_mul(10).ok_or_else(too_large)?;
    }
    while let [b'0'..=b'9', tail @ ..] = rest {
        rest = tail;
    }
    for b in rest {
        match b {
            b')' | b'+' | b'$' => {}
            b'-' => negative = true,
            b if is_space(*b) => {}
            _ => {
                return Err(sql_err!(
                    INVALID_TEXT_REPRESENTATION,
                    "invalid input syntax for type money: \"{text}\""
                ));
            }
        }
    }
    if negative { Ok(value) } else { value.checked_neg().ok_or_else(too_large) }
}

/// Blanks, then perhaps the currency symbol and blanks.
fn skip_symbol(rest: &mut &[u8]) {
    let skip_blanks = |rest: &mut &[u8]| {
        while let [first, tail @ ..] = *rest
            && is_space(*first)
        {
            *rest = tail;
        }
    };
    skip_blanks(rest);
    if let [b'$', tail @ ..] = *rest {
        *rest = tail;
        skip_blanks(rest);
    }
}

/// Appends the text form, `-$1,234.56`.
pub fn write(value: i64, out: &mut Vec<u8>) {
    if value < 0 {
        out.push(b'-');
    }
    out.push(b'$');
    let cents = value.unsigned_abs();
    let units = (cents / CENTS as u64).to_string();
    for (i, digit) in units.bytes().enumerate() {
        if i > 0 && (units.len() - i).is_multiple_of(3) {
            out.push(b',');
        }
        out.push(digit);
    }
    out.extend_from_slice(format!(".{:02}", cents % CENTS as u64).as_bytes());
}

/// A number of units as money.
///
/// # Errors
/// 22003
pub fn from_integer(units: i64) -> Result<i64> {
    units.checked_mul(CENTS).ok_or_else(|| sql_err!(NUMERIC_VALUE_OUT_OF_RANGE, "bigint out of range"))
}

/// A number of units as money, rounded to cents.
///
/// # Errors
/// 22003
pub fn from_numeric(units: &Numeric) -> Result<i64> {
    units.mul(&Numeric::from_i64(CENTS))?.to_i64()
}

/// Units with two digits behind the point.
///
/// # Errors
/// None for any amount.
pub fn to_numeric(value: i64) -> Result<Numeric> {
    let mut text = Vec::new();
    let cents = value.unsigned_abs();
    if value < 0 {
        text.push(b'-');
    }
    text.extend_from_slice(format!("{}.{:02}", cents / CENTS as u64, cents % CENTS as u64).as_bytes());
    Numeric::parse_bytes(&text)
}

/// The nearest amount to a number of cents; ties go to the even one.
///
/// # Errors
/// 22003
pub fn from_cents(cents: f64) -> Result<i64> {
    let cents = cents.round_ties_even();
    // Both bounds are powers of two, so they are exact.
    if (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&cents) {
        Ok(cents as i64)
    } else {
        Err(out_of_range())
    }
}

const SMALL: [&str; 28] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
    "thirty",
    "forty",
    "fifty",
    "sixty",
    "seventy",
    "eighty",
    "ninety",
];

/// A number below 1000 in words, as PostgreSQL puts them.
fn words(n: usize, out: &mut String) {
    let (hundreds, rest) = (n / 100, n % 100);
    let tens = |n: usize| SMALL[18 + n / 10];
    if n <= 20 {
        *out += SMALL[n];
        return;
    }
    if hundreds > 0 {
        *out += SMALL[hundreds];
        *out += " hundred";
        if rest == 0 {
            return;
        }
        *out += " ";
    }
    if n.is_multiple_of(10) && rest > 10 {
        *out += tens(rest);
    } else if rest < 20 {
        if hundreds > 0 {
            *out += "and ";
        }
        *out += SMALL[rest];
    } else {
        *out += tens(rest);
        *out += " ";
        *out += SMALL[rest % 10];
    }
}

/// `cash_words`: the amount in English words.
pub fn in_words(value: i64) -> String {
    const GROUPS: [&str; 5] = [" quadrillion ", " trillion ", " billion ", " million ", " thousand "];
    let mut out = String::new();
    if value < 0 {
        out += "minus ";
    }
    let cents = value.unsigned_abs();
    let dollars = cents / CENTS as u64;
    for (i, name) in GROUPS.iter().enumerate() {
        let group = dollars / 1000_u64.pow(5 - i as u32) % 1000;
        if group > 0 {
            words(group as usize, &mut out);
            out += name;
        }
    }
    if !dollars.is_multiple_of(1000) {
        words((dollars % 1000) as usize, &mut out);
    }
    if dollars == 0 {
        out += "zero";
    }
    out += if dollars == 1 { " dollar and " } else { " dollars and " };
    let rest = cents % CENTS as u64;
    words(rest as usize, &mut out);
    out += if rest == 1 { " cent" } else { " cents" };
    out[..1].make_ascii_uppercase();
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        match parse(text) {
            Ok(value) => {
                let mut out = Vec::new();
                write(value, &mut out);
                String::from_utf8(out).unwrap()
            }
            Err(e) => e.code().as_str().to_owned(),
        }
    }

    #[test]
    fn text() {
        for (text, want) in [
            ("1234.567", "$1,234.57"),
            ("($1,0.5)", "-$10.50"),
            (" $ - $ 3 ", "-$3.00"),
            ("$-3", "-$3.00"),
            ("3-", "-$3.00"),
            ("", "$0.00"),
            ("92233720368547758.07", "$92,233,720,368,547,758.07"),
            ("92233720368547758.08", "22003"),
            ("-92233720368547758.08", "-$92,233,720,368,547,758.08"),
            ("1x", "22P02"),
        ] {
            assert_eq!(shown(text), want, "{text}");
        }
    }

    #[test]
    fn english() {
        for (value, want) in [
            (0, "Zero dollars and zero cents"),
            (101, "One dollar and one cent"),
            (
                -12_345_678,
                "Minus one hundred twenty three thousand four hundred fifty six dollars and seventy eight cents",
            ),
        ] {
            assert_eq!(in_words(value), want);
        }
    }
}
