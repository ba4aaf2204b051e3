//! The key that names the row.

use nq_qsql::catalog::RelationKind;
use nq_qsql::error::{Result, SqlError};
use nq_qsql::plan::expr::{Expr, ExprKind};
use nq_qsql::plan::physical::{Node, Op, Scan, ScanColumn};
use nq_qsql::types::{Datum, Oid, keycode, oid};
use nq_storage::{TreeId, Txn};

use super::strip;
use crate::error::store_error;
use crate::table::key::row_id;
use crate::table::scan::ctid;
use crate::table::value::damaged;

/// Finds a row's id by a unique key made of parameters and constants.
pub(super) struct UniqueKey {
    index: TreeId,
    parts: Vec<Part>,
}

/// One column of the key.
struct Part {
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

impl UniqueKey {
    /// Recognises a scan of exactly one key of a unique index; answers with what is scanned.
    pub(super) fn recognise(node: &Node) -> Option<(UniqueKey, &Scan)> {
        let Op::IndexScan { scan, index, range, .. } = &node.op else { return None };
        let whole = index.unique && range.equal.len() == index.columns.len();
        let open = range.lower.is_none() && range.upper.is_none() && range.any.is_none() && !range.is_null;
        let plain = scan.relation.kind == RelationKind::Table && !scan.columns.contains(&ScanColumn::Xmin);
        if !(whole && open && plain) {
            return None;
        }
        let parts = range.equal.iter().zip(&index.columns).map(|(expr, column)| {
            Some(Part {
                value: value(expr, column.ty.oid)?,
                oid: column.ty.oid,
                descending: column.descending,
                nulls_first: column.nulls_first,
            })
        });
        Some((UniqueKey { index: TreeId(index.tree), parts: parts.collect::<Option<_>>()? }, scan))
    }

    /// Finds the id of the row that the snapshot sees. `key` is a buffer to reuse.
    pub(super) fn find(&self, txn: &Txn, params: &[Datum], key: &mut Vec<u8>) -> Result<Option<u64>> {
        key.clear();
        for part in &self.parts {
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
        match txn.get(self.index, key, row_id).map_err(store_error)? {
            Some(id) => id.ok_or_else(damaged).map(Some),
            None => Ok(None),
        }
    }
}

/// An index entry without its row.
#[cold]
pub(super) fn dangling(id: u64) -> SqlError {
    nq_qsql::sql_err!(INDEX_CORRUPTED, "an index refers to row {id}, which does not exist")
}

/// Fills the slots of a scan from a row.
pub(super) fn slots(scan: &Scan, id: u64, row: &[Datum]) -> Vec<Datum> {
    let slot = |column: &ScanColumn| match column {
        ScanColumn::Attribute(i) => row.get(*i).cloned().unwrap_or(Datum::Null),
        ScanColumn::RowId => Datum::Int8(id as i64),
        ScanColumn::Ctid => ctid(id),
        ScanColumn::TableOid => Datum::Oid(scan.relation.oid),
        ScanColumn::Xmin => Datum::Null,
    };
    scan.columns.iter().map(slot).collect()
}

#[cold]
fn missing(param: usize) -> SqlError {
    nq_qsql::sql_err!(UNDEFINED_PARAMETER, "no value found for parameter {}", param + 1)
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
