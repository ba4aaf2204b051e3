//! Byte strings whose memcmp order is the order of the values: the keys of the B+ trees.

use super::{Datum, Oid};
use crate::error::{Result, SqlError};

/// Appends the key form of `value`; `desc` and `nulls_first` as in CREATE INDEX.
pub fn encode(value: &Datum, oid: Oid, desc: bool, nulls_first: bool, out: &mut Vec<u8>) -> Result<()> {
    let _ = (value, desc, nulls_first, out);
    Err(SqlError::unsupported(format_args!("index key of type {oid}")))
}

/// Reads one key column from the front of `bytes`; returns it and the number of bytes it took.
pub fn decode(bytes: &[u8], oid: Oid, desc: bool, nulls_first: bool) -> Result<(Datum, usize)> {
    let _ = (bytes, desc, nulls_first);
    Err(SqlError::unsupported(format_args!("index key of type {oid}")))
}
