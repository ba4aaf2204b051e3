//! Arithmetic between dates, times, timestamps and intervals.

use super::super::Interval;
use super::zone::Zone;
use crate::error::{Result, SqlError};

/// `date + integer`.
pub fn date_add(date: i32, days: i32) -> Result<i32> {
    let _ = (date, days);
    Err(SqlError::unsupported("date and time arithmetic"))
}

/// `date - integer`.
pub fn date_sub_days(date: i32, days: i32) -> Result<i32> {
    let _ = (date, days);
    Err(SqlError::unsupported("date and time arithmetic"))
}

/// `date - date`.
pub fn date_sub(a: i32, b: i32) -> Result<i32> {
    let _ = (a, b);
    Err(SqlError::unsupported("date and time arithmetic"))
}

/// `timestamp + interval`.
pub fn timestamp_add(ts: i64, iv: &Interval) -> Result<i64> {
    let _ = (ts, iv);
    Err(SqlError::unsupported("date and time arithmetic"))
}

/// `timestamp - interval`.
pub fn timestamp_sub_interval(ts: i64, iv: &Interval) -> Result<i64> {
    let _ = (ts, iv);
    Err(SqlError::unsupported("date and time arithmetic"))
}

/// `timestamptz + interval`, days and months in `zone`.
pub fn timestamptz_add(ts: i64, iv: &Interval, zone: &Zone) -> Result<i64> {
    let _ = (ts, iv, zone);
    Err(SqlError::unsupported("date and time arithmetic"))
}

/// `timestamptz - interval`.
pub fn timestamptz_sub_interval(ts: i64, iv: &Interval, zone: &Zone) -> Result<i64> {
    let _ = (ts, iv, zone);
    Err(SqlError::unsupported("date and time arithmetic"))
}

/// `timestamp - timestamp` (also for timestamptz).
pub fn timestamp_sub(a: i64, b: i64) -> Result<Interval> {
    let _ = (a, b);
    Err(SqlError::unsupported("date and time arithmetic"))
}

/// `age(timestamp, timestamp)`.
pub fn timestamp_age(a: i64, b: i64) -> Result<Interval> {
    let _ = (a, b);
    Err(SqlError::unsupported("date and time arithmetic"))
}

/// `age(timestamptz, timestamptz)`.
pub fn timestamptz_age(a: i64, b: i64, zone: &Zone) -> Result<Interval> {
    let _ = (a, b, zone);
    Err(SqlError::unsupported("date and time arithmetic"))
}

/// Cast of date to timestamp.
pub fn date_to_timestamp(date: i32) -> Result<i64> {
    let _ = (date,);
    Err(SqlError::unsupported("date and time arithmetic"))
}

/// Cast of date to timestamptz.
pub fn date_to_timestamptz(date: i32, zone: &Zone) -> Result<i64> {
    let _ = (date, zone);
    Err(SqlError::unsupported("date and time arithmetic"))
}

/// Cast of timestamp to date.
pub fn timestamp_to_date(ts: i64) -> Result<i32> {
    let _ = (ts,);
    Err(SqlError::unsupported("date and time arithmetic"))
}

/// Cast of timestamptz to date.
pub fn timestamptz_to_date(ts: i64, zone: &Zone) -> Result<i32> {
    let _ = (ts, zone);
    Err(SqlError::unsupported("date and time arithmetic"))
}

/// Cast of timestamp to timestamptz.
pub fn timestamp_to_timestamptz(ts: i64, zone: &Zone) -> Result<i64> {
    let _ = (ts, zone);
    Err(SqlError::unsupported("date and time arithmetic"))
}

/// Cast of timestamptz to timestamp.
pub fn timestamptz_to_timestamp(ts: i64, zone: &Zone) -> Result<i64> {
    let _ = (ts, zone);
    Err(SqlError::unsupported("date and time arithmetic"))
}

/// Cast of timestamp to time; `None` for infinities.
pub fn timestamp_to_time(ts: i64) -> Result<Option<i64>> {
    let _ = (ts,);
    Err(SqlError::unsupported("date and time arithmetic"))
}

/// Cast of timestamptz to time; `None` for infinities.
pub fn timestamptz_to_time(ts: i64, zone: &Zone) -> Result<Option<i64>> {
    let _ = (ts, zone);
    Err(SqlError::unsupported("date and time arithmetic"))
}

/// Cast of timestamptz to timetz; `None` for infinities.
pub fn timestamptz_to_timetz(ts: i64, zone: &Zone) -> Result<Option<(i64, i32)>> {
    let _ = (ts, zone);
    Err(SqlError::unsupported("date and time arithmetic"))
}

/// Cast of interval to time.
pub fn interval_to_time(iv: &Interval) -> Result<i64> {
    let _ = (iv,);
    Err(SqlError::unsupported("date and time arithmetic"))
}

/// Cast of time to interval.
pub fn time_to_interval(time: i64) -> Interval {
    let _ = (time,);
    Interval { months: 0, days: 0, micros: time }
}

/// `time + interval`, wrapping at midnight.
pub fn time_add(time: i64, iv: &Interval) -> Result<i64> {
    let _ = (time, iv);
    Err(SqlError::unsupported("date and time arithmetic"))
}

/// `time - interval`, wrapping at midnight.
pub fn time_sub_interval(time: i64, iv: &Interval) -> Result<i64> {
    let _ = (time, iv);
    Err(SqlError::unsupported("date and time arithmetic"))
}

/// `date + time`.
pub fn date_time_to_timestamp(date: i32, time: i64) -> Result<i64> {
    let _ = (date, time);
    Err(SqlError::unsupported("date and time arithmetic"))
}
