//! `count`, `sum`, `avg`.

use super::{State, first_type};
use crate::error::Result;
use crate::func::args::{Money, arg};
use crate::func::float::{add4, add8, overflow};
use crate::func::{Aggregate, EvalCx};
use crate::sql_err;
use crate::types::datetime::interval;
use crate::types::numeric::NumericSum;
use crate::types::oid::{FLOAT4, FLOAT8, INT2, INT4, INT8, INTERVAL, MONEY};
use crate::types::{DataType, Datum, Interval, Numeric};

/// `count(*)` and `count(value)`; rows that do not count are not added.
#[derive(Default)]
struct Count(i64);

impl State for Count {
    fn take(&mut self, _: &mut EvalCx<'_>, _: &[Datum]) -> Result<()> {
        self.0 += 1;
        Ok(())
    }

    fn absorb(&mut self, other: &mut Self) -> Result<()> {
        self.0 += other.0;
        Ok(())
    }

    fn result(&mut self, _: &mut EvalCx<'_>) -> Result<Datum> {
        Ok(Datum::Int8(self.0))
    }
}

/// Integers: the total in 128 bits, which 2^63 values of 64 bits cannot exceed.
struct Integers {
    count: i64,
    total: i128,
    result: IntegerResult,
}

#[derive(Clone, Copy)]
enum IntegerResult {
    /// `sum(int2)`, `sum(int4)`
    Big,
    /// `sum(int8)`
    Numeric,
    /// `avg`
    Average,
}

impl State for Integers {
    fn take(&mut self, _: &mut EvalCx<'_>, args: &[Datum]) -> Result<()> {
        self.total += match args {
            [Datum::Int4(v)] => i128::from(*v),
            [Datum::Int8(v)] => i128::from(*v),
            [Datum::Int2(v)] => i128::from(*v),
            _ => return Err(crate::error::SqlError::internal("sum of a value that is no integer")),
        };
        self.count += 1;
        Ok(())
    }

    fn absorb(&mut self, other: &mut Self) -> Result<()> {
        self.count += other.count;
        self.total += other.total;
        Ok(())
    }

    fn result(&mut self, _: &mut EvalCx<'_>) -> Result<Datum> {
        if self.count == 0 {
            return Ok(Datum::Null);
        }
        Ok(match self.result {
            IntegerResult::Big => match i64::try_from(self.total) {
                Ok(total) => Datum::Int8(total),
                Err(_) => return Err(sql_err!(NUMERIC_VALUE_OUT_OF_RANGE, "bigint out of range")),
            },
            IntegerResult::Numeric => Datum::Numeric(Numeric::from_i128(self.total)),
            IntegerResult::Average => {
                Datum::Numeric(Numeric::from_i128(self.total).div(&Numeric::from_i64(self.count))?)
            }
        })
    }
}

/// `sum(numeric)` and `avg(numeric)`.
struct Numerics {
    total: NumericSum,
    average: bool,
}

impl State for Numerics {
    fn take(&mut self, _: &mut EvalCx<'_>, args: &[Datum]) -> Result<()> {
        self.total.add(arg(args, 0)?);
        Ok(())
    }

    fn absorb(&mut self, other: &mut Self) -> Result<()> {
        self.total.merge(&other.total);
        Ok(())
    }

    fn result(&mut self, _: &mut EvalCx<'_>) -> Result<Datum> {
        let value = if self.average { self.total.avg()? } else { self.total.sum()? };
        Ok(value.map_or(Datum::Null, Datum::Numeric))
    }
}

/// `sum(float4)`: in single precision, as the type's own addition.
#[derive(Default)]
struct Float4Sum(Option<f32>);

impl State for Float4Sum {
    fn take(&mut self, _: &mut EvalCx<'_>, args: &[Datum]) -> Result<()> {
        let v: f32 = arg(args, 0)?;
        self.0 = Some(match self.0 {
            Some(total) => add4(total, v)?,
            None => v,
        });
        Ok(())
    }

    fn absorb(&mut self, other: &mut Self) -> Result<()> {
        self.0 = match (self.0, other.0) {
            (Some(a), Some(b)) => Some(add4(a, b)?),
            (a, b) => a.or(b),
        };
        Ok(())
    }

    fn result(&mut self, _: &mut EvalCx<'_>) -> Result<Datum> {
        Ok(self.0.map_or(Datum::Null, Datum::Float4))
    }
}

/// `sum(float8)`.
#[derive(Default)]
struct Float8Sum(Option<f64>);

impl State for Float8Sum {
    fn take(&mut self, _: &mut EvalCx<'_>, args: &[Datum]) -> Result<()> {
        let v: f64 = arg(args, 0)?;
        self.0 = Some(match self.0 {
            Some(total) => add8(total, v)?,
            None => v,
        });
        Ok(())
    }

    fn absorb(&mut self, other: &mut Self) -> Result<()> {
        self.0 = match (self.0, other.0) {
            (Some(a), Some(b)) => Some(add8(a, b)?),
            (a, b) => a.or(b),
        };
        Ok(())
    }

    fn result(&mut self, _: &mut EvalCx<'_>) -> Result<Datum> {
        Ok(self.0.map_or(Datum::Null, Datum::Float8))
    }
}

/// `sum(money)`
#[derive(Default)]
struct MoneySum(Option<i64>);

impl MoneySum {
    fn add(&mut self, cents: i64) -> Result<()> {
        let total = self.0.unwrap_or(0).checked_add(cents);
        self.0 = Some(total.ok_or_else(crate::types::money::out_of_range)?);
        Ok(())
    }
}

impl State for MoneySum {
    fn take(&mut self, _: &mut EvalCx<'_>, args: &[Datum]) -> Result<()> {
        let Money(cents) = arg(args, 0)?;
        self.add(cents)
    }

    fn absorb(&mut self, other: &mut Self) -> Result<()> {
        other.0.map_or(Ok(()), |cents| self.add(cents))
    }

    fn result(&mut self, _: &mut EvalCx<'_>) -> Result<Datum> {
        Ok(self.0.map_or(Datum::Null, Datum::Money))
    }
}

/// `avg(float4)` and `avg(float8)`.
#[derive(Default)]
struct FloatAverage {
    count: f64,
    total: f64,
}

impl State for FloatAverage {
    fn take(&mut self, _: &mut EvalCx<'_>, args: &[Datum]) -> Result<()> {
        let v = match args {
            [Datum::Float4(v)] => f64::from(*v),
            args => arg(args, 0)?,
        };
        let total = self.total + v;
        if total.is_infinite() && self.total.is_finite() && v.is_finite() {
            return Err(overflow());
        }
        self.total = total;
        self.count += 1.0;
        Ok(())
    }

    fn absorb(&mut self, other: &mut Self) -> Result<()> {
        self.total = add8(self.total, other.total)?;
        self.count += other.count;
        Ok(())
    }

    fn result(&mut self, _: &mut EvalCx<'_>) -> Result<Datum> {
        Ok(if self.count == 0.0 { Datum::Null } else { Datum::Float8(self.total / self.count) })
    }
}

/// `sum(interval)` and `avg(interval)`; infinite values are counted apart.
struct Intervals {
    finite: i64,
    total: Interval,
    infinite: i64,
    minus_infinite: i64,
    average: bool,
}

const INFINITE: Interval = Interval { months: i32::MAX, days: i32::MAX, micros: i64::MAX };
const MINUS_INFINITE: Interval = Interval { months: i32::MIN, days: i32::MIN, micros: i64::MIN };

impl State for Intervals {
    fn take(&mut self, _: &mut EvalCx<'_>, args: &[Datum]) -> Result<()> {
        let v: &Interval = arg(args, 0)?;
        match (v.months, v.days, v.micros) {
            (i32::MAX, i32::MAX, i64::MAX) => self.infinite += 1,
            (i32::MIN, i32::MIN, i64::MIN) => self.minus_infinite += 1,
            _ => {
                self.total = interval::add(&self.total, v)?;
                self.finite += 1;
            }
        }
        Ok(())
    }

    fn absorb(&mut self, other: &mut Self) -> Result<()> {
        self.total = interval::add(&self.total, &other.total)?;
        self.finite += other.finite;
        self.infinite += other.infinite;
        self.minus_infinite += other.minus_infinite;
        Ok(())
    }

    fn result(&mut self, _: &mut EvalCx<'_>) -> Result<Datum> {
        let value = match (self.infinite > 0, self.minus_infinite > 0) {
            (true, true) => return Err(sql_err!(DATETIME_FIELD_OVERFLOW, "interval out of range")),
            (true, false) => INFINITE,
            (false, true) => MINUS_INFINITE,
            (false, false) if self.finite == 0 => return Ok(Datum::Null),
            (false, false) if self.average => interval::div(&self.total, self.finite as f64)?,
            (false, false) => self.total,
        };
        Ok(Datum::Interval(value.into()))
    }
}

/// `count`
pub(in crate::func) fn agg_count(_: &[DataType]) -> Box<dyn Aggregate> {
    Box::new(Count::default())
}

/// `sum`
pub(in crate::func) fn agg_sum(types: &[DataType]) -> Box<dyn Aggregate> {
    match first_type(types) {
        INT2 | INT4 => Box::new(Integers { count: 0, total: 0, result: IntegerResult::Big }),
        INT8 => Box::new(Integers { count: 0, total: 0, result: IntegerResult::Numeric }),
        FLOAT4 => Box::new(Float4Sum::default()),
        FLOAT8 => Box::new(Float8Sum::default()),
        INTERVAL => intervals(false),
        MONEY => Box::new(MoneySum::default()),
        _ => Box::new(Numerics { total: NumericSum::default(), average: false }),
    }
}

/// `avg`
pub(in crate::func) fn agg_avg(types: &[DataType]) -> Box<dyn Aggregate> {
    match first_type(types) {
        INT2 | INT4 | INT8 => Box::new(Integers { count: 0, total: 0, result: IntegerResult::Average }),
        FLOAT4 | FLOAT8 => Box::new(FloatAverage::default()),
        INTERVAL => intervals(true),
        _ => Box::new(Numerics { total: NumericSum::default(), average: true }),
    }
}

fn intervals(average: bool) -> Box<dyn Aggregate> {
    let total = Interval { months: 0, days: 0, micros: 0 };
    Box::new(Intervals { finite: 0, total, infinite: 0, minus_infinite: 0, average })
}
