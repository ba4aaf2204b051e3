//! Calls of users' functions, row by row.

use std::sync::Arc;

use nq_qsql::catalog::RoutineTarget;
use nq_qsql::error::Result;
use nq_qsql::func::Volatility;
use nq_qsql::plan::expr::Expr;
use nq_qsql::types::{DataType, Datum};

use super::super::ExecCx;
use super::super::batch::{Batch, Rows};
use super::super::vector::Vector;
use super::compile::{Scope, compile_all};
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
