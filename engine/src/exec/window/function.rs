//! What window functions compute over a partition.

use std::sync::Arc;

use nq_qsql::catalog::AggregateTarget;
use nq_qsql::error::{Result, SqlError};
use nq_qsql::plan::expr::{FrameExclude, WindowCall};
use nq_qsql::sql_err;
use nq_qsql::types::{DataType, Datum};

use super::super::ExecCx;
use super::super::aggregate::State;
use super::super::batch::{BATCH_ROWS, Rows};
use super::super::vector::{Kind, Values, Vector};
use super::{Call, Partition};

/// A window function.
pub(super) enum Function {
    RowNumber,
    Rank,
    DenseRank,
    PercentRank,
    CumeDist,
    Ntile,
    /// Rows towards the end (`lead`) or the start (`lag`).
    Shift {
        lead: bool,
    },
    FirstValue,
    LastValue,
    NthValue,
    Aggregate {
        func: &'static nq_qsql::func::Function,
        user: Option<Arc<AggregateTarget>>,
        types: Vec<DataType>,
    },
}

impl Function {
    pub(super) fn new(call: &WindowCall) -> Result<Function> {
        if call.func.is_aggregate() {
            return Ok(Function::Aggregate {
                func: call.func,
                user: call.user.clone(),
                types: call.args.iter().map(|a| a.ty).collect(),
            });
        }
        Ok(match call.func.name {
            "row_number" => Function::RowNumber,
            "rank" => Function::Rank,
            "dense_rank" => Function::DenseRank,
            "percent_rank" => Function::PercentRank,
            "cume_dist" => Function::CumeDist,
            "ntile" => Function::Ntile,
            "lag" => Function::Shift { lead: false },
            "lead" => Function::Shift { lead: true },
            "first_value" => Function::FirstValue,
            "last_value" => Function::LastValue,
            "nth_value" => Function::NthValue,
            other => return Err(SqlError::unsupported(format_args!("window function {other}"))),
        })
    }

    /// The column of results for a partition.
    pub(super) fn compute(&self, call: &Call, p: &Partition<'_>, cx: &mut ExecCx<'_>) -> Result<Vector> {
        let mut out = Vector::new(Kind::of(call.ty.oid));
        let n = p.len;
        match self {
            Function::RowNumber => (0..n).for_each(|i| out.push_datum(&Datum::Int8(i as i64 + 1))),
            Function::Rank => (0..n).for_each(|i| out.push_datum(&Datum::Int8(p.peers_start(i) as i64 + 1))),
            Function::DenseRank => {
                (0..n).for_each(|i| out.push_datum(&Datum::Int8(i64::from(p.group_of[i]) + 1)))
            }
            Function::PercentRank => {
                let rest = (n - 1) as f64;
                let rank = |i| if n > 1 { p.peers_start(i) as f64 / rest } else { 0.0 };
                (0..n).for_each(|i| out.push_datum(&Datum::Float8(rank(i))));
            }
            Function::CumeDist => {
                (0..n).for_each(|i| out.push_datum(&Datum::Float8(p.peers_end(i) as f64 / n as f64)));
            }
            Function::Ntile => ntile(call, p, &mut out)?,
            Function::Shift { lead } => (0..n).for_each(|i| out.push_datum(&shifted(call, p, i, *lead))),
            Function::FirstValue | Function::LastValue | Function::NthValue => {
                let bounds = call.frame.bounds(cx)?;
                for i in 0..n {
                    let (from, to) = bounds.of(i, p, cx)?;
                    let value = self.framed(call, p, i, from, to)?;
                    out.push_datum(&value);
                }
            }
            Function::Aggregate { func, user, types } => {
                aggregate(call, (func, user.as_ref()), types, p, &mut out, cx)?;
            }
        }
        Ok(out)
    }

    /// `first_value`, `last_value`, `nth_value` of row `i`, whose frame is `from..to`.
    fn framed(&self, call: &Call, p: &Partition<'_>, i: usize, from: usize, to: usize) -> Result<Datum> {
        let mut inside = (from..to).filter(|&r| included(call.frame.exclude, p, i, r));
        let row = match self {
            Function::FirstValue => inside.next(),
            Function::LastValue => inside.next_back(),
            _ => {
                let nth = match argument(call, p, 1, i) {
                    Datum::Int4(n) if n > 0 => n as usize,
                    Datum::Null => return Ok(Datum::Null),
                    _ => {
                        return Err(sql_err!(
                            INVALID_ARGUMENT_FOR_NTH_VALUE,
                            "argument of nth_value must be greater than zero"
                        ));
                    }
                };
                inside.nth(nth - 1)
            }
        };
        Ok(row.map_or(Datum::Null, |r| argument(call, p, 0, r)))
    }
}

/// Argument number `k` at a row.
fn argument(call: &Call, p: &Partition<'_>, k: usize, row: usize) -> Datum {
    call.args.get(k).map_or(Datum::Null, |&(slot, ty)| p.columns[slot].datum(row, ty.oid))
}

/// Whether row `r` of the frame of row `i` is not excluded.
fn included(exclude: FrameExclude, p: &Partition<'_>, i: usize, r: usize) -> bool {
    match exclude {
        FrameExclude::NoOthers => true,
        FrameExclude::CurrentRow => r != i,
        FrameExclude::Group => p.group_of[r] != p.group_of[i],
        FrameExclude::Ties => r == i || p.group_of[r] != p.group_of[i],
    }
}

/// `lag` and `lead`.
fn shifted(call: &Call, p: &Partition<'_>, i: usize, lead: bool) -> Datum {
    let by = match (call.args.len(), argument(call, p, 1, i)) {
        (1, _) => 1,
        (_, Datum::Int4(by)) => i64::from(by),
        _ => return Datum::Null,
    };
    let target = if lead { i as i64 + by } else { i as i64 - by };
    match usize::try_from(target) {
        Ok(row) if row < p.len => argument(call, p, 0, row),
        _ => argument(call, p, 2, i),
    }
}

fn ntile(call: &Call, p: &Partition<'_>, out: &mut Vector) -> Result<()> {
    let buckets = match argument(call, p, 0, 0) {
        Datum::Null => {
            (0..p.len).for_each(|_| out.push_null());
            return Ok(());
        }
        Datum::Int4(n) if n > 0 => n as usize,
        _ => return Err(sql_err!(INVALID_ARGUMENT_FOR_NTILE, "argument of ntile must be greater than zero")),
    };
    // The first `longer` buckets have one row more.
    let (size, longer) = (p.len / buckets, p.len % buckets);
    for i in 0..p.len {
        let edge = longer * (size + 1);
        let bucket = if i < edge { i / (size + 1) } else { longer + (i - edge) / size };
        out.push_datum(&Datum::Int4(bucket as i32 + 1));
    }
    Ok(())
}

fn aggregate(
    call: &Call,
    (func, user): (&'static nq_qsql::func::Function, Option<&Arc<AggregateTarget>>),
    types: &[DataType],
    p: &Partition<'_>,
    out: &mut Vector,
    cx: &mut ExecCx<'_>,
) -> Result<()> {
    let bounds = call.frame.bounds(cx)?;
    let fresh = || -> Result<State> {
        let mut state = State::new(func, user, types, call.ty);
        state.grow(1)?;
        Ok(state)
    };
    let mut state = fresh()?;
    let mut seen = (0, 0);
    let mut last: Option<Datum> = None;
    let (mut counted, mut bytes) = (cx.memory.reservation(), 0);
    let mut keep = |out: &mut Vector, value: &Datum| -> Result<()> {
        bytes += value.heap_bytes();
        counted.grow(bytes)?;
        out.push_datum(value);
        Ok(())
    };
    for i in 0..p.len {
        if i % BATCH_ROWS == 0 {
            cx.check_interrupt()?;
        }
        let (from, to) = bounds.of(i, p, cx)?;
        if call.frame.exclude != FrameExclude::NoOthers {
            state = fresh()?;
            let rows: Vec<u32> =
                (from..to).filter(|&r| included(call.frame.exclude, p, i, r)).map(|r| r as u32).collect();
            add(&mut state, call, p, &rows, cx)?;
            keep(out, &state.finish(0, cx)?)?;
            continue;
        }
        if from != seen.0 || to < seen.1 {
            state = fresh()?;
            seen = (from, from);
            last = None;
        }
        if to > seen.1 {
            let rows: Vec<u32> = (seen.1 as u32..to as u32).collect();
            add(&mut state, call, p, &rows, cx)?;
            seen.1 = to;
            last = None;
        }
        let value = match last.take() {
            Some(value) => value,
            None => state.finish(0, cx)?,
        };
        keep(out, &value)?;
        last = Some(value);
    }
    if let Values::Str(strings) = &mut out.values {
        strings.count_by(counted);
    }
    Ok(())
}

/// Feeds rows that pass the filter to the aggregate.
fn add(state: &mut State, call: &Call, p: &Partition<'_>, rows: &[u32], cx: &mut ExecCx<'_>) -> Result<()> {
    let groups = [0; BATCH_ROWS];
    for chunk in rows.chunks(BATCH_ROWS) {
        let kept: Vec<u32>;
        let chunk = match call.filter {
            Some(slot) => {
                let filter = &p.columns[slot];
                let Values::Bool(v) = &filter.values else { continue };
                let passes = |r: u32| !filter.is_null(r as usize) && v[filter.at(r as usize)];
                kept = chunk.iter().copied().filter(|&r| passes(r)).collect();
                &kept[..]
            }
            None => chunk,
        };
        if chunk.is_empty() {
            continue;
        }
        let args: Vec<Vector> = call.args.iter().map(|&(slot, _)| p.columns[slot].gather(chunk)).collect();
        let args: Vec<&Vector> = args.iter().collect();
        state.add(&args, Rows::All(chunk.len()), &groups, cx)?;
    }
    Ok(())
}
