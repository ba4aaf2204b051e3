//! `make_date` and its relatives.

use super::super::Interval;
use super::zone::Zone;
use crate::error::{Result, SqlError};

/// `make_date`.
pub fn make_date(year: i32, month: i32, day: i32) -> Result<i32> {
    let _ = (year, month, day);
    Err(SqlError::unsupported("date and time arithmetic"))
}

/// `make_time`.
pub fn make_time(hour: i32, minute: i32, second: f64) -> Result<i64> {
    let _ = (hour, minute, second);
    Err(SqlError::unsupported("date and time arithmetic"))
}

/// `make_timestamp`.
pub fn make_timestamp(year: i32, month: i32, day: i32, hour: i32, minute: i32, second: f64) -> Result<i64> {
    let _ = (year, month, day, hour, minute, second);
    Err(SqlError::unsupported("date and time arithmetic"))
}

/// `make_timestamptz` in `zone`.
pub fn make_timestamptz(
    year: i32,
    month: i32,
    day: i32,
    hour: i32,
    minute: i32,
    second: f64,
    zone: &Zone,
) -> Result<i64> {
    let _ = (year, month, day, hour, minute, second, zone);
    Err(SqlError::unsupported("date and time arithmetic"))
}

/// `make_interval`.
pub fn make_interval(
    years: i32,
    months: i32,
    weeks: i32,
    days: i32,
    hours: i32,
    minutes: i32,
    seconds: f64,
) -> Result<Interval> {
    let _ = (years, months, weeks, days, hours, minutes, seconds);
    Err(SqlError::unsupported("date and time arithmetic"))
}

/// `to_timestamp(float8)`.
pub fn to_timestamp(epoch: f64) -> Result<i64> {
    let _ = (epoch,);
    Err(SqlError::unsupported("date and time arithmetic"))
}
