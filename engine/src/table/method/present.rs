//! What may be in an index now, whatever the snapshot: for constraints that look for rows in the way of a new one.

use nq_storage::{KeyRange, TreeId, Walk};

use super::Source;
use crate::exec::ExecCx;
use crate::table::key::{self, after_prefix};

/// An entry that is there or may be.
#[derive(Clone, Debug)]
pub(crate) struct Rival {
    /// Its key in the index's tree.
    pub(crate) key: Vec<u8>,
    /// The row.
    pub(crate) row: u64,
}

/// The entries under a source that are there, or may be when other transactions have ended.
///
/// # Errors
/// The store's.
pub(crate) fn rivals(source: &Source, tree: TreeId, cx: &ExecCx<'_>) -> nq_storage::Result<Vec<Rival>> {
    let mut found = Vec::new();
    let mut keep = |key: &[u8]| {
        let row = key.len().checked_sub(key::ROW_ID_BYTES).and_then(|at| key::row_id(&key[at..]));
        found.extend(row.map(|row| Rival { key: key.to_vec(), row }));
    };
    match source {
        Source::None => {}
        Source::Intervals(prefix, wanted) => cx.txn.walk_present(tree, prefix, &mut |key| {
            let (wanted, go) = wanted.look(prefix, key);
            if wanted {
                keep(key);
            }
            go
        })?,
        Source::Entry(prefix) => within(&KeyRange::prefix(prefix), tree, cx, &mut keep)?,
        Source::Range(range) => within(range, tree, cx, &mut keep)?,
        Source::All | Source::And(_) | Source::Or(_) => within(&KeyRange::all(), tree, cx, &mut keep)?,
    }
    Ok(found)
}

fn within(
    range: &KeyRange,
    tree: TreeId,
    cx: &ExecCx<'_>,
    keep: &mut dyn FnMut(&[u8]),
) -> nq_storage::Result<()> {
    let from = match &range.lower {
        std::ops::Bound::Included(key) => key.clone(),
        std::ops::Bound::Excluded(key) => after_prefix(key).unwrap_or_else(|| key.clone()),
        std::ops::Bound::Unbounded => Vec::new(),
    };
    cx.txn.walk_present(tree, &from, &mut |key| match range.contains(key) {
        true => {
            keep(key);
            Walk::On
        }
        false => Walk::Stop,
    })
}
