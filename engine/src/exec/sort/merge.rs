//! Merging sorted runs.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use nq_qsql::error::Result;
use nq_qsql::plan::physical::SortSlot;
use nq_qsql::types::DataType;

use super::super::batch::{BATCH_ROWS, Builder};
use super::super::sort_key::{self, Scope};
use super::super::spill::{SpillFile, SpillReader};
use super::super::{Batch, ExecCx};
use super::key_columns;

/// Runs merged at once; more are merged in rounds.
const FAN_IN: usize = 64;

/// A k-way merge of sorted files.
pub struct Merge {
    keys: Vec<SortSlot>,
    types: Vec<DataType>,
    runs: Vec<Run>,
    /// Least key first; equal keys by run, which keeps the input's order.
    heap: BinaryHeap<Reverse<(Vec<u8>, usize)>>,
}

struct Run {
    reader: SpillReader,
    batch: Batch,
    row: usize,
}

impl Merge {
    /// Merges sorted files of rows of `types`.
    pub fn new(
        mut files: Vec<SpillFile>,
        keys: &[SortSlot],
        types: &[DataType],
        cx: &mut ExecCx<'_>,
    ) -> Result<Merge> {
        while files.len() > FAN_IN {
            let rest = files.split_off(FAN_IN);
            let mut merge = Merge::start(files, keys, types)?;
            let mut file = cx.spill.create()?;
            while let Some(batch) = merge.next(cx)? {
                file.write(&batch)?;
            }
            files = std::iter::once(file).chain(rest).collect();
        }
        Merge::start(files, keys, types)
    }

    fn start(files: Vec<SpillFile>, keys: &[SortSlot], types: &[DataType]) -> Result<Merge> {
        let mut merge =
            Merge { keys: keys.to_vec(), types: types.to_vec(), runs: Vec::new(), heap: BinaryHeap::new() };
        for file in files {
            let run = Run { reader: SpillReader::new(file), batch: Batch::default(), row: 0 };
            merge.runs.push(run);
            merge.advance(merge.runs.len() - 1, Vec::new())?;
        }
        Ok(merge)
    }

    /// Puts the next row of run `number` into the heap; `key` is a buffer to reuse.
    fn advance(&mut self, number: usize, mut key: Vec<u8>) -> Result<()> {
        let run = &mut self.runs[number];
        if run.row == run.batch.len {
            let Some(batch) = run.reader.next()? else { return Ok(()) };
            (run.batch, run.row) = (batch, 0);
        }
        let columns = key_columns(&self.keys, run.batch.columns.iter().map(|c| &**c));
        key.clear();
        sort_key::encode(&columns, run.row, Scope::Any, &mut key)?;
        self.heap.push(Reverse((key, number)));
        Ok(())
    }

    /// Returns the next rows in order.
    pub fn next(&mut self, cx: &mut ExecCx<'_>) -> Result<Option<Batch>> {
        cx.check_interrupt()?;
        let mut out = Builder::new(&self.types);
        while out.len < BATCH_ROWS {
            let Some(Reverse((key, number))) = self.heap.pop() else { break };
            let run = &mut self.runs[number];
            for (to, from) in out.columns.iter_mut().zip(&run.batch.columns) {
                to.append(from, std::iter::once(run.row));
            }
            out.len += 1;
            run.row += 1;
            self.advance(number, key)?;
        }
        Ok((out.len > 0).then(|| out.finish()))
    }
}
