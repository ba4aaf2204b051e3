//! Values from and to PostgreSQL's text form.

use super::{Datum, IoContext, Oid};
use crate::error::{Result, SqlError};

/// Reads a value of type `oid` from its text form and applies `typmod` as an input function does.
pub fn parse_text(oid: Oid, typmod: i32, text: &str, cx: &IoContext<'_>) -> Result<Datum> {
    let _ = (typmod, text, cx);
    Err(SqlError::unsupported(format_args!("input of type {oid}")))
}

/// Appends the text form of `value`, which is of type `oid` and not NULL.
pub fn write_text(value: &Datum, oid: Oid, cx: &IoContext<'_>, out: &mut Vec<u8>) -> Result<()> {
    let _ = (value, cx, out);
    Err(SqlError::unsupported(format_args!("output of type {oid}")))
}

/// Returns the text form of `value` as a string; see [`write_text`].
pub fn to_text(value: &Datum, oid: Oid, cx: &IoContext<'_>) -> Result<String> {
    let mut out = Vec::new();
    write_text(value, oid, cx, &mut out)?;
    String::from_utf8(out).map_err(|_| SqlError::internal("output function produced invalid UTF-8"))
}
