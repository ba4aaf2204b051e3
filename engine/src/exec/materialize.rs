//! Materialize: computes its input once and replays it at every rescan, unless something that the input depends on has changed.

use nq_qsql::error::Result;
use nq_qsql::types::DataType;

use super::depends::Watch;
use super::row_store::RowStore;
use super::{Batch, ExecCx, Operator};

/// Keeps what its input yields.
pub struct Materialize {
    input: Box<dyn Operator>,
    types: Vec<DataType>,
    rows: Option<RowStore>,
    complete: bool,
    watch: Watch,
    position: usize,
}

impl Materialize {
    /// Keeps the rows of `input`, whose slots have `types`; `watch` knows what they depend on.
    pub fn new(input: Box<dyn Operator>, types: &[DataType], watch: Watch) -> Materialize {
        Materialize { input, types: types.to_vec(), rows: None, complete: false, watch, position: 0 }
    }
}

impl Operator for Materialize {
    fn next(&mut self, cx: &mut ExecCx<'_>) -> Result<Option<Batch>> {
        let rows = self.rows.get_or_insert_with(|| RowStore::new(&self.types, cx));
        if self.position < rows.len() {
            self.position += 1;
            return rows.get(self.position - 1);
        }
        if self.complete {
            return Ok(None);
        }
        match self.input.next(cx)? {
            Some(batch) => {
                rows.push(&batch)?;
                self.position += 1;
                Ok(Some(batch))
            }
            None => {
                self.complete = true;
                Ok(None)
            }
        }
    }

    fn rescan(&mut self, cx: &mut ExecCx<'_>) -> Result<()> {
        self.position = 0;
        if self.watch.changed(cx) {
            self.rows = None;
            self.complete = false;
            self.input.rescan(cx)?;
        }
        Ok(())
    }
}
