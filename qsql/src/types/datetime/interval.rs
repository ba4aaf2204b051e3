//! `interval`: months, days and microseconds.

use super::super::{Interval, IoContext};
use crate::error::{Result, SqlError};
use std::cmp::Ordering;

/// Reads an interval, adjusted to `typmod` (range and precision).
pub fn parse(text: &str, typmod: i32, cx: &IoContext<'_>) -> Result<Interval> {
    let _ = (text, typmod, cx);
    Err(SqlError::unsupported("date and time arithmetic"))
}

/// Appends an interval in the session's `IntervalStyle`.
pub fn write(iv: &Interval, cx: &IoContext<'_>, out: &mut Vec<u8>) {
    let _ = (iv, cx, out);
}

/// Compares by length: a month is 30 days, a day 24 hours.
pub fn compare(a: &Interval, b: &Interval) -> Ordering {
    let _ = (a, b);
    Ordering::Equal
}

/// Sum; infinities as PostgreSQL 17.
pub fn add(a: &Interval, b: &Interval) -> Result<Interval> {
    let _ = (a, b);
    Err(SqlError::unsupported("date and time arithmetic"))
}

/// Difference.
pub fn sub(a: &Interval, b: &Interval) -> Result<Interval> {
    let _ = (a, b);
    Err(SqlError::unsupported("date and time arithmetic"))
}

/// Negation.
pub fn neg(a: &Interval) -> Result<Interval> {
    let _ = (a,);
    Err(SqlError::unsupported("date and time arithmetic"))
}

/// Product; fractions cascade to smaller units.
pub fn mul(a: &Interval, factor: f64) -> Result<Interval> {
    let _ = (a, factor);
    Err(SqlError::unsupported("date and time arithmetic"))
}

/// Quotient; fractions cascade to smaller units.
pub fn div(a: &Interval, divisor: f64) -> Result<Interval> {
    let _ = (a, divisor);
    Err(SqlError::unsupported("date and time arithmetic"))
}

/// `justify_hours`.
pub fn justify_hours(a: &Interval) -> Result<Interval> {
    let _ = (a,);
    Err(SqlError::unsupported("date and time arithmetic"))
}

/// `justify_days`.
pub fn justify_days(a: &Interval) -> Result<Interval> {
    let _ = (a,);
    Err(SqlError::unsupported("date and time arithmetic"))
}

/// `justify_interval`.
pub fn justify_interval(a: &Interval) -> Result<Interval> {
    let _ = (a,);
    Err(SqlError::unsupported("date and time arithmetic"))
}
