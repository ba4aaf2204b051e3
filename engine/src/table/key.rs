//! Index keys: the values of an index's columns as bytes in index order, and the ranges of them that a scan reads.
//!
//! A row id is 8 bytes, big-endian. An entry of a unique index is `key -> row id`, unless the key holds a NULL and NULLs are
//! distinct: then, and in every entry of a plain index, the row id is the key's tail, too.

use std::ops::Bound;

use nq_qsql::catalog::{Index, IndexColumn};
use nq_qsql::error::Result;
use nq_qsql::types::{Datum, keycode};

/// Bytes of a row id.
pub const ROW_ID_BYTES: usize = 8;

/// Returns the key of a row in its table's tree.
pub fn row_key(row_id: u64) -> [u8; ROW_ID_BYTES] {
    row_id.to_be_bytes()
}

/// Reads a row id from a key or an index entry's value.
#[inline]
pub fn row_id(bytes: &[u8]) -> Option<u64> {
    bytes.first_chunk().map(|b| u64::from_be_bytes(*b))
}

/// Whether entries with these values carry the row id in their key.
pub fn has_suffix(index: &Index, values: &[Datum]) -> bool {
    needs_suffix(index, values.iter().any(Datum::is_null))
}

/// Whether entries carry the row id in their key; `null`: one of their values is NULL.
pub fn needs_suffix(index: &Index, null: bool) -> bool {
    !index.unique || (!index.nulls_not_distinct && null)
}

/// Appends the encoded values of the leading columns of an index.
pub fn encode_prefix(index: &Index, values: &[Datum], out: &mut Vec<u8>) -> Result<()> {
    for (column, value) in index.columns.iter().zip(values) {
        encode_column(column, value, out)?;
    }
    Ok(())
}

/// Appends the encoded value of a column of an index.
pub fn encode_column(column: &IndexColumn, value: &Datum, out: &mut Vec<u8>) -> Result<()> {
    keycode::encode(value, column.ty.oid, column.descending, column.nulls_first, out)
}

/// Appends the key of an index entry for a row.
pub fn encode_entry(index: &Index, values: &[Datum], row_id: u64, out: &mut Vec<u8>) -> Result<()> {
    encode_prefix(index, values, out)?;
    if has_suffix(index, values) {
        out.extend_from_slice(&row_key(row_id));
    }
    Ok(())
}

/// A range of keys.
pub type KeyRange = (Bound<Vec<u8>>, Bound<Vec<u8>>);

/// The least byte string above all that start with `prefix`; `None` when there is none.
pub fn after_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|&b| b != 0xff)?;
    let mut next = prefix[..=last].to_vec();
    next[last] += 1;
    Some(next)
}

/// All keys that start with `prefix`.
pub fn prefix_range(prefix: Vec<u8>) -> KeyRange {
    let end = after_prefix(&prefix).map_or(Bound::Unbounded, Bound::Excluded);
    (Bound::Included(prefix), end)
}

/// Keys whose leading columns equal `equal` and whose next column lies between the bounds (value, inclusive) in the values' order.
/// NULLs of the bounded column are outside; without any bound they are inside.
pub fn range(
    index: &Index,
    equal: &[Datum],
    lower: Option<(&Datum, bool)>,
    upper: Option<(&Datum, bool)>,
) -> Result<KeyRange> {
    let mut prefix = Vec::new();
    encode_prefix(index, equal, &mut prefix)?;
    if lower.is_none() && upper.is_none() {
        return Ok(prefix_range(prefix));
    }
    let Some(column) = index.columns.get(equal.len()) else { return Ok(prefix_range(prefix)) };
    // In a descending column greater values have smaller keys.
    let (first, last) = if column.descending { (upper, lower) } else { (lower, upper) };
    let encode = |value: &Datum| -> Result<Vec<u8>> {
        let mut key = prefix.clone();
        encode_column(column, value, &mut key)?;
        Ok(key)
    };
    let null = encode(&Datum::Null)?;
    let from = match first {
        Some((value, true)) => Bound::Included(encode(value)?),
        Some((value, false)) => after_prefix(&encode(value)?).map_or(Bound::Unbounded, Bound::Included),
        None if column.nulls_first => after_prefix(&null).map_or(Bound::Unbounded, Bound::Included),
        None => Bound::Included(prefix.clone()),
    };
    let to = match last {
        Some((value, true)) => after_prefix(&encode(value)?).map_or(Bound::Unbounded, Bound::Excluded),
        Some((value, false)) => Bound::Excluded(encode(value)?),
        None if !column.nulls_first => Bound::Excluded(null),
        None => after_prefix(&prefix).map_or(Bound::Unbounded, Bound::Excluded),
    };
    Ok((from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_end_where_the_next_begins() {
        assert_eq!(after_prefix(&[1, 2]), Some(vec![1, 3]));
        assert_eq!(after_prefix(&[1, 0xff]), Some(vec![2]));
        assert_eq!(after_prefix(&[0xff, 0xff]), None);
        assert_eq!(after_prefix(&[]), None);
        assert_eq!(row_id(&row_key(77)), Some(77));
    }
}
