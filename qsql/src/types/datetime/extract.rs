//! `extract` and `date_part`.

use super::super::{Interval, Numeric};
use super::zone::Zone;
use crate::error::{Result, SqlError};

/// `extract(field from date)`; `None` is NULL.
pub fn date(field: &str, date: i32) -> Result<Option<Numeric>> {
    let _ = (field, date);
    Err(SqlError::unsupported("date and time arithmetic"))
}

/// `extract(field from time)`.
pub fn time(field: &str, time: i64) -> Result<Option<Numeric>> {
    let _ = (field, time);
    Err(SqlError::unsupported("date and time arithmetic"))
}

/// `extract(field from timetz)`.
pub fn timetz(field: &str, time: i64, zone: i32) -> Result<Option<Numeric>> {
    let _ = (field, time, zone);
    Err(SqlError::unsupported("date and time arithmetic"))
}

/// `extract(field from timestamp)`.
pub fn timestamp(field: &str, ts: i64) -> Result<Option<Numeric>> {
    let _ = (field, ts);
    Err(SqlError::unsupported("date and time arithmetic"))
}

/// `extract(field from timestamptz)`.
pub fn timestamptz(field: &str, ts: i64, zone: &Zone) -> Result<Option<Numeric>> {
    let _ = (field, ts, zone);
    Err(SqlError::unsupported("date and time arithmetic"))
}

/// `extract(field from interval)`.
pub fn interval(field: &str, iv: &Interval) -> Result<Option<Numeric>> {
    let _ = (field, iv);
    Err(SqlError::unsupported("date and time arithmetic"))
}
