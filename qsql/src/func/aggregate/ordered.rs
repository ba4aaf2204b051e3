//! Ordered-set aggregates: `percentile_cont`, `percentile_disc`, `mode` WITHIN GROUP (ORDER BY ...).
//!
//! The rows arrive sorted; in each, the direct argument comes before the value.

use std::sync::Arc;

use super::State;
use crate::error::{Result, SqlError};
use crate::func::{Aggregate, EvalCx};
use crate::sql_err;
use crate::types::compare::compare;
use crate::types::datetime::interval;
use crate::types::{Array, DataType, Datum, Oid};

/// Values in order and the direct argument.
struct Percentile {
    fraction: Datum,
    values: Vec<Datum>,
    heap: usize,
    element: Oid,
    continuous: bool,
}

impl Percentile {
    fn at(&self, fraction: f64) -> Result<Datum> {
        if !(0.0..=1.0).contains(&fraction) {
            return Err(sql_err!(
                NUMERIC_VALUE_OUT_OF_RANGE,
                "percentile value {fraction} is not between 0 and 1"
            ));
        }
        let count = self.values.len();
        if !self.continuous {
            let row = (fraction * count as f64).ceil() as usize;
            return Ok(self.values[row.max(1) - 1].clone());
        }
        let place = fraction * (count - 1) as f64;
        let (low, high) = (place.floor() as usize, place.ceil() as usize);
        if low == high {
            return Ok(self.values[low].clone());
        }
        between(&self.values[low], &self.values[high], place - low as f64)
    }
}

/// The value at `part` of the way from `low` to `high`.
fn between(low: &Datum, high: &Datum, part: f64) -> Result<Datum> {
    match (low, high) {
        (Datum::Float8(low), Datum::Float8(high)) => Ok(Datum::Float8(low + part * (high - low))),
        (Datum::Interval(low), Datum::Interval(high)) => {
            let step = interval::mul(&interval::sub(high, low)?, part)?;
            Ok(Datum::Interval(Arc::new(interval::add(low, &step)?)))
        }
        _ => Err(SqlError::internal("percentile of values that cannot be interpolated")),
    }
}

impl State for Percentile {
    fn take(&mut self, _: &mut EvalCx<'_>, args: &[Datum]) -> Result<()> {
        let [fraction, value] = args else {
            return Err(SqlError::internal("percentile takes two arguments"));
        };
        if !value.is_null() {
            if self.values.is_empty() {
                self.fraction = fraction.clone();
            }
            self.heap += value.heap_bytes();
            self.values.push(value.clone());
        }
        Ok(())
    }

    fn absorb(&mut self, _: &mut Self) -> Result<()> {
        Err(SqlError::internal("ordered-set aggregates are not merged"))
    }

    fn result(&mut self, _: &mut EvalCx<'_>) -> Result<Datum> {
        if self.values.is_empty() {
            return Ok(Datum::Null);
        }
        match &self.fraction {
            Datum::Float8(fraction) => self.at(*fraction),
            Datum::Array(fractions) => {
                let items = fractions.items.iter().map(|fraction| match fraction {
                    Datum::Float8(fraction) => self.at(*fraction),
                    _ => Ok(Datum::Null),
                });
                let items = items.collect::<Result<Vec<_>>>()?;
                Ok(Datum::Array(Arc::new(Array {
                    element: self.element,
                    dims: fractions.dims.clone(),
                    items,
                })))
            }
            _ => Ok(Datum::Null),
        }
    }

    fn heap_bytes(&self) -> usize {
        self.heap + self.values.capacity() * std::mem::size_of::<Datum>()
    }
}

/// The longest run of equal values so far, and the current one.
struct Mode {
    ty: Oid,
    best: Datum,
    best_count: u64,
    current: Datum,
    current_count: u64,
}

impl State for Mode {
    fn take(&mut self, _: &mut EvalCx<'_>, args: &[Datum]) -> Result<()> {
        let Some(value) = args.first().filter(|v| !v.is_null()) else { return Ok(()) };
        if self.current_count > 0 && compare(&self.current, value, self.ty).is_eq() {
            self.current_count += 1;
        } else {
            self.current = value.clone();
            self.current_count = 1;
        }
        if self.current_count > self.best_count {
            self.best_count = self.current_count;
            if self.current_count == 1 || compare(&self.best, &self.current, self.ty).is_ne() {
                self.best = self.current.clone();
            }
        }
        Ok(())
    }

    fn absorb(&mut self, _: &mut Self) -> Result<()> {
        Err(SqlError::internal("ordered-set aggregates are not merged"))
    }

    fn result(&mut self, _: &mut EvalCx<'_>) -> Result<Datum> {
        Ok(self.best.clone())
    }

    fn heap_bytes(&self) -> usize {
        self.best.heap_bytes() + self.current.heap_bytes()
    }
}

fn percentile(types: &[DataType], continuous: bool) -> Box<dyn Aggregate> {
    let element = types.get(1).map_or(0, |ty| ty.oid);
    Box::new(Percentile { fraction: Datum::Null, values: Vec::new(), heap: 0, element, continuous })
}

/// `percentile_cont`
pub(in crate::func) fn agg_percentile_cont(types: &[DataType]) -> Box<dyn Aggregate> {
    percentile(types, true)
}

/// `percentile_disc`
pub(in crate::func) fn agg_percentile_disc(types: &[DataType]) -> Box<dyn Aggregate> {
    percentile(types, false)
}

/// `mode`
pub(in crate::func) fn agg_mode(types: &[DataType]) -> Box<dyn Aggregate> {
    let ty = types.first().map_or(0, |ty| ty.oid);
    Box::new(Mode { ty, best: Datum::Null, best_count: 0, current: Datum::Null, current_count: 0 })
}
