//! NestedLoop: runs the right side for each left row, under params set from it, or replays it when it does not depend on the row.

use std::sync::Arc;

use nq_qsql::error::Result;
use nq_qsql::plan::expr::{Expr, ExprKind};
use nq_qsql::plan::physical::JoinKind;
use nq_qsql::types::{DataType, Datum, oid};

use super::batch::{BATCH_ROWS, Builder, Rows};
use super::depends;
use super::eval::Compiled;
use super::row_store::RowStore;
use super::vector::{Values, Vector};
use super::{Batch, ExecCx, Operator};

/// Joins by running the right side again and again.
pub struct NestedLoop {
    kind: JoinKind,
    left: Box<dyn Operator>,
    right: Box<dyn Operator>,
    /// (exec param, value over left slots, its type)
    params: Vec<(usize, Compiled)>,
    /// All conditions as one.
    condition: Option<Compiled>,
    /// Left slots that the condition reads.
    condition_slots: Vec<usize>,
    left_types: Vec<DataType>,
    right_types: Vec<DataType>,
    /// Right rows by batch, when there are no params.
    replay: Option<RowStore>,
    replay_complete: bool,
    right_started: bool,
    /// Right and full joins: which replayed rows have met a partner, by batch.
    met: Vec<Vec<bool>>,
    outer: Option<Outer>,
    /// Number of the next replayed batch to look for unmatched rows in, at the end.
    tail: Option<usize>,
    out: Builder,
}

/// The left batch at work.
struct Outer {
    batch: Batch,
    params: Vec<Arc<Vector>>,
    position: usize,
    /// The row at `position` is being joined.
    inner: Option<Inner>,
}

/// Where the right side stands for one left row.
struct Inner {
    next: usize,
    matched: bool,
    unknown: bool,
    /// Columns of the left row that the condition reads, as constants.
    constants: Vec<Arc<Vector>>,
}

impl NestedLoop {
    /// Joins `left` and `right`, whose slots have these types.
    #[allow(clippy::too_many_arguments, reason = "a join has that many parts")]
    pub fn new(
        kind: JoinKind,
        left: Box<dyn Operator>,
        right: Box<dyn Operator>,
        params: &[(u32, Expr)],
        conditions: &[Expr],
        left_types: &[DataType],
        right_types: &[DataType],
        cx: &ExecCx<'_>,
    ) -> Result<NestedLoop> {
        let condition = match conditions {
            [] => None,
            [one] => Some(Compiled::new(one, cx)?),
            many => {
                let all = Expr::new(ExprKind::And(many.to_vec()), DataType::of(oid::BOOL));
                Some(Compiled::new(&all, cx)?)
            }
        };
        let mut condition_slots = Vec::new();
        conditions.iter().for_each(|e| depends::slots(e, &mut condition_slots));
        condition_slots.retain(|&s| s < left_types.len());
        condition_slots.sort_unstable();
        condition_slots.dedup();
        let params = params
            .iter()
            .map(|(slot, e)| Ok((*slot as usize, Compiled::new(e, cx)?)))
            .collect::<Result<_>>()?;
        let mut types = left_types.to_vec();
        match kind {
            JoinKind::Inner | JoinKind::Left | JoinKind::Right | JoinKind::Full => types.extend(right_types),
            JoinKind::Mark => types.push(DataType::of(oid::BOOL)),
            JoinKind::Semi | JoinKind::Anti | JoinKind::NullAwareAnti => {}
        }
        Ok(NestedLoop {
            kind,
            left,
            right,
            params,
            condition,
            condition_slots,
            left_types: left_types.to_vec(),
            right_types: right_types.to_vec(),
            replay: None,
            replay_complete: false,
            right_started: false,
            met: Vec::new(),
            outer: None,
            tail: None,
            out: Builder::new(&types),
        })
    }

    /// The next batch of the right side for the current left row.
    fn right_batch(&mut self, inner: &mut Inner, cx: &mut ExecCx<'_>) -> Result<Option<Batch>> {
        if !self.params.is_empty() {
            return self.right.next(cx);
        }
        let replay = self.replay.get_or_insert_with(|| RowStore::new(&self.right_types, cx));
        if inner.next == replay.len() && !self.replay_complete {
            match self.right.next(cx)? {
                Some(batch) => {
                    replay.push(&batch)?;
                    if matches!(self.kind, JoinKind::Right | JoinKind::Full) {
                        self.met.push(vec![false; batch.count()]);
                    }
                }
                None => self.replay_complete = true,
            }
        }
        let batch = replay.get(inner.next)?;
        inner.next += usize::from(batch.is_some());
        Ok(batch)
    }

    /// Starts joining the left row at the current position.
    fn start(&mut self, outer: &Outer, row: usize, cx: &mut ExecCx<'_>) -> Result<Inner> {
        if !self.params.is_empty() {
            for ((slot, expr), value) in self.params.iter().zip(&outer.params) {
                cx.set_exec_param(*slot, value.datum(row, expr.ty.oid));
            }
            if self.right_started {
                self.right.rescan(cx)?;
            }
            self.right_started = true;
        }
        let mut constants = Vec::new();
        if self.condition.is_some() {
            let blank = Arc::new(Vector { constant: true, ..Vector::of(Values::Bool(vec![false])) });
            constants = vec![blank; self.left_types.len()];
            for &slot in &self.condition_slots {
                let value = outer.batch.columns[slot].datum(row, self.left_types[slot].oid);
                constants[slot] = Arc::new(Vector::constant(&value, self.left_types[slot].oid));
            }
        }
        Ok(Inner { next: 0, matched: false, unknown: false, constants })
    }

    /// Narrows a right batch to the rows that join with the current left row.
    fn matches(&self, inner: &mut Inner, right: Batch, cx: &mut ExecCx<'_>) -> Result<Batch> {
        let Some(condition) = &self.condition else { return Ok(right) };
        let columns = inner.constants.iter().chain(&right.columns).cloned().collect();
        let pair = Batch { columns, len: right.len, selection: right.selection };
        let three_valued = matches!(self.kind, JoinKind::Mark | JoinKind::NullAwareAnti);
        let mut passed = Vec::new();
        if three_valued {
            let verdict = condition.eval_batch(&pair, cx)?;
            inner.unknown |= pair.rows().iter().any(|row| verdict.is_null(row));
            super::eval::true_rows(&verdict, pair.rows(), &mut passed);
        } else {
            condition.select(&pair, pair.rows(), cx, &mut passed)?;
        }
        Ok(Batch { columns: right.columns, len: right.len, selection: Some(passed) })
    }

    /// Appends the left row with the counting rows of `right`.
    fn emit(&mut self, outer: &Outer, row: usize, right: &Batch) {
        let count = right.count();
        let (left, rest) = self.out.columns.split_at_mut(self.left_types.len());
        for (to, from) in left.iter_mut().zip(&outer.batch.columns) {
            to.append(from, std::iter::repeat_n(row, count));
        }
        for (to, from) in rest.iter_mut().zip(&right.columns) {
            to.append(from, right.rows().iter());
        }
        self.out.len += count;
    }

    /// Appends the left row, `extra` or NULLs filling the other slots.
    fn emit_left(&mut self, outer: &Outer, row: usize, extra: Option<&Datum>) {
        let (left, rest) = self.out.columns.split_at_mut(self.left_types.len());
        for (to, from) in left.iter_mut().zip(&outer.batch.columns) {
            to.append(from, std::iter::once(row));
        }
        for to in rest {
            to.push_datum(extra.unwrap_or(&Datum::Null));
        }
        self.out.len += 1;
    }

    /// Joins the current left row as far as the output has room; answers whether it is finished.
    fn join_row(&mut self, outer: &mut Outer, cx: &mut ExecCx<'_>) -> Result<bool> {
        let row = outer.batch.rows().nth(outer.position);
        let mut inner = match outer.inner.take() {
            Some(inner) => inner,
            None => self.start(outer, row, cx)?,
        };
        loop {
            if self.out.len >= BATCH_ROWS {
                outer.inner = Some(inner);
                return Ok(false);
            }
            let Some(right) = self.right_batch(&mut inner, cx)? else { break };
            let number = inner.next.wrapping_sub(1);
            let right = self.matches(&mut inner, right, cx)?;
            if right.count() == 0 {
                continue;
            }
            inner.matched = true;
            match self.kind {
                JoinKind::Inner | JoinKind::Left => self.emit(outer, row, &right),
                JoinKind::Right | JoinKind::Full => {
                    right.rows().iter().for_each(|r| self.met[number][r] = true);
                    self.emit(outer, row, &right);
                }
                JoinKind::Semi | JoinKind::Anti | JoinKind::NullAwareAnti | JoinKind::Mark => break,
            }
        }
        match self.kind {
            JoinKind::Left | JoinKind::Full if !inner.matched => self.emit_left(outer, row, None),
            JoinKind::Semi if inner.matched => self.emit_left(outer, row, None),
            JoinKind::Anti if !inner.matched => self.emit_left(outer, row, None),
            JoinKind::NullAwareAnti if !inner.matched && !inner.unknown => self.emit_left(outer, row, None),
            JoinKind::Mark => {
                let mark = match (inner.matched, inner.unknown) {
                    (true, _) => Datum::Bool(true),
                    (false, true) => Datum::Null,
                    (false, false) => Datum::Bool(false),
                };
                self.emit_left(outer, row, Some(&mark));
            }
            _ => {}
        }
        Ok(true)
    }

    /// After the last left row: right rows without a partner, for right and full joins.
    fn unmatched(&mut self, cx: &mut ExecCx<'_>) -> Result<Option<Batch>> {
        if !matches!(self.kind, JoinKind::Right | JoinKind::Full) {
            return Ok(None);
        }
        let mut number = match self.tail.take() {
            Some(number) => number,
            None => {
                // With an empty left side nobody has read the right one yet.
                let mut all =
                    Inner { next: self.met.len(), matched: false, unknown: false, constants: Vec::new() };
                while self.right_batch(&mut all, cx)?.is_some() {}
                0
            }
        };
        while let (Some(met), Some(replay)) = (self.met.get(number), &self.replay) {
            let Some(right) = replay.get(number)? else { break };
            let alone: Vec<u16> = (0..right.len).filter(|&r| !met[r]).map(|r| r as u16).collect();
            number += 1;
            if alone.is_empty() {
                continue;
            }
            let nulls = self.left_types.iter().map(|ty| Arc::new(Vector::constant(&Datum::Null, ty.oid)));
            let columns = nulls.chain(right.columns.iter().cloned()).collect();
            self.tail = Some(number);
            return Ok(Some(Batch { columns, len: right.len, selection: Some(alone) }));
        }
        self.tail = Some(number);
        Ok(None)
    }
}

impl Operator for NestedLoop {
    fn next(&mut self, cx: &mut ExecCx<'_>) -> Result<Option<Batch>> {
        if self.tail.is_some() {
            return self.unmatched(cx);
        }
        loop {
            cx.check_interrupt()?;
            let mut outer = match self.outer.take() {
                Some(outer) => outer,
                None => match self.left.next(cx)? {
                    Some(batch) => {
                        let rows: Rows<'_> = batch.rows();
                        let params = self
                            .params
                            .iter()
                            .map(|(_, e)| e.eval(&batch, rows, cx))
                            .collect::<Result<_>>()?;
                        Outer { batch, params, position: 0, inner: None }
                    }
                    None if self.out.len > 0 => return Ok(Some(self.out.finish())),
                    None => return self.unmatched(cx),
                },
            };
            while outer.position < outer.batch.count() {
                if !self.join_row(&mut outer, cx)? {
                    break;
                }
                outer.position += 1;
                if self.out.len >= BATCH_ROWS {
                    break;
                }
            }
            if outer.position < outer.batch.count() {
                self.outer = Some(outer);
            }
            if self.out.len >= BATCH_ROWS / 2 || (self.outer.is_none() && self.out.len > 0) {
                return Ok(Some(self.out.finish()));
            }
        }
    }

    fn rescan(&mut self, cx: &mut ExecCx<'_>) -> Result<()> {
        self.outer = None;
        self.tail = None;
        self.out.clear();
        self.replay = None;
        self.replay_complete = false;
        self.met.clear();
        self.left.rescan(cx)?;
        if self.params.is_empty() { self.right.rescan(cx) } else { Ok(()) }
    }
}
