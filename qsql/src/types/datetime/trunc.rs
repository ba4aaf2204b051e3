//! `date_trunc` and `date_bin`.

use super::super::Interval;
use super::zone::Zone;
use crate::error::{Result, SqlError};

/// `date_trunc(field, timestamp)`.
pub fn timestamp(field: &str, ts: i64) -> Result<i64> {
    let _ = (field, ts);
    Err(SqlError::unsupported("date and time arithmetic"))
}

/// `date_trunc(field, timestamptz)` in `zone`.
pub fn timestamptz(field: &str, ts: i64, zone: &Zone) -> Result<i64> {
    let _ = (field, ts, zone);
    Err(SqlError::unsupported("date and time arithmetic"))
}

/// `date_trunc(field, interval)`.
pub fn interval(field: &str, iv: &Interval) -> Result<Interval> {
    let _ = (field, iv);
    Err(SqlError::unsupported("date and time arithmetic"))
}

/// `date_bin(stride, source, origin)` for timestamp and timestamptz.
pub fn date_bin(stride: &Interval, source: i64, origin: i64) -> Result<i64> {
    let _ = (stride, source, origin);
    Err(SqlError::unsupported("date and time arithmetic"))
}
