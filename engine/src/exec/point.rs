//! Point queries: `SELECT columns FROM table WHERE unique_key = value`, as straight-line code.
//!
//! A plan of that shape is recognised once, when it is cached. Running it encodes the key from the parameters, looks it up in the index, looks
//! the row up in the table and shows its stored bytes: no operator, no batch, no `Datum` but those of the key.

use nq_qsql::catalog::RelationKind;
use nq_qsql::error::{Result, SqlError};
use nq_qsql::plan::expr::{Expr, ExprKind};
use nq_qsql::plan::physical::{Command, Node, Op, PhysicalPlan, ScanColumn};
use nq_qsql::types::{Datum, Oid, keycode, oid};
use nq_storage::{TreeId, Txn};

use crate::error::store_error;
use crate::table::key::{row_id, row_key};
use crate::table::row::{FieldRef, RowLayout, RowReader};
use crate::table::value::damaged;

/// A plan that finds at most one row by a unique key.
pub struct PointPlan {
    index: TreeId,
    table: TreeId,
    layout: RowLayout,
    key: Vec<KeyPart>,
    outputs: Vec<usize>,
}

/// One column of the key.
struct KeyPart {
    value: Value,
    oid: Oid,
    descending: bool,
    nulls_first: bool,
}

enum Value {
    Const(Datum),
    Param(usize),
    /// An `int4` or `int2` parameter for an `int8` key.
    Widened(usize),
}

/// The row that a point query has found.
pub struct PointRow<'a> {
    reader: RowReader<'a>,
    outputs: &'a [usize],
}

impl PointRow<'_> {
    /// Number of result columns.
    pub fn len(&self) -> usize {
        self.outputs.len()
    }

    /// Whether the result has no column.
    pub fn is_empty(&self) -> bool {
        self.outputs.is_empty()
    }

    /// Returns result column `i` as stored.
    #[inline]
    pub fn field(&self, i: usize) -> FieldRef<'_> {
        self.reader.field(self.outputs[i])
    }
}

impl PointPlan {
    /// Recognises a plan of this shape.
    pub fn recognise(plan: &PhysicalPlan) -> Option<PointPlan> {
        if plan.command != Command::Select || !plan.read_only || plan.ctes.iter().any(|cte| cte.modifies) {
            return None;
        }
        let width = plan.columns.len();
        let (node, slots): (&Node, Vec<usize>) = match &plan.root.op {
            Op::Project { input, exprs } => {
                let slot = |e: &Expr| match strip(e).kind {
                    ExprKind::Column(slot) => Some(slot as usize),
                    _ => None,
                };
                (input, exprs.iter().take(width).map(slot).collect::<Option<_>>()?)
            }
            _ => (&plan.root, (0..width).collect()),
        };
        let Op::IndexScan { scan, index, range, .. } = &node.op else { return None };
        let whole = index.unique && range.equal.len() == index.columns.len();
        let open = range.lower.is_none() && range.upper.is_none() && range.any.is_none() && !range.is_null;
        if !(whole && open && scan.filter.is_empty() && scan.relation.kind == RelationKind::Table) {
            return None;
        }
        let attribute = |slot: usize| match scan.columns.get(slot) {
            Some(ScanColumn::Attribute(attribute)) => Some(*attribute),
            _ => None,
        };
        let outputs = slots.into_iter().map(attribute).collect::<Option<_>>()?;
        let parts = range.equal.iter().zip(&index.columns).map(|(expr, column)| {
            let value = value(expr, column.ty.oid)?;
            Some(KeyPart {
                value,
                oid: column.ty.oid,
                descending: column.descending,
                nulls_first: column.nulls_first,
            })
        });
        Some(PointPlan {
            index: TreeId(index.tree),
            table: TreeId(scan.relation.tree),
            layout: RowLayout::new(&scan.relation.columns),
            key: parts.collect::<Option<_>>()?,
            outputs,
        })
    }

    /// Finds the row and shows it to `show`, which runs under a latch: it must be short and must not call the store. `key` is a
    /// buffer to reuse.
    ///
    /// # Errors
    /// Those of the storage layer; XX001 and XX002 for damage.
    pub fn find<R>(
        &self,
        txn: &Txn,
        params: &[Datum],
        key: &mut Vec<u8>,
        show: impl FnOnce(PointRow<'_>) -> R,
    ) -> Result<Option<R>> {
        key.clear();
        for part in &self.key {
            let widened;
            let value = match &part.value {
                Value::Const(value) => value,
                Value::Param(n) => params.get(*n).ok_or_else(|| missing(*n))?,
                Value::Widened(n) => {
                    widened = match params.get(*n).ok_or_else(|| missing(*n))? {
                        Datum::Int4(x) => Datum::Int8(i64::from(*x)),
                        Datum::Int2(x) => Datum::Int8(i64::from(*x)),
                        other => other.clone(),
                    };
                    &widened
                }
            };
            if value.is_null() {
                return Ok(None);
            }
            keycode::encode(value, part.oid, part.descending, part.nulls_first, key)?;
        }
        let Some(id) = txn.get(self.index, key, row_id).map_err(store_error)? else { return Ok(None) };
        let id = id.ok_or_else(damaged)?;
        let shown = txn
            .get(self.table, &row_key(id), |row| {
                let reader = self.layout.read(row)?;
                Ok(show(PointRow { reader, outputs: &self.outputs }))
            })
            .map_err(store_error)?;
        match shown {
            Some(answer) => answer.map(Some),
            None => {
                Err(nq_qsql::sql_err!(INDEX_CORRUPTED, "an index refers to row {id}, which does not exist"))
            }
        }
    }
}

#[cold]
fn missing(param: usize) -> SqlError {
    nq_qsql::sql_err!(UNDEFINED_PARAMETER, "no value found for parameter {}", param + 1)
}

/// The expression below casts that change nothing.
fn strip(expr: &Expr) -> &Expr {
    match &expr.kind {
        ExprKind::Relabel(inner)
            if crate::exec::vector::Kind::of(inner.ty.oid) == crate::exec::vector::Kind::Str =>
        {
            strip(inner)
        }
        _ => expr,
    }
}

/// How a key column's value is had without evaluating anything.
fn value(expr: &Expr, key: Oid) -> Option<Value> {
    let expr = strip(expr);
    match &expr.kind {
        ExprKind::Const(value) => Some(Value::Const(value.clone())),
        ExprKind::Param(n) if expr.ty.oid == key || is_text(expr.ty.oid) && is_text(key) => {
            Some(Value::Param(*n as usize))
        }
        ExprKind::Call { func, args, .. } if func.name == "int8" && key == oid::INT8 => match &args[..] {
            [Expr { kind: ExprKind::Param(n), ty, .. }] if matches!(ty.oid, oid::INT4 | oid::INT2) => {
                Some(Value::Widened(*n as usize))
            }
            _ => None,
        },
        _ => None,
    }
}

fn is_text(ty: Oid) -> bool {
    matches!(ty, oid::TEXT | oid::VARCHAR)
}
