//! Append: UNION ALL.

use nq_qsql::error::Result;

use super::{Batch, ExecCx, Operator};

/// Runs its inputs one after the other.
pub struct Append {
    inputs: Vec<Box<dyn Operator>>,
    current: usize,
}

impl Append {
    /// Concatenates `inputs`.
    pub fn new(inputs: Vec<Box<dyn Operator>>) -> Append {
        Append { inputs, current: 0 }
    }
}

impl Operator for Append {
    fn next(&mut self, cx: &mut ExecCx<'_>) -> Result<Option<Batch>> {
        while let Some(input) = self.inputs.get_mut(self.current) {
            if let Some(batch) = input.next(cx)? {
                return Ok(Some(batch));
            }
            self.current += 1;
        }
        Ok(None)
    }

    fn rescan(&mut self, cx: &mut ExecCx<'_>) -> Result<()> {
        self.current = 0;
        self.inputs.iter_mut().try_for_each(|input| input.rescan(cx))
    }
}
