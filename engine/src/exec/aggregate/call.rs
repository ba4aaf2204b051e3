//! One aggregate call: its filter, DISTINCT and ORDER BY around the state.

use std::sync::Arc;

use nq_qsql::error::Result;
use nq_qsql::plan::expr::AggregateCall;
use nq_qsql::plan::physical::SortSlot;
use nq_qsql::types::{DataType, Datum, oid};

use super::super::ExecCx;
use super::super::batch::{BATCH_ROWS, Batch, Builder, Rows};
use super::super::eval::Compiled;
use super::super::group_table::GroupTable;
use super::super::hash::equal_rows;
use super::super::memory::Reservation;
use super::super::sort::order;
use super::super::vector::{Values, Vector};
use super::state::State;

/// A call at work for all groups of one grouping set.
pub(super) struct Call {
    state: State,
    args: Vec<Compiled>,
    filter: Option<Compiled>,
    mode: Mode,
}

enum Mode {
    Plain,
    /// Arguments seen, with their group, of a call whose state does not mind the order.
    Distinct(Box<GroupTable>),
    /// Rows kept until the end: group, arguments, order keys.
    Sorted(Box<Collected>),
}

struct Collected {
    rows: Builder,
    order: Vec<Compiled>,
    keys: Vec<SortSlot>,
    distinct: bool,
    types: Vec<DataType>,
    held: Reservation,
}

impl Call {
    pub(super) fn new(call: &AggregateCall, cx: &ExecCx<'_>) -> Result<Call> {
        let arg_types: Vec<DataType> = call.args.iter().map(|a| a.ty).collect();
        let state = State::new(call.func, call.user.as_ref(), &arg_types, call.ty);
        let mut types = vec![DataType::of(oid::INT4)];
        types.extend(&arg_types);
        let mode = if !call.order.is_empty() || (call.distinct && state.ordered()) {
            let slot = |slot: usize, ty, collation, descending, nulls_first| SortSlot {
                slot: slot as u32,
                ty,
                collation,
                descending,
                nulls_first,
            };
            let mut keys = vec![slot(0, types[0], 0, false, false)];
            for key in &call.order {
                keys.push(slot(
                    types.len(),
                    key.expr.ty,
                    key.expr.collation,
                    key.descending,
                    key.nulls_first,
                ));
                types.push(key.expr.ty);
            }
            if call.distinct {
                keys.extend(
                    (0..arg_types.len())
                        .map(|i| slot(i + 1, arg_types[i], call.args[i].collation, false, false)),
                );
            }
            Mode::Sorted(Box::new(Collected {
                rows: Builder::new(&types),
                order: call.order.iter().map(|k| Compiled::new(&k.expr, cx)).collect::<Result<_>>()?,
                keys,
                distinct: call.distinct,
                types,
                held: cx.memory.reservation(),
            }))
        } else if call.distinct {
            Mode::Distinct(Box::new(GroupTable::new(&types, cx)))
        } else {
            Mode::Plain
        };
        let filter = call.filter.as_ref().map(|f| Compiled::new(f, cx)).transpose()?;
        Ok(Call { state, args: Compiled::list(&call.args, cx)?, filter, mode })
    }

    /// Takes rows of a batch; `groups` is aligned with it.
    pub(super) fn add(
        &mut self,
        batch: &Batch,
        rows: Rows<'_>,
        groups: &[u32],
        count: usize,
        cx: &mut ExecCx<'_>,
    ) -> Result<()> {
        self.state.grow(count)?;
        let mut passed = Vec::new();
        let rows = match &self.filter {
            Some(filter) => {
                filter.select(batch, rows, cx, &mut passed)?;
                Rows::Some(&passed)
            }
            None => rows,
        };
        if rows.is_empty() {
            return Ok(());
        }
        let args: Vec<Arc<Vector>> =
            self.args.iter().map(|a| a.eval(batch, rows, cx)).collect::<Result<_>>()?;
        let refs: Vec<&Vector> = args.iter().map(|a| &**a).collect();
        match &mut self.mode {
            Mode::Plain => self.state.add(&refs, rows, groups, cx),
            Mode::Distinct(seen) => {
                let numbers = Vector::of(Values::I32(groups.iter().map(|&g| g as i32).collect()));
                let mut keys = vec![&numbers];
                keys.extend(&refs);
                let mut next = seen.len() as u32;
                let mut found = Vec::new();
                seen.locate(&keys, rows, batch.len, false, &mut found);
                seen.reserve(0)?;
                let mut fresh = Vec::new();
                for (row, number) in rows.iter().zip(found) {
                    if number == next {
                        fresh.push(row as u16);
                        next += 1;
                    }
                }
                self.state.add(&refs, Rows::Some(&fresh), groups, cx)
            }
            Mode::Sorted(collected) => {
                let numbers = Vector::of(Values::I32(groups.iter().map(|&g| g as i32).collect()));
                let order: Vec<Arc<Vector>> =
                    collected.order.iter().map(|k| k.eval(batch, rows, cx)).collect::<Result<_>>()?;
                let sources = std::iter::once(&numbers).chain(refs).chain(order.iter().map(|k| &**k));
                for (to, from) in collected.rows.columns.iter_mut().zip(sources) {
                    to.append(from, rows.iter());
                }
                collected.rows.len += rows.count();
                collected.held.resize(collected.rows.bytes())
            }
        }
    }

    /// Feeds what was collected, in order. Called once, before the results.
    pub(super) fn settle(&mut self, groups: usize, cx: &mut ExecCx<'_>) -> Result<()> {
        self.state.grow(groups)?;
        let Mode::Sorted(collected) = &mut self.mode else { return Ok(()) };
        let mut sorted = order(&collected.rows, &collected.keys, cx)?;
        let width = self.args.len();
        if collected.distinct {
            let columns = &collected.rows.columns[..=width];
            let same = |a: u32, b: u32| {
                let mut pairs = columns.iter().zip(&collected.types);
                pairs.all(|(c, ty)| equal_rows(c, a as usize, c, b as usize, ty.oid))
            };
            sorted.dedup_by(|b, a| same(*a, *b));
        }
        for chunk in sorted.chunks(BATCH_ROWS) {
            cx.check_interrupt()?;
            let batch = collected.rows.gather(chunk);
            let Values::I32(numbers) = &batch.columns[0].values else { continue };
            let groups: Vec<u32> = numbers.iter().map(|&g| g as u32).collect();
            let args: Vec<&Vector> = batch.columns[1..=width].iter().map(|c| &**c).collect();
            self.state.add(&args, Rows::All(batch.len), &groups, cx)?;
        }
        collected.rows.clear();
        collected.held.resize(0)
    }

    pub(super) fn finish(&mut self, group: usize, cx: &mut ExecCx<'_>) -> Result<Datum> {
        self.state.take(group, cx)
    }

    /// Forgets all groups, if the call keeps nothing but its state; answers whether it did.
    pub(super) fn empty(&mut self) -> bool {
        let plain = matches!(self.mode, Mode::Plain);
        if plain {
            self.state.empty();
        }
        plain
    }

    /// Forgets all groups but the last; for calls without DISTINCT and ORDER BY only.
    pub(super) fn keep_last(&mut self) {
        self.state.keep_last();
    }

    /// What has been added is counted by the operator from now on.
    pub(super) fn settled(&mut self) {
        self.state.settled();
    }

    /// Heap bytes of the state, roughly.
    pub(super) fn bytes(&self) -> usize {
        self.state.bytes()
    }
}
