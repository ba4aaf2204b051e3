//! `timestamp` and `timestamptz`: microseconds since 2000-01-01.

use super::super::IoContext;
use crate::error::{Result, SqlError};

/// Reads a timestamp, rounded to `typmod`.
pub fn parse(text: &str, typmod: i32, cx: &IoContext<'_>) -> Result<i64> {
    let _ = (text, typmod, cx);
    Err(SqlError::unsupported("date and time arithmetic"))
}

/// Reads a timestamp with time zone, rounded to `typmod`.
pub fn parse_tz(text: &str, typmod: i32, cx: &IoContext<'_>) -> Result<i64> {
    let _ = (text, typmod, cx);
    Err(SqlError::unsupported("date and time arithmetic"))
}

/// Appends a timestamp in the session's `DateStyle`.
pub fn write(ts: i64, cx: &IoContext<'_>, out: &mut Vec<u8>) {
    let _ = (ts, cx, out);
}

/// Appends a timestamp with time zone in the session's `DateStyle` and zone.
pub fn write_tz(ts: i64, cx: &IoContext<'_>, out: &mut Vec<u8>) {
    let _ = (ts, cx, out);
}
