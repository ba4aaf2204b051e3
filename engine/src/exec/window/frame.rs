//! Frames: which rows of its partition a row's function sees.

use std::cmp::Ordering;

use nq_qsql::error::{Result, SqlError, SqlState};
use nq_qsql::plan::expr::{Frame, FrameBound, FrameExclude, FrameUnit};
use nq_qsql::types::datetime::arith;
use nq_qsql::types::datetime::interval;
use nq_qsql::types::{DataType, Datum, Interval, Numeric, Oid, compare, oid};

use super::super::ExecCx;
use super::super::eval::Compiled;
use super::{OrderKey, Partition};

/// A frame, compiled.
pub(super) struct FrameSpec {
    unit: FrameUnit,
    start: Bound,
    end: Bound,
    pub(super) exclude: FrameExclude,
    /// Type of the only order key, where there is one.
    key: Oid,
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
    /// Compiles a frame over rows in the given order.
    pub(super) fn new(frame: &Frame, order: &[OrderKey], cx: &ExecCx<'_>) -> Result<FrameSpec> {
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
            key: order.first().map_or(0, |key| key.ty.oid),
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
            if negative(&value, self.key) {
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

fn negative(value: &Datum, key: Oid) -> bool {
    match value {
        // Of what moves a time of day, only the time counts.
        Datum::Interval(iv) if matches!(key, oid::TIME | oid::TIMETZ) => iv.micros < 0,
        Datum::Float4(x) => *x < 0.0 || x.is_nan(),
        Datum::Float8(x) => *x < 0.0 || x.is_nan(),
        Datum::Numeric(n) => {
            n.is_nan()
                || compare::compare(value, &Datum::Numeric(Numeric::from_i64(0)), oid::NUMERIC)
                    == Ordering::Less
        }
        Datum::Interval(iv) => {
            let zero = Interval { months: 0, days: 0, micros: 0 };
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
    let (low, high) = if column.is_null(0) {
        (first_not(0, p.len, |r| column.is_null(r)), p.len)
    } else {
        (0, first_not(0, p.len, |r| !column.is_null(r)))
    };
    let down = back != key.descending;
    let target = match shift(&column.datum(row, key.ty.oid), key.ty, offset, down, cx)? {
        Shifted::To(target) => target,
        // No value is that far away.
        Shifted::Beyond => return Ok(if back { low } else { high }),
        // Infinity less infinity: everything is within, but for NaN.
        Shifted::Anywhere => match key.ty.oid {
            oid::FLOAT4 | oid::FLOAT8 => Datum::Float8(least(start != key.descending)),
            oid::NUMERIC => Datum::Numeric(Numeric::from_f64(least(start != key.descending))),
            _ => return Ok(if start { low } else { high }),
        },
    };
    Ok(first_not(low, high, |r| before(&target, &column.datum(r, key.ty.oid), key, start)))
}

/// The least or the greatest float that is a number.
fn least(least: bool) -> f64 {
    if least { f64::NEG_INFINITY } else { f64::INFINITY }
}

/// The first row from `from` to `to` for which a test fails that holds for all rows before it.
fn first_not(mut from: usize, mut to: usize, test: impl Fn(usize) -> bool) -> usize {
    while from < to {
        let middle = (from + to) / 2;
        if test(middle) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    from
}

/// Where the bound of a RANGE frame lies.
enum Shifted {
    To(Datum),
    /// Beyond the type's range.
    Beyond,
    /// At infinity less infinity.
    Anywhere,
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

/// `value - offset` (`down`) or `value + offset`, in the form of [`comparable`].
///
/// # Errors
/// 22008 and 22003 when a timestamp, interval or numeric is out of range.
fn shift(value: &Datum, ty: DataType, offset: &Datum, down: bool, cx: &ExecCx<'_>) -> Result<Shifted> {
    let zone = &cx.io.time_zone;
    let (value, _) = comparable(value, ty.oid);
    let or_beyond = |value: Option<Datum>| value.map_or(Shifted::Beyond, Shifted::To);
    // Infinite offsets are not negative: they meet infinity going down, or minus infinity going up.
    let same = |a: &Interval, b: &Interval| interval::compare(a, b).is_eq();
    let endless = |by: &Interval| same(by, &interval::INFINITY);
    let meets = |value: i64| value == if down { i64::MAX } else { i64::MIN };
    Ok(match (&value, offset) {
        (Datum::Int8(x), by) if integer(by).is_some() => {
            let by = integer(by).unwrap_or(0);
            or_beyond((if down { x.checked_sub(by) } else { x.checked_add(by) }).map(Datum::Int8))
        }
        (Datum::Float8(x), Datum::Float8(by)) => {
            let moved = if down { x - by } else { x + by };
            if moved.is_nan() && !x.is_nan() { Shifted::Anywhere } else { Shifted::To(Datum::Float8(moved)) }
        }
        (Datum::Numeric(x), Datum::Numeric(by)) => {
            let moved = if down { x.sub(by)? } else { x.add(by)? };
            if moved.is_nan() && !x.is_nan() { Shifted::Anywhere } else { Shifted::To(Datum::Numeric(moved)) }
        }
        (Datum::Timestamp(x) | Datum::TimestampTz(x), Datum::Interval(by)) if endless(by) && meets(*x) => {
            Shifted::Anywhere
        }
        (Datum::Timestamp(x), Datum::Interval(by)) => Shifted::To(Datum::Timestamp(match down {
            true => arith::timestamp_sub_interval(*x, by)?,
            false => arith::timestamp_add(*x, by)?,
        })),
        (Datum::TimestampTz(x), Datum::Interval(by)) => Shifted::To(Datum::TimestampTz(match down {
            true => arith::timestamptz_sub_interval(*x, by, zone)?,
            false => arith::timestamptz_add(*x, by, zone)?,
        })),
        (Datum::Time(x), Datum::Interval(by)) => or_beyond(
            (if down { x.checked_sub(by.micros) } else { x.checked_add(by.micros) }).map(Datum::Time),
        ),
        (Datum::TimeTz(x, zone), Datum::Interval(by)) => {
            let moved = if down { x.checked_sub(by.micros) } else { x.checked_add(by.micros) };
            or_beyond(moved.map(|x| Datum::TimeTz(x, *zone)))
        }
        (Datum::Interval(x), Datum::Interval(by)) => {
            let meeting = if down { interval::INFINITY } else { interval::NEG_INFINITY };
            match endless(by) && same(x, &meeting) {
                true => Shifted::Anywhere,
                false => Shifted::To(Datum::Interval(
                    (if down { interval::sub(x, by)? } else { interval::add(x, by)? }).into(),
                )),
            }
        }
        _ => {
            return Err(SqlError::unsupported(format_args!(
                "RANGE with offset PRECEDING/FOLLOWING for type {}",
                nq_qsql::types::info::type_name(ty.oid)
            )));
        }
    })
}
