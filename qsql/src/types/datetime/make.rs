//! `make_date` and its relatives.

use super::super::Interval;
use super::calendar::month_days;
use super::zone::Zone;
use super::*;
use crate::error::Result;

/// `make_date`; a negative year is before Christ.
///
/// # Errors
/// 22008 `date field value out of range`.
pub fn make_date(year: i32, month: i32, day: i32) -> Result<i32> {
    // PostgreSQL's message counts the years before Christ from 0.
    date_shown_as(if year < 0 { year + 1 } else { year }, year, month, day)
}

/// As [`make_date`], with the year that messages show.
fn date_shown_as(shown: i32, year: i32, month: i32, day: i32) -> Result<i32> {
    let counted = if year < 0 { year + 1 } else { year };
    let field =
        || sql_err!(DATETIME_FIELD_OVERFLOW, "date field value out of range: {shown}-{month:02}-{day:02}");
    if year == 0 || !(1..=12).contains(&month) || day < 1 || day > month_days(counted, month) {
        return Err(field());
    }
    date::of_civil(counted, month, day)
        .ok_or_else(|| sql_err!(DATETIME_FIELD_OVERFLOW, "date out of range: {counted}-{month:02}-{day:02}"))
}

/// Prints a number of seconds as `%02g` does.
fn seconds_text(second: f64) -> String {
    let mut out = Vec::new();
    crate::types::float::write_f64(second, -9, &mut out);
    let text = String::from_utf8_lossy(&out).into_owned();
    format!("{text:0>2}")
}

/// `make_time`.
///
/// # Errors
/// 22008 `time field value out of range`.
pub fn make_time(hour: i32, minute: i32, second: f64) -> Result<i64> {
    let field = || {
        let second = seconds_text(second);
        sql_err!(DATETIME_FIELD_OVERFLOW, "time field value out of range: {hour}:{minute:02}:{second}")
    };
    // 60 seconds count as the next minute; NaN is in no range.
    if !(0..=24).contains(&hour) || !(0..60).contains(&minute) || !(0.0..=60.0).contains(&second) {
        return Err(field());
    }
    let micros = (second * USECS_PER_SEC as f64).round_ties_even() as i64;
    let time = i64::from(hour) * USECS_PER_HOUR + i64::from(minute) * USECS_PER_MINUTE + micros;
    if time > USECS_PER_DAY { Err(field()) } else { Ok(time) }
}

/// `make_timestamp`.
///
/// # Errors
/// 22008 for a field out of range.
pub fn make_timestamp(year: i32, month: i32, day: i32, hour: i32, minute: i32, second: f64) -> Result<i64> {
    let days = i64::from(date_shown_as(year, year, month, day)?);
    let time = make_time(hour, minute, second)?;
    let ts = days.checked_mul(USECS_PER_DAY).and_then(|start| start.checked_add(time));
    if let Some(ts) = ts.filter(|ts| (TIMESTAMP_MIN..TIMESTAMP_END).contains(ts)) {
        return Ok(ts);
    }
    let second = seconds_text(second);
    Err(sql_err!(
        DATETIME_FIELD_OVERFLOW,
        "timestamp out of range: {year}-{month:02}-{day:02} {hour}:{minute:02}:{second}"
    ))
}

/// `make_timestamptz` in `zone`.
///
/// # Errors
/// As [`make_timestamp`].
pub fn make_timestamptz(
    year: i32,
    month: i32,
    day: i32,
    hour: i32,
    minute: i32,
    second: f64,
    zone: &Zone,
) -> Result<i64> {
    arith::to_utc(make_timestamp(year, month, day, hour, minute, second)?, zone)
}

/// `make_interval`.
///
/// # Errors
/// 22008 `interval out of range`.
pub fn make_interval(
    years: i32,
    months: i32,
    weeks: i32,
    days: i32,
    hours: i32,
    minutes: i32,
    seconds: f64,
) -> Result<Interval> {
    let iv = (|| {
        let seconds = (seconds * USECS_PER_SEC as f64).round_ties_even();
        if !(seconds >= i64::MIN as f64 && seconds < -(i64::MIN as f64)) {
            return None;
        }
        let clock = i64::from(hours) * USECS_PER_HOUR + i64::from(minutes) * USECS_PER_MINUTE;
        Some(Interval {
            months: years.checked_mul(12)?.checked_add(months)?,
            days: weeks.checked_mul(7)?.checked_add(days)?,
            micros: clock.checked_add(seconds as i64)?,
        })
    })();
    iv.filter(|iv| !interval::is_infinite(iv)).ok_or_else(interval_out_of_range)
}

/// `to_timestamp(float8)`: seconds since 1970-01-01 UTC.
///
/// # Errors
/// 22008 for NaN and out of range.
pub fn to_timestamp(epoch: f64) -> Result<i64> {
    if epoch.is_nan() {
        return Err(sql_err!(DATETIME_FIELD_OVERFLOW, "timestamp cannot be NaN"));
    }
    if epoch.is_infinite() {
        return Ok(if epoch > 0.0 { TIMESTAMP_INFINITY } else { TIMESTAMP_NEG_INFINITY });
    }
    let first = (SECS_PER_DAY * -UNIX_EPOCH_JULIAN) as f64;
    let end = (SECS_PER_DAY * (TIMESTAMP_END_JULIAN - UNIX_EPOCH_JULIAN)) as f64;
    let ts = ((epoch - UNIX_EPOCH_SHIFT as f64) * USECS_PER_SEC as f64).round_ties_even();
    if epoch >= first && epoch < end && is_valid_timestamp(ts as i64) {
        return Ok(ts as i64);
    }
    let mut shown = Vec::new();
    crate::types::float::write_f64(epoch, -9, &mut shown);
    let shown = String::from_utf8_lossy(&shown).into_owned();
    Err(sql_err!(DATETIME_FIELD_OVERFLOW, "timestamp out of range: \"{shown}\""))
}
