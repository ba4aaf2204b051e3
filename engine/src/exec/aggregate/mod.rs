//! Aggregate: GROUP BY, grouping sets, and aggregates without groups.
//!
//! ```text
//!  batch -> group expressions -> table: number of each row's group -> every aggregate takes the vector of its argument
//!                                  |
//!                                  +--(memory refused: no new groups)--> rows of unknown groups go to files by hash,
//!                                                                        each is aggregated as an input of its own afterwards
//! ```
//!
//! 1. Groups are numbered as they first appear, so sorted input gives sorted output; with sorted input finished groups leave early.
//! 2. DISTINCT keeps a table of (group, arguments) per call. DISTINCT or ORDER BY of an aggregate whose result depends on the order
//!    collects its rows and feeds them, sorted, at the end.
//! 3. With grouping sets every set has a table of its own. Output slots: grouping expressions (NULL where not in the set), aggregates,
//!    and, if the plan has one more `int4` slot, the mask of `GROUPING` over all grouping expressions (last expression = lowest bit).

mod call;
mod state;
mod user;

use std::sync::Arc;

use nq_qsql::error::Result;
use nq_qsql::plan::expr::{AggregateCall, Expr};
use nq_qsql::plan::physical::AggregateStrategy;
use nq_qsql::types::{DataType, Datum};

use super::batch::{BATCH_ROWS, Builder, Rows};
use super::eval::Compiled;
use super::group_table::{GroupTable, NONE};
use super::partition::{Partitions, Pending};
use super::vector::Vector;
use super::{Batch, ExecCx, Operator};

use call::Call;
pub(super) use state::State;

/// Groups and aggregates.
pub struct Aggregate {
    strategy: AggregateStrategy,
    input: Box<dyn Operator>,
    group: Vec<Compiled>,
    sets: Vec<Vec<u32>>,
    calls: Vec<AggregateCall>,
    types: Vec<DataType>,
    groupings: Vec<Grouping>,
    /// Those of the last run, emptied: what runs once for each row of an outer one need not be compiled each time.
    spare: Vec<Grouping>,
    phase: Phase,
    pending: Vec<Pending>,
    partitions: Option<Partitions>,
    current: Option<Pending>,
}

/// One grouping set at work.
struct Grouping {
    /// Indexes of the grouping expressions in the set.
    columns: Vec<usize>,
    table: GroupTable,
    calls: Vec<Call>,
    numbers: Vec<u32>,
    by_row: Vec<u32>,
}

enum Phase {
    Start,
    /// Sorted input: what is finished has been handed out, the input goes on.
    Reading,
    /// Handing out groups: grouping set and group.
    Output {
        grouping: usize,
        group: usize,
        more: bool,
    },
    Done,
}

/// Sorted input: groups collected before they are handed out.
const SORTED_GROUPS: usize = BATCH_ROWS;

impl Aggregate {
    /// Aggregates `input`; `types` are those of the output slots.
    pub fn new(
        strategy: AggregateStrategy,
        input: Box<dyn Operator>,
        group: &[Expr],
        sets: &[Vec<u32>],
        calls: &[AggregateCall],
        types: &[DataType],
        cx: &ExecCx<'_>,
    ) -> Result<Aggregate> {
        let sets = if sets.is_empty() { vec![(0..group.len() as u32).collect()] } else { sets.to_vec() };
        Ok(Aggregate {
            strategy,
            input,
            group: Compiled::list(group, cx)?,
            sets,
            calls: calls.to_vec(),
            types: types.to_vec(),
            groupings: Vec::new(),
            spare: Vec::new(),
            phase: Phase::Start,
            pending: Vec::new(),
            partitions: None,
            current: None,
        })
    }

    fn start(&mut self, cx: &ExecCx<'_>) -> Result<()> {
        self.groupings.clear();
        if !self.spare.is_empty() {
            self.groupings.append(&mut self.spare);
            return Ok(());
        }
        for set in &self.sets {
            let columns: Vec<usize> = set.iter().map(|&i| i as usize).collect();
            let types: Vec<DataType> = columns.iter().map(|&i| self.group[i].ty).collect();
            let calls = self.calls.iter().map(|c| Call::new(c, cx)).collect::<Result<_>>()?;
            let table = GroupTable::new(&types, cx);
            self.groupings.push(Grouping { columns, table, calls, numbers: Vec::new(), by_row: Vec::new() });
        }
        Ok(())
    }

    fn read(&mut self, cx: &mut ExecCx<'_>) -> Result<Option<Batch>> {
        match &mut self.current {
            Some(pending) => pending.next(),
            None => self.input.next(cx),
        }
    }

    /// Takes in the input until its end, or until enough sorted groups are finished; answers whether there is more input.
    fn collect(&mut self, cx: &mut ExecCx<'_>) -> Result<bool> {
        let level = self.current.as_ref().map_or(0, |p| p.level);
        while let Some(batch) = self.read(cx)? {
            cx.check_interrupt()?;
            let keys: Vec<Arc<Vector>> =
                self.group.iter().map(|e| e.eval_batch(&batch, cx)).collect::<Result<_>>()?;
            let single = self.groupings.len() == 1;
            for grouping in &mut self.groupings {
                let frozen = self.partitions.is_some();
                let unknown = grouping.take(&batch, &keys, frozen, cx)?;
                if let (Some(rows), Some(partitions)) = (unknown, &mut self.partitions) {
                    partitions.add(&batch, rows.into_iter(), grouping.table.row_hashes())?;
                }
                let more = grouping.calls.iter().map(Call::bytes).sum();
                if frozen || grouping.columns.is_empty() || !single {
                    grouping.table.reserve(more)?;
                } else if !grouping.table.try_reserve(more) {
                    if self.strategy == AggregateStrategy::Sorted {
                        grouping.table.reserve(more)?;
                    } else {
                        self.partitions = Some(Partitions::new(level, cx)?);
                    }
                }
                grouping.calls.iter_mut().for_each(Call::settled);
            }
            let plain = self.calls.iter().all(|c| !c.distinct && c.order.is_empty());
            let sorted = self.strategy == AggregateStrategy::Sorted && single && plain;
            if sorted && self.groupings[0].table.len() > SORTED_GROUPS {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// After the input's end: groups that exist without rows, and collected rows of ordered aggregates.
    fn settle(&mut self, cx: &mut ExecCx<'_>) -> Result<()> {
        for grouping in &mut self.groupings {
            if grouping.columns.is_empty() && self.current.is_none() {
                grouping.table.locate(&[], Rows::All(1), 1, false, &mut grouping.numbers);
            }
            let groups = grouping.table.len();
            for call in &mut grouping.calls {
                call.settle(groups, cx)?;
            }
        }
        Ok(())
    }

    /// Hands out up to a batch of groups, from `group` up to `end`.
    fn output(&mut self, grouping: usize, group: usize, end: usize, cx: &mut ExecCx<'_>) -> Result<Batch> {
        let mut out = Builder::new(&self.types);
        let set = &mut self.groupings[grouping];
        let to = end.min(group + BATCH_ROWS);
        let width = self.group.len();
        for (slot, column) in out.columns.iter_mut().enumerate().take(width) {
            match set.columns.iter().position(|&c| c == slot) {
                Some(key) => column.append(&set.table.keys.columns[key], group..to),
                None => (group..to).for_each(|_| column.push_null()),
            }
        }
        for (call, column) in set.calls.iter_mut().zip(&mut out.columns[width..]) {
            for group in group..to {
                column.push_datum(&call.finish(group, cx)?);
            }
        }
        if let Some(column) = out.columns.get_mut(width + set.calls.len()) {
            let missing = |i: usize| i32::from(!set.columns.contains(&i));
            let mask = (0..width).fold(0, |mask, i| mask << 1 | missing(i));
            (group..to).for_each(|_| column.push_datum(&Datum::Int4(mask)));
        }
        out.len = to - group;
        Ok(out.finish())
    }
}

impl Grouping {
    /// Takes in a batch. Returns the rows whose groups are unknown, when the table is frozen.
    fn take(
        &mut self,
        batch: &Batch,
        keys: &[Arc<Vector>],
        frozen: bool,
        cx: &mut ExecCx<'_>,
    ) -> Result<Option<Vec<usize>>> {
        let columns: Vec<&Vector> = self.columns.iter().map(|&i| &*keys[i]).collect();
        self.table.locate(&columns, batch.rows(), batch.len, frozen, &mut self.numbers);
        self.by_row.clear();
        self.by_row.resize(batch.len, 0);
        let mut known: Vec<u16> = Vec::new();
        let mut unknown = Vec::new();
        for (row, &number) in batch.rows().iter().zip(&self.numbers) {
            if number == NONE {
                unknown.push(row);
            } else {
                self.by_row[row] = number;
                if frozen {
                    known.push(row as u16);
                }
            }
        }
        let rows = if frozen { Rows::Some(&known) } else { batch.rows() };
        let groups = self.table.len();
        for call in &mut self.calls {
            call.add(batch, rows, &self.by_row, groups, cx)?;
        }
        Ok(frozen.then_some(unknown))
    }

    /// Forgets all groups; false if making it anew costs less, or is simpler.
    fn empty(&mut self) -> bool {
        self.calls.iter_mut().all(Call::empty) && self.table.empty()
    }

    /// Keeps only the group that sorted input may still add to.
    fn keep_last(&mut self, types: &[DataType], cx: &ExecCx<'_>) {
        let Some(last) = self.table.len().checked_sub(1) else { return };
        let key = self.table.keys.gather(&[last as u32]);
        self.table = GroupTable::new(types, cx);
        let columns: Vec<&Vector> = key.columns.iter().map(|c| &**c).collect();
        self.table.locate(&columns, Rows::All(1), 1, false, &mut self.numbers);
        self.calls.iter_mut().for_each(Call::keep_last);
    }
}

impl Operator for Aggregate {
    fn next(&mut self, cx: &mut ExecCx<'_>) -> Result<Option<Batch>> {
        loop {
            match self.phase {
                Phase::Start => {
                    self.start(cx)?;
                    self.phase = Phase::Reading;
                }
                Phase::Reading => {
                    let more = self.collect(cx)?;
                    if !more {
                        self.settle(cx)?;
                    }
                    self.phase = Phase::Output { grouping: 0, group: 0, more };
                }
                Phase::Output { grouping, group, more } => {
                    let groups = self.groupings[grouping].table.len();
                    let end = if more { groups - 1 } else { groups };
                    if group < end {
                        let batch = self.output(grouping, group, end, cx)?;
                        self.phase = Phase::Output { grouping, group: group + batch.len, more };
                        return Ok(Some(batch));
                    }
                    if more {
                        let types: Vec<DataType> = self.group.iter().map(|g| g.ty).collect();
                        self.groupings[0].keep_last(&types, cx);
                        self.phase = Phase::Reading;
                    } else if grouping + 1 < self.groupings.len() {
                        self.phase = Phase::Output { grouping: grouping + 1, group: 0, more };
                    } else {
                        // What went to files is aggregated part by part.
                        let spilled = self.partitions.is_some() || self.current.is_some();
                        if spilled || !self.groupings.iter_mut().all(Grouping::empty) {
                            self.groupings.clear();
                        }
                        if let Some(partitions) = self.partitions.take() {
                            self.pending.extend(partitions.finish());
                        }
                        self.current = self.pending.pop();
                        self.phase = if self.current.is_some() { Phase::Start } else { Phase::Done };
                    }
                }
                Phase::Done => return Ok(None),
            }
        }
    }

    fn rescan(&mut self, cx: &mut ExecCx<'_>) -> Result<()> {
        if self.groupings.iter_mut().all(Grouping::empty) {
            self.spare = std::mem::take(&mut self.groupings);
        }
        self.groupings.clear();
        self.pending.clear();
        self.partitions = None;
        self.current = None;
        self.phase = Phase::Start;
        self.input.rescan(cx)
    }
}
