//! `time` and `timetz`: microseconds since midnight.

use super::super::IoContext;
use crate::error::{Result, SqlError};

/// Reads a time of day, rounded to `typmod`.
pub fn parse(text: &str, typmod: i32, cx: &IoContext<'_>) -> Result<i64> {
    let _ = (text, typmod, cx);
    Err(SqlError::unsupported("date and time arithmetic"))
}

/// Appends a time of day.
pub fn write(time: i64, out: &mut Vec<u8>) {
    let _ = (time, out);
}

/// Reads a time of day with zone; the zone is in seconds west of Greenwich.
pub fn parse_tz(text: &str, typmod: i32, cx: &IoContext<'_>) -> Result<(i64, i32)> {
    let _ = (text, typmod, cx);
    Err(SqlError::unsupported("date and time arithmetic"))
}

/// Appends a time of day with zone.
pub fn write_tz(time: i64, zone: i32, out: &mut Vec<u8>) {
    let _ = (time, zone, out);
}
