//! MergeJoin: walks two sides that are sorted by the keys, NULLs last.
//!
//! The right rows of one key are gathered as a group; every left row of that key meets all of them. NULL keys match nothing. Output keeps
//! the left side's order (right and full joins: the order of the keys).

use std::cmp::Ordering;
use std::sync::Arc;

use nq_qsql::error::{Result, SqlError};
use nq_qsql::plan::expr::Expr;
use nq_qsql::plan::physical::JoinKind;
use nq_qsql::types::{DataType, Oid};

use super::batch::{BATCH_ROWS, Builder};
use super::eval::{Compiled, Conditions};
use super::hash::compare_rows;
use super::memory::Reservation;
use super::vector::Vector;
use super::{Batch, ExecCx, Operator};

/// Equi-join of sorted sides.
pub struct MergeJoin {
    kind: JoinKind,
    left: Side,
    right: Side,
    oids: Vec<Oid>,
    residual: Conditions,
    left_types: Vec<DataType>,
    right_types: Vec<DataType>,
    group: Option<Group>,
    /// The left row being joined with the group: next group row, and whether it has matched.
    joining: Option<(usize, bool)>,
    out: Builder,
}

/// One input and the place in it.
struct Side {
    input: Box<dyn Operator>,
    keys: Vec<Compiled>,
    batch: Batch,
    values: Vec<Arc<Vector>>,
    position: usize,
    done: bool,
}

/// Right rows with one key.
struct Group {
    rows: Builder,
    /// One row per key column.
    key: Vec<Vector>,
    met: Vec<bool>,
    held: Reservation,
}

impl Side {
    fn new(input: Box<dyn Operator>, keys: Vec<Compiled>) -> Side {
        Side { input, keys, batch: Batch::default(), values: Vec::new(), position: 0, done: false }
    }

    /// The number of the current row in its batch, `None` at the end.
    fn current(&mut self, cx: &mut ExecCx<'_>) -> Result<Option<usize>> {
        while !self.done && self.position >= self.batch.count() {
            match self.input.next(cx)? {
                Some(batch) => {
                    self.values =
                        self.keys.iter().map(|k| k.eval_batch(&batch, cx)).collect::<Result<_>>()?;
                    self.batch = batch;
                    self.position = 0;
                }
                None => self.done = true,
            }
        }
        Ok((!self.done).then(|| self.batch.rows().nth(self.position)))
    }

    fn has_null(&self, row: usize) -> bool {
        self.values.iter().any(|v| v.is_null(row))
    }

    fn rescan(&mut self, cx: &mut ExecCx<'_>) -> Result<()> {
        self.batch = Batch::default();
        self.position = 0;
        self.done = false;
        self.input.rescan(cx)
    }
}

impl MergeJoin {
    /// Joins sorted sides, whose slots have these types.
    pub fn new(
        kind: JoinKind,
        (left, left_types): (Box<dyn Operator>, &[DataType]),
        (right, right_types): (Box<dyn Operator>, &[DataType]),
        keys: &[(Expr, Expr)],
        residual: &[Expr],
        cx: &ExecCx<'_>,
    ) -> Result<MergeJoin> {
        if matches!(kind, JoinKind::NullAwareAnti | JoinKind::Mark) {
            return Err(SqlError::internal("merge join of a kind that needs hashing"));
        }
        let mut types = left_types.to_vec();
        if !matches!(kind, JoinKind::Semi | JoinKind::Anti) {
            types.extend(right_types);
        }
        let left_keys = keys.iter().map(|(l, _)| Compiled::new(l, cx)).collect::<Result<_>>()?;
        let right_keys = keys.iter().map(|(_, r)| Compiled::new(r, cx)).collect::<Result<_>>()?;
        Ok(MergeJoin {
            kind,
            left: Side::new(left, left_keys),
            right: Side::new(right, right_keys),
            oids: keys.iter().map(|(l, _)| l.ty.oid).collect(),
            residual: Conditions::new(residual, cx)?,
            left_types: left_types.to_vec(),
            right_types: right_types.to_vec(),
            group: None,
            joining: None,
            out: Builder::new(&types),
        })
    }

    fn keeps_left(&self) -> bool {
        matches!(self.kind, JoinKind::Left | JoinKind::Full | JoinKind::Anti)
    }

    fn keeps_right(&self) -> bool {
        matches!(self.kind, JoinKind::Right | JoinKind::Full)
    }

    /// Compares the left row with the key of the group.
    fn against_group(&self, row: usize, key: &[Vector]) -> Ordering {
        let columns = self.left.values.iter().zip(key).zip(&self.oids);
        columns
            .map(|((l, g), oid)| compare_rows(l, row, g, 0, *oid))
            .find(|o| o.is_ne())
            .unwrap_or(Ordering::Equal)
    }

    /// Moves the right side to the first group whose key is not below that of the left row (of any key: `None`).
    fn next_group(&mut self, left: Option<usize>, cx: &mut ExecCx<'_>) -> Result<()> {
        self.drop_group();
        while let Some(row) = self.right.current(cx)? {
            let null = self.right.has_null(row);
            let order = match left {
                Some(left) if !null => {
                    let columns = self.left.values.iter().zip(&self.right.values).zip(&self.oids);
                    let mut orders = columns.map(|((l, r), oid)| compare_rows(l, left, r, row, *oid));
                    orders.find(|o| o.is_ne()).unwrap_or(Ordering::Equal)
                }
                // NULLs are last: nothing on the left can match any more.
                Some(_) => Ordering::Less,
                None => Ordering::Greater,
            };
            match order {
                Ordering::Less => return Ok(()),
                Ordering::Equal => return self.gather_group(row, cx),
                Ordering::Greater => {
                    if self.keeps_right() {
                        self.emit_right_row(row);
                        if self.out.len >= BATCH_ROWS {
                            self.right.position += 1;
                            return Ok(());
                        }
                    }
                    self.right.position += 1;
                }
            }
        }
        Ok(())
    }

    fn gather_group(&mut self, row: usize, cx: &mut ExecCx<'_>) -> Result<()> {
        let key: Vec<Vector> = self.right.values.iter().map(|v| v.gather(&[row as u32])).collect();
        let mut group = Group {
            rows: Builder::new(&self.right_types),
            key,
            met: Vec::new(),
            held: cx.memory.reservation(),
        };
        while let Some(row) = self.right.current(cx)? {
            let mut columns = self.right.values.iter().zip(&group.key).zip(&self.oids);
            if !columns.all(|((r, g), oid)| compare_rows(r, row, g, 0, *oid).is_eq()) {
                break;
            }
            for (to, from) in group.rows.columns.iter_mut().zip(&self.right.batch.columns) {
                to.append(from, std::iter::once(row));
            }
            group.rows.len += 1;
            self.right.position += 1;
            if group.rows.len.is_multiple_of(BATCH_ROWS) {
                cx.check_interrupt()?;
                group.held.resize(group.rows.bytes())?;
            }
        }
        group.met = vec![false; group.rows.len];
        self.group = Some(group);
        Ok(())
    }

    /// Ends the group: its rows without a partner are due in right and full joins.
    fn drop_group(&mut self) {
        let Some(group) = self.group.take() else { return };
        if self.keeps_right() {
            for row in (0..group.rows.len).filter(|&r| !group.met[r]) {
                self.emit_right(&group.rows.columns.iter().collect::<Vec<_>>(), row);
            }
        }
    }

    fn emit_right_row(&mut self, row: usize) {
        let columns: Vec<Arc<Vector>> = self.right.batch.columns.clone();
        self.emit_right(&columns.iter().map(|c| &**c).collect::<Vec<_>>(), row);
    }

    fn emit_right(&mut self, columns: &[&Vector], row: usize) {
        let (left, right) = self.out.columns.split_at_mut(self.left_types.len());
        left.iter_mut().for_each(Vector::push_null);
        for (to, from) in right.iter_mut().zip(columns) {
            to.append(from, std::iter::once(row));
        }
        self.out.len += 1;
    }

    fn emit_left(&mut self, row: usize) {
        let (left, right) = self.out.columns.split_at_mut(self.left_types.len());
        for (to, from) in left.iter_mut().zip(&self.left.batch.columns) {
            to.append(from, std::iter::once(row));
        }
        right.iter_mut().for_each(Vector::push_null);
        self.out.len += 1;
    }

    /// Joins the left row with the group as far as there is room; answers whether it is finished.
    fn join_group(&mut self, row: usize, cx: &mut ExecCx<'_>) -> Result<bool> {
        let (mut next, mut matched) = self.joining.take().unwrap_or((0, false));
        let Some(group) = &mut self.group else { return Ok(true) };
        let existence = matches!(self.kind, JoinKind::Semi | JoinKind::Anti);
        while next < group.rows.len && !(existence && matched) {
            if self.out.len >= BATCH_ROWS {
                self.joining = Some((next, matched));
                return Ok(false);
            }
            let end = (next + BATCH_ROWS).min(group.rows.len);
            let passed = if self.residual.is_empty() {
                None
            } else {
                let constant = |(c, ty): (&Arc<Vector>, &DataType)| {
                    Arc::new(Vector::constant(&c.datum(row, ty.oid), ty.oid))
                };
                let mut pair = group.rows.slice(next, end);
                let left = self.left.batch.columns.iter().zip(&self.left_types).map(constant);
                pair.columns = left.chain(std::mem::take(&mut pair.columns)).collect();
                Some(self.residual.apply(pair, cx)?)
            };
            let hits: Vec<usize> = match &passed {
                None => (next..end).collect(),
                Some(batch) => batch.rows().iter().map(|r| next + r).collect(),
            };
            matched |= !hits.is_empty();
            if !existence {
                let (left, right) = self.out.columns.split_at_mut(self.left_types.len());
                for (to, from) in left.iter_mut().zip(&self.left.batch.columns) {
                    to.append(from, std::iter::repeat_n(row, hits.len()));
                }
                for (to, from) in right.iter_mut().zip(&group.rows.columns) {
                    to.append(from, hits.iter().copied());
                }
                self.out.len += hits.len();
                hits.iter().for_each(|&h| group.met[h] = true);
            }
            next = end;
        }
        match self.kind {
            JoinKind::Semi if matched => self.emit_left(row),
            _ if self.keeps_left() && !matched => self.emit_left(row),
            _ => {}
        }
        Ok(true)
    }

    /// Handles the current left row; answers whether it is finished.
    fn left_row(&mut self, row: usize, cx: &mut ExecCx<'_>) -> Result<bool> {
        if self.joining.is_some() {
            return self.join_group(row, cx);
        }
        if !self.left.has_null(row) {
            let ahead = self.group.as_ref().is_none_or(|g| self.against_group(row, &g.key).is_gt());
            if ahead {
                self.next_group(Some(row), cx)?;
                if self.out.len >= BATCH_ROWS && self.group.is_none() {
                    return Ok(false);
                }
            }
            if self.group.as_ref().is_some_and(|g| self.against_group(row, &g.key).is_eq()) {
                return self.join_group(row, cx);
            }
        }
        if self.keeps_left() {
            self.emit_left(row);
        }
        Ok(true)
    }
}

impl Operator for MergeJoin {
    fn next(&mut self, cx: &mut ExecCx<'_>) -> Result<Option<Batch>> {
        cx.check_interrupt()?;
        while self.out.len < BATCH_ROWS {
            match self.left.current(cx)? {
                Some(row) => {
                    if self.left_row(row, cx)? {
                        self.left.position += 1;
                    }
                }
                None => {
                    self.drop_group();
                    if !self.keeps_right() || self.right.current(cx)?.is_none() {
                        break;
                    }
                    self.next_group(None, cx)?;
                }
            }
        }
        Ok((self.out.len > 0).then(|| self.out.finish()))
    }

    fn rescan(&mut self, cx: &mut ExecCx<'_>) -> Result<()> {
        self.group = None;
        self.joining = None;
        self.out.clear();
        self.left.rescan(cx)?;
        self.right.rescan(cx)
    }
}
