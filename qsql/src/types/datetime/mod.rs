//! Dates, times, timestamps and intervals: calendar, input, output, arithmetic.

pub mod arith;
pub mod date;
pub mod extract;
pub mod interval;
pub mod make;
pub mod time;
pub mod timestamp;
pub mod trunc;
pub mod zone;

/// Microseconds in a second.
pub const USECS_PER_SEC: i64 = 1_000_000;
/// Microseconds in a minute.
pub const USECS_PER_MINUTE: i64 = 60 * USECS_PER_SEC;
/// Microseconds in an hour.
pub const USECS_PER_HOUR: i64 = 60 * USECS_PER_MINUTE;
/// Microseconds in a day of 24 hours.
pub const USECS_PER_DAY: i64 = 24 * USECS_PER_HOUR;
