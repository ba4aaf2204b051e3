//! The referenced side: what becomes of the rows that refer to keys which have gone or changed.

use std::sync::Arc;

use nq_qsql::catalog::{ReferentialAction, Relation};
use nq_qsql::error::Result;
use nq_qsql::plan::expr::Expr;
use nq_qsql::plan::physical::{BoundForeignKey, PolicyMoment, WriteTarget};
use nq_qsql::types::compare::compare;
use nq_qsql::types::{DataType, Datum};
use nq_storage::{Modified, TreeId};

use super::error::{self, still_referenced};
use super::find::{Match, Search};
use super::probe::{Key, Probe};
use crate::error::store_error;
use crate::exec::eval::Compiled;
use crate::exec::{Batch, ExecCx};
use crate::table::key::row_key;
use crate::table::row::RowLayout;
use crate::table::write::{Outcome, Writer};

/// A key that has gone or changed.
pub(crate) struct Change {
    pub(crate) old: Arc<[Datum]>,
    pub(crate) new: Option<Arc<[Datum]>>,
}

/// Where the new value of a referencing column comes from.
pub(crate) enum Source {
    Null,
    Default(Expr),
    /// The referenced column's new value, converted as an assignment does.
    Parent(usize, Option<Expr>),
}

/// What is to be done, bound.
pub(crate) struct Action {
    pub(crate) target: WriteTarget,
    pub(crate) bound: BoundForeignKey,
    pub(crate) action: ReferentialAction,
    /// The columns that are set, with what.
    pub(crate) set: Vec<(usize, Source)>,
}

/// [`Source`], compiled.
enum Value {
    Null,
    Default(Compiled),
    Parent(usize, Option<(DataType, Compiled)>),
}

impl Action {
    /// Does it for the keys in `changes`. Returns the number of rows written.
    ///
    /// # Errors
    /// 23503, 23001, 40001, and what writing the rows raises.
    pub(crate) fn run(&self, changes: &[Change], cx: &mut ExecCx<'_>) -> Result<u64> {
        let writer = Writer::new(&self.target, cx)?;
        let probe = Probe::new(&self.bound, writer.types(), cx.params)?;
        let child = &*self.target.relation;
        let mut gone: Vec<usize> = Vec::with_capacity(changes.len());
        let mut snapshot = cx.txn.key_snapshot();
        for (number, change) in changes.iter().enumerate() {
            // Another row may have the key now.
            if self.action != ReferentialAction::NoAction
                || !probe.find(&probe.entry_of(&change.old)?, true, &mut snapshot, cx)?
            {
                gone.push(number);
            }
        }
        let keys = gone.iter().map(|&n| (n, &*changes[n].old));
        let mut search = Search::new(child, &probe, keys, cx)?;
        match self.action {
            ReferentialAction::NoAction | ReferentialAction::Restrict => {
                self.refuse(&probe, &mut search, changes, cx)?;
                Ok(0)
            }
            ReferentialAction::Cascade if self.set.is_empty() => {
                let mut written = 0;
                loop {
                    let found = search.next(cx)?;
                    if found.is_empty() {
                        return Ok(written);
                    }
                    written += delete(&writer, &probe, found, cx)?;
                }
            }
            ReferentialAction::Cascade | ReferentialAction::SetNull | ReferentialAction::SetDefault => {
                let values = self.values(cx)?;
                let changed = writer.changed(self.set.iter().map(|s| s.0));
                let touched: Vec<bool> =
                    (0..writer.indexes()).map(|i| writer.depends_on(i, &changed)).collect();
                let mut written = 0;
                loop {
                    let found = search.next(cx)?;
                    if found.is_empty() {
                        break;
                    }
                    written += self.update(&writer, &probe, found, changes, &values, &touched, cx)?;
                }
                if self.action == ReferentialAction::SetDefault {
                    self.refuse_unchanged(&probe, changes, cx)?;
                }
                Ok(written)
            }
        }
    }

    /// A default may be the very key that has gone: nothing has changed then, and nothing been looked for.
    fn refuse_unchanged(&self, probe: &Probe, changes: &[Change], cx: &mut ExecCx<'_>) -> Result<()> {
        cx.txn.next_command();
        let mut gone: Vec<(usize, &[Datum])> = Vec::with_capacity(changes.len());
        let mut snapshot = cx.txn.key_snapshot();
        for (number, change) in changes.iter().enumerate() {
            if !probe.find(&probe.entry_of(&change.old)?, true, &mut snapshot, cx)? {
                gone.push((number, &change.old));
            }
        }
        let mut search = Search::new(&self.target.relation, probe, gone.into_iter(), cx)?;
        self.refuse(probe, &mut search, changes, cx)
    }

    /// Fails if a row refers to one of the keys.
    fn refuse(
        &self,
        probe: &Probe,
        search: &mut Search<'_>,
        changes: &[Change],
        cx: &mut ExecCx<'_>,
    ) -> Result<()> {
        let mut first: Option<usize> = None;
        loop {
            let found = search.next(cx)?;
            if found.is_empty() {
                break;
            }
            for one in found {
                if first.is_none_or(|first| one.key < first) && self.still_refers(probe, &one, cx)? {
                    first = Some(one.key);
                }
            }
            if first.is_some() && search.in_key_order() {
                break;
            }
        }
        match first {
            Some(key) => {
                let restrict = self.action == ReferentialAction::Restrict;
                let child = &self.target.relation;
                Err(still_referenced(child, &self.bound, &changes[key].old, restrict, cx))
            }
            None => Ok(()),
        }
    }

    /// Whether a row that was found is still there with its key, once whoever is changing it has ended; it is held then.
    fn still_refers(&self, probe: &Probe, one: &Match, cx: &mut ExecCx<'_>) -> Result<bool> {
        let child = &*self.target.relation;
        let (tree, id) = (TreeId(child.tree), row_key(one.id));
        let key = probe.key_of(&referencing(probe, &one.row), cx)?;
        let layout = RowLayout::new(&child.columns);
        loop {
            let snapshot = cx.txn.latest_snapshot();
            let read = |bytes: &[u8]| layout.read(bytes)?.datums();
            let row = cx.txn.get_through(&snapshot, tree, &id, read).map_err(store_error)?.transpose()?;
            let Some(row) = row else { return Ok(false) };
            if probe.key_of(&referencing(probe, &row), cx)? != key {
                return Ok(false);
            }
            match cx.txn.hold_key(&snapshot, tree, &id).map_err(store_error)? {
                Some(Modified::Locked) => return Ok(true),
                _ => cx.check_interrupt()?,
            }
        }
    }

    fn values(&self, cx: &ExecCx<'_>) -> Result<Vec<(usize, Value)>> {
        let mut values = Vec::with_capacity(self.set.len());
        for (column, source) in &self.set {
            let value = match source {
                Source::Null => Value::Null,
                Source::Default(expr) => Value::Default(Compiled::new(expr, cx)?),
                Source::Parent(at, None) => Value::Parent(*at, None),
                Source::Parent(at, Some(expr)) => {
                    let from = self.bound.parent.columns[self.bound.key.ref_columns[*at]].ty;
                    Value::Parent(*at, Some((from, Compiled::new(expr, cx)?)))
                }
            };
            values.push((*column, value));
        }
        Ok(values)
    }

    /// The row with its new values.
    fn changed(
        row: &[Datum],
        values: &[(usize, Value)],
        change: &Change,
        cx: &mut ExecCx<'_>,
    ) -> Result<Vec<Datum>> {
        let mut new = row.to_vec();
        for (column, value) in values {
            new[*column] = match value {
                Value::Null => Datum::Null,
                Value::Default(expr) => expr.eval_alone(cx)?,
                Value::Parent(at, cast) => {
                    let given = change.new.as_ref().map_or(Datum::Null, |new| new[*at].clone());
                    match cast {
                        None => given,
                        Some((from, expr)) => {
                            let batch = Batch::from_rows(&[[given]], &[*from]);
                            expr.eval_batch(&batch, cx)?.datum(0, expr.ty.oid)
                        }
                    }
                }
            };
        }
        Ok(new)
    }

    #[allow(clippy::too_many_arguments, reason = "what is written, where, and what it is made of")]
    fn update(
        &self,
        writer: &Writer,
        probe: &Probe,
        found: Vec<Match>,
        changes: &[Change],
        values: &[(usize, Value)],
        touched: &[bool],
        cx: &mut ExecCx<'_>,
    ) -> Result<u64> {
        let mut written = 0;
        let mut new = Vec::with_capacity(found.len());
        for one in &found {
            new.push(Action::changed(&one.row, values, &changes[one.key], cx)?);
        }
        writer.complete(&mut new, PolicyMoment::Update, cx)?;
        let old: Vec<Vec<Datum>> = found.iter().map(|m| m.row.clone()).collect();
        let before = writer.entries(&old, |i| touched[i], cx)?;
        let after = writer.entries(&new, |i| touched[i], cx)?;
        let of_row = |entries: &[Vec<_>], row: usize| -> Vec<_> {
            entries.iter().map(|of_index: &Vec<Option<_>>| of_index[row].clone()).collect()
        };
        for (r, one) in found.iter().enumerate() {
            let mut outcome = writer.update(
                one.id,
                &old[r],
                &new[r],
                &of_row(&before, r),
                &of_row(&after, r),
                false,
                cx,
            )?;
            if let Outcome::Newer(bytes) = outcome {
                let newer = [writer.decode(&bytes)?];
                if !same_key(probe, &newer[0], &one.row, cx)? {
                    continue;
                }
                let mut again = [Action::changed(&newer[0], values, &changes[one.key], cx)?];
                writer.complete(&mut again, PolicyMoment::Update, cx)?;
                let before = writer.entries(&newer, |i| touched[i], cx)?;
                let after = writer.entries(&again, |i| touched[i], cx)?;
                let (before, after) = (of_row(&before, 0), of_row(&after, 0));
                outcome = writer.update(one.id, &newer[0], &again[0], &before, &after, true, cx)?;
            }
            if !matches!(outcome, Outcome::Done) {
                continue;
            }
            written += 1;
        }
        Ok(written)
    }
}

/// Deletes referencing rows.
fn delete(writer: &Writer, probe: &Probe, found: Vec<Match>, cx: &mut ExecCx<'_>) -> Result<u64> {
    let (mut ids, mut rows) = (Vec::with_capacity(found.len()), Vec::with_capacity(found.len()));
    for one in found {
        let mut row = one.row;
        let mut outcome = writer.delete(one.id, false, cx)?;
        if let Outcome::Newer(bytes) = outcome {
            let newer = writer.decode(&bytes)?;
            if !same_key(probe, &newer, &row, cx)? {
                continue;
            }
            outcome = writer.delete(one.id, true, cx)?;
            row = newer;
        }
        if matches!(outcome, Outcome::Done) {
            ids.push(one.id);
            rows.push(row);
        }
    }
    writer.delete_entries(&ids, &rows, cx)?;
    Ok(ids.len() as u64)
}

/// The values of the referencing columns.
fn referencing(probe: &Probe, row: &[Datum]) -> Vec<Datum> {
    probe.bound.key.columns.iter().map(|&c| row[c].clone()).collect()
}

fn same_key(probe: &Probe, a: &[Datum], b: &[Datum], cx: &mut ExecCx<'_>) -> Result<bool> {
    Ok(probe.key_of(&referencing(probe, a), cx)? == probe.key_of(&referencing(probe, b), cx)?)
}

/// Looks at rows again for which nothing was found when they were written; `rows` are of one table and foreign key.
///
/// # Errors
/// 23503.
pub(crate) fn settle_rows(
    child: &Relation,
    bound: &BoundForeignKey,
    rows: &[u64],
    cx: &mut ExecCx<'_>,
) -> Result<()> {
    let types: Vec<DataType> = child.columns.iter().map(|c| c.ty).collect();
    let probe = Probe::new(bound, &types, cx.params)?;
    let layout = RowLayout::new(&child.columns);
    let latest = cx.txn.latest_snapshot();
    let mut snapshot = cx.txn.key_snapshot();
    for &id in rows {
        let read = |bytes: &[u8]| layout.read(bytes)?.datums();
        let row = cx.txn.get_through(&latest, TreeId(child.tree), &row_key(id), read).map_err(store_error)?;
        let Some(row) = row.transpose()? else { continue };
        let values = referencing(&probe, &row);
        let (met, mixed) = match probe.key_of(&values, cx)? {
            Key::Absent => (true, false),
            Key::Mixed => (false, true),
            Key::Nowhere => (false, false),
            Key::Entry(entry) => (probe.find(&entry, true, &mut snapshot, cx)?, false),
        };
        if !met {
            return Err(error::unmet(child, bound, &values, mixed, cx));
        }
    }
    Ok(())
}

/// Whether two keys differ.
pub(crate) fn differs(a: &Datum, b: &Datum, ty: DataType) -> bool {
    match (a.is_null(), b.is_null()) {
        (true, true) => false,
        (false, false) => compare(a, b, ty.oid).is_ne(),
        _ => true,
    }
}
