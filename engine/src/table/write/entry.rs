//! The keys of a row in an index, as the writer holds them.

use crate::table::key::{self, row_key};
use crate::table::method::RowKeys;

/// The keys of a row in an index: one, unless the index's method makes others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryKey {
    /// The encoded values; of several keys, one behind the other.
    prefix: Vec<u8>,
    /// Whether the row id follows them.
    suffix: bool,
    /// Where each of several keys ends, ascending keys; empty for one.
    ends: Vec<u32>,
}

impl EntryKey {
    /// One key, with the row id behind it or not.
    pub(super) fn one(prefix: Vec<u8>, suffix: bool) -> EntryKey {
        EntryKey { prefix, suffix, ends: Vec::new() }
    }

    /// The only key, without the row id.
    pub(super) fn first(&self) -> &[u8] {
        self.keys().next().unwrap_or_default()
    }

    /// Whether row ids follow.
    pub(super) fn has_suffix(&self) -> bool {
        self.suffix
    }

    /// The keys of a method other than B-tree; `None` when there are none.
    pub(super) fn of_method(keys: RowKeys) -> Option<EntryKey> {
        match keys.ends.len() {
            0 => None,
            1 => Some(EntryKey { prefix: keys.bytes, suffix: true, ends: Vec::new() }),
            _ => Some(EntryKey { prefix: keys.bytes, suffix: true, ends: keys.ends }),
        }
    }

    /// The keys without row ids.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &[u8]> {
        let whole = self.ends.is_empty().then_some(&self.prefix[..]);
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let several = starts.zip(&self.ends).map(|(from, to)| &self.prefix[from as usize..*to as usize]);
        whole.into_iter().chain(several)
    }

    /// The keys of the entries of this row.
    pub(crate) fn of_row(&self, id: u64) -> impl Iterator<Item = Vec<u8>> {
        self.keys().map(move |key| {
            let mut bytes = Vec::with_capacity(key.len() + key::ROW_ID_BYTES);
            bytes.extend_from_slice(key);
            if self.suffix {
                bytes.extend_from_slice(&row_key(id));
            }
            bytes
        })
    }

    /// What is left of several keys without those of another version of the row; one key is left as it is.
    pub(super) fn without(&self, other: Option<&EntryKey>) -> Option<EntryKey> {
        let Some(other) = other.filter(|o| !self.ends.is_empty() || !o.ends.is_empty()) else {
            return Some(self.clone());
        };
        let others: Vec<&[u8]> = other.keys().collect();
        let mut left = RowKeys::default();
        for key in self.keys().filter(|key| others.binary_search(key).is_err()) {
            left.bytes.extend_from_slice(key);
            left.ends.push(left.bytes.len() as u32);
        }
        EntryKey::of_method(left)
    }
}
