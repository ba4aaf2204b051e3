//! Dates, times, timestamps and intervals: calendar, input, output, arithmetic.
//!
//! ```text
//! text -> fields (tokens) -> decode / interval_text (meaning) -> i32 days, i64 microseconds, Interval -> text
//! ```
//!
//! The common ISO forms take a shorter way in and out ([`iso`]). Values count from 2000-01-01; the extremes of the integer are
//! infinity. Dates reach from 4713 BC to 5874897 AD, timestamps to 294276 AD; the calendar is Gregorian throughout.
//! A zone offset is in seconds east of Greenwich, except in `timetz` values, which keep it west as PostgreSQL does.
//!
//! Source: PostgreSQL manual, 8.5 "Date/Time Types", 9.9 "Date/Time Functions", appendix B "Date/Time Support"; behaviour
//! checked against PostgreSQL 18.

mod abbreviations;
pub mod arith;
pub mod calendar;
pub mod date;
mod decode;
pub mod extract;
mod fields;
pub mod interval;
mod interval_text;
pub mod iso;
mod keywords;
pub mod make;
mod print;
pub mod time;
pub mod timestamp;
pub mod trunc;
pub mod zone;

use crate::error::SqlError;
use crate::sql_err;

/// Microseconds in a second.
pub const USECS_PER_SEC: i64 = 1_000_000;
/// Microseconds in a minute.
pub const USECS_PER_MINUTE: i64 = 60 * USECS_PER_SEC;
/// Microseconds in an hour.
pub const USECS_PER_HOUR: i64 = 60 * USECS_PER_MINUTE;
/// Microseconds in a day of 24 hours.
pub const USECS_PER_DAY: i64 = 24 * USECS_PER_HOUR;
/// Seconds in a day of 24 hours.
pub const SECS_PER_DAY: i64 = 86_400;

/// Julian day of 2000-01-01.
pub const EPOCH_JULIAN: i64 = 2_451_545;
/// Julian day of 1970-01-01.
pub const UNIX_EPOCH_JULIAN: i64 = 2_440_588;
/// 2000-01-01 in seconds since 1970-01-01.
pub const UNIX_EPOCH_SHIFT: i64 = (EPOCH_JULIAN - UNIX_EPOCH_JULIAN) * SECS_PER_DAY;

/// The date `infinity`.
pub const DATE_INFINITY: i32 = i32::MAX;
/// The date `-infinity`.
pub const DATE_NEG_INFINITY: i32 = i32::MIN;
/// The timestamp `infinity`.
pub const TIMESTAMP_INFINITY: i64 = i64::MAX;
/// The timestamp `-infinity`.
pub const TIMESTAMP_NEG_INFINITY: i64 = i64::MIN;

/// Julian day after the last date.
const DATE_END_JULIAN: i64 = 2_147_483_494;
/// Julian day after the last timestamp.
const TIMESTAMP_END_JULIAN: i64 = 109_203_528;
/// First timestamp: 4713-11-24 BC.
pub const TIMESTAMP_MIN: i64 = -EPOCH_JULIAN * USECS_PER_DAY;
/// One past the last timestamp: 294277-01-01.
pub const TIMESTAMP_END: i64 = (TIMESTAMP_END_JULIAN - EPOCH_JULIAN) * USECS_PER_DAY;

/// Whether `date` is one of the infinities.
#[inline]
pub fn is_infinite_date(date: i32) -> bool {
    date == DATE_INFINITY || date == DATE_NEG_INFINITY
}

/// Whether `ts` is one of the infinities.
#[inline]
pub fn is_infinite_timestamp(ts: i64) -> bool {
    ts == TIMESTAMP_INFINITY || ts == TIMESTAMP_NEG_INFINITY
}

/// Whether `date` is within the type's range, or infinite.
pub fn is_valid_date(date: i32) -> bool {
    is_infinite_date(date) || (-EPOCH_JULIAN..DATE_END_JULIAN - EPOCH_JULIAN).contains(&i64::from(date))
}

/// Whether `ts` is within the type's range, or infinite.
pub fn is_valid_timestamp(ts: i64) -> bool {
    is_infinite_timestamp(ts) || (TIMESTAMP_MIN..TIMESTAMP_END).contains(&ts)
}

#[cold]
fn timestamp_out_of_range() -> SqlError {
    sql_err!(DATETIME_FIELD_OVERFLOW, "timestamp out of range")
}

#[cold]
fn date_out_of_range() -> SqlError {
    sql_err!(DATETIME_FIELD_OVERFLOW, "date out of range")
}

#[cold]
fn interval_out_of_range() -> SqlError {
    sql_err!(DATETIME_FIELD_OVERFLOW, "interval out of range")
}

/// Why a date or time text was refused; [`Fault::report`] words it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Fault {
    /// No date or time at all.
    Format,
    /// A field is out of its range.
    Field,
    /// A month or day is out of its range: the fields may be in another order.
    MonthOrDay,
    /// A zone offset is out of range.
    Displacement,
    /// A zone that is not known.
    Zone(String),
}

impl Fault {
    #[cold]
    fn report(self, text: &str, type_name: &str) -> SqlError {
        let field =
            |text: &str| sql_err!(DATETIME_FIELD_OVERFLOW, "date/time field value out of range: \"{text}\"");
        match self {
            Fault::Format => {
                sql_err!(INVALID_DATETIME_FORMAT, "invalid input syntax for type {type_name}: \"{text}\"")
            }
            Fault::Field if type_name == "interval" => {
                sql_err!(INTERVAL_FIELD_OVERFLOW, "interval field value out of range: \"{text}\"")
            }
            Fault::Field => field(text),
            Fault::MonthOrDay => field(text).hint("Perhaps you need a different \"DateStyle\" setting."),
            Fault::Displacement => {
                sql_err!(INVALID_TIME_ZONE_DISPLACEMENT, "time zone displacement out of range: \"{text}\"")
            }
            Fault::Zone(name) => sql_err!(INVALID_PARAMETER_VALUE, "time zone \"{name}\" not recognized"),
        }
    }
}

#[cfg(test)]
mod tests;
