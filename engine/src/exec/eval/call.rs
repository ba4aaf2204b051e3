//! Row-by-row evaluation: bodies of the registry, and the expression kinds that have no kernel.

use std::sync::Arc;

use nq_qsql::error::{Result, SqlError};
use nq_qsql::func::{Body, Function, ScalarBody, Volatility};
use nq_qsql::plan::expr::{Expr, ExprKind};
use nq_qsql::types::{DataType, Datum};

use super::super::ExecCx;
use super::super::batch::{Batch, Rows};
use super::super::vector::Vector;
use super::compile::{Scope, compile, compile_all};
use super::{Node, map_rows};

/// A call of a scalar function.
pub(in crate::exec) struct Call {
    pub func: &'static Function,
    pub args: Vec<Node>,
    pub arg_types: Vec<DataType>,
    pub result: DataType,
    /// Byte offset in the statement, for errors.
    pub at: u32,
}

impl Call {
    pub(super) fn new(
        expr: &Expr,
        func: &'static Function,
        args: &[Expr],
        scope: &mut Scope<'_>,
    ) -> Result<Call> {
        Ok(Call {
            func,
            args: compile_all(args, scope)?,
            arg_types: args.iter().map(|a| a.ty).collect(),
            result: expr.ty,
            at: expr.at,
        })
    }

    fn body(&self) -> Result<ScalarBody> {
        match self.func.body {
            Body::Scalar(body) => Ok(body),
            _ => Err(SqlError::internal(format_args!("{} is not a scalar function", self.func.name))),
        }
    }

    /// The value of one row of arguments.
    pub(super) fn apply(&self, args: &[Datum], cx: &mut ExecCx<'_>) -> Result<Datum> {
        if self.func.strict && args.iter().any(Datum::is_null) {
            return Ok(Datum::Null);
        }
        let body = self.body()?;
        body(&mut cx.eval_cx(&self.arg_types, self.result), args)
    }

    /// The value at `row` of evaluated arguments.
    pub(super) fn apply_row(&self, args: &[&Vector], row: usize, cx: &mut ExecCx<'_>) -> Result<Datum> {
        let mut values = [const { Datum::Null }; 4];
        if args.len() <= values.len() {
            for ((slot, arg), ty) in values.iter_mut().zip(args).zip(&self.arg_types) {
                *slot = arg.datum(row, ty.oid);
            }
            return self.apply(&values[..args.len()], cx);
        }
        let values: Vec<Datum> =
            args.iter().zip(&self.arg_types).map(|(a, ty)| a.datum(row, ty.oid)).collect();
        self.apply(&values, cx)
    }

    /// The values of all `rows` for evaluated arguments.
    pub(super) fn apply_rows(
        &self,
        args: &[&Vector],
        rows: Rows<'_>,
        len: usize,
        cx: &mut ExecCx<'_>,
    ) -> Result<Arc<Vector>> {
        let constant = args.iter().all(|a| a.constant) && self.func.volatility != Volatility::Volatile;
        if constant && !rows.is_empty() {
            let value = self.apply_row(args, 0, cx)?;
            return Ok(Arc::new(Vector::constant(&value, self.result.oid)));
        }
        map_rows(self.result.oid, rows, len, cx, |row, cx| self.apply_row(args, row, cx)).map(Arc::new)
    }

    pub(super) fn eval(&self, batch: &Batch, rows: Rows<'_>, cx: &mut ExecCx<'_>) -> Result<Arc<Vector>> {
        let args: Vec<Arc<Vector>> =
            self.args.iter().map(|a| a.eval(batch, rows, cx)).collect::<Result<_>>()?;
        let args: Vec<&Vector> = args.iter().map(|a| &**a).collect();
        self.apply_rows(&args, rows, batch.len, cx)
    }
}

/// An expression kind without a kernel: its operands are computed as vectors, the kind itself by the scalar interpreter over them.
pub(in crate::exec) struct Shape {
    inputs: Vec<Node>,
    types: Vec<DataType>,
    /// The expression with each operand replaced by a column.
    expr: Expr,
}

impl Shape {
    pub(super) fn new(expr: &Expr, scope: &mut Scope<'_>) -> Result<Shape> {
        let mut shape = Shape { inputs: Vec::new(), types: Vec::new(), expr: expr.clone() };
        let mut kind = std::mem::replace(&mut shape.expr.kind, ExprKind::CaseTest);
        let mut take = |operand: &mut Expr| -> Result<()> {
            shape.inputs.push(compile(operand, scope)?);
            shape.types.push(operand.ty);
            operand.kind = ExprKind::Column(shape.inputs.len() as u32 - 1);
            Ok(())
        };
        match &mut kind {
            ExprKind::Relabel(x) | ExprKind::CoerceViaIo(x) => take(x)?,
            ExprKind::ArrayCoerce { array, .. } => take(array)?,
            ExprKind::Typmod { value, .. } | ExprKind::IsNull { value, .. } => take(value)?,
            ExprKind::IsDistinct { left, right, .. } => {
                take(left)?;
                take(right)?;
            }
            // The left operand may hold a CaseTest for the left value; both are plain operands of the interpreter otherwise.
            ExprKind::NullIf { left, right, .. } => {
                take(left)?;
                take(right)?;
            }
            ExprKind::MinMax { args, .. } => args.iter_mut().try_for_each(&mut take)?,
            ExprKind::ScalarArray { left, array, .. } => {
                take(left)?;
                take(array)?;
            }
            ExprKind::Array { items, .. } => items.iter_mut().try_for_each(&mut take)?,
            ExprKind::Row(items) => items.iter_mut().try_for_each(&mut take)?,
            ExprKind::Field { row, .. } => take(row)?,
            ExprKind::Subscript { array, subscripts, .. } => {
                take(array)?;
                for bound in subscripts.iter_mut().flat_map(|(lower, upper)| [lower, upper]).flatten() {
                    take(bound)?;
                }
            }
            other => return Err(SqlError::internal(format_args!("expression {other:?} has no evaluation"))),
        }
        shape.expr.kind = kind;
        Ok(shape)
    }

    pub(super) fn eval(&self, batch: &Batch, rows: Rows<'_>, cx: &mut ExecCx<'_>) -> Result<Arc<Vector>> {
        let inputs: Vec<Arc<Vector>> =
            self.inputs.iter().map(|n| n.eval(batch, rows, cx)).collect::<Result<_>>()?;
        let mut row_values = vec![Datum::Null; inputs.len()];
        let mut value = |row: usize, cx: &mut ExecCx<'_>| {
            for ((slot, input), ty) in row_values.iter_mut().zip(&inputs).zip(&self.types) {
                *slot = input.datum(row, ty.oid);
            }
            interpret(&self.expr, &row_values, cx)
        };
        if !rows.is_empty() && inputs.iter().all(|i| i.constant) {
            return Ok(Arc::new(Vector::constant(&value(0, cx)?, self.expr.ty.oid)));
        }
        map_rows(self.expr.ty.oid, rows, batch.len, cx, value).map(Arc::new)
    }
}

/// Evaluates one expression over one row of values.
fn interpret(expr: &Expr, row: &[Datum], cx: &mut ExecCx<'_>) -> Result<Datum> {
    let params = cx.params;
    nq_qsql::func::eval::eval(expr, row, params, &mut cx.eval_cx(&[], expr.ty))
}
