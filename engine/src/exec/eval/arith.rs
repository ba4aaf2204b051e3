//! Arithmetic kernels: `+ - * / %` on integers and floats, `+ - *` on numeric, days added to dates.
//!
//! A row that overflows or divides by zero is handed to the registry's body, which knows the error (Rule 3 of the module above).

use std::sync::Arc;

use nq_qsql::error::Result;
use nq_qsql::types::{Datum, Numeric, oid};

use super::super::ExecCx;
use super::super::batch::{Batch, Rows};
use super::super::vector::{Nulls, Values, Vector};
use super::call::Call;
use super::{is_null_constant, map_rows, null_constant, union_nulls};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Op {
    Add,
    Sub,
    Mul,
    Div,
    Rem,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Int,
    Float,
    Numeric,
    Date,
}

/// A call of an arithmetic function that has a kernel.
pub(in crate::exec) struct Arith {
    op: Op,
    family: Family,
    call: Call,
}

/// Takes over calls of arithmetic functions that have a kernel.
pub(super) fn recognise(call: Call) -> Result<Arith, Call> {
    match operator(call.func.name) {
        Some((family, op)) if call.args.len() == 2 => Ok(Arith { op, family, call }),
        _ => Err(call),
    }
}

fn operator(name: &str) -> Option<(Family, Op)> {
    let date = match name {
        "date_pli" => Some(Op::Add),
        "date_mii" => Some(Op::Sub),
        _ => None,
    };
    if let Some(op) = date {
        return Some((Family::Date, op));
    }
    if let Some(op) = name.strip_prefix("numeric_") {
        let op = match op {
            "add" => Op::Add,
            "sub" => Op::Sub,
            "mul" => Op::Mul,
            _ => return None,
        };
        return Some((Family::Numeric, op));
    }
    let split = name.find(|c: char| c.is_ascii_digit())?;
    let rest = name[split..].trim_start_matches(|c: char| c.is_ascii_digit());
    let op = match rest {
        "pl" => Op::Add,
        "mi" => Op::Sub,
        "mul" => Op::Mul,
        "div" => Op::Div,
        "mod" => Op::Rem,
        _ => return None,
    };
    match (&name[..split], op) {
        ("int", _) => Some((Family::Int, op)),
        ("float", Op::Add | Op::Sub | Op::Mul | Op::Div) => Some((Family::Float, op)),
        _ => None,
    }
}

/// A value or the number of the row that has none.
type Outcome<T> = std::result::Result<T, usize>;

/// Computes `rows`, skipping NULLs; stops at the first row without a value.
fn drive<T: Copy + Default>(
    rows: Rows<'_>,
    len: usize,
    nulls: &Nulls,
    value: impl Fn(usize) -> Option<T>,
) -> Outcome<Vec<T>> {
    let mut out = vec![T::default(); len];
    if let (Rows::All(_), false) = (rows, nulls.any()) {
        for (i, o) in out.iter_mut().enumerate() {
            *o = value(i).ok_or(i)?;
        }
    } else {
        for i in rows.iter() {
            if !nulls.is_null(i) {
                out[i] = value(i).ok_or(i)?;
            }
        }
    }
    Ok(out)
}

#[derive(Clone, Copy)]
struct Job<'a> {
    rows: Rows<'a>,
    len: usize,
    nulls: &'a Nulls,
}

impl Job<'_> {
    fn flat<A: Copy, B: Copy, T: Copy + Default>(
        self,
        (a, ac): (&[A], bool),
        (b, bc): (&[B], bool),
        f: impl Fn(A, B) -> Option<T>,
    ) -> Outcome<Vec<T>> {
        let Job { rows, len, nulls } = self;
        match (ac, bc) {
            (false, false) => drive(rows, len, nulls, |i| f(a[i], b[i])),
            (false, true) => {
                let right = b[0];
                drive(rows, len, nulls, |i| f(a[i], right))
            }
            (true, false) => {
                let left = a[0];
                drive(rows, len, nulls, |i| f(left, b[i]))
            }
            (true, true) => drive(rows, len, nulls, |_| f(a[0], b[0])),
        }
    }

    fn ints<A: Copy + Into<i64>, B: Copy + Into<i64>, T: Copy + Default + TryFrom<i64>>(
        self,
        op: Op,
        a: (&[A], bool),
        b: (&[B], bool),
    ) -> Outcome<Vec<T>> {
        let fit = |v: Option<i64>| v.and_then(|v| T::try_from(v).ok());
        match op {
            Op::Add => self.flat(a, b, |x, y| fit(x.into().checked_add(y.into()))),
            Op::Sub => self.flat(a, b, |x, y| fit(x.into().checked_sub(y.into()))),
            Op::Mul => self.flat(a, b, |x, y| fit(x.into().checked_mul(y.into()))),
            Op::Div => self.flat(a, b, |x, y| fit(x.into().checked_div(y.into()))),
            // x % -1 is 0 even for the smallest x.
            Op::Rem => self.flat(a, b, |x, y| match y.into() {
                -1 => T::try_from(0).ok(),
                y => fit(x.into().checked_rem(y)),
            }),
        }
    }

    fn floats<A: Copy + Into<f64>, B: Copy + Into<f64>>(
        self,
        op: Op,
        a: (&[A], bool),
        b: (&[B], bool),
    ) -> Outcome<Vec<f64>> {
        let sum = |x: f64, y: f64, z: f64| {
            (z.is_finite() || x.is_infinite() || y.is_infinite() || z.is_nan()).then_some(z)
        };
        match op {
            Op::Add => self.flat(a, b, |x, y| sum(x.into(), y.into(), x.into() + y.into())),
            Op::Sub => self.flat(a, b, |x, y| sum(x.into(), y.into(), x.into() - y.into())),
            Op::Mul => self.flat(a, b, |x, y| {
                let (x, y): (f64, f64) = (x.into(), y.into());
                let z = x * y;
                sum(x, y, z).filter(|z| *z != 0.0 || x == 0.0 || y == 0.0)
            }),
            Op::Div => self.flat(a, b, |x, y| {
                let (x, y): (f64, f64) = (x.into(), y.into());
                let z = x / y;
                let defined = y != 0.0 || x.is_nan();
                (defined && (z.is_finite() || x.is_infinite() || z.is_nan()))
                    .then_some(z)
                    .filter(|z| *z != 0.0 || x == 0.0 || y.is_infinite())
            }),
            Op::Rem => Err(0),
        }
    }

    fn singles(self, op: Op, a: (&[f32], bool), b: (&[f32], bool)) -> Outcome<Vec<f32>> {
        let sum = |x: f32, y: f32, z: f32| {
            (z.is_finite() || x.is_infinite() || y.is_infinite() || z.is_nan()).then_some(z)
        };
        match op {
            Op::Add => self.flat(a, b, |x, y| sum(x, y, x + y)),
            Op::Sub => self.flat(a, b, |x, y| sum(x, y, x - y)),
            Op::Mul => self.flat(a, b, |x, y| sum(x, y, x * y).filter(|z| *z != 0.0 || x == 0.0 || y == 0.0)),
            Op::Div => self.flat(a, b, |x, y| {
                let z = x / y;
                ((y != 0.0 || x.is_nan()) && (z.is_finite() || x.is_infinite() || z.is_nan()))
                    .then_some(z)
                    .filter(|z| *z != 0.0 || x == 0.0 || y.is_infinite())
            }),
            Op::Rem => Err(0),
        }
    }

    fn decimals(
        self,
        op: Op,
        (a, s, ac): (&[i64], u8, bool),
        (b, t, bc): (&[i64], u8, bool),
    ) -> Option<(u8, Vec<i64>)> {
        let (a, b) = ((a, ac), (b, bc));
        if op == Op::Mul {
            let scale = s.checked_add(t).filter(|&s| s < u8::MAX)?;
            return Some((scale, self.flat(a, b, i64::checked_mul).ok()?));
        }
        let scale = s.max(t);
        let lift = |by: u8| 10i64.checked_pow(u32::from(by));
        let (p, q) = (lift(scale - s)?, lift(scale - t)?);
        let values = match (op, p, q) {
            (Op::Add, 1, 1) => self.flat(a, b, i64::checked_add),
            (Op::Sub, 1, 1) => self.flat(a, b, i64::checked_sub),
            (Op::Add, ..) => {
                self.flat(a, b, |x: i64, y: i64| x.checked_mul(p)?.checked_add(y.checked_mul(q)?))
            }
            _ => self.flat(a, b, |x: i64, y: i64| x.checked_mul(p)?.checked_sub(y.checked_mul(q)?)),
        };
        Some((scale, values.ok()?))
    }
}

impl Arith {
    pub(super) fn eval(&self, batch: &Batch, rows: Rows<'_>, cx: &mut ExecCx<'_>) -> Result<Arc<Vector>> {
        let a = self.call.args[0].eval(batch, rows, cx)?;
        let b = self.call.args[1].eval(batch, rows, cx)?;
        if is_null_constant(&a) || is_null_constant(&b) || rows.is_empty() {
            return Ok(null_constant(self.call.result.oid));
        }
        let constant = a.constant && b.constant;
        let (rows, len) = if constant { (Rows::All(1), 1) } else { (rows, batch.len) };
        let nulls = union_nulls(&a, &b);
        let job = Job { rows, len, nulls: &nulls };
        let values = match self.family {
            Family::Int => self.integers(job, &a, &b),
            Family::Float => self.floats(job, &a, &b),
            Family::Date => self.dates(job, &a, &b),
            Family::Numeric => return self.numerics(job, &a, &b, constant, cx),
        };
        match values {
            Some(Ok(values)) => Ok(Arc::new(Vector { values, nulls, constant })),
            // The body finds the error, or the value where the kernel is more careful than it needs to be.
            Some(Err(_)) | None => self.call.apply_rows(&[&a, &b], rows, len, cx),
        }
    }

    fn integers(&self, job: Job<'_>, a: &Vector, b: &Vector) -> Option<Outcome<Values>> {
        macro_rules! to {
            ($x:expr, $y:expr, $result:ident) => {
                job.ints(self.op, ($x, a.constant), ($y, b.constant)).map(Values::$result)
            };
        }
        Some(match (&a.values, &b.values) {
            (Values::I32(x), Values::I32(y)) => to!(x, y, I32),
            (Values::I64(x), Values::I64(y)) => to!(x, y, I64),
            (Values::I16(x), Values::I16(y)) => to!(x, y, I16),
            (Values::I16(x), Values::I32(y)) => to!(x, y, I32),
            (Values::I32(x), Values::I16(y)) => to!(x, y, I32),
            (Values::I32(x), Values::I64(y)) => to!(x, y, I64),
            (Values::I64(x), Values::I32(y)) => to!(x, y, I64),
            (Values::I16(x), Values::I64(y)) => to!(x, y, I64),
            (Values::I64(x), Values::I16(y)) => to!(x, y, I64),
            _ => return None,
        })
    }

    fn floats(&self, job: Job<'_>, a: &Vector, b: &Vector) -> Option<Outcome<Values>> {
        let (ac, bc) = (a.constant, b.constant);
        Some(match (&a.values, &b.values) {
            (Values::F64(x), Values::F64(y)) => job.floats(self.op, (x, ac), (y, bc)).map(Values::F64),
            (Values::F32(x), Values::F64(y)) => job.floats(self.op, (x, ac), (y, bc)).map(Values::F64),
            (Values::F64(x), Values::F32(y)) => job.floats(self.op, (x, ac), (y, bc)).map(Values::F64),
            (Values::F32(x), Values::F32(y)) => job.singles(self.op, (x, ac), (y, bc)).map(Values::F32),
            _ => return None,
        })
    }

    /// Dates well inside the calendar; the body judges the others.
    fn dates(&self, job: Job<'_>, a: &Vector, b: &Vector) -> Option<Outcome<Values>> {
        const SAFE: i32 = 1_000_000;
        let (Values::I32(x), Values::I32(y)) = (&a.values, &b.values) else { return None };
        let sign = if self.op == Op::Sub { -1 } else { 1 };
        let near = |v: i32| (-SAFE..SAFE).contains(&v);
        let add = |day: i32, days: i32| (near(day) && near(days)).then(|| day + sign * days);
        Some(job.flat((x, a.constant), (y, b.constant), add).map(Values::I32))
    }

    fn numerics(
        &self,
        job: Job<'_>,
        a: &Vector,
        b: &Vector,
        constant: bool,
        cx: &mut ExecCx<'_>,
    ) -> Result<Arc<Vector>> {
        if let (Values::Decimal(s, x), Values::Decimal(t, y)) = (&a.values, &b.values)
            && let Some((scale, out)) = job.decimals(self.op, (x, *s, a.constant), (y, *t, b.constant))
        {
            let values = Values::Decimal(scale, out);
            return Ok(Arc::new(Vector { values, nulls: job.nulls.clone(), constant }));
        }
        let mut vector = map_rows(oid::NUMERIC, job.rows, job.len, cx, |row, _| {
            match (a.datum(row, oid::NUMERIC), b.datum(row, oid::NUMERIC)) {
                (Datum::Numeric(x), Datum::Numeric(y)) => self.exact(&x, &y).map(Datum::Numeric),
                _ => Ok(Datum::Null),
            }
        })
        .map_err(|e| e.at(self.call.at))?;
        vector.constant = constant;
        Ok(Arc::new(vector))
    }

    fn exact(&self, x: &Numeric, y: &Numeric) -> Result<Numeric> {
        match self.op {
            Op::Add => x.add(y),
            Op::Sub => x.sub(y),
            Op::Mul => x.mul(y),
            Op::Div => x.div(y),
            Op::Rem => x.rem(y),
        }
    }
}
