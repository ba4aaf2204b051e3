//! `date`: days since 2000-01-01.

use super::super::IoContext;
use super::calendar::{Civil, from_julian, is_valid_julian, to_julian};
use super::decode::{self, Decoded};
use super::{DATE_INFINITY, DATE_NEG_INFINITY, EPOCH_JULIAN, Fault, UNIX_EPOCH_JULIAN, iso, print};
use crate::error::Result;
use crate::sql_err;

/// Reads a date in any of PostgreSQL's input forms.
///
/// # Errors
/// 22007, 22008, 22009 with PostgreSQL's texts.
#[inline]
pub fn parse(text: &str, cx: &IoContext<'_>) -> Result<i32> {
    match iso::date(text.as_bytes()) {
        Some(date) => Ok(date),
        None => parse_full(text, cx),
    }
}

fn parse_full(text: &str, cx: &IoContext<'_>) -> Result<i32> {
    let decoded = decode::timestamp(text, cx).map_err(|fault: Fault| fault.report(text, "date"))?;
    Ok(match decoded {
        Decoded::Infinity => DATE_INFINITY,
        Decoded::NegInfinity => DATE_NEG_INFINITY,
        Decoded::Epoch => (UNIX_EPOCH_JULIAN - EPOCH_JULIAN) as i32,
        Decoded::At(civil, _) => of_civil(civil.year, civil.month, civil.day)
            .ok_or_else(|| sql_err!(DATETIME_FIELD_OVERFLOW, "date out of range: \"{text}\""))?,
    })
}

/// The date of a year (0 is 1 BC), month and day; `None` beyond the type's range.
pub fn of_civil(year: i32, month: i32, day: i32) -> Option<i32> {
    if !is_valid_julian(year, month) {
        return None;
    }
    let date = i32::try_from(to_julian(year, month, day) - EPOCH_JULIAN).ok()?;
    (super::is_valid_date(date) && !super::is_infinite_date(date)).then_some(date)
}

/// Year (0 is 1 BC), month and day of a finite date.
pub fn to_civil(date: i32) -> (i32, i32, i32) {
    from_julian(i64::from(date) + EPOCH_JULIAN)
}

/// Appends a date in the session's `DateStyle`.
#[inline]
pub fn write(date: i32, cx: &IoContext<'_>, out: &mut Vec<u8>) {
    match date {
        DATE_INFINITY => out.extend_from_slice(b"infinity"),
        DATE_NEG_INFINITY => out.extend_from_slice(b"-infinity"),
        _ => {
            let (year, month, day) = to_civil(date);
            let civil = Civil { year, month, day, ..Civil::default() };
            print::date(&civil, cx.date_style, cx.date_order, out);
            print::era(year, out);
        }
    }
}
