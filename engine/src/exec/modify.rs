//! Modify: INSERT, UPDATE, DELETE and (in `merge`) MERGE.
//!
//! A batch of input is computed as a whole (new values, checks, index keys) and then written row by row, or for plain inserts in one
//! piece. Under READ COMMITTED a row may turn out to have a newer version than the snapshot's: it is locked, its columns replace the
//! old ones in the input row, the statement's conditions are asked again and the new values computed again
//! (PostgreSQL manual 13.2.1). The transaction hides a command's own writes from its scans, so that none is met twice.

use nq_qsql::error::{Result, SqlError};
use nq_qsql::plan::expr::Expr;
use nq_qsql::plan::physical::{OnConflict, PolicyMoment, Write, WriteTarget};
use nq_qsql::sql_err;
use nq_qsql::types::{DataType, Datum};
use nq_storage::Isolation;

use super::eval::{Compiled, Conditions};
use super::merge::Merge;
use super::project::project;
use super::{Batch, ExecCx, Operator};
use crate::table::write::{Outcome, Writer};
use hashbrown::HashSet;

/// Writes what its input yields.
pub struct Modify {
    input: Box<dyn Operator>,
    input_types: Vec<DataType>,
    writer: Writer,
    action: Action,
    returning: Option<Vec<Compiled>>,
    /// Types of what RETURNING reads: new row, old row, input.
    image_types: Vec<DataType>,
    /// Whether the rows count for the command tag.
    counts: bool,
}

enum Action {
    Insert(Option<Conflicts>),
    Update { found: Found, set: Vec<(usize, Compiled)>, touched: Vec<bool> },
    Delete(Found),
    Merge(Box<Merge>),
}

/// ON CONFLICT, compiled.
struct Conflicts {
    arbiters: Vec<usize>,
    update: Option<Vec<(usize, Compiled)>>,
    touched: Vec<bool>,
    filter: Conditions,
    /// Existing row, then proposed row.
    types: Vec<DataType>,
    /// Rows this statement has inserted, where the isolation level makes a difference.
    inserted: HashSet<u64>,
}

/// How rows are found again.
pub(super) struct Found {
    pub(super) row_id: usize,
    pub(super) columns: Vec<(u32, usize)>,
    recheck: Conditions,
}

/// Rows written, as far as RETURNING wants them: new, old and input row of each, one after the other.
pub(super) type Images = Vec<Vec<Datum>>;

impl Found {
    pub(super) fn new(
        row_id: u32,
        columns: &[(u32, usize)],
        recheck: &[Expr],
        cx: &ExecCx<'_>,
    ) -> Result<Found> {
        Ok(Found {
            row_id: row_id as usize,
            columns: columns.to_vec(),
            recheck: Conditions::new(recheck, cx)?,
        })
    }

    /// The input row with a newer version's columns, if it still qualifies.
    pub(super) fn again(
        &self,
        mut row: Vec<Datum>,
        newer: &[Datum],
        types: &[DataType],
        cx: &mut ExecCx<'_>,
    ) -> Result<Option<Batch>> {
        replace(&mut row, &self.columns, newer);
        let batch = self.recheck.apply(Batch::from_rows(&[row], types), cx)?;
        Ok((batch.count() > 0).then_some(batch))
    }
}

/// Puts a row's columns into the slots that hold them.
pub(super) fn replace(row: &mut [Datum], columns: &[(u32, usize)], newer: &[Datum]) {
    for &(slot, column) in columns {
        if let (Some(to), Some(from)) = (row.get_mut(slot as usize), newer.get(column)) {
            *to = from.clone();
        }
    }
}

/// The row id in a slot.
pub(super) fn row_id(batch: &Batch, slot: usize, row: usize) -> Result<Option<u64>> {
    match batch.columns.get(slot).map(|c| c.datum(row, nq_qsql::types::oid::INT8)) {
        Some(Datum::Int8(id)) => Ok(Some(id as u64)),
        Some(Datum::Null) => Ok(None),
        _ => Err(SqlError::internal("a slot holds no row id")),
    }
}

pub(super) fn assignments(set: &[(usize, Expr)], cx: &ExecCx<'_>) -> Result<Vec<(usize, Compiled)>> {
    set.iter().map(|(i, e)| Ok((*i, Compiled::new(e, cx)?))).collect()
}

pub(super) fn touched(writer: &Writer, set: &[(usize, Expr)]) -> Vec<bool> {
    let changed = writer.changed(set.iter().map(|s| s.0));
    (0..writer.indexes()).map(|i| writer.depends_on(i, &changed)).collect()
}

/// Computes the rows that assignments make of `old`; `batch` has one row for each.
pub(super) fn assign(
    set: &[(usize, Compiled)],
    old: &[Vec<Datum>],
    batch: &Batch,
    cx: &mut ExecCx<'_>,
) -> Result<Vec<Vec<Datum>>> {
    let mut rows = old.to_vec();
    for (column, expr) in set {
        let values = expr.eval_batch(batch, cx)?;
        for (i, row) in rows.iter_mut().enumerate() {
            row[*column] = values.datum(i, expr.ty.oid);
        }
    }
    Ok(rows)
}

/// The entries of one row.
pub(super) fn of_row<T: Clone>(entries: &[Vec<Option<T>>], row: usize) -> Vec<Option<T>> {
    entries.iter().map(|of_index| of_index[row].clone()).collect()
}

impl Conflicts {
    fn new(spec: &OnConflict, writer: &Writer, cx: &ExecCx<'_>) -> Result<Conflicts> {
        Ok(Conflicts {
            arbiters: spec.arbiters.clone(),
            update: spec.update.as_deref().map(|set| assignments(set, cx)).transpose()?,
            touched: touched(writer, spec.update.as_deref().unwrap_or_default()),
            filter: match &spec.filter {
                Some(filter) => Conditions::new(std::slice::from_ref(filter), cx)?,
                None => Conditions::default(),
            },
            types: [writer.types(), writer.types()].concat(),
            inserted: HashSet::new(),
        })
    }
}

impl Modify {
    /// Writes rows of `input` (slots of `input_types`) to `target`. `counts`: they are what the command tag tells.
    #[allow(clippy::too_many_arguments, reason = "the plan node's fields")]
    pub fn new(
        input: Box<dyn Operator>,
        input_types: &[DataType],
        target: &WriteTarget,
        write: &Write,
        returning: Option<&[Expr]>,
        counts: bool,
        cx: &ExecCx<'_>,
    ) -> Result<Modify> {
        let writer = Writer::new(target, cx)?;
        let action = match write {
            Write::Insert { on_conflict } => {
                Action::Insert(on_conflict.as_deref().map(|c| Conflicts::new(c, &writer, cx)).transpose()?)
            }
            Write::Update { row_id, columns, recheck, set } => Action::Update {
                found: Found::new(*row_id, columns, recheck, cx)?,
                set: assignments(set, cx)?,
                touched: touched(&writer, set),
            },
            Write::Delete { row_id, columns, recheck } => {
                Action::Delete(Found::new(*row_id, columns, recheck, cx)?)
            }
            Write::Merge { row_id, source, columns, recheck, clauses } => {
                let found = Found::new(*row_id, columns, recheck, cx)?;
                Action::Merge(Box::new(Merge::new(found, *source, clauses, &writer, cx)?))
            }
        };
        Ok(Modify {
            input,
            input_types: input_types.to_vec(),
            action,
            returning: returning.map(|list| Compiled::list(list, cx)).transpose()?,
            image_types: match write {
                Write::Merge { .. } => Merge::image_types(writer.types(), input_types),
                _ => [writer.types(), writer.types(), input_types].concat(),
            },
            writer,
            counts,
        })
    }

    /// Writes a batch; returns how many rows.
    fn write(&mut self, batch: &Batch, images: &mut Option<Images>, cx: &mut ExecCx<'_>) -> Result<u64> {
        let (writer, types) = (&self.writer, &self.input_types[..]);
        Ok(match &mut self.action {
            Action::Insert(None) if images.is_none() && writer.is_plain() => {
                writer.insert_batch(batch, types, cx)?;
                batch.len as u64
            }
            Action::Insert(None) => {
                let mut rows: Vec<Vec<Datum>> = (0..batch.len).map(|r| batch.row(r, types)).collect();
                writer.insert(&mut rows, cx)?;
                if let Some(images) = images {
                    for (r, row) in rows.iter().enumerate() {
                        images.push(image(row, &nulls(writer), &batch.row(r, types)));
                    }
                }
                rows.len() as u64
            }
            Action::Insert(Some(conflicts)) => upsert(writer, conflicts, batch, types, images, cx)?,
            Action::Update { found, set, touched } => {
                update(writer, found, set, touched, batch, types, images, cx)?
            }
            Action::Delete(found) => delete(writer, found, batch, types, images, cx)?,
            Action::Merge(merge) => merge.write(writer, batch, types, images, cx)?,
        })
    }
}

pub(super) fn nulls(writer: &Writer) -> Vec<Datum> {
    vec![Datum::Null; writer.types().len()]
}

pub(super) fn image(new: &[Datum], old: &[Datum], input: &[Datum]) -> Vec<Datum> {
    [new, old, input].concat()
}

fn upsert(
    writer: &Writer,
    conflicts: &mut Conflicts,
    batch: &Batch,
    types: &[DataType],
    images: &mut Option<Images>,
    cx: &mut ExecCx<'_>,
) -> Result<u64> {
    let strict = cx.txn.options().isolation != Isolation::ReadCommitted;
    if strict {
        // What others commit while this waits for them is not seen.
        cx.txn.snapshot();
    }
    let mut rows: Vec<Vec<Datum>> = (0..batch.len).map(|r| batch.row(r, types)).collect();
    writer.complete(&mut rows, PolicyMoment::Insert, cx)?;
    let entries = writer.entries(&rows, |_| true, cx)?;
    let mut written = 0;
    for (r, row) in rows.iter().enumerate() {
        let of_row = of_row(&entries, r);
        loop {
            cx.check_interrupt()?;
            let conflict = match writer.insert_unless(row, &of_row, &conflicts.arbiters, cx)? {
                Ok(id) => {
                    if strict {
                        conflicts.inserted.insert(id);
                    }
                    written += 1;
                    if let Some(images) = images {
                        images.push(image(row, &nulls(writer), &batch.row(r, types)));
                    }
                    break;
                }
                Err(conflict) => conflict,
            };
            if strict && !conflict.visible && !conflicts.inserted.contains(&conflict.id) {
                return Err(sql_err!(
                    SERIALIZATION_FAILURE,
                    "could not serialize access due to concurrent update"
                ));
            }
            let Some(set) = &conflicts.update else { break };
            let bytes = match writer.lock(conflict.id, cx)? {
                Ok(bytes) => bytes,
                Err(Outcome::SelfModified) => return Err(twice()),
                // It has been deleted meanwhile: there may be no conflict any more.
                Err(_) => continue,
            };
            let existing = writer.decode(&bytes)?;
            let both = Batch::from_rows(&[[&existing[..], &row[..]].concat()], &conflicts.types);
            let both = conflicts.filter.apply(both, cx)?;
            if both.count() == 0 {
                break;
            }
            let old = [existing];
            writer.check_policies(PolicyMoment::Conflict, &old, cx)?;
            let mut new = assign(set, &old, &both, cx)?;
            writer.complete(&mut new, PolicyMoment::Update, cx)?;
            let before = writer.entries(&old, |i| conflicts.touched[i], cx)?;
            let after = writer.entries(&new, |i| conflicts.touched[i], cx)?;
            let (before, after) = (self::of_row(&before, 0), self::of_row(&after, 0));
            match writer.update(conflict.id, &old[0], &new[0], &before, &after, true, cx)? {
                Outcome::Done => {
                    written += 1;
                    if let Some(images) = images {
                        images.push(image(&new[0], &old[0], &batch.row(r, types)));
                    }
                    break;
                }
                Outcome::SelfModified => return Err(twice()),
                Outcome::Gone | Outcome::Newer(_) => {}
            }
        }
    }
    Ok(written)
}

#[cold]
fn twice() -> SqlError {
    sql_err!(CARDINALITY_VIOLATION, "ON CONFLICT DO UPDATE command cannot affect row a second time").hint(
        "Ensure that no rows proposed for insertion within the same command have duplicate constrained values.",
    )
}

#[allow(clippy::too_many_arguments, reason = "the parts of an operator that are borrowed apart")]
fn update(
    writer: &Writer,
    found: &Found,
    set: &[(usize, Compiled)],
    touched: &[bool],
    batch: &Batch,
    types: &[DataType],
    images: &mut Option<Images>,
    cx: &mut ExecCx<'_>,
) -> Result<u64> {
    let (mut ids, mut old, mut kept) = (Vec::new(), Vec::new(), Vec::new());
    for r in 0..batch.len {
        if let Some(id) = row_id(batch, found.row_id, r)?
            && let Some(bytes) = writer.stored(id, cx)?
        {
            ids.push(id);
            old.push(writer.decode(&bytes)?);
            kept.push(r as u16);
        }
    }
    let batch = Batch { selection: (kept.len() < batch.len).then_some(kept), ..batch.clone() }.compact();
    let mut new = assign(set, &old, &batch, cx)?;
    writer.complete(&mut new, PolicyMoment::Update, cx)?;
    let before = writer.entries(&old, |i| touched[i], cx)?;
    let after = writer.entries(&new, |i| touched[i], cx)?;
    let mut written = 0;
    for (r, &id) in ids.iter().enumerate() {
        let (entries, wanted) = (of_row(&before, r), of_row(&after, r));
        let outcome = writer.update(id, &old[r], &new[r], &entries, &wanted, false, cx)?;
        match outcome {
            Outcome::Done => {
                written += 1;
                if let Some(images) = images {
                    images.push(image(&new[r], &old[r], &batch.row(r, types)));
                }
            }
            Outcome::Newer(bytes) => {
                let newer = [writer.decode(&bytes)?];
                let Some(one) = found.again(batch.row(r, types), &newer[0], types, cx)? else { continue };
                let mut new = assign(set, &newer, &one, cx)?;
                writer.complete(&mut new, PolicyMoment::Update, cx)?;
                let before = writer.entries(&newer, |i| touched[i], cx)?;
                let after = writer.entries(&new, |i| touched[i], cx)?;
                if let Outcome::Done = writer.update(
                    id,
                    &newer[0],
                    &new[0],
                    &of_row(&before, 0),
                    &of_row(&after, 0),
                    true,
                    cx,
                )? {
                    written += 1;
                    if let Some(images) = images {
                        images.push(image(&new[0], &newer[0], &one.row(0, types)));
                    }
                }
            }
            Outcome::Gone | Outcome::SelfModified => {}
        }
    }
    Ok(written)
}

fn delete(
    writer: &Writer,
    found: &Found,
    batch: &Batch,
    types: &[DataType],
    images: &mut Option<Images>,
    cx: &mut ExecCx<'_>,
) -> Result<u64> {
    let (mut ids, mut old) = (Vec::new(), Vec::new());
    for r in 0..batch.len {
        let Some(id) = row_id(batch, found.row_id, r)? else { continue };
        let Some(mut bytes) = writer.stored(id, cx)? else { continue };
        let mut input = None;
        let mut outcome = writer.delete(id, false, cx)?;
        if let Outcome::Newer(newer) = outcome {
            let row = writer.decode(&newer)?;
            let Some(one) = found.again(batch.row(r, types), &row, types, cx)? else { continue };
            outcome = writer.delete(id, true, cx)?;
            bytes = newer;
            input = Some(one.row(0, types));
        }
        if !matches!(outcome, Outcome::Done) {
            continue;
        }
        let row = writer.decode(&bytes)?;
        if let Some(images) = images {
            images.push(image(&nulls(writer), &row, &input.unwrap_or_else(|| batch.row(r, types))));
        }
        ids.push(id);
        old.push(row);
    }
    writer.delete_entries(&ids, &old, cx)?;
    Ok(ids.len() as u64)
}

impl Operator for Modify {
    fn next(&mut self, cx: &mut ExecCx<'_>) -> Result<Option<Batch>> {
        while let Some(batch) = self.input.next(cx)? {
            cx.check_interrupt()?;
            let batch = batch.compact();
            let mut images = self.returning.is_some().then(Images::new);
            let written = self.write(&batch, &mut images, cx)?;
            if self.counts {
                cx.run.affected += written;
            }
            if let (Some(returning), Some(images)) = (&self.returning, images)
                && !images.is_empty()
            {
                return project(returning, Batch::from_rows(&images, &self.image_types), cx).map(Some);
            }
        }
        Ok(None)
    }

    fn rescan(&mut self, _cx: &mut ExecCx<'_>) -> Result<()> {
        Err(SqlError::internal("a writing operator is run twice"))
    }
}
