//! Building an index: the table's rows, sorted by their keys, become a tree from its leaves up.
//!
//! ```text
//! SeqScan --> keys, row id --> Sort (spills) --> neighbours compared --> Txn::build_tree
//! ```
//!
//! 1. The caller keeps writers off the table until it has told everybody of the index.
//! 2. Rows are read with a snapshot taken under that lock, whatever the transaction's isolation level.
//! 3. Rows outside a partial index's predicate are left out before keys are computed: the keys may fail on them.
//! 4. Equal keys are neighbours after sorting and keep the order of their row ids, which is the order of entries in the tree.

use std::sync::Arc;

use nq_qsql::catalog::{Index, IndexKey, Relation};
use nq_qsql::error::{Result, SqlError};
use nq_qsql::func::access::AccessMethod;
use nq_qsql::plan::physical::{BoundIndex, Scan, ScanColumn, SortSlot, WriteTarget};
use nq_qsql::sql_err;
use nq_qsql::types::{DataType, Datum, oid};
use nq_storage::{Snapshot, StoreError, TreeId, Txn};

use super::key::{self, row_key};
use super::method::row_keys;
use super::value::damaged;
use super::write::{Writer, show};
use crate::error::store_error;
use crate::exec::eval::Compiled;
use crate::exec::seq_scan::SeqScan;
use crate::exec::sort::Sort;
use crate::exec::vector::{Values, Vector};
use crate::exec::{Batch, ExecCx, Operator, depends};

/// Reads a table's rows into batches that have each column of the table in its own slot; those not asked for are blank.
pub(crate) struct WideScan {
    scan: SeqScan,
    /// The columns asked for, in the order of the scan's slots.
    attributes: Vec<usize>,
    /// Columns of the table.
    width: usize,
}

impl WideScan {
    /// Reads the given columns of a table.
    pub(crate) fn new(
        relation: &Arc<Relation>,
        mut attributes: Vec<usize>,
        cx: &ExecCx<'_>,
    ) -> Result<WideScan> {
        attributes.sort_unstable();
        attributes.dedup();
        let mut columns: Vec<ScanColumn> = attributes.iter().map(|&i| ScanColumn::Attribute(i)).collect();
        let mut types: Vec<DataType> = attributes.iter().map(|&i| relation.columns[i].ty).collect();
        columns.push(ScanColumn::RowId);
        types.push(DataType::of(oid::INT8));
        let alias = Arc::from(&*relation.name);
        let scan = Scan { relation: relation.clone(), alias, columns, sample: None, filter: Vec::new() };
        Ok(WideScan { scan: SeqScan::new(&scan, &types, cx)?, attributes, width: relation.columns.len() })
    }

    /// Returns the next rows with their ids.
    pub(crate) fn next(&mut self, cx: &mut ExecCx<'_>) -> Result<Option<(Batch, Arc<Vector>)>> {
        let Some(batch) = self.scan.next(cx)? else { return Ok(None) };
        let Some(ids) = batch.columns.last().cloned() else { return Err(damaged()) };
        let blank = Arc::new(Vector { constant: true, ..Vector::of(Values::Bool(vec![false])) });
        let mut columns = vec![blank; self.width];
        for (&attribute, column) in self.attributes.iter().zip(&batch.columns) {
            columns[attribute] = Arc::clone(column);
        }
        Ok(Some((Batch { columns, len: batch.len, selection: batch.selection }, ids)))
    }
}

/// Reads a table's rows as keys of an index and row ids.
struct KeyScan {
    scan: WideScan,
    predicate: Option<Compiled>,
    keys: Vec<Compiled>,
}

impl KeyScan {
    fn new(relation: &Arc<Relation>, bound: &BoundIndex, cx: &ExecCx<'_>) -> Result<KeyScan> {
        let mut attributes = Vec::new();
        bound.keys.iter().chain(&bound.predicate).for_each(|e| depends::slots(e, &mut attributes));
        Ok(KeyScan {
            scan: WideScan::new(relation, attributes, cx)?,
            predicate: bound.predicate.as_ref().map(|e| Compiled::new(e, cx)).transpose()?,
            keys: Compiled::list(&bound.keys, cx)?,
        })
    }
}

impl Operator for KeyScan {
    fn next(&mut self, cx: &mut ExecCx<'_>) -> Result<Option<Batch>> {
        while let Some((mut wide, ids)) = self.scan.next(cx)? {
            if let Some(predicate) = &self.predicate {
                let mut inside = Vec::new();
                predicate.select(&wide, wide.rows(), cx, &mut inside)?;
                if inside.is_empty() {
                    continue;
                }
                wide.selection = Some(inside);
            }
            let mut columns = Vec::with_capacity(self.keys.len() + 1);
            for key in &self.keys {
                columns.push(key.eval_batch(&wide, cx)?);
            }
            columns.push(ids);
            return Ok(Some(Batch { columns, ..wide }));
        }
        Ok(None)
    }

    fn rescan(&mut self, cx: &mut ExecCx<'_>) -> Result<()> {
        self.scan.scan.rescan(cx)
    }
}

/// Reads a table's rows as keys of an index whose method is not B-tree: each key in bytes, then the row id.
struct MethodScan {
    scan: KeyScan,
    index: Arc<Index>,
    types: [DataType; 2],
}

impl Operator for MethodScan {
    fn next(&mut self, cx: &mut ExecCx<'_>) -> Result<Option<Batch>> {
        while let Some(batch) = self.scan.next(cx)? {
            let mut rows: Vec<[Datum; 2]> = Vec::with_capacity(batch.count());
            let keys = self.index.columns.len();
            for row in batch.rows().iter() {
                let of_column = |at: usize| batch.columns[at].datum(row, self.index.columns[at].ty.oid);
                let values: Vec<Datum> = (0..keys).map(of_column).collect();
                let id = batch.columns[keys].datum(row, oid::INT8);
                for key in row_keys(&self.index, &values)?.iter() {
                    rows.push([Datum::Bytea(key.into()), id.clone()]);
                }
            }
            if !rows.is_empty() {
                return Ok(Some(Batch::from_rows(&rows, &self.types)));
            }
        }
        Ok(None)
    }

    fn rescan(&mut self, cx: &mut ExecCx<'_>) -> Result<()> {
        self.scan.rescan(cx)
    }
}

/// Fills the empty tree of an index. `idle` is a transaction that has done nothing: it lends its fresh snapshot, and stands in for
/// the real one while that writes the tree.
///
/// # Errors
/// 23505 `could not create unique index`, and what the index's expressions raise.
pub(crate) fn build_index(
    relation: &Arc<Relation>,
    bound: &BoundIndex,
    idle: &mut Txn,
    cx: &mut ExecCx<'_>,
) -> Result<()> {
    let snapshot = idle.snapshot();
    with_snapshot(snapshot, cx, |cx| fill(relation, bound, idle, cx))
}

/// Calls `work` with the transaction reading through another snapshot.
pub(crate) fn with_snapshot<R>(
    snapshot: Arc<Snapshot>,
    cx: &mut ExecCx<'_>,
    work: impl FnOnce(&mut ExecCx<'_>) -> Result<R>,
) -> Result<R> {
    let before = cx.txn.snapshot();
    cx.txn.set_snapshot(snapshot);
    let outcome = work(cx);
    cx.txn.set_snapshot(before);
    outcome
}

fn fill(relation: &Arc<Relation>, bound: &BoundIndex, idle: &mut Txn, cx: &mut ExecCx<'_>) -> Result<()> {
    let index = &bound.index;
    let scan = KeyScan::new(relation, bound, cx)?;
    if index.method != AccessMethod::Btree {
        let types = [DataType::of(oid::BYTEA), DataType::of(oid::INT8)];
        let scan = MethodScan { scan, index: Arc::clone(index), types };
        return fill_sorted(relation, bound, Box::new(scan), idle, cx);
    }
    fill_sorted(relation, bound, Box::new(scan), idle, cx)
}

/// Sorts what is read and makes the tree of it.
fn fill_sorted(
    relation: &Arc<Relation>,
    bound: &BoundIndex,
    input: Box<dyn Operator>,
    idle: &mut Txn,
    cx: &mut ExecCx<'_>,
) -> Result<()> {
    let index = &bound.index;
    let ready = index.method != AccessMethod::Btree;
    let bytes = SortSlot {
        slot: 0,
        ty: DataType::of(oid::BYTEA),
        collation: 0,
        descending: false,
        nulls_first: false,
    };
    let slots: Vec<SortSlot> = index
        .columns
        .iter()
        .enumerate()
        .map(|(slot, c)| SortSlot {
            slot: slot as u32,
            ty: c.ty,
            collation: c.collation,
            descending: c.descending,
            nulls_first: c.nulls_first,
        })
        .collect();
    let slots = if ready { vec![bytes] } else { slots };
    let mut types: Vec<DataType> = slots.iter().map(|slot| slot.ty).collect();
    let keys = types.len();
    types.push(DataType::of(oid::INT8));
    let mut sort = Sort::new(input, &slots, None, &types, cx)?;
    // The first call reads the whole table; from then on the sort needs no transaction.
    let Some(mut batch) = sort.next(cx)? else { return Ok(()) };
    let txn = &mut *cx.txn;
    let mut sorted = ExecCx::new(
        idle,
        cx.params,
        &mut *cx.host,
        cx.io,
        cx.memory.clone(),
        cx.spill.clone(),
        cx.virtual_tables,
    );
    let mut failure: Option<SqlError> = None;
    let built = txn.build_tree(TreeId(index.tree), &mut |push| {
        let (mut entry, mut last) = (Vec::with_capacity(32), Vec::with_capacity(32));
        let mut values: Vec<Datum> = Vec::with_capacity(keys);
        loop {
            for row in batch.rows().iter() {
                values.clear();
                values.extend(types[..keys].iter().zip(&batch.columns).map(|(ty, c)| c.datum(row, ty.oid)));
                entry.clear();
                let encoded = match values.first() {
                    Some(Datum::Bytea(key)) if ready => {
                        entry.extend_from_slice(key);
                        Ok(())
                    }
                    _ => key::encode_prefix(index, &values, &mut entry),
                };
                let id = match (encoded, batch.columns[keys].datum(row, oid::INT8)) {
                    (Ok(()), Datum::Int8(id)) => id as u64,
                    (Err(error), _) => return Err(carried(&mut failure, error)),
                    _ => return Err(carried(&mut failure, damaged())),
                };
                if index.deferrable && index.exclusion.is_empty() {
                    let distinct = !index.nulls_not_distinct && values.iter().any(Datum::is_null);
                    if entry == last && !distinct {
                        return Err(carried(&mut failure, duplicated(relation, bound, &values, sorted.io)));
                    }
                    last.clone_from(&entry);
                }
                if ready || key::has_suffix(index, &values) {
                    entry.extend_from_slice(&row_key(id));
                } else if entry == last {
                    let error = duplicated(relation, bound, &values, sorted.io);
                    return Err(carried(&mut failure, error));
                }
                push(&entry, &row_key(id))?;
                if !index.deferrable {
                    std::mem::swap(&mut entry, &mut last);
                }
            }
            match sort.next(&mut sorted) {
                Ok(Some(next)) => batch = next,
                Ok(None) => return Ok(()),
                Err(error) => return Err(carried(&mut failure, error)),
            }
        }
    });
    match (built, failure) {
        (Ok(_), _) => Ok(()),
        (Err(_), Some(error)) => Err(error),
        (Err(error), None) => Err(store_error(error)),
    }
}

/// Looks whether the rows of a table exclude each other by an index that has just been filled.
///
/// # Errors
/// 23P01 `could not create exclusion constraint`.
pub(crate) fn check_exclusion(
    relation: &Arc<Relation>,
    target: &WriteTarget,
    bound: &BoundIndex,
    cx: &mut ExecCx<'_>,
) -> Result<()> {
    let writer = Writer::new(target, cx)?;
    let Some(at) = relation.indexes.iter().position(|i| i.oid == bound.index.oid) else { return Ok(()) };
    let snapshot = cx.txn.latest_snapshot();
    with_snapshot(snapshot, cx, |cx| {
        let mut scan = WideScan::new(relation, (0..relation.columns.len()).collect(), cx)?;
        while let Some((batch, ids)) = scan.next(cx)? {
            let types = writer.types();
            let mut rows: Vec<(u64, Vec<Datum>)> = Vec::with_capacity(batch.count());
            for row in batch.rows().iter() {
                if let Datum::Int8(id) = ids.datum(row, oid::INT8) {
                    rows.push((id as u64, batch.row(row, types)));
                }
            }
            writer.verify_exclusion(at, &rows, cx)?;
        }
        Ok(())
    })
}

/// Puts an error aside while storage takes back what it has written.
fn carried(failure: &mut Option<SqlError>, error: SqlError) -> StoreError {
    *failure = Some(error);
    StoreError::Cancelled
}

#[cold]
fn duplicated(
    relation: &Relation,
    bound: &BoundIndex,
    values: &[Datum],
    io: &nq_qsql::types::IoContext<'_>,
) -> SqlError {
    let index = &bound.index;
    let name = |key: &IndexKey| match key {
        IndexKey::Column(c) => relation.columns[*c].name.to_string(),
        IndexKey::Expression(text) => text.to_string(),
    };
    let names: Vec<String> = index.columns.iter().map(|c| name(&c.key)).collect();
    let shown: Vec<String> = index.columns.iter().zip(values).map(|(c, v)| show(v, c.ty, io)).collect();
    sql_err!(UNIQUE_VIOLATION, "could not create unique index \"{}\"", index.name)
        .detail(format!("Key ({})=({}) is duplicated.", names.join(", "), shown.join(", ")))
        .object(&relation.schema, &relation.name, "", &index.name)
}
