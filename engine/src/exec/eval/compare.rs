//! Comparison kernels: `= <> < <= > >=` on Booleans, numbers, dates, times and strings.

use std::cmp::Ordering;
use std::sync::Arc;

use nq_qsql::error::Result;
use nq_qsql::types::oid;

use super::super::ExecCx;
use super::super::batch::{Batch, Rows};
use super::super::hash::{compare_decimals, unpadded};
use super::super::strings::Strings;
use super::super::vector::{Nulls, Values, Vector};
use super::call::Call;
use super::{is_null_constant, null_constant, true_rows, union_nulls};

/// A comparison operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

/// A comparison whose function is known here.
pub(in crate::exec) struct Compare {
    op: Op,
    /// Blanks at the end do not count.
    padded: bool,
    call: Call,
}

/// Takes over calls of comparison functions that have a kernel.
pub(super) fn recognise(call: Call) -> Result<Compare, Call> {
    match operator(call.func.name) {
        Some(op) if call.args.len() == 2 => {
            let padded =
                call.arg_types.iter().any(|t| t.oid == oid::BPCHAR) && call.func.name.starts_with("bpchar");
            Ok(Compare { op, padded, call })
        }
        _ => Err(call),
    }
}

/// Which comparison a `pg_proc` name is, if its operands have kernels.
pub(super) fn operator(name: &str) -> Option<Op> {
    const BASES: [&str; 22] = [
        "bool",
        "int2",
        "int4",
        "int8",
        "int24",
        "int42",
        "int28",
        "int82",
        "int48",
        "int84",
        "float4",
        "float8",
        "float48",
        "float84",
        "oid",
        "date",
        "timestamp",
        "timestamptz",
        "time",
        "text",
        "bpchar",
        "numeric",
    ];
    let (base, op) = name.split_at_checked(name.len().checked_sub(2)?)?;
    let op = match op {
        "eq" => Op::Eq,
        "ne" => Op::Ne,
        "lt" => Op::Lt,
        "le" => Op::Le,
        "gt" => Op::Gt,
        "ge" => Op::Ge,
        _ => return None,
    };
    let base = base.strip_suffix('_').unwrap_or(base);
    (BASES.contains(&base) || base == "bytea" || base == "name").then_some(op)
}

/// Where the answers go.
enum Sink<'a> {
    Select(&'a mut Vec<u16>),
    Values(&'a mut Vec<bool>),
}

/// Runs `test` for `rows`. Selecting leaves NULLs out; computing ignores them (the caller has their set).
fn drive(rows: Rows<'_>, len: usize, nulls: &Nulls, sink: &mut Sink<'_>, test: impl Fn(usize) -> bool) {
    match sink {
        Sink::Values(out) => {
            out.resize(len, false);
            match rows {
                Rows::All(n) => out[..n].iter_mut().enumerate().for_each(|(i, o)| *o = test(i)),
                Rows::Some(rows) => rows.iter().for_each(|&r| out[usize::from(r)] = test(usize::from(r))),
            }
        }
        Sink::Select(out) => {
            out.clear();
            out.resize(rows.count(), 0);
            let mut kept = 0;
            match (rows, nulls.any()) {
                (Rows::All(n), false) => {
                    for i in 0..n {
                        out[kept] = i as u16;
                        kept += usize::from(test(i));
                    }
                }
                (Rows::Some(rows), false) => {
                    for &r in rows {
                        out[kept] = r;
                        kept += usize::from(test(usize::from(r)));
                    }
                }
                (rows, true) => {
                    for i in rows.iter() {
                        out[kept] = i as u16;
                        kept += usize::from(!nulls.is_null(i) && test(i));
                    }
                }
            }
            out.truncate(kept);
        }
    }
}

/// Values with PostgreSQL's equality and order.
trait Ordered: Copy {
    fn same(self, other: Self) -> bool;
    fn below(self, other: Self) -> bool;
}

macro_rules! ordered {
    ($($ty:ty),*) => { $(impl Ordered for $ty {
        fn same(self, other: Self) -> bool { self == other }
        fn below(self, other: Self) -> bool { self < other }
    })* };
}

ordered!(bool, i16, i32, i64, &[u8]);

macro_rules! ordered_float {
    ($($ty:ty),*) => { $(impl Ordered for $ty {
        fn same(self, other: Self) -> bool { self == other || (self.is_nan() && other.is_nan()) }
        fn below(self, other: Self) -> bool { self < other || (other.is_nan() && !self.is_nan()) }
    })* };
}

ordered_float!(f32, f64);

#[derive(Clone, Copy)]
struct Job<'a> {
    op: Op,
    rows: Rows<'a>,
    len: usize,
    nulls: &'a Nulls,
}

impl Job<'_> {
    /// One loop per operator.
    fn run<T: Ordered>(self, sink: &mut Sink<'_>, a: impl Fn(usize) -> T, b: impl Fn(usize) -> T) {
        let Job { op, rows, len, nulls } = self;
        match op {
            Op::Eq => drive(rows, len, nulls, sink, |i| a(i).same(b(i))),
            Op::Ne => drive(rows, len, nulls, sink, |i| !a(i).same(b(i))),
            Op::Lt => drive(rows, len, nulls, sink, |i| a(i).below(b(i))),
            Op::Le => drive(rows, len, nulls, sink, |i| !b(i).below(a(i))),
            Op::Gt => drive(rows, len, nulls, sink, |i| b(i).below(a(i))),
            Op::Ge => drive(rows, len, nulls, sink, |i| !a(i).below(b(i))),
        }
    }

    /// Two flat columns, or a column and a constant.
    fn flat<A: Copy, B: Copy, T: Ordered>(
        self,
        sink: &mut Sink<'_>,
        (a, a_constant): (&[A], bool),
        (b, b_constant): (&[B], bool),
        lift_a: impl Fn(A) -> T,
        lift_b: impl Fn(B) -> T,
    ) {
        match (a_constant, b_constant) {
            (false, false) => self.run(sink, |i| lift_a(a[i]), |i| lift_b(b[i])),
            (false, true) => {
                let right = lift_b(b[0]);
                self.run(sink, |i| lift_a(a[i]), |_| right);
            }
            (true, false) => {
                let left = lift_a(a[0]);
                self.run(sink, |_| left, |i| lift_b(b[i]));
            }
            (true, true) => {
                let (left, right) = (lift_a(a[0]), lift_b(b[0]));
                self.run(sink, |_| left, |_| right);
            }
        }
    }

    fn strings(
        self,
        sink: &mut Sink<'_>,
        (a, ac): (&Strings, bool),
        (b, bc): (&Strings, bool),
        padded: bool,
    ) {
        let Job { op, rows, len, nulls } = self;
        if padded {
            let at = |s, constant: bool, i| unpadded(Strings::get(s, if constant { 0 } else { i }));
            return self.run(sink, |i| at(a, ac, i), |i| at(b, bc, i));
        }
        match (op, ac, bc) {
            (Op::Eq | Op::Ne, false, true) => {
                let (head, value, want) = (b.head(0), b.get(0), op == Op::Eq);
                drive(rows, len, nulls, sink, |i| (a.head(i) == head && a.get(i) == value) == want);
            }
            (Op::Eq | Op::Ne, false, false) => {
                let want = op == Op::Eq;
                drive(rows, len, nulls, sink, |i| (a.head(i) == b.head(i) && a.get(i) == b.get(i)) == want);
            }
            (_, false, true) => {
                let value = b.get(0);
                self.run(sink, |i| a.get(i), |_| value);
            }
            _ => self.run(sink, |i| a.get(if ac { 0 } else { i }), |i| b.get(if bc { 0 } else { i })),
        }
    }

    fn decimals(self, sink: &mut Sink<'_>, (a, s, ac): (&[i64], u8, bool), (b, t, bc): (&[i64], u8, bool)) {
        if s == t {
            return self.flat(sink, (a, ac), (b, bc), |x| x, |x| x);
        }
        // A constant of smaller scale is lifted once: 0.05 against numeric(15,4).
        let lifted = |x: i64, by: u8| 10i64.checked_pow(u32::from(by)).and_then(|f| x.checked_mul(f));
        if let (false, true, Some(right)) = (ac, bc, s.checked_sub(t).and_then(|by| lifted(b[0], by))) {
            return self.run(sink, |i| a[i], |_| right);
        }
        let Job { op, rows, len, nulls } = self;
        let order = |i: usize| compare_decimals(a[if ac { 0 } else { i }], s, b[if bc { 0 } else { i }], t);
        drive(rows, len, nulls, sink, |i| holds(op, order(i)));
    }
}

/// Whether `op` holds for operands of this order.
pub(super) fn holds(op: Op, order: Ordering) -> bool {
    match op {
        Op::Eq => order.is_eq(),
        Op::Ne => order.is_ne(),
        Op::Lt => order.is_lt(),
        Op::Le => order.is_le(),
        Op::Gt => order.is_gt(),
        Op::Ge => order.is_ge(),
    }
}

impl Compare {
    /// Runs the kernel for these operands; false if there is none.
    fn kernel(
        &self,
        a: &Vector,
        b: &Vector,
        rows: Rows<'_>,
        len: usize,
        nulls: &Nulls,
        sink: &mut Sink<'_>,
    ) -> bool {
        let job = Job { op: self.op, rows, len, nulls };
        let (ac, bc) = (a.constant, b.constant);
        macro_rules! same {
            ($x:expr, $y:expr) => {
                job.flat(sink, ($x, ac), ($y, bc), |v| v, |v| v)
            };
        }
        macro_rules! widen {
            ($x:expr, $y:expr, $to:ty) => {
                job.flat(sink, ($x, ac), ($y, bc), <$to>::from, <$to>::from)
            };
        }
        match (&a.values, &b.values) {
            (Values::Bool(x), Values::Bool(y)) => same!(x, y),
            (Values::I16(x), Values::I16(y)) => same!(x, y),
            (Values::I32(x), Values::I32(y)) => same!(x, y),
            (Values::I64(x), Values::I64(y)) => same!(x, y),
            (Values::I16(x), Values::I32(y)) => widen!(x, y, i64),
            (Values::I32(x), Values::I16(y)) => widen!(x, y, i64),
            (Values::I16(x), Values::I64(y)) => widen!(x, y, i64),
            (Values::I64(x), Values::I16(y)) => widen!(x, y, i64),
            (Values::I32(x), Values::I64(y)) => widen!(x, y, i64),
            (Values::I64(x), Values::I32(y)) => widen!(x, y, i64),
            (Values::F32(x), Values::F32(y)) => same!(x, y),
            (Values::F64(x), Values::F64(y)) => same!(x, y),
            (Values::F32(x), Values::F64(y)) => widen!(x, y, f64),
            (Values::F64(x), Values::F32(y)) => widen!(x, y, f64),
            (Values::Decimal(s, x), Values::Decimal(t, y)) => job.decimals(sink, (x, *s, ac), (y, *t, bc)),
            (Values::Str(x), Values::Str(y)) => job.strings(sink, (x, ac), (y, bc), self.padded),
            _ => return false,
        }
        true
    }

    pub(super) fn eval(&self, batch: &Batch, rows: Rows<'_>, cx: &mut ExecCx<'_>) -> Result<Arc<Vector>> {
        let a = self.call.args[0].eval(batch, rows, cx)?;
        let b = self.call.args[1].eval(batch, rows, cx)?;
        if is_null_constant(&a) || is_null_constant(&b) {
            return Ok(null_constant(oid::BOOL));
        }
        let constant = a.constant && b.constant;
        let (rows, len) = if constant { (Rows::All(1), 1) } else { (rows, batch.len) };
        let nulls = union_nulls(&a, &b);
        let mut out = Vec::new();
        if self.kernel(&a, &b, rows, len, &nulls, &mut Sink::Values(&mut out)) {
            return Ok(Arc::new(Vector { values: Values::Bool(out), nulls, constant }));
        }
        self.call.apply_rows(&[&a, &b], rows, len, cx)
    }

    pub(super) fn select(
        &self,
        batch: &Batch,
        rows: Rows<'_>,
        cx: &mut ExecCx<'_>,
        out: &mut Vec<u16>,
    ) -> Result<()> {
        let a = self.call.args[0].eval(batch, rows, cx)?;
        let b = self.call.args[1].eval(batch, rows, cx)?;
        if is_null_constant(&a) || is_null_constant(&b) {
            out.clear();
            return Ok(());
        }
        let nulls = if a.constant && b.constant { Nulls::default() } else { union_nulls(&a, &b) };
        if !self.kernel(&a, &b, rows, batch.len, &nulls, &mut Sink::Select(out)) {
            let value = self.call.apply_rows(&[&a, &b], rows, batch.len, cx)?;
            true_rows(&value, rows, out);
        }
        Ok(())
    }
}
