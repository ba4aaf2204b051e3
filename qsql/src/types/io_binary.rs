//! Values from and to PostgreSQL's binary wire format.

use super::{Datum, Oid};
use crate::error::{Result, SqlError};

/// Reads a value of type `oid` from the binary format and applies `typmod`.
pub fn recv_binary(oid: Oid, typmod: i32, bytes: &[u8]) -> Result<Datum> {
    let _ = (typmod, bytes);
    Err(SqlError::unsupported(format_args!("binary input of type {oid}")))
}

/// Appends the binary form of `value`, which is of type `oid` and not NULL.
pub fn send_binary(value: &Datum, oid: Oid, out: &mut Vec<u8>) -> Result<()> {
    let _ = (value, out);
    Err(SqlError::unsupported(format_args!("binary output of type {oid}")))
}
