//! WITH RECURSIVE: the base term's rows, then the step's over the rows of the round before, until a round yields none.

use std::sync::Arc;

use nq_qsql::error::Result;
use nq_qsql::types::DataType;

use super::group_table::GroupTable;
use super::row_store::RowStore;
use super::{Batch, ExecCx, Operator};

/// Runs a recursive query.
pub struct RecursiveUnion {
    cte: usize,
    base: Box<dyn Operator>,
    step: Box<dyn Operator>,
    distinct: bool,
    types: Vec<DataType>,
    seen: Option<GroupTable>,
    /// Rows of the round in progress.
    round: Option<RowStore>,
    in_step: bool,
    done: bool,
    numbers: Vec<u32>,
}

impl RecursiveUnion {
    /// Unites `base` and `step`, which reads its own rows as CTE `cte`.
    pub fn new(
        cte: usize,
        base: Box<dyn Operator>,
        step: Box<dyn Operator>,
        distinct: bool,
        types: &[DataType],
    ) -> Self {
        RecursiveUnion {
            cte,
            base,
            step,
            distinct,
            types: types.to_vec(),
            seen: None,
            round: None,
            in_step: false,
            done: false,
            numbers: Vec::new(),
        }
    }

    /// Leaves the rows that were not seen before.
    fn fresh(&mut self, mut batch: Batch, cx: &ExecCx<'_>) -> Result<Batch> {
        if !self.distinct {
            return Ok(batch);
        }
        let seen = self.seen.get_or_insert_with(|| GroupTable::new(&self.types, cx));
        let columns: Vec<_> = batch.columns.iter().map(|c| &**c).collect();
        let mut next = seen.len() as u32;
        seen.locate(&columns, batch.rows(), batch.len, false, &mut self.numbers);
        seen.reserve(0)?;
        let mut kept = Vec::new();
        for (row, &number) in batch.rows().iter().zip(&self.numbers) {
            if number == next {
                kept.push(row as u16);
                next += 1;
            }
        }
        batch.selection = Some(kept);
        Ok(batch)
    }
}

impl Operator for RecursiveUnion {
    fn next(&mut self, cx: &mut ExecCx<'_>) -> Result<Option<Batch>> {
        while !self.done {
            cx.check_interrupt()?;
            let term = if self.in_step { &mut self.step } else { &mut self.base };
            match term.next(cx)? {
                Some(batch) => {
                    let batch = self.fresh(batch, cx)?;
                    if batch.count() > 0 {
                        self.round.get_or_insert_with(|| RowStore::new(&self.types, cx)).push(&batch)?;
                        return Ok(Some(batch));
                    }
                }
                None => {
                    let Some(round) = self.round.take() else {
                        self.done = true;
                        break;
                    };
                    cx.run.work_tables[self.cte] = Some(Arc::new(round));
                    let version = cx.run.exec_params.len() + self.cte;
                    cx.run.versions[version] += 1;
                    if self.in_step || cx.run.versions[version] > 1 {
                        self.step.rescan(cx)?;
                    }
                    self.in_step = true;
                }
            }
        }
        cx.run.work_tables[self.cte] = None;
        Ok(None)
    }

    fn rescan(&mut self, cx: &mut ExecCx<'_>) -> Result<()> {
        self.seen = None;
        self.round = None;
        self.in_step = false;
        self.done = false;
        self.base.rescan(cx)
    }
}

/// Reads the rows of the last round.
pub struct WorkTableScan {
    cte: usize,
    position: usize,
}

impl WorkTableScan {
    /// Reads the recursive table of CTE `cte`.
    pub fn new(cte: usize) -> WorkTableScan {
        WorkTableScan { cte, position: 0 }
    }
}

impl Operator for WorkTableScan {
    fn next(&mut self, cx: &mut ExecCx<'_>) -> Result<Option<Batch>> {
        let Some(rows) = &cx.run.work_tables[self.cte] else { return Ok(None) };
        let batch = rows.get(self.position)?;
        self.position += 1;
        Ok(batch)
    }

    fn rescan(&mut self, _cx: &mut ExecCx<'_>) -> Result<()> {
        self.position = 0;
        Ok(())
    }
}
