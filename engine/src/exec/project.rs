//! Project: computes expressions.
//!
//! Columns are computed one after the other over the whole batch, except where two of them have side effects: then row by row, so
//! that `SELECT nextval('s'), nextval('s')` counts as PostgreSQL does.

use nq_qsql::error::Result;
use nq_qsql::func::Volatility;
use nq_qsql::plan::expr::{Expr, ExprKind};
use nq_qsql::types::DataType;

use super::batch::{Builder, Rows};
use super::eval::Compiled;
use super::{Batch, ExecCx, Operator};

/// Computes expressions over its input.
pub struct Project {
    input: Box<dyn Operator>,
    exprs: Vec<Compiled>,
    types: Vec<DataType>,
    by_row: bool,
}

impl Project {
    /// Projects `input`.
    pub fn new(input: Box<dyn Operator>, exprs: &[Expr], cx: &ExecCx<'_>) -> Result<Project> {
        let by_row = exprs.iter().filter(|e| has_effects(e)).count() > 1;
        let types = exprs.iter().map(|e| e.ty).collect();
        Ok(Project { input, exprs: Compiled::list(exprs, cx)?, types, by_row })
    }
}

/// Whether the expression is a volatile call or has one directly below it.
fn has_effects(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Call { args, .. } | ExprKind::Routine { args, .. } => {
            expr.called().is_some_and(|(v, _)| v == Volatility::Volatile) || args.iter().any(has_effects)
        }
        ExprKind::Relabel(inner) | ExprKind::CoerceViaIo(inner) => has_effects(inner),
        ExprKind::Coalesce(args) => args.iter().any(has_effects),
        _ => false,
    }
}

/// Computes expressions over a batch, keeping its selection.
pub fn project(exprs: &[Compiled], batch: Batch, cx: &mut ExecCx<'_>) -> Result<Batch> {
    let columns = exprs.iter().map(|e| e.eval_batch(&batch, cx)).collect::<Result<_>>()?;
    Ok(Batch { columns, len: batch.len, selection: batch.selection })
}

impl Operator for Project {
    fn next(&mut self, cx: &mut ExecCx<'_>) -> Result<Option<Batch>> {
        let Some(batch) = self.input.next(cx)? else { return Ok(None) };
        if !self.by_row {
            return project(&self.exprs, batch, cx).map(Some);
        }
        let mut out = Builder::new(&self.types);
        for row in batch.rows().iter() {
            for (column, expr) in out.columns.iter_mut().zip(&self.exprs) {
                let value = expr.eval(&batch, Rows::Some(&[row as u16]), cx)?;
                column.append(&value, std::iter::once(row));
            }
            out.len += 1;
        }
        Ok(Some(out.finish()))
    }

    fn rescan(&mut self, cx: &mut ExecCx<'_>) -> Result<()> {
        self.input.rescan(cx)
    }
}
