//! What ALTER TABLE does to the rows: one scan that writes them anew, or only looks at them.

use std::sync::Arc;

use nq_qsql::bind::{StoredKind, expand_virtual};
use nq_qsql::catalog::{ConstraintKind, Generated, Index, Relation};
use nq_qsql::error::Result;
use nq_qsql::plan::expr::Expr;
use nq_qsql::sql_err;
use nq_qsql::types::{DataType, Datum, Oid};
use nq_storage::{TreeId, TxnOptions};

use super::super::stored::mentioned_columns;
use crate::error::store_error;
use crate::exec::eval::Compiled;
use crate::exec::vector::Vector;
use crate::exec::{Batch, ExecCx};
use crate::session::Session;
use crate::table::build::{WideScan, with_snapshot};
use crate::table::row::RowLayout;
use crate::table::write::append_encoded;

/// A condition on the rows that are there.
enum Demand {
    NotNull(usize),
    /// Of a virtual column: what it is computed from.
    Computed(usize, Expr),
    Check(Box<str>, Expr),
}

/// How rows are written anew.
pub(super) struct Rewrite<'a> {
    /// The table as its rows are stored.
    pub(super) before: &'a Arc<Relation>,
    /// New values of columns, over the columns of `before`.
    pub(super) computed: &'a [(usize, Expr)],
    /// Generated columns that are computed from the new row.
    pub(super) generated: &'a [usize],
    /// By column: the value of one that `before` does not have, where it is the same for all rows.
    pub(super) missing: &'a [Datum],
}

/// Demands ready to run.
struct Demands {
    not_null: Vec<usize>,
    computed: Vec<(usize, Compiled)>,
    checks: Vec<(Box<str>, Compiled)>,
}

impl Demands {
    fn new(demands: &[Demand], cx: &ExecCx<'_>) -> Result<Demands> {
        let mut made = Demands { not_null: Vec::new(), computed: Vec::new(), checks: Vec::new() };
        for demand in demands {
            match demand {
                Demand::NotNull(i) => made.not_null.push(*i),
                Demand::Computed(i, expr) => made.computed.push((*i, Compiled::new(expr, cx)?)),
                Demand::Check(name, expr) => made.checks.push((name.clone(), Compiled::new(expr, cx)?)),
            }
        }
        Ok(made)
    }

    fn test(&self, relation: &Relation, batch: &Batch, cx: &mut ExecCx<'_>) -> Result<()> {
        let mut columns: Vec<(usize, Arc<Vector>)> =
            self.not_null.iter().map(|&i| (i, batch.columns[i].clone())).collect();
        for (i, expr) in &self.computed {
            columns.push((*i, expr.eval_batch(batch, cx)?));
        }
        for (i, column) in columns {
            if batch.rows().iter().any(|row| column.is_null(row)) {
                let (table, name) = (&relation.name, &relation.columns[i].name);
                return Err(sql_err!(
                    NOT_NULL_VIOLATION,
                    "column \"{name}\" of relation \"{table}\" contains null values"
                )
                .object(&relation.schema, table, name, ""));
            }
        }
        for (name, check) in &self.checks {
            let values = check.eval_batch(batch, cx)?;
            let refused = |row| matches!(values.datum(row, check.ty.oid), Datum::Bool(false));
            if batch.rows().iter().any(refused) {
                let table = &relation.name;
                return Err(sql_err!(
                    CHECK_VIOLATION,
                    "check constraint \"{name}\" of relation \"{table}\" is violated by some row"
                )
                .object(&relation.schema, table, "", name));
            }
        }
        Ok(())
    }
}

impl Session {
    /// Gives a table and its indexes new, empty trees. Returns the old ones, and what the columns' missing values were.
    pub(super) fn replace_trees(&mut self, table: &mut Relation) -> Result<(Vec<u32>, Vec<Datum>)> {
        let mut old: Vec<u32> = vec![table.tree];
        table.tree = self.txn().create_tree().map_err(store_error)?.0;
        for index in &mut table.indexes {
            old.push(index.tree);
            let tree = self.txn().create_tree().map_err(store_error)?.0;
            *index = Arc::new(Index { tree, ..(**index).clone() });
        }
        let missing = table.columns.iter_mut().map(|c| c.missing.take().unwrap_or(Datum::Null)).collect();
        Ok((old, missing))
    }

    fn demands(&mut self, relation: &Relation, not_null: &[usize], checks: &[Oid]) -> Result<Vec<Demand>> {
        let mut demands: Vec<Demand> = Vec::with_capacity(not_null.len() + checks.len());
        for &i in not_null {
            demands.push(match relation.columns[i].generated {
                Generated::Virtual => {
                    let mut value = Expr::column(i as u32, relation.columns[i].ty);
                    self.with_bind_cx(|cx| expand_virtual(&mut value, relation, cx))?;
                    Demand::Computed(i, value)
                }
                _ => Demand::NotNull(i),
            });
        }
        for constraint in relation.constraints.iter().filter(|c| checks.contains(&c.oid)) {
            if let ConstraintKind::Check(text) = &constraint.kind {
                let mut expr = self.bind_stored(text, relation, StoredKind::Check, None)?;
                self.with_bind_cx(|cx| expand_virtual(&mut expr, relation, cx))?;
                demands.push(Demand::Check(constraint.name.clone(), expr));
            }
        }
        Ok(demands)
    }

    /// Runs `work` over the table's rows as they are now.
    pub(crate) fn with_rows(&mut self, work: impl FnOnce(&mut ExecCx<'_>) -> Result<()>) -> Result<()> {
        let memory = self.maintenance_memory();
        let interrupt = self.backend.interrupt.clone();
        let idle = self.db.store.begin(TxnOptions { interrupt, ..TxnOptions::default() });
        let snapshot = idle.snapshot();
        self.with_cx(false, &[], &memory, |cx| with_snapshot(snapshot, cx, work))
    }

    /// Calls `look` with each row of a table.
    pub(crate) fn scan_rows(
        &mut self,
        relation: &Arc<Relation>,
        look: &mut dyn FnMut(&[Datum]) -> Result<()>,
    ) -> Result<()> {
        let types: Vec<DataType> = relation.columns.iter().map(|c| c.ty).collect();
        self.with_rows(|cx| {
            let attributes = relation.live_columns().map(|(i, _)| i).collect();
            let mut scan = WideScan::new(relation, attributes, cx)?;
            while let Some((batch, _)) = scan.next(cx)? {
                for row in batch.rows().iter() {
                    look(&batch.row(row, &types))?;
                }
            }
            Ok(())
        })
    }

    /// Looks at all rows.
    pub(super) fn verify_rows(
        &mut self,
        relation: &Arc<Relation>,
        not_null: &[usize],
        checks: &[Oid],
    ) -> Result<()> {
        let demands = self.demands(relation, not_null, checks)?;
        let mut attributes = not_null.to_vec();
        for demand in &demands {
            if let Demand::Check(_, expr) | Demand::Computed(_, expr) = demand {
                attributes.extend(mentioned_columns(expr));
            }
        }
        self.with_rows(|cx| {
            let demands = Demands::new(&demands, cx)?;
            let mut scan = WideScan::new(relation, attributes, cx)?;
            while let Some((batch, _)) = scan.next(cx)? {
                demands.test(relation, &batch, cx)?;
            }
            Ok(())
        })
    }

    /// Writes all rows of `work.before` into the tree of `relation`.
    pub(super) fn rewrite_rows(
        &mut self,
        relation: &Arc<Relation>,
        work: &Rewrite<'_>,
        not_null: &[usize],
        checks: &[Oid],
    ) -> Result<()> {
        let demands = self.demands(relation, not_null, checks)?;
        let mut generated: Vec<(usize, Expr)> = Vec::new();
        for &i in work.generated {
            let column = &relation.columns[i];
            if let (Generated::Stored, Some(text), false) =
                (column.generated, &column.default, column.dropped)
            {
                let kind = StoredKind::Generated;
                generated.push((i, self.bind_stored(text, relation, kind, Some(column.ty))?));
            }
        }
        self.with_rows(|cx| {
            let demands = Demands::new(&demands, cx)?;
            let mut computed: Vec<Option<Compiled>> = relation.columns.iter().map(|_| None).collect();
            for (i, expr) in work.computed {
                computed[*i] = Some(Compiled::new(expr, cx)?);
            }
            let mut generators = Vec::with_capacity(generated.len());
            for (i, expr) in &generated {
                generators.push((*i, Compiled::new(expr, cx)?));
            }
            let attributes = work.before.live_columns().map(|(i, _)| i).collect();
            let mut scan = WideScan::new(work.before, attributes, cx)?;
            let types: Vec<DataType> = relation.columns.iter().map(|c| c.ty).collect();
            let layout = RowLayout::new(&relation.columns);
            let tree = TreeId(relation.tree);
            let (mut bytes, mut ends) = (Vec::new(), Vec::new());
            while let Some((old, _)) = scan.next(cx)? {
                let mut columns = Vec::with_capacity(types.len());
                for (i, column) in relation.columns.iter().enumerate() {
                    columns.push(match &computed[i] {
                        _ if column.dropped => Arc::new(Vector::constant(&Datum::Null, column.ty.oid)),
                        Some(expr) => expr.eval_batch(&old, cx)?,
                        None if i < work.before.columns.len() => old.columns[i].clone(),
                        None => Arc::new(Vector::constant(&work.missing[i], column.ty.oid)),
                    });
                }
                let mut new = Batch { columns, len: old.len, selection: old.selection };
                for (i, expr) in &generators {
                    new.columns[*i] = expr.eval_batch(&new, cx)?;
                }
                demands.test(relation, &new, cx)?;
                bytes.clear();
                ends.clear();
                for row in new.rows().iter() {
                    layout.encode(&new.row(row, &types), &mut bytes)?;
                    ends.push(bytes.len());
                }
                append_encoded(cx.txn, tree, &bytes, &ends)?;
            }
            Ok(())
        })
    }
}
