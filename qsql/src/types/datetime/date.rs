//! `date`: days since 2000-01-01.

use super::super::IoContext;
use crate::error::{Result, SqlError};

/// Reads a date in any of PostgreSQL's input forms.
pub fn parse(text: &str, cx: &IoContext<'_>) -> Result<i32> {
    let _ = (text, cx);
    Err(SqlError::unsupported("date and time arithmetic"))
}

/// Appends a date in the session's `DateStyle`.
pub fn write(date: i32, cx: &IoContext<'_>, out: &mut Vec<u8>) {
    let _ = (date, cx, out);
}
