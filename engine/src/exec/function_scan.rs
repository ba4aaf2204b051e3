//! Functions in FROM: set-returning ones row by row, others as one row; several side by side (ROWS FROM), the short ones padded with NULLs.

use nq_qsql::error::Result;
use nq_qsql::func::SetRows;
use nq_qsql::plan::expr::Expr;
use nq_qsql::types::{DataType, Datum, info, rowtype, user};

use super::batch::{BATCH_ROWS, Builder};
use super::eval::{Compiled, Conditions};
use super::portions::PIECE_BYTES;
use super::project_set::{SetCall, record_columns};
use super::{Batch, ExecCx, Operator};

enum Source {
    Set(SetCall),
    /// The type of the value decides how many columns it fills.
    Single(Compiled, DataType),
}

/// Calls functions and yields their rows.
pub struct FunctionScan {
    sources: Vec<Source>,
    ordinality: bool,
    filter: Conditions,
    types: Vec<DataType>,
    running: Option<Vec<Running>>,
    ordinal: i64,
}

enum Running {
    Set(Box<dyn SetRows>),
    Value(Datum),
    Ended,
}

impl FunctionScan {
    /// Calls `calls` side by side; `types` are those of the output slots.
    pub fn new(
        calls: &[Expr],
        ordinality: bool,
        filter: Conditions,
        types: &[DataType],
        cx: &ExecCx<'_>,
    ) -> Result<FunctionScan> {
        let source = |expr: &Expr| {
            Ok(match SetCall::new(expr, cx)? {
                Some(call) => Source::Set(call),
                None => Source::Single(Compiled::new(expr, cx)?, expr.ty),
            })
        };
        let sources = calls.iter().map(source).collect::<Result<_>>()?;
        Ok(FunctionScan { sources, ordinality, filter, types: types.to_vec(), running: None, ordinal: 0 })
    }

    fn start(&self, cx: &mut ExecCx<'_>) -> Result<Vec<Running>> {
        let none = Batch { columns: Vec::new(), len: 1, selection: None };
        let start = |source: &Source| {
            Ok(match source {
                Source::Set(call) => call.start(&none, 0, cx)?.map_or(Running::Ended, Running::Set),
                Source::Single(expr, _) => Running::Value(expr.eval_alone(cx)?),
            })
        };
        self.sources.iter().map(start).collect()
    }

    /// Slots that a source fills.
    fn width(&self, source: &Source) -> usize {
        match source {
            Source::Set(call) if call.columns() > 1 => call.columns(),
            Source::Single(_, ty) if record_columns(*ty) > 1 => record_columns(*ty),
            _ if self.sources.len() == 1 => self.types.len() - usize::from(self.ordinality),
            _ => 1,
        }
    }

    /// The next row of all sources; `None` when all have ended.
    fn row(&mut self, running: &mut [Running], cx: &mut ExecCx<'_>) -> Result<Option<Vec<Datum>>> {
        let mut row = Vec::with_capacity(self.types.len());
        let mut any = false;
        for (source, state) in self.sources.iter().zip(running) {
            let end = row.len() + self.width(source);
            let values = match (source, std::mem::replace(state, Running::Ended)) {
                (Source::Set(call), Running::Set(mut set)) => {
                    let values = call.next(&mut *set, cx)?;
                    if values.is_some() {
                        *state = Running::Set(set);
                    }
                    values
                }
                (_, Running::Value(value)) => Some(vec![value]),
                _ => None,
            };
            any |= values.is_some();
            match values {
                // A record spreads over several slots.
                Some(mut values) if values.len() == 1 => match values.pop() {
                    Some(Datum::Record(fields)) if end - row.len() > 1 || spreads(source) => match source {
                        Source::Single(_, ty) => row.extend(user::live_fields(ty.oid, &fields)),
                        Source::Set(call) => row.extend(user::live_fields(call.ty().oid, &fields)),
                    },
                    other => row.extend(other),
                },
                Some(values) => row.extend(values),
                None => {}
            }
            row.resize(end, Datum::Null);
        }
        if any && self.ordinality {
            self.ordinal += 1;
            row.push(Datum::Int8(self.ordinal));
        }
        Ok(any.then_some(row))
    }
}

/// Whether a source's value is a row whose only field is the column.
fn spreads(source: &Source) -> bool {
    match source {
        Source::Single(_, ty) => rowtype::fields_of(*ty).is_some(),
        Source::Set(call) => info::is_composite(call.ty().oid),
    }
}

impl Operator for FunctionScan {
    fn next(&mut self, cx: &mut ExecCx<'_>) -> Result<Option<Batch>> {
        let mut running = match self.running.take() {
            Some(running) => running,
            None => self.start(cx)?,
        };
        loop {
            cx.check_interrupt()?;
            let mut out = Builder::new(&self.types);
            let mut bytes = 0;
            while out.len < BATCH_ROWS && bytes < PIECE_BYTES {
                let Some(row) = self.row(&mut running, cx)? else { break };
                bytes += row.iter().map(Datum::heap_bytes).sum::<usize>();
                out.push_row(&row);
            }
            if out.len == 0 {
                self.running = Some(running);
                return Ok(None);
            }
            let batch = self.filter.apply(out.finish(), cx)?;
            if batch.count() > 0 {
                self.running = Some(running);
                return Ok(Some(batch));
            }
        }
    }

    fn rescan(&mut self, _cx: &mut ExecCx<'_>) -> Result<()> {
        self.running = None;
        self.ordinal = 0;
        Ok(())
    }
}
