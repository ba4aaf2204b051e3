//! The rows that refer to some keys: by an index over the referencing columns, or by one scan for all keys.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::Arc;

use hashbrown::HashMap;
use nq_qsql::catalog::{Index, IndexKey, Relation};
use nq_qsql::error::Result;
use nq_qsql::func::access::AccessMethod;
use nq_qsql::plan::physical::KeyCast;
use nq_qsql::types::{Datum, Oid};
use nq_storage::{Cursor, Direction, KeyRange, Snapshot, TreeId};

use super::probe::{Key, Probe, as_integer};
use crate::error::store_error;
use crate::exec::ExecCx;
use crate::table::key::{self, row_key};
use crate::table::row::RowLayout;
use crate::table::value::damaged;

/// Rows handed out at once.
const PORTION_ROWS: usize = 1024;

/// A referencing row as it was found.
pub(super) struct Match {
    /// Its id.
    pub(super) id: u64,
    /// Its columns.
    pub(super) row: Vec<Datum>,
    /// Which of the keys it refers to.
    pub(super) key: usize,
}

/// An index whose leading columns are the referencing ones.
struct Path {
    index: Arc<Index>,
    /// By leading column: which of the key's columns it is, and the integer type it is to be converted to.
    order: Vec<(usize, Option<Oid>)>,
}

/// Searches a referencing table in its present state, own rows included.
pub(super) struct Search<'a> {
    probe: &'a Probe,
    child: &'a Relation,
    layout: RowLayout,
    snapshot: Arc<Snapshot>,
    way: Way,
}

enum Way {
    /// Keys still to be looked up, and the ids that the present one has.
    Index {
        path: Path,
        keys: VecDeque<(usize, Vec<u8>)>,
        open: Option<(usize, Cursor)>,
    },
    Scan {
        keys: HashMap<Vec<u8>, usize>,
        cursor: Cursor,
        more: bool,
    },
}

impl Path {
    fn find(child: &Relation, probe: &Probe) -> Option<Path> {
        let (key, casts) = (&probe.bound.key, &probe.bound.casts);
        let ordered = |i: &&Arc<Index>| i.valid && i.predicate.is_none() && i.method == AccessMethod::Btree;
        child.indexes.iter().filter(ordered).find_map(|index| {
            let leading = index.columns.get(..key.columns.len())?;
            let mut order = Vec::with_capacity(leading.len());
            for column in leading {
                let IndexKey::Column(c) = column.key else { return None };
                let at = key.columns.iter().position(|k| *k == c)?;
                order.push(match casts[at] {
                    KeyCast::Same => (at, None),
                    KeyCast::Integer => (at, Some(child.columns[c].ty.oid)),
                    KeyCast::Convert { .. } => return None,
                });
            }
            let all = (0..key.columns.len()).all(|at| order.iter().any(|o| o.0 == at));
            all.then(|| Path { index: index.clone(), order })
        })
    }

    /// The beginning of the entries of rows that refer to a key; `None` when no row can.
    fn prefix(&self, parent: &[Datum]) -> Result<Option<Vec<u8>>> {
        let mut values = Vec::with_capacity(self.order.len());
        for &(at, integer) in &self.order {
            match integer {
                None => values.push(parent[at].clone()),
                Some(to) => match as_integer(&parent[at], to) {
                    Some(value) => values.push(value),
                    None => return Ok(None),
                },
            }
        }
        let mut prefix = Vec::with_capacity(24);
        key::encode_prefix(&self.index, &values, &mut prefix)?;
        Ok(Some(prefix))
    }
}

impl<'a> Search<'a> {
    /// Looks for rows of `child` that refer to `keys` (number and values of the referenced columns).
    pub(super) fn new<'k>(
        child: &'a Relation,
        probe: &'a Probe,
        keys: impl Iterator<Item = (usize, &'k [Datum])>,
        cx: &ExecCx<'_>,
    ) -> Result<Search<'a>> {
        let snapshot = cx.txn.latest_snapshot();
        let way = match Path::find(child, probe) {
            Some(path) => {
                let mut sought = VecDeque::new();
                for (number, values) in keys {
                    if let Some(prefix) = path.prefix(values)? {
                        sought.push_back((number, prefix));
                    }
                }
                Way::Index { path, keys: sought, open: None }
            }
            None => {
                let mut sought = HashMap::new();
                for (number, values) in keys {
                    sought.entry(probe.entry_of(values)?).or_insert(number);
                }
                let all = KeyRange::all();
                let cursor = cx
                    .txn
                    .cursor_in(snapshot.clone(), TreeId(child.tree), all, Direction::Forward)
                    .map_err(store_error)?;
                let more = !sought.is_empty();
                Way::Scan { keys: sought, cursor, more }
            }
        };
        Ok(Search { probe, child, layout: RowLayout::new(&child.columns), snapshot, way })
    }

    /// Whether matches come in the order of the keys.
    pub(super) fn in_key_order(&self) -> bool {
        matches!(self.way, Way::Index { .. })
    }

    /// Returns some more rows; none at the end.
    pub(super) fn next(&mut self, cx: &mut ExecCx<'_>) -> Result<Vec<Match>> {
        loop {
            cx.check_interrupt()?;
            let found = match &mut self.way {
                Way::Index { .. } => self.next_of_index(cx)?,
                Way::Scan { more: false, .. } => return Ok(Vec::new()),
                Way::Scan { .. } => self.next_of_scan(cx)?,
            };
            match found {
                Some(found) if found.is_empty() => {}
                Some(found) => return Ok(found),
                None => return Ok(Vec::new()),
            }
        }
    }

    fn next_of_index(&mut self, cx: &mut ExecCx<'_>) -> Result<Option<Vec<Match>>> {
        let Way::Index { path, keys, open } = &mut self.way else { return Ok(None) };
        let (key, mut cursor) = match open.take() {
            Some(open) => open,
            None => {
                let Some((key, prefix)) = keys.pop_front() else { return Ok(None) };
                let (range, tree) = (KeyRange::prefix(&prefix), TreeId(path.index.tree));
                let cursor = cx
                    .txn
                    .cursor_in(self.snapshot.clone(), tree, range, Direction::Forward)
                    .map_err(store_error)?;
                (key, cursor)
            }
        };
        let mut ids = Vec::new();
        let more = cursor
            .next_batch(cx.txn, PORTION_ROWS, &mut |_, value| {
                ids.push(key::row_id(value));
                ControlFlow::Continue(())
            })
            .map_err(store_error)?;
        if more {
            *open = Some((key, cursor));
        }
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            let id = id.ok_or_else(damaged)?;
            if let Some(row) = self.row(id, cx)? {
                found.push(Match { id, row, key });
            }
        }
        Ok(Some(found))
    }

    fn next_of_scan(&mut self, cx: &mut ExecCx<'_>) -> Result<Option<Vec<Match>>> {
        let Way::Scan { keys, cursor, more } = &mut self.way else { return Ok(None) };
        let (layout, columns) = (&self.layout, &self.probe.bound.key.columns);
        let mut seen: Vec<(u64, Vec<Datum>)> = Vec::new();
        let mut failed = None;
        *more = cursor
            .next_batch(cx.txn, PORTION_ROWS, &mut |id, bytes| {
                let values = key::row_id(id).ok_or_else(damaged).and_then(|id| {
                    let reader = layout.read(bytes)?;
                    let values: Result<Vec<Datum>> = columns.iter().map(|&c| reader.datum(c)).collect();
                    Ok((id, values?))
                });
                match values {
                    Ok(values) => seen.push(values),
                    Err(error) => failed = Some(error),
                }
                ControlFlow::Continue(())
            })
            .map_err(store_error)?;
        if let Some(error) = failed {
            return Err(error);
        }
        let mut hits = Vec::new();
        for (id, values) in seen {
            if let Key::Entry(entry) = self.probe.key_of(&values, cx)?
                && let Some(&key) = keys.get(&entry)
            {
                hits.push((id, key));
            }
        }
        let mut found = Vec::with_capacity(hits.len());
        for (id, key) in hits {
            if let Some(row) = self.row(id, cx)? {
                found.push(Match { id, row, key });
            }
        }
        Ok(Some(found))
    }

    /// A row as the search sees it.
    fn row(&self, id: u64, cx: &ExecCx<'_>) -> Result<Option<Vec<Datum>>> {
        let read = |bytes: &[u8]| self.layout.read(bytes)?.datums();
        let tree = TreeId(self.child.tree);
        cx.txn.get_through(&self.snapshot, tree, &row_key(id), read).map_err(store_error)?.transpose()
    }
}
