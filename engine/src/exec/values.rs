//! Result and Values: rows of expressions without an input.

use nq_qsql::error::Result;
use nq_qsql::plan::expr::Expr;
use nq_qsql::types::DataType;

use super::batch::{BATCH_ROWS, Builder, Rows};
use super::eval::Compiled;
use super::{Batch, ExecCx, Operator};

/// Rows of expressions.
pub struct Values {
    rows: Vec<Vec<Compiled>>,
    types: Vec<DataType>,
    next: usize,
}

impl Values {
    /// Makes the rows; expressions are evaluated when they are due.
    pub fn new(rows: &[Vec<Expr>], types: &[DataType], cx: &ExecCx<'_>) -> Result<Values> {
        let rows = rows.iter().map(|r| Compiled::list(r, cx)).collect::<Result<_>>()?;
        Ok(Values { rows, types: types.to_vec(), next: 0 })
    }
}

impl Operator for Values {
    fn next(&mut self, cx: &mut ExecCx<'_>) -> Result<Option<Batch>> {
        if self.next == self.rows.len() {
            return Ok(None);
        }
        cx.check_interrupt()?;
        let single = Batch { columns: Vec::new(), len: 1, selection: None };
        if self.rows.len() == 1 {
            self.next = 1;
            let columns =
                self.rows[0].iter().map(|e| e.eval(&single, Rows::All(1), cx)).collect::<Result<_>>()?;
            return Ok(Some(Batch { columns, len: 1, selection: None }));
        }
        let mut out = Builder::new(&self.types);
        for row in self.rows[self.next..].iter().take(BATCH_ROWS) {
            for (column, expr) in out.columns.iter_mut().zip(row) {
                let value = expr.eval(&single, Rows::All(1), cx)?;
                column.append(&value, std::iter::once(0));
            }
            out.len += 1;
        }
        self.next += out.len;
        Ok(Some(out.finish()))
    }

    fn rescan(&mut self, _cx: &mut ExecCx<'_>) -> Result<()> {
        self.next = 0;
        Ok(())
    }
}

/// No rows at all.
pub struct Empty;

impl Operator for Empty {
    fn next(&mut self, _cx: &mut ExecCx<'_>) -> Result<Option<Batch>> {
        Ok(None)
    }

    fn rescan(&mut self, _cx: &mut ExecCx<'_>) -> Result<()> {
        Ok(())
    }
}
