//! The rows under a [`Source`] as a snapshot sees them: sets of row ids, ascending.
//!
//! Entries that must all be there are read in step, in lots that grow, until the shortest list has ended; what it holds is then looked
//! for in what the others have shown so far, and one by one in the rest: the cost is that of the rarest entry, not of the most common.
//! A set that does not fit in memory is as good as none: all rows are looked at then.

use std::ops::{Bound, ControlFlow};

use nq_qsql::error::Result;
use nq_storage::{Cursor, Direction, Finger, KeyRange, TreeId, Walk};

use super::Source;
use super::interval::Wanted;
use crate::error::store_error;
use crate::exec::ExecCx;
use crate::table::key::{self, row_id, row_key};
use crate::table::value::damaged;

/// Row ids read from each list at first.
const FIRST_LOT: usize = 256;

/// Rows.
#[derive(Debug, PartialEq)]
pub(crate) enum Rows {
    /// Any, for all that the index can tell.
    All,
    /// These, ascending.
    These(Vec<u64>),
}

/// Reads one index's tree.
pub(crate) struct Reading<'a, 'b> {
    /// The tree.
    pub(crate) tree: TreeId,
    /// Most row ids of a set.
    pub(crate) limit: usize,
    /// The statement.
    pub(crate) cx: &'a mut ExecCx<'b>,
}

/// A list of the rows under one entry, read as far as needed.
struct List<'a> {
    entry: &'a [u8],
    cursor: Cursor,
    ids: Vec<u64>,
    ended: bool,
}

impl Reading<'_, '_> {
    /// The rows under a source.
    ///
    /// # Errors
    /// The store's.
    pub(crate) fn rows(&mut self, source: &Source) -> Result<Rows> {
        self.cx.run.searches += u64::from(!matches!(source, Source::None | Source::All | Source::Or(_)));
        match source {
            Source::None => Ok(Rows::These(Vec::new())),
            Source::All => Ok(Rows::All),
            Source::Entry(entry) => {
                let mut list = self.list(entry)?;
                while !list.ended && list.ids.len() <= self.limit {
                    self.read_on(&mut list, usize::MAX)?;
                }
                Ok(if list.ended { Rows::These(list.ids) } else { Rows::All })
            }
            Source::Range(range) => self.range(range.clone()),
            Source::Intervals(prefix, wanted) => self.intervals(prefix, wanted),
            Source::And(parts) => self.all_of(parts),
            Source::Or(parts) => {
                let mut union: Vec<u64> = Vec::new();
                for part in parts {
                    match self.rows(part)? {
                        Rows::All => return Ok(Rows::All),
                        Rows::These(ids) if union.is_empty() => union = ids,
                        Rows::These(ids) => {
                            union.extend(ids);
                            union.sort_unstable();
                            union.dedup();
                        }
                    }
                    if union.len() > self.limit {
                        return Ok(Rows::All);
                    }
                }
                Ok(Rows::These(union))
            }
        }
    }

    fn list<'e>(&mut self, entry: &'e [u8]) -> Result<List<'e>> {
        let range = KeyRange::prefix(entry);
        let cursor = self.cx.txn.cursor(self.tree, range, Direction::Forward).map_err(store_error)?;
        Ok(List { entry, cursor, ids: Vec::new(), ended: false })
    }

    /// Reads up to `most` more ids of a list, those of one leaf at most.
    fn read_on(&mut self, list: &mut List<'_>, most: usize) -> Result<()> {
        let (ids, mut bad) = (&mut list.ids, false);
        let more = list
            .cursor
            .next_batch(self.cx.txn, most, &mut |_, value| match row_id(value) {
                Some(id) => {
                    ids.push(id);
                    ControlFlow::Continue(())
                }
                None => {
                    bad = true;
                    ControlFlow::Break(())
                }
            })
            .map_err(store_error)?;
        list.ended = !more;
        if bad { Err(damaged()) } else { Ok(()) }
    }

    fn range(&mut self, range: KeyRange) -> Result<Rows> {
        let mut list = List {
            entry: &[],
            cursor: self.cx.txn.cursor(self.tree, range, Direction::Forward).map_err(store_error)?,
            ids: Vec::new(),
            ended: false,
        };
        while !list.ended {
            if list.ids.len() > self.limit {
                return Ok(Rows::All);
            }
            self.read_on(&mut list, usize::MAX)?;
        }
        list.ids.sort_unstable();
        Ok(Rows::These(list.ids))
    }

    fn intervals(&mut self, prefix: &[u8], wanted: &Wanted) -> Result<Rows> {
        let all = KeyRange::prefix(prefix);
        let upper = all.upper.clone();
        let mut cursor = self.cx.txn.cursor(self.tree, all, Direction::Forward).map_err(store_error)?;
        let mut ids: Vec<u64> = Vec::new();
        loop {
            let (mut seek, mut stop, mut bad) = (None, false, false);
            let more = cursor
                .next_batch(self.cx.txn, usize::MAX, &mut |key, value| {
                    let (found, go) = wanted.look(prefix, key);
                    if found {
                        match row_id(value) {
                            Some(id) => ids.push(id),
                            None => bad = true,
                        }
                    }
                    match go {
                        Walk::On if !bad => return ControlFlow::Continue(()),
                        Walk::Seek(to) => seek = Some(to),
                        Walk::On | Walk::Stop => stop = true,
                    }
                    ControlFlow::Break(())
                })
                .map_err(store_error)?;
            if bad {
                return Err(damaged());
            }
            match seek {
                Some(to) => cursor.restart(KeyRange { lower: Bound::Included(to), upper: upper.clone() }),
                None if stop || !more => break,
                None => {}
            }
            if ids.len() > self.limit {
                return Ok(Rows::All);
            }
        }
        ids.sort_unstable();
        Ok(Rows::These(ids))
    }

    /// The rows that are in all of some sources.
    fn all_of(&mut self, parts: &[Source]) -> Result<Rows> {
        let mut candidates: Option<Vec<u64>> = None;
        let mut lists = Vec::new();
        for part in parts {
            if let Source::Entry(entry) = part {
                lists.push(self.list(entry)?);
                continue;
            }
            if let Rows::These(ids) = self.rows(part)? {
                candidates = Some(match candidates {
                    None => ids,
                    Some(before) => common(&before, &ids),
                });
            }
        }
        let mut candidates = match candidates {
            Some(candidates) => candidates,
            None if lists.is_empty() => return Ok(Rows::All),
            None => match self.shortest(&mut lists)? {
                Some(at) => lists.swap_remove(at).ids,
                None => return Ok(Rows::All),
            },
        };
        // Long lists have shown that they are: the more is gone when they are asked, the better.
        lists.sort_by_key(|l| l.ids.len());
        for list in &lists {
            if candidates.is_empty() {
                break;
            }
            self.keep(&mut candidates, list)?;
        }
        Ok(Rows::These(candidates))
    }

    /// Reads lists in step until one has ended; `None` when none is short enough.
    fn shortest(&mut self, lists: &mut [List<'_>]) -> Result<Option<usize>> {
        let mut lot = FIRST_LOT;
        loop {
            for list in lists.iter_mut() {
                let goal = list.ids.len() + lot;
                while !list.ended && list.ids.len() < goal {
                    let most = goal - list.ids.len();
                    self.read_on(list, most)?;
                }
            }
            let ended = (0..lists.len()).filter(|&i| lists[i].ended).min_by_key(|&i| lists[i].ids.len());
            if ended.is_some() {
                return Ok(ended);
            }
            if lists.iter().map(|l| l.ids.len()).sum::<usize>() > self.limit {
                return Ok(None);
            }
            lot *= 2;
        }
    }

    /// Keeps the candidates that are in a list.
    fn keep(&mut self, candidates: &mut Vec<u64>, list: &List<'_>) -> Result<()> {
        let read_to = match (list.ended, list.ids.last()) {
            (true, _) => candidates.len(),
            (false, Some(last)) => candidates.partition_point(|id| id <= last),
            (false, None) => 0,
        };
        let mut kept = common(&candidates[..read_to], &list.ids);
        let rest = &candidates[read_to..];
        let keys = rest.iter().map(|&id| {
            let mut key = Vec::with_capacity(list.entry.len() + key::ROW_ID_BYTES);
            key.extend_from_slice(list.entry);
            key.extend_from_slice(&row_key(id));
            key
        });
        self.cx
            .txn
            .get_each(self.tree, keys, &mut Finger::default(), &mut |at, value| {
                if value.is_some() {
                    kept.push(rest[at]);
                }
                ControlFlow::Continue(())
            })
            .map_err(store_error)?;
        *candidates = kept;
        Ok(())
    }
}

/// What is in both of two ascending lists.
fn common(a: &[u64], b: &[u64]) -> Vec<u64> {
    let (mut i, mut j, mut both) = (0, 0, Vec::with_capacity(a.len().min(b.len())));
    while i < a.len() && j < b.len() {
        match a[i].cmp(&b[j]) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => {
                both.push(a[i]);
                (i, j) = (i + 1, j + 1);
            }
        }
    }
    both
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_intersected() {
        assert_eq!(common(&[1, 3, 5, 9], &[2, 3, 9, 10]), [3, 9]);
        assert_eq!(common(&[], &[1]), Vec::<u64>::new());
    }
}
