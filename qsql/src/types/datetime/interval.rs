//! `interval`: months, days and microseconds; comparison and arithmetic.
//!
//! Infinity is all fields at their maximum, -infinity all at their minimum. Products and quotients hand fractions of months
//! down to days (30 a month) and of days to microseconds (24 hours a day).

use super::super::{Interval, IoContext};
use super::{SECS_PER_DAY, USECS_PER_DAY, USECS_PER_HOUR, USECS_PER_MINUTE, USECS_PER_SEC};
use super::{interval_out_of_range, interval_text};
use crate::error::Result;
use crate::sql_err;
use crate::types::info::{INTERVAL_FULL_PRECISION, INTERVAL_FULL_RANGE};
use std::cmp::Ordering;

/// `infinity`.
pub const INFINITY: Interval = Interval { months: i32::MAX, days: i32::MAX, micros: i64::MAX };
/// `-infinity`.
pub const NEG_INFINITY: Interval = Interval { months: i32::MIN, days: i32::MIN, micros: i64::MIN };

const DAYS_PER_MONTH: i32 = 30;

fn same(a: &Interval, b: &Interval) -> bool {
    (a.months, a.days, a.micros) == (b.months, b.days, b.micros)
}

/// Whether this is one of the infinities.
pub fn is_infinite(iv: &Interval) -> bool {
    same(iv, &INFINITY) || same(iv, &NEG_INFINITY)
}

/// 1 or -1 for the infinities, 0 for finite intervals.
pub(super) fn infinity_sign(iv: &Interval) -> i32 {
    i32::from(same(iv, &INFINITY)) - i32::from(same(iv, &NEG_INFINITY))
}

fn infinity(sign: i32) -> Interval {
    if sign > 0 { INFINITY } else { NEG_INFINITY }
}

/// Refuses a result that would read as an infinity.
fn finite(iv: Interval) -> Result<Interval> {
    if is_infinite(&iv) { Err(interval_out_of_range()) } else { Ok(iv) }
}

/// Reads an interval, adjusted to `typmod` (range and precision).
///
/// # Errors
/// 22007 for bad syntax, 22015 for a field out of range, 22008 for the whole.
pub fn parse(text: &str, typmod: i32, cx: &IoContext<'_>) -> Result<Interval> {
    let iv = interval_text::parse(text, typmod, cx)?;
    fit(&iv, typmod)
}

/// Appends an interval in the session's `IntervalStyle`.
pub fn write(iv: &Interval, cx: &IoContext<'_>, out: &mut Vec<u8>) {
    match infinity_sign(iv) {
        0 => interval_text::write(iv, cx.interval_style, out),
        1 => out.extend_from_slice(b"infinity"),
        _ => out.extend_from_slice(b"-infinity"),
    }
}

/// Drops the fields below the range of a modifier and rounds to its precision.
///
/// # Errors
/// 22008 when rounding overflows.
pub fn fit(iv: &Interval, typmod: i32) -> Result<Interval> {
    if typmod < 0 || is_infinite(iv) {
        return Ok(*iv);
    }
    const MONTH: i32 = 1 << 1;
    const YEAR: i32 = 1 << 2;
    const DAY: i32 = 1 << 3;
    const HOUR: i32 = 1 << 10;
    const MINUTE: i32 = 1 << 11;
    const SECOND: i32 = 1 << 12;
    let (range, precision) = ((typmod >> 16) & INTERVAL_FULL_RANGE, typmod & INTERVAL_FULL_PRECISION);
    let mut iv = *iv;
    // The lowest field of the range decides what is dropped.
    match range {
        INTERVAL_FULL_RANGE => {}
        _ if range & SECOND != 0 => {}
        _ if range & MINUTE != 0 => iv.micros = iv.micros / USECS_PER_MINUTE * USECS_PER_MINUTE,
        _ if range & HOUR != 0 => iv.micros = iv.micros / USECS_PER_HOUR * USECS_PER_HOUR,
        _ if range & DAY != 0 => iv.micros = 0,
        _ if range & (MONTH | YEAR) != 0 => {
            (iv.days, iv.micros) = (0, 0);
            if range & MONTH == 0 {
                iv.months = iv.months / 12 * 12;
            }
        }
        _ => {}
    }
    if precision < 6 {
        let unit = 10i64.pow(6 - precision as u32);
        let half = if iv.micros >= 0 { unit / 2 } else { -unit / 2 };
        let moved = iv.micros.checked_add(half).ok_or_else(interval_out_of_range)?;
        iv.micros = moved / unit * unit;
    }
    Ok(iv)
}

/// The length in microseconds with months of 30 days and days of 24 hours: what comparison goes by.
#[inline]
pub fn length(iv: &Interval) -> i128 {
    let days = i128::from(iv.months) * i128::from(DAYS_PER_MONTH) + i128::from(iv.days);
    days * i128::from(USECS_PER_DAY) + i128::from(iv.micros)
}

/// Compares by length: a month is 30 days, a day 24 hours.
#[inline]
pub fn compare(a: &Interval, b: &Interval) -> Ordering {
    length(a).cmp(&length(b))
}

/// Sum.
///
/// # Errors
/// 22008 on overflow, and for infinities of different signs.
pub fn add(a: &Interval, b: &Interval) -> Result<Interval> {
    match (infinity_sign(a), infinity_sign(b)) {
        (0, 0) => {}
        (0, sign) => return Ok(infinity(sign)),
        (sign, other) if other == -sign => return Err(interval_out_of_range()),
        (sign, _) => return Ok(infinity(sign)),
    }
    let sum = (|| {
        Some(Interval {
            months: a.months.checked_add(b.months)?,
            days: a.days.checked_add(b.days)?,
            micros: a.micros.checked_add(b.micros)?,
        })
    })();
    finite(sum.ok_or_else(interval_out_of_range)?)
}

/// Difference.
///
/// # Errors
/// 22008 on overflow, and for infinities of the same sign.
pub fn sub(a: &Interval, b: &Interval) -> Result<Interval> {
    match (infinity_sign(a), infinity_sign(b)) {
        (0, 0) => {}
        (0, sign) => return Ok(infinity(-sign)),
        (sign, other) if other == sign => return Err(interval_out_of_range()),
        (sign, _) => return Ok(infinity(sign)),
    }
    let difference = (|| {
        Some(Interval {
            months: a.months.checked_sub(b.months)?,
            days: a.days.checked_sub(b.days)?,
            micros: a.micros.checked_sub(b.micros)?,
        })
    })();
    finite(difference.ok_or_else(interval_out_of_range)?)
}

/// Negation.
///
/// # Errors
/// 22008 on overflow.
pub fn neg(a: &Interval) -> Result<Interval> {
    match infinity_sign(a) {
        0 => {}
        sign => return Ok(infinity(-sign)),
    }
    match (a.months.checked_neg(), a.days.checked_neg(), a.micros.checked_neg()) {
        (Some(months), Some(days), Some(micros)) => finite(Interval { months, days, micros }),
        _ => Err(interval_out_of_range()),
    }
}

/// Rounds to microseconds what should be a whole number of them.
fn settle(v: f64) -> f64 {
    (v * 1e6).round_ties_even() / 1e6
}

fn to_i32(v: f64) -> Result<i32> {
    if v >= f64::from(i32::MIN) && v < -f64::from(i32::MIN) {
        Ok(v as i32)
    } else {
        Err(interval_out_of_range())
    }
}

/// Applies `scale` (a product or quotient) to each field and hands fractions down.
fn scaled(iv: &Interval, scale: impl Fn(f64) -> f64) -> Result<Interval> {
    let (months, days) = (scale(f64::from(iv.months)), scale(f64::from(iv.days)));
    let (whole_months, mut whole_days) = (to_i32(months)?, to_i32(days)?);
    let month_days = settle((months - f64::from(whole_months)) * f64::from(DAYS_PER_MONTH));
    let day_part = days - f64::from(whole_days) + month_days - month_days.trunc();
    let mut seconds = settle(day_part * SECS_PER_DAY as f64);
    // The cascade may have brought a day's worth of seconds together.
    if seconds.abs() >= SECS_PER_DAY as f64 {
        let carried = (seconds / SECS_PER_DAY as f64) as i32;
        whole_days = whole_days.checked_add(carried).ok_or_else(interval_out_of_range)?;
        seconds -= f64::from(carried) * SECS_PER_DAY as f64;
    }
    let days = whole_days.checked_add(month_days as i32).ok_or_else(interval_out_of_range)?;
    let micros = (scale(iv.micros as f64) + seconds * USECS_PER_SEC as f64).round_ties_even();
    if micros.is_nan() || micros < i64::MIN as f64 || micros >= -(i64::MIN as f64) {
        return Err(interval_out_of_range());
    }
    finite(Interval { months: whole_months, days, micros: micros as i64 })
}

/// Product; fractions cascade to smaller units.
///
/// # Errors
/// 22008 on overflow, for NaN, and for zero times infinity.
pub fn mul(a: &Interval, factor: f64) -> Result<Interval> {
    if factor.is_nan() {
        return Err(interval_out_of_range());
    }
    let sign = infinity_sign(a);
    let sign = match (sign, factor.is_infinite()) {
        (0, false) => return scaled(a, |v| v * factor),
        (0, true) => compare(a, &Interval { months: 0, days: 0, micros: 0 }) as i32,
        _ => sign,
    };
    if sign == 0 || factor == 0.0 {
        return Err(interval_out_of_range());
    }
    Ok(infinity(if factor < 0.0 { -sign } else { sign }))
}

/// Quotient; fractions cascade to smaller units.
///
/// # Errors
/// 22012 for division by zero, 22008 on overflow, for NaN, and for infinity by infinity.
pub fn div(a: &Interval, divisor: f64) -> Result<Interval> {
    if divisor == 0.0 {
        return Err(sql_err!(DIVISION_BY_ZERO, "division by zero"));
    }
    if divisor.is_nan() {
        return Err(interval_out_of_range());
    }
    match infinity_sign(a) {
        0 => scaled(a, |v| v / divisor),
        _ if divisor.is_infinite() => Err(interval_out_of_range()),
        sign => Ok(infinity(if divisor < 0.0 { -sign } else { sign })),
    }
}

/// `justify_hours`: whole days of time become days, and the signs of both agree.
///
/// # Errors
/// 22008 on overflow.
pub fn justify_hours(a: &Interval) -> Result<Interval> {
    if is_infinite(a) {
        return Ok(*a);
    }
    let carried = (a.micros / USECS_PER_DAY) as i32;
    let mut iv = Interval {
        months: a.months,
        days: a.days.checked_add(carried).ok_or_else(interval_out_of_range)?,
        micros: a.micros % USECS_PER_DAY,
    };
    balance_day(&mut iv);
    Ok(iv)
}

/// Makes the signs of days and time agree.
fn balance_day(iv: &mut Interval) {
    if iv.days > 0 && iv.micros < 0 {
        iv.micros += USECS_PER_DAY;
        iv.days -= 1;
    } else if iv.days < 0 && iv.micros > 0 {
        iv.micros -= USECS_PER_DAY;
        iv.days += 1;
    }
}

/// `justify_days`: whole months of days become months, and the signs of both agree.
///
/// # Errors
/// 22008 on overflow.
pub fn justify_days(a: &Interval) -> Result<Interval> {
    if is_infinite(a) {
        return Ok(*a);
    }
    let mut iv = Interval {
        months: a.months.checked_add(a.days / DAYS_PER_MONTH).ok_or_else(interval_out_of_range)?,
        days: a.days % DAYS_PER_MONTH,
        micros: a.micros,
    };
    if iv.months > 0 && iv.days < 0 {
        iv.days += DAYS_PER_MONTH;
        iv.months -= 1;
    } else if iv.months < 0 && iv.days > 0 {
        iv.days -= DAYS_PER_MONTH;
        iv.months += 1;
    }
    Ok(iv)
}

/// `justify_interval`: both, so that all fields have one sign.
///
/// # Errors
/// 22008 on overflow.
pub fn justify_interval(a: &Interval) -> Result<Interval> {
    if is_infinite(a) {
        return Ok(*a);
    }
    let mut iv = *a;
    // When days and time agree in sign, days go up first, so that adding the carried time cannot overflow.
    if iv.days > 0 && iv.micros > 0 || iv.days < 0 && iv.micros < 0 {
        let carried = iv.days / DAYS_PER_MONTH;
        iv.days -= carried * DAYS_PER_MONTH;
        iv.months = iv.months.checked_add(carried).ok_or_else(interval_out_of_range)?;
    }
    let carried = (iv.micros / USECS_PER_DAY) as i32;
    iv.micros %= USECS_PER_DAY;
    iv.days = iv.days.checked_add(carried).ok_or_else(interval_out_of_range)?;
    let carried = iv.days / DAYS_PER_MONTH;
    iv.days -= carried * DAYS_PER_MONTH;
    iv.months = iv.months.checked_add(carried).ok_or_else(interval_out_of_range)?;
    if iv.months > 0 && (iv.days < 0 || iv.days == 0 && iv.micros < 0) {
        iv.days += DAYS_PER_MONTH;
        iv.months -= 1;
    } else if iv.months < 0 && (iv.days > 0 || iv.days == 0 && iv.micros > 0) {
        iv.days -= DAYS_PER_MONTH;
        iv.months += 1;
    }
    balance_day(&mut iv);
    Ok(iv)
}
