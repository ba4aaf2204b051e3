//! Filter: keeps rows that satisfy all conjuncts, by narrowing the batch's selection.

use nq_qsql::error::Result;

use super::eval::Conditions;
use super::{Batch, ExecCx, Operator};

/// Keeps rows that satisfy conditions.
pub struct Filter {
    input: Box<dyn Operator>,
    conditions: Conditions,
}

impl Filter {
    /// Filters `input`.
    pub fn new(input: Box<dyn Operator>, conditions: Conditions) -> Filter {
        Filter { input, conditions }
    }
}

impl Operator for Filter {
    fn next(&mut self, cx: &mut ExecCx<'_>) -> Result<Option<Batch>> {
        while let Some(batch) = self.input.next(cx)? {
            let batch = self.conditions.apply(batch, cx)?;
            if batch.count() > 0 {
                return Ok(Some(batch));
            }
            cx.check_interrupt()?;
        }
        Ok(None)
    }

    fn rescan(&mut self, cx: &mut ExecCx<'_>) -> Result<()> {
        self.input.rescan(cx)
    }
}
