//! Window: functions over partitions of sorted input.
//!
//! Rows are gathered until their partition ends; then every call computes its column for the whole partition, and the partition goes out.
//! Beside the input's slots the gathered rows hold the values of partition keys, order keys, arguments and filters, each computed once.
//!
//! 1. Rows with equal order keys are peers; all peers see the same default frame.
//! 2. An aggregate is carried on from row to row as long as its frame only grows at its end, and started anew when its start moves.

mod frame;
mod function;

use std::sync::Arc;

use nq_qsql::error::Result;
use nq_qsql::plan::expr::{SortKey, WindowCall};
use nq_qsql::types::DataType;

use super::batch::{BATCH_ROWS, Builder};
use super::eval::Compiled;
use super::hash::equal_rows;
use super::memory::Reservation;
use super::vector::Vector;
use super::{Batch, ExecCx, Operator};

use frame::FrameSpec;
use function::Function;

/// Computes window functions.
pub struct Window {
    input: Box<dyn Operator>,
    width: usize,
    types: Vec<DataType>,
    /// Expressions behind the input's slots in the gathered rows.
    extra: Vec<Compiled>,
    partition: Vec<usize>,
    order: Vec<OrderKey>,
    calls: Vec<Call>,
    rows: Builder,
    /// A batch of which rows before the position are gathered already.
    next: Option<(Batch, usize)>,
    held: Option<Reservation>,
    /// The finished partition's columns and the position in it.
    ready: Option<(Vec<Vector>, usize)>,
    done: bool,
}

/// An order key: where its values are among the gathered columns.
struct OrderKey {
    slot: usize,
    ty: DataType,
    descending: bool,
}

/// A call: what it computes, over which frame, from which gathered columns.
struct Call {
    function: Function,
    frame: FrameSpec,
    args: Vec<(usize, DataType)>,
    filter: Option<usize>,
    ty: DataType,
}

/// A partition as the calls see it.
struct Partition<'a> {
    columns: &'a [Vector],
    len: usize,
    /// Number of each row's group of peers.
    group_of: Vec<u32>,
    /// First row of each group, and the end of the last.
    group_starts: Vec<usize>,
    order: &'a [OrderKey],
}

impl Partition<'_> {
    /// First row of the row's peers.
    fn peers_start(&self, row: usize) -> usize {
        self.group_starts[self.group_of[row] as usize]
    }

    /// End of the row's peers.
    fn peers_end(&self, row: usize) -> usize {
        self.group_starts[self.group_of[row] as usize + 1]
    }

    /// Number of groups.
    fn groups(&self) -> usize {
        self.group_starts.len() - 1
    }
}

impl Window {
    /// Computes `calls`, which share partition and order, over sorted `input`, whose slots have `input_types`.
    pub fn new(
        input: Box<dyn Operator>,
        calls: &[WindowCall],
        input_types: &[DataType],
        cx: &ExecCx<'_>,
    ) -> Result<Window> {
        let width = input_types.len();
        let mut types = input_types.to_vec();
        let mut extra = Vec::new();
        let mut add = |expr| -> Result<usize> {
            let compiled = Compiled::new(expr, cx)?;
            if let Some(slot) = compiled.slot() {
                return Ok(slot);
            }
            types.push(compiled.ty);
            extra.push(compiled);
            Ok(types.len() - 1)
        };
        let (mut partition_slots, mut order) = (Vec::new(), Vec::new());
        if let Some(call) = calls.first() {
            for expr in &call.window.partition {
                partition_slots.push(add(expr)?);
            }
            for SortKey { expr, descending, .. } in &call.window.order {
                let descending = *descending;
                order.push(OrderKey { slot: add(expr)?, ty: expr.ty, descending });
            }
        }
        let mut made = Vec::new();
        for call in calls {
            let mut args = Vec::new();
            for arg in &call.args {
                args.push((add(arg)?, arg.ty));
            }
            let filter = call.filter.as_ref().map(&mut add).transpose()?;
            let function = Function::new(call)?;
            made.push(Call {
                function,
                frame: FrameSpec::new(&call.window.frame, &order, cx)?,
                args,
                filter,
                ty: call.ty,
            });
        }
        Ok(Window {
            input,
            width,
            rows: Builder::new(&types),
            types,
            extra,
            partition: partition_slots,
            order,
            calls: made,
            next: None,
            held: None,
            ready: None,
            done: false,
        })
    }

    /// Gathers rows up to the end of a partition; answers whether there is one.
    fn gather(&mut self, cx: &mut ExecCx<'_>) -> Result<bool> {
        self.rows.clear();
        loop {
            let (batch, from) = match self.next.take() {
                Some(next) => next,
                None => match self.input.next(cx)? {
                    Some(batch) => {
                        let mut batch = batch;
                        for expr in &self.extra {
                            let column = expr.eval_batch(&batch, cx)?;
                            batch.columns.push(column);
                        }
                        (batch, 0)
                    }
                    None => break,
                },
            };
            cx.check_interrupt()?;
            let count = batch.count();
            let mut to = from;
            while to < count && self.belongs(&batch, from, to) {
                to += 1;
            }
            self.rows.append(&batch.clone().slice(from, to));
            self.held.get_or_insert_with(|| cx.memory.reservation()).resize(self.rows.bytes())?;
            if to < count {
                self.next = Some((batch, to));
                return Ok(true);
            }
        }
        Ok(self.rows.len > 0)
    }

    /// Whether the batch's counting row number `at` is of the partition being gathered, of which the rows before it are part.
    fn belongs(&self, batch: &Batch, from: usize, at: usize) -> bool {
        let row = batch.rows().nth(at);
        self.partition.iter().all(|&slot| {
            let (column, oid) = (&batch.columns[slot], self.types[slot].oid);
            if self.rows.len > 0 {
                equal_rows(column, row, &self.rows.columns[slot], self.rows.len - 1, oid)
            } else {
                at == from || equal_rows(column, row, column, batch.rows().nth(at - 1), oid)
            }
        })
    }

    /// Computes all calls over the gathered partition.
    fn compute(&mut self, cx: &mut ExecCx<'_>) -> Result<Vec<Vector>> {
        let len = self.rows.len;
        let (mut group_of, mut group_starts) = (Vec::with_capacity(len), Vec::new());
        for row in 0..len {
            let same = row > 0
                && self.order.iter().all(|k| {
                    let column = &self.rows.columns[k.slot];
                    equal_rows(column, row - 1, column, row, k.ty.oid)
                });
            if !same {
                group_starts.push(row);
            }
            group_of.push(group_starts.len() as u32 - 1);
        }
        group_starts.push(len);
        let partition =
            Partition { columns: &self.rows.columns, len, group_of, group_starts, order: &self.order };
        let mut results = Vec::with_capacity(self.calls.len());
        for call in &self.calls {
            results.push(call.function.compute(call, &partition, cx)?);
        }
        Ok(results)
    }
}

impl Operator for Window {
    fn next(&mut self, cx: &mut ExecCx<'_>) -> Result<Option<Batch>> {
        loop {
            if let Some((results, from)) = self.ready.take()
                && from < self.rows.len
            {
                let to = (from + BATCH_ROWS).min(self.rows.len);
                let rows: Vec<u32> = (from as u32..to as u32).collect();
                let columns = self.rows.columns[..self.width].iter().chain(&results);
                let columns = columns.map(|c| Arc::new(c.gather(&rows))).collect();
                self.ready = Some((results, to));
                return Ok(Some(Batch { columns, len: to - from, selection: None }));
            }
            if self.done || !self.gather(cx)? {
                self.done = true;
                return Ok(None);
            }
            self.ready = Some((self.compute(cx)?, 0));
        }
    }

    fn rescan(&mut self, cx: &mut ExecCx<'_>) -> Result<()> {
        self.rows.clear();
        self.next = None;
        self.ready = None;
        self.done = false;
        self.input.rescan(cx)
    }
}
