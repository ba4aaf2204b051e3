//! Distinct: keeps the first row of each combination of some slots, by a hash table or, in sorted input, by looking at the row before.
//!
//! When the table may not grow, rows whose keys it does not know go to spill files by their hash; each file is then treated as a fresh input.

use nq_qsql::error::Result;
use nq_qsql::types::DataType;

use super::group_table::{GroupTable, NONE};
use super::hash::equal_rows;
use super::partition::{Partitions, Pending};
use super::{Batch, ExecCx, Operator};

/// Removes duplicates.
pub struct Distinct {
    input: Box<dyn Operator>,
    slots: Vec<usize>,
    key_types: Vec<DataType>,
    sorted: bool,
    /// Sorted: the last row kept, alone in its batch.
    last: Option<Batch>,
    table: Option<GroupTable>,
    partitions: Option<Partitions>,
    pending: Vec<Pending>,
    /// The spilled part being read.
    current: Option<Pending>,
    input_done: bool,
    numbers: Vec<u32>,
}

impl Distinct {
    /// Removes rows of `input` that repeat in `slots`; the input's slots have `types`.
    pub fn new(input: Box<dyn Operator>, slots: &[u32], sorted: bool, types: &[DataType]) -> Distinct {
        Distinct {
            input,
            slots: slots.iter().map(|&s| s as usize).collect(),
            key_types: slots.iter().map(|&s| types[s as usize]).collect(),
            sorted,
            last: None,
            table: None,
            partitions: None,
            pending: Vec::new(),
            current: None,
            input_done: false,
            numbers: Vec::new(),
        }
    }

    /// The next batch of the input or of a spilled part of it.
    fn read(&mut self, cx: &mut ExecCx<'_>) -> Result<Option<Batch>> {
        loop {
            if !self.input_done {
                match self.input.next(cx)? {
                    Some(batch) => return Ok(Some(batch)),
                    None => self.input_done = true,
                }
            } else if let Some(part) = &mut self.current {
                if let Some(batch) = part.next()? {
                    return Ok(Some(batch));
                }
                self.current = None;
            } else {
                return Ok(None);
            }
            // One source is exhausted: what was spilled of it becomes sources of their own.
            if let Some(partitions) = self.partitions.take() {
                self.pending.extend(partitions.finish());
            }
            self.table = None;
            self.current = self.pending.pop();
        }
    }

    fn hashed(&mut self, cx: &mut ExecCx<'_>) -> Result<Option<Batch>> {
        while let Some(mut batch) = self.read(cx)? {
            cx.check_interrupt()?;
            let level = self.current.as_ref().map_or(0, |p| p.level);
            let table = self.table.get_or_insert_with(|| GroupTable::new(&self.key_types, cx));
            let columns: Vec<_> = self.slots.iter().map(|&s| &*batch.columns[s]).collect();
            let known = table.len() as u32;
            let frozen = self.partitions.is_some();
            table.locate(&columns, batch.rows(), batch.len, frozen, &mut self.numbers);
            if let Some(partitions) = &mut self.partitions {
                let unknown = batch.rows().iter().zip(&self.numbers).filter(|(_, n)| **n == NONE);
                partitions.add(&batch, unknown.map(|(row, _)| row), table.row_hashes())?;
                continue;
            }
            let mut fresh = known;
            let mut kept = Vec::new();
            for (row, &number) in batch.rows().iter().zip(&self.numbers) {
                if number == fresh {
                    kept.push(row as u16);
                    fresh += 1;
                }
            }
            if !table.try_reserve(0) {
                self.partitions = Some(Partitions::new(level, cx)?);
            }
            if !kept.is_empty() {
                batch.selection = Some(kept);
                return Ok(Some(batch));
            }
        }
        Ok(None)
    }

    fn neighbours(&mut self, cx: &mut ExecCx<'_>) -> Result<Option<Batch>> {
        while let Some(mut batch) = self.input.next(cx)? {
            let same = |a: &Batch, i: usize, b: &Batch, j: usize| {
                let mut slots = self.slots.iter().zip(&self.key_types);
                slots.all(|(&s, ty)| equal_rows(&a.columns[s], i, &b.columns[s], j, ty.oid))
            };
            let mut kept: Vec<u16> = Vec::new();
            for row in batch.rows().iter() {
                let repeats = match (kept.last(), &self.last) {
                    (Some(&last), _) => same(&batch, usize::from(last), &batch, row),
                    (None, Some(last)) => same(last, 0, &batch, row),
                    (None, None) => false,
                };
                if !repeats {
                    kept.push(row as u16);
                }
            }
            if let Some(&last) = kept.last() {
                batch.selection = Some(vec![last]);
                self.last = Some(batch.clone().compact());
                batch.selection = Some(kept);
                return Ok(Some(batch));
            }
        }
        Ok(None)
    }
}

impl Operator for Distinct {
    fn next(&mut self, cx: &mut ExecCx<'_>) -> Result<Option<Batch>> {
        if self.sorted { self.neighbours(cx) } else { self.hashed(cx) }
    }

    fn rescan(&mut self, cx: &mut ExecCx<'_>) -> Result<()> {
        self.last = None;
        self.table = None;
        self.partitions = None;
        self.pending.clear();
        self.current = None;
        self.input_done = false;
        self.input.rescan(cx)
    }
}
