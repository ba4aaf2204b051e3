//! Common table expressions: computed once, as far as somebody reads, and kept for all readers.

use nq_qsql::error::{Result, SqlError};
use nq_qsql::plan::physical::PhysicalPlan;

use super::depends::Watch;
use super::eval::Conditions;
use super::row_store::RowStore;
use super::{Batch, ExecCx, Operator};

/// A CTE's plan and the rows it has yielded so far.
pub struct CteState {
    input: Box<dyn Operator>,
    rows: RowStore,
    complete: bool,
    watch: Watch,
}

impl CteState {
    /// Starts a CTE.
    pub fn new(input: Box<dyn Operator>, rows: RowStore, watch: Watch) -> CteState {
        CteState { input, rows, complete: false, watch }
    }

    /// Returns batch number `position`, computing it if nobody has yet.
    fn batch(&mut self, position: usize, cx: &mut ExecCx<'_>) -> Result<Option<Batch>> {
        while position >= self.rows.len() && !self.complete {
            match self.input.next(cx)? {
                Some(batch) => self.rows.push(&batch)?,
                None => self.complete = true,
            }
        }
        self.rows.get(position)
    }
}

/// Runs `f` on a CTE, which is out of reach for others meanwhile.
fn with<R>(
    cte: usize,
    cx: &mut ExecCx<'_>,
    f: impl FnOnce(&mut CteState, &mut ExecCx<'_>) -> Result<R>,
) -> Result<R> {
    let Some(mut state) = cx.run.ctes.get_mut(cte).and_then(Option::take) else {
        return Err(SqlError::internal("a common table expression reads itself"));
    };
    let answer = f(&mut state, cx);
    cx.run.ctes[cte] = Some(state);
    answer
}

/// Runs data-modifying CTEs to their ends.
pub(super) fn finish_modifying(plan: &PhysicalPlan, cx: &mut ExecCx<'_>) -> Result<()> {
    for (number, _) in plan.ctes.iter().enumerate().filter(|(_, cte)| cte.modifies) {
        with(number, cx, |state, cx| {
            while !state.complete {
                state.batch(state.rows.len(), cx)?;
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// Reads a CTE.
pub struct CteScan {
    cte: usize,
    filter: Conditions,
    position: usize,
}

impl CteScan {
    /// Reads CTE number `cte`.
    pub fn new(cte: usize, filter: Conditions) -> CteScan {
        CteScan { cte, filter, position: 0 }
    }
}

impl Operator for CteScan {
    fn next(&mut self, cx: &mut ExecCx<'_>) -> Result<Option<Batch>> {
        loop {
            cx.check_interrupt()?;
            let position = self.position;
            let Some(batch) = with(self.cte, cx, |state, cx| state.batch(position, cx))? else {
                return Ok(None);
            };
            self.position += 1;
            let batch = self.filter.apply(batch, cx)?;
            if batch.count() > 0 {
                return Ok(Some(batch));
            }
        }
    }

    fn rescan(&mut self, cx: &mut ExecCx<'_>) -> Result<()> {
        self.position = 0;
        with(self.cte, cx, |state, cx| {
            if state.watch.changed(cx) {
                state.rows.clear();
                state.complete = false;
                state.input.rescan(cx)?;
            }
            Ok(())
        })
    }
}
