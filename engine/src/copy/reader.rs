//! Values of common types, from their bytes to the stored column without a value in between.
//!
//! Only what is written in the plainest way is read here (digits, one point, `yyyy-mm-dd`). Anything else, errors too, is left to
//! the types' own input functions, with which these agree.

use nq_qsql::types::datetime::iso;
use nq_qsql::types::numeric::precision_and_scale;
use nq_qsql::types::{Datum, Oid, oid};

use crate::table::write::RowSlot;

/// Digits that fit an `i64` whatever they are.
const DIGITS_MAX: usize = 18;

/// How the values of a column are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reader {
    /// By the type's input function.
    General,
    /// As they are, up to so many bytes.
    Text(usize),
    Int2,
    Int4,
    Int8,
    Date,
    /// With the scale they are written with.
    Numeric,
    /// With this scale, below this bound.
    Decimal(u8, i64),
}

impl Reader {
    /// The reader of a column's values in text.
    pub(super) fn of(type_oid: Oid, typmod: i32) -> Reader {
        match type_oid {
            oid::TEXT => Reader::Text(usize::MAX),
            oid::VARCHAR if typmod < 4 => Reader::Text(usize::MAX),
            // As many characters take no fewer bytes.
            oid::VARCHAR => Reader::Text((typmod - 4) as usize),
            oid::BPCHAR if typmod < 4 => Reader::Text(usize::MAX),
            oid::INT2 => Reader::Int2,
            oid::INT4 => Reader::Int4,
            oid::INT8 => Reader::Int8,
            oid::DATE => Reader::Date,
            oid::NUMERIC if typmod < 4 => Reader::Numeric,
            oid::NUMERIC => match precision_and_scale(typmod) {
                (precision @ 1..=18, scale @ 0..=18) => {
                    Reader::Decimal(scale as u8, 10i64.pow(precision as u32))
                }
                _ => Reader::General,
            },
            _ => Reader::General,
        }
    }

    /// Fills the next column from the bytes, which are UTF-8; `false`: this is not for here, and nothing was done.
    #[inline]
    pub(super) fn read(self, bytes: &[u8], slot: &mut RowSlot<'_>) -> bool {
        match self {
            Reader::General => return false,
            Reader::Text(limit) if bytes.len() > limit => return false,
            Reader::Text(_) => slot.text(bytes),
            Reader::Int2 => match integer(bytes).and_then(|v| i16::try_from(v).ok()) {
                Some(v) => slot.fixed(v.to_le_bytes(), Datum::Int2(v)),
                None => return false,
            },
            Reader::Int4 => match integer(bytes).and_then(|v| i32::try_from(v).ok()) {
                Some(v) => slot.fixed(v.to_le_bytes(), Datum::Int4(v)),
                None => return false,
            },
            Reader::Int8 => match integer(bytes) {
                Some(v) => slot.fixed(v.to_le_bytes(), Datum::Int8(v)),
                None => return false,
            },
            Reader::Date => match iso::date(bytes) {
                Some(v) => slot.fixed(v.to_le_bytes(), Datum::Date(v)),
                None => return false,
            },
            Reader::Numeric => match decimal(bytes) {
                Some((unscaled, scale)) => slot.decimal(unscaled, scale),
                None => return false,
            },
            Reader::Decimal(scale, bound) => match decimal(bytes).and_then(|v| scaled(v, scale, bound)) {
                Some(unscaled) => slot.decimal(unscaled, scale),
                None => return false,
            },
        }
        true
    }
}

/// A sign and some digits.
#[inline]
fn integer(bytes: &[u8]) -> Option<i64> {
    let (negative, digits) = match bytes {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || digits.len() > DIGITS_MAX {
        return None;
    }
    let mut value = 0;
    for &byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + i64::from(digit);
    }
    Some(if negative { -value } else { value })
}

/// A sign and digits with at most one point among them: the unscaled value and the scale.
#[inline]
fn decimal(bytes: &[u8]) -> Option<(i64, u8)> {
    let (negative, digits) = match bytes {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || digits.len() > DIGITS_MAX {
        return None;
    }
    let (mut value, mut point) = (0, None);
    for (i, &byte) in digits.iter().enumerate() {
        let digit = byte.wrapping_sub(b'0');
        if digit <= 9 {
            value = value * 10 + i64::from(digit);
        } else if byte == b'.' && point.is_none() && i > 0 {
            point = Some(i);
        } else {
            return None;
        }
    }
    let scale = match point {
        None => 0,
        Some(at) if at + 1 == digits.len() => return None,
        Some(at) => digits.len() - 1 - at,
    };
    Some((if negative { -value } else { value }, scale as u8))
}

/// The unscaled value at another scale, if no digit is lost and it lies below the bound.
#[inline]
fn scaled((unscaled, from): (i64, u8), scale: u8, bound: i64) -> Option<i64> {
    let unscaled = match scale.checked_sub(from)? {
        0 => unscaled,
        more => unscaled.checked_mul(10i64.pow(u32::from(more)))?,
    };
    (unscaled.unsigned_abs() < bound.unsigned_abs()).then_some(unscaled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nq_qsql::types::{Numeric, io_text};

    /// The value that is read here, if any.
    fn read(reader: Reader, text: &str) -> Option<Datum> {
        let bytes = text.as_bytes();
        let small = |unscaled, scale| Datum::Numeric(Numeric::Small { unscaled, scale });
        match reader {
            Reader::Int4 => integer(bytes).and_then(|v| i32::try_from(v).ok()).map(Datum::Int4),
            Reader::Int8 => integer(bytes).map(Datum::Int8),
            Reader::Date => iso::date(bytes).map(Datum::Date),
            Reader::Numeric => decimal(bytes).map(|(v, scale)| small(v, scale)),
            Reader::Decimal(scale, bound) => {
                decimal(bytes).and_then(|v| scaled(v, scale, bound)).map(|v| small(v, scale))
            }
            _ => None,
        }
    }

    #[test]
    fn what_is_read_here_is_what_the_types_read() {
        let texts = [
            "0",
            "-0",
            "7",
            "-15",
            "+3",
            "2147483647",
            "2147483648",
            "-2147483648",
            "999999999999999999",
            "9999999999999999999",
            "",
            "-",
            "1_000",
            " 1",
            "0x10",
            "1.5",
            "-0.00",
            "24386.67",
            "17",
            ".5",
            "5.",
            ".",
            "1.2.3",
            "1e3",
            "NaN",
            "-999.99",
            "999.995",
            "1000",
            "0.001",
            "2024-02-29",
            "2023-02-29",
            "1996-03-13",
            "0000-01-01",
            "96-3-13",
            "1996-3-13",
        ];
        let numeric = |precision: i32, scale: i32| (precision << 16 | scale) + 4;
        let columns = [
            (oid::INT4, -1),
            (oid::INT8, -1),
            (oid::DATE, -1),
            (oid::NUMERIC, -1),
            (oid::NUMERIC, numeric(15, 2)),
            (oid::NUMERIC, numeric(5, 2)),
            (oid::NUMERIC, numeric(18, 18)),
            (oid::NUMERIC, numeric(30, 2)),
        ];
        let io = nq_qsql::types::IoContext::default();
        let mut hits = 0;
        for (type_oid, typmod) in columns {
            for text in texts {
                let Some(here) = read(Reader::of(type_oid, typmod), text) else { continue };
                let there = io_text::parse_text(type_oid, typmod, text, &io).expect(text);
                assert_eq!(format!("{here:?}"), format!("{there:?}"), "{text} as {type_oid}");
                hits += 1;
            }
        }
        assert!(hits > 40, "{hits}");
    }
}
