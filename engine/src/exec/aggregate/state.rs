//! Running totals of aggregates, for all groups at once.
//!
//! The hot aggregates keep typed columns indexed by group and take a whole vector at a time; all others are the registry's states, one box
//! per group, fed row by row.

use std::sync::Arc;

use nq_qsql::catalog::AggregateTarget;
use nq_qsql::error::{Result, SqlError};
use nq_qsql::func::{Aggregate, Body, Function};
use nq_qsql::sql_err;
use nq_qsql::types::numeric::NumericSum;
use nq_qsql::types::{DataType, Datum, Numeric, oid};

use super::super::ExecCx;
use super::super::batch::Rows;
use super::super::hash::{compare_floats, compare_rows, integer};
use super::super::memory::Reservation;
use super::super::vector::{Kind, Values, Vector};
use super::user::UserStates;

/// An exact decimal total of one group.
#[derive(Default)]
pub(in crate::exec) struct Decimal {
    unscaled: i128,
    scale: u8,
    count: i64,
    /// What does not fit the fast form: wide values, NaN, infinities.
    wide: Option<Box<NumericSum>>,
}

/// Bytes of a boxed state beside what it says itself.
const STATE_BYTES: usize = 64;

/// Strings of extremes are not compacted below this many bytes.
const COMPACT_BYTES: usize = 4 << 20;

/// One aggregate over all groups.
pub(in crate::exec) enum State {
    Count(Vec<i64>),
    /// `sum(int2|int4)`: total, and whether there was a value.
    SumInt(Vec<(i64, bool)>),
    /// `sum(int8)`, `avg(int*)`: total and number of values.
    Wide {
        totals: Vec<(i128, i64)>,
        average: bool,
    },
    /// `sum(float8)`, `avg(float8)`.
    Float {
        totals: Vec<(f64, i64)>,
        average: bool,
    },
    Decimal {
        totals: Vec<Decimal>,
        average: bool,
    },
    /// `min`, `max`: the best value of each group, NULL while there is none.
    Extreme {
        best: Vector,
        oid: u32,
        greatest: bool,
        /// Bytes at which the strings that are not the best any more are thrown away.
        compact_at: usize,
    },
    User(UserStates),
    Boxed {
        states: Vec<Box<dyn Aggregate>>,
        func: &'static Function,
        types: Vec<DataType>,
        result: DataType,
        /// Heap bytes of the states, what of it the operator has counted, and memory for the rest.
        bytes: usize,
        settled: usize,
        growth: Option<Reservation>,
    },
}

impl State {
    /// Makes the state for calls of `func` on arguments of these types.
    pub(in crate::exec) fn new(
        func: &'static Function,
        user: Option<&Arc<AggregateTarget>>,
        types: &[DataType],
        result: DataType,
    ) -> State {
        if let Some(target) = user {
            return State::User(UserStates::new(target, types));
        }
        let first = types.first().map_or(0, |t| t.oid);
        match (func.name, types.len(), first) {
            ("count", 0 | 1, _) => State::Count(Vec::new()),
            ("sum", 1, oid::INT2 | oid::INT4) => State::SumInt(Vec::new()),
            ("sum", 1, oid::INT8) => State::Wide { totals: Vec::new(), average: false },
            ("avg", 1, oid::INT2 | oid::INT4 | oid::INT8) => {
                State::Wide { totals: Vec::new(), average: true }
            }
            ("sum", 1, oid::FLOAT8) => State::Float { totals: Vec::new(), average: false },
            ("avg", 1, oid::FLOAT8) => State::Float { totals: Vec::new(), average: true },
            ("sum", 1, oid::NUMERIC) => State::Decimal { totals: Vec::new(), average: false },
            ("avg", 1, oid::NUMERIC) => State::Decimal { totals: Vec::new(), average: true },
            ("min" | "max", 1, oid)
                if Kind::of(oid) != Kind::Datum && Kind::of(result.oid) == Kind::of(oid) =>
            {
                State::Extreme {
                    best: Vector::new(Kind::of(oid)),
                    oid,
                    greatest: func.name == "max",
                    compact_at: COMPACT_BYTES,
                }
            }
            _ => State::Boxed {
                states: Vec::new(),
                func,
                types: types.to_vec(),
                result,
                bytes: 0,
                settled: 0,
                growth: None,
            },
        }
    }

    /// Whether the result depends on the order of the rows.
    pub(in crate::exec) fn ordered(&self) -> bool {
        matches!(self, State::Boxed { .. } | State::User(_))
    }

    /// Makes room for `groups` groups.
    pub(in crate::exec) fn grow(&mut self, groups: usize) -> Result<()> {
        match self {
            State::Count(v) => v.resize(groups, 0),
            State::SumInt(v) => v.resize(groups, (0, false)),
            State::Wide { totals, .. } => totals.resize(groups, (0, 0)),
            State::Float { totals, .. } => totals.resize(groups, (0.0, 0)),
            State::Decimal { totals, .. } => totals.resize_with(groups, Decimal::default),
            State::Extreme { best, .. } => (best.len()..groups).for_each(|_| best.push_null()),
            State::User(states) => states.grow(groups),
            State::Boxed { states, func, types, bytes, .. } => {
                let Body::Aggregate(make) = func.body else {
                    return Err(SqlError::internal(format_args!("{} is not an aggregate", func.name)));
                };
                *bytes += (groups - states.len().min(groups)) * STATE_BYTES;
                while states.len() < groups {
                    states.push(make(types));
                }
            }
        }
        Ok(())
    }

    /// Takes the rows `rows`; `groups` is aligned with the batch.
    pub(in crate::exec) fn add(
        &mut self,
        args: &[&Vector],
        rows: Rows<'_>,
        groups: &[u32],
        cx: &mut ExecCx<'_>,
    ) -> Result<()> {
        if let [arg] = args
            && self.add_at_once(arg, rows)
        {
            return Ok(());
        }
        match (self, args) {
            (State::User(states), args) => states.add(args, rows, groups, cx)?,
            (State::Count(v), []) if v.len() == 1 => v[0] += rows.count() as i64,
            (State::Count(v), []) => rows.iter().for_each(|r| v[groups[r] as usize] += 1),
            (State::Count(v), [arg]) => {
                for r in rows.iter() {
                    v[groups[r] as usize] += i64::from(!arg.is_null(r));
                }
            }
            (State::SumInt(v), [arg]) => {
                for r in rows.iter() {
                    if !arg.is_null(r)
                        && let Some(x) = integer(arg, arg.at(r))
                    {
                        let (total, seen) = &mut v[groups[r] as usize];
                        *total = total
                            .checked_add(x)
                            .ok_or_else(|| sql_err!(NUMERIC_VALUE_OUT_OF_RANGE, "bigint out of range"))?;
                        *seen = true;
                    }
                }
            }
            (State::Wide { totals, .. }, [arg]) => {
                for r in rows.iter() {
                    if !arg.is_null(r)
                        && let Some(x) = integer(arg, arg.at(r))
                    {
                        let (total, count) = &mut totals[groups[r] as usize];
                        *total += i128::from(x);
                        *count += 1;
                    }
                }
            }
            (State::Float { totals, .. }, [arg]) => {
                let Values::F64(v) = &arg.values else { return Ok(()) };
                for r in rows.iter() {
                    let at = arg.at(r);
                    if !arg.nulls.is_null(at) {
                        let (total, count) = &mut totals[groups[r] as usize];
                        let sum = *total + v[at];
                        if sum.is_infinite() && !total.is_infinite() && !v[at].is_infinite() {
                            return Err(sql_err!(NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: overflow"));
                        }
                        *total = sum;
                        *count += 1;
                    }
                }
            }
            (State::Decimal { totals, .. }, [arg]) => add_decimals(totals, arg, rows, groups),
            (State::Extreme { best, oid, greatest, compact_at }, [arg]) => {
                extreme(best, *oid, *greatest, arg, rows, groups);
                compact(best, compact_at);
            }
            (State::Boxed { states, func, types, result, bytes, settled, growth }, args) => {
                let mut values = vec![Datum::Null; args.len()];
                let growth = growth.get_or_insert_with(|| cx.memory.reservation());
                let mut eval = cx.eval_cx(types, *result);
                for r in rows.iter() {
                    for ((value, arg), ty) in values.iter_mut().zip(args).zip(types.iter()) {
                        *value = arg.datum(r, ty.oid);
                    }
                    if !(func.strict && values.iter().any(Datum::is_null)) {
                        let state = &mut states[groups[r] as usize];
                        let held = state.bytes();
                        state.add(&mut eval, &values)?;
                        *bytes = (*bytes + state.bytes()).saturating_sub(held);
                        growth.grow(bytes.saturating_sub(*settled))?;
                    }
                }
            }
            _ => return Err(SqlError::internal("an aggregate with the wrong number of arguments")),
        }
        Ok(())
    }

    /// Takes a column without NULLs into the only group by its total; answers whether it did.
    fn add_at_once(&mut self, arg: &Vector, rows: Rows<'_>) -> bool {
        if arg.constant || arg.nulls.any() {
            return false;
        }
        let count = rows.count() as i64;
        match self {
            State::Count(v) => match v.as_mut_slice() {
                [only] => {
                    *only += count;
                    true
                }
                _ => false,
            },
            State::SumInt(v) => match (v.as_mut_slice(), total(arg, rows)) {
                ([(sum, seen)], Some((more, _))) => {
                    let next = i64::try_from(more).ok().and_then(|more| sum.checked_add(more));
                    next.is_some_and(|next| {
                        *sum = next;
                        *seen |= count > 0;
                        true
                    })
                }
                _ => false,
            },
            State::Wide { totals, .. } => match (totals.as_mut_slice(), total(arg, rows)) {
                ([(sum, seen)], Some((more, _))) => {
                    *sum += more;
                    *seen += count;
                    true
                }
                _ => false,
            },
            State::Decimal { totals, .. } => match (totals.as_mut_slice(), total(arg, rows)) {
                ([only], Some((more, scale))) if only.count == 0 || only.scale == scale => {
                    match only.unscaled.checked_add(more) {
                        Some(sum) => {
                            only.unscaled = sum;
                            only.scale = scale;
                            only.count += count;
                            true
                        }
                        None => false,
                    }
                }
                _ => false,
            },
            _ => false,
        }
    }

    /// The result of one group.
    pub(in crate::exec) fn finish(&mut self, group: usize, cx: &mut ExecCx<'_>) -> Result<Datum> {
        Ok(match self {
            State::Count(v) => Datum::Int8(v[group]),
            State::SumInt(v) => match v[group] {
                (total, true) => Datum::Int8(total),
                _ => Datum::Null,
            },
            State::Wide { totals, average } => match totals[group] {
                (_, 0) => Datum::Null,
                (total, count) if *average => {
                    Datum::Numeric(Numeric::from_i128(total).div(&Numeric::from_i64(count))?)
                }
                (total, _) => Datum::Numeric(Numeric::from_i128(total)),
            },
            State::Float { totals, average } => match totals[group] {
                (_, 0) => Datum::Null,
                (total, count) if *average => Datum::Float8(total / count as f64),
                (total, _) => Datum::Float8(total),
            },
            State::Decimal { totals, average } => totals[group].finish(*average)?,
            State::Extreme { best, oid, .. } => best.datum(group, *oid),
            State::User(states) => states.finish(group, cx)?,
            State::Boxed { states, types, result, .. } => {
                states[group].finish(&mut cx.eval_cx(types, *result))?
            }
        })
    }

    /// The result of one group that is not asked for again.
    pub(in crate::exec) fn take(&mut self, group: usize, cx: &mut ExecCx<'_>) -> Result<Datum> {
        match self {
            State::Boxed { states, types, result, .. } => {
                states[group].take_result(&mut cx.eval_cx(types, *result))
            }
            other => other.finish(group, cx),
        }
    }

    /// Forgets all groups but the last, which becomes number 0.
    pub(in crate::exec) fn keep_last(&mut self) {
        fn last<T>(v: &mut Vec<T>) {
            if let Some(value) = v.pop() {
                v.clear();
                v.push(value);
            }
        }
        match self {
            State::Count(v) => last(v),
            State::SumInt(v) => last(v),
            State::Wide { totals, .. } => last(totals),
            State::Float { totals, .. } => last(totals),
            State::Decimal { totals, .. } => last(totals),
            State::Extreme { best, .. } => {
                if let Some(row) = best.len().checked_sub(1) {
                    *best = best.gather(&[row as u32]);
                }
            }
            State::User(states) => states.keep_last(),
            State::Boxed { states, bytes, .. } => {
                last(states);
                *bytes = states.iter().map(|s| STATE_BYTES + s.bytes()).sum();
            }
        }
    }

    /// Forgets all groups.
    pub(in crate::exec) fn empty(&mut self) {
        match self {
            State::Count(v) => v.clear(),
            State::SumInt(v) => v.clear(),
            State::Wide { totals, .. } => totals.clear(),
            State::Float { totals, .. } => totals.clear(),
            State::Decimal { totals, .. } => totals.clear(),
            State::Extreme { best, oid, .. } => *best = Vector::new(Kind::of(*oid)),
            State::User(states) => states.empty(),
            State::Boxed { states, .. } => states.clear(),
        }
    }

    /// Heap bytes held, roughly.
    pub(in crate::exec) fn bytes(&self) -> usize {
        match self {
            State::Count(v) => v.capacity() * 8,
            State::SumInt(v) => v.capacity() * 16,
            State::Wide { totals, .. } => totals.capacity() * 32,
            State::Float { totals, .. } => totals.capacity() * 16,
            State::Decimal { totals, .. } => totals.capacity() * size_of::<Decimal>(),
            State::Extreme { best, .. } => best.bytes(),
            State::User(states) => states.bytes(),
            State::Boxed { bytes, .. } => *bytes,
        }
    }

    /// What has been added is counted by the operator from now on.
    pub(in crate::exec) fn settled(&mut self) {
        if let State::Boxed { bytes, settled, growth, .. } = self {
            *settled = *bytes;
            *growth = None;
        }
    }
}

/// The total of integers or decimals and its scale.
fn total(arg: &Vector, rows: Rows<'_>) -> Option<(i128, u8)> {
    fn sum<T: Copy, S: std::iter::Sum<S>>(v: &[T], rows: Rows<'_>, lift: impl Fn(T) -> S) -> S {
        match rows {
            Rows::All(n) => v[..n].iter().map(|&x| lift(x)).sum(),
            Rows::Some(rows) => rows.iter().map(|&r| lift(v[usize::from(r)])).sum(),
        }
    }
    // A batch of 4-byte integers cannot overflow 8 bytes.
    Some(match &arg.values {
        Values::I16(v) => (i128::from(sum(v, rows, i64::from)), 0),
        Values::I32(v) => (i128::from(sum(v, rows, i64::from)), 0),
        Values::I64(v) => (sum(v, rows, i128::from), 0),
        Values::Decimal(scale, v) => (sum(v, rows, i128::from), *scale),
        _ => return None,
    })
}

impl Decimal {
    fn add_small(&mut self, unscaled: i64, scale: u8) {
        self.count += 1;
        if scale == self.scale {
            if let Some(total) = self.unscaled.checked_add(i128::from(unscaled)) {
                self.unscaled = total;
                return;
            }
        } else {
            let lift =
                |value: i128, by: u8| 10i128.checked_pow(u32::from(by)).and_then(|f| value.checked_mul(f));
            let sum = if scale > self.scale {
                lift(self.unscaled, scale - self.scale).and_then(|t| t.checked_add(i128::from(unscaled)))
            } else {
                lift(i128::from(unscaled), self.scale - scale).and_then(|x| self.unscaled.checked_add(x))
            };
            if let Some(sum) = sum {
                self.unscaled = sum;
                self.scale = self.scale.max(scale);
                return;
            }
        }
        self.wide.get_or_insert_default().add(&Numeric::Small { unscaled, scale });
    }

    fn add(&mut self, value: &Numeric) {
        match value {
            Numeric::Small { unscaled, scale } => self.add_small(*unscaled, *scale),
            wide => {
                self.count += 1;
                self.wide.get_or_insert_default().add(wide);
            }
        }
    }

    fn finish(&self, average: bool) -> Result<Datum> {
        if self.count == 0 {
            return Ok(Datum::Null);
        }
        let mut total = Numeric::from_parts(self.unscaled, u32::from(self.scale));
        if let Some(wide) = &self.wide
            && let Some(more) = wide.sum()?
        {
            total = if self.wide_only() { more } else { total.add(&more)? };
        }
        Ok(Datum::Numeric(if average { total.div(&Numeric::from_i64(self.count))? } else { total }))
    }

    /// Whether the fast form has taken nothing.
    fn wide_only(&self) -> bool {
        self.wide.as_ref().is_some_and(|w| w.count() == self.count)
    }
}

fn add_decimals(totals: &mut [Decimal], arg: &Vector, rows: Rows<'_>, groups: &[u32]) {
    match &arg.values {
        Values::Decimal(scale, v) => {
            let nulls = arg.nulls.any();
            for r in rows.iter() {
                let at = arg.at(r);
                if !(nulls && arg.nulls.is_null(at)) {
                    totals[groups[r] as usize].add_small(v[at], *scale);
                }
            }
        }
        Values::Datum(v) => {
            for r in rows.iter().filter(|&r| !arg.is_null(r)) {
                if let Datum::Numeric(n) = &v[arg.at(r)] {
                    totals[groups[r] as usize].add(n);
                }
            }
        }
        _ => {}
    }
}

fn extreme(best: &mut Vector, oid: u32, greatest: bool, arg: &Vector, rows: Rows<'_>, groups: &[u32]) {
    macro_rules! typed {
        ($best:expr, $v:expr, $better:expr) => {
            for r in rows.iter() {
                let at = arg.at(r);
                if arg.nulls.is_null(at) {
                    continue;
                }
                let group = groups[r] as usize;
                if best.nulls.is_null(group) {
                    best.nulls.clear(group);
                    $best[group] = $v[at];
                } else if $better($v[at], $best[group]) {
                    $best[group] = $v[at];
                }
            }
        };
    }
    match (&mut best.values, &arg.values) {
        (Values::I16(b), Values::I16(v)) => typed!(b, v, |x, y| if greatest { x > y } else { x < y }),
        (Values::I32(b), Values::I32(v)) => typed!(b, v, |x, y| if greatest { x > y } else { x < y }),
        (Values::I64(b), Values::I64(v)) => typed!(b, v, |x, y| if greatest { x > y } else { x < y }),
        (Values::F64(b), Values::F64(v)) => {
            typed!(b, v, |x, y| if greatest {
                compare_floats(x, y).is_gt()
            } else {
                compare_floats(x, y).is_lt()
            });
        }
        (Values::Decimal(s, b), Values::Decimal(t, v)) if *s == *t => {
            typed!(b, v, |x, y| if greatest { x > y } else { x < y });
        }
        _ => {
            for r in rows.iter().filter(|&r| !arg.is_null(r)) {
                let group = groups[r] as usize;
                let order = compare_rows(arg, r, best, group, oid);
                if best.nulls.is_null(group) || if greatest { order.is_gt() } else { order.is_lt() } {
                    replace(best, group, arg, r, oid);
                }
            }
        }
    }
}

/// Copies the strings that are still the best, once twice as much has gathered.
fn compact(best: &mut Vector, at: &mut usize) {
    if let Values::Str(strings) = &best.values
        && strings.bytes() > *at
    {
        let mut kept = Vector::new(Kind::Str);
        kept.append(best, 0..best.len());
        *at = COMPACT_BYTES.max(kept.bytes() * 2);
        *best = kept;
    }
}

/// Puts the value of row `r` in the place of group `group`.
fn replace(best: &mut Vector, group: usize, arg: &Vector, r: usize, oid: u32) {
    let at = arg.at(r);
    best.nulls.clear(group);
    match (&mut best.values, &arg.values) {
        (Values::Str(b), Values::Str(v)) => b.set(group, v.get(at)),
        (Values::Bool(b), Values::Bool(v)) => b[group] = v[at],
        (Values::F32(b), Values::F32(v)) => b[group] = v[at],
        (Values::Datum(b), _) => b[group] = arg.datum(r, oid),
        _ => {
            best.adopt_scale(arg);
            match (&mut best.values, &arg.values) {
                (Values::Decimal(_, b), Values::Decimal(_, v)) => b[group] = v[at],
                (Values::Datum(b), _) => b[group] = arg.datum(r, oid),
                _ => {}
            }
        }
    }
}
