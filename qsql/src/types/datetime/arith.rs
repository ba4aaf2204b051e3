//! Arithmetic between dates, times, timestamps and intervals.
//!
//! Months are added to the calendar and the day is cut to the month's end, then days to the calendar, then time. With a
//! zone, months and days move the local clock.

use super::super::Interval;
use super::calendar::{Civil, from_julian, month_days, split_day, split_time};
use super::interval::{INFINITY, NEG_INFINITY, infinity_sign, justify_hours, neg};
use super::zone::Zone;
use super::*;
use crate::error::Result;

/// `date + integer`.
///
/// # Errors
/// 22008 out of range, as for the other functions.
pub fn date_add(date: i32, days: i32) -> Result<i32> {
    if is_infinite_date(date) {
        return Ok(date);
    }
    match date.checked_add(days) {
        Some(sum) if is_valid_date(sum) && !is_infinite_date(sum) => Ok(sum),
        _ => Err(date_out_of_range()),
    }
}

/// `date - integer`.
pub fn date_sub_days(date: i32, days: i32) -> Result<i32> {
    if is_infinite_date(date) {
        return Ok(date);
    }
    match date.checked_sub(days) {
        Some(sum) if is_valid_date(sum) && !is_infinite_date(sum) => Ok(sum),
        _ => Err(date_out_of_range()),
    }
}

/// `date - date`.
pub fn date_sub(a: i32, b: i32) -> Result<i32> {
    if is_infinite_date(a) || is_infinite_date(b) {
        return Err(sql_err!(DATETIME_FIELD_OVERFLOW, "cannot subtract infinite dates"));
    }
    a.checked_sub(b).ok_or_else(date_out_of_range)
}

/// Adds months to a local timestamp, cutting the day to the month's end.
fn add_months(local: i64, months: i32) -> Result<i64> {
    let mut civil = Civil::of(local);
    let month = i64::from(civil.month) - 1 + i64::from(months);
    civil.year =
        i32::try_from(i64::from(civil.year) + month.div_euclid(12)).map_err(|_| timestamp_out_of_range())?;
    civil.month = month.rem_euclid(12) as i32 + 1;
    civil.day = civil.day.min(month_days(civil.year, civil.month));
    civil.to_timestamp().ok_or_else(timestamp_out_of_range)
}

/// Adds days to a local timestamp.
fn add_days(local: i64, days: i32) -> Result<i64> {
    i64::from(days)
        .checked_mul(USECS_PER_DAY)
        .and_then(|micros| local.checked_add(micros))
        .filter(|ts| (TIMESTAMP_MIN..TIMESTAMP_END).contains(ts))
        .ok_or_else(timestamp_out_of_range)
}

/// The sum when an operand is infinite.
fn add_infinite(ts: i64, iv: &Interval) -> Option<Result<i64>> {
    let sign = i32::from(ts == TIMESTAMP_INFINITY) - i32::from(ts == TIMESTAMP_NEG_INFINITY);
    match (sign, infinity_sign(iv)) {
        (0, 0) => None,
        (_, 0) => Some(Ok(ts)),
        (a, b) if a == -b && a != 0 => Some(Err(timestamp_out_of_range())),
        (_, 1) => Some(Ok(TIMESTAMP_INFINITY)),
        _ => Some(Ok(TIMESTAMP_NEG_INFINITY)),
    }
}

fn add_time(ts: i64, micros: i64) -> Result<i64> {
    ts.checked_add(micros)
        .filter(|ts| (TIMESTAMP_MIN..TIMESTAMP_END).contains(ts))
        .ok_or_else(timestamp_out_of_range)
}

/// `timestamp + interval`.
pub fn timestamp_add(ts: i64, iv: &Interval) -> Result<i64> {
    if let Some(result) = add_infinite(ts, iv) {
        return result;
    }
    let mut ts = ts;
    if iv.months != 0 {
        ts = add_months(ts, iv.months)?;
    }
    if iv.days != 0 {
        ts = add_days(ts, iv.days)?;
    }
    add_time(ts, iv.micros)
}

/// `timestamp - interval`.
pub fn timestamp_sub_interval(ts: i64, iv: &Interval) -> Result<i64> {
    timestamp_add(ts, &neg(iv)?)
}

/// `timestamptz + interval`, days and months in `zone`.
pub fn timestamptz_add(ts: i64, iv: &Interval, zone: &Zone) -> Result<i64> {
    if let Some(result) = add_infinite(ts, iv) {
        return result;
    }
    let mut ts = ts;
    if iv.months != 0 {
        ts = to_utc(add_months(to_local(ts, zone), iv.months)?, zone)?;
    }
    if iv.days != 0 {
        ts = to_utc(add_days(to_local(ts, zone), iv.days)?, zone)?;
    }
    add_time(ts, iv.micros)
}

/// `timestamptz - interval`.
pub fn timestamptz_sub_interval(ts: i64, iv: &Interval, zone: &Zone) -> Result<i64> {
    timestamptz_add(ts, &neg(iv)?, zone)
}

/// The wall clock in `zone` at the finite instant `ts`.
pub(super) fn to_local(ts: i64, zone: &Zone) -> i64 {
    ts + i64::from(zone.offset_at(ts)) * USECS_PER_SEC
}

/// The instant at which the wall clock in `zone` shows `local`.
pub(super) fn to_utc(local: i64, zone: &Zone) -> Result<i64> {
    let ts = local - i64::from(zone.offset_at_local(local)) * USECS_PER_SEC;
    if is_valid_timestamp(ts) { Ok(ts) } else { Err(timestamp_out_of_range()) }
}

/// The difference when an operand is infinite.
fn sub_infinite(a: i64, b: i64) -> Option<Result<Interval>> {
    if !is_infinite_timestamp(a) && !is_infinite_timestamp(b) {
        return None;
    }
    Some(match (a, b) {
        _ if a == b => Err(interval_out_of_range()),
        (TIMESTAMP_INFINITY, _) | (_, TIMESTAMP_NEG_INFINITY) => Ok(INFINITY),
        _ => Ok(NEG_INFINITY),
    })
}

/// `timestamp - timestamp` (also for timestamptz): days and time.
pub fn timestamp_sub(a: i64, b: i64) -> Result<Interval> {
    if let Some(result) = sub_infinite(a, b) {
        return result;
    }
    let micros = a.checked_sub(b).ok_or_else(interval_out_of_range)?;
    justify_hours(&Interval { months: 0, days: 0, micros })
}

/// `age(timestamp, timestamp)`: the difference in years, months, days and time of the calendar.
pub fn timestamp_age(a: i64, b: i64) -> Result<Interval> {
    match sub_infinite(a, b) {
        Some(result) => result,
        None => Ok(age(Civil::of(a), Civil::of(b), a < b)),
    }
}

/// `age(timestamptz, timestamptz)`, by the wall clock in `zone`.
pub fn timestamptz_age(a: i64, b: i64, zone: &Zone) -> Result<Interval> {
    match sub_infinite(a, b) {
        Some(result) => result,
        None => Ok(age(Civil::of(to_local(a, zone)), Civil::of(to_local(b, zone)), a < b)),
    }
}

fn age(a: Civil, b: Civil, negative: bool) -> Interval {
    let sign = if negative { -1 } else { 1 };
    let mut months = sign * ((a.year - b.year) * 12 + (a.month - b.month));
    let mut days = sign * (a.day - b.day);
    let clock = |c: &Civil| calendar::join_time(c.hour, c.minute, c.second, c.micros);
    let mut micros = i64::from(sign) * (clock(&a) - clock(&b));
    if micros < 0 {
        micros += USECS_PER_DAY;
        days -= 1;
    }
    // A borrowed month is as long as that of the earlier date.
    let borrowed = if negative { &a } else { &b };
    while days < 0 {
        days += month_days(borrowed.year, borrowed.month);
        months -= 1;
    }
    Interval { months: sign * months, days: sign * days, micros: i64::from(sign) * micros }
}

/// Cast of date to timestamp.
pub fn date_to_timestamp(date: i32) -> Result<i64> {
    match date {
        DATE_INFINITY => Ok(TIMESTAMP_INFINITY),
        DATE_NEG_INFINITY => Ok(TIMESTAMP_NEG_INFINITY),
        _ if i64::from(date) >= TIMESTAMP_END_JULIAN - EPOCH_JULIAN => {
            Err(sql_err!(DATETIME_FIELD_OVERFLOW, "date out of range for timestamp"))
        }
        _ => Ok(i64::from(date) * USECS_PER_DAY),
    }
}

/// Cast of date to timestamptz.
pub fn date_to_timestamptz(date: i32, zone: &Zone) -> Result<i64> {
    let local = date_to_timestamp(date)?;
    if is_infinite_timestamp(local) {
        return Ok(local);
    }
    to_utc(local, zone).map_err(|_| sql_err!(DATETIME_FIELD_OVERFLOW, "date out of range for timestamp"))
}

/// Cast of timestamp to date.
pub fn timestamp_to_date(ts: i64) -> Result<i32> {
    match ts {
        TIMESTAMP_INFINITY => Ok(DATE_INFINITY),
        TIMESTAMP_NEG_INFINITY => Ok(DATE_NEG_INFINITY),
        _ => i32::try_from(split_day(ts).0).map_err(|_| timestamp_out_of_range()),
    }
}

/// Cast of timestamptz to date.
pub fn timestamptz_to_date(ts: i64, zone: &Zone) -> Result<i32> {
    timestamp_to_date(if is_infinite_timestamp(ts) { ts } else { to_local(ts, zone) })
}

/// Cast of timestamp to timestamptz; also `timestamp AT TIME ZONE`.
pub fn timestamp_to_timestamptz(ts: i64, zone: &Zone) -> Result<i64> {
    if is_infinite_timestamp(ts) { Ok(ts) } else { to_utc(ts, zone) }
}

/// Cast of timestamptz to timestamp; also `timestamptz AT TIME ZONE`.
pub fn timestamptz_to_timestamp(ts: i64, zone: &Zone) -> Result<i64> {
    if is_infinite_timestamp(ts) {
        return Ok(ts);
    }
    let local = to_local(ts, zone);
    if is_valid_timestamp(local) { Ok(local) } else { Err(timestamp_out_of_range()) }
}

/// Cast of timestamp to time; `None` for infinities.
pub fn timestamp_to_time(ts: i64) -> Result<Option<i64>> {
    Ok((!is_infinite_timestamp(ts)).then(|| split_day(ts).1))
}

/// Cast of timestamptz to time; `None` for infinities.
pub fn timestamptz_to_time(ts: i64, zone: &Zone) -> Result<Option<i64>> {
    Ok((!is_infinite_timestamp(ts)).then(|| split_day(to_local(ts, zone)).1))
}

/// Cast of timestamptz to timetz; `None` for infinities. The zone is in seconds west.
pub fn timestamptz_to_timetz(ts: i64, zone: &Zone) -> Result<Option<(i64, i32)>> {
    Ok(timestamptz_to_time(ts, zone)?.map(|time| (time, -zone.offset_at(ts))))
}

/// Cast of interval to time.
///
/// # Errors
/// 22008 for an infinite interval.
pub fn interval_to_time(iv: &Interval) -> Result<i64> {
    if infinity_sign(iv) != 0 {
        return Err(sql_err!(DATETIME_FIELD_OVERFLOW, "cannot convert infinite interval to time"));
    }
    Ok(iv.micros.rem_euclid(USECS_PER_DAY))
}

/// Cast of time to interval.
pub fn time_to_interval(time: i64) -> Interval {
    Interval { months: 0, days: 0, micros: time }
}

/// `time + interval`, wrapping at midnight.
///
/// # Errors
/// 22008 for an infinite interval.
pub fn time_add(time: i64, iv: &Interval) -> Result<i64> {
    if infinity_sign(iv) != 0 {
        return Err(sql_err!(DATETIME_FIELD_OVERFLOW, "cannot add infinite interval to time"));
    }
    Ok((time + iv.micros % USECS_PER_DAY).rem_euclid(USECS_PER_DAY))
}

/// `time - interval`, wrapping at midnight.
///
/// # Errors
/// 22008 for an infinite interval.
pub fn time_sub_interval(time: i64, iv: &Interval) -> Result<i64> {
    if infinity_sign(iv) != 0 {
        return Err(sql_err!(DATETIME_FIELD_OVERFLOW, "cannot subtract infinite interval from time"));
    }
    Ok((time - iv.micros % USECS_PER_DAY).rem_euclid(USECS_PER_DAY))
}

/// `date + time`.
pub fn date_time_to_timestamp(date: i32, time: i64) -> Result<i64> {
    let start = date_to_timestamp(date)?;
    if is_infinite_timestamp(start) { Ok(start) } else { add_time(start, time) }
}

/// `date + timetz`; the zone is in seconds west.
pub fn date_timetz_to_timestamptz(date: i32, time: i64, zone: i32) -> Result<i64> {
    let start = date_to_timestamp(date)?;
    if is_infinite_timestamp(start) {
        return Ok(start);
    }
    add_time(start, time + i64::from(zone) * USECS_PER_SEC)
}

/// `timetz AT TIME ZONE`: the same instant of the day at another offset; `now` decides the offset of a zone that changes it.
pub fn timetz_at_zone(time: i64, west: i32, zone: &Zone, now: i64) -> (i64, i32) {
    let east = zone.offset_at(now);
    let utc = time + i64::from(west) * USECS_PER_SEC;
    ((utc + i64::from(east) * USECS_PER_SEC).rem_euclid(USECS_PER_DAY), -east)
}

/// `OVERLAPS` of two finite periods given by their ends, in any order; an instant counts as a period.
pub fn overlaps<T: Ord>(first: (T, T), second: (T, T)) -> bool {
    let order = |(a, b): (T, T)| if a <= b { (a, b) } else { (b, a) };
    let (first, second) = (order(first), order(second));
    let (early, late) = if first.0 <= second.0 { (first, second) } else { (second, first) };
    early.0 == late.0 || late.0 < early.1
}

/// Year, month, day, hour, minute, second and microseconds of a finite timestamp, for formatting functions.
pub fn civil(ts: i64) -> Civil {
    Civil::of(ts)
}

/// Hour, minute, second and microseconds of a time of day.
pub fn clock(time: i64) -> (i32, i32, i32, i32) {
    split_time(time)
}

/// Year (0 is 1 BC), month and day of a finite date.
pub fn ymd(date: i32) -> (i32, i32, i32) {
    from_julian(i64::from(date) + EPOCH_JULIAN)
}
