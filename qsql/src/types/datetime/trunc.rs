//! `date_trunc` and `date_bin`.

use super::super::Interval;
use super::arith::{to_local, to_utc};
use super::calendar::{Civil, from_julian, iso_week, iso_week_start};
use super::extract::not_recognized;
use super::interval::{INFINITY, infinity_sign};
use super::keywords::{IntervalWord, Unit, find_interval};
use super::zone::Zone;
use super::*;
use crate::error::Result;

#[cold]
fn not_supported(field: &str, type_name: &str) -> SqlError {
    let field = field.to_ascii_lowercase();
    sql_err!(FEATURE_NOT_SUPPORTED, "unit \"{field}\" not supported for type {type_name}")
}

/// Finds a unit among those of intervals.
fn unit_of(field: &str, type_name: &str) -> Result<Unit> {
    match find_interval(&field.to_ascii_lowercase()) {
        Some(IntervalWord::Unit(unit)) => Ok(unit),
        _ => Err(not_recognized(field, type_name)),
    }
}

/// Microseconds of a unit that divides the day; `None` for the others.
fn length(unit: Unit) -> Option<i64> {
    Some(match unit {
        Unit::Microsecond => 1,
        Unit::Millisecond => 1000,
        Unit::Second => USECS_PER_SEC,
        Unit::Minute => USECS_PER_MINUTE,
        Unit::Hour => USECS_PER_HOUR,
        _ => return None,
    })
}

/// First year of a period of `years` that counts from year 1 (or, before Christ, back from 1 BC).
fn period_start(year: i32, years: i32) -> i32 {
    if year > 0 {
        (year + years - 1) / years * years - (years - 1)
    } else {
        -((years - 1 - (year - 1)) / years) * years + 1
    }
}

/// Truncates a local timestamp to `unit`, which is a day or longer; `None` when there is no such unit.
fn trunc_date(unit: Unit, local: i64) -> Option<Result<i64>> {
    let civil = Civil::of(local);
    let (year, month, day) = match unit {
        Unit::Day => (civil.year, civil.month, civil.day),
        Unit::Week => {
            let (year, week) = iso_week(civil.year, civil.month, civil.day);
            from_julian(iso_week_start(year, week))
        }
        Unit::Month => (civil.year, civil.month, 1),
        Unit::Quarter => (civil.year, (civil.month - 1) / 3 * 3 + 1, 1),
        Unit::Year => (civil.year, 1, 1),
        Unit::Decade if civil.year > 0 => (civil.year / 10 * 10, 1, 1),
        Unit::Decade => (-((8 - (civil.year - 1)) / 10) * 10, 1, 1),
        Unit::Century => (period_start(civil.year, 100), 1, 1),
        Unit::Millennium => (period_start(civil.year, 1000), 1, 1),
        _ => return None,
    };
    let start = Civil { year, month, day, ..Civil::default() };
    Some(start.to_timestamp().ok_or_else(timestamp_out_of_range))
}

/// `date_trunc(field, timestamp)`.
///
/// # Errors
/// 22023 for an unknown field, 0A000 for one that cannot be truncated to; so for all of these functions.
pub fn timestamp(field: &str, ts: i64) -> Result<i64> {
    const TYPE: &str = "timestamp without time zone";
    let unit = unit_of(field, TYPE)?;
    let finite = if is_infinite_timestamp(ts) { 0 } else { ts };
    let truncated = match length(unit) {
        Some(length) => finite - finite.rem_euclid(length),
        None => trunc_date(unit, finite).ok_or_else(|| not_supported(field, TYPE))??,
    };
    Ok(if is_infinite_timestamp(ts) { ts } else { truncated })
}

/// `date_trunc(field, timestamptz)` in `zone`.
pub fn timestamptz(field: &str, ts: i64, zone: &Zone) -> Result<i64> {
    const TYPE: &str = "timestamp with time zone";
    let unit = unit_of(field, TYPE)?;
    let finite = if is_infinite_timestamp(ts) { 0 } else { ts };
    let local = to_local(finite, zone);
    let truncated = match length(unit) {
        // The offset stays: an hour that the clock shows twice is not mistaken for its twin.
        Some(length) => finite - local.rem_euclid(length),
        None => to_utc(trunc_date(unit, local).ok_or_else(|| not_supported(field, TYPE))??, zone)?,
    };
    if !is_valid_timestamp(truncated) {
        return Err(timestamp_out_of_range());
    }
    Ok(if is_infinite_timestamp(ts) { ts } else { truncated })
}

/// `date_trunc(field, interval)`.
pub fn interval(field: &str, iv: &Interval) -> Result<Interval> {
    const TYPE: &str = "interval";
    let unit = unit_of(field, TYPE)?;
    let months = |unit: i32| Interval { months: iv.months / unit * unit, days: 0, micros: 0 };
    let truncated = match unit {
        Unit::Millennium => months(12_000),
        Unit::Century => months(1200),
        Unit::Decade => months(120),
        Unit::Year => months(12),
        Unit::Quarter => months(3),
        Unit::Month => months(1),
        Unit::Day => Interval { micros: 0, ..*iv },
        Unit::Week => {
            return Err(not_supported(field, TYPE).detail("Months usually have fractional weeks."));
        }
        _ => match length(unit) {
            Some(length) => Interval { micros: iv.micros / length * length, ..*iv },
            None => return Err(not_supported(field, TYPE)),
        },
    };
    Ok(match infinity_sign(iv) {
        0 => truncated,
        1 => INFINITY,
        _ => *iv,
    })
}

/// `date_bin(stride, source, origin)` for timestamp and timestamptz.
///
/// # Errors
/// 22008 for a stride that is not positive or infinite, and out of range; 0A000 for months.
pub fn date_bin(stride: &Interval, source: i64, origin: i64) -> Result<i64> {
    if is_infinite_timestamp(source) {
        return Ok(source);
    }
    if is_infinite_timestamp(origin) {
        return Err(sql_err!(DATETIME_FIELD_OVERFLOW, "origin out of range"));
    }
    if infinity_sign(stride) != 0 {
        return Err(sql_err!(DATETIME_FIELD_OVERFLOW, "timestamps cannot be binned into infinite intervals"));
    }
    if stride.months != 0 {
        return Err(sql_err!(
            FEATURE_NOT_SUPPORTED,
            "timestamps cannot be binned into intervals containing months or years"
        ));
    }
    let length = i64::from(stride.days)
        .checked_mul(USECS_PER_DAY)
        .and_then(|days| days.checked_add(stride.micros))
        .ok_or_else(interval_out_of_range)?;
    if length <= 0 {
        return Err(sql_err!(DATETIME_FIELD_OVERFLOW, "stride must be greater than zero"));
    }
    let distance = source.checked_sub(origin).ok_or_else(interval_out_of_range)?;
    let binned = source.checked_sub(distance.rem_euclid(length)).filter(|ts| is_valid_timestamp(*ts));
    binned.ok_or_else(timestamp_out_of_range)
}
