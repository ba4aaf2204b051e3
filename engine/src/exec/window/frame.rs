//! Frames: which rows of its partition a row's function sees.

use std::cmp::Ordering;

use nq_qsql::error::{Result, SqlError, SqlState};
use nq_qsql::plan::expr::{Frame, FrameBound, FrameExclude, FrameUnit};
use nq_qsql::types::datetime::arith;
use nq_qsql::types::datetime::interval;
use nq_qsql::types::{DataType, Datum, Numeric, compare, oid};

use super::super::ExecCx;
use super::super::eval::Compiled;
use super::{OrderKey, Partition};

/// A frame, compiled.
pub(super) struct FrameSpec {
    unit: FrameUnit,
    start: Bound,
    end: Bound,
    pub(super) exclude: FrameExclude,
}

enum Bound {
    Unbounded,
    Current,
    Preceding(Compiled),
    Following(Compiled),
}

/// A frame with its offsets evaluated, for one partition.
pub(super) struct Bounds {
    unit: FrameUnit,
    start: Offset,
    end: Offset,
}

enum Offset {
    Unbounded,
    Current,
    /// ROWS and GROUPS: that many rows or groups further on (or back).
    Count(i64),
    /// RANGE: the distance, and whether it goes back.
    Distance {
        offset: Datum,
        back: bool,
    },
}

const INVALID_SIZE: SqlState = SqlState(*b"22013");

impl FrameSpec {
    pub(super) fn new(frame: &Frame, cx: &ExecCx<'_>) -> Result<FrameSpec> {
        let bound = |b: &FrameBound| {
            Ok(match b {
                FrameBound::UnboundedPreceding | FrameBound::UnboundedFollowing => Bound::Unbounded,
                FrameBound::CurrentRow => Bound::Current,
                FrameBound::Preceding(e) => Bound::Preceding(Compiled::new(e, cx)?),
                FrameBound::Following(e) => Bound::Following(Compiled::new(e, cx)?),
            })
        };
        Ok(FrameSpec {
            unit: frame.unit,
            start: bound(&frame.start)?,
            end: bound(&frame.end)?,
            exclude: frame.exclude,
        })
    }

    /// Evaluates the offsets.
    ///
    /// # Errors
    /// 22004 and 22013 for offsets that are NULL or negative.
    pub(super) fn bounds(&self, cx: &mut ExecCx<'_>) -> Result<Bounds> {
        let start = self.offset(&self.start, "starting", cx)?;
        let end = self.offset(&self.end, "ending", cx)?;
        Ok(Bounds { unit: self.unit, start, end })
    }

    fn offset(&self, bound: &Bound, which: &str, cx: &mut ExecCx<'_>) -> Result<Offset> {
        let (expr, back) = match bound {
            Bound::Unbounded => return Ok(Offset::Unbounded),
            Bound::Current => return Ok(Offset::Current),
            Bound::Preceding(expr) => (expr, true),
            Bound::Following(expr) => (expr, false),
        };
        let value = expr.eval_alone(cx)?;
        if value.is_null() {
            return Err(SqlError::new(
                SqlState::NULL_VALUE_NOT_ALLOWED,
                format!("frame {which} offset must not be null"),
            ));
        }
        if self.unit == FrameUnit::Range {
            if negative(&value) {
                return Err(SqlError::new(
                    INVALID_SIZE,
                    "invalid preceding or following size in window function",
                ));
            }
            return Ok(Offset::Distance { offset: value, back });
        }
        let count = integer(&value).unwrap_or(0);
        if count < 0 {
            return Err(SqlError::new(INVALID_SIZE, format!("frame {which} offset must not be negative")));
        }
        Ok(Offset::Count(if back { -count } else { count }))
    }
}

fn integer(value: &Datum) -> Option<i64> {
    match value {
        Datum::Int2(x) => Some(i64::from(*x)),
        Datum::Int4(x) => Some(i64::from(*x)),
        Datum::Int8(x) => Some(*x),
        _ => None,
    }
}

fn negative(value: &Datum) -> bool {
    match value {
        Datum::Float4(x) => *x < 0.0 || x.is_nan(),
        Datum::Float8(x) => *x < 0.0 || x.is_nan(),
        Datum::Numeric(n) => {
            n.is_nan()
                || compare::compare(value, &Datum::Numeric(Numeric::from_i64(0)), oid::NUMERIC)
                    == Ordering::Less
        }
        Datum::Interval(iv) => {
            let zero = nq_qsql::types::Interval { months: 0, days: 0, micros: 0 };
            interval::compare(iv, &zero) == Ordering::Less
        }
        other => integer(other).is_some_and(|x| x < 0),
    }
}

impl Bounds {
    /// Rows from, to (exclusive) of the frame of `row`.
    pub(super) fn of(&self, row: usize, p: &Partition<'_>, cx: &ExecCx<'_>) -> Result<(usize, usize)> {
        let start = match &self.start {
            Offset::Unbounded => 0,
            Offset::Current if self.unit == FrameUnit::Rows => row,
            Offset::Current => p.peers_start(row),
            Offset::Count(n) if self.unit == FrameUnit::Rows => clamp(row as i64, *n, p.len),
            Offset::Count(n) => p.group_starts[clamp(i64::from(p.group_of[row]), *n, p.groups())],
            Offset::Distance { offset, back } => range_bound(row, p, offset, *back, true, cx)?,
        };
        let end = match &self.end {
            Offset::Unbounded => p.len,
            Offset::Current if self.unit == FrameUnit::Rows => row + 1,
            Offset::Current => p.peers_end(row),
            Offset::Count(n) if self.unit == FrameUnit::Rows => clamp(row as i64 + 1, *n, p.len),
            Offset::Count(n) => p.group_starts[clamp(i64::from(p.group_of[row]) + 1, *n, p.groups())],
            Offset::Distance { offset, back } => range_bound(row, p, offset, *back, false, cx)?,
        };
        Ok((start, end.max(start)))
    }
}

fn clamp(from: i64, by: i64, max: usize) -> usize {
    from.saturating_add(by).clamp(0, max as i64) as usize
}

/// First row of the frame (`start`) or the row after its last, for a bound at a distance from the row's order value.
fn range_bound(
    row: usize,
    p: &Partition<'_>,
    offset: &Datum,
    back: bool,
    start: bool,
    cx: &ExecCx<'_>,
) -> Result<usize> {
    let [key] = p.order else {
        return Err(SqlError::internal("RANGE with an offset needs exactly one order key"));
    };
    let column = &p.columns[key.slot];
    if column.is_null(row) {
        return Ok(if start { p.peers_start(row) } else { p.peers_end(row) });
    }
    // NULLs lie together at one end and are outside of every other row's range.
    let nulls = (0..p.len).filter(|&r| column.is_null(r)).count();
    let (low, high) = if column.is_null(0) { (nulls, p.len) } else { (0, p.len - nulls) };
    let down = back != key.descending;
    let Some(target) = shift(&column.datum(row, key.ty.oid), key.ty, offset, down, cx)? else {
        // Beyond the type's range: no value is that far away.
        return Ok(if back { low } else { high });
    };
    let ahead = |r: usize| before(&target, &column.datum(r, key.ty.oid), key, start);
    let (mut from, mut to) = (low, high);
    while from < to {
        let middle = (from + to) / 2;
        if ahead(middle) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    Ok(from)
}

/// Whether a row with this value lies before the bound `target`: below it for a start, not above it for an end.
fn before(target: &Datum, value: &Datum, key: &OrderKey, start: bool) -> bool {
    let (value, ty) = comparable(value, key.ty.oid);
    let mut order = compare::compare(&value, target, ty);
    if key.descending {
        order = order.reverse();
    }
    if start { order.is_lt() } else { order.is_le() }
}

/// Dates are compared as timestamps, since an interval may have a fraction of a day.
fn comparable(value: &Datum, ty: u32) -> (Datum, u32) {
    match value {
        Datum::Date(d) => match arith::date_to_timestamp(*d) {
            Ok(ts) => (Datum::Timestamp(ts), oid::TIMESTAMP),
            Err(_) => (Datum::Timestamp(if *d < 0 { i64::MIN } else { i64::MAX }), oid::TIMESTAMP),
        },
        Datum::Int2(x) => (Datum::Int8(i64::from(*x)), oid::INT8),
        Datum::Int4(x) => (Datum::Int8(i64::from(*x)), oid::INT8),
        Datum::Float4(x) => (Datum::Float8(f64::from(*x)), oid::FLOAT8),
        other => (other.clone(), ty),
    }
}

/// `value - offset` (`down`) or `value + offset`, in the form of [`comparable`]; `None` beyond the type's range.
fn shift(value: &Datum, ty: DataType, offset: &Datum, down: bool, cx: &ExecCx<'_>) -> Result<Option<Datum>> {
    let zone = &cx.io.time_zone;
    let (value, _) = comparable(value, ty.oid);
    let moved = match (&value, offset) {
        (Datum::Int8(x), by) if integer(by).is_some() => {
            let by = integer(by).unwrap_or(0);
            return Ok((if down { x.checked_sub(by) } else { x.checked_add(by) }).map(Datum::Int8));
        }
        (Datum::Float8(x), Datum::Float8(by)) => {
            return Ok(Some(Datum::Float8(if down { x - by } else { x + by })));
        }
        (Datum::Float8(x), Datum::Float4(by)) => {
            let by = f64::from(*by);
            return Ok(Some(Datum::Float8(if down { x - by } else { x + by })));
        }
        (Datum::Numeric(x), Datum::Numeric(by)) => {
            (if down { x.sub(by) } else { x.add(by) }).map(Datum::Numeric)
        }
        (Datum::Timestamp(x), Datum::Interval(by)) => {
            (if down { arith::timestamp_sub_interval(*x, by) } else { arith::timestamp_add(*x, by) })
                .map(Datum::Timestamp)
        }
        (Datum::TimestampTz(x), Datum::Interval(by)) => (if down {
            arith::timestamptz_sub_interval(*x, by, zone)
        } else {
            arith::timestamptz_add(*x, by, zone)
        })
        .map(Datum::TimestampTz),
        (Datum::Time(x), Datum::Interval(by)) => {
            return Ok(
                (if down { x.checked_sub(by.micros) } else { x.checked_add(by.micros) }).map(Datum::Time)
            );
        }
        (Datum::Interval(x), Datum::Interval(by)) => {
            (if down { interval::sub(x, by) } else { interval::add(x, by) })
                .map(|iv| Datum::Interval(iv.into()))
        }
        _ => {
            return Err(SqlError::unsupported(format_args!(
                "RANGE with offset PRECEDING/FOLLOWING for type {}",
                ty.oid
            )));
        }
    };
    Ok(moved.ok())
}
