//! ProjectSet: set-returning calls in the select list. An input row repeats until its longest set has ended; shorter ones give NULL.

use std::sync::Arc;

use nq_qsql::catalog::RoutineTarget;
use nq_qsql::error::{Result, SqlError};
use nq_qsql::func::{Body, Function, SetRows};
use nq_qsql::plan::expr::{Expr, ExprKind};
use nq_qsql::types::{DataType, Datum, Oid, info, rowtype, user};

use super::batch::{BATCH_ROWS, Builder, Rows};
use super::eval::Compiled;
use super::portions::PIECE_BYTES;
use super::vector::Vector;
use super::{Batch, ExecCx, Operator};
use crate::session::routine;

/// Number of columns that a value takes in FROM: those of a record whose fields are known.
pub fn record_columns(ty: DataType) -> usize {
    rowtype::fields_of(ty).map_or(1, |fields| fields.iter().filter(|f| !user::is_dropped(f)).count())
}

/// A set-returning call.
pub struct SetCall {
    callee: Callee,
    args: Vec<Compiled>,
    arg_types: Vec<DataType>,
    result: DataType,
}

enum Callee {
    Builtin(&'static Function),
    Routine(Arc<RoutineTarget>),
}

impl SetCall {
    /// Compiles a call of a set-returning function; `None` for any other expression.
    pub fn new(expr: &Expr, cx: &ExecCx<'_>) -> Result<Option<SetCall>> {
        let (callee, args) = match &expr.kind {
            ExprKind::Call { func, args, .. } if func.is_set() => (Callee::Builtin(func), args),
            ExprKind::Routine { target, args, .. } if target.routine.returns_set => {
                (Callee::Routine(target.clone()), args)
            }
            _ => return Ok(None),
        };
        Ok(Some(SetCall {
            callee,
            args: Compiled::list(args, cx)?,
            arg_types: args.iter().map(|a| a.ty).collect(),
            result: expr.ty,
        }))
    }

    /// The type of a value of the set.
    pub fn ty(&self) -> DataType {
        self.result
    }

    /// Number of columns of its rows.
    pub fn columns(&self) -> usize {
        match &self.callee {
            Callee::Builtin(Function { body: Body::Set { columns: [], .. }, .. }) => {
                record_columns(self.result)
            }
            Callee::Builtin(Function { body: Body::Set { columns, .. }, .. }) => columns.len(),
            Callee::Builtin(_) => 1,
            Callee::Routine(target) => target.fields().map_or(1, |fields| fields.len()),
        }
    }

    /// Starts the set of one row of arguments; `None` for the empty set of a NULL argument.
    pub fn start(&self, batch: &Batch, row: usize, cx: &mut ExecCx<'_>) -> Result<Option<Box<dyn SetRows>>> {
        let rows = [row as u16];
        let mut args = Vec::with_capacity(self.args.len());
        for arg in &self.args {
            args.push(arg.eval(batch, Rows::Some(&rows), cx)?.datum(row, arg.ty.oid));
        }
        let strict = match &self.callee {
            Callee::Builtin(func) => func.strict,
            Callee::Routine(target) => target.routine.strict,
        };
        if strict && args.iter().any(Datum::is_null) {
            return Ok(None);
        }
        match &self.callee {
            Callee::Builtin(Function { body: Body::Set { body, .. }, .. }) => {
                body(&mut cx.eval_cx(&self.arg_types, self.result), &args).map(Some)
            }
            Callee::Builtin(func) => Err(SqlError::internal(format_args!("{} returns no set", func.name))),
            Callee::Routine(target) => routine::call_set(target, &args, cx).map(Some),
        }
    }

    /// The next row of a set it started.
    pub fn next(&self, set: &mut dyn SetRows, cx: &mut ExecCx<'_>) -> Result<Option<Vec<Datum>>> {
        set.next(&mut cx.eval_cx(&self.arg_types, self.result))
    }

    /// A row of the set as one value.
    fn value(&self, row: Vec<Datum>) -> Datum {
        match &self.callee {
            Callee::Routine(target) if target.is_row() => Datum::Record(row.into()),
            // Its rows are the elements, rows themselves or not.
            Callee::Builtin(func) if func.oid == UNNEST => row.into_iter().next().unwrap_or(Datum::Null),
            Callee::Builtin(_) | Callee::Routine(_) => single(row, self.result),
        }
    }
}

/// `unnest(anyarray)`
const UNNEST: Oid = 2331;

enum Item {
    Scalar(Compiled),
    Set(SetCall),
}

/// Computes expressions of which some are sets.
pub struct ProjectSet {
    input: Box<dyn Operator>,
    items: Vec<Item>,
    types: Vec<DataType>,
    current: Option<Current>,
}

/// The input batch at work.
struct Current {
    batch: Batch,
    scalars: Vec<Option<Arc<Vector>>>,
    /// Position among the batch's counting rows.
    position: usize,
    /// Sets of the row at `position`, once started; `None` inside: ended.
    sets: Option<Vec<Option<Box<dyn SetRows>>>>,
}

impl ProjectSet {
    /// Projects `input`.
    pub fn new(input: Box<dyn Operator>, exprs: &[Expr], cx: &ExecCx<'_>) -> Result<ProjectSet> {
        let item = |expr: &Expr| {
            Ok(match SetCall::new(expr, cx)? {
                Some(call) => Item::Set(call),
                None => Item::Scalar(Compiled::new(expr, cx)?),
            })
        };
        let items = exprs.iter().map(item).collect::<Result<_>>()?;
        Ok(ProjectSet { input, items, types: exprs.iter().map(|e| e.ty).collect(), current: None })
    }

    /// Appends rows of `current` until `out` is full; answers whether the batch is exhausted.
    fn fill(&self, current: &mut Current, out: &mut Builder, cx: &mut ExecCx<'_>) -> Result<bool> {
        let mut bytes = 0;
        while current.position < current.batch.count() {
            let row = current.batch.rows().nth(current.position);
            let mut sets = match current.sets.take() {
                Some(sets) => sets,
                None => {
                    let start = |item: &Item| match item {
                        Item::Set(call) => call.start(&current.batch, row, cx),
                        Item::Scalar(_) => Ok(None),
                    };
                    self.items.iter().map(start).collect::<Result<_>>()?
                }
            };
            loop {
                if out.len == BATCH_ROWS || bytes >= PIECE_BYTES {
                    current.sets = Some(sets);
                    return Ok(false);
                }
                let mut values: Vec<Option<Datum>> = Vec::with_capacity(sets.len());
                for (item, set) in self.items.iter().zip(&mut sets) {
                    let next = match (item, set.as_mut()) {
                        (Item::Set(call), Some(rows)) => call.next(&mut **rows, cx)?,
                        _ => None,
                    };
                    if next.is_none() {
                        *set = None;
                    }
                    values.push(next.map(|row| match item {
                        Item::Set(call) => call.value(row),
                        Item::Scalar(_) => Datum::Null,
                    }));
                }
                if values.iter().all(Option::is_none) {
                    break;
                }
                for (((column, item), value), scalar) in
                    out.columns.iter_mut().zip(&self.items).zip(values).zip(&current.scalars)
                {
                    match (item, scalar) {
                        (Item::Scalar(_), Some(vector)) => column.append(vector, std::iter::once(row)),
                        _ => {
                            let value = value.unwrap_or(Datum::Null);
                            bytes += value.heap_bytes();
                            column.push_datum(&value);
                        }
                    }
                }
                out.len += 1;
            }
            current.position += 1;
        }
        Ok(true)
    }
}

/// A row of a set as one value.
fn single(mut row: Vec<Datum>, ty: DataType) -> Datum {
    match row.len() {
        1 if !info::is_row(ty.oid) => row.pop().unwrap_or(Datum::Null),
        _ => Datum::Record(row.into()),
    }
}

impl Operator for ProjectSet {
    fn next(&mut self, cx: &mut ExecCx<'_>) -> Result<Option<Batch>> {
        let mut out = Builder::new(&self.types);
        loop {
            cx.check_interrupt()?;
            let mut current = match self.current.take() {
                Some(current) => current,
                None => {
                    if out.len > 0 {
                        return Ok(Some(out.finish()));
                    }
                    let Some(batch) = self.input.next(cx)? else { return Ok(None) };
                    let scalar = |item: &Item| match item {
                        Item::Scalar(expr) => expr.eval_batch(&batch, cx).map(Some),
                        Item::Set(_) => Ok(None),
                    };
                    let scalars = self.items.iter().map(scalar).collect::<Result<_>>()?;
                    Current { batch, scalars, position: 0, sets: None }
                }
            };
            if !self.fill(&mut current, &mut out, cx)? {
                self.current = Some(current);
                return Ok(Some(out.finish()));
            }
        }
    }

    fn rescan(&mut self, cx: &mut ExecCx<'_>) -> Result<()> {
        self.current = None;
        self.input.rescan(cx)
    }
}
