//! Calls of users' functions, row by row.

use std::sync::Arc;

use nq_qsql::catalog::RoutineTarget;
use nq_qsql::error::Result;
use nq_qsql::func::Volatility;
use nq_qsql::plan::expr::{Expr, ExprKind};
use nq_qsql::types::{Array, DataType, Datum, Oid};

use super::super::ExecCx;
use super::super::batch::{BATCH_ROWS, Batch, Builder, Rows};
use super::super::vector::Vector;
use super::compile::{Scope, compile, compile_all};
use super::{Node, map_rows};
use crate::session::routine;

/// A call of a function that returns one value.
pub(in crate::exec) struct RoutineCall {
    target: Arc<RoutineTarget>,
    args: Vec<Node>,
    arg_types: Vec<DataType>,
    result: DataType,
}

impl RoutineCall {
    pub(super) fn new(
        expr: &Expr,
        target: &Arc<RoutineTarget>,
        args: &[Expr],
        scope: &mut Scope<'_>,
    ) -> Result<RoutineCall> {
        Ok(RoutineCall {
            target: target.clone(),
            args: compile_all(args, scope)?,
            arg_types: args.iter().map(|a| a.ty).collect(),
            result: expr.ty,
        })
    }

    pub(super) fn eval(&self, batch: &Batch, rows: Rows<'_>, cx: &mut ExecCx<'_>) -> Result<Arc<Vector>> {
        let args: Vec<Arc<Vector>> =
            self.args.iter().map(|a| a.eval(batch, rows, cx)).collect::<Result<_>>()?;
        let call = |row: usize, cx: &mut ExecCx<'_>| {
            let values: Vec<Datum> =
                args.iter().zip(&self.arg_types).map(|(a, ty)| a.datum(row, ty.oid)).collect();
            match self.target.routine.strict && values.iter().any(Datum::is_null) {
                true => Ok(Datum::Null),
                false => routine::call(&self.target, &values, cx),
            }
        };
        let settled = self.target.routine.volatility != Volatility::Volatile;
        if settled && !rows.is_empty() && args.iter().all(|a| a.constant) {
            return Ok(Arc::new(Vector::constant(&call(0, cx)?, self.result.oid)));
        }
        map_rows(self.result.oid, rows, batch.len, cx, call).map(Arc::new)
    }
}

/// A cast of an array whose elements are cast by a user's function.
pub(in crate::exec) struct ArrayCast {
    array: Node,
    array_type: DataType,
    /// The cast of one element, which is the only column.
    element: Node,
    from: DataType,
    to: Oid,
    result: DataType,
}

impl ArrayCast {
    /// `None` where no user's function is called.
    pub(super) fn new(
        expr: &Expr,
        array: &Expr,
        element: &Expr,
        scope: &mut Scope<'_>,
    ) -> Result<Option<ArrayCast>> {
        let mut from = None;
        let mut calls = false;
        element.any(&mut |e| {
            match &e.kind {
                ExprKind::CaseTest => from = Some(e.ty),
                ExprKind::Routine { .. } => calls = true,
                _ => {}
            }
            false
        });
        let (Some(from), true) = (from, calls) else { return Ok(None) };
        let mut element = element.clone();
        put_column(&mut element);
        Ok(Some(ArrayCast {
            array: compile(array, scope)?,
            array_type: array.ty,
            to: element.ty.oid,
            element: compile(&element, scope)?,
            from,
            result: expr.ty,
        }))
    }

    pub(super) fn eval(&self, batch: &Batch, rows: Rows<'_>, cx: &mut ExecCx<'_>) -> Result<Arc<Vector>> {
        let arrays = self.array.eval(batch, rows, cx)?;
        let cast = |row: usize, cx: &mut ExecCx<'_>| {
            let Datum::Array(array) = arrays.datum(row, self.array_type.oid) else { return Ok(Datum::Null) };
            let mut items = Vec::with_capacity(array.items.len());
            for chunk in array.items.chunks(BATCH_ROWS) {
                let mut column = Builder::new(&[self.from]);
                chunk.iter().for_each(|item| column.push_row(std::slice::from_ref(item)));
                let column = column.finish();
                let values = self.element.eval(&column, Rows::All(chunk.len()), cx)?;
                items.extend((0..chunk.len()).map(|i| values.datum(i, self.to)));
            }
            Ok(Datum::Array(Arc::new(Array { element: self.to, dims: array.dims.clone(), items })))
        };
        map_rows(self.result.oid, rows, batch.len, cx, cast).map(Arc::new)
    }
}

/// Puts a column in the place of the element.
fn put_column(e: &mut Expr) {
    match e.kind {
        ExprKind::CaseTest => e.kind = ExprKind::Column(0),
        _ => e.each_child_mut(&mut put_column),
    }
}
