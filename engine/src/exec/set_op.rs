//! INTERSECT and EXCEPT by counting each row on both sides.

use nq_qsql::error::Result;
use nq_qsql::plan::physical::SetOp as Kind;
use nq_qsql::types::DataType;

use super::batch::BATCH_ROWS;
use super::group_table::{GroupTable, NONE};
use super::{Batch, ExecCx, Operator};

/// INTERSECT [ALL] or EXCEPT [ALL].
pub struct SetOp {
    kind: Kind,
    left: Box<dyn Operator>,
    right: Box<dyn Operator>,
    types: Vec<DataType>,
    result: Option<(GroupTable, Vec<u32>, usize)>,
}

impl SetOp {
    /// Combines rows of `types`.
    pub fn new(kind: Kind, left: Box<dyn Operator>, right: Box<dyn Operator>, types: &[DataType]) -> SetOp {
        SetOp { kind, left, right, types: types.to_vec(), result: None }
    }

    fn compute(&mut self, cx: &mut ExecCx<'_>) -> Result<(GroupTable, Vec<u32>, usize)> {
        let mut table = GroupTable::new(&self.types, cx);
        let mut counts: Vec<(u64, u64)> = Vec::new();
        let mut numbers = Vec::new();
        while let Some(batch) = self.left.next(cx)? {
            locate(&mut table, &batch, false, &mut numbers);
            counts.resize(table.len(), (0, 0));
            numbers.iter().for_each(|&n| counts[n as usize].0 += 1);
            table.reserve(counts.capacity() * size_of::<(u64, u64)>())?;
        }
        if !table.is_empty() {
            while let Some(batch) = self.right.next(cx)? {
                locate(&mut table, &batch, true, &mut numbers);
                numbers.iter().filter(|n| **n != NONE).for_each(|&n| counts[n as usize].1 += 1);
            }
        }
        let mut rows = Vec::new();
        for (number, &(left, right)) in counts.iter().enumerate() {
            let times = match self.kind {
                Kind::Intersect => u64::from(right > 0),
                Kind::IntersectAll => left.min(right),
                Kind::Except => u64::from(right == 0),
                Kind::ExceptAll => left.saturating_sub(right),
            };
            rows.extend((0..times).map(|_| number as u32));
        }
        Ok((table, rows, 0))
    }
}

fn locate(table: &mut GroupTable, batch: &Batch, frozen: bool, numbers: &mut Vec<u32>) {
    let columns: Vec<_> = batch.columns.iter().map(|c| &**c).collect();
    table.locate(&columns, batch.rows(), batch.len, frozen, numbers);
}

impl Operator for SetOp {
    fn next(&mut self, cx: &mut ExecCx<'_>) -> Result<Option<Batch>> {
        let (table, rows, next) = match self.result.take() {
            Some(result) => result,
            None => self.compute(cx)?,
        };
        let end = (next + BATCH_ROWS).min(rows.len());
        let batch = (end > next).then(|| table.keys.gather(&rows[next..end]));
        self.result = Some((table, rows, end));
        Ok(batch)
    }

    fn rescan(&mut self, cx: &mut ExecCx<'_>) -> Result<()> {
        self.result = None;
        self.left.rescan(cx)?;
        self.right.rescan(cx)
    }
}
