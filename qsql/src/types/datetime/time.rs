//! `time` and `timetz`: microseconds since midnight, up to and including 24:00:00.

use super::super::IoContext;
use super::calendar::{Civil, join_time, split_time};
use super::timestamp::round_time;
use super::{Fault, decode, iso, print};
use crate::error::Result;

/// Reads a time of day, rounded to `typmod`.
///
/// # Errors
/// 22007, 22008, 22009 with PostgreSQL's texts.
#[inline]
pub fn parse(text: &str, typmod: i32, cx: &IoContext<'_>) -> Result<i64> {
    if let Some((time, [])) = iso::time_prefix(text.as_bytes()) {
        return Ok(round_time(time, typmod));
    }
    let (civil, _) = decode::time(text, cx).map_err(|fault: Fault| fault.report(text, "time"))?;
    Ok(round_time(of_civil(&civil), typmod))
}

fn of_civil(civil: &Civil) -> i64 {
    join_time(civil.hour, civil.minute, civil.second, civil.micros)
}

/// Appends a time of day.
#[inline]
pub fn write(time: i64, out: &mut Vec<u8>) {
    let (hour, minute, second, micros) = split_time(time);
    print::clock(hour, minute, second, micros, out);
}

/// Reads a time of day with zone, rounded to `typmod`; the zone is in seconds west of Greenwich.
///
/// # Errors
/// As [`parse`].
pub fn parse_tz(text: &str, typmod: i32, cx: &IoContext<'_>) -> Result<(i64, i32)> {
    let (civil, east) =
        decode::time(text, cx).map_err(|fault: Fault| fault.report(text, "time with time zone"))?;
    Ok((round_time(of_civil(&civil), typmod), -east))
}

/// Appends a time of day with zone.
pub fn write_tz(time: i64, zone: i32, out: &mut Vec<u8>) {
    write(time, out);
    print::offset(-zone, out);
}
