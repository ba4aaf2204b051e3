//! Index methods: which keys a row has in an index, and which keys answer a condition.
//!
//! Every index is a tree of `key, row id -> row id` under the table's versioning. A method says what the keys are: a B-tree has one
//! per row that is the values themselves (`table::key`); the others are here.
//!
//! ```text
//! hash          the digest of the value
//! gist, spgist  per column: the value in its order, or where its interval begins and ends (`interval`)
//! gin           one key per entry of each column (`entries`): column, entry
//! ```
//!
//! 1. A key may stand for more values than one, never a value for no key: who reads an index looks at the rows again.
//! 2. What is found by a condition is told as a [`Source`]; reading it under a snapshot is `read`, finding what may conflict with
//!    a new row is `present`.
//! 3. No method keeps NULLs but in columns behind the first: all operators are strict.

pub(crate) mod entries;
pub(crate) mod interval;
mod path;
pub(crate) mod present;
pub(crate) mod read;

use nq_qsql::catalog::{Index, IndexColumn};
use nq_qsql::error::{Result, SqlError};
use nq_qsql::func::access::{AccessMethod, KeyForm, OperatorClass, Search, class_by_oid};
use nq_qsql::types::{Datum, keycode};
use nq_storage::KeyRange;

use self::interval::Wanted;
use super::key;

/// Bytes of a text in a key; longer ones are digested.
const TEXT_MAX: usize = 120;

/// A condition on a column of an index.
pub(crate) struct Clause<'a> {
    /// The column, counted from 0.
    pub(crate) column: usize,
    /// What is asked.
    pub(crate) search: Search,
    /// What the column is compared with; not NULL.
    pub(crate) value: &'a Datum,
}

/// Where the rows are that may satisfy conditions.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Source {
    /// Nowhere.
    None,
    /// Anywhere: the index cannot tell.
    All,
    /// Under this key, in the order of row ids.
    Entry(Vec<u8>),
    /// Under these keys.
    Range(KeyRange),
    /// Under this prefix, where the interval that follows it is wanted.
    Intervals(Vec<u8>, Wanted),
    /// In all of these.
    And(Vec<Source>),
    /// In one of these.
    Or(Vec<Source>),
}

impl Source {
    /// What is in all of some sources.
    pub(crate) fn and(mut parts: Vec<Source>) -> Source {
        parts.retain(|p| *p != Source::All);
        if parts.contains(&Source::None) {
            return Source::None;
        }
        match parts.len() {
            0 => Source::All,
            1 => parts.swap_remove(0),
            _ => Source::And(parts),
        }
    }

    /// What is in one of some sources.
    pub(crate) fn or(mut parts: Vec<Source>) -> Source {
        parts.retain(|p| *p != Source::None);
        if parts.contains(&Source::All) {
            return Source::All;
        }
        match parts.len() {
            0 => Source::None,
            1 => parts.swap_remove(0),
            _ => Source::Or(parts),
        }
    }
}

/// The keys of one row, one behind the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RowKeys {
    pub(crate) bytes: Vec<u8>,
    pub(crate) ends: Vec<u32>,
}

impl RowKeys {
    /// Ends the key that has been appended to `bytes`.
    fn end(&mut self) {
        self.ends.push(self.bytes.len() as u32);
    }

    /// The keys.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(from, to)| &self.bytes[from as usize..*to as usize])
    }

    /// Puts the keys in order, each once.
    fn settle(&mut self) {
        let mut keys: Vec<&[u8]> = self.iter().collect();
        keys.sort_unstable();
        keys.dedup();
        let mut settled = RowKeys::default();
        for key in keys {
            settled.bytes.extend_from_slice(key);
            settled.end();
        }
        *self = settled;
    }
}

/// The class of a column of an index that is no B-tree.
fn class(column: &IndexColumn) -> Result<&'static OperatorClass> {
    class_by_oid(column.opclass).ok_or_else(|| SqlError::internal("an index column without operator class"))
}

/// The keys of a row with these values in an index that is no B-tree, ascending; none when it is not in the index.
pub(crate) fn row_keys(index: &Index, values: &[Datum]) -> Result<RowKeys> {
    let mut keys = RowKeys::default();
    if index.method == AccessMethod::Gin {
        for (at, (column, value)) in index.columns.iter().zip(values).enumerate() {
            entries::extract(class(column)?.form, at as u8, value, &mut keys)?;
        }
        keys.settle();
        return Ok(keys);
    }
    if values.first().is_none_or(Datum::is_null) {
        return Ok(keys);
    }
    for (column, value) in index.columns.iter().zip(values) {
        put_value(column, value, &mut keys.bytes)?;
    }
    keys.end();
    Ok(keys)
}

/// Appends the key of a value in a column that has one.
fn put_value(column: &IndexColumn, value: &Datum, out: &mut Vec<u8>) -> Result<()> {
    match class(column)?.form {
        KeyForm::Hashed => {
            let mut bytes = Vec::with_capacity(24);
            keycode::encode(value, column.ty.oid, false, false, &mut bytes)?;
            out.extend_from_slice(&digest(&bytes).to_be_bytes());
            Ok(())
        }
        KeyForm::Interval => interval::put(value, out),
        _ => keycode::encode(value, column.ty.oid, false, false, out),
    }
}

/// Where the rows are that may satisfy all conditions.
pub(crate) fn source(index: &Index, clauses: &[Clause<'_>]) -> Result<Source> {
    if index.method == AccessMethod::Gin {
        let part = |c: &Clause<'_>| {
            let form = class(&index.columns[c.column])?.form;
            entries::source(form, c.column as u8, c.search, c.value)
        };
        return Ok(Source::and(clauses.iter().map(part).collect::<Result<_>>()?));
    }
    let mut prefix = Vec::new();
    for (at, column) in index.columns.iter().enumerate() {
        let mut of_column = clauses.iter().filter(|c| c.column == at);
        if let Some(equal) = of_column.clone().find(|c| c.search == Search::Equal) {
            match index.method {
                AccessMethod::Btree => key::encode_column(column, equal.value, &mut prefix)?,
                _ => put_value(column, equal.value, &mut prefix)?,
            }
            continue;
        }
        if let Some(clause) = of_column.next() {
            return match class(column)?.form {
                KeyForm::Interval => interval::source(prefix, clause.search, clause.value),
                _ => ordered(prefix, column, clause),
            };
        }
        break;
    }
    Ok(match prefix.is_empty() {
        true => Source::All,
        false => Source::Range(KeyRange::prefix(&prefix)),
    })
}

/// The range of an ordered column's keys behind a prefix.
fn ordered(prefix: Vec<u8>, column: &IndexColumn, clause: &Clause<'_>) -> Result<Source> {
    let mut own = prefix.clone();
    keycode::encode(clause.value, column.ty.oid, false, false, &mut own)?;
    let (mut before, mut after) = (KeyRange::prefix(&prefix), KeyRange::prefix(&prefix));
    let equal = KeyRange::prefix(&own);
    before.upper = equal.upper.clone();
    after.lower = equal.lower.clone();
    Ok(Source::Range(match clause.search {
        Search::Less | Search::LessEqual => before,
        Search::Greater | Search::GreaterEqual => after,
        // The end of a text is one byte.
        Search::Prefix => KeyRange::prefix(&own[..own.len() - 1]),
        _ => return Ok(Source::All),
    }))
}

/// 64 bits of a byte string, the same for ever: they are stored.
pub(crate) fn digest(bytes: &[u8]) -> u64 {
    const K: u64 = 0x9e37_79b9_7f4a_7c15;
    let mix = |h: u64| {
        let h = (h ^ (h >> 32)).wrapping_mul(K);
        h ^ (h >> 29)
    };
    let mut hash = mix(bytes.len() as u64 ^ K);
    for chunk in bytes.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        hash = mix(hash ^ u64::from_le_bytes(word));
    }
    mix(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_stay_what_they_are() {
        assert_eq!(digest(b""), 8_743_407_855_678_228_253);
        assert_ne!(digest(b"a"), digest(b"a\0"));
    }

    #[test]
    fn sources_fold() {
        let entry = |b: u8| Source::Entry(vec![b]);
        assert_eq!(Source::and(vec![Source::All, entry(1)]), entry(1));
        assert_eq!(Source::and(vec![entry(1), Source::None]), Source::None);
        assert_eq!(Source::or(vec![entry(1), Source::All]), Source::All);
        assert_eq!(Source::or(vec![]), Source::None);
    }
}
